"""Lists of recommendations: out of fitted algorithms, and in from elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from recbench import rng
from recbench.bench.lists import evaluate_lists
from recbench.bench.recommend import recommend
from recbench.bench.sample import draw_sample
from recbench.bench.session import FittedAlgorithm, evaluate, fit
from recbench.contracts.errors import DataError, ParameterError, RecbenchError, UnknownNameError
from recbench.contracts.records import Dataset, Split
from recbench.contracts.specs import AlgorithmSpec
from recbench.data.readers import frame_dataset, load_dataset
from recbench.data.split import make_split
from recbench.engine.batch import DeviceSplit, place_split
from recbench.registry import Registry

METRICS = ["hr@10", "ndcg@10", "psp@10", "hr@3"]


class OnHost:
    """Popularity in plain Python; for ratings an item's mean and a user's wish for high numbers."""

    def fit(self, train: Any, *, hyper: Any, rng: Any) -> Any:
        return np.bincount(train.item, minlength=train.num_items).astype(np.float32)

    def score(self, state: Any, query: Any) -> Any:
        return np.tile(state, (len(query.users), 1))

    def predict(self, state: Any, query: Any, rows: Any, items: Any) -> Any:
        return items + 1000.0 * query.users[rows]


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = Registry()
    spec = AlgorithmSpec(
        name="on-host", load=OnHost, summary="A toy.", form="host", feedback=("explicit", "implicit", "sequential")
    )
    found.register(spec)
    return found


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("synthetic-tiny")


@pytest.fixture(scope="module")
def data(dataset: Dataset) -> DeviceSplit:
    return place_split(make_split(dataset, feedback="implicit"))


@pytest.fixture(scope="module")
def popular(data: DeviceSplit, registry: Registry) -> FittedAlgorithm:
    return fit("popularity", data, registry=registry)


def listed(frame: pl.DataFrame, user: Any) -> list[Any]:
    return frame.filter(pl.col("user") == user)["item"].to_list()


def by_hand(split: Split, user: int, *, k: int, seen: bool = False) -> list[Any]:
    """The most popular items of a user, ties by the permutation that rankings use."""
    count = np.bincount(split.train.item, minlength=split.num_items)
    tie = rng.generator(**split.axes, what="tie-break").permutation(split.num_items)
    known = {item for part in (split.train, split.validation) for item in part.item[part.user == user].tolist()}
    order = [item for item in np.lexsort((tie, -count)) if seen or item not in known]
    return split.item_ids[order[:k]].tolist()


def test_the_most_popular_unseen_items_in_the_order_of_the_rankings(popular: FittedAlgorithm) -> None:
    split = popular.data.split
    frame = recommend(popular, k=50)
    assert frame["user"].unique(maintain_order=True).to_list() == split.user_ids[np.unique(split.test.user)].tolist()
    assert dict(frame.schema) == {"user": pl.Int64, "item": pl.Int64, "rank": pl.Int32, "score": pl.Float32}
    count = np.bincount(split.train.item, minlength=split.num_items)
    assert len(np.unique(count)) < len(count), "without ties this would show less"
    for user in (0, 7, split.num_users - 1):
        assert listed(frame, split.user_ids[user]) == by_hand(split, user, k=50)
    first = frame.filter(pl.col("user") == split.user_ids[0])
    assert first["rank"].to_list() == list(range(1, 51)) and first["score"].is_sorted(descending=True)
    assert listed(recommend(popular, exclude_seen=False), split.user_ids[7]) == by_hand(split, 7, k=10, seen=True)


def test_users_are_those_asked_for_in_their_order(popular: FittedAlgorithm) -> None:
    split = popular.data.split
    users = split.user_ids[[9, 2]].tolist()
    assert recommend(popular, users=users, k=2)["user"].to_list() == [users[0]] * 2 + [users[1]] * 2
    assert recommend(popular, users=map(str, users), k=1)["user"].to_list() == users
    assert recommend(popular, users=[]).height == 0


def test_a_list_ends_with_the_items(popular: FittedAlgorithm) -> None:
    split = popular.data.split
    lengths = recommend(popular, k=10**6).group_by("user", maintain_order=True).len()["len"].to_numpy()
    known = np.bincount(np.concatenate([split.train.user, split.validation.user]), minlength=split.num_users)
    assert lengths.tolist() == (split.num_items - known)[np.unique(split.test.user)].tolist()


@pytest.mark.parametrize("feedback", ["implicit", "sequential"])
@pytest.mark.parametrize("label", ["popularity", "mf[latent=4]", "ease", "on-host"])
def test_lists_of_a_fitted_algorithm_are_worth_what_it_is(
    dataset: Dataset, registry: Registry, label: str, feedback: Any
) -> None:
    split = make_split(dataset, feedback=feedback)
    sample = draw_sample("random", split, "60%", registry=registry)
    fitted = fit(label, split, sample=sample, epochs=2, registry=registry)
    lists = recommend(fitted, k=10)
    found = evaluate_lists(lists, fitted.data, metrics=METRICS, registry=registry)
    assert found.pop("without_list") == 0
    assert found == pytest.approx(evaluate(fitted, metrics=METRICS), abs=1e-6)
    by_score = evaluate_lists(lists.drop("rank").reverse(), fitted.data, metrics=METRICS, registry=registry)
    assert by_score == pytest.approx({**found, "without_list": 0}, abs=1e-9), "ties in score fall as in the rankings"
    everybody = evaluate_lists(lists, fitted.data, metrics=METRICS, per_user=True, registry=registry)
    assert everybody.equals(evaluate(fitted, metrics=METRICS, per_user=True))


def test_what_the_sample_lost_may_be_listed_where_fit_was_told_so(data: DeviceSplit, registry: Registry) -> None:
    sample = draw_sample("random", data.split, "20%", registry=registry)
    fitted = fit("popularity", data, sample=sample, mask="sample", registry=registry)
    lists = recommend(fitted, k=10)
    assert evaluate_lists(lists, data, metrics=METRICS)["hr@10"] == pytest.approx(evaluate(fitted)["hr@10"])
    train = data.split.train
    pairs = set(zip(data.split.user_ids[train.user], data.split.item_ids[train.item], strict=True))
    kept = train.take(sample.rows)
    hidden = set(zip(data.split.user_ids[kept.user], data.split.item_ids[kept.item], strict=True))
    shown = set(lists.select("user", "item").iter_rows())
    assert shown & pairs and not shown & hidden


@pytest.mark.parametrize("label", ["item-mean", "mf[latent=4]", "on-host"])
def test_explicit_feedback_lists_the_highest_predicted_ratings(
    dataset: Dataset, registry: Registry, label: str
) -> None:
    split = make_split(dataset, feedback="explicit")
    fitted = fit(label, split, epochs=2, registry=registry)
    frame = recommend(fitted, users=split.user_ids[:3].tolist(), k=5)
    assert frame.height == 15
    if label == "item-mean":
        total = np.bincount(split.train.item, split.train.rating, minlength=split.num_items)
        mean = total / np.bincount(split.train.item, minlength=split.num_items)
        places = np.searchsorted(split.item_ids, frame["item"].to_numpy())
        assert frame["score"].to_numpy() == pytest.approx(mean[places], abs=1e-5)
    if label == "on-host":
        assert [score // 1000 for score in frame["score"]] == np.repeat([0, 1, 2], 5).tolist()


# --- lists from elsewhere ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def words() -> Split:
    """Ids that are words; each user's test items are known."""
    random = np.random.default_rng(0)
    items = np.concatenate([random.choice(20, 10, replace=False) for _ in range(30)])
    users = np.repeat(np.arange(30), 10)
    log = pl.DataFrame({"user": [f"u{user}" for user in users], "item": [f"i{item}" for item in items]})
    return make_split(frame_dataset(log, name="words"), feedback="implicit")


