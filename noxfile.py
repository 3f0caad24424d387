# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# /// script
# dependencies = ["nox", "antsibull-nox"]
# ///

"""The checks of this collection, one session each: nox -l"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / ".build"
TREE = BUILD / "ansible_collections" / "registry" / "hygiene"
WITH_AWX = "ansible==12.3.0"  # has awx.awx 24.6.1 in it
IMPORTER = "galaxy-importer==0.4.44"  # asks for old versions of flake8 and attrs: needs an environment of its own

# ansible-core and the versions of Python that it runs on, the first that is found counts.
CORES = {
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.20": ("3.12", "3.13", "3.14"),
    "2.21": ("3.12", "3.13", "3.14"),
}
EACH_CORE = [nox.param(core, id=core) for core in CORES]
CORE_TOOLS = [
    "ansible-runner",
    "hypothesis",
    "jsonschema",
    "pytest",
    "pytest-xdist",
    "requests",
    "virtualenv",
    "werkzeug",
]

nox.options.default_venv_backend = "none"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["units", "sanity", "lint", "docs", "molecule", "build", "test-awx-kit"]
os.environ.update(
    PATH=f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
    ANSIBLE_COLLECTIONS_PATH=str(BUILD),
    ANSIBLE_HOME=str(BUILD / "ansible"),
    ANSIBLE_REMOTE_TEMP=str(BUILD / "ansible" / "tmp"),
    XDG_CACHE_HOME=str(BUILD / "cache"),
)
antsibull_nox.load_antsibull_nox_toml()


def enter_tree(session):
    """Brings .venv and the copy of the collection up to date, and goes there."""
    for script in ("venv.py", "tree.py"):
        subprocess.check_call([sys.executable, str(ROOT / ".ci" / script)])
    session.chdir(TREE)


@nox.session
def units(session):
    """Unit tests; options for pytest behind --."""
    enter_tree(session)
    session.run("pytest", *(session.posargs or ["-n", "2"]), env={"PYTHONPATH": str(BUILD)})


@nox.session
def sanity(session):
    """ansible-test sanity; its options behind --."""
    enter_tree(session)
    session.run("python", str(ROOT / ".ci" / "ansible_test_pip.py"))
    python = session.run("python", "-c", "import sys; print('%s.%s' % sys.version_info[:2])", silent=True).strip()
    session.run("ansible-test", "sanity", "--venv", "--requirements", "--python", python, *session.posargs)


def find_python(versions):
    """The first of these versions of Python that is here and has venv, None if none is: on the path, or by pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in versions:
        found = [sys.executable, shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
        for python in filter(None, found):
            code = "import ensurepip, sys, venv; print('%s.%s' % sys.version_info[:2])"
            run = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=False)
            if run.stdout.strip() == version:
                return str(python), version
    return None


def enter_core(session, core):
    """Goes to the tree with an environment that has this ansible-core; returns its bin and its version of Python."""
    found = find_python(CORES[core])
    if found is None:
        stop = session.error if os.environ.get("CI") else session.skip
        stop(f"ansible-core {core} needs Python {', '.join(CORES[core])}: none of them is here")
    enter_tree(session)
    python, version = found
    place = BUILD / "cores" / core
    pins = BUILD / "cores" / f"{core}.txt"
    place.parent.mkdir(exist_ok=True)
    lines = (ROOT / "tests" / "requirements.txt").read_text().splitlines(keepends=True)
    pins.write_text("".join(line for line in lines if not line.startswith("ansible-core")))
    if not (place / "bin" / f"python{version}").exists():
        session.run(python, "-m", "venv", "--clear", str(place), external=True)
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", str(pins))
    session.run(str(place / "bin" / "python"), *install, f"ansible-core=={core}.*", *CORE_TOOLS, external=True)
    session.env["PATH"] = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return place / "bin", version


