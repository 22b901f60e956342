"""SVP-CF, selection via proxy: interactions that a cheap proxy finds easy go first.

Easy parts are easy for every algorithm, so they tell algorithms apart least. The importance of an interaction is its
error under the proxy, summed over the epochs of its training: (prediction - rating)^2 for explicit feedback, 1 - AUC
against sampled unobserved items otherwise. Users and items have the mean importance of their rows.

Source: Sachdeva, Wu, McAuley, On Sampling Collaborative Filtering Datasets, WSDM 2022, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from recbench import Interactions, SamplerContext

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STEPS: Mapping[str, bool | int | float | str] = {"learning_rate": 0.006, "l2": 1e-6, "batch_size": 1024}
PROXIES: Mapping[str, Mapping[str, bool | int | float | str]] = {
    "bias-only": _STEPS,
    "mf": {**_STEPS, "latent": 10, "dropout": 0.3},
}
"""Hyper-parameters of the study, for each proxy."""


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """Importance of each row, float32 [n]."""
    proxy = str(context.parameters["proxy"])
    epochs, negatives = (int(context.parameters[name]) for name in ("epochs", "negatives"))
    rows = {"updates": "rows"} if context.parameters["updates"] == "rows" else {}
    return context.training_errors(proxy, {**PROXIES[proxy], **rows}, epochs=epochs, negatives=negatives)