def targets(split: Split) -> dict[str, list[str]]:
    """The test items of each user."""
    found: dict[str, list[str]] = {}
    for user, item in zip(split.user_ids[split.test.user], split.item_ids[split.test.item], strict=True):
        found.setdefault(user, []).append(item)
    return found


def others(split: Split, user: str, count: int) -> list[str]:
    """Items that the user never had."""
    number = split.user_ids.tolist().index(user)
    parts = (split.train, split.validation, split.test)
    known = set(np.concatenate([part.item[part.user == number] for part in parts]).tolist())
    return [item for place, item in enumerate(split.item_ids.tolist()) if place not in known][:count]


def test_short_lists_miss_and_users_without_one_count_as_zero(words: Split) -> None:
    tests = targets(words)
    first, second = list(tests)[:2]
    assert len(tests) == 30 and all(len(items) == 1 for items in tests.values())
    lists = pl.DataFrame(
        {"user": [first, second, second], "item": [*tests[first], *others(words, second, 1), *tests[second]]}
    )
    found = evaluate_lists(lists, words, metrics=["hr@1", "hr@100", "ndcg@10"])
    assert found == pytest.approx(
        {"hr@1": 1 / 30, "hr@100": 2 / 30, "ndcg@10": (1 + 1 / np.log2(3)) / 30, "without_list": 28 / 30}
    )


