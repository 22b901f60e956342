"""Fake users in files: safetensors, which any library reads, with the original ids of the items.

The tensor ``rows`` is float32 [fake_users, num_items]; ``item_ids`` is int64 [num_items], or JSON in the metadata where
ids are text. The metadata also say what made them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from recbench.bench.parts import publish
from recbench.contracts.errors import DataError
from recbench.contracts.records import Budget, Split, Synthesis
from recbench.data.writers import check_target

SUFFIXES = (".safetensors",)


def save_synthesis(synthesis: Synthesis, split: Split, path: Path | str, *, overwrite: bool = False) -> None:
    """Writes fake users; the file is there whole or not at all.

    Args:
      split: what they were made of.
      path: ends in ``.safetensors``.
      overwrite: whether a file that is there may be replaced.

    Raises:
      DataError: another suffix, no such folder, a file that may not be replaced, or the disk refuses.
    """
    target = Path(path)
    check_target(target, SUFFIXES, overwrite=overwrite)
    said = {
        "sampler": synthesis.sampler,
        "budget": str(synthesis.budget),
        "seed": synthesis.seed,
        "facts": dict(synthesis.facts),
        "data": split.checksum,
    }
    tensors: dict[str, NDArray[Any]] = {"rows": np.asarray(synthesis.rows, order="C")}
    if split.item_ids.dtype.kind == "i":
        tensors["item_ids"] = np.asarray(split.item_ids, dtype=np.int64)
    else:
        said["item_ids"] = split.item_ids.tolist()
    try:
        publish(save(tensors, metadata={"recbench": json.dumps(said)}), target)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or error}") from error


def load_synthesis(path: Path | str, split: Split | None = None) -> Synthesis:
    """Reads fake users that :func:`save_synthesis` wrote.

    Args:
      split: what algorithms will train and be tested on; its items must be those of the fake users.

    Raises:
      DataError: no such file, another format, values that fake users cannot have, or other items than the split's.
    """
    source = Path(path)
    if not source.is_file():
        raise DataError(f"there is no file {source}: 'recbench distill' makes one")
    try:
        with safe_open(source, framework="numpy") as file:
            said = json.loads((file.metadata() or {})["recbench"])
            rows = file.get_tensor("rows")
            items = said["item_ids"] if "item_ids" in said else file.get_tensor("item_ids").tolist()
        made = Synthesis(rows, said["sampler"], Budget.parse(said["budget"]), said["seed"], said["facts"])
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{source} does not hold fake users: 'recbench distill' makes such files") from error
    if rows.dtype != np.float32 or rows.ndim != 2 or rows.shape[1] != len(items):
        found = f"rows of {rows.dtype} and shape {rows.shape}, and {len(items)} items"
        raise DataError(f"{source} has {found}, but float32 [fake users, items] is expected")
    if not (np.isfinite(rows).all() and (rows >= 0).all()):
        raise DataError(f"{source} has values that are not finite or below 0: it was damaged, or not made by recbench")
    if split is not None and items != split.item_ids.tolist():
        raise DataError(
            f"{source} is of {len(items):,} items, and they are not the {split.num_items:,} of {split.dataset!r}: "
            "take the data and the split that it was made of"
        )
    return made
