"""Growing a corpus: each data set is run through the suite, looked at, and added to the tables as it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from recbench import (
    Budget,
    Dataset,
    Interactions,
    RecbenchError,
    Sample,
    SampleDrawer,
    load_dataset,
    load_results,
    load_suite,
    run_suite,
    whole_split,
)
from recbench_genie.corpus import SUITE, Corpus, collect, read_corpus
from recbench_genie.encoder import Encoder
from recbench_genie.family import synthetic_labels
from recbench_genie.graphs import build_graph
from recbench_genie.infograph import EncoderSettings, train_encoder

_SAMPLED = (("random", "random[unit=user]", "head", "temporal"), (0.4, 0.1))
"""What the encoder sees of a synthetic log beside all of it: samplers without a proxy, and budgets."""
_ENCODER = EncoderSettings(hidden=16)

Load = Callable[[], Dataset]
Report = Callable[[str], None]


def grow(
    folder: Path,
    datasets: Iterable[Load],
    encoder: Encoder,
    *,
    store: Path,
    suite: str | Path = SUITE,
    samplers: Sequence[str] | None = None,
    minutes: float | None = None,
    executor: str | None = None,
    report: Report = print,
) -> Corpus:
    """Adds data sets to the corpus of a folder; stopped, it loses the data set in flight, whose runs stay in the store.

    Args:
      folder: of the two tables; made where it is not there.
      datasets: what loads each.
      store: of the runs. What it has is not run again, so a store of one's own runs of ``suite`` can be added.
      samplers: labels whose taus are kept; None: all.
      minutes: no data set is begun after them.
      report: called with a line for each data set.

    Raises:
      RecbenchError: there is no such suite, or no corpus can be read where there are tables.
    """
    chosen = load_suite(suite)
    corpus = read_corpus(folder) if any(folder.glob("*.parquet")) else Corpus.empty()
    known, end = set(corpus.datasets), None if minutes is None else time.monotonic() + 60 * minutes
    for load in datasets:
        if end is not None and time.monotonic() > end:
            report("the time is up: run it again to go on")
            break
        name = "a data set"
        try:
            dataset = load()
            name = dataset.name
            if name in known:
                continue
            new = _grown(dataset, encoder, store, chosen, samplers, executor)
        except RecbenchError as error:
            report(f"{name} is left out: {error}")
            continue
        corpus = corpus.plus(new)
        corpus.write(folder)
        report(f"{name}: {len(new.taus):,} taus")
    return corpus


def _grown(
    dataset: Dataset, encoder: Encoder, store: Path, suite: Any, samplers: Sequence[str] | None,
    executor: str | None,
) -> Corpus:  # fmt: skip
    feedback = [name for name in suite.feedback if name in _allowed(dataset)]
    run_suite(suite, data=dataset, feedback=feedback, store=store, executor=executor)
    results = load_results(store).filter(pl.col("feedback").is_in(feedback))
    return collect(results, dataset, encoder, samplers=samplers)


def _allowed(dataset: Dataset) -> list[str]:
    """Feedback types that mean something: sequences have times, and explicit feedback has ratings."""
    timed = dataset.interactions.timestamp is not None
    return [*(["explicit"] if dataset.has_ratings else []), "implicit", *(["sequential"] if timed else [])]


def train_on_family(shapes: int, *, seed: int = 0, report: Callable[[int, int, str], None] | None = None) -> Encoder:
    """The graph encoder, trained without labels on synthetic logs and some of their samples."""
    logs = [log for label in synthetic_labels(shapes) for log in _with_samples(load_dataset(label))]
    graphs = [build_graph(log, seed=seed) for log in logs]
    told = None if report is None else (lambda step, steps, loss: report(step, steps, f"loss {loss:.3f}"))
    return train_encoder(graphs, _ENCODER, seed=seed, progress=told)


def _with_samples(dataset: Dataset) -> Iterator[Interactions]:
    split = whole_split(dataset)
    yield split.train
    drawer = SampleDrawer(split)
    for sampler in _SAMPLED[0]:
        for share in _SAMPLED[1]:
            sample = drawer.draw(sampler, Budget(share))
            assert isinstance(sample, Sample)
            yield split.train.take(sample.rows)
