"""Sketches tell how many rows two samples have in common, to within the error that they state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbench.bench.sketch import SIZE, overlap, sketch


@pytest.mark.parametrize("share", [1.0, 0.995, 0.98, 0.9, 0.5, 0.0])
def test_the_estimate_is_within_its_error(share: float) -> None:
    source = np.random.default_rng(0)
    misses = 0
    for _ in range(40):
        rows = source.permutation(40_000)
        first, second = rows[:10_000], rows[round((1 - share) * 10_000) :][:10_000]
        found = overlap(sketch(np.sort(first)), sketch(np.sort(second)), sizes=(10_000, 10_000))
        misses += abs(found.share - share) > 3 * max(found.error, 1 / SIZE)
    assert misses <= 1


@given(st.sets(st.integers(0, 10_000), max_size=SIZE), st.sets(st.integers(0, 10_000), min_size=1, max_size=SIZE))
def test_small_samples_are_compared_whole(first: set[int], second: set[int]) -> None:
    if len(first | second) > SIZE:
        return
    one, other = (np.array(sorted(rows), dtype=np.int64) for rows in (first, second))
    found = overlap(sketch(one), sketch(other), sizes=(len(one), len(other)))
    assert found.share == pytest.approx(len(first & second) / max(len(first), len(second)))
