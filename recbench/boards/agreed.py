"""Whether what an entry states is what it should be: the first value that is not is named, with both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from recbench.contracts.errors import VerificationError

ROUNDING = 1e-9
"""Relative difference of numbers that were computed from the same on two machines, at most."""
_LISTED = 10


def check_equal(place: str, stated: Any, found: Any, *, why: str) -> None:
    """Compares values at any depth; numbers to within rounding.

    Raises:
      VerificationError: names the first place where they differ, as in ``agreements.3.tau``.
    """
    if isinstance(stated, Mapping) and isinstance(found, Mapping):
        for name in (*stated, *(set(found) - set(stated))):
            check_equal(f"{place}.{name}", stated.get(name), found.get(name), why=why)
    elif _is_list(stated) and _is_list(found):
        if len(stated) != len(found):
            long = max(len(stated), len(found)) > _LISTED
            both = (f"{len(stated):,} rows", f"{len(found):,} rows") if long else (_shown(stated), _shown(found))
            raise _refused(repr(place), *both, why)
        for number, pair in enumerate(zip(stated, found, strict=True)):
            check_equal(f"{place}.{number}", *pair, why=why)
    elif not _same(stated, found):
        raise _refused(repr(place), _shown(stated), _shown(found), why)


def _refused(what: str, stated: str, found: str, why: str) -> VerificationError:
    return VerificationError(f"{what} is {stated} in the entry, but {found} {why}")


def _same(stated: Any, found: Any) -> bool:
    if isinstance(stated, float) and isinstance(found, float | int) and not isinstance(found, bool):
        return math.isclose(stated, found, rel_tol=ROUNDING, abs_tol=ROUNDING)
    return type(stated) is type(found) and bool(stated == found)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: Any) -> str:
    text = "nothing" if value is None else repr(list(value) if isinstance(value, tuple) else value)
    return text if len(text) <= 100 else f"{text[:97]}..."
