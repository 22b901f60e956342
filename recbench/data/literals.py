"""Values out of lines that are Python dict literals, as BeerAdvocate's, without running Python on each line."""

from __future__ import annotations

import ast
import re

import polars as pl

_STRING = r"""u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_VALUE = rf"""(?:{_STRING}|[^'",{{}}\s][^'",{{}}]*)"""


def literal_value(name: str) -> pl.Expr:
    """The value of a key, as text, from the column ``line`` of flat dicts of strings and numbers; None is null.

    The pattern steps over whole keys and values from the start of the line, so a key that a text only quotes is never
    taken for one.
    """
    pair = rf"\s*{_STRING}\s*:\s*{_VALUE}\s*,"
    found = pl.col("line").str.extract(rf"^\s*\{{(?:{pair})*?\s*{_key(name)}\s*:\s*({_VALUE})\s*[,}}]")
    return found.map_batches(_unquoted, return_dtype=pl.String, is_elementwise=True)


def _key(name: str) -> str:
    """A pattern for the key in either quotes."""
    inner = re.sub(r"([^\w\s])", r"\\\1", name)
    return f"""u?(?:'{inner}'|"{inner}")"""


def _unquoted(values: pl.Series) -> pl.Series:
    bare = values.str.strip_chars()
    plain = bare.str.replace(r"""^u?(?:'(.*)'|"(.*)")$""", "${1}${2}")
    plain = plain.set(bare.fill_null("None") == "None", None)
    # Escapes are rare, and only Python knows them all.
    escaped = bare.str.contains("\\", literal=True).arg_true()
    if len(escaped) == 0:
        return plain
    return plain.scatter(escaped, [str(ast.literal_eval(text)) for text in bare.gather(escaped)])
