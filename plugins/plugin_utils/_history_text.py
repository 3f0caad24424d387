# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registries deleted, as lines for a terminal and as Markdown. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import markdown, printable
from ansible_collections.registry.hygiene.plugins.plugin_utils import _history
from ansible_collections.registry.hygiene.plugins.plugin_utils._report import listed, number, size
from ansible_collections.registry.hygiene.plugins.plugin_utils._table import MOST_LINE, aligned, cut

MOST_REGISTRIES = 500
MOST_SHOWN = 5  # repositories, runs, changes and images of each kind on a terminal
MOST_IN_PAGE = 50
MOST_CHARACTERS = 400_000  # GitHub shows one megabyte in the summary of a job
WORDS = {
    "unforeseen": "gone, but not foretold",
    "unseen": "foretold, but not seen in the history (still there, gone at another time, or not logged)",
}


def lines(registries: list) -> list[tuple[str, str]]:
    """Return a row of each registry, the sum, and of each what matters most; with a kind for the colour."""
    some = registries[:MOST_REGISTRIES]
    sums = [_row(each) for each in some] + ([_row(None, registries)] if len(registries) > 1 else [])
    plans = any(each["comparison"] for each in registries)
    columns = [("deleted", [row["count"] for row in sums]), ("runs", [row["runs"] for row in sums])]
    if plans:
        names = ("foretold", "gone"), ("not foretold", "unforeseen"), ("not seen", "unseen")
        columns += [(head, [row[key] for row in sums]) for head, key in names]
    head, *table = aligned(columns, [printable(row["name"], 200) for row in sums])
    found = [(head, ""), *zip(table, [row["kind"] for row in sums])]
    found += [(f"and {number(len(registries) - MOST_REGISTRIES)} hosts more", "")] * (len(registries) > MOST_REGISTRIES)
    for each in some:
        found += _of(each)
    bad = any(each["failed"] or each["truncated"] for each in registries)
    return [*found, (cut(f"In all: {_history.summary(registries)}"), "bad" if bad else "strong")]


def _row(each: dict | None, registries: list = ()) -> dict:
    found = _history.together([each] if each else registries)
    shown = {key: "-" if found[key] is None else number(found[key]) for key in ("gone", "unforeseen", "unseen", "runs")}
    count = number(found["count"]) if each is None or each["read"] else "?"
    kind = "bad" if found["failed"] else "change" if found["count"] else ""
    return {"name": each["name"] if each else "total", **shown, "count": count, "kind": kind}


def _of(each: dict) -> list[tuple[str, str]]:
    parts = [(_lost(one), "") for one in each["repositories"][:MOST_SHOWN]]
    parts += _rest(each["repositories"], "repositories")
    parts += [(_ran(run), "") for run in each["runs"][:MOST_SHOWN]] + _rest(each["runs"], "runs")
    changes = _changes(each["changes"])
    parts += [(text, "change") for text in changes[:MOST_SHOWN]] + _rest(changes, "changes")
    for key in WORDS if each["comparison"] else ():
        some = each["comparison"][key]
        parts += [(f"{number(len(some))} {WORDS[key]}:", "bad")] if some else []
        parts += [(f"  {_named(one)}", "") for one in some[:MOST_SHOWN]]
        parts += _rest(some, "images", "  ")
    parts += [(text, "") for text in _remarks(each)]
    parts += [(text, "bad") for text in [*each["truncated"], *each["messages"]][:MOST_SHOWN]]
    if not parts:
        return []
    return [
        (printable(each["name"], 200), "strong"),
        *((cut(f"  {printable(text, MOST_LINE)}"), kind) for text, kind in parts),
    ]


def _rest(some: list, noun: str, margin: str = "") -> list[tuple[str, str]]:
    more = len(some) - MOST_SHOWN
    return [(f"{margin}and {number(more)} more {noun}", "")] if more > 0 else []


def _lost(one: dict) -> str:
    return f"{printable(one['target'], 120)}: {number(one['count'])} ({printable(one['because'], 60)})"


