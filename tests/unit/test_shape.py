# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new module or role must bring along, and must not do by itself."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
import yaml
from contract.histories import HISTORIES
from contract.rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
DOCUMENTED = sorted(PLUGINS.glob("modules/*.py"))
# Modules that are no more than the documentation of an action plugin, as they talk to no registry.
REPORTING = ["export_variables", "history_report", "plan_report"]
MODULES = [path for path in DOCUMENTED if path.stem not in REPORTING]
NAMES = [path.stem for path in MODULES]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
SHARED = sorted(PLUGINS.glob("module_utils/**/*.py"))
SHARED_NAMES = [f"{path.parent.name}.{path.stem}" for path in SHARED]
FAKES = sorted((ROOT / "tests" / "fakes").glob("**/*.py"))
CORE = "_core"
HOME = "ansible_collections.registry.hygiene.plugins.module_utils"
IMPORT = re.compile(rf"^\s*from {re.escape(HOME)}\.(\S+) import (.+)", re.MULTILINE)
each_module = pytest.mark.parametrize("module", MODULES, ids=NAMES)
each_documented = pytest.mark.parametrize("module", DOCUMENTED, ids=[path.stem for path in DOCUMENTED])
each_role = pytest.mark.parametrize("role", ROLES, ids=[path.name for path in ROLES])
MOST_LINES = 80
MOST_FAKE_LINES = 520
# What only the engine, the mounts and the client may know.
ENGINE_ONLY = {"fail_json", "exit_json", "AnsibleModule", "check_mode", "requests"}


def documents(path: Path) -> dict:
    """Return the texts of DOCUMENTATION, EXAMPLES and RETURN, parsed."""
    assigned = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            assigned[node.targets[0].id] = yaml.safe_load(node.value.value)
    return assigned


def code(path: Path) -> str:
    """Return the file without its comments and texts."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
    return "\n".join(
        f"{token.start[0]}\t{token.string}"
        for token in tokens
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER)
    )


def options_of(found: object) -> list:
    """Return all keys of all dictionaries in parsed YAML."""
    if isinstance(found, dict):
        return [*found, *(key for value in found.values() for key in options_of(value))]
    return [key for item in found for key in options_of(item)] if isinstance(found, list) else []


def test_there_are_modules_and_roles():
    assert MODULES and ROLES and SHARED


@each_module
def test_a_module_is_short_and_holds_at_most_one_resource(module):
    lines = {line.split("\t")[0] for line in code(module).splitlines()}
    assert len(lines) <= MOST_LINES
    assert sum(isinstance(node, ast.ClassDef) for node in ast.parse(module.read_text()).body) <= 1


@each_module
def test_a_module_leaves_to_the_engine_what_is_its(module):
    names = {line.split("\t")[1] for line in code(module).splitlines()}
    assert not names & ENGINE_ONLY


@each_documented
def test_a_module_is_documented_with_full_names(module):
    found = documents(module)
    assert found["RETURN"] and found["EXAMPLES"]
    assert f"registry.hygiene.{module.stem}" in options_of(found["EXAMPLES"])
    assert not [key for key in options_of(found["EXAMPLES"]) if key in NAMES + REPORTING]
    for name in found["DOCUMENTATION"]["extends_documentation_fragment"]:
        if name.startswith("registry.hygiene."):
            assert (PLUGINS / "doc_fragments" / f"{name.split('.')[2]}.py").is_file()


@each_module
def test_a_module_has_a_row_in_the_contract_suite(module):
    reading = [row.module for row in HISTORIES]  # without a twin that writes
    assert module.stem in [name for row in ROWS for name in (row.module, row.info)] + reading


@each_module
def test_a_module_runs_in_process_too(module):
    action = PLUGINS / "action" / module.name
    assert f'described("{module.stem}")' in action.read_text()


@pytest.mark.parametrize("name", REPORTING)
def test_what_only_reports_is_documentation_and_an_action_without_a_registry(name):
    assert not [node for node in ast.parse((PLUGINS / "modules" / f"{name}.py").read_text()).body
                if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import))]  # fmt: skip
    files = [PLUGINS / "action" / f"{name}.py", *PLUGINS.glob("plugin_utils/*.py")]
    reached = set().union(*(imports(path) for path in files if path.stem not in ("_in_process", "_plans")))
    # Plan files are read in one way, by those that write them.
    reading = {f"{CORE}.{part}" for part in ("errors", "figures", "planfile", "spool")}
    assert imports(PLUGINS / "plugin_utils" / "_plans.py") == reading
    # Each registry's own room knows how what it has is declared.
    exports = {item for item in reached if item.endswith(".exported")} if name == "export_variables" else set()
    assert reached == {f"{CORE}.text", *exports}
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    assert name not in [item for members in groups.values() for item in members]


@each_module
def test_a_module_is_in_the_action_group_of_its_registry_and_of_all(module):
    groups = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    registry = {"do": "digitalocean"}.get(module.stem.split("_")[0], module.stem.split("_")[0])
    assert module.stem in groups[registry]
    assert registry in [
        name for item in groups["all"] if isinstance(item, dict) for name in item["metadata"]["extend_group"]
    ]


@each_documented
def test_a_module_is_in_the_readme(module):
    assert f"`{module.stem}`" in (ROOT / "README.md").read_text()


@each_role
def test_a_role_has_specs_a_readme_and_a_scenario(role):
    assert (role / "meta/argument_specs.yml").is_file() and (role / "README.md").is_file()
    assert (ROOT / "extensions/molecule" / role.name / "molecule.yml").is_file()


def imports(path: Path) -> set:
    """Return room.file of everything in module_utils that a file imports."""
    text = re.sub(r"\(([^)]*)\)", lambda found: found.group(1).replace("\n", " "), path.read_text())
    found = set()
    for place, names in IMPORT.findall(text):
        files = [name.split()[0] for name in names.split(",") if name.strip()] if "." not in place else [""]
        found.update(f"{place}.{name}".rstrip(".") for name in files)
    return found


each_shared = pytest.mark.parametrize("path", SHARED, ids=SHARED_NAMES)


@each_shared
def test_only_one_file_imports_each_library(path):
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", path.read_text(), re.MULTILINE))
    name = f"{path.parent.name}/{path.name}"
    assert ("requests" in imported) == (name == "_core/transport.py")
    assert ("jsonschema" in imported) == (name == "_core/schema.py")
    assert ("AnsibleModule" in code(path)) == (name == "_core/module.py")


@each_shared
def test_a_room_opens_to_the_core_alone(path):
    room = path.parent.name
    assert path.parent.parent.name == "module_utils", "every file belongs to a room"
    assert {name.split(".")[0] for name in imports(path)} <= {room, CORE}


def test_the_rooms_import_in_no_circle():
    waiting = {name: imports(path) for name, path in zip(SHARED_NAMES, SHARED)}
    assert set().union(*waiting.values()) <= set(waiting)
    while waiting:
        free = [name for name, needed in waiting.items() if not needed & set(waiting)]
        assert free, f"a circle among {sorted(waiting)}"
        for name in free:
            del waiting[name]


@pytest.mark.parametrize("path", FAKES, ids=[f"{path.parent.name}.{path.stem}" for path in FAKES])
def test_a_fake_is_made_of_files_that_can_be_read(path):
    assert len(path.read_text().splitlines()) <= MOST_FAKE_LINES
