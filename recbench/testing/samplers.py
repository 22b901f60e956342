"""The checks of a sampler: which there are, which apply, and how each is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recbench.bench.context import BoundSampler, bind_sampler
from recbench.contracts.errors import ContractError, RecbenchError
from recbench.contracts.labels import Label
from recbench.contracts.records import ParameterValue
from recbench.contracts.specs import SamplerSpec
from recbench.registry import Registry, default
from recbench.registry.entries import short_reason
from recbench.testing.checks import Check
from recbench.testing.logs import ORDINARY, renamed_log, split_frame, split_of, ties_log
from recbench.testing.rules import SAMPLER_RULES
from recbench.testing.sampling import SamplerTrial, broken, sampler_trial

CheckFunction = Callable[[SamplerTrial], None]
"""Checks one rule; raises a ContractError that names it, or Untried."""

_SEEDS = range(4)
_ALIKE = 1e-6
"""How far a score may be from what it is under other names, as a share of it: sums in another order."""


def sampler_checks(sampler: str, *, registry: Registry | None = None) -> list[Check]:
    """The checks that apply to a sampler, those of one unit after those of another; a label may name one unit.

    The logs are tiny, and proxies are stand-ins that nobody trains. Checks that follow each other share their draws.

    Args:
      sampler: label of a registered sampler, as in ``svp-cf[proxy=mf,unit=user]``.
      registry: where it is registered; None: the registry of the process.

    Raises:
      UnknownNameError: no plugin registered it.
      ParameterError: it has no such parameter, or does not keep such units.
    """
    known = registry or default()
    return [
        Check("samplers", bound.label, bound.unit, rule, meaning, partial(_tried, rule, bound.label, registry))
        for bound in _units(sampler, known)
        for rule, meaning in SAMPLER_RULES.items()
        if _applies(rule, bound)
    ]


def _units(sampler: str, registry: Registry) -> Iterator[BoundSampler]:
    """The sampler with the unit of its label, or else with each that it has."""
    bound, label = bind_sampler(sampler, registry), Label.parse(sampler)
    if "unit" in dict(label.overrides):
        yield bound
        return
    for unit in bound.spec.units:
        yield bind_sampler(str(Label(label.name, (*label.overrides, ("unit", unit)))), registry)


def _applies(rule: str, bound: BoundSampler) -> bool:
    spec, alone = bound.spec, bound.stages is None
    match rule:
        case "order-numbers" | "order-length" | "order-finite":
            return spec.form == "order"
        case "synthesis-form" | "synthesis-values":
            return spec.form == "synthesise"
        case "rows-of-train" | "rows-sorted":
            return spec.form != "synthesise"
        case "units-whole":
            return spec.form != "synthesise" and bound.kept != "interaction"
        case "nested":
            return spec.form == "order"
        case "seed-matters":
            return spec.draws
        case "seed-breaks-ties":
            return not spec.draws and alone
        case "ids-mean-nothing":
            return not spec.draws and alone and spec.form == "order"
        case "times-are-declared":
            return not spec.needs_timestamps
        case "parameters-fit":
            return any(_values(spec))
        case _:
            return True


def _tried(rule: str, sampler: str, registry: Registry | None) -> None:
    trial = sampler_trial(sampler, registry)
    _CHECKS.get(rule, partial(_check_draws, rule))(trial)


def _check_draws(rule: str, trial: SamplerTrial) -> None:
    """The rules that every draw is held to."""
    found, sentence = trial.trouble
    if found == rule:
        raise ContractError(sentence, rule=rule)
    trial.need_draws()


def _check_nested(trial: SamplerTrial) -> None:
    for drawn in trial.need_draws():
        kept = [set(sample.rows.tolist()) for sample in drawn.samples]
        on = f"on the log {drawn.log!r}, {drawn.feedback} feedback"
        for (small, large), (one, other) in zip(pairwise(kept), pairwise(drawn.samples), strict=True):
            if lost := len(small - large):
                raise broken(trial.bound, "nested", f"{other.budget} drops {lost} rows that {one.budget} keeps, {on}")
        whole = next((sample for sample in drawn.samples if sample.budget.amount == 1), None)
        if whole is not None and len(whole.rows) < len(drawn.split.train):
            found = f"100% keeps {len(whole.rows)} of {len(drawn.split.train)} rows, {on}"
            raise broken(trial.bound, "nested", found)


def _check_seed_matters(trial: SamplerTrial) -> None:
    trial.need_draws()
    if len({trial.draw(trial.ordinary(), seed=seed).digest for seed in _SEEDS}) == 1:
        raise broken(trial.bound, "seed-matters", f"{len(_SEEDS)} seeds give one sample: say draws=False")


def _check_seed_breaks_ties(trial: SamplerTrial) -> None:
    trial.need_draws()
    split = trial.ordinary()
    said: list[NDArray[Any]]
    if trial.bound.spec.form == "order":
        said = [trial.drawer(split).scores(trial.bound.label, seed) for seed in _SEEDS]
    else:
        said = [trial.draw(split, seed=seed).rows for seed in _SEEDS]
    if not all(np.array_equal(said[0], other) for other in said):
        raise broken(trial.bound, "seed-breaks-ties", f"{len(_SEEDS)} seeds give different ones: say draws=True")


def _check_file_order_means_nothing(trial: SamplerTrial) -> None:
    trial.need_draws()
    log = ties_log()
    other = log.sample(fraction=1, shuffle=True, seed=1)
    one, two = (trial.draw(split_frame(frame, trial.feedback)).rows for frame in (log, other))
    if not np.array_equal(one, two):
        raise broken(trial.bound, "file-order-means-nothing", "with its rows shuffled, a log gives another sample")


def _check_ids_mean_nothing(trial: SamplerTrial) -> None:
    trial.need_draws()
    random = np.random.default_rng(2)
    said = []
    for users, items in ((np.arange(25), np.arange(40)), (random.permutation(25), random.permutation(40))):
        split = split_frame(renamed_log(users, items), trial.feedback)
        scores = trial.drawer(split).scores(trial.bound.label)
        user = np.argsort(users)[split.user_ids.astype(np.int64)[split.train.user]]
        item = np.argsort(items)[split.item_ids.astype(np.int64)[split.train.item]]
        said.append(scores[np.lexsort((item, user))])
    if len(said[0]) != len(said[1]) or not np.allclose(said[0], said[1], rtol=_ALIKE, atol=0):
        apart = int((~np.isclose(said[0], said[1], rtol=_ALIKE, atol=0)).sum())
        raise broken(trial.bound, "ids-mean-nothing", f"{apart} of {len(said[0])} rows are scored otherwise")


def _check_times_are_declared(trial: SamplerTrial) -> None:
    trial.need_draws()
    try:
        trial.draw(split_of(ORDINARY, times=False, feedback=trial.feedback))
    except Exception as error:
        found = f"it raised {short_reason(error)}: say needs_timestamps=True"
        raise broken(trial.bound, "times-are-declared", found) from error


def _check_parameters_fit(trial: SamplerTrial) -> None:
    trial.need_draws()
    label = Label.parse(trial.bound.label)
    for name, value in _values(trial.bound.spec):
        others = tuple(each for each in label.overrides if each[0] != name)
        try:
            trial.draw(trial.ordinary(), label=str(Label(label.name, tuple(sorted((*others, (name, value)))))))
        except RecbenchError as error:
            if isinstance(error, ContractError):
                raise broken(trial.bound, "parameters-fit", f"with {name}={value}, {error}") from error
        except Exception as error:
            found = f"{name}={value} raised {short_reason(error)}"
            raise broken(trial.bound, "parameters-fit", found) from error


def _values(spec: SamplerSpec) -> Iterator[tuple[str, ParameterValue]]:
    """Values that are worth a try: choices, bounds, the other truth value."""
    for each in spec.parameters:
        bounds = (bound for bound in (each.minimum, each.maximum) if bound is not None)
        numbers = [int(bound) if isinstance(each.default, int) else float(bound) for bound in bounds]
        others = (not each.default,) if isinstance(each.default, bool) else tuple(numbers)
        yield from ((each.name, value) for value in each.choices or others if value != each.default)


_CHECKS: dict[str, CheckFunction] = {
    "nested": _check_nested,
    "seed-matters": _check_seed_matters,
    "seed-breaks-ties": _check_seed_breaks_ties,
    "file-order-means-nothing": _check_file_order_means_nothing,
    "ids-mean-nothing": _check_ids_mean_nothing,
    "times-are-declared": _check_times_are_declared,
    "parameters-fit": _check_parameters_fit,
}
