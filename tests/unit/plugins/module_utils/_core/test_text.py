# Copyright: registry.hygiene contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.registry.hygiene.plugins.module_utils._core.text import encodable, markdown, printable
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("v1.0-rc_1", "v1.0-rc_1"),
        ("Größe 版本 αβγ 🚀", "Größe 版本 αβγ 🚀"),
        (r"^v\d+$", r"^v\d+$"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\rb\nc\td\0e\x7f", r"a\rb\nc\td\x00e\x7f"),
        ("a\x85b\x9bc\xa0d\xad", r"a\x85b\x9bc\xa0d\xad"),
        ("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f", None),
        ("\u200b\u200c\u200d\u2060\ufeff\u2028\u2029\u3164\u2800\u034f", None),
        ("\ud800x\udfff", r"\ud800x\udfff"),
        ("\U000e0041", r"\U000e0041"),
        (None, "None"),
        (7, "7"),
    ],
)
def test_what_cannot_be_seen_is_escaped(text, shown):
    shown = "".join(f"\\u{ord(char):04x}" for char in text) if shown is None else shown
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abc..."),
        ("ab\x1bde", 8, r"ab\x1bde"),
        ("ab\x1bdef", 8, "ab..."),
        ("\x1b\x1b\x1b", 8, r"\x1b..."),
        ("abcdef", 2, ".."),
        ("abcdef", 0, ""),
    ],
)
def test_a_limit_cuts_between_characters(text, limit, shown):
    assert printable(text, limit) == shown


@given(st.text(st.characters(exclude_categories=())), st.integers(0, 40))
def test_any_text_becomes_one_printable_line(text, limit):
    shown = printable(text)
    assert shown.isprintable() and len(shown.splitlines()) <= 1 and printable(shown) == shown
    assert len(printable(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("acme/app: v1-2, dev.3 (3 of 4)", "acme/app: v1-2, dev.3 (3 of 4)"),
        ("max_deletions", r"max\_deletions"),
        ("a|b", "a&#124;b"),
        ("<img src=x>&amp;", "&lt;img src=x&gt;&amp;amp;"),
        ("[a](b) ![c]", r"\[a\](b) \!\[c\]"),
        ("`a` **b** ~~c~~ $d$", r"\`a\` \*\*b\*\* \~\~c\~\~ \$d\$"),
        ("\\|", r"\\&#124;"),
        ("https://x.example www.x.example Www.y", r"https\://x.example www\.x.example Www\.y"),
        ("a\nb", r"a\\nb"),
    ],
)
def test_markdown_is_nothing_but_text(text, shown):
    assert markdown(text) == shown


@given(st.text("ab\\`*_[]()<>&|!~$@:/w.\n\r\t#-", max_size=30))
def test_no_sign_of_markdown_is_left_bare(text):
    shown = markdown(text)
    assert not set("<>|\n\r\t") & set(shown) and not re.search(r"(?<!\\)://|www\.", shown)
    bare = re.sub(r"\\[\\`*_\[\]~$@!:.]", "", shown)
    assert not set("\\`*_[]~$@!") & set(bare)
    assert re.fullmatch(r"(?:[^&]|&(?:amp|lt|gt|#124);)*", shown)


@given(st.text(st.characters(exclude_categories=())))
def test_lone_surrogates_do_not_keep_a_text_from_being_written(text):
    found = encodable(text)
    assert json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8")) == found
    assert found == text or re.search("[\ud800-\udfff]", text)
