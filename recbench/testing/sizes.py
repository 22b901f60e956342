"""Check of the static hyper-parameters: every size that the spec allows can be built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from recbench.contracts.batches import Query
from recbench.contracts.errors import RecbenchError
from recbench.contracts.labels import fits
from recbench.contracts.records import Feedback, ParameterValue
from recbench.contracts.specs import Parameter
from recbench.engine.contest import Run, batch_of, static_hyper
from recbench.engine.prng import make_key
from recbench.engine.programs import stage_programs
from recbench.engine.solve import solved_programs
from recbench.engine.steps import NEEDS_NEGATIVES, TrainState, draw_step, train_step
from recbench.registry import Registry
from recbench.registry.entries import short_reason
from recbench.testing.data import USERS
from recbench.testing.scores import predicted
from recbench.testing.trial import Trial, trial_of

_SIZE = 8
"""A count from here on by default is a width or a length, and is tried beyond the number of users; layers are not."""


def check_sizes_fit(algorithm: str, feedback: Feedback, registry: Registry | None = None) -> None:
    """All sizes at their smallest, all at more than there are users and items, and each choice: traced, not computed.

    Raises:
      ContractError: one of them crashes, other than by a :class:`recbench.RecbenchError`.
    """
    trial = trial_of(algorithm, feedback, registry)
    for changed in static_variants(trial):
        try:
            _trace(trial, {**trial.hyper, **changed})
        except RecbenchError:
            continue
        except Exception as error:
            given = ", ".join(f"{name}={value}" for name, value in changed.items())
            trial.fail("sizes-fit", f"{given} raised {short_reason(error)}")


def static_variants(trial: Trial) -> Iterator[dict[str, ParameterValue]]:
    """Changes of the static hyper-parameters that are worth a try."""
    statics = [parameter for parameter in trial.spec.hyper if not parameter.traced]
    sizes = [parameter for parameter in statics if type(parameter.default) is int and not parameter.choices]
    smallest: dict[str, ParameterValue] = {each.name: int(each.minimum) for each in sizes if each.minimum is not None}
    largest: dict[str, ParameterValue] = {each.name: _large(each) for each in sizes if int(each.default) >= _SIZE}
    yield from (changed for changed in (smallest, largest) if changed)
    for each in statics:
        values = each.choices or ((not each.default,) if isinstance(each.default, bool) else ())
        yield from ({each.name: value} for value in values if value != trial.hyper[each.name])


def _large(parameter: Parameter) -> int:
    size = 2 * USERS + 1
    return size if fits(parameter, size) else int(parameter.maximum or parameter.default)


def _trace(trial: Trial, hyper: Mapping[str, ParameterValue]) -> None:
    """Follows the shapes through a fit and the scores of all users; host algorithms run."""
    run = Run(trial.planted.samples["factors"], hyper, 0)
    if trial.spec.form == "host":
        trial.scores_of(trial.fit_together([run]))
        return
    query = Trial(trial.algorithm, trial.feedback, trial.entry, hyper).query("factors")
    contestant, static = trial.contestant(), static_hyper(trial.spec, hyper)
    if trial.spec.form == "solved":
        solved = solved_programs(contestant.implementation, static=static)

        def fit(data: Any, replica: Any, query: Query) -> Any:
            return predicted(solved.scorer(data, replica, solved.solve(data, replica)), query, trial.feedback)

        replica = _first(batch_of(trial.data, contestant, [run], negatives=False))
        jax.eval_shape(fit, trial.data.arrays, replica, query)
        return
    stages = stage_programs(contestant.implementation, feedback=trial.feedback, static=static)
    negatives = any(each.stage.batch in NEEDS_NEGATIVES for each in stages)

    def train(data: Any, replica: Any, query: Query) -> Any:
        states: tuple[TrainState, ...] = ()
        for programs in stages:
            state = programs.build(data, replica, states)
            drawn = draw_step(programs.stage, data, replica, epoch_key=make_key(replica.key), step=jnp.int32(0))
            state = train_step(
                programs.stage, programs.graphdef(data), programs.static, data, replica, state, drawn,
                step=jnp.int32(0), steps_per_epoch=jnp.int32(1),
            )  # fmt: skip
            states = (*states, state)
        return predicted(stages[-1].scorer(data, replica, states[-1]), query, trial.feedback)

    replica = _first(batch_of(trial.data, contestant, [run], negatives=negatives))
    jax.eval_shape(train, trial.data.arrays, replica, query)


def _first(batch: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[0], jax.device_get(batch))
