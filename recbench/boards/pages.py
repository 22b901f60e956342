"""The pages of a folder of boards: for each kind of entries in it one as Markdown and one as HTML."""

from __future__ import annotations

from collections.abc import Mapping

from recbench.boards.entry import Entry
from recbench.boards.fill import board_page
from recbench.boards.html import render_page
from recbench.boards.newest import OUTCOMES, by_board
from recbench.boards.render import render_board
from recbench.boards.verdict import Verdict
from recbench.registry import Registry, default

README, INDEX = "README.md", "index.html"
"""The pages of the first kind of which there are entries; those of the others are called after it."""


def pages_of(
    entries: Mapping[str, Entry],
    *,
    source: str = "",
    verdicts: Mapping[str, Verdict] | None = None,
    registry: Registry | None = None,
) -> dict[str, str]:
    """The pages of one version of one suite, by the names of their files.

    Args:
      entries: by the names of their files, oldest first; at least one.
      source: what command lines call the suite, as in the path of its file; its name when empty.
      verdicts: on entries, by the names of these; those without one are self-reported.

    Raises:
      UnknownNameError: nobody here registered a metric that algorithms are ranked by.
    """
    boards = by_board(entries)
    names = {
        board: (f"{board}.md", f"{board}.html") if place else (README, INDEX) for place, board in enumerate(boards)
    }
    known = registry or default()
    pages = {}
    for board, own in boards.items():
        readme, index = names[board]
        others = {name: files for name, files in names.items() if name != board}
        in_markdown, in_html = ({str(name): files[at] for name, files in others.items()} for at in (0, 1))
        pages[readme] = render_board(own, source=source, verdicts=verdicts, others=in_markdown, registry=known)
        page = board_page(own, source=source, verdicts=verdicts, readme=readme, others=in_html, registry=known)
        pages[index] = render_page(page)
    return pages


def possible_pages() -> set[str]:
    """The names that pages may have, whatever entries there are."""
    return {README, INDEX, *(f"{board}.{ending}" for board in OUTCOMES for ending in ("md", "html"))}
