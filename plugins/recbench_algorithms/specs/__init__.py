"""What the built-in algorithms say about themselves, by family; nothing here imports what they need to run."""

from __future__ import annotations

from recbench_algorithms.specs import factors, graphs, linear, means, neighbours, networks, sequences

# Named here and not in the package above, whose ``means`` is the method of that name once it is loaded.
FAMILIES = (means, factors, neighbours, linear, graphs, networks, sequences)
