# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools

import pytest
from contract.harbor_remotes import REPLICATION, endpoints, harbor, policies, run, schedule, writes
from contract.harbor_tasks import VERSIONS, changed, failed, ok, unchanged

MODULE, INFO = "harbor_replication_policy", "harbor_replication_policy_info"
by_version = pytest.mark.parametrize("version", VERSIONS)
CRON = "0 30 3 * * *"
SCHEDULED = {"trigger": "scheduled", "cron": CRON}
PULL, PUSH = {"src_registry": "hub"}, {"dest_registry": "dr"}
FILTERS = [
    None,
    [],
    [{"type": "name", "value": "library/**"}],
    [{"type": "name", "value": "library/{alpine,busybox}"}, {"type": "tag", "value": "3.*", "decoration": "excludes"}],
    [{"type": "label", "value": ["qa", "dev"]}, {"type": "resource", "value": "image"}],
    [
        {"type": "tag", "value": "v*"},
        {"type": "tag", "value": "v*", "decoration": "matches"},
        {"type": "name", "value": ""},
    ],
]
TRIGGERS = [{}, {"trigger": "manual"}, SCHEDULED, {"trigger": "event_based"}]
OTHERS = [
    {},
    {"enabled": False, "description": "a <b> & ü", "override": False, "deletion": False, "speed": 0},
    {"dest_namespace": "mirror", "dest_namespace_replace_count": "all", "override": True, "speed": 1024},
    {"dest_namespace": "mirror/hub", "dest_namespace_replace_count": 0, "deletion": True},
    {"dest_namespace_replace_count": -3, "enabled": True},
]
TABLE = [
    {**side, **trigger, **others, **({} if some is None else {"filters": some})}
    for number, (some, trigger, others) in enumerate(itertools.product(FILTERS, TRIGGERS, OTHERS))
    for side in [PULL if number % 2 else PUSH]
]


def table(version):
    """All of the table as one list of policies, with what only some versions have."""
    newer = {"copy_by_chunk": True} if version != "2.6" else {}
    found = [
        {"name": f"p{number:03}", **options, **(newer if number % 3 else {})} for number, options in enumerate(TABLE)
    ]
    if version in ("2.14", "2.16"):
        for one in found[::5]:
            one["single_active_replication"] = one.get("trigger") != "event_based"
    return found


def test_the_table_holds_enough():
    assert len(TABLE) >= 100


@by_version
def test_the_whole_table_is_unchanged_when_it_is_applied_again(version):
    fake, declared = harbor(version), table(version)
    first = run(fake, MODULE, policies=declared)
    assert first["plan"]["changed"] == len(declared) and not first.get("failed"), first["msg"]
    again = run(fake, MODULE, policies=declared)
    assert not again["changed"] and fake.writes == [] and len(fake.requests) == 1 + 2
    read = run(fake, INFO)["policies"]
    fed = run(fake, MODULE, policies=read, exclusive=True)
    assert not fed["changed"] and not fed.get("failed") and fake.writes == []


@by_version
@pytest.mark.parametrize("number", range(0, len(TABLE), 3))
def test_each_of_the_table_is_as_check_mode_said(version, number):
    fake, options = harbor(version), table(version)[number]
    foretold = run(fake, MODULE, check_mode=True, **options)
    done = run(fake, MODULE, **options)
    assert changed(foretold, "policy") == changed(done, "policy") and foretold["plan"] == done["plan"]
    assert unchanged(run(fake, MODULE, **options), "policy") == done["policy"]
    assert run(fake, INFO, names=[options["name"]])["policies"] == [done["policy"]]


@pytest.mark.parametrize("number", range(0, len(TABLE), 4))
def test_any_of_the_table_becomes_any_other_in_place(number):
    fake = harbor()
    changed(run(fake, MODULE, **{**TABLE[number], "name": "one"}), "policy")
    before = policies(fake)["one"].id
    wanted = {**TABLE[-1 - number], "name": "one"}
    done = run(fake, MODULE, **wanted)
    assert not done.get("failed"), done
    assert policies(fake)["one"].id == before and all(method == "PUT" for method, _path in writes(fake))
    unchanged(run(fake, MODULE, **wanted), "policy")


