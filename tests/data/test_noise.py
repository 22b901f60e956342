"""Noise: what is replaced, by what, and what never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recbench import Provenance, Split, arrays_dataset, corrupt, make_split
from recbench.contracts.errors import ParameterError

steady = settings(deadline=None, derandomize=True, max_examples=60)


def split_of(num_users: int, num_items: int, density: float, seed: int) -> Split:
    seen = np.random.default_rng(seed).random((num_users, num_items)) < density
    seen[:, :3] = True
    user, item = np.nonzero(seen)
    dataset = arrays_dataset(
        user,
        item,
        (1 + (user + item) % 5).astype(np.float32),
        (17 * item) % 11,
        name="toy",
        provenance=Provenance("test"),
        user_ids=np.arange(num_users),
        item_ids=np.arange(num_items),
    )
    return make_split(dataset, feedback="implicit", seed=seed)


def pairs(part, item=None) -> set[tuple[int, int]]:
    return set(zip(part.user.tolist(), (part.item if item is None else item).tolist(), strict=True))


@steady
@given(st.integers(1, 8), st.integers(3, 20), st.floats(0, 1), st.floats(0.01, 1), st.integers(0, 5))
def test_replaced_items_are_new_to_the_user_and_all_else_stays(num_users, num_items, density, share, seed):
    split = split_of(num_users, num_items, density, seed)
    noisy = corrupt(split, share=share, seed=seed)
    assert noisy.clean_item.tolist() == split.train.item.tolist()
    changed = noisy.train.item != noisy.clean_item
    assert changed.sum() <= round(share * len(split.train))
    assert not pairs(noisy.train) & (pairs(split.validation) | pairs(split.test))
    for column in ("user", "rating", "timestamp"):
        assert getattr(noisy.train, column).tolist() == getattr(split.train, column).tolist()
    assert 0 <= noisy.train.item.min() <= noisy.train.item.max() < split.num_items
    known = pairs(split.train) | pairs(split.validation) | pairs(split.test)
    full = {user for user in range(num_users) if sum(each[0] == user for each in known) == split.num_items}
    for user, item in zip(noisy.train.user[changed].tolist(), noisy.train.item[changed].tolist(), strict=True):
        assert user in full or (user, item) not in known


def test_share_is_exact_where_every_user_has_unseen_items():
    split = split_of(30, 40, 0.4, 0)
    for share in (0.05, 0.2, 1.0):
        noisy = corrupt(split, share=share)
        assert (noisy.train.item != noisy.clean_item).sum() == round(share * len(split.train))
        assert (noisy.noise, noisy.noise_seed) == (share, 0)
        assert noisy.axes == split.axes, "runs with and without noise are compared on the same draws"


def test_smaller_shares_are_nested_in_larger_ones():
    split = split_of(30, 40, 0.4, 0)
    little, much = corrupt(split, share=0.1, seed=3), corrupt(split, share=0.5, seed=3)
    changed = little.train.item != little.clean_item
    assert (much.train.item[changed] == little.train.item[changed]).all()
    assert (corrupt(split, share=0.1, seed=4).train.item != little.train.item).any()


def test_new_items_are_uniform_over_the_unseen_ones():
    wide = split_of(2000, 14, 0.3, 1)
    known = np.zeros((wide.num_users, wide.num_items), bool)
    for part in (wide.train, wide.validation, wide.test):
        known[part.user, part.item] = True
    noisy = corrupt(wide, share=1)
    share = (~known) / np.maximum(1, (~known).sum(1, keepdims=True))
    expected = share[wide.train.user].sum(0)
    found = np.bincount(noisy.train.item, minlength=wide.num_items)
    assert ((found - expected)[3:] ** 2 / expected[3:]).sum() < 31.3  # 99.9 % point, 11 degrees of freedom


def test_a_user_with_every_item_gets_none_that_is_held_out():
    split = split_of(4, 20, 1.0, 0)
    noisy = corrupt(split, share=1)
    assert (noisy.train.item != noisy.clean_item).any()
    assert not pairs(noisy.train) & (pairs(split.validation) | pairs(split.test))


def test_no_noise_is_the_split_itself_and_noise_is_not_laid_over_noise():
    split = split_of(5, 20, 0.5, 0)
    assert corrupt(split, share=0) is split
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ParameterError, match="from 0 to 1"):
            corrupt(split, share=share)
    with pytest.raises(ParameterError, match="10% noise already"):
        corrupt(corrupt(split, share=0.1), share=0.1)
