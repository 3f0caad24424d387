# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies the collection to .build/ansible_collections/registry/hygiene, where Ansible's tools want it to be."""

import fcntl
import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".build" / "ansible_collections" / "registry" / "hygiene"


def files(folder):
    """Relative paths of all files in `folder` that .gitignore does not exclude."""
    # The repository of the copy looks at either folder: so this works in a source archive without .git, too.
    git = ["git", f"--git-dir={TREE / '.git'}", f"--work-tree={folder}"]
    no_index = {**os.environ, "GIT_INDEX_FILE": str(TREE / ".git" / "no-index")}
    listing = [*git, "ls-files", "-z", "--others", "--exclude-standard"]
    found = subprocess.check_output(listing, cwd=folder, env=no_index, text=True)
    return {path for path in found.split("\0") if path}


def same(source, target):
    """Whether the copy is up to date."""
    if source.is_symlink() or not target.exists():
        return target.is_symlink() and source.is_symlink() and source.readlink() == target.readlink()
    return filecmp.cmp(source, target) and source.stat().st_mode == target.stat().st_mode


def main():
    TREE.mkdir(parents=True, exist_ok=True)
    with open(ROOT / ".build" / "tree.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Without its own repository ansible-test finds the outer one, which ignores the copy: nothing to test.
        if not (TREE / ".git").exists():
            subprocess.check_call(["git", "init", "-q", str(TREE)])
        wanted = files(ROOT)
        if not wanted:
            sys.exit(f"No files found in {ROOT}")
        gone = files(TREE) - wanted
        stale = [path for path in wanted if not same(ROOT / path, TREE / path)]
        for path in gone:
            (TREE / path).unlink()
        for path in stale:
            target = TREE / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copy2(ROOT / path, target, follow_symlinks=False)
        if gone or stale:
            subprocess.check_call(["git", "add", "--all"], cwd=TREE)


if __name__ == "__main__":
    main()