def test_a_new_policy_has_the_documented_defaults():
    fake = harbor()
    assert changed(run(fake, MODULE, name="one", **PULL), "policy") == {
        "name": "one",
        "description": "",
        "enabled": True,
        "src_registry": "hub",
        "dest_registry": None,
        "dest_namespace": "",
        "dest_namespace_replace_count": -1,
        "filters": [],
        "trigger": "manual",
        "cron": None,
        "deletion": False,
        "override": False,
        "speed": 0,
        "copy_by_chunk": False,
        "single_active_replication": False,
    }


FULL = {
    "name": "one",
    "description": "text",
    "enabled": True,
    "override": True,
    "deletion": True,
    "src_registry": {"name": "hub"},
    "dest_namespace": "mirror",
    "dest_namespace_replace_count": 2,
    "trigger": {"type": "scheduled", "trigger_settings": {"cron": CRON}},
    "filters": [{"type": "tag", "value": "v*"}, {"type": "name", "value": "acme/**"}],
    "speed": 77,
    "copy_by_chunk": True,
    "single_active_replication": True,
}


@by_version
def test_what_is_not_set_stays_although_a_put_replaces_everything(version):
    fake = harbor(version, replication_policies=[FULL])
    before = dict(policies(fake)["one"].__dict__)
    changed(run(fake, MODULE, name="one", description="another"), "policy")
    after = dict(policies(fake)["one"].__dict__, description="text")
    for key in before.keys() - {"update_time", "filters", "copy_by_chunk", "single_active_replication"}:
        assert after[key] == before[key], key
    assert [(one["type"], one["value"]) for one in after["filters"]] == [("tag", "v*"), ("name", "acme/**")]
    assert fake.writes[0]["body"]["deletion"] is fake.writes[0]["body"]["replicate_deletion"] is True
    assert schedule(fake, "one").cron == CRON and not schedule(fake, "one").dead


def test_the_order_of_filters_and_labels_and_a_missing_decoration_are_no_difference():
    fake = harbor(replication_policies=[FULL])
    some = [{"type": "name", "value": "acme/**"}, {"type": "tag", "value": "v*", "decoration": "matches"}]
    unchanged(run(fake, MODULE, name="one", filters=some), "policy")
    labels = [{"type": "label", "value": ["b", "a", "b"], "decoration": "excludes"}]
    changed(run(fake, MODULE, name="one", filters=labels), "policy")
    labels[0]["value"] = ["a", "b"]
    unchanged(run(fake, MODULE, name="one", filters=labels), "policy")
    labels[0]["decoration"] = "matches"
    changed(run(fake, MODULE, name="one", filters=labels), "policy")


def test_endpoints_are_named_or_numbered_and_a_policy_can_be_turned_round():
    fake = harbor()
    number = endpoints(fake)["hub"].id
    changed(run(fake, MODULE, name="one", src_registry=number), "policy")
    unchanged(run(fake, MODULE, name="one", **PULL), "policy")
    unchanged(run(fake, MODULE, name="one", src_registry=str(number)), "policy")
    turned = run(fake, MODULE, name="one", **PUSH)
    assert (turned["policy"]["src_registry"], turned["policy"]["dest_registry"]) == (None, "dr")
    assert (policies(fake)["one"].src, policies(fake)["one"].dest) == (0, endpoints(fake)["dr"].id)


def test_a_name_goes_before_a_number():
    fake = harbor(
        registries=[{"name": name, "type": "docker-registry", "url": "http://hub.test"} for name in ("2", "1")]
    )
    changed(run(fake, MODULE, name="one", src_registry="1"), "policy")
    assert policies(fake)["one"].src == 2


def test_an_unknown_endpoint_is_an_error_and_in_check_mode_a_warning():
    fake = harbor()
    failed(run(fake, MODULE, name="one", src_registry="hup"), "there is no registry 'hup'. Did you mean 'hub'?")
    assert fake.writes == []
    foretold = run(fake, MODULE, name="one", src_registry="hup", check_mode=True)
    assert changed(foretold, "policy")["src_registry"] == "hup" and "'hup'" in foretold["warnings"][0]


def test_an_endpoint_that_goes_meanwhile_is_not_read_as_a_missing_policy():
    fake = harbor(replication_policies=[{**FULL, "src_registry": {"name": "dr"}}])

    def vanish():
        from fakes.harbor.registries import Registries

        del fake.family(Registries).known[endpoints(fake)["hub"].id]

    fake.next("PUT", vanish)
    failed(run(fake, MODULE, name="one", **PULL), "404", "registry 1 not found")
    assert "one" in policies(fake)


