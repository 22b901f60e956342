"""Proxies of samplers: algorithms trained once on the full train set, whose errors say how hard each row is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recbench import rng
from recbench.contracts.errors import ContractError, ParameterError
from recbench.contracts.labels import Label, bind, simplest
from recbench.contracts.records import ParameterValue, Split
from recbench.registry import Registry

if TYPE_CHECKING:
    from recbench.engine.batch import DeviceSplit

Errors = NDArray[np.float32]


class Proxies:
    """The proxies of one split: each is trained once a seed, whoever asks for it.

    Args:
      data: the split on the device, if it is there already; otherwise the first proxy brings it there.
    """

    def __init__(self, split: Split, registry: Registry, *, data: DeviceSplit | None = None) -> None:
        self._split = split
        self._registry = registry
        self._data = data
        self._errors: dict[str, tuple[Errors, float]] = {}

    def errors(
        self, algorithm: str, hyper: Mapping[str, ParameterValue], *, epochs: int, negatives: int, seed: int
    ) -> tuple[str, Errors, float]:
        """Name of the proxy, error of each train row summed over the epochs (float32 [n], read-only), its seconds.

        Compilation is left out of the seconds, as in every other cost.

        Raises:
          UnknownNameError: no plugin registered the algorithm.
          ParameterError: the algorithm has no such hyper-parameter, or epochs or negatives are below 1.
          ContractError: its errors are not finite.
        """
        if epochs < 1 or negatives < 1:
            raise ParameterError(
                f"the proxy {algorithm!r} was asked for with {epochs} epochs and {negatives} negatives, "
                "but at least 1 of each is needed"
            )
        spec = self._registry.get("algorithms", algorithm).spec
        values = bind(Label(algorithm, tuple(sorted(hyper.items()))), spec.hyper)
        axes: dict[str, ParameterValue] = {
            "proxy": str(simplest(algorithm, values, spec.hyper)),
            "proxy_epochs": epochs,
            "proxy_negatives": negatives,
            "sample_seed": seed,
        }
        name = json.dumps(axes)
        if name not in self._errors:
            key_data = rng.key_data(purpose="proxy", **self._split.axes, **axes)
            errors, seconds = self._train(algorithm, values, key_data=key_data, epochs=epochs, negatives=negatives)
            if not np.isfinite(errors).all():
                found = f"the proxy {axes['proxy']!r} diverged on {self._split.dataset}"
                raise ContractError(f"{found}: its errors are not finite")
            errors.flags.writeable = False
            self._errors[name] = errors, seconds
        return name, *self._errors[name]

    def _train(
        self,
        algorithm: str,
        hyper: Mapping[str, ParameterValue],
        *,
        key_data: NDArray[np.uint32],
        epochs: int,
        negatives: int,
    ) -> tuple[Errors, float]:
        # Only samplers with a proxy need JAX, so it is imported here.
        from recbench.engine.batch import place_split
        from recbench.engine.devices import Stopwatch
        from recbench.engine.run import Contestant, training_errors

        if self._data is None:
            self._data = place_split(self._split)
        registered = self._registry.get("algorithms", algorithm)
        contestant = Contestant(algorithm, registered.spec, registered.load()())
        watch = Stopwatch()
        errors = training_errors(self._data, contestant, hyper, key_data=key_data, epochs=epochs, negatives=negatives)
        return np.array(errors, dtype=np.float32), watch.lap()
