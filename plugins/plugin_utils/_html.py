# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A report as one HTML page that needs nothing else: no network, and no script to be read. Pure."""

from __future__ import annotations

import base64
import hashlib
import html
from typing import Iterable

from ansible_collections.registry.hygiene.plugins.module_utils._core.text import printable
from ansible_collections.registry.hygiene.plugins.plugin_utils._details import Details, bars
from ansible_collections.registry.hygiene.plugins.plugin_utils._html_style import SCRIPT, STYLE
from ansible_collections.registry.hygiene.plugins.plugin_utils._report import (
    HELD,
    days,
    done,
    image_name,
    listed,
    number,
    plural,
    size,
    summary,
    together,
    verb,
)

ESTIMATE = "An estimate: the registry does not document all of its rules."
MOST_PART = 900_000  # characters of each table, whatever the names are
MOST_BARS = 30
MOST_FILES = 100
ENTRY = ("Policies of", "Targets", "Change", "Images go", "Perhaps", "Anyway", "Of", "Bytes", "Limits")
NUMERIC = (*ENTRY[1:-1], "Stay", "Age", "Size")
FATES = {"goes": ("go", "goes"), "perhaps": ("perhaps", "perhaps")}


def page(registries: list, details: Details, check_mode: bool, reason: str = "") -> str:
    """Return the report, of a few megabytes at most."""
    title = "What would change, and which images that would cost" if check_mode else "What was changed"
    script = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'"
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n',
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
        f"<title>Registry hygiene: {title.lower()}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
        f"<h1>{title}</h1>\n",
        f'<p class="soft break">{_text(summary(registries, check_mode), 2000)}.</p>\n',
        f'<p class="soft break">Reason: {_text(reason, 500)}</p>\n' if reason else "",
        *_figures(together(registries)["numbers"], check_mode),
        *_troubles(registries),
        *_charts(registries, details),
        '<div class="finder" hidden><input id="search" type="search" autocomplete="off" aria-label="Search" '
        'placeholder="Search repositories, tags, reasons"><span id="found" class="soft" role="status"></span></div>\n',
        *_entries(registries),
        *_repositories(details),
        *_images(details),
        *_rest(registries),
        f"</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
    ]
    return "".join(parts)


def _figures(numbers: dict, check_mode: bool) -> Iterable[str]:
    figures = [
        (number(numbers["changed"]), f"of {plural(numbers['targets'], 'target')} {verb(check_mode)}", ""),
        (number(numbers["count"]), f"of {plural(numbers['total'], 'image')} go", "go"),
        (number(numbers["uncertain_count"]), "perhaps", "perhaps"),
        (number(numbers["anyway_count"]), "of these would go anyway", ""),
        (size(numbers["bytes"]), "in images that go", ""),
    ]
    cells = "".join(f'<div><b class="{kind}">{value}</b><span>{what}</span></div>' for value, what, kind in figures)
    yield f'<div class="figures">{cells}</div>\n'


def _troubles(registries: list) -> Iterable[str]:
    items = [
        f"<li><b>{_text(each['name'])}</b>: {_text(message['text'], 1000)}</li>\n"
        for each in registries
        for message in each["messages"]
        if message["kind"] != "skipped"
    ]
    if items:
        shown = "".join(_bounded(items))
        yield f'<div class="card note"><h3 class="go">Refused or failed</h3><ul>{shown}</ul></div>\n'
    else:
        yield '<p class="fine">Nothing was refused, and nothing failed.</p>\n'


def _charts(registries: list, details: Details) -> Iterable[str]:
    of_registries = [(each["name"], done(each)["count"], done(each)["bytes"]) for each in registries]
    losing = sorted((row for row in of_registries if row[1] or row[2]), key=lambda row: row[1] or 0, reverse=True)
    if not losing and not details.rules:
        return
    yield '<h2>What goes</h2>\n<p class="soft"><i class="key"></i>images <i class="key bytes"></i>bytes</p>\n'
    yield f'<div class="charts">{_chart("By registry", losing[:MOST_BARS], len(losing) - MOST_BARS)}'
    if details.rules:
        yield _chart("By age", details.by_age())
        yield _chart("By rule", details.by_rule())
    yield "</div>\n"
    yield from _incomplete(details)


def _incomplete(details: Details) -> Iterable[str]:
    if details.incomplete:
        names = _text(listed(details.incomplete), 1000)
        yield f'<p class="soft break">Of {names} there is no plan file here: ages, rules and names are those of '
        yield "a few images of the repositories that lose most.</p>\n"


def _chart(title: str, rows: list, more: int = 0) -> str:
    text = f'<div class="card"><h3>{title}</h3>\n'
    for name, count, share, size_of, size_share in bars(rows):
        text += f'<div class="bar"><span>{_text(name)}</span>'
        text += f'<div><i><i style="width:{share:.1f}%"></i></i><em>{number(count)}</em></div>'
        text += (
            f'<div><i class="bytes"><i style="width:{size_share:.1f}%"></i></i><em>{size(size_of)}</em></div></div>\n'
        )
    return text + (f'<p class="soft">and {number(more)} more</p>' if more > 0 else "") + "</div>\n"


