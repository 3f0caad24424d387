# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.plugin_utils._in_process import InProcess, described


class ActionModule(InProcess):
    module = described("harbor_history_info")
