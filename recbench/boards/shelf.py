"""The data sets that are at hand: what entries speak of, without a network."""

from __future__ import annotations

from collections.abc import Mapping

from recbench.boards.entry import Conditions
from recbench.contracts.errors import DataError, DownloadError, ParameterError, UnknownNameError, VerificationError
from recbench.contracts.labels import Label
from recbench.contracts.records import Dataset, Feedback, Split
from recbench.data.noise import corrupt
from recbench.data.readers import load_dataset
from recbench.data.split import make_split
from recbench.registry import Registry


class Shelf:
    """Data sets by name: those that were given, then those that are registered and here already.

    Args:
      given: data sets that were read from files; one whose name nobody knows is found by its checksum too.
    """

    def __init__(self, registry: Registry, given: Mapping[str, Dataset] | None = None) -> None:
        self._registry = registry
        self._given = dict(given or {})
        self._read: dict[str, Dataset | str] = {}
        self._splits: dict[Conditions, Split | str] = {}

    def dataset(self, name: str, checksum: str = "") -> Dataset | str:
        """The data set, or why it is not at hand. A name is never taken for that of a file."""
        same = [each for each in self._given.values() if checksum and each.checksum == checksum]
        if same or name in self._given:
            return (*same, *([self._given[name]] if name in self._given else []))[0]
        if name not in self._read:
            self._read[name] = self._registered(name)
        return self._read[name]

    def split(self, conditions: Conditions) -> Split | str:
        """The split that runs were made on, or why it is not at hand.

        Raises:
          VerificationError: the data set that has this name is another one.
        """
        if conditions not in self._splits:
            self._splits[conditions] = self._made(conditions)
        return self._splits[conditions]

    def _made(self, conditions: Conditions) -> Split | str:
        dataset = self.dataset(conditions.dataset, conditions.checksum)
        if isinstance(dataset, str):
            return dataset
        if dataset.checksum != conditions.checksum:
            raise VerificationError(
                f"'checksum' of the conditions on {conditions.dataset} is {conditions.checksum[:12]}..., but the data "
                f"set here has {dataset.checksum[:12]}...: it is another, or one of the two was changed"
            )
        try:
            split = make_split(
                dataset, feedback=conditions.feedback, protocol=conditions.split, seed=conditions.split_seed
            )
        except (DataError, ParameterError) as error:
            raise VerificationError(f"the conditions on {conditions.dataset} cannot be met: {error}") from error
        return corrupt(split, share=conditions.noise, seed=conditions.noise_seed) if conditions.noise else split

    def refusal(self, name: str, feedback: Feedback, protocol: str | None) -> str:
        """Why the data set does not allow a feedback type; empty where it does, or where it is not at hand."""
        dataset = self.dataset(name)
        if isinstance(dataset, str):
            return ""
        try:
            make_split(dataset, feedback=feedback, protocol=protocol)
        except DataError as error:
            return str(error)
        return ""

    def _registered(self, name: str) -> Dataset | str:
        try:
            self._registry.get("datasets", Label.parse(name).name)
            return load_dataset(name, offline=True, registry=self._registry)
        except UnknownNameError:
            return f"the data set {name!r} is not registered here: give its file with --data"
        except (DataError, DownloadError):
            return f"the data set {name!r} is not here: 'recbench data fetch {name}' brings it"
