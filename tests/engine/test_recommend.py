"""The first items of rankings: ties, masks and blocks."""

from __future__ import annotations

import numpy as np
import pytest

from recbench.engine import evaluate
from recbench.engine.blocks import Lists
from recbench.engine.evaluate import View
from recbench.engine.recommend import best_items, top_items

NOTHING = Lists(np.zeros(1, np.int32), np.zeros(4, np.int32), 0)


class Sums:
    """Scores a user's items by sums of small numbers: many ties."""

    def fit(self, train, *, hyper, key):
        return train.item_sums(train.value)

    def score(self, state, query):
        return (state[None, :] + query.users[:, None]) % 3


def test_equal_scores_stand_in_the_order_of_the_permutation():
    scores = np.array([[1, 0, 1, -0.0, 2], [5, 5, 5, 5, 5]], np.float32)
    tie = np.array([4, 3, 2, 1, 0], np.int32)
    items, best, finite = best_items(scores, np.array([0, 1], np.int32), mask=NOTHING, tie_break=tie, k=5)
    assert items.tolist() == [[4, 2, 0, 3, 1], [4, 3, 2, 1, 0]]
    assert best.tolist() == [[2, 1, 1, 0, 0], [5] * 5] and finite


def test_what_is_masked_comes_last_and_padded_users_may_score_anything():
    scores = np.array([[3, 2, 1], [np.nan, 0, 0]], np.float32)
    mask = Lists(np.array([0, 2], np.int32), np.array([0, 2, 2], np.int32), 2)
    items, best, finite = best_items(scores, np.array([0, -1], np.int32), mask=mask, tie_break=np.arange(3), k=2)
    assert items[0, 0] == 1 and best[0].tolist() == [2, -np.inf] and finite
    assert not best_items(scores, np.array([0, 1], np.int32), mask=mask, tie_break=np.arange(3), k=2)[2]


@pytest.mark.parametrize("seen", [False, True])
def test_blocks_make_no_difference(implicit, bench, sample_of, monkeypatch, seen):
    """Two runs at once, 40 users in one block and in blocks of eight."""
    sums = bench(implicit, Sums, form="solved")
    fitted = sums.fit(sums.run(), sums.run(sample_of(implicit.split, 0.5)))
    users = np.arange(implicit.split.num_users)[::-1]
    view = View("sample", "sample")
    whole = top_items(fitted, users, k=7, view=view, exclude_seen=not seen)
    monkeypatch.setattr(evaluate, "block_elements", lambda: 1)
    parts = top_items(fitted, users, k=7, view=view, exclude_seen=not seen)
    assert whole.items.shape == (2, 40, 7) and whole.finite.tolist() == [True, True]
    assert np.array_equal(whole.items, parts.items) and np.array_equal(whole.scores, parts.scores)
    assert not np.array_equal(whole.items[0], whole.items[1]), "each run has its own"