def test_rank_goes_before_score_and_score_before_the_order_of_rows(words: Split) -> None:
    tests = targets(words)
    user = next(iter(tests))
    lists = pl.DataFrame({"user": [user, user], "item": [*tests[user], *others(words, user, 1)]})
    low = lists.with_columns(score=pl.Series([-1.5, 2.0]))
    hit = [
        evaluate_lists(frame, words, metrics=["hr@1"])["hr@1"] > 0
        for frame in (lists, lists.reverse(), low, low.with_columns(rank=pl.Series([0, 7])))
    ]
    assert hit == [True, False, False, True]


def test_a_frame_of_pandas_and_ids_as_text_mean_the_same(popular: FittedAlgorithm) -> None:
    frame = recommend(popular, k=5)
    expected = evaluate_lists(frame, popular.data)
    assert {"hr@10", "psp@100", "without_list"} < set(expected) and "auc" not in expected
    text = frame.with_columns(pl.col("user", "item").cast(pl.String))
    pandas = pd.DataFrame({column: text[column].to_list() for column in ("user", "item", "rank")})
    assert evaluate_lists(pandas, popular.data) == expected


def test_what_the_user_has_takes_a_place_and_is_no_hit(words: Split) -> None:
    tests = targets(words)
    user = next(iter(tests))
    number = words.user_ids.tolist().index(user)
    had = words.item_ids[words.train.item[words.train.user == number][:1]].tolist()
    lists = pl.DataFrame({"user": [user, user], "item": had + tests[user]})
    found = evaluate_lists(lists, words, metrics=["hr@1", "hr@2"])
    assert found["hr@1"] == 0 and found["hr@2"] > 0


LISTS = pl.DataFrame({"user": ["u1", "u1"], "item": ["i1", "i2"]})


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        (LISTS.with_columns(user=pl.lit("nobody")), "row 0 has the user 'nobody', which the split of 'words'"),
        (LISTS.with_columns(item=pl.Series(["i1", "i99"])), "row 1 has the item 'i99'"),
        (LISTS.with_columns(item=pl.Series(["i1", None])), "row 1 has the item None"),
        (LISTS.with_columns(item=pl.lit("i1")), "the item 'i1' stands twice for the user 'u1'"),
        (LISTS.with_columns(rank=pl.lit(1)), "the rank 1 stands twice for the user 'u1'"),
        (LISTS.with_columns(score=pl.Series([1.0, float("nan")])), "row 1 has the score nan, but a number"),
        (LISTS.rename({"item": "movie"}), "no item: user and item are needed"),
        ([("u1", "i1")], "lists is a list, but a Polars or pandas frame is expected"),
    ],
)
def test_bad_lists_are_one_sentence(words: Split, lists: Any, said: str) -> None:
    with pytest.raises(DataError) as raised:
        evaluate_lists(lists, words, metrics=["hr@1"])
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("metric", "said", "error"),
    [
        ("auc", "'auc' needs the scores of all items", ParameterError),
        ("mse", "'mse' is not a metric of implicit feedback", ParameterError),
        ("hrr@10", "hrr", UnknownNameError),
    ],
)
def test_metrics_that_lists_cannot_have(words: Split, metric: str, said: str, error: type[RecbenchError]) -> None:
    with pytest.raises(error, match=said):
        evaluate_lists(LISTS, words, metrics=[metric])


def test_lists_are_not_for_ratings(dataset: Dataset) -> None:
    with pytest.raises(ParameterError, match="judged by its ratings, not by lists"):
        evaluate_lists(LISTS, make_split(dataset, feedback="explicit"))


@pytest.mark.parametrize(
    ("options", "said", "error"),
    [
        ({"users": [10**9, 10**9 + 1]}, "has no user 1000000000, nor 1 more of the 2", DataError),
        ({"users": [3, 3]}, "the user 3 was asked for twice", DataError),
        ({"k": 0}, "k is a whole number from 1", ParameterError),
    ],
)
def test_what_cannot_be_recommended_is_said(
    popular: FittedAlgorithm, options: Any, said: str, error: type[RecbenchError]
) -> None:
    with pytest.raises(error, match=said):
        recommend(popular, **options)