@nox.session
@nox.parametrize("core", EACH_CORE)
def cores(session, core):
    """Unit tests of what meets Ansible, on each ansible-core that a Python is here for; pytest's options behind --."""
    place, _version = enter_core(session, core)
    parts = ("plugins", "playbooks", "test_shape.py", "test_runner.py")
    what = session.posargs or ["-n", "2", *(f"tests/unit/{part}" for part in parts)]
    session.run(str(place / "pytest"), "-p", "no:cacheprovider", *what, env={"PYTHONPATH": str(BUILD)}, external=True)


@nox.session(name="sanity-cores")
@nox.parametrize("core", EACH_CORE)
def sanity_cores(session, core):
    """ansible-test sanity, on each ansible-core that a Python is here for; its options behind --."""
    place, version = enter_core(session, core)
    session.run(str(place / "python"), str(ROOT / ".ci" / "ansible_test_pip.py"), external=True)
    command = ("sanity", "--venv", "--requirements", "--python", version)
    session.run(str(place / "ansible-test"), *command, *session.posargs, external=True)


@nox.session
def lint(session):
    """All of the sessions ruff, yamllint, changelog, reuse, nox-config, extra-checks, ansible-lint."""
    for name in ("ruff", "yamllint", "changelog", "reuse", "nox-config", "extra-checks", "ansible-lint"):
        session.notify(name)


@nox.session
def ruff(session):
    """Python formatting and style."""
    enter_tree(session)
    session.run("ruff", "format", "--check")
    session.run("ruff", "check")


@nox.session
def yamllint(session):
    """YAML style."""
    enter_tree(session)
    session.run("yamllint", "--strict", ".")


@nox.session
def changelog(session):
    """Changelog fragments."""
    enter_tree(session)
    session.run("antsibull-changelog", "lint")


@nox.session
def reuse(session):
    """Licence and copyright of each file."""
    enter_tree(session)
    session.run("reuse", "lint")


@nox.session(name="nox-config")
def nox_config(session):
    """This file and antsibull-nox.toml."""
    enter_tree(session)
    session.run("antsibull-nox", "lint-config")


@nox.session(name="ansible-lint")
def ansible_lint(session):
    """Roles and playbooks, by the rules of the production profile."""
    enter_tree(session)
    session.run("ansible-lint", *session.posargs)


@nox.session
def docs(session):
    """Documentation of the collection, its modules and its roles."""
    enter_tree(session)
    session.run(
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs", "self"),
        *("--check-extra-docs-refs", "."),
        env={"HOME": str(BUILD)},  # it writes a log file there
    )
    session.run("ansible-doc", "--list", "--type", "module", "registry.hygiene")
    session.run("ansible-doc", "--list", "--type", "role", "registry.hygiene")


@nox.session(venv_backend="virtualenv")
def docsite(session):
    """The documentation as a site in .build/docsite, as the Ansible project makes it; fails on warnings of ours."""
    enter_tree(session)
    site = BUILD / "docsite"
    shutil.rmtree(site, ignore_errors=True)
    site.mkdir()
    session.chdir(site)
    session.env["HOME"] = str(BUILD)  # antsibull-docs writes a log file there
    session.run("antsibull-docs", "sphinx-init", "--use-current", "--dest-dir", ".", "registry.hygiene")
    session.install("--constraint", str(ROOT / "tests" / "requirements.txt"), "--requirement", "requirements.txt")
    # The two commands of the build.sh that is there, which would fail on any warning.
    config = ("--config-file", "antsibull-docs.cfg")
    (site / "rst").chmod(0o755)
    session.run(
        *("antsibull-docs", *config, "collection", "--cleanup", "everything", "--use-current"),
        *("--dest-dir", "rst", "registry.hygiene"),
    )
    sphinx = ("sphinx-build", "-M", "html", "rst", "build", "-c", ".", "-q", "-w", "warnings.txt", "--keep-going")
    session.run(*sphinx, silent=True)
    ours = [line for line in (site / "warnings.txt").read_text().splitlines() if "WARNING: " in line]
    unreachable = "WARNING: failed to reach any of the inventories"
    if any(unreachable in line for line in ours):  # then nothing that is documented elsewhere is found
        elsewhere = rf"{unreachable}|undefined label: '(?!ansible_collections\.registry\.)|target not found: ANSIBLE_"
        ours = [line for line in ours if not re.search(elsewhere, line)]
    if ours:
        session.error("\n".join(["Sphinx warns:", *ours]))
    print(f"Look at {(site / 'build' / 'html' / 'index.html').relative_to(ROOT)}")