@pytest.mark.parametrize(
    ("version", "options", "texts"),
    [
        ("2.13", {"single_active_replication": True}, ["Harbor 2.13", "came with 2.14"]),
        ("2.6", {"copy_by_chunk": True}, ["Harbor 2.6", "came with 2.6.2"]),
        ("2.16", {"filters": [{"type": "resource", "value": "chart"}]}, ["no charts"]),
        ("2.16", {"cron": CRON}, ["trigger: scheduled"]),
        ("2.16", {"trigger": "scheduled"}, ["needs a cron"]),
        ("2.16", {"src_registry": None}, ["src_registry (to pull) or dest_registry"]),
    ],
)
def test_what_a_version_or_the_rest_does_not_allow_is_refused_before_a_write(version, options, texts):
    for check_mode in (True, False):
        fake = harbor(version)
        failed(run(fake, MODULE, name="one", check_mode=check_mode, **{**PULL, **options}), *texts)
        assert fake.writes == []


def test_what_is_asked_for_as_false_is_no_mistake_where_there_is_no_such_thing():
    changed(
        run(harbor("2.6"), MODULE, name="one", copy_by_chunk=False, single_active_replication=False, **PULL), "policy"
    )
    charts = [{"type": "resource", "value": "chart"}]
    changed(run(harbor("2.6"), MODULE, name="one", filters=charts, **PULL), "policy")


def test_a_dormant_cron_that_would_hang_harbor_is_seen_when_its_policy_is_enabled():
    never = {"type": "scheduled", "trigger_settings": {"cron": "0 0 0 31 2 *"}}
    fake = harbor(replication_policies=[{**FULL, "enabled": False, "trigger": never}])
    unchanged(run(fake, MODULE, name="one", enabled=False), "policy")
    failed(run(fake, MODULE, name="one", enabled=True), "never fires")
    assert fake.writes == []


def test_events_do_not_reach_a_policy_that_pulls():
    result = run(harbor(), MODULE, name="one", trigger="event_based", **PULL)
    assert result["changed"] and "never fires" in result["warnings"][0]


PUSHING = {**FULL, "src_registry": None, "dest_registry": {"name": "dr"}, "trigger": {"type": "event_based"}}
PUSHING = {**PUSHING, "single_active_replication": False, "override": False}
ADDED = [{"type": "tag", "value": "v*"}, {"type": "name", "value": "acme/**"}, {"type": "tag", "value": "*1"}]


@pytest.mark.parametrize(
    ("stored", "options", "danger"),
    [
        (
            {"deletion": False},
            {"deletion": True},
            "deletion is switched on: what is deleted at the source goes at dr, too",
        ),
        ({"deletion": False, "enabled": False}, {"deletion": True}, "as soon as it is enabled"),
        ({}, {"filters": ADDED[:1]}, "now reaches more"),
        ({}, {"filters": []}, "now reaches more"),
        ({}, {"filters": [ADDED[0], {"type": "name", "value": "**"}]}, "now reaches more"),
        ({}, {"dest_registry": "limited"}, "deletes at limited"),
        ({}, {"dest_namespace": "elsewhere"}, "now reaches more or other images"),
        ({"enabled": False}, {"enabled": True}, "now reaches more"),
        ({}, {"override": True}, "override is switched on: a tag that is another image at dr is replaced"),
        ({}, {"filters": ADDED}, None),
        ({}, {"deletion": False}, None),
        ({}, {"enabled": False}, None),
        ({"override": True}, {"override": False}, None),
        ({}, {"description": "x", "speed": 1}, None),
        ({"deletion": False}, {"filters": []}, None),
    ],
)
@pytest.mark.parametrize("check_mode", [True, False])
def test_what_a_change_may_delete_elsewhere_is_told_first_and_can_be_refused(stored, options, danger, check_mode):
    fake = harbor(replication_policies=[{**PUSHING, **stored}])
    refused = run(fake, MODULE, name="one", allow_remote_deletion=False, check_mode=check_mode, **options)
    if danger:
        failed(refused, "refused by allow_remote_deletion", danger, "harbor_hygiene_allow_remote_deletion")
        assert fake.writes == []
        done = run(fake, MODULE, name="one", check_mode=check_mode, **options)
        assert done["plan"]["lines"][0].startswith("! one: ") and danger in done["plan"]["lines"][0]
        changed(done, "policy")
    else:
        assert not refused.get("failed") and not [line for line in refused["plan"]["lines"] if line.startswith("!")]


