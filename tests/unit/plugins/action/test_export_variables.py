# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries made by chance have is exported, applied, and after all is deleted, applied again."""

from __future__ import annotations

import random
import time

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.registry.hygiene.plugins.module_utils._core import wait
from contract import harbor_replication_rows, harbor_rows, quay_rows, swr_rows
from contract.mounts import action_plugin, as_module
from fakes.harbor import Harbor
from fakes.mount import mounted
from fakes.quay import Quay
from fakes.swr import Swr

SEEDS = range(6)
PATTERNS = [
    None,
    "^v[0-9]+",
    "^dev-",
    "{{ 1 + 1 }}",
    "#jinja2: x",
    "a: b",
    "- 'x' \"y\"",
    "no",
    "\\d",
    "x # y",
    "!!x",
]
QUAY = {"quay_url": "https://quay.test", "quay_token": quay_rows.QUAY_TOKEN}
SWR = swr_rows.KEYS
HARBOR = {"harbor_url": harbor_rows.URL, "harbor_username": "admin", "harbor_password": harbor_rows.PASSWORD}


class Loader(yaml.SafeLoader):
    """Reads what Ansible reads; a text that is marked as no template counts as one."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(wait, "pause", lambda seconds: None)


@pytest.fixture
def export(tmp_path):
    """Return what exports and gives the result, and the text of the file."""

    def run(host="one", check_mode=False, **options):
        options.setdefault("folder", str(tmp_path))
        action = action_plugin("export_variables", options, check_mode)
        action._load_name = "export_variables"
        result = action.run(task_vars={"inventory_hostname": host})
        path = tmp_path / "host_vars" / host / "registry_hygiene.yml"
        return result, path.read_text() if path.exists() else None

    return run


# Quay


def quay(seed: int, foreign: bool) -> Quay:
    """Return a Quay whose policies are of a few kinds, by chance; foreign: also such as the module cannot declare."""
    chance = random.Random(seed)

    def policy() -> dict:
        method, value = chance.choice([("number_of_tags", chance.randint(1, 9)), ("creation_date", "30d")])
        pattern = chance.choice(PATTERNS)
        return {
            "method": method,
            "value": value,
            "tagPattern": pattern,
            "tagPatternMatches": not pattern or chance.random() < 0.7,
        }

    def distinct(number: int) -> list:
        made = [policy() for _number in range(number)]
        alike = {
            (one["method"], one["tagPattern"], one["tagPattern"] and one["tagPatternMatches"]): one for one in made
        }
        return list(alike.values())

    kinds = [[], *(distinct(chance.randint(1, 3)) for _number in range(4))]
    states = ["NORMAL"]
    if foreign:
        one = {"method": "number_of_tags", "value": 3, "tagPattern": "(", "tagPatternMatches": True}
        kinds += [[one], [dict(one, tagPattern="^x"), dict(one, tagPattern="^x", value=4)]]
        kinds += [[dict(one, method="by_moon", tagPattern=None)], [dict(one, value=0, tagPattern="^z"), *kinds[1]]]
        kinds.append([dict(one, tagPattern="\u202e")])
        states += ["NORMAL"] * 8 + ["MIRROR", "READ_ONLY"]

    def space(name: str) -> dict:
        teams = [chance.choice(["team-a/", "team-b/", "web-", "a.b_", ""]) for _number in range(30)]
        names = {f"{team}{chance.choice('xyz')}{number % 13}" for number, team in enumerate(teams)}
        rows = [{"name": item, "state": chance.choice(states), "tags": []} for item in sorted(names)]
        rows = [dict(row, policies=chance.choice(kinds)) for row in rows]
        return {"name": name, "admins": ["alice"], "policies": chance.choice(kinds), "repositories": rows}

    alice = {"as": "alice", "token": QUAY["quay_token"], "scopes": quay_rows.QUAY_SCOPES}
    mine = [
        {"name": f"own-{number}", "owner": "alice", "policies": chance.choice(kinds), "tags": []} for number in range(4)
    ]
    user = {"name": "alice", "tokens": [alice], "policies": chance.choice(kinds)}
    spaces = [space(f"org-{number}") for number in range(4)]
    return Quay({"users": [user], "organizations": spaces, "user_repositories": mine})


def policies_of(fake: Quay) -> dict:
    """Return target -> policies of all there are."""
    scopes = dict.fromkeys(map("/".join, fake.repositories), "repository")
    scopes.update({name: "user" if name == "alice" else "organization" for name in fake.namespaces})
    return {
        name: sorted((dict(policy, uuid=None) for policy in fake.policies(scope, name)), key=str)
        for name, scope in scopes.items()
    }


def of_quay() -> dict:
    """Return the results that the role gives to the action, of the fake that is mounted."""
    asked = {"organizations": {"organizations": ["*"]}, "repositories": {"repositories": ["*/*"]}}
    asked["user"] = {"current_user": True}
    found = {kind: as_module("quay_autoprune_policy_info", {**QUAY, **more}) for kind, more in asked.items()}
    return {**found, "named": "*"}


def declared_for_quay(text: str) -> list:
    """Return the declarations that the role makes of the variables."""
    found = yaml.load(text, Loader)
    entries = [
        {kind: entry["names"], **{key: value for key, value in entry.items() if key != "names"}}
        for kind in ("organizations", "repositories")
        for entry in found[f"quay_hygiene_{kind}"]
    ]
    user = found.get("quay_hygiene_user")
    return entries + ([{"current_user": True, **user}] if user else [])


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_quay_has_can_be_applied_and_changes_nothing(export, seed, foreign):
    fake = quay(seed, foreign)
    with mounted(fake, QUAY["quay_url"]):
        result, text = export(quay=of_quay())
        assert not result.get("failed"), result
        before = policies_of(fake)
        declared = declared_for_quay(text)
        applied = as_module("quay_autoprune_policy", {**QUAY, "declarations": declared})
        assert not applied.get("failed") and not applied["changed"] and not fake.writes, applied
        assert ("Not declared" in text) == foreign and "left_out" not in applied
        if foreign:
            return
        everything = [{"organizations": ["*"]}, {"current_user": True}]
        everything += [{"repositories": [f"{space}/*"]} for space in fake.namespaces]
        gone = [{**entry, "state": "absent"} for entry in everything]
        assert as_module("quay_autoprune_policy", {**QUAY, "declarations": gone})["changed"]
        assert not any(policies_of(fake).values())
        assert as_module("quay_autoprune_policy", {**QUAY, "declarations": declared})["changed"]
        assert policies_of(fake) == before


def test_what_cannot_be_declared_is_named_with_the_reason(export):
    fake = quay_rows.quay()
    policy = {"method": "number_of_tags", "value": 3, "tagPattern": "^x"}
    fake.add_policy("repository", "acme/app", policy)
    fake.add_policy("repository", "acme/app", dict(policy, value=4))
    fake.add_policy("repository", "acme/team/app", dict(policy, method="by\nmoon: {}"))
    with mounted(fake, QUAY["quay_url"]):
        _result, text = export(quay=of_quay())
    assert "# Not declared: Quay holds several policies that differ in their value" in text
    assert "\n#   acme/app: all but the newest 3, ^x; all but the newest 4, ^x\n" in text
    assert "\n# Not declared: the method is not known here.\n#   acme/team/app: by\\nmoon: {} 3, ^x\n" in text


def test_what_cannot_be_read_is_told_and_no_glob_means_it(export):
    fake = quay_rows.quay()
    policy = {"method": "number_of_tags", "value": 3, "tagPattern": "^x"}
    for number in range(500):
        fake.add_policy("repository", f"bulk/svc-{number:03}", policy)
    with mounted(fake, QUAY["quay_url"]):
        found = of_quay()
    one, more = ("bulk/svc-007", *(f"bulk/svc-{number:03}" for number in range(8, 60)))[0], 52
    lost = found["repositories"]
    for number in range(7, 7 + more):
        lost["policies"].pop(f"bulk/svc-{number:03}")
    result, text = export(
        quay={**found, "repositories": {**lost, "failed": True, "msg": "no", "failures": {one: "why"}}}
    )
    assert result["failed"] and "repositories: no" in result["msg"]
    entry = next(entry for entry in declared_for_quay(text) if "bulk/*" in entry.get("repositories", []))
    assert "bulk/svc-007" in entry["exclude"], "what failed is not declared"
    assert "\n#   bulk/svc-007: why\n" in text
    failures = {f"bulk/svc-{number:03}": "why" for number in range(7, 57)}  # the most that a result names
    _result, text = export(
        quay={**found, "repositories": {**lost, "failed": True, "failures": failures, "msg": "no"}}, force=True
    )
    assert not any("*" in name for entry in declared_for_quay(text) for name in entry.get("repositories", []))


def test_a_thousand_repositories_take_a_short_file_and_little_time(export):
    fake = quay_rows.quay()
    for number in range(500):
        policy = {"method": "number_of_tags", "value": 3 if number < 490 else 4, "tagPattern": "^x"}
        fake.add_policy("repository", f"bulk/svc-{number:03}", policy)
    with mounted(fake, QUAY["quay_url"]):
        found = of_quay()
    more = {"method": "creation_date", "tag_pattern": None, "tag_pattern_matches": True}
    found["repositories"]["policies"].update(
        {
            f"big/team-{number % 20}/app-{number}": [{**more, "value": f"{number % 20 % 3 + 1}d"}]
            for number in range(10_000)
        }
    )
    began = time.monotonic()
    _result, text = export(quay=found)
    assert time.monotonic() - began < 5
    assert len(text.splitlines()) < 120
    assert sum(len(entry["names"]) for entry in yaml.load(text, Loader)["quay_hygiene_repositories"]) < 60


# SWR


def swr(seed: int, foreign: bool) -> Swr:
    """Return an SWR whose policies are of a few kinds, by chance."""
    chance = random.Random(seed)
    selectors = [[], [{"kind": "label", "pattern": "latest"}], [{"kind": "regexp", "pattern": "^v{{ x }}.*$"}]]

    def rule() -> dict:
        template, key, most = chance.choice([("date_rule", "days", 365), ("tag_rule", "num", 1000)])
        params = {key: str(chance.randint(1, most))}
        return {"template": template, "params": params, "tag_selectors": chance.choice(selectors)}

    kinds = [[], *([rule()] for _number in range(4))]
    if foreign:
        bad = {"template": "tag_rule", "params": {"num": "1001"}, "tag_selectors": []}
        kinds += [[dict(bad, template="by_moon")], [bad], [rule(), rule()]]
    names = [f"{chance.choice(['team/', 'web-', ''])}{chance.choice('xyz')}{number}" for number in range(40)]
    names = sorted(set(names))

    def space(name: str) -> dict:
        rows = [{"name": item, "tags": [], "retentions": chance.choice(kinds)} for item in names]
        return {"name": name, "auth": {"robot": 7}, "repositories": rows}

    user = {"name": "robot", "domain": "account", "password": "made-up",
            "access_keys": [{"access": swr_rows.ACCESS, "secret": swr_rows.SECRET}]}  # fmt: skip
    return Swr({"users": [user], "organizations": [space("acme"), space("globex")]})


@pytest.mark.parametrize("foreign", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_what_an_swr_has_can_be_applied_and_changes_nothing(export, seed, foreign):
    fake = swr(seed, foreign)

    def rules() -> dict:
        return {name: [policy["rules"] for policy in fake.retentions(name)] for name in fake.repository_names()}

    with mounted(fake, swr_rows.SWR):
        found = as_module("swr_retention_info", {**SWR, "namespace": "*", "repositories": ["*"]})
        assert len(found["retention"]) == len(fake.repository_names())
        result, text = export(swr={"repositories": found, "named": "*"})
        assert not result.get("failed"), result
        before = rules()
        declared = yaml.load(text, Loader)["swr_hygiene_policies"]
        applied = as_module("swr_retention", {**SWR, "declarations": declared})
        assert not applied.get("failed") and not applied["changed"] and not fake.writes, applied
        assert ("Not declared" in text) == foreign
        if foreign:
            return
        gone = [{"namespace": name, "repositories": ["*"], "state": "absent"} for name in ("acme", "globex")]
        assert as_module("swr_retention", {**SWR, "declarations": gone})["changed"] and not any(rules().values())
        assert as_module("swr_retention", {**SWR, "declarations": declared})["changed"]
        assert rules() == before
        one = as_module("swr_retention_info", {**SWR, "namespace": "acme", "repositories": ["*"]})
        _result, alone = export(swr={"repositories": one, "named": "acme"}, host="two")
        entries = [entry for entry in declared if entry["namespace"] == "acme"]
        assert yaml.load(alone, Loader)["swr_hygiene_policies"] == entries


# Harbor


def harbor(seed: int) -> Harbor:
    """Return a Harbor with endpoints, replication policies and schedules, by chance."""
    chance = random.Random(seed)
    user = {"name": "admin", "password": harbor_rows.PASSWORD, "sysadmin": True}
    hub = {"type": "docker-registry", "url": "http://hub.test"}
    endpoints = [
        dict(hub, name=name, description=chance.choice(["", "{{ x }}: y"]), insecure=chance.random() < 0.5)
        for name in ("hub", "other", "{{ 1 }}")
    ]
    endpoints.append(
        dict(hub, name="signed", access_key="me", access_secret="made-up-Secret3", credential_type="basic")
    )
    policies = []
    for number in range(5):
        trigger = chance.choice(
            [{"type": "manual"}, {"type": "scheduled", "trigger_settings": {"cron": "0 0 2 * * *"}}]
        )
        side = chance.choice(["src_registry", "dest_registry"])
        filters = chance.choice([[], [{"type": "name", "value": "a/**"}, {"type": "tag", "value": "v*"}]])
        policies.append({
            "name": f"policy {number}", side: {"name": chance.choice(["hub", "{{ 1 }}"])}, "trigger": trigger,
            "filters": filters, "enabled": chance.random() < 0.5, "override": chance.random() < 0.5,
            "deletion": chance.random() < 0.3, "speed": chance.choice([0, 100]),
            "dest_namespace": chance.choice(["", "a/b"]), "dest_namespace_replace_count": chance.choice([-1, 0, 1]),
        })  # fmt: skip
    schedules = [
        {"vendor_type": harbor_rows.GC, "type": "Weekly", "cron": "0 0 0 * * 0",
         "parameters": {"delete_untagged": chance.random() < 0.5, "workers": chance.randint(1, 5), "dry_run": False}},
        {"vendor_type": harbor_rows.PURGE, "type": "Custom", "cron": "0 30 3 * * 1",
         "parameters": {"audit_retention_hour": 100, "include_event_types": "pull_artifact", "dry_run": False}},
    ]  # fmt: skip
    chance.shuffle(schedules)

    def selectors(kind: str) -> dict:
        pattern = chance.choice(["**", "v*", "{{ a }}*"])
        tags = [{"kind": "doublestar", "decoration": chance.choice(["matches", "excludes"]), "pattern": pattern}]
        scope = [{"kind": "doublestar", "decoration": "repoMatches", "pattern": chance.choice(["**", "team/**"])}]
        return {"tag_selectors": tags, "scope_selectors": {"repository": scope}, "action": kind}

    crons = ["", "0 0 0 * * *", "0 5 0 * * *"]
    contents = [
        {
            "immutable_rules": [{**selectors("immutable"), "template": "immutable_template"}] * chance.randint(0, 1),
            "retention": chance.choice([None, {
                "rules": [{**selectors("retain"), "template": "latestPushedK", "params": {"latestPushedK": 5}}],
                "trigger": {"kind": "Schedule", "settings": {"cron": chance.choice(crons)}},
            }]),
        }
        for _number in range(3)
    ]  # fmt: skip
    projects = [
        {"name": f"{chance.choice(['team', 'base'])}-{number}", **chance.choice(contents)} for number in range(12)
    ]
    return Harbor({
        "projects": projects,
        "users": [user], "registries": endpoints, "replication_policies": policies,
        "remotes": [harbor_replication_rows.HUB], "schedules": schedules[: chance.randint(0, 2)],
    })  # fmt: skip


def of_harbor() -> dict:
    """Return the results that the role gives to the action, of the fake that is mounted."""
    infos = {"purge_schedule": "purge", "gc_schedule": "gc", "registries": "registry",
             "replication_policies": "replication_policy"}  # fmt: skip
    found = {kind: as_module(f"harbor_{name}_info", dict(HARBOR)) for kind, name in infos.items()}
    for kind, name in OF_PROJECTS.items():
        found[kind] = as_module(f"harbor_{name}_info", {**HARBOR, "projects": ["*"]})
    return found


OF_PROJECTS = {"immutable_tags": "immutable_tag_rule", "retention": "retention_policy"}


def applied_to_harbor(found: dict) -> list:
    """Return the results of the modules with the exported variables."""
    results = [
        as_module(f"harbor_{kind}_schedule", {**HARBOR, **found[f"harbor_hygiene_{kind}_schedule"]})
        for kind in ("purge", "gc")
        if found[f"harbor_hygiene_{kind}_schedule"]
    ]
    results.append(as_module("harbor_registry", {**HARBOR, "registries": found["harbor_hygiene_registries"]}))
    policies = found["harbor_hygiene_replication_policies"]
    results += [
        as_module(f"harbor_{name}", {**HARBOR, "declarations": found.get(f"harbor_hygiene_{kind}", [])})
        for kind, name in OF_PROJECTS.items()
    ]
    return [
        *results,
        as_module("harbor_replication_policy", {**HARBOR, "policies": policies, "allow_remote_deletion": True}),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_harbor_has_can_be_applied_and_changes_nothing(export, seed):
    fake = harbor(seed)
    with mounted(fake, harbor_rows.URL):
        before = of_harbor()
        result, text = export(harbor=before)
        assert not result.get("failed"), result
        found = yaml.load(text, Loader)
        assert "made-up" not in text and "It has one for signed:" in text and "Not declared" not in text
        results = applied_to_harbor(found)
        assert not any(one.get("failed") or one["changed"] for one in results) and not fake.writes, results
        names = [policy["name"] for policy in before["replication_policies"]["policies"]]
        gone = [{"name": name, "state": "absent"} for name in names]
        assert not as_module("harbor_replication_policy", {**HARBOR, "policies": gone}).get("failed")
        for kind in ("purge", "gc"):
            assert not as_module(f"harbor_{kind}_schedule", {**HARBOR, "state": "absent"}).get("failed")
        for name in OF_PROJECTS.values():
            assert not as_module(f"harbor_{name}", {**HARBOR, "projects": ["*"], "state": "absent"}).get("failed")
        results = applied_to_harbor(found)
        assert not any(one.get("failed") for one in results), results
        after = of_harbor()
        for kind, key in (("immutable_tags", "rules"), ("retention", "policy")):
            assert after[kind][key] == before[kind][key]
        for kind, key in (("replication_policies", "policies"), ("registries", "registries")):
            assert after[kind][key] == before[kind][key]
        for kind in ("purge_schedule", "gc_schedule"):
            there, was = (dict(one[kind]["schedule"] or {}, dry_run=None) for one in (after, before))
            assert there == was  # whether it was dry is not shown before it has fired


def test_what_harbor_holds_that_its_modules_refuse_is_told(export):
    dead = {"schedule": {"schedule": "weekly", "cron": "0 0 0 * * 0", "active": False}}
    odd = {"schedule": {"schedule": "none", "cron": "1 2", "active": True}}
    url = {"name": "x\n# y", "url": "ftp://hub", "type": "t", "access_key": None, "ca_certificate": None}
    result, text = export(harbor={"purge_schedule": odd, "gc_schedule": dead, "registries": {"registries": [url]}})
    assert not result.get("failed")
    assert "harbor_hygiene_gc_schedule: {}" in text and "listed but does nothing" in text
    assert "the word none for when it fires is not known here" in text
    assert yaml.load(text, Loader)["harbor_hygiene_registries"] == [] and "#   x\\n# y\n" in text


# The file


ORGANIZATION = {"quay": {"organizations": {"policies": {"acme": []}}, "named": "*"}}


def test_what_is_there_is_left_unless_force_says_otherwise(export, tmp_path):
    path = tmp_path / "host_vars" / "one" / "registry_hygiene.yml"
    would, text = export(check_mode=True, **ORGANIZATION)
    assert would["changed"] and text is None and not path.parent.exists()
    done, text = export(**ORGANIZATION)
    assert done["changed"] and done["path"] == str(path)
    assert would["diff"] == done["diff"] and done["diff"]["after"] == text and done["diff"]["before"] == ""
    again, _text = export(**ORGANIZATION)
    assert not again["changed"] and "diff" not in again
    path.write_text("mine: true\n")
    for check_mode in (True, False):
        refused, text = export(check_mode=check_mode, **ORGANIZATION)
        assert refused["failed"] and "registry_hygiene_export_force=true" in refused["msg"] and text == "mine: true\n"
    would, text = export(check_mode=True, force=True, **ORGANIZATION)
    assert would["changed"] and would["diff"]["before"] == text == "mine: true\n"
    done, text = export(force=True, **ORGANIZATION)
    assert done["changed"] and "mine" not in text


@pytest.mark.parametrize("host", ["..", "a/b", "", "x\ny", "a\\b"])
def test_a_host_that_can_be_no_folder_is_refused(export, tmp_path, host):
    with pytest.raises(AnsibleActionFail, match="give the host another name"):
        export(host=host, **ORGANIZATION)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_not_made(export, tmp_path):
    with pytest.raises(AnsibleActionFail, match="no such folder.*registry_hygiene_export_folder"):
        export(folder=str(tmp_path / "none"), **ORGANIZATION)


def test_nothing_is_written_of_what_could_not_be_read(export):
    failed = {"failed": True, "msg": "GET /x answered 401\x1b"}
    result, text = export(quay={"organizations": failed, "repositories": failed, "user": failed, "named": "*"})
    assert result["failed"] and text is None and "nothing was written" in result["msg"] and "\x1b" not in result["msg"]
    result, text = export(quay={**ORGANIZATION["quay"], "repositories": failed})
    assert result["failed"] and "repositories: GET /x answered 401\\x1b" in result["msg"]
    assert "quay_hygiene_repositories" not in text and "# Not read: repositories: GET /x answered 401\\x1b" in text


class Marked(str):
    """As ansible-core 2.18 hands on what is not to be taken for a template: no YAML is made of it."""


def marked(value):
    if isinstance(value, dict):
        return {marked(key): marked(item) for key, item in value.items()}
    return (
        [marked(item) for item in value] if isinstance(value, list) else Marked(value) if value == str(value) else value
    )


def test_texts_that_are_marked_as_unsafe_are_written_like_others(export):
    policy = {"method": "creation_date", "value": "14d", "tag_pattern": "^x", "tag_pattern_matches": True}
    found = {"organizations": {"policies": {"acme": [policy]}}, "named": "*"}
    plain = export(quay=found)[1]
    assert "14d" in plain and export(quay=marked(found), force=True)[1] == plain
