"""A trained genie: what it asks with, how sure it is, what it has seen; and its file.

The file is safetensors: arrays, and one JSON text in its header with all that is not an array.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors
from safetensors.numpy import load_file, save

from recbench import RecbenchError, publish
from recbench_genie import features
from recbench_genie.corpus import SHIPPED as CORPUS
from recbench_genie.design import Averages, Floats, Vocabulary
from recbench_genie.encoder import Encoder, encoder_arrays, encoder_from
from recbench_genie.family import is_synthetic, parent_of
from recbench_genie.rivals import Genie, Scale, View

FORM = 2
"""Version of the file's form."""
SHIPPED = Path(__file__).with_name("genie.safetensors")
ENCODER = CORPUS / "encoder.safetensors"


class GenieError(RecbenchError):
    """A genie that cannot be read, or a question it cannot answer."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far taus of left-out data sets lay from what was predicted: quantiles of tau - predicted."""

    level: float  # share of taus that the interval is to hold
    budgets: tuple[float, ...]  # log10 of shares, increasing
    low: tuple[float, ...]  # for each budget
    high: tuple[float, ...]
    covered: float  # share of taus of a group within an interval that is from the other groups
    low_of_picks: tuple[float, ...]  # the low end for the sampler that is predicted best
    kept: float  # share of questions where the tau of such a pick is above it, likewise

    def interval(self, predicted: Floats, share: float) -> tuple[Floats, Floats]:
        """Bounds of tau at a budget (log10), within [-1, 1]."""
        low, high = (np.interp(share, self.budgets, side) for side in (self.low, self.high))
        return np.clip(predicted + low, -1, 1), np.clip(predicted + high, -1, 1)

    def low_of_pick(self, predicted: float, share: float) -> float:
        """The lower bound of the tau of the sampler that is predicted best, at least -1."""
        return max(-1.0, predicted + float(np.interp(share, self.budgets, self.low_of_picks)))

    def knows(self, budget: float) -> bool:
        """Whether a share lies between those that it is from."""
        low, high = (10**end for end in (self.budgets[0], self.budgets[-1]))
        return low * (1 - _CLOSE) <= budget <= high * (1 + _CLOSE)

    @property
    def known(self) -> str:
        """From which share to which it is."""
        return " to ".join(f"{10**end:.3g}" for end in (self.budgets[0], self.budgets[-1]))


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in the corpus: data sets, by what they look like, and what was asked of them."""

    names: tuple[str, ...]  # [data sets]
    hand: Floats  # [data sets, features]
    questions: Mapping[str, Mapping[str, int]]  # feedback type: metric: groups of data sets

    def has(self, name: str) -> bool:
        """Whether a data set, or a part of the same one, is among them."""
        return not is_synthetic(name) and parent_of(name) in {parent_of(each) for each in self.names}

    def beyond(self, hand: Floats) -> list[str]:
        """In words, what lies outside of all that was seen: counts, density and popularity alone."""
        low, high = self.hand.min(axis=0), self.hand.max(axis=0)
        found = []
        for name, (text, power) in _IN_WORDS.items():
            place = features.names().index(name)
            value = float(hand[place])
            if not low[place] - 0.02 <= value <= high[place] + 0.02:
                shown = [_plain(10**each) if power else f"{each:.2f}" for each in (value, low[place], high[place])]
                found.append(f"{text} {shown[0]}, where {shown[1]} to {shown[2]} were seen")
        return found

    def nearest(self, hand: Floats) -> str:
        """The data set that looks most like it."""
        scale = Scale.of(self.hand)
        distance = np.square(scale.apply(self.hand) - scale.apply(hand[None])).sum(axis=1)
        return self.names[int(distance.argmin())]


def _plain(value: float) -> str:
    """Three digits, without an exponent.

    >>> _plain(1_000_209), _plain(6_039.99), _plain(0.044677)
    ('1,000,000', '6,040', '0.0447')
    """
    return f"{float(f'{value:.3g}'):,.9g}"


_CLOSE = 1e-3  # relative, of shares
_IN_WORDS = {
    "log rows": ("rows", True),
    "log users": ("users", True),
    "log items": ("items", True),
    "log density": ("density", True),
    "item gini": ("inequality of items (Gini)", False),
    "user gini": ("inequality of users (Gini)", False),
}


@dataclass(frozen=True)
class TrainedGenie:
    """What is shipped: one network that sees samples, one that does not, and all they need."""

    full: Genie
    cheap: Genie
    encoder: Encoder
    vocabulary: Vocabulary
    calibration: Mapping[str, Calibration]  # of "full" and "cheap"
    seen: Seen
    card: Mapping[str, Any]  # corpus, versions, date, left-out scores


def save_encoder(encoder: Encoder, path: Path) -> None:
    """Writes the encoder alone: what a corpus is looked at with."""
    _write(encoder_arrays(encoder), path, {})


def load_encoder(path: Path = ENCODER) -> Encoder:
    """The encoder of a file; by default the one that comes with recbench.

    Raises:
      RecbenchError: it is none.
    """
    try:
        return encoder_from(load_file(path))
    except (OSError, safetensors.SafetensorError) as error:
        raise GenieError(f"{path} is no encoder: {str(error).strip().splitlines()[0]}") from error


def save_genie(genie: TrainedGenie, path: Path) -> None:
    """Writes the file, whole or not at all."""
    arrays = {f"encoder/{name}": value for name, value in encoder_arrays(genie.encoder).items()}
    for name, network in (("full", genie.full), ("cheap", genie.cheap)):
        arrays |= {f"{name}/weights/{key}": value for key, value in network.weights.items()}
        arrays |= {f"{name}/mean": network.scale.mean, f"{name}/spread": network.scale.spread}
    arrays |= {"budgets": genie.full.averages.budgets, "averages": genie.full.averages.table, "seen": genie.seen.hand}
    said = {
        "form": FORM,
        "features": features.names(),
        "views": {"full": genie.full.view, "cheap": genie.cheap.view},
        "shrinkages": {"full": genie.full.shrinkage, "cheap": genie.cheap.shrinkage},
        "vocabulary": asdict(genie.vocabulary),
        "calibration": {name: asdict(each) for name, each in genie.calibration.items()},
        "seen": genie.seen.names,
        "questions": genie.seen.questions,
        "card": genie.card,
    }
    _write(arrays, path, {"genie": json.dumps(said)})


def _write(arrays: Mapping[str, Floats], path: Path, metadata: dict[str, str]) -> None:
    plain = {name: np.ascontiguousarray(value, np.float32) for name, value in arrays.items()}
    try:
        publish(save(plain, metadata), path)
    except OSError as error:
        raise GenieError(f"{path} cannot be written: {str(error).splitlines()[0]}") from error


@cache
def load_genie(path: Path = SHIPPED) -> TrainedGenie:
    """The genie of a file; by default the one that comes with recbench.

    Raises:
      GenieError: there is none, or it is not a genie that this version can ask.
    """
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            said = json.loads((file.metadata() or {})["genie"])
        arrays = load_file(path)
    except KeyError as error:
        raise _refused(path, "its header names no genie") from error
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise _refused(path, str(error).strip().splitlines()[0]) from error
    if said.get("form") != FORM:
        raise _refused(path, f"its form is {said.get('form')}, where {FORM} is expected")
    if tuple(said.get("features", ())) != features.names():
        raise _refused(path, "it was trained on other features than this version computes")
    try:
        return _assembled(said, arrays)
    except (KeyError, TypeError, ValueError, IndexError, RecbenchError) as error:
        raise _refused(path, f"a part is missing or of another shape ({error})") from error


def _refused(path: Path, found: str) -> GenieError:
    return GenieError(
        f"{path} is not a genie that can be asked: {found}; train one with 'recbench genie train', "
        "or leave --genie out for the one that comes with recbench"
    )


def _assembled(said: Mapping[str, Any], arrays: Mapping[str, Floats]) -> TrainedGenie:
    vocabulary = Vocabulary(**{name: tuple(words) for name, words in said["vocabulary"].items()})
    averages = Averages(arrays["budgets"], arrays["averages"])
    axes = (len(vocabulary.feedback), len(vocabulary.metrics), len(averages.budgets), len(vocabulary.samplers))
    if averages.table.shape != axes or arrays["seen"].shape != (len(said["seen"]), len(features.names())):
        raise ValueError("tables and words differ")
    encoder = encoder_from(_under("encoder/", arrays))
    networks = {}
    for name in ("full", "cheap"):
        scale, weights = Scale(arrays[f"{name}/mean"], arrays[f"{name}/spread"]), _under(f"{name}/weights/", arrays)
        _check_weights(weights, len(scale.mean))
        view, shrinkage = cast(View, said["views"][name]), float(said["shrinkages"][name])
        networks[name] = Genie(view, averages, scale, weights, based=True, shrinkage=shrinkage)
    calibration = {
        name: Calibration(**each | {side: tuple(each[side]) for side in ("budgets", "low", "high", "low_of_picks")})
        for name, each in said["calibration"].items()
    }
    seen = Seen(tuple(said["seen"]), arrays["seen"], said["questions"])
    return TrainedGenie(**networks, encoder=encoder, vocabulary=vocabulary, calibration=calibration, seen=seen,
                        card=said["card"])  # fmt: skip


def _under(prefix: str, arrays: Mapping[str, Floats]) -> dict[str, Floats]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def _check_weights(weights: Mapping[str, Floats], inputs: int) -> None:
    members, _, hidden = weights["first"].shape
    shapes: dict[str, tuple[int, ...]] = {
        "first": (members, inputs, hidden),
        "second": (members, hidden, hidden),
        "last": (members, hidden, 1),
        "first bias": (members, hidden),
        "second bias": (members, hidden),
        "last bias": (members, 1),
    }
    for name, shape in shapes.items():
        if weights[name].shape != shape or not np.isfinite(weights[name]).all():
            raise ValueError(f"{name} is {weights[name].shape}, where finite {shape} is expected")