def _ran(run: dict) -> str:
    deleted = "" if run["deleted"] is None else f", {run['deleted']:,} deleted"
    bytes_ = "" if run["bytes"] is None else f", {size(run['bytes'])}"
    return f"{run['when']}  {run['what']} {run['run']}: {run['status']}{deleted}{bytes_}"


def _changes(changes: list) -> list[str]:
    """Return a line for each change that was made, to how many, the newest first."""
    groups: dict = {}
    for one in changes:
        groups.setdefault((one["what"], one["by"]), []).append(one)
    return [
        f"{some[0]['when']}  {listed([str(one['target']) for one in some], 1)}: {what}, by {by}"
        for (what, by), some in groups.items()
    ]


def _named(one: dict) -> str:
    digest = str(one["digest"] or "")[:19]
    name = f"{one['target']}:{one['tag']}" if one["tag"] else f"{one['target']}@{digest}" if digest else one["target"]
    return f"{name}  {one.get('when') or ''}  {one['because'] or ''}".replace("    ", "  ").rstrip()


def _remarks(each: dict) -> list[str]:
    """Return what has to be known to read the comparison."""
    plan, remarks = each["comparison"], []
    if each["nameless"]:
        remarks.append("this registry does not tell which images went, so nothing can be held against its plan")
    if plan:
        remarks.append(f"held against the plan of {plan['made']}: {listed(plan['plans'], 2)}")
        if plan["before"]:
            remarks.append(f"{number(plan['before'])} went before that plan was made, and are not compared")
        if plan["early"]:
            remarks.append(f"that plan is older than the time shown (since {each['since']}): give an earlier since")
    return remarks


def page(registries: list) -> str:
    """Return the report as Markdown."""
    text = f"# What registries deleted\n\n{_text(_history.summary(registries), 2000)}.\n\n"
    text += (
        "| Registry | Deleted | Runs | Foretold | Not foretold | Not seen |\n| --- | --: | --: | --: | --: | --: |\n"
    )
    rows = [_row(each) for each in registries[:MOST_REGISTRIES]]
    for row in rows + ([_row(None, registries)] if len(registries) > 1 else []):
        cells = [_text(row["name"]), *(row[key] for key in ("count", "runs", "gone", "unforeseen", "unseen"))]
        text += f"| {' | '.join(cells)} |\n"
    for place, each in enumerate(registries):
        part = _section(each)
        if len(text) + len(part) > MOST_CHARACTERS:
            return f"{text}\nThe details of {number(len(registries) - place)} more hosts are in the report in JSON.\n"
        text += part
    return text


def _section(each: dict) -> str:
    text = f"\n## {_text(each['name'])}\n"
    remarks = [*_remarks(each), *each["truncated"], *each["messages"]]
    text += "".join(f"\n- {_text(remark, 1000)}" for remark in remarks[:MOST_IN_PAGE]) + ("\n" if remarks else "")
    if each["repositories"]:
        text += "\n| Repository | Deleted | The newest | Why |\n| --- | --: | --- | --- |\n"
        for one in each["repositories"][:MOST_IN_PAGE]:
            cells = [_text(one["target"]), number(one["count"]), _text(one["newest"]), _text(one["because"])]
            text += f"| {' | '.join(cells)} |\n"
        text += _others(each["repositories"], "repositories")
    for title, some in (("Runs", list(map(_ran, each["runs"]))), ("Policies", _changes(each["changes"]))):
        text += f"\n{title}:\n\n" if some else ""
        text += "".join(f"- {_text(one, 500)}\n" for one in some[:MOST_IN_PAGE])
    for key in WORDS if each["comparison"] else ():
        some = each["comparison"][key]
        text += f"\n{number(len(some))} {WORDS[key]}:\n\n" if some else ""
        text += "".join(f"- {_text(_named(one), 500)}\n" for one in some[:MOST_IN_PAGE])
        text += _others(some, "images")
    return text


def _others(some: list, noun: str) -> str:
    more = len(some) - MOST_IN_PAGE
    return f"\nAnd {number(more)} more {noun}, in the report in JSON.\n" if more > 0 else ""


def _text(text: object, limit: int = 200) -> str:
    return markdown(printable(text, limit))
