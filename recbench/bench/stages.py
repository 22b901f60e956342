"""Samples in two stages: whole users (or items) are kept first, then a share of the interactions of each."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recbench.bench.order import unit_members
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import UNITS, Budget, Interactions, Unit

_STAGE = re.compile(r"([a-z]+)(?::([0-9]+\.?[0-9]*|\.[0-9]+))?")
_PRODUCT = 5e-3
"""How near the product of two given shares has to come to the budget, as a share of it: three digits are enough."""


@dataclass(frozen=True, slots=True)
class Stages:
    """``user+interaction``: a share of the users, and of their interactions; each is the square root of the budget's.

    A stage with a share of its own, as in ``user:0.5+interaction``, keeps that one at every budget, and the other stage
    makes up the rest. Shares of users (or items) are counted by their rows.
    """

    whole: Unit  # user or item
    whole_share: float | None  # None: what the budget leaves
    row_share: float | None

    @classmethod
    def parse(cls, text: str) -> Stages:
        """Reads ``user+interaction`` or ``user:0.5+interaction:0.2``.

        Raises:
          ParameterError: it is something else, or a share is not above 0 and at most 1.

        >>> str(Stages.parse("user:.50+interaction"))
        'user:0.5+interaction'
        """
        found = [_STAGE.fullmatch(part.strip()) for part in text.split("+")]
        names = [None if each is None else each[1] for each in found]
        if len(found) != 2 or names[0] not in UNITS or names[0] == "interaction" or names[1] != "interaction":
            raise ParameterError(
                f"unit={text} was not understood: write user+interaction or item+interaction, "
                "with shares as in user:0.5+interaction:0.2"
            )
        shares = [None if each is None or each[2] is None else float(each[2]) for each in found]
        if any(share is not None and not 0 < share <= 1 for share in shares):
            raise ParameterError(f"unit={text} has a share that is not above 0 and at most 1")
        return cls("user" if names[0] == "user" else "item", *shares)

    def __str__(self) -> str:
        stages = ((self.whole, self.whole_share), ("interaction", self.row_share))
        return "+".join(name if share is None else f"{name}:{_written(share)}" for name, share in stages)

    def refusal(self, budget: Budget, train: Interactions) -> str:
        """Why the stages cannot keep so much; empty when they can. The budget counts rows."""
        share = budget.amount if budget.of == "share" else budget.amount / max(len(train), 1)
        given = [each for each in (self.whole_share, self.row_share) if each is not None]
        most = math.prod(given)
        if share > most * (1 + _PRODUCT) or (len(given) == 2 and share < most * (1 - _PRODUCT)):
            keeps = f"{'exactly' if len(given) == 2 else 'at most'} {most:.3g} of them"
            return f"the budget {budget} asks for {share:.3g} of the rows, but unit={self} keeps {keeps}"
        return ""

    def order(
        self,
        wholes: NDArray[np.uint32],
        rows: NDArray[np.uint32],
        train: Interactions,
        *,
        rng: np.random.Generator,
    ) -> NDArray[np.uint32]:
        """Interactions from the first to keep to the last: its prefixes are the samples of both stages.

        An interaction stays while the share of either stage is above its place in it: that of its user in the order of
        users, and its own in its user's history, with a random offset a user so that short histories are not all
        cut at the same moment. The larger of the two places is what decides; where a given share is too small by a few
        rows, further users come in one after the other.

        Args:
          wholes: users (or items) from the first to keep, see :func:`~recbench.bench.order.order_units`.
          rows: interactions from the first to keep.
          rng: draws the offsets.
        """
        members, count = unit_members(train, self.whole)
        sizes = np.bincount(members, minlength=count)
        middles = np.zeros(count)
        middles[wholes] = (np.cumsum(sizes[wholes]) - sizes[wholes] / 2) / max(len(train), 1)
        grouped = rows[np.argsort(members[rows], kind="stable")]
        ranks = np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        own = np.empty(len(rows))
        own[grouped] = (ranks + rng.random(count)[members[grouped]]) / sizes[members[grouped]]
        place = np.maximum(_place(middles, self.whole_share)[members], _place(own, self.row_share))
        further = np.where(place < 1, 0, middles[members])
        return np.lexsort((own, further, place)).astype(np.uint32)


def _written(share: float) -> str:
    """All digits of a share, so that it reads as the same number, and never with an exponent."""
    return np.format_float_positional(share, trim="-")


def _place(places: NDArray[np.float64], share: float | None) -> NDArray[np.float64]:
    """Where a stage cuts: at a share that grows with the budget, or at a given one, on either side of which all tie."""
    return places if share is None else (places >= share).astype(np.float64)
