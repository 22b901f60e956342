"""SVP-CF with a proxy that is really trained: what breaks the pattern is kept."""

from __future__ import annotations

import numpy as np
import polars as pl

from recbench.bench.sample import SampleDrawer
from recbench.contracts.records import Budget
from recbench.data.frames import frame_dataset
from recbench.data.split import make_split


def test_ratings_that_break_the_pattern_are_kept_first(registry):
    rng = np.random.default_rng(0)
    user, item = (side.ravel() for side in np.mgrid[:40, :30])
    pattern = 3 + rng.uniform(-0.5, 0.5, 40)[user] + rng.uniform(-0.5, 0.5, 30)[item]
    odd = rng.random(len(user)) < 0.05
    rating = pattern + np.where(odd, rng.choice([-2.0, 2.0], len(user)), 0)
    log = pl.DataFrame({"user": user, "item": item, "rating": rating})
    split = make_split(frame_dataset(log, name="planted"), feedback="explicit")
    odd_row = odd[split.train.user * 30 + split.train.item]

    drawer = SampleDrawer(split, registry, check=True)
    rows = drawer.draw("svp-cf", Budget(int(odd_row.sum()), "rows"), 1).rows
    assert odd_row[rows].mean() > 0.9
    again = SampleDrawer(split, registry).draw("svp-cf", Budget(int(odd_row.sum()), "rows"), 1)
    assert np.array_equal(rows, again.rows)
    by_user = drawer.draw("svp-cf[unit=user]", Budget(5, "users"), 1).rows
    broken = np.bincount(split.train.user, weights=odd_row)
    assert broken[np.unique(split.train.user[by_user])].mean() > 2 * broken.mean()


def test_likes_out_of_taste_are_kept_first(registry):
    """Users like items of their own half, all alike, but for a few rows: factors learn the halves, biases cannot."""
    rng = np.random.default_rng(0)
    likes = np.zeros((150, 120), dtype=bool)
    for user in range(150):
        own = user % 2 * 60 + np.arange(60)
        likes[user, rng.choice(own, 40, replace=False)] = True
        likes[user, (rng.choice(own, 2) + 60) % 120] = True  # of the other half
    user, item = np.nonzero(likes)
    log = pl.DataFrame({"user": user, "item": item})
    split = make_split(frame_dataset(log, name="planted"), feedback="implicit")
    odd = split.train.user % 2 != split.train.item // 60
    drawer = SampleDrawer(split, registry, check=True)
    kept = {
        proxy: odd[drawer.draw(f"svp-cf[proxy={proxy}]", Budget(int(odd.sum()), "rows")).rows].mean()
        for proxy in ("mf", "bias-only")
    }
    assert kept["mf"] > 0.8 and kept["bias-only"] < 0.3
