# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the report in HTML looks, and its search: constants."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --text: #1b2330; --soft: #5b6677; --line: #dfe3ea;
  --go: #b3261e; --perhaps: #8a5a00; --fine: #1a7344; --images: #2f6fd6; --bytes: #7a56c2;
  --track: #e9ecf1; --note: #fdecea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b2129; --text: #e7ebf1; --soft: #9ba7b6; --line: #303946;
    --go: #ff8a80; --perhaps: #f2b84b; --fine: #6fd29a; --images: #6ea4ff; --bytes: #b195f5;
    --track: #2a323d; --note: #3a2020;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; }
h2 { font-size: 19px; margin: 36px 0 12px; }
h3 { font-size: 15px; margin: 0 0 12px; color: var(--soft); font-weight: 600; }
p { margin: 6px 0; }
.soft { color: var(--soft); }
.break, td, li { overflow-wrap: anywhere; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px;
  margin: 0 0 16px; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(160px, 1fr)); gap: 12px; margin: 20px 0; }
.figures div { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.figures b { display: block; font-size: 25px; line-height: 1.3; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: 13px; }
.go { color: var(--go); } .perhaps { color: var(--perhaps); } .fine { color: var(--fine); }
.note { background: var(--note); border-color: var(--go); }
.note ul, .card ul { margin: 4px 0 0; padding-left: 20px; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 16px; }
.charts .card { margin: 0; }
.bar { margin: 0 0 14px; }
.bar:last-child { margin-bottom: 0; }
.bar > span { display: block; overflow-wrap: anywhere; }
.bar > div { display: grid; grid-template-columns: 1fr 92px; gap: 10px; align-items: center; }
.bar i { display: block; height: 9px; border-radius: 5px; background: var(--track); overflow: hidden; }
.bar i > i { background: var(--images); border-radius: 5px 0 0 5px; }
.bar .bytes > i { background: var(--bytes); }
.bar em { font-style: normal; font-size: 13px; color: var(--soft); text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; background: var(--images);
  margin: 0 4px 0 0; }
.key + .key, .key.bytes { background: var(--bytes); margin-left: 12px; }
table { width: 100%; border-collapse: collapse; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 13px; white-space: nowrap; }
th, td { padding: 7px 10px 7px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child td { border-bottom: 0; }
tfoot td { font-weight: 600; border-top: 2px solid var(--line); border-bottom: 0; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
code { font: 13px/1.5 ui-monospace, monospace; }
#search { width: 100%; padding: 10px 14px; font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; }
#search:focus { outline: 2px solid var(--images); }
.finder { position: sticky; top: 0; background: var(--page); margin: 20px 0 0; padding: 10px 0; z-index: 1; }
[hidden] { display: none !important; }
@media (min-width: 721px) { .number + :not(.number) { padding-left: 14px; } }
@media (min-width: 1000px) {
  .declared { table-layout: fixed; }
  .declared th:first-child { width: 26%; }
  .declared th:last-child { width: 14%; }
}
@media (max-width: 720px) {
  main { padding: 20px 12px 40px; }
  h1 { font-size: 22px; }
  .figures { grid-template-columns: 1fr 1fr; gap: 8px; }
  .figures b { font-size: 21px; }
  .card { padding: 14px; }
  thead { display: none; }
  table, tbody, tfoot { display: block; }
  tr { display: flex; flex-wrap: wrap; gap: 1px 16px; padding: 9px 0; border-bottom: 1px solid var(--line); }
  tbody tr:last-child { border-bottom: 0; }
  td, tfoot td { border: 0; padding: 0; display: flex; gap: 6px; text-align: left; max-width: 100%; }
  td:first-child { flex-basis: 100%; font-weight: 600; }
  td:empty { display: none; }
  td:not(:first-child)::before { content: attr(data-label); color: var(--soft); font-weight: 400; white-space: nowrap; }
}
@media print { .finder { display: none; } body { background: none; } }
"""

SCRIPT = """
(function () {
  var field = document.getElementById("search"), found = document.getElementById("found");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr.find"));
  var texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
  document.querySelector(".finder").hidden = false;
  field.addEventListener("input", function () {
    var words = field.value.toLowerCase().split(/\\s+/), shown = 0;
    rows.forEach(function (row, place) {
      row.hidden = !words.every(function (word) { return texts[place].indexOf(word) >= 0; });
      shown += row.hidden ? 0 : 1;
    });
    found.textContent = field.value ? shown + " of " + rows.length + " rows" : "";
  });
})();
"""
