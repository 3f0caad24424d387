# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One row for each kind of target of each module; test_contract.py says what every row must do."""

from __future__ import annotations

from contract.digitalocean_rows import DIGITALOCEAN_ROWS
from contract.harbor_project_rows import HARBOR_PROJECT_ROWS
from contract.harbor_replication_rows import HARBOR_REPLICATION_ROWS
from contract.harbor_rows import HARBOR_ROWS
from contract.quay_rows import QUAY_ROWS
from contract.swr_rows import SWR_ROWS

ROWS = DIGITALOCEAN_ROWS + HARBOR_ROWS + HARBOR_REPLICATION_ROWS + HARBOR_PROJECT_ROWS + QUAY_ROWS + SWR_ROWS
