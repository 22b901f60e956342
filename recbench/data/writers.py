"""Logs back into files: csv, tsv, parquet and RecBole's ``.inter``, with the original ids."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import polars as pl

from recbench.contracts.errors import DataError

SUFFIXES = (".csv", ".tsv", ".parquet", ".inter")
_INTER_NAMES = {
    "user": "user_id:token",
    "item": "item_id:token",
    "rating": "rating:float",
    "timestamp": "timestamp:float",
    "split": "split:token",
}


def check_target(path: Path, *, overwrite: bool = False) -> None:
    """Refuses a file that could not or should not be written, before anything is computed.

    Raises:
      DataError: the suffix is none of ``SUFFIXES``, the folder is not there, or the file is and may not be replaced.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise DataError(f"{path} has the suffix {path.suffix!r}, but one of {', '.join(SUFFIXES)} is expected")
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
    suffix = path.suffix.lower()
    if suffix in (".tsv", ".inter"):
        _refuse_unquotable(log, path)
    if suffix == ".inter":
        log = log.rename({name: _INTER_NAMES[name] for name in log.columns})
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        try:
            _write(log, temporary, suffix)
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or error}") from error


def _write(log: pl.DataFrame, path: str, suffix: str) -> None:
    match suffix:
        case ".parquet":
            log.write_parquet(path)
        case ".csv":
            log.write_csv(path)
        case _:
            log.write_csv(path, separator="\t", quote_style="never")


def _refuse_unquotable(log: pl.DataFrame, path: Path) -> None:
    """Formats without quotes cannot hold ids that are empty or have a tab or an end of line in them."""
    for role in ("user", "item"):
        if log.schema[role] != pl.String:
            continue
        bad = log[role].filter(log[role].str.contains(r"[\t\n\r]") | (log[role] == ""))
        if len(bad):
            raise DataError(
                f"{path} cannot hold the {role} {bad[0]!r}: ids that are empty or have tabs or line ends in them "
                "fit into .csv and .parquet only"
            )


def _umask() -> int:
    """The umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
