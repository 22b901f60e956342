"""Text for Markdown pages: whatever is not known to be markup is shown as it is."""

from __future__ import annotations

import re
from typing import Any

MISSING = "-"
_PLAIN_CODE = re.compile(r"[\w.:+=,@\[\]% -]+")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_BACKSLASHED = frozenset("\\`*_{}[]#+!|~^$")


class Markup(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape(value: Any) -> str:
    r"""A value as text that no Markdown reader takes for markup, a link or a mention; missing ones are a dash.

    >>> print(escape("<b>x</b> | [a](http://b)"))
    &lt;b&gt;x&lt;/b&gt; \| \[a\](http&#58;//b)
    """
    if isinstance(value, Markup):
        return value
    if value is None or value == "":
        return MISSING
    text = "".join(map(_escaped, str(value)))
    return text.replace("://", "&#58;//").replace("www.", "www&#46;")


def code(value: object) -> Markup:
    """A label in the type of code where nothing in it could end that, escaped otherwise."""
    text = str(value)
    return Markup(f"`{text}`" if _PLAIN_CODE.fullmatch(text) and text.strip() else escape(text))


def number(value: float | None, digits: int) -> Markup:
    """A number with so many digits after the point."""
    return Markup(MISSING if value is None else f"{value:z.{digits}f}")


def span(low: float | None, high: float | None, digits: int) -> Markup:
    """An interval."""
    missing = low is None or high is None
    return Markup(MISSING if missing else f"{low:z.{digits}f} to {high:z.{digits}f}")


def _escaped(character: str) -> str:
    if not character.isprintable():
        return "\N{REPLACEMENT CHARACTER}"
    return f"\\{character}" if character in _BACKSLASHED else _ENTITIES.get(character, character)
