"""The catalogue's file and what listing its data sets needs: read without pydantic or Polars."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from recbench.contracts.errors import DataError

FILE_NAME = "datasets.toml"
_BESIDE = Path(__file__).with_name(FILE_NAME)  # where a wheel has it
_AT_ROOT = Path(__file__).parents[2] / FILE_NAME  # where a clone has it


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """What a listing shows of a data set; :class:`recbench.data.entry.Entry` has the rest."""

    name: str
    summary: str
    source: str  # address, or a note where to find it
    licence: str
    users: int | None
    items: int | None
    rows: int | None


def catalogue_entries() -> tuple[CatalogueEntry, ...]:
    """All data sets of the catalogue, in the order of the file."""
    return tuple(_listed(name, fields) for name, fields in catalogue_tables().items())


@cache
def catalogue_tables() -> dict[str, dict[str, Any]]:
    """The catalogue as it stands in the file.

    Raises:
      DataError: the file is not there or is not TOML.
    """
    path = _BESIDE if _BESIDE.is_file() else _AT_ROOT
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"the catalogue {path} cannot be read ({error.strerror}): install recbench anew") from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"the catalogue {path} is not TOML: {error}") from error


def _listed(name: str, fields: dict[str, Any]) -> CatalogueEntry:
    counts = fields.get("counts", {})
    return CatalogueEntry(
        name=name,
        summary=fields.get("summary", ""),
        source=fields.get("url", fields.get("notes", "")),
        licence=fields.get("licence", "not stated"),
        users=counts.get("users"),
        items=counts.get("items"),
        rows=counts.get("rows"),
    )
