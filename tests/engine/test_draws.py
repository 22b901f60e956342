"""Draws on the device: permutations are permutations, negatives are unobserved and uniform."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2, chisquare

from recbench.engine.draws import dropout, grid_sides, permuted, unobserved
from recbench.engine.prng import HASH

SLOTS = 2**13  # one shape, one compilation: sides are traced

permute = jax.jit(lambda key, size, a, b: permuted(jnp.arange(SLOTS, dtype=jnp.uint32), key=key, size=size, a=a, b=b))
key_of = partial(jax.random.key, impl=HASH)


def places(size, seed):
    """Where the slots of ``size`` examples go; those beyond stay where they are."""
    a, b = grid_sides(size)
    assert a * b <= SLOTS
    place = np.asarray(permute(key_of(seed), np.int32(size), np.uint32(a), np.uint32(b)))
    np.testing.assert_array_equal(place[size:], np.arange(size, SLOTS))
    return place[:size]


@settings(deadline=None, derandomize=True, max_examples=200)
@given(st.integers(1, 8_000), st.integers(0, 2**31))
@example(1, 0)
@example(2, 0)
@example(3, 0)
@example(7919, 0)
def test_every_example_is_visited_once(size, seed):
    place = places(size, seed)
    assert (np.sort(place) == np.arange(len(place))).all()


@settings(deadline=None, derandomize=True, max_examples=500)
@given(st.integers(0, 2**31 - 1))
@example(0)
@example(1)
def test_grid_holds_all_and_little_more(size):
    a, b = grid_sides(size)
    assert size <= a * b < size + max(a, 2)
    assert max(a, b) <= 2**16


def test_keys_give_different_orders():
    orders = {tuple(places(100, seed)) for seed in range(50)}
    assert len(orders) == 50


@pytest.mark.parametrize("size", [5, 30, 56])
def test_positions_are_uniform_over_keys(size):
    """Chi-square of where the first and the last slot go, over 4,000 keys, at the 99.9 % point."""
    a, b = grid_sides(size)
    many = jax.jit(jax.vmap(lambda key: permuted(jnp.arange(size, dtype=jnp.uint32), key=key, size=jnp.int32(size),
                                                 a=jnp.uint32(a), b=jnp.uint32(b))))  # fmt: skip
    place = np.asarray(many(jax.random.split(key_of(3), 4_000)))
    for slot in (0, size - 1):
        assert chisquare(np.bincount(place[:, slot], minlength=size)).pvalue > 1e-3
    followers = (place[:, 1].astype(int) - place[:, 0]) % size  # neighbours part
    assert chisquare(np.bincount(followers, minlength=size)[1:]).pvalue > 1e-3


# --- unobserved items -------------------------------------------------------------------------------------------------

NUM_ITEMS = 17
OBSERVED = [[0, 1, 2, 16], [3, 5, 6, 7, 11, 12], [], [*range(16)], [*range(17)], [8]]


@pytest.fixture(scope="module")
def drawn():
    """100,000 draws for each user of OBSERVED."""
    starts = np.cumsum([0, *map(len, OBSERVED)]).astype(np.int32)
    thresholds = np.concatenate([np.array(items) - np.arange(len(items)) for items in OBSERVED]).astype(np.int32)
    draw = jax.jit(partial(unobserved, num_items=NUM_ITEMS, count=100_000, steps=(17).bit_length()))
    users = np.arange(len(OBSERVED), dtype=np.int32)
    return np.asarray(draw(users, key=key_of(0), thresholds=thresholds, starts=starts))


@pytest.mark.parametrize("user", range(len(OBSERVED)))
def test_unobserved_items_are_drawn_and_each_as_often(user, drawn):
    free = [item for item in range(NUM_ITEMS) if item not in OBSERVED[user]] or list(range(NUM_ITEMS))
    counts = np.bincount(drawn[user], minlength=NUM_ITEMS)
    assert counts.sum() == counts[free].sum() == 100_000
    expected = 100_000 / len(free)
    assert ((counts[free] - expected) ** 2 / expected).sum() < chi2.ppf(0.999, max(1, len(free) - 1))


def test_users_draw_independently(drawn):
    """A user with nothing observed and one with everything draw from the same items, but not the same."""
    assert (drawn[2] == drawn[4]).mean() == pytest.approx(1 / NUM_ITEMS, abs=0.01)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.sets(st.integers(0, 39), max_size=40), min_size=6, max_size=6), st.integers(0, 2**31))
def test_no_user_is_given_what_it_has(observed, seed):
    lists = [np.array(sorted(items), np.int32) for items in observed]
    starts = np.cumsum([0, *map(len, lists)]).astype(np.int32)
    thresholds = np.zeros(240, np.int32)  # padded: one shape
    thresholds[: starts[-1]] = np.concatenate([items - np.arange(len(items)) for items in lists])
    users = np.arange(6, dtype=np.int32)
    items = np.asarray(_draw_40(users, key=key_of(seed), thresholds=thresholds, starts=starts))
    for user, mine in enumerate(observed):
        assert len(mine) == 40 or not mine.intersection(items[user].tolist())
        assert items.min() >= 0 and items.max() < 40


_draw_40 = jax.jit(partial(unobserved, num_items=40, count=64, steps=(40).bit_length()))


# --- dropout ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    ones = jnp.ones((400, 250), jnp.float32)
    dropped = np.asarray(dropout(ones, rate=jnp.float32(rate), key=key_of(3)))
    assert set(np.unique(dropped.round(4))) <= {0.0, np.float32(1 / (1 - rate)).round(4)}
    assert (dropped == 0).mean() == pytest.approx(rate, abs=4 * np.sqrt(rate * (1 - rate) / ones.size))


def test_dropped_entries_are_independent_of_their_neighbours_and_of_other_keys():
    """Within a draw, at the distances of rows and columns, and across draws: correlations as of coin flips."""
    keys = jax.random.split(key_of(1), 200)
    kept = np.asarray(jax.vmap(lambda key: dropout(jnp.ones((64, 8)), rate=jnp.float32(0.5), key=key))(keys)) - 1
    flat = kept.reshape(200, -1)
    for lag in (1, 7, 8, 9, 64, 256):
        each = (flat[:, lag:] * flat[:, :-lag]).mean(axis=1)
        assert abs(each.mean()) < 4 / np.sqrt(flat[:, lag:].size)
        assert each.std() < 1.3 / np.sqrt(flat.shape[1] - lag)
    across = np.corrcoef(flat)[np.triu_indices(200, 1)]
    assert across.std() < 1.1 / np.sqrt(flat.shape[1]) and abs(across).max() < 6 / np.sqrt(flat.shape[1])
