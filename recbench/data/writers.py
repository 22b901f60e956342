"""Logs back into files: csv, tsv, parquet and RecBole's ``.inter``, with the original ids."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.contracts.errors import DataError
from recbench.data.columns import without_type
from recbench.data.formats import unique_names
from recbench.data.values import RawLog

SUFFIXES = (".csv", ".tsv", ".parquet", ".inter")
_PLACE = "\0place"
_INTER_NAMES = {
    "user": "user_id:token",
    "item": "item_id:token",
    "rating": "rating:float",
    "timestamp": "timestamp:float",
    "split": "split:token",
}


def check_target(path: Path, suffixes: Sequence[str] = SUFFIXES, *, overwrite: bool = False) -> None:
    """Refuses a file that could not or should not be written, before anything is computed.

    Args:
      suffixes: those that are expected, with their dots.

    Raises:
      DataError: the suffix is another one, the folder is not there, or the file is and may not be replaced.
    """
    if path.suffix.lower() not in suffixes:
        expected = f"one of {', '.join(suffixes)}" if len(suffixes) > 1 else suffixes[0]
        raise DataError(f"{path} has the suffix {path.suffix!r}, but {expected} is expected")
    if not path.parent.is_dir():
        raise DataError(f"{path} cannot be written: there is no folder {path.parent}; make it first")
    if path.exists() and not overwrite:
        raise DataError(f"{path} exists already: give another name, or --force to replace it")


def write_log(log: pl.DataFrame, path: Path, *, overwrite: bool = False) -> None:
    """Writes a log in the format that the file's suffix names; the file is there whole or not at all.

    Args:
      log: columns user, item[, rating][, timestamp][, split].
      path: ends in one of ``SUFFIXES``.
      overwrite: whether a file that is there may be replaced.

    Raises:
      DataError: see ``check_target``; or an id does not fit into the format; or the disk refuses.
    """
    check_target(path, overwrite=overwrite)
    table = log.lazy()
    _refuse_misfits(table, path, ids=("user", "item"))
    _write(table.rename(_INTER_NAMES, strict=False) if path.suffix.lower() == ".inter" else table, path)


def write_rows(
    raw: RawLog, places: NDArray[np.int64], log: pl.DataFrame, path: Path, *, overwrite: bool = False
) -> None:
    """Writes some rows of a file with all their columns, in order; see :func:`recbench.data.readers.copy_rows`.

    Args:
      raw: the rows as they stand in the file.
      places: numbers of rows, int64 [k], increasing.
      log: ``typed_log`` of ``raw``.

    Raises:
      DataError: as :func:`write_log`.
    """
    check_target(path, overwrite=overwrite)
    suffix = path.suffix.lower()
    kept = raw.whole.with_row_index(_PLACE).filter(pl.col(_PLACE).is_in(pl.Series(places).implode())).drop(_PLACE)
    if suffix == ".inter" or (suffix == ".parquet" and raw.text):
        kept = _typed(kept.collect(engine="streaming"), log[places], raw).lazy()
    names = _target_names(kept.collect_schema().names(), raw, suffix)
    table = kept.rename(names)
    _refuse_misfits(table, path, ids=[names[raw.roles[role]] for role in ("user", "item")])
    _write(table, path)


def _typed(kept: pl.DataFrame, log: pl.DataFrame, raw: RawLog) -> pl.DataFrame:
    """The rows with the columns of the roles as they were read; times with a fraction of a second keep it."""
    columns = []
    for role in log.columns:
        typed, stands = log[role].alias(raw.roles[role]), kept[raw.roles[role]]  # type: ignore[index]
        if role == "timestamp" and not stands.dtype.is_temporal():
            exact = (stands.str.strip_chars() if stands.dtype == pl.String else stands).cast(pl.Float64, strict=False)
            typed = typed if exact.has_nulls() or (exact == typed).all() else exact
        columns.append(typed)
    return kept.with_columns(columns)


def _target_names(names: Sequence[str], raw: RawLog, suffix: str) -> dict[str, str]:
    """What each column of the log is called in a file."""
    roles = {name: role for role, name in raw.roles.items()}
    if suffix != ".inter":
        return {name: name if raw.header else roles.get(name, name) for name in names}
    named = {name: _INTER_NAMES[roles[name]] for name in names if name in roles}
    others = {name: _inter_name(name, place) for place, name in enumerate(names) if name not in roles}
    # RecBole knows the columns of the roles by their names: others give way.
    fields = unique_names(each.rpartition(":")[0] for each in (*named.values(), *others.values()))[len(named) :]
    typed = (f"{field}:{each.rpartition(':')[2]}" for field, each in zip(fields, others.values(), strict=True))
    return named | dict(zip(others, typed, strict=True))


def _inter_name(name: str, place: int) -> str:
    """A header of RecBole for any column: it has one colon, before the type."""
    field = without_type(name)
    return name if field != name else f"{name.replace(':', '_') or f'column {place}'}:token"


def _write(table: pl.LazyFrame, path: Path) -> None:
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            match path.suffix.lower():
                case ".parquet":
                    table.sink_parquet(temporary)
                case ".csv":
                    table.sink_csv(temporary)
                case _:
                    table.sink_csv(temporary, separator="\t", quote_style="never")
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error
    except pl.exceptions.ComputeError as error:
        if "IO error" not in str(error):  # something else than the disk: of what is read
            raise
        raise DataError(f"{path} cannot be written: {str(error).rpartition('IO error: ')[2]}") from error


def _refuse_misfits(table: pl.LazyFrame, path: Path, *, ids: Sequence[str]) -> None:
    """Text cannot hold lists; formats without quotes cannot hold a tab or a line end in a field, nor empty ids."""
    if path.suffix.lower() == ".parquet":
        return
    schema = table.collect_schema()
    for name, kind in schema.items():
        if kind.is_nested() or kind in (pl.Object, pl.Binary):
            raise DataError(f"{path} cannot hold the column {name!r}, which is of {kind}: write a .parquet file")
    if path.suffix.lower() == ".csv":
        return
    texts = [name for name, kind in schema.items() if kind == pl.String]
    bad = (_first_misfit(pl.col(name), empty=name not in ids) for name in texts)
    for first in table.select(bad).collect(engine="streaming"):
        if first.count():
            raise DataError(
                f"{path} cannot hold the {first.name} {first[0]!r}: ids that are empty, and fields that have tabs or "
                "line ends in them, fit into .csv and .parquet only"
            )


def _first_misfit(text: pl.Expr, *, empty: bool) -> pl.Expr:
    misfit = text.str.contains(r"[\t\n\r]")
    return text.filter(misfit if empty else misfit | (text == "")).first()


def _umask() -> int:
    """The umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
