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
from recbench_genie.corpus import SUITE, Corpus, CorpusError, collect, read_corpus
from recbench_genie.encoder import Encoder
from recbench_genie.family import synthetic_labels
from recbench_genie.graphs import build_graph
from recbench_genie.infograph import EncoderSettings, train_encoder
from recbench_genie.trained import ENCODER, load_encoder, save_encoder

_SAMPLED = (("random", "random[unit=user]", "head", "temporal"), (0.4, 0.1))
"""What the encoder sees of a synthetic log beside all of it: samplers without a proxy, and budgets."""
_ENCODER = EncoderSettings(hidden=16)

Load = Callable[[], Sequence[Dataset]]
"""Reads a log: as one data set, or as its parts."""
Report = Callable[[str], None]


def start(folder: Path, *, encoder: Path | None = None, empty: bool = False) -> Encoder:
    """Makes the folder of a corpus where there is none, and gives the encoder that its logs are looked at with.

    Args:
      encoder: file of another one than comes with recbench; a corpus of its own begins with it.
      empty: begin with nothing, not with the corpus that comes with recbench.

    Raises:
      RecbenchError: the corpus that is there has another encoder, or a file cannot be read.
    """
    own, asked = folder / ENCODER.name, load_encoder(encoder or ENCODER)
    if own.exists():
        found = load_encoder(own)
        if encoder is not None and encoder.read_bytes() != own.read_bytes():
            raise CorpusError(
                f"the logs of {folder} were looked at by another encoder than {encoder}: begin a new folder"
            )
        return found
    if any(folder.glob("*.parquet")):
        raise CorpusError(f"{folder} has tables without {own.name}, which looked at their logs: put it there")
    corpus = Corpus.empty() if empty or encoder is not None else read_corpus()
    corpus.write(folder)
    save_encoder(asked, own)
    return asked


def grow(
    folder: Path,
    logs: Iterable[tuple[str, Load]],
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
      folder: of the two tables; see :func:`start`.
      logs: names, and what reads them.
      encoder: that of the folder.
      store: of the runs. What it has is not run again, so a store of one's own runs of ``suite`` can be added.
      samplers: labels whose taus are kept; None: all.
      minutes: no data set is begun after them.
      report: called with a line for each data set.

    Raises:
      RecbenchError: there is no such suite, or no corpus can be read where there are tables.
    """
    chosen = load_suite(suite)
    corpus = read_corpus(folder)
    end = None if minutes is None else time.monotonic() + 60 * minutes
    for dataset in _read(logs, report):
        if end is not None and time.monotonic() > end:
            report("the time is up: run it again to go on")
            break
        if dataset.name in corpus.datasets:
            report(f"{dataset.name} is in the corpus already")
            continue
        try:
            new = _grown(dataset, encoder, store, chosen, samplers, executor, report)
        except RecbenchError as error:
            report(f"{dataset.name} is left out: {error}")
            continue
        corpus = corpus.plus(new)
        corpus.write(folder)
        report(f"{dataset.name}: {len(new.taus):,} taus")
    return corpus


def _read(logs: Iterable[tuple[str, Load]], report: Report) -> Iterator[Dataset]:
    for name, load in logs:
        try:
            found = load()
        except RecbenchError as error:
            report(f"{name} is left out: {error}")
            continue
        yield from found


def _grown(
    dataset: Dataset, encoder: Encoder, store: Path, suite: Any, samplers: Sequence[str] | None,
    executor: str | None, report: Report,
) -> Corpus:  # fmt: skip
    feedback = [name for name in suite.feedback if name in _allowed(dataset)]
    report(f"{dataset.name}: running {suite.name} on {', '.join(feedback)} feedback")
    summary = run_suite(suite, data=dataset, feedback=feedback, store=store, executor=executor)
    for text in summary.notes:
        report(f"{dataset.name}: {text}")
    if not summary.complete:
        report(f"{dataset.name}: of its runs, " + ", ".join(f"{n} {status}" for status, n in summary.statuses.items()))
    results = load_results(store).filter(pl.col("cell").is_in(list(summary.cells)))
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