def _entries(registries: list) -> Iterable[str]:
    yield "<h2>What is declared</h2>\n"
    room = MOST_PART // 2
    for place, each in enumerate(registries):
        rows = []
        for row in each["rows"]:
            limit = f'<b class="go">{_text(row["limit"])}</b>' if row["limit"] else "ok"
            rows.append(_row(ENTRY, [_text(row["what"]), *_numbers(row), limit], "find"))
        known = each["declared"] and each["numbers"]["targets"] is not None
        foot = _row(ENTRY, ["Total", *_numbers(each["numbers"]), ""]) if rows or known else ""
        note = f'<p class="soft">{HELD.capitalize()}.</p>' if each["held"] else ""
        said = (
            "Nothing is declared." if not each["declared"] else "" if rows or known else "Nothing is known: see above."
        )
        note += f'<p class="soft">{said}</p>' if said else ""
        note += f'<p class="soft">{ESTIMATE}</p>' if each["estimate"] else ""
        left = [f"<li>{_text(one['text'], 1000)}</li>" for one in each["messages"] if one["kind"] == "skipped"]
        note += f'<p class="soft">Skipped:</p><ul>{"".join(left)}</ul>' if left else ""
        table = _table(ENTRY, rows, foot, "declared") if rows or known else ""
        part = f'<div class="card"><h3 class="break">{_text(each["name"])}</h3>{table}{note}</div>\n'
        room -= len(part)
        if room < 0:
            more = plural(len(registries) - place, "more host")
            yield f'<p class="soft">What {more} declare is in the report in JSON.</p>\n'
            return
        yield part


def _numbers(row: dict) -> list:
    cells = [number(row[key]) for key in ("targets", "changed", "count", "uncertain_count", "anyway_count", "total")]
    return [*cells, size(row["bytes"])]


def _repositories(details: Details) -> Iterable[str]:
    heads = ("Repository", "Registry", "Images go", "Perhaps", "Stay", "Bytes")
    rows = []
    for one in details.worst():
        numbers = [number(one.get(key)) for key in ("count", "uncertain_count", "kept_count")]
        kept = f'<b class="go">{numbers[2]}</b>' if one.get("kept_count") == 0 else numbers[2]
        cells = [
            f"<code>{_text(one['name'])}</code>",
            _text(one["registry"]),
            *numbers[:2],
            kept,
            size(one.get("bytes")),
        ]
        rows.append(_row(heads, cells, "find"))
    yield from _searchable("Repositories that lose most", heads, rows, len(details.repositories), "repositories")


def _images(details: Details) -> Iterable[str]:
    heads = ("Repository", "Image", "Age", "Size", "Fate", "Why")
    rows = []
    for image in details.images():
        kind, fate = FATES.get(str(image.get("fate")), ("", ""))
        fate = f'<span class="{kind}">{fate}</span>{" (anyway)" if image.get("anyway") else ""}'
        where, name = _text(image["repository"]), _text(image_name(image), 128)
        known = size(image["size"]) if image.get("size") else ""
        cells = [f"<code>{where}</code>", f"<code>{name}</code>", days(image.get("age")), known, fate]
        rows.append(_row(heads, [*cells, _text(image.get("because") or "", 300)], "find"))
    yield from _searchable("Images that go", heads, rows, details.known, "images")


def _searchable(title: str, heads: tuple, rows: list, known: int, noun: str) -> Iterable[str]:
    if not rows:
        return
    shown = _bounded(rows)
    yield f'<h2>{title}</h2>\n<div class="card">{_table(heads, shown)}'
    if len(shown) < known:
        yield f'<p class="soft">{len(shown):,} of {known:,} {noun} are shown: those of the repositories that lose '
        yield "most. All of them are in the plan files.</p>"
    yield "</div>\n"


def _rest(registries: list) -> Iterable[str]:
    files = [(each["name"], path) for each in registries for path in each["files"]]
    if files:
        items = [f"<li>{_text(name)}: <code>{_text(path, 1000)}</code></li>" for name, path in files[:MOST_FILES]]
        items += [f"<li>and {number(len(files) - MOST_FILES)} more</li>"] if len(files) > MOST_FILES else []
        yield '<h2>Plan files</h2>\n<div class="card"><p>All changes and all images, as JSON:</p>'
        yield f"<ul>{''.join(items)}</ul></div>\n"


def _table(heads: tuple, rows: list, foot: str = "", kind: str = "") -> str:
    cells = "".join(f'<th scope="col"{_class(head in NUMERIC)}>{head}</th>' for head in heads)
    foot = f"<tfoot>{foot}</tfoot>" if foot else ""
    opening = f'<table class="{kind}">' if kind else "<table>"
    return f"{opening}<thead><tr>{cells}</tr></thead><tbody>{''.join(rows)}</tbody>{foot}</table>"


def _row(heads: tuple, cells: list, kind: str = "") -> str:
    parts = [
        f'<td{_class(head in NUMERIC)} data-label="{head}">{cell}</td>' if cell else "<td></td>"
        for head, cell in zip(heads, cells)
    ]
    opening = f'<tr class="{kind}">' if kind else "<tr>"
    return f"{opening}{''.join(parts)}</tr>\n"


def _class(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def _bounded(parts: list) -> list:
    """Return as many of the parts as there is room for."""
    room, shown = MOST_PART, []
    for part in parts:
        room -= len(part)
        if room < 0:
            break
        shown.append(part)
    return shown


def _text(text: object, limit: int = 200) -> str:
    return html.escape(printable(text, limit))
