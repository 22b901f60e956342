"""Which column of a file is the user, the item, the rating, the time and the split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from recbench.contracts.errors import DataError

Role = Literal["user", "item", "rating", "timestamp", "split"]
ROLES: tuple[Role, ...] = get_args(Role)

# Compared in lower case without punctuation; the first that is found counts.
_ALIASES: dict[Role, tuple[str, ...]] = {
    "user": (
        *("user", "userid", "uid", "username", "reviewerid", "reviewer", "profilename", "reviewprofilename"),
        *("customerid", "customer", "memberid", "member", "visitorid", "sessionid", "session"),
    ),
    "item": (
        *("item", "itemid", "iid", "movieid", "movie", "artistid", "artist", "parentasin", "asin", "productid"),
        *("product", "bookid", "book", "beerid", "beerbeerid", "businessid", "business", "trackid", "track"),
        *("songid", "song", "videoid", "video", "gameid", "game", "newsid", "recipeid"),
    ),
    "rating": ("rating", "ratings", "stars", "score", "overall", "reviewoverall", "preference"),
    "timestamp": (
        *("timestamp", "unixreviewtime", "unixtime", "time", "reviewtime", "datetime", "date", "dateadded"),
        *("createdat", "ts"),
    ),
    "split": ("split",),
}
_RECBOLE = re.compile(r"(.+):(?:token|float)(?:_seq)?")


@dataclass(frozen=True, slots=True)
class Columns:
    """Names (or numbers from 0) of a file's columns; None: found by the usual names, or by position without a header.

    ``header`` says whether the first line names the columns; None: found by looking at it.
    """

    user: str | int | None = None
    item: str | int | None = None
    rating: str | int | None = None
    timestamp: str | int | None = None
    split: str | int | None = None
    header: bool | None = None


def has_header(first_row: Sequence[str], columns: Columns) -> bool:
    """Whether the first row of a file names columns: it does unless none is known and one is a number."""
    if columns.header is not None:
        return columns.header
    asked = {str(getattr(columns, role)) for role in ROLES}
    if any(name in asked and not name.isdecimal() for name in map(without_type, first_row)):
        return True
    known = {_plain(name) for name in first_row}
    if any(known.intersection(_ALIASES[role]) for role in ROLES):
        return True
    return not any(_is_number(name) for name in first_row if name)


def find_columns(names: Sequence[str], columns: Columns, *, source: str, header: bool = True) -> dict[Role, str]:
    """The name of the column of each role that the file has.

    Args:
      names: the file's columns in their order; stand-ins when it has no header.
      columns: what the caller knows about them.
      source: the file, for messages.
      header: whether the names are the file's own.

    Raises:
      DataError: no user or item column, or an asked-for column is not there.
    """
    found = {role: _asked(getattr(columns, role), role, names, source=source) for role in ROLES}
    plain = {_plain(name): name for name in reversed(names)}
    taken = {name for name in found.values() if name is not None}
    for position, role in enumerate(ROLES):
        if found[role] is not None:
            continue
        if header:
            near = [plain[alias] for alias in _ALIASES[role] if alias in plain]
        else:
            near = [] if role == "split" else list(names[position : position + 1])
        found[role] = next((name for name in near if name not in taken), None)
        taken.add(found[role] or "")
    for role in ("user", "item"):
        if found[role] is None:
            raise DataError(_missing(role, names, source=source, header=header))
    return {role: name for role, name in found.items() if name is not None}


def _asked(wanted: str | int | None, role: Role, names: Sequence[str], *, source: str) -> str | None:
    if wanted is None:
        return None
    if isinstance(wanted, str) and wanted in names:
        return wanted
    if isinstance(wanted, str):
        stripped = [name for name in names if without_type(name) == wanted]
        if stripped:
            return stripped[0]
    if str(wanted).isdecimal() and int(wanted) < len(names):
        return names[int(wanted)]
    raise DataError(
        f"{source} has no column {wanted!r} for the {role}: found {_listed(names)}; "
        f"give one of them (or its number from 0) with --{role}-column"
    )


def _missing(role: Role, names: Sequence[str], *, source: str, header: bool) -> str:
    if len(names) == 1:
        return (
            f"{source} was read as the one column {names[0]!r}, but at least two are needed (user, item): "
            "give the right --separator"
        )
    if header:
        return (
            f"{source} has no {role} column among {_listed(names)}: "
            f"name it with --{role}-column, or say --no-header if the first line is data"
        )
    return f"{source} has no header and {len(names)} columns left no {role}: give its number with --{role}-column"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def without_type(name: str) -> str:
    """A RecBole header's name without its type: ``user_id:token`` is ``user_id``."""
    typed = _RECBOLE.fullmatch(name)
    return typed[1] if typed else name


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", without_type(name.strip()).lower())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
