"""What a log looks like, in some sixty numbers that do not depend on its ids.

Counts, degrees and popularity are exact at any size. What needs the graph (components, hop plot, singular values,
overlaps) is taken from at most ``MOST_ROWS`` rows: those of users evenly spread over the lengths of histories, which
stay whole. Nodes to start from are spread likewise, so nothing is drawn.

Source: Sachdeva, Wu, McAuley: On Sampling Collaborative Filtering Datasets, WSDM 2022, section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, svds

from recbench import Interactions

MOST_ROWS = 1_000_000
QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
HOPS = 4
STARTS = 64
SINGULAR_VALUES = 8
PAIRS = 512
_DENSE = 100  # rows or columns of a matrix that is no work


def features(log: Interactions) -> dict[str, float]:
    """Features by name, all finite; the same for renamed users and items.

    Args:
      log: rows of a train set or of a sample of it; users and items without a row do not count.

    What the log does not have is 0: times where there are none, ratings where all are equal.
    """
    if not len(log):
        return dict.fromkeys(_NAMES, 0.0)
    log = _numbered_anew(log)
    found = dict(_counts(log))
    found |= _rating_features(log) | _time_features(log) | _graph_features(of_some_users(log, MOST_ROWS))
    return {name: _finite(found[name]) for name in _NAMES}


def names() -> tuple[str, ...]:
    """The names of the features, in order."""
    return _NAMES


def vector(found: Mapping[str, float]) -> NDArray[np.float32]:
    """Features in their order, float32 [features]."""
    return np.array([found[name] for name in _NAMES], np.float32)


def _counts(log: Interactions) -> Iterator[tuple[str, float]]:
    by_user, by_item = (np.bincount(ids) for ids in (log.user, log.item))
    rows, users, items = len(log), len(by_user), len(by_item)
    yield "log rows", np.log10(rows)
    yield "log users", np.log10(users)
    yield "log items", np.log10(items)
    yield "log density", np.log10(rows / users / items)
    yield "log users an item", np.log10(users / items)
    for side, degrees in (("user", by_user), ("item", by_item)):
        yield f"log mean {side} degree", np.log10(degrees.mean())
        for share, value in zip(QUANTILES, np.quantile(degrees, QUANTILES), strict=True):
            yield f"{side} degree {share:.0%}", np.log10(max(value, 1) / degrees.mean())
        yield f"{side} gini", _gini(degrees)
        yield f"{side} singles", (degrees == 1).mean()
    shares = by_item / rows
    yield "item entropy", -(shares @ np.log(shares)) / max(np.log(items), 1e-9)
    top = np.sort(by_item)[::-1]
    yield "rows of the top percent", top[: max(1, items // 100)].sum() / rows
    yield "rows of the top tenth", top[: max(1, items // 10)].sum() / rows
    yield "popularity met", np.log10((by_item @ by_item / rows) / by_item.mean())
    met = np.bincount(log.user, by_item[log.item]) / by_user
    yield "long histories meet popular items", _correlation(np.log(by_user), np.log(met))


def _rating_features(log: Interactions) -> dict[str, float]:
    rating = log.rating.astype(np.float64)
    spread = rating.std()
    if spread == 0:
        return dict.fromkeys(_RATINGS, 0.0)
    user, item = (np.bincount(ids, rating) / np.bincount(ids) for ids in (log.user, log.item))
    scaled = (rating - rating.min()) / np.ptp(rating)
    degree = np.bincount(log.item)
    values = (
        spread / np.ptp(rating),
        scaled.mean(),
        float(((scaled - scaled.mean()) ** 3).mean() / scaled.std() ** 3),
        user[log.user].std() / spread,
        item[log.item].std() / spread,
        _correlation(np.log(degree[log.item]), rating),
        np.log10(len(np.unique(rating[: 2**16]))),
    )
    return dict(zip(_RATINGS, map(float, values), strict=True))


def _time_features(log: Interactions) -> dict[str, float]:
    if log.timestamp is None or log.timestamp[0] == log.timestamp.max() == log.timestamp.min():
        return dict.fromkeys(_TIMES, 0.0)
    late = log.timestamp > np.median(log.timestamp)
    halves = [np.bincount(log.item[part], minlength=log.num_items) for part in (~late, late)]
    shares = [half / max(half.sum(), 1) for half in halves]
    moved = np.abs(shares[0] - shares[1]).sum() / 2
    share = np.bincount(log.user, late) / np.bincount(log.user)
    values = (1.0, _correlation(*map(np.log1p, halves)), moved, ((share > 0) & (share < 1)).mean())
    return dict(zip(_TIMES, map(float, values), strict=True))


def _graph_features(log: Interactions) -> dict[str, float]:
    matrix = _matrix(log)
    users, items = matrix.shape
    none = sp.csr_matrix((users, users)), sp.csr_matrix((items, items))
    both = sp.vstack([sp.hstack([none[0], matrix]), sp.hstack([matrix.T, none[1]])], format="csr")
    number, label = connected_components(both, directed=False)
    found = {
        "components": np.log10(number),
        "largest component": np.bincount(label).max() / (users + items),
    }
    largest = label == np.bincount(label).argmax()
    core = matrix[largest[:users]][:, largest[users:]]
    return found | _hop_plot(both) | _spectrum(core) | _overlaps(matrix)


def _hop_plot(graph: sp.csr_matrix) -> dict[str, float]:
    """Mean share of all nodes within 1, 2, ... steps of some, by breadth-first search from all of these at once."""
    nodes = graph.shape[0]
    start = _spread(graph, STARTS)
    reached = np.zeros((nodes, len(start)), np.float32)
    reached[start, np.arange(len(start))] = 1
    found = {}
    for hop in range(1, HOPS + 1):
        reached = np.minimum(reached + graph @ reached, 1)
        found[f"within {hop} hops"] = float(reached.mean())
    return found


def _spectrum(matrix: sp.csr_matrix) -> dict[str, float]:
    """Singular values of D_u^-1/2 A D_i^-1/2 after the first, which is 1; and the share of A's largest in its norm.

    Of the largest component: each further one has the value 1 once more.
    """
    by_user, by_item = (np.asarray(matrix.sum(axis)).ravel() for axis in (1, 0))
    scaled = sp.diags_array(by_user**-0.5) @ matrix @ sp.diags_array(by_item**-0.5)
    values = np.zeros(SINGULAR_VALUES)
    largest = _singular_values(scaled, SINGULAR_VALUES + 1)
    values[: len(largest) - 1] = largest[1:]
    found = {f"singular value {number + 2}": float(value) for number, value in enumerate(values)}
    return found | {"first of the spectrum": float(_singular_values(matrix, 1)[0] ** 2 / matrix.nnz)}


def _singular_values(matrix: sp.csr_matrix, count: int) -> NDArray[np.float64]:
    """The largest, in descending order."""
    small = min(matrix.shape)
    if small > _DENSE:
        # The start does not depend on how users are numbered.
        with suppress(ArpackError):  # values that coincide
            found = svds(matrix, k=count, v0=np.ones(small), ncv=4 * count, return_singular_vectors=False, tol=1e-4)
            return np.sort(np.ravel(found)).astype(np.float64)[::-1]
    side = matrix if matrix.shape[0] == small else matrix.T
    values = eigh((side @ side.T).toarray(), eigvals_only=True, subset_by_index=[max(0, small - count), small - 1])
    return np.sqrt(np.maximum(values, 0)).astype(np.float64)[::-1]


def _overlaps(matrix: sp.csr_matrix) -> dict[str, float]:
    """How alike pairs of users are, and pairs of items, beyond what their degrees make of chance."""
    found = {}
    for side, rows in (("users", matrix), ("items", sp.csr_matrix(matrix.T))):
        degree = np.asarray(rows.sum(1)).ravel()
        some = _spread(rows, PAIRS)
        common = np.asarray((rows[some] @ rows[some].T).toarray())
        norm = np.sqrt(np.outer(degree[some], degree[some]))
        other = ~np.eye(len(some), dtype=bool)
        cosine = (common / norm)[other]
        chance = (norm / rows.shape[1])[other]
        found[f"cosine of {side}"] = float(cosine.mean()) if len(cosine) else 0.0
        found[f"lift of {side}"] = float(np.log1p(cosine.sum() / max(chance.sum(), 1e-9))) if len(cosine) else 0.0
    return found


def of_some_users(log: Interactions, rows: int) -> Interactions:
    """The whole histories of users evenly spread over the lengths, about ``rows`` rows in all; all, if they are few."""
    if len(log) <= rows:
        return log
    order = np.argsort(np.bincount(log.user, minlength=log.num_users), kind="stable")
    kept = np.zeros(log.num_users, dtype=bool)
    kept[order[:: -(-len(log) // rows)]] = True
    return log.take(kept[log.user])


def _spread(rows: sp.csr_matrix, count: int) -> NDArray[np.int64]:
    """Rows of a 0/1 matrix evenly spread over their sums, at most ``count``; ties go by the sums of their columns."""
    degree, met = (np.asarray(rows.sum(axis), dtype=np.float64).ravel() for axis in (1, 0))
    second, third = (np.asarray(rows @ each, dtype=np.float64) for each in (met, np.sqrt(met)))
    order = np.lexsort([third, second, degree])
    places = np.linspace(0, len(order) - 1, min(count, len(order)))
    chosen: NDArray[np.int64] = order[np.rint(places).astype(np.int64)]
    return chosen


def _matrix(log: Interactions) -> sp.csr_matrix:
    """Zeros and ones, of the users and items that have a row."""
    log = _numbered_anew(log)
    matrix = sp.csr_matrix((np.ones(len(log), np.float32), (log.user, log.item)))
    matrix.data[:] = 1  # a repeated pair was added up
    return matrix


def _numbered_anew(log: Interactions) -> Interactions:
    """The same rows; users and items that have one are numbered without gaps."""
    users, items = (np.bincount(ids) > 0 for ids in (log.user, log.item))
    user, item = ((np.cumsum(there) - 1)[ids] for there, ids in ((users, log.user), (items, log.item)))
    counts = int(users.sum()), int(items.sum())
    return Interactions(user.astype(np.int32), item.astype(np.int32), log.rating, log.timestamp, *counts)


def _gini(values: NDArray[np.int64]) -> float:
    ordered = np.sort(values).astype(np.float64)
    place = np.arange(1, len(ordered) + 1)
    return float(2 * (place @ ordered) / (len(ordered) * ordered.sum()) - (len(ordered) + 1) / len(ordered))


def _correlation(left: NDArray[np.float64], right: NDArray[np.float64]) -> float:
    left, right = left - left.mean(), right - right.mean()
    norm = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / norm) if norm > 1e-12 else 0.0


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


_RATINGS = ("rating spread", "rating mean", "rating skew", "of users", "of items", "popular is rated", "log steps")
_TIMES = ("has times", "popularity stays", "popularity moved", "users stay")


def _all_names() -> Iterator[str]:
    yield from ("log rows", "log users", "log items", "log density", "log users an item")
    for side in ("user", "item"):
        yield f"log mean {side} degree"
        yield from (f"{side} degree {share:.0%}" for share in QUANTILES)
        yield from (f"{side} gini", f"{side} singles")
    yield from ("item entropy", "rows of the top percent", "rows of the top tenth", "popularity met")
    yield "long histories meet popular items"
    yield from (*_RATINGS, *_TIMES, "components", "largest component")
    yield from (f"within {hop} hops" for hop in range(1, HOPS + 1))
    yield from (f"singular value {number + 2}" for number in range(SINGULAR_VALUES))
    yield "first of the spectrum"
    yield from (f"{what} of {side}" for side in ("users", "items") for what in ("cosine", "lift"))


_NAMES = tuple(_all_names())
