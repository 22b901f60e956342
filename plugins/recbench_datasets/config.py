"""What a synthetic log is made of, and the named ones. Imports nothing heavy: listing data sets reads this."""

from __future__ import annotations

from dataclasses import dataclass

from recbench import Parameter, RecbenchError


class SyntheticError(RecbenchError):
    """A synthetic log was asked for that cannot exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticConfig:
    """Parameters of the generator; the same parameters give the same log."""

    name: str
    users: int
    items: int  # items that can be seen; one that nobody sees is not in the log
    rows: int  # exact
    dimensions: int = 8  # of the taste vectors
    popularity: float = 0.8  # Zipf exponent: the item of rank k is seen k^-popularity as readily; 0: all alike
    mnar: float = 1.5  # what one standard deviation of taste adds to the log-odds of seeing; 0: seen whatever the taste
    drift: float = 0.5  # how far popularity and tastes move over the whole period; 0: time means nothing
    noise: float = 0.6  # standard deviation of a rating before it is rounded to 1, 2, ... 5
    clusters: int = 0  # groups of like tastes; 0: tastes are spread smoothly
    length_spread: float = 0.9  # standard deviation of the logarithm of the history length
    min_length: int = 5  # rows of the shortest history
    all_items: bool = False  # whether some user sees what nobody would: so many items are in the log, whatever else
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.users, self.items, self.dimensions, self.min_length) < 1:
            raise SyntheticError(f"{self.name} needs at least one user, item, dimension and row a user")
        if min(self.popularity, self.mnar, self.drift, self.noise, self.clusters, self.length_spread, self.seed) < 0:
            raise SyntheticError(f"{self.name} has a negative parameter: all of them count from 0")
        if self.all_items and self.rows < self.items:
            raise SyntheticError(
                f"{self.name} asks for {self.rows:,} rows of all {self.items:,} items: ask for more rows"
            )
        if not self.users * self.min_length <= self.rows <= self.users * self.max_length:
            raise SyntheticError(
                f"{self.name} asks for {self.rows:,} rows, but {self.users:,} users with {self.min_length} to "
                f"{self.max_length:,} rows each have {self.users * self.min_length:,} to "
                f"{self.users * self.max_length:,}: change rows, items or min_length"
            )

    @property
    def max_length(self) -> int:
        """Rows of the longest history: nobody sees more than four fifths of the items."""
        return max(1, 4 * self.items // 5)


TINY = SyntheticConfig(name="synthetic-tiny", users=200, items=150, rows=6_000)
SMALL = SyntheticConfig(name="synthetic-small", users=600, items=400, rows=36_000)
MEDIUM = SyntheticConfig(name="synthetic-medium", users=6_040, items=3_706, rows=1_000_000, dimensions=16)
NETFLIX = SyntheticConfig(
    name="synthetic-netflix", users=480_189, items=17_770, rows=100_000_000, dimensions=16, popularity=1.0
)

FAMILY = (
    Parameter("users", SMALL.users, "users", minimum=1),
    Parameter("items", SMALL.items, "items that can be seen; one that nobody sees is not in the log", minimum=1),
    Parameter("rows", SMALL.rows, "rows, exactly", minimum=1),
    Parameter("dimensions", SMALL.dimensions, "of the taste vectors", minimum=1),
    Parameter("popularity", SMALL.popularity, "Zipf exponent of the items; 0: all alike", minimum=0),
    Parameter("mnar", SMALL.mnar, "what a standard deviation of taste adds to the log-odds of seeing", minimum=0),
    Parameter("drift", SMALL.drift, "how far popularity and tastes move over the period", minimum=0),
    Parameter("noise", SMALL.noise, "standard deviation of a rating before it is rounded to 1, 2, ... 5", minimum=0),
    Parameter("clusters", SMALL.clusters, "groups of like tastes; 0: tastes are spread smoothly", minimum=0),
    Parameter("length_spread", SMALL.length_spread, "standard deviation of the log of the history length", minimum=0),
    Parameter("min_length", SMALL.min_length, "rows of the shortest history", minimum=1),
    Parameter("all_items", SMALL.all_items, "whether some user sees what nobody would"),
    Parameter("seed", 0, "equal seeds give equal logs", minimum=0),
)
"""What the data set ``synthetic`` takes; by default it is ``synthetic-small``."""
