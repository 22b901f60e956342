"""The page as text: what it may do, and that the data come out of it as they went in."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recbench.boards.html import render_page
from recbench.boards.packing import pack, packed_digits, scaled
from recbench.boards.page import BoardPage, columns_of


class Elements(HTMLParser):
    """All start tags of a page, and the text of its style and scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "script"):
            self.raw.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem is not None:
            self.raw[-1] += data


@pytest.mark.parametrize("kind", ["samplers", "algorithms", "synthesisers"])
def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else(
    boards: dict[str, BoardPage], kind: str
) -> None:
    page = Elements(render_page(boards[kind]))
    (policy,) = [tag["content"] for name, tag in page.tags if tag.get("http-equiv") == "Content-Security-Policy"]
    style, data, script = page.raw
    style_hash, script_hash = (base64.b64encode(hashlib.sha256(x.encode()).digest()).decode() for x in (style, script))
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{script_hash}'; style-src 'sha256-{style_hash}'; "
        "base-uri 'none'; form-action 'none'"
    )
    json.loads(data)
    attributes = [(name, key, value) for name, tag in page.tags for key, value in tag.items()]
    assert not [each for each in attributes if each[1].startswith("on") or each[1] in ("src", "style", "action")]
    assert [value for _, key, value in attributes if key == "href"] == ["README.md"]
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script)
    assert re.findall(r"\w+://[^\"]*", style + script) == ["http://www.w3.org/2000/svg"], "the name of a namespace"


def unpacked(page: BoardPage, content: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a packed page, as its script reads them."""
    columns = columns_of(page.board.rows)
    read: dict[str, list[Any]] = {}
    for name, column in columns.items():
        values = content["rows"][name]
        if isinstance(values, dict):
            pairs = zip(values["runs"][::2], values["runs"][1::2], strict=True)
            values = [value for value, length in pairs for _ in range(length)]
        if column.kind in ("number", "low", "high"):
            read[name] = [None if each is None else each / 10 ** packed_digits(column) for each in values]
        elif column.kind == "entry":
            read[name] = [content["strings"][content["entries"][each]["name"]] for each in values]
        else:
            read[name] = [content["strings"][each] for each in values]
    return [dict(zip(read, row, strict=True)) for row in zip(*read.values(), strict=True)]


@pytest.mark.parametrize("kind", ["samplers", "algorithms", "synthesisers"])
def test_packing_keeps_each_row_to_more_digits_than_are_shown(boards: dict[str, BoardPage], kind: str) -> None:
    page = boards[kind]
    found = unpacked(page, json.loads(json.dumps(pack(page))))
    for row, read in zip(page.rows, found, strict=True):
        for each in fields(row):
            value, digits = getattr(row, each.name), each.metadata["column"].digits
            if isinstance(value, float):
                assert read[each.name] == pytest.approx(value, abs=0.15 * 10**-digits), each.name
                assert f"{read[each.name]:.{digits}f}" == f"{value:.{digits}f}", each.name
            else:
                assert read[each.name] == value, each.name


@given(st.floats(-1e6, 1e6), st.integers(1, 4))
@example(1 / 0.93, 2)
@example(-0.125, 2)
def test_what_is_packed_is_rounded_as_the_number_itself(value: float, digits: int) -> None:
    packed = scaled(value, digits)
    assert abs(packed / 10 ** (digits + 1) - value) <= 0.151 * 10**-digits
    assert float(f"{packed / 10 ** (digits + 1):.{digits}f}") == float(f"{value:.{digits}f}")


def test_equal_values_and_strings_stand_once(samplers_board: BoardPage) -> None:
    content = pack(samplers_board)
    assert content["rows"]["ceiling"] == {"runs": [8000, len(samplers_board.rows)]}
    assert isinstance(content["rows"]["tau"], list) and len(set(content["strings"])) == len(content["strings"])
    assert content["start"].keys() == {"dataset", "feedback"}
    budgets = [content["strings"][each] for each in content["options"]["budget"]]
    assert budgets == ["80%", "60%", "40%", "20%", "10%", "1%"]


@pytest.fixture(scope="session")
def small_board(samplers_board: BoardPage) -> BoardPage:
    return replace(samplers_board, rows=samplers_board.rows[:2])


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(codec=None) | st.sampled_from("<>&\"'/!-\u202e\u2028\ud800"), max_size=40))
def test_no_text_of_an_entry_ends_its_place_or_turns_the_line(small_board: BoardPage, text: str) -> None:
    rows = tuple(replace(row, note=text) for row in small_board.rows)
    page = Elements(render_page(replace(small_board, suite=text or "x", rows=rows)))
    assert [name for name, _ in page.tags].count("script") == 2
    strings = json.loads(page.raw[1])["strings"]
    assert "".join(each if each.isprintable() else "\ufffd" for each in text) in strings
    assert all(each.isprintable() for each in strings)
