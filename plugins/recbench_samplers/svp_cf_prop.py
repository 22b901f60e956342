"""SVP-CF with propensities: what is hard and unlikely to be observed at all counts for more.

A log holds popular items and busy users more often than they are relevant. The importance of an interaction is divided
by the probability that it is observed: by the smaller of its user's and its item's.

Source: Sachdeva, Wu, McAuley, On Sampling Collaborative Filtering Datasets, WSDM 2022, section 3.1; the model of
propensities: Jain, Prabhu, Varma, KDD 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recbench import Interactions, SamplerContext, inverse_propensity
from recbench_samplers import svp_cf

if TYPE_CHECKING:
    from numpy.typing import NDArray


def order(train: Interactions, context: SamplerContext, /) -> NDArray[np.float32]:
    """Importance times inverse propensity, float32 [n]: of the user or the item where these are kept whole."""
    users, items = (
        inverse_propensity(np.bincount(member, minlength=count), num_interactions=len(train)).astype(np.float32)[member]
        for member, count in ((train.user, train.num_users), (train.item, train.num_items))
    )
    inverse = {"user": users, "item": items}.get(context.unit)
    return svp_cf.order(train, context) * (np.maximum(users, items) if inverse is None else inverse)
