# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Quay against the recorded answers of a real one."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from fakes.quay import Quay
from fakes.serve import serving

DATA = Path(__file__).resolve().parents[3] / "data"
FILES = sorted(path for path in (DATA / "quay").glob("*.json") if path.name != "prune_cases.json")


def load_replay():
    spec = importlib.util.spec_from_file_location("replay", DATA / "replay.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_like_the_recording(path):
    recording = json.loads(path.read_text(encoding="utf-8"))
    with serving(Quay(recording["state"])) as url:
        passed, failures = load_replay().replay(url, recording)
    assert failures == []
    assert passed == len(recording["exchanges"])


def test_no_recording_is_missing():
    assert sum(len(json.loads(path.read_text(encoding="utf-8"))["exchanges"]) for path in FILES) == 215