def test_what_is_dangerous_already_and_stays_so_is_not_refused():
    fake = harbor(replication_policies=[{**PUSHING, "override": True}])
    unchanged(run(fake, MODULE, name="one", deletion=True, override=True, allow_remote_deletion=False), "policy")


def test_dangers_come_first_even_in_a_plan_of_many_other_changes():
    some = [{"name": f"p{number:03}", "description": str(number), **PULL} for number in range(40)]
    fake = harbor()
    result = run(fake, MODULE, policies=[*some, {"name": "danger", "deletion": True, "trigger": "event_based", **PUSH}])
    assert (
        result["plan"]["lines"][0].startswith("! danger: deletion is switched on") and len(result["plan"]["lines"]) < 20
    )


@pytest.mark.parametrize("status", [409, 500])
def test_a_refused_put_does_not_leave_a_dead_schedule_behind(status):
    fake = harbor(replication_policies=[FULL])

    def die():
        schedule(fake, "one").dead = True

    fake.next("PUT", die)
    fake.faults.append({"method": "PUT", "status": status, "body": {"errors": [{"code": "X", "message": "no"}]}})
    result = failed(run(fake, MODULE, name="one", description="x"), str(status), "What it had was written again")
    assert not schedule(fake, "one").dead and policies(fake)["one"].description == "text" and result["changed"]


def test_a_schedule_that_cannot_be_put_back_is_told():
    fake = harbor(replication_policies=[FULL])
    fake.faults.append({"method": "PUT", "status": 500, "times": 9})
    failed(run(fake, MODULE, name="one", description="x"), "Its schedule may be dead", "Run again")


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_does_no_harm_is_not_written_again(status):
    fake = harbor(replication_policies=[FULL])
    fake.faults.append(
        {"method": "PUT", "status": status, "body": {"errors": [{"code": "NOT_FOUND", "message": "no"}]}}
    )
    failed(run(fake, MODULE, name="one", description="x"), str(status))
    assert len(fake.writes) == 1


def test_a_put_whose_failure_was_none_is_success():
    fake = harbor(replication_policies=[FULL])
    fake.faults.append({"method": "PUT", "status": 500, "after": True})
    changed(run(fake, MODULE, name="one", description="x"), "policy")
    assert policies(fake)["one"].description == "x"


def running(fake, name="one", tasks=1, refreshed=False):
    """Let an execution of a policy be under way; refreshed: its tasks are over, and only the execution is late."""
    found = fake.jobs.execution(REPLICATION, policies(fake)[name].id, "MANUAL", {})
    for _number in range(tasks):
        task = fake.jobs.task(found, lambda task: iter((1e9,)), {"operation": "copy", "resource_type": "image"})
        if refreshed:
            task.status = "Success"
    return found


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_policy_with_executions_under_way_is_not_deleted(check_mode):
    for tasks in (0, 1):
        fake = harbor(replication_policies=[FULL])
        running(fake, tasks=tasks)
        failed(run(fake, MODULE, name="one", state="absent", check_mode=check_mode), "1 execution of it", "force: true")
        assert fake.writes == [] and "one" in policies(fake)


def test_force_stops_them_first_and_only_them():
    fake = harbor(replication_policies=[FULL, {**FULL, "name": "one-2"}])
    mine, other = running(fake), running(fake, "one-2")
    foretold = run(fake, MODULE, name="one", state="absent", force=True, check_mode=True)
    done = run(fake, MODULE, name="one", state="absent", force=True, poll_interval=1)
    assert changed(foretold, "policy") is None and changed(done, "policy") is None
    assert list(policies(fake)) == ["one-2"] and other.status == "Running" and mine.id not in fake.jobs.executions
    unchanged(run(fake, MODULE, name="one", state="absent", force=True), "policy")


def test_executions_that_only_harbor_has_not_seen_the_end_of_are_waited_for():
    fake = harbor(replication_policies=[FULL])
    late = running(fake, refreshed=True)
    fake.jobs.later(25, lambda: setattr(late, "status", "Success"))
    changed(run(fake, MODULE, name="one", state="absent", poll_interval=5), "policy")
    assert len([path for method, path in writes(fake) if method == "DELETE"]) > 2 and "one" not in policies(fake)


def test_that_wait_comes_to_an_end():
    fake = harbor(replication_policies=[FULL])
    running(fake, refreshed=True)
    failed(run(fake, MODULE, name="one", state="absent", wait_timeout=20), "412", "wait_timeout")
    assert "one" in policies(fake)


