"""A board's page as one HTML file that asks nothing of any other, and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from recbench.boards.kinds import TIER_TERMS
from recbench.boards.packing import pack
from recbench.boards.page import BoardPage

# Each uses those before it.
_SCRIPTS = ("data.js", "state.js", "table.js", "plot.js", "entry.js", "columns.js", "main.js")


def render_page(page: BoardPage) -> str:
    """The page of a board as HTML.

    Its content security policy allows its own style and script by their hashes, and nothing else: no other host is
    asked for anything, and whatever an entry says is text.
    """
    style = _asset("page.css")
    script = "\n".join(_asset(name) for name in _SCRIPTS)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    pages = Environment(
        loader=PackageLoader("recbench.boards"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return pages.get_template("page.html.j2").render(
        page=page,
        tiers=TIER_TERMS,
        data=htmlsafe_json_dumps(pack(page), separators=(",", ":"), allow_nan=False),
        style=Markup(style),
        script=Markup(script),
        policy=policy,
    )


def _asset(name: str) -> str:
    return files("recbench.boards").joinpath("templates", name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """A text as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
