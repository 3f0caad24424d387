# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lets ansible-test work without network access to the host that it downloads pip's installer from."""

from __future__ import annotations

import shutil
import sys
import urllib.request
from pathlib import Path

from ansible_test._internal.python_requirements import PythonConfig, get_venv_packages
from virtualenv.seed.wheels.embed import get_embed_wheel

INSTALLER = """\
import runpy
import sys

sys.path.insert(0, {wheel!r})
sys.argv[1:] = ["install", "--quiet", "--disable-pip-version-check", {wheel!r}]
runpy.run_module("pip", run_name="__main__")
"""


def main():
    version = get_venv_packages(PythonConfig)["pip"]
    cached = Path.home() / f".ansible/test/cache/get_pip_{version.replace('.', '_')}.py"
    if cached.exists():
        return
    try:
        url = f"https://ci-files.testing.ansible.com/ansible-test/get-pip-{version}.py"
        urllib.request.urlopen(url, timeout=10).close()
    except OSError:
        cached.parent.mkdir(parents=True, exist_ok=True)
        wheel = shutil.copy(get_embed_wheel("pip", "{}.{}".format(*sys.version_info)).path, cached.parent)
        cached.write_text(INSTALLER.format(wheel=str(wheel)))


if __name__ == "__main__":
    main()
