"""One entry of the catalogue: validated, found on disk or fetched, read, counted."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from recbench.contracts.errors import DataError, UnknownNameError
from recbench.contracts.records import Dataset, Provenance
from recbench.data.catalogue import catalogue_tables
from recbench.data.columns import Columns
from recbench.data.download import RECORDED, Remote, fetch
from recbench.data.frames import log_dataset
from recbench.data.readers import read_log

Column = str | Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(gt=0)]
_PART = re.compile(r"[\w][\w.+ -]*")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Roles(_Model):
    """Names, or numbers from 0, of the columns."""

    user: Column
    item: Column
    rating: Column | None = None
    timestamp: Column | None = None
    split: Column | None = None


class Counts(_Model):
    """What the file is known to hold, before rows are dropped; None: not known."""

    users: Count | None = None
    items: Count | None = None
    rows: Count | None = None


class Entry(_Model):
    """A data set of the catalogue."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    summary: str
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None  # None: no stable address
    mirrors: tuple[Annotated[str, Field(pattern=r"^https?://[^\s]+$")], ...] = Field(default=(), strict=False)
    file: str = ""  # name of what is fetched; by default the last part of the address
    sha256: Annotated[str, Field(pattern=rf"^(?:[0-9a-f]{{64}}|{RECORDED})$")] = RECORDED
    member: str | None = None  # the file inside an archive
    format: Literal["separated", "parquet", "json-lines", "python-lines", "netflix"]
    separator: str | None = None
    header: bool | None = None
    columns: Roles
    counts: Counts = Counts()
    missing_rating: float | None = Field(default=None, strict=False)  # means none: rows with it are dropped
    licence: str = "not stated"
    citation: str = ""
    notes: str = ""

    @field_validator("file", "member")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value and not all(_PART.fullmatch(part) for part in PurePosixPath(value).parts):
            raise ValueError("must be a relative path without '..'")
        return value

    @property
    def file_name(self) -> str:
        """Name of what is fetched."""
        return self.file or PurePosixPath(urlsplit(self.url or "").path).name

    @property
    def local_names(self) -> tuple[str, ...]:
        """Where the file may lie in the folder that RECBENCH_DATA names, the first found counts."""
        inside = PurePosixPath(self.member or self.file_name)
        names = (f"{self.name}/{inside.name}", str(inside), f"{self.name}/{self.file_name}", self.file_name)
        return tuple(dict.fromkeys(names))


def catalogue_entry(name: str) -> Entry:
    """The entry of a name.

    Raises:
      UnknownNameError: the catalogue has no such name.
      DataError: the entry is not what an entry should be.
    """
    tables = catalogue_tables()
    if name not in tables:
        near = difflib.get_close_matches(name, tables, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(tables)}"
        raise UnknownNameError(f"the catalogue has no data set {name!r}: {hint}")
    return parse_entry(name, tables[name])


def parse_entry(name: str, fields: dict[str, Any]) -> Entry:
    """An entry from its table in the file.

    Raises:
      DataError: names the entry, the field and what is wrong.
    """
    try:
        return Entry(name=name, **fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise DataError(f"the catalogue's entry {name}, {field}: {first['msg']}; found {first['input']!r}") from error


def catalogue_dataset(name: str) -> Dataset:
    """The catalogue's data set of a name, from RECBENCH_DATA, the cache or the network.

    Raises:
      DownloadError: it is not here and could not be brought here.
      DataError: its file is broken, or its counts differ from those of the catalogue.
    """
    entry = catalogue_entry(name)
    path = catalogue_file(entry)
    roles = entry.columns
    columns = Columns(roles.user, roles.item, roles.rating, roles.timestamp, roles.split, entry.header)
    packed = path.name == entry.file_name and entry.member is not None and entry.format != "netflix"
    log = read_log(path, columns=columns, separator=entry.separator, member=entry.member if packed else None)
    log = log.select(role for role in log.columns if getattr(roles, role) is not None)
    _check_counts(entry, log, path)
    if entry.missing_rating is not None:
        log = log.filter(pl.col("rating") != entry.missing_rating)
    provenance = Provenance(entry.url or str(path), entry.licence, entry.citation)
    return log_dataset(log, name=entry.name, provenance=provenance)


def catalogue_file(entry: Entry) -> Path:
    """The entry's file: in the folder that RECBENCH_DATA names, else in the cache, else fetched."""
    if folder := os.environ.get("RECBENCH_DATA"):
        if not Path(folder).is_dir():
            raise DataError(f"RECBENCH_DATA is {folder!r}, which is no folder: set it to one, or unset it")
        for local in entry.local_names:
            if (path := Path(folder, local)).is_file():
                return path
    remote = Remote(entry.name, entry.file_name, entry.sha256, entry.licence, entry.local_names[0])
    return fetch(remote, urls=(entry.url, *entry.mirrors) if entry.url else ())


def _check_counts(entry: Entry, log: pl.DataFrame, path: Path) -> None:
    found = {"users": log["user"].n_unique(), "items": log["item"].n_unique(), "rows": log.height}
    for what, expected in entry.counts:
        if expected is not None and found[what] != expected:
            raise DataError(
                f"{path} has {found[what]:,} {what}, but {entry.name} has {expected:,}: "
                "it is another file or part of one; fetch it again, or give it as a file of your own"
            )
