# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report in Markdown, as pull requests and job summaries show it. Pure."""

from __future__ import annotations

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import markdown, printable
from ansible_collections.registry.hygiene.plugins.plugin_utils._report import (
    HELD,
    days,
    done,
    image_name,
    loss,
    number,
    plural,
    size,
    summary,
    together,
)

MOST_CHARACTERS = 400_000  # GitHub shows one megabyte in the summary of a job
MOST_REGISTRIES = 500
HEAD = """| {} | Targets | {} | Images go | perhaps | would go anyway | of | Bytes | Limits |
| --- | --: | --: | --: | --: | --: | --: | --: | --- |
"""


def page(registries: list, check_mode: bool, reason: str = "") -> str:
    """Return the report; the registries beyond its bounds have a row only, or are counted."""
    title = "What would change, and which images that would cost" if check_mode else "What was changed"
    note = "Nothing was written to a registry." if check_mode else "Registries delete by themselves what is said to go."
    text = f"# {title}\n\n{_text(summary(registries, check_mode), 2000)}.\n\n{note}\n"
    text += f"\nReason: {_text(reason, 500)}\n" if reason else ""
    if len(registries) > 1:
        text += f"\n{_head('Registry', check_mode)}"
        for each in registries[:MOST_REGISTRIES]:
            said = f"refused by {each['refused']}" if each["refused"] else "failed" if each["failed"] else "ok"
            text += _row({**done(each), "what": each["name"], "limit": said})
        text += _row({**together(registries)["numbers"], "what": "Total", "limit": ""})
    for place, each in enumerate(registries):
        part = _registry(each, check_mode)
        if len(text) + len(part) > MOST_CHARACTERS:
            return f"{text}\nThe details of {plural(len(registries) - place, 'more host')} are in the report in JSON.\n"
        text += part
    return text


def _registry(registry: dict, check_mode: bool) -> str:
    text = f"\n## {_text(registry['name'])}\n"
    if not registry["declared"]:
        return f"{text}\nNothing is declared.\n"
    text += f"\n{HELD.capitalize()}.\n" if registry["held"] else ""
    if registry["rows"]:
        rows = [
            _row({**row, "limit": f"refused by {row['limit']}" if row["limit"] else "ok"}) for row in registry["rows"]
        ]
        text += "\n" + _head("Policies of", check_mode) + "".join(rows)
        text += _row({**registry["numbers"], "what": "Total", "limit": ""}) if len(rows) > 1 else ""
    if registry["estimate"]:
        text += "\nAn estimate: the registry does not document all of its rules.\n"
    if registry["messages"]:
        text += "\n" + "".join(f"- {_text(each['text'], 1000)}\n" for each in registry["messages"])
        text += f"- and {number(registry['more_messages'])} more\n" if registry["more_messages"] else ""
    losing = [repository for repository in registry["worst"] if loss(repository)[0]]
    if losing:
        text += "\n| Repository | Image | Age | Size | Why |\n| --- | --- | --: | --: | --- |\n"
        text += "".join(map(_repository, losing))
    for path in registry["files"]:
        text += f"\nAll of it: {_text(path, 1000)}\n"
    return text


def _repository(repository: dict) -> str:
    images = repository.get("images") or []
    name = f"**{_text(repository.get('target'))}**"
    perhaps = repository.get("uncertain_count")
    lost = f"{number(repository.get('count'))} go{f', {number(perhaps)} perhaps' if perhaps else ''}"
    text = f"| {name} | {lost}, {number(repository.get('kept_count'))} stay |  | {size(repository.get('bytes'))} |  |\n"
    for image in images:
        why = [_text(image.get("because") or "", 300)]
        why += ["perhaps"] if image.get("fate") == "perhaps" else []
        why += ["would go anyway"] if image.get("anyway") else []
        known = size(image["size"]) if image.get("size") else ""
        text += (
            f"|  | {_text(image_name(image))} | {days(image.get('age'))} | {known} | {', '.join(filter(None, why))} |\n"
        )
    return text


def _head(what: str, check_mode: bool) -> str:
    return HEAD.format(what, "Would change" if check_mode else "Changed")


def _row(row: dict) -> str:
    cells = [_text(row["what"]), *(number(row[key]) for key in ("targets", "changed"))]
    cells += [number(row[key]) for key in ("count", "uncertain_count", "anyway_count", "total")]
    return f"| {' | '.join([*cells, size(row['bytes']), _text(row['limit'])])} |\n"


def _text(text: object, limit: int = 200) -> str:
    return markdown(printable(text, limit))
