"""From a name or a file to a data set: the door that every command and notebook comes in by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recbench.contracts.errors import ContractError, DataError, UnknownNameError
from recbench.contracts.labels import Label, bind, simplest
from recbench.contracts.records import Dataset, Provenance
from recbench.data.archives import unpacked
from recbench.data.columns import Columns
from recbench.data.core import keep_core
from recbench.data.download import network
from recbench.data.formats import explain, raw_log
from recbench.data.frames import dataset_log, frame_dataset, log_dataset, placed_log
from recbench.data.values import RawLog, typed_log
from recbench.data.writers import write_log, write_rows

if TYPE_CHECKING:
    from recbench.registry import Registry

__all__ = ["Columns", "Log", "copy_rows", "file_dataset", "frame_dataset", "load_dataset", "load_log", "read_log"]


@dataclass(frozen=True, slots=True)
class Log:
    """A data set and the log that it was made of."""

    dataset: Dataset
    file: Path | None  # None: the data set is a registered one
    rows: pl.DataFrame  # as ``read_log`` gives them
    places: NDArray[np.int64]  # [n], which of these rows each row of the data set is


def load_dataset(
    name_or_path: str | Path,
    *,
    offline: bool = False,
    columns: Columns | None = None,
    separator: str | None = None,
    member: str | None = None,
    k_core: int = 0,
    registry: Registry | None = None,
) -> Dataset:
    """The data set that a plugin registered under a name, or the one in a file.

    Args:
      name_or_path: a name such as ``ml-100k``; what has a suffix or a folder in it, such as ``./log.csv``, is a file.
      offline: never use the network.
      columns: which columns of a file to read; None: those with the usual names.
      separator: between the fields of a text file; None: found by looking.
      member: the file to read of an archive with several.
      k_core: keep users and items with at least so many rows; 0 keeps all.
      registry: where names are looked up; None: the process's own.

    Raises:
      UnknownNameError: no plugin registered the name; the nearest ones are offered.
      DataError: the file, or a value in it, is not what it should be.
      DownloadError: the data set is not here and could not be brought here.
    """
    dataset = _named(name_or_path, offline=offline, registry=registry)
    if dataset is None:
        return file_dataset(Path(name_or_path), columns=columns, separator=separator, member=member, k_core=k_core)
    _refuse_file_options(dataset.name, columns, separator, member)
    return keep_core(dataset, k_core) if k_core else dataset


def load_log(
    name_or_path: str | Path,
    *,
    offline: bool = False,
    columns: Columns | None = None,
    separator: str | None = None,
    member: str | None = None,
    k_core: int = 0,
    registry: Registry | None = None,
) -> Log:
    """A data set as :func:`load_dataset` gives it, with its log: the rows of a file all and in the order of the file.

    The log of a registered data set has its rows in canonical order.
    """
    dataset = _named(name_or_path, offline=offline, registry=registry)
    if dataset is not None:
        _refuse_file_options(dataset.name, columns, separator, member)
        dataset = keep_core(dataset, k_core) if k_core else dataset
        return Log(dataset, None, dataset_log(dataset), np.arange(len(dataset.interactions)))
    path = Path(name_or_path)
    log = read_log(path, columns=columns, separator=separator, member=member)
    dataset, places = placed_log(log, name=_name_of(path), provenance=Provenance(str(path)), k_core=k_core)
    return Log(dataset, path, log, places)


def file_dataset(
    path: Path,
    *,
    name: str | None = None,
    provenance: Provenance | None = None,
    columns: Columns | None = None,
    separator: str | None = None,
    member: str | None = None,
    k_core: int = 0,
) -> Dataset:
    """The data set in a file, named after it unless a name is given."""
    log = read_log(path, columns=columns, separator=separator, member=member)
    provenance = provenance or Provenance(str(path))
    return log_dataset(log, name=name or _name_of(path), provenance=provenance, k_core=k_core)


def read_log(
    path: str | Path,
    *,
    columns: Columns | None = None,
    separator: str | None = None,
    member: str | None = None,
) -> pl.DataFrame:
    """The rows of an interaction log in the order of the file.

    Separated text, parquet, RecBole ``.inter``, JSON lines, Python literal lines and Netflix's ``mv_*.txt``, plain or
    in gzip, zip or tar; what it is, is found by looking at the file.

    Returns:
      Columns user and item (Int64, or String where an id is not an integer), and where the log has them rating
      (Float32), timestamp (Int64, seconds) and split (an Enum of train, validation, test; null for none).

    Raises:
      DataError: names the file and the line, what was found, what was expected and the option that mends it.
    """
    with _raw(Path(path), columns, separator, member) as raw:
        return typed_log(raw)


def copy_rows(
    log: Log,
    places: NDArray[np.int64],
    target: Path,
    *,
    overwrite: bool = False,
    columns: Columns | None = None,
    separator: str | None = None,
    member: str | None = None,
) -> tuple[str, ...]:
    """Writes some rows of a log as a file: those of a file with all their columns, and in its order.

    Csv and tsv get the fields as they stand in the file, and so does parquet from parquet; else the columns of user,
    item, rating, time and split are typed. Of JSON and Python lines these are the only ones. The file is not held in
    memory.

    Args:
      log: as :func:`load_log` gave it, with the same columns, separator and member.
      places: numbers of its rows, int64 [k], increasing.
      target: ends in one of ``recbench.data.writers.SUFFIXES``.

    Returns:
      The columns of the file that were left out.

    Raises:
      DataError: as :func:`read_log` and :func:`recbench.data.writers.write_log`.
    """
    if log.file is None:
        write_log(log.rows[places], target, overwrite=overwrite)
        return ()
    with _raw(log.file, columns, separator, member) as raw:
        write_rows(raw, places, log.rows, target, overwrite=overwrite)
        return raw.left_out


@contextmanager
def _raw(path: Path, columns: Columns | None, separator: str | None, member: str | None) -> Iterator[RawLog]:
    """The rows of a file as they stand in it, while the file is there: an archive is unpacked."""
    source = str(path)
    if not path.exists():
        raise DataError(f"there is no file {source}: give the path of an interaction log, or the name of a data set")
    try:
        with unpacked(path, source=source, member=member) as plain:
            try:
                yield raw_log(plain, source=source, columns=columns or Columns(), separator=separator)
            except pl.exceptions.PolarsError as error:
                raise explain(error, plain, separator, source=source) from error
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error.strerror or error}") from error


def _named(name_or_path: str | Path, *, offline: bool, registry: Registry | None) -> Dataset | None:
    """The registered data set that is meant; None: a file is."""
    if _is_path(name_or_path):
        return None
    try:
        return _registered(str(name_or_path), offline=offline, registry=registry)
    except UnknownNameError:
        if not Path(name_or_path).is_file():
            raise
        return None


def _name_of(path: Path) -> str:
    return path.name.partition(".")[0]


def _registered(name: str, *, offline: bool, registry: Registry | None) -> Dataset:
    if registry is None:
        # Only names need the plugins: a file is read without looking for any.
        from recbench.registry import default

        registry = default()
    label = Label.parse(name)
    registered = registry.get("datasets", label.name)
    parameters = registered.spec.parameters
    values = bind(label, parameters)
    with network(offline=offline):
        dataset = registered.load()(**values)
    if not isinstance(dataset, Dataset):
        raise ContractError(
            f"the data set {name!r} of {registered.distribution} loaded as {type(dataset).__name__}, "
            "but a recbench.Dataset is expected"
        )
    return replace(dataset, name=str(simplest(label.name, values, parameters))) if parameters else dataset


def _refuse_file_options(name: str, columns: Columns | None, separator: str | None, member: str | None) -> None:
    if separator is not None or member is not None or columns not in (None, Columns()):
        raise DataError(
            f"{name} is a registered data set, so columns, separator and member are known: leave these options out, "
            "or give the path of a file"
        )


def _is_path(name: str | Path) -> bool:
    if isinstance(name, Path) or os.sep in name:
        return True
    # A colon stands in names such as plugin.py:my-log, which ask for the data set of one plugin; brackets in labels.
    return bool(Path(name).suffix) and ":" not in name and not name.endswith("]")
