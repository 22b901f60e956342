"""Samples of a whole log: every row may be kept, whatever the order of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from recbench.bench.sample import SampleDrawer, full_sample
from recbench.bench.whole import check_sampler, sample_log, whole_split
from recbench.contracts.errors import DataError, ParameterError
from recbench.contracts.records import Budget, Dataset
from recbench.contracts.specs import SamplerSpec
from recbench.data.readers import load_log
from recbench.registry import Registry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A shuffled log with short users, repeats, and one user who has every item."""
    rng = np.random.default_rng(3)
    users = np.concatenate([np.repeat(np.arange(60), 8), np.arange(60, 70), np.full(30, 70)])
    items = np.concatenate([rng.integers(0, 30, 490), np.arange(30)])
    log = pl.DataFrame({"user": users, "item": items, "rating": rng.integers(1, 6, 520), "time": np.arange(520) // 3})
    log.with_columns(pl.format("u{}", "user").alias("user")).sample(fraction=1, shuffle=True, seed=1).write_csv(
        tmp_path / "log.csv"
    )
    return tmp_path / "log.csv"


def test_everything_is_train(toy_data: Dataset) -> None:
    split = whole_split(toy_data)
    assert (len(split.train), len(split.validation), len(split.test)) == (6000, 0, 0)
    assert (split.num_users, split.num_items) == (300, 100)
    assert len(full_sample(split).rows) == 6000
    with pytest.raises(DataError, match="no ratings"):
        whole_split(toy_data, feedback="explicit")


def test_the_drawer_shares_work_and_nests_budgets(toy_data: Dataset, toys: Registry) -> None:
    drawer = SampleDrawer(whole_split(toy_data), toys, check=True)
    small, large = (drawer.draw("shuffle", Budget(share)).rows for share in (0.1, 0.5))
    assert (len(small), len(large)) == (600, 3000) and set(small) <= set(large)


@pytest.mark.parametrize(
    ("sampler", "feedback"),
    [
        ("random", "implicit"),
        ("temporal", "sequential"),
        ("head", "explicit"),
        ("svp-cf", "explicit"),
        ("svp-cf[unit=user]", "implicit"),
    ],
)
def test_kept_rows_are_rows_of_the_file_in_its_order(file: Path, sampler: str, feedback: Any) -> None:
    log = load_log(file)
    places, choice = sample_log(log, sampler, "20%", feedback=feedback, registry=Registry())
    kept = log.rows[places]
    assert kept.height == choice.kept.rows and abs(kept.height - 104) <= 15
    rows = iter(log.rows.rows())
    assert all(row in rows for row in kept.rows())


def test_equal_seeds_give_equal_samples(file: Path) -> None:
    log = load_log(file)
    one, same, other = (sample_log(log, "random", "20%", seed=s, registry=Registry()) for s in (0, 0, 1))
    assert np.array_equal(one[0], same[0]) and one[1] == same[1]
    assert one[1].sample_digest != other[1].sample_digest


def test_the_order_of_the_file_does_not_change_the_sample(file: Path, tmp_path: Path) -> None:
    pl.read_csv(file).sample(fraction=1, shuffle=True, seed=2).write_csv(tmp_path / "other.csv")
    kept, digests = [], set()
    for log in map(load_log, (file, tmp_path / "other.csv")):
        places, choice = sample_log(log, "random", "30%", registry=Registry())
        kept.append(log.rows[places])
        digests.add(choice.sample_digest)
    assert len(digests) == 1 and not kept[0].equals(kept[1])
    assert kept[0].sort(kept[0].columns).equals(kept[1].sort(kept[0].columns))


def test_a_selector_keeps_rows_of_a_log(file: Path) -> None:
    def latest(train: Any, budget: Budget, context: Any) -> Any:
        assert len(context.validation) == 0
        return context.draw("temporal", budget)

    registry = Registry()
    registry.register(SamplerSpec(name="latest", load=latest, summary=".", form="select"))
    log = load_log(file)
    kept, choice = sample_log(log, "latest", "20%", registry=registry)
    assert (choice.sampler, choice.taken, choice.kept.rows) == ("latest", "temporal", 104)
    assert np.array_equal(kept, sample_log(log, "temporal", "20%", registry=registry)[0])


def test_fake_users_are_refused(toys: Registry) -> None:
    toys.register(SamplerSpec(name="dreams", load="no:where", summary=".", form="synthesise"))
    with pytest.raises(ParameterError, match="makes fake users"):
        check_sampler("dreams", toys)
