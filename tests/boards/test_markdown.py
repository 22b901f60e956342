"""Whatever text comes in, a Markdown reader shows that text and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recbench.boards.markdown import Markup, code, escape, number, span

markdown_it = pytest.importorskip("markdown_it", reason="markdown-it-py comes with rich")
READER = markdown_it.MarkdownIt("commonmark").enable("table")

TEXT = st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(" `*_[]()<>|\\!#&@:/w.-~"), min_size=1)


def read(markdown: str) -> str:
    """The text that a reader shows for a line; fails where it sees anything but text."""
    opened, inline, closed = READER.parse(markdown)
    assert (opened.type, closed.type) == ("paragraph_open", "paragraph_close")
    assert {child.type for child in inline.children} <= {"text"}
    return "".join(child.content for child in inline.children)


@given(TEXT)
@example("<!-- board:end -->")
@example("[a](http://b) ![c](d) <script> `x` **y** &lt; a|b")
def test_escaped_text_is_read_as_itself(text: str) -> None:
    assert read(f"x {escape(text)} x").split() == f"x {text} x".split()
    assert "<" not in escape(text) and "://" not in escape(text)


@given(TEXT)
def test_a_label_is_one_cell_of_a_table(text: str) -> None:
    html = READER.render(f"| a | b |\n| --- | --- |\n| {code(text)} | {escape(text)} |\n")
    assert html.count("<td>") == 2
    assert "<!--" not in code(text)


def test_labels_are_code_where_that_is_safe() -> None:
    assert code("svp-cf[proxy=mf,unit=user]") == "`svp-cf[proxy=mf,unit=user]`"
    assert code("a`b") == "a\\`b"


def test_missing_values_are_a_dash_and_markup_stays() -> None:
    assert escape(None) == escape("") == number(None, 2) == span(None, 0.5, 2) == "-"
    assert (number(0.126, 2), span(-0.5, 1, 1)) == ("0.13", "-0.5 to 1.0")
    assert (number(-0.001, 2), span(-0.001, 1, 1)) == ("0.00", "0.0 to 1.0"), "a minus says that it is less"
    assert escape(Markup("**b**")) == "**b**"
    assert escape("a\u202eb\nc") == "a\ufffdb\ufffdc"