@nox.session
def molecule(session):
    """Roles against a fake registry; options for `molecule test` behind --."""
    enter_tree(session)
    session.chdir("extensions")  # in the root it would install the collection into the home directory
    session.run("molecule", "test", *(session.posargs or ["--all"]))


@nox.session(venv_backend="virtualenv")
def build(session):
    """The artefact, imported as Galaxy does it."""
    enter_tree(session)
    session.install("--constraint", str(ROOT / "tests" / "requirements.txt"), IMPORTER)
    shutil.rmtree(BUILD / "dist", ignore_errors=True)
    session.run("ansible-galaxy", "collection", "build", "--output-path", str(BUILD / "dist"))
    session.chdir(BUILD / "dist")
    (artefact,) = Path.cwd().glob("*.tar.gz")
    log = session.run("python", "-m", "galaxy_importer.main", artefact.name, silent=True)
    print(log)
    if re.search(r"^(ERROR|WARNING)", log, re.MULTILINE):  # it exits with 0 on these
        session.error("galaxy-importer complains, see above")


@nox.session(name="test-peers", venv_backend="virtualenv")
def test_peers(session):
    """Our modules and the vendors' own clients on the same fake registries; options for pytest behind --."""
    enter_tree(session)
    session.install("--requirement", "tests/peers/requirements.txt")
    home = BUILD / "peers"  # Huawei's SDK keeps an id of this machine in ~/.huaweicloud
    home.mkdir(parents=True, exist_ok=True)
    # Nothing of the outer environment: it may hold the developer's own accounts and proxies.
    session.run(
        *("pytest", "-p", "no:cacheprovider", "tests/peers", *session.posargs),
        env={"HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": f"{BUILD}{os.pathsep}{TREE / 'tests'}"},
        include_outer_env=False,
    )


def fetch_awx(session):
    """Gets the collection awx.awx from PyPI, once; returns where it is, or would be."""
    place = BUILD / "awx"
    if not (place / "ansible_collections" / "awx" / "awx").is_dir():
        download = ("-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(place), WITH_AWX)
        session.run("python", *download, success_codes=[0, 1])
        for wheel in place.glob("*.whl"):
            with zipfile.ZipFile(wheel) as file:
                file.extractall(
                    place, [name for name in file.namelist() if name.startswith("ansible_collections/awx/")]
                )
            wheel.unlink()
    if not (place / "ansible_collections").is_dir():
        session.warn("awx.awx could not be had: what needs it is skipped")
    return place


@nox.session(name="test-awx-kit", venv_backend="virtualenv")
def test_awx_kit(session):
    """The AWX kit: what it makes in an AWX that is made up, and its jobs on fakes; options for pytest behind --."""
    enter_tree(session)
    session.install("--requirement", "tests/awx/requirements.txt")
    session.run(
        *("pytest", "-p", "no:cacheprovider", "tests/awx", *session.posargs),
        env={"PYTHONPATH": f"{BUILD}{os.pathsep}{TREE / 'tests'}", "AWX_COLLECTIONS": str(fetch_awx(session))},
    )


@nox.session(name="test-real")
def test_real(session):
    """Acceptance tests on the registries that the environment names, or on fakes; options for pytest behind --."""
    enter_tree(session)
    path = f"{BUILD}{os.pathsep}{TREE / 'tests'}"
    command = ("pytest", "-p", "no:cacheprovider", "-v", "-rfE", "--no-header", "tests/real", *session.posargs)
    # nox ends what does not stop within some tenths of a second after Ctrl-C; cleaning up takes longer.
    session.run(*command, env={"PYTHONPATH": path}, interrupt_timeout=None, terminate_timeout=None)
