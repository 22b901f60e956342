"""What a split keeps for its runs: made once, or until other samples come."""

from __future__ import annotations

import numpy as np

from recbench.engine.evaluate import View, run_histories, run_masks
from recbench.engine.memory import bytes_per_run


def test_what_is_made_once_is_not_made_again(make_data):
    data, made = make_data("implicit"), []
    assert [data.once(("toy",), lambda: made.append(1) or len(made)) for _ in range(3)] == [1, 1, 1]


def test_lists_of_samples_are_kept_until_other_samples_come(implicit, sample_of):
    first, second = (sample_of(implicit.split, share) for share in (0.5, 0.3))
    view = View(mask="sample", history="sample")

    def lists(samples):
        histories, axis = run_histories(implicit, "validation", samples, view=view, need="all")
        masks, mask_axis = run_masks(implicit, "validation", samples, view=view)
        assert (axis, mask_axis) == (0, 0)
        return histories, masks

    both = lists([first, second])
    again = lists([first, second])
    assert all(one is other for one, other in zip(both, again, strict=True))
    swapped = lists([second, first])
    for one, other in zip(both, swapped, strict=True):
        np.testing.assert_array_equal(np.asarray(one.values)[::-1], other.values)
        np.testing.assert_array_equal(np.asarray(one.starts)[::-1], other.starts)


def test_the_memory_of_a_program_is_traced_once(make_data, bench):
    class Sums:
        def fit(self, train, *, hyper, key):
            traced.append(1)
            return train.item_sums(train.value)

    traced: list[int] = []
    toy = bench(make_data("implicit"), Sums, form="solved")
    estimates = {bytes_per_run(toy.data, toy.contestant, toy.run(seed=seed)) for seed in range(3)}
    assert len(estimates) == 1 and len(traced) == 1
