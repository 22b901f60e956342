"""What any sane model does: finds the held-out diagonal of a checkerboard, and cares for no id."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from recbench import evaluate, load_dataset, make_split
from recbench.data.frames import frame_dataset

METRICS = ["auc", "hr@10", "ndcg@10"]


@pytest.mark.parametrize(
    ("algorithm", "hyper"),
    [("ease", {"l2": 10.0}), ("item-knn", {}), ("mf", {"learning_rate": 0.05, "dropout": 0.0, "batch_size": 64})],
)
def test_the_diagonal_of_a_checkerboard_comes_first(algorithm, hyper, checkerboard, fitted):
    """Of what user u has not had, item u alone has u's parity."""
    assert len(checkerboard.test) == 20 and (checkerboard.test.user == checkerboard.test.item).all()
    one = fitted(algorithm, checkerboard, hyper=hyper)
    assert evaluate(one, metrics=METRICS) == dict.fromkeys(METRICS, pytest.approx(1))


def test_what_is_not_personal_cannot_see_it(checkerboard, fitted):
    """All items are equally popular: half of the negatives, by symmetry."""
    assert evaluate(fitted("popularity", checkerboard), metrics=["auc"])["auc"] == 0.5


@pytest.fixture(scope="module")
def renamed():
    """One log twice, the second time with users and items renamed: the rows of every part are the same."""
    random = np.random.default_rng(4)
    user = np.repeat(np.arange(80), 12)
    item = np.concatenate([random.choice(30, 12, replace=False) for _ in range(80)])
    place = np.tile(np.arange(12), 80)
    part = np.select([place == 11, place == 10], ["test", "validation"], "train")
    names = random.permutation(80), random.permutation(30)
    logs = (user, item), (names[0][user], names[1][item])
    return [
        make_split(
            frame_dataset(pl.DataFrame({"user": users, "item": items, "split": part}), name="log"),
            feedback="implicit", protocol="given",
        )
        for users, items in logs
    ]  # fmt: skip


@pytest.mark.parametrize(("algorithm", "hyper"), [("ease", {"l2": 20.0}), ("item-knn", {"neighbours": 10})])
def test_names_change_nothing(algorithm, hyper, renamed, fitted):
    plain, other = (evaluate(fitted(algorithm, split, hyper=hyper)) for split in renamed)
    assert renamed[0].train.item.tolist() != renamed[1].train.item.tolist()
    assert other == pytest.approx(plain, abs=1e-5)


@pytest.mark.slow
def test_ease_on_movielens_1m_is_what_numpy_finds(real_data, fitted):
    """The given split, history and mask with the validation rows: measured with NumPy, in percent."""
    split = make_split(
        load_dataset(str(real_data / "ml-1m" / "ratings.parquet")), feedback="implicit", protocol="given"
    )
    for l2, ndcg, hit_rate in ((500.0, 33.75, 32.01), (1000.0, 34.07, 32.26)):
        found = evaluate(fitted("ease", split, hyper={"l2": l2}), metrics=["ndcg@10", "hr@10"])
        assert 100 * found["ndcg@10"] == pytest.approx(ndcg, abs=0.02)
        assert 100 * found["hr@10"] == pytest.approx(hit_rate, abs=0.02)
