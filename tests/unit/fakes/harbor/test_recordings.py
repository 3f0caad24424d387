# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fake Harbor against the recorded answers of a real one; waiting means moving the fake's clock."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from fakes.harbor import Harbor
from fakes.serve import serving

DATA = Path(__file__).resolve().parents[3] / "data"
FILES = sorted(path for path in (DATA / "harbor").glob("*.json") if path.name != "retention_cases.json")


def load_replay():
    spec = importlib.util.spec_from_file_location("replay_harbor", DATA / "replay_harbor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def relaxed(expected):
    """Accept any configuration of an image: the state does not have it, so no fake can know it."""
    if isinstance(expected, list):
        return [relaxed(item) for item in expected]
    if isinstance(expected, dict):
        return {key: {"$any": True} if key == "extra_attrs" else relaxed(item) for key, item in expected.items()}
    return expected


def read(path):
    recording = json.loads(path.read_text(encoding="utf-8"))
    for exchange in recording["exchanges"]:
        body = exchange.get("expect", {}).get("body")
        if body is not None:
            exchange["expect"]["body"] = relaxed(body)
    return recording


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_answers_like_the_recording(path):
    recording = read(path)
    with serving(Harbor(recording["state"])) as url:
        passed, failures = load_replay().replay(url, recording, fake=True)
    assert failures == []
    assert passed == len(recording["exchanges"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_gives_the_state_of_the_recording_back_so_that_it_replays_again(path):
    recording = read(path)
    with serving(Harbor(Harbor(recording["state"]).state())) as url:
        _passed, failures = load_replay().replay(url, recording, fake=True)
    assert failures == []


def test_no_recording_is_missing():
    assert sum(len(read(path)["exchanges"]) for path in FILES) == 1710