def test_one_that_somebody_else_deletes_meanwhile_is_no_failure():
    fake = harbor(replication_policies=[FULL])
    fake.next("DELETE", lambda: policies_of(fake).clear())
    result = run(fake, MODULE, name="one", state="absent")
    assert not result.get("failed") and result["changed_targets"] == []


def policies_of(fake):
    from fakes.harbor.replication_policies import ReplicationPolicies

    return fake.family(ReplicationPolicies).known


def test_names_are_exact_whatever_they_hold():
    odd = ["a,b", "a%2Cb", "a+b", "[a", "~a", "A", "a ", "a/b", "ü", "a" * 256]
    fake = harbor(replication_policies=[{**FULL, "name": name} for name in ["a", *odd]])
    for name in odd:
        changed(run(fake, MODULE, name=name, description="mine"), "policy")
    assert policies(fake)["a"].description == "text"
    assert {policies(fake)[name].description for name in odd} == {"mine"}
    for name in odd:
        changed(run(fake, MODULE, name=name, state="absent"), "policy")
    assert list(policies(fake)) == ["a"]


def test_an_endpoint_that_an_earlier_task_may_make_is_one_warning_in_check_mode():
    some = [{"name": f"p{number}", "src_registry": "hup"} for number in range(3)]
    foreseen = run(harbor(), MODULE, policies=some, check_mode=True)
    assert foreseen["plan"]["changed"] == 3
    text = "policies cannot be written without their endpoint: there is no registry 'hup'. Did you mean 'hub'?"
    assert foreseen["warnings"] == [text]


def test_five_hundred_unchanged_policies_cost_a_handful_of_requests_and_exclusive_names_what_goes():
    some = [{"name": f"p{number:03}", **PULL, **SCHEDULED} for number in range(500)]
    fake = harbor()
    assert run(fake, MODULE, policies=some)["plan"]["changed"] == 500
    again = run(fake, MODULE, policies=some)
    assert not again["changed"] and len(fake.requests) == 1 + 6
    shorter = run(fake, MODULE, policies=some[:-2], exclusive=True)
    assert shorter["plan"]["lines"] == [
        "- 2 policies (p498, p499): removed with its history, pulls from hub: everything; scheduled 0 30 3 * * *"
    ]
    assert len(policies(fake)) == 498


def test_one_of_many_that_fails_neither_stops_nor_hides_the_others():
    fake = harbor()
    some = [{"name": "a", **PULL}, {"name": "b", "src_registry": "none"}, {"name": "c", **PUSH}]
    result = failed(run(fake, MODULE, policies=some), "1 of 3 targets failed", "b (policies[1]): there is no registry")
    assert result["changed"] and sorted(policies(fake)) == ["a", "c"] and sorted(result["policy"]) == ["a", "c"]


def test_a_trigger_that_was_never_set_is_manual():
    fake = harbor(replication_policies=[{"name": "one", "src_registry": {"name": "hub"}, "enabled": True}])
    assert ok(run(fake, MODULE, name="one", trigger="manual"), "policy")["trigger"] == "manual"
    unchanged(run(fake, MODULE, name="one", trigger="manual"), "policy")


def test_a_cron_that_harbor_keeps_and_ignores_is_none():
    ignored = {"type": "manual", "trigger_settings": {"cron": "whatever"}}
    fake = harbor(replication_policies=[{**FULL, "trigger": ignored}])
    assert ok(run(fake, MODULE, name="one"), "policy")["cron"] is None


@pytest.mark.parametrize(
    "broken",
    [
        {"filters": [{"type": "name"}]},
        {"filters": "x"},
        {"trigger": {"type": 5}},
        {"speed": "fast"},
        {"name": ""},
        {"src_registry": None},
        {"dest_namespace": ["x"]},
    ],
)
def test_a_listing_that_is_not_understood_fails_the_task(broken):
    fake = harbor(replication_policies=[FULL])
    endpoint = {"id": 0, "name": "Local", "type": "harbor", "url": "http://core:8080"}
    row = {"id": 1, "name": "one", "src_registry": dict(endpoint, id=1), "dest_registry": endpoint, **broken}
    fake.faults.append({"method": "GET", "path": "policies", "status": 200, "body": [row]})
    failed(run(fake, MODULE, name="one", state="absent"), "in a form that is not known")
    assert fake.writes == []
