"""The data sets of the corpus: synthetic logs that span what real ones look like, and parts of real ones.

Synthetic logs come in shapes: those of one shape have equal counts and histories of equal lengths, so that they share
every compiled program, and differ in all else. A shape is left out of training as a whole, and so is a real data set
with all its parts.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from recbench import Dataset, Provenance, arrays_dataset

MEMBERS = 8
"""Logs of a shape."""
PART_USERS, PART_ROWS = 200, 5_000
"""What a part of a real data set has at least."""
_FEWEST_ROWS, _MOST_ROWS = 4_000, 12_000
_MEAN_LENGTH = 12  # rows a user at least, so that a tenth of them is a sample still
_SHORTEST = 3  # rows of a user who is split

# Of a shape: low and high; the first three are spread evenly in their logarithm.
_SHAPE = {"users": (200, 2_000), "items": (100, 1_000), "density": (0.004, 0.3), "length_spread": (0.2, 1.2)}
# Of a member.
_MEMBER = {
    "popularity": (0.0, 1.4),
    "mnar": (0.0, 3.0),
    "drift": (0.0, 1.5),
    "noise": (0.1, 1.5),
    "dimensions": (2, 16),
    "clusters": (-20, 20),  # below 1: smooth
}


def synthetic_labels(shapes: int, *, members: int = MEMBERS) -> list[str]:
    """Labels of synthetic logs, ``members`` a shape, spread by a Sobol sequence: more shapes keep the first ones."""
    places = _sobol(len(_SHAPE), shapes, seed=0)
    return [label for number, place in enumerate(places) for label in _members(number, place, members)]


def shape_of(label: str) -> str:
    """What the logs of one shape have in common, the group that is left out of training as one."""
    counts = ("items=", "rows=", "users=", "length_spread=")
    inner = label.partition("[")[2].rstrip("]").split(",")
    return f"synthetic[{','.join(part for part in inner if part.startswith(counts))}]"


def parts(dataset: Dataset, *, most: int, seed: int = 0) -> list[Dataset]:
    """The first ``most`` of as many disjoint groups of users as are large enough, named ``parent/0`` and so on.

    A data set that is not large enough for two is its only part, and keeps its name.
    """
    log = dataset.interactions
    degrees = np.bincount(log.user, minlength=log.num_users)
    split = degrees >= _SHORTEST
    number = min(int(split.sum()) // PART_USERS, int(degrees[split].sum()) // PART_ROWS)
    if number < 2:
        return [dataset]
    group = np.random.Generator(np.random.PCG64(seed)).permutation(log.num_users) % number
    return [_part(dataset, group[log.user] == place, place) for place in range(min(number, most))]


def parent_of(name: str) -> str:
    """The group of a data set: what it is a part of, the shape of a synthetic log, or the data set itself."""
    return shape_of(name) if is_synthetic(name) else name.partition("/")[0]


def is_synthetic(name: str) -> bool:
    """Whether a data set, or a group, is of the family."""
    return name.startswith("synthetic[")


def _members(number: int, place: NDArray[np.float64], members: int) -> Iterator[str]:
    users, items, density = (int(value) if value > 1 else value for value in _logarithmic(place[:3]))
    spread = round(_linear("length_spread", place[3], _SHAPE), 2)
    least, most = max(users * _MEAN_LENGTH, _FEWEST_ROWS), min(users * items // 3, _MOST_ROWS)
    rows = int(np.clip(users * items * density, min(least, most), most))
    fixed = {"users": users, "items": items, "rows": rows, "length_spread": spread, "seed": number, "all_items": "true"}
    for member in _sobol(len(_MEMBER), members, seed=number + 1):
        free: dict[str, float] = {
            name: round(_linear(name, value, _MEMBER), 2) for name, value in zip(_MEMBER, member, strict=True)
        }
        whole = {"dimensions": int(free["dimensions"]), "clusters": max(0, int(free["clusters"]))}
        values = sorted((fixed | free | whole).items())
        yield f"synthetic[{','.join(f'{name}={value}' for name, value in values)}]"


def _sobol(dimensions: int, number: int, *, seed: int) -> NDArray[np.float64]:
    """The first points of a scrambled Sobol sequence in the unit cube, float64 [number, dimensions]."""
    from scipy.stats import qmc  # half a second that only growing the corpus is to wait for

    sequence = qmc.Sobol(dimensions, scramble=True, rng=np.random.Generator(np.random.PCG64([seed, 7])))
    return sequence.random_base2(max(1, (number - 1).bit_length()))[:number]


def _logarithmic(place: NDArray[np.float64]) -> list[float]:
    low, high = (np.log([_SHAPE[name][side] for name in ("users", "items", "density")]) for side in (0, 1))
    return [float(value) for value in np.exp(low + place * (high - low))]


def _linear(name: str, place: float, bounds: dict[str, tuple[float, float]]) -> float:
    low, high = bounds[name]
    return float(low + place * (high - low))


def _part(dataset: Dataset, kept: NDArray[np.bool_], number: int) -> Dataset:
    log = dataset.interactions.take(kept)
    return arrays_dataset(
        log.user,
        log.item,
        log.rating if dataset.has_ratings else None,
        log.timestamp,
        name=f"{dataset.name}/{number}",
        provenance=Provenance(f"part {number} of {dataset.provenance.source}", dataset.provenance.licence),
        user_ids=dataset.user_ids,
        item_ids=dataset.item_ids,
    )
