# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes .venv from tests/requirements.txt, and makes it anew when that file or the version of Python changes."""
# Written for any Python 3.6 or newer: one that is too old gets a message instead of a syntax error.

import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
STAMP = os.path.join(VENV, "requirements.txt")
# Not the python in .venv, which may call this script but goes away with it.
PYTHON = getattr(sys, "_base_executable", None) or sys.executable
REQUIREMENTS = os.path.join(ROOT, "tests", "requirements.txt")


def content(path):
    """What the file holds, an empty string if there is none."""
    if not os.path.exists(path):
        return ""
    with open(path) as handle:
        return handle.read()


def create(fallback):
    """An empty virtual environment in .venv; `fallback`: get virtualenv by pip if Python has no venv."""
    shutil.rmtree(VENV, ignore_errors=True)
    try:
        import ensurepip  # noqa: F401  Debian and Ubuntu leave it out together with venv
        import venv  # noqa: F401
    except ImportError:
        if not fallback:
            sys.exit(
                f"{sys.executable} has no venv module. Install it (Debian, Ubuntu: apt install python3-venv), "
                "or name another Python: make test PYTHON=python3.12"
            )
        place = os.path.join(ROOT, ".build", "virtualenv")
        subprocess.check_call([PYTHON, "-m", "pip", "install", "-q", "--target", place, "virtualenv"])
        env = dict(os.environ, PYTHONPATH=place)
        subprocess.check_call([PYTHON, "-m", "virtualenv", "-q", VENV], env=env)
    else:
        subprocess.check_call([PYTHON, "-m", "venv", VENV])


def main():
    if sys.version_info < (3, 11):
        sys.exit(
            f"{sys.executable} is Python {sys.version.split()[0]}; the tests need 3.11 or newer. "
            "Name another one: make test PYTHON=python3.12"
        )
    wanted = f"# Python {sys.version_info[0]}.{sys.version_info[1]}\n{content(REQUIREMENTS)}"
    if content(STAMP) == wanted:
        return
    print("Installing tests/requirements.txt into .venv ...", flush=True)
    create("--fallback" in sys.argv)
    python = os.path.join(VENV, "bin", "python")
    subprocess.check_call([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS])
    with open(STAMP, "w") as handle:
        handle.write(wanted)


if __name__ == "__main__":
    main()
