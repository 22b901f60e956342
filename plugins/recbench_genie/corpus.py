"""What the genie learns from: tau of each sampler on many data sets, and what these and their samples look like.

Two tables in a folder, ``taus.parquet`` and ``looks.parquet``: numbers alone, never rows of a log. They grow data set
by data set; one that is in them already is left out. Beside them lies the encoder that looked, ``encoder.safetensors``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recbench import (
    Budget,
    Dataset,
    Interactions,
    RecbenchError,
    Sample,
    SampleDrawer,
    Split,
    agreement,
    make_split,
    publish,
)
from recbench_genie import features
from recbench_genie.encoder import Encoder, embed
from recbench_genie.family import parent_of
from recbench_genie.graphs import build_graph

SUITE = Path(__file__).with_name("corpus.toml")
SHIPPED = Path(__file__).with_name("corpus")
FULL = "full"
"""In the place of a sampler: the data set itself."""
_RANKS_AS = {"mse": "rmse"}  # a metric that orders algorithms as another does tells nothing new

_KEY = {"dataset": pl.String(), "feedback": pl.String(), "sampler": pl.String(), "budget": pl.Float64()}
TAUS = pl.Schema(
    _KEY | {"metric": pl.String(), "num_algorithms": pl.Int64(), "tau": pl.Float64(), "speedup": pl.Float64()}
)
LOOKS = pl.Schema(_KEY | {"hand": pl.List(pl.Float32()), "graph": pl.List(pl.Float32())})


class CorpusError(RecbenchError):
    """A corpus that cannot be read, or has too little in it."""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Frames of the schemas :data:`TAUS` (a line a data set, feedback, metric, sampler, budget) and :data:`LOOKS`."""

    taus: pl.DataFrame
    looks: pl.DataFrame

    @classmethod
    def empty(cls) -> Corpus:
        return cls(TAUS.to_frame(), LOOKS.to_frame())

    @property
    def known(self) -> set[tuple[str, str]]:
        """(data set, feedback) that it has."""
        return set(self.taus.select("dataset", "feedback").unique().iter_rows())

    @property
    def datasets(self) -> list[str]:
        return sorted(self.taus["dataset"].unique().to_list())

    @property
    def groups(self) -> dict[str, str]:
        """The group of each data set: what is left out of training together."""
        return {name: parent_of(name) for name in self.datasets}

    def plus(self, other: Corpus) -> Corpus:
        """Both; what this one has of a data set and feedback type is kept."""
        known = pl.DataFrame(sorted(self.known), schema=["dataset", "feedback"], orient="row") if self.known else None
        new = [
            frame if known is None else frame.join(known, on=["dataset", "feedback"], how="anti")
            for frame in (other.taus, other.looks)
        ]
        return Corpus(pl.concat([self.taus, new[0]]), pl.concat([self.looks, new[1]]))

    def of(self, datasets: Sequence[str]) -> Corpus:
        """The part that is of some data sets."""
        kept = pl.col("dataset").is_in(list(datasets))
        return Corpus(self.taus.filter(kept), self.looks.filter(kept))

    def write(self, folder: Path) -> None:
        """Writes both tables, each whole or not at all."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, frame in self._tables():
            content = BytesIO()
            frame.sort(pl.exclude("hand", "graph")).write_parquet(content, compression="zstd", compression_level=19)
            publish(content.getvalue(), folder / name)

    def _tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        yield "taus.parquet", self.taus
        yield "looks.parquet", self.looks


def read_corpus(folder: Path = SHIPPED) -> Corpus:
    """The corpus of a folder.

    Raises:
      CorpusError: there is none, or a table is not what it should be.
    """
    frames = []
    for name, schema in (("taus.parquet", TAUS), ("looks.parquet", LOOKS)):
        try:
            frame = pl.read_parquet(folder / name)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise CorpusError(f"no corpus can be read at {folder}: {name}: {_line(error)}") from error
        if frame.schema != schema:
            raise CorpusError(f"{folder / name} has the columns {frame.schema}, where {schema} are expected")
        frames.append(frame)
    return Corpus(*frames)


def collect(
    results: pl.DataFrame,
    dataset: Dataset,
    encoder: Encoder,
    *,
    samplers: Sequence[str] | None = None,
) -> Corpus:
    """What the results of a store say of a data set, and what it and its samples look like; they are drawn again.

    Args:
      results: frame of :func:`recbench.load_results`.
      samplers: labels of those to keep; None: all that the results have.
    """
    own = results.filter(pl.col("dataset") == dataset.name)
    taus, looks = [], []
    for _, part in own.group_by("feedback", maintain_order=True):
        found = pl.DataFrame(list(_taus(part, samplers)), schema=TAUS, orient="row")
        if not found.is_empty():
            taus.append(found)
            looks.append(_looks(_split(dataset, part), found, encoder))
    if not taus:
        return Corpus.empty()
    return Corpus(pl.concat(taus), pl.concat(looks))


def look(log: Interactions, encoder: Encoder) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """What a log looks like: hand-made features and its embedding, float32 [features] and [width]."""
    return look_by_hand(log), np.round(embed(encoder, [build_graph(log)])[0], 4)


def look_by_hand(log: Interactions) -> np.ndarray[Any, Any]:
    """Its hand-made features, float32 [features]."""
    return np.round(features.vector(features.features(log)), 4)


def _taus(results: pl.DataFrame, samplers: Sequence[str] | None) -> Iterator[tuple[Any, ...]]:
    found = [one for one in agreement(results) if one.tau is not None and not one.noise]
    metrics = {one.metric for one in found}
    for one in found:
        if (samplers is None or one.sampler in samplers) and _RANKS_AS.get(one.metric) not in metrics:
            budget = Budget.parse(one.budget)
            if budget.of == "share":
                key = one.dataset, one.feedback, one.sampler, budget.amount
                yield *key, one.metric, one.num_algorithms, one.tau, one.speedup


def _looks(split: Split, taus: pl.DataFrame, encoder: Encoder) -> pl.DataFrame:
    drawer = SampleDrawer(split)
    key = split.dataset, split.feedback
    rows = [(*key, FULL, 1.0, *look(split.train, encoder))]
    for sampler, budget in taus.select("sampler", "budget").unique(maintain_order=True).iter_rows():
        sample = drawer.draw(sampler, Budget(budget))
        assert isinstance(sample, Sample)
        rows.append((*key, sampler, budget, *look(split.train.take(sample.rows), encoder)))
    return pl.DataFrame([tuple(map(_plain, row)) for row in rows], schema=LOOKS, orient="row")


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _split(dataset: Dataset, results: pl.DataFrame) -> Split:
    """The split that the results are of."""
    protocol, seed, feedback = results.select("split", "split_seed", "feedback").row(0)
    return make_split(dataset, feedback=feedback, protocol=protocol, seed=seed)


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
