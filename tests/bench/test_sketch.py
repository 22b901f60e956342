"""Sketches tell how many rows two samples have in common, to within the error that they state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recbench.bench.sketch import SIZE, overlap, sketch


@pytest.mark.parametrize("share", [1.0, 0.995, 0.98, 0.9, 0.5, 0.0])
def test_the_estimate_is_within_its_error(share: float) -> None:
    jaccard = share / (2 - share)
    error = 2 * np.sqrt(jaccard * (1 - jaccard) / SIZE) / (1 + jaccard) ** 2
    source, estimates = np.random.default_rng(0), []
    for _ in range(20):
        rows = source.permutation(20_000)
        first, second = rows[:5_000], rows[round((1 - share) * 5_000) :][:5_000]
        found = overlap(sketch(np.sort(first)), sketch(np.sort(second)), sizes=(5_000, 5_000))
        estimates.append(found.share)
        assert abs(found.share - share) <= 4 * error and found.error <= 2 * error + 1e-12
    assert abs(np.mean(estimates) - share) <= error
    assert np.std(estimates) == pytest.approx(error, rel=0.6)


@given(st.sets(st.integers(0, 10_000), max_size=SIZE), st.sets(st.integers(0, 10_000), min_size=1, max_size=SIZE))
def test_small_samples_are_compared_whole(first: set[int], second: set[int]) -> None:
    if len(first | second) > SIZE:
        return
    one, other = (np.array(sorted(rows), dtype=np.int64) for rows in (first, second))
    found = overlap(sketch(one), sketch(other), sizes=(len(one), len(other)))
    assert found.share == pytest.approx(len(first & second) / max(len(first), len(second)))
