"""What a user can be told: one sentence with what was found, what was expected and what to do."""

from __future__ import annotations

from typing import ClassVar


class RecbenchError(Exception):
    """Bad input. The message stands alone: the command line prints it without a traceback."""

    exit_code: ClassVar[int] = 2


class DataError(RecbenchError):
    """A data file, an archive or a catalogue entry is not what it should be."""


class DownloadError(RecbenchError):
    """A data set could not be brought here; the message gives the manual way."""


class UnknownNameError(RecbenchError):
    """A name that no plugin registered; the message offers the nearest ones."""


class ParameterError(RecbenchError):
    """A parameter of a sampler, an algorithm or a budget is unknown or out of range."""


class SuiteError(RecbenchError):
    """A suite file says something that cannot be run."""


class ContractError(RecbenchError):
    """A plugin returned what its contract forbids; the message names the rule, and ``rule`` too where it has one."""

    def __init__(self, message: str, *, rule: str = "") -> None:
        super().__init__(message)
        self.rule = rule


class StoreError(RecbenchError):
    """Results could not be written or read; what was stored before is kept."""

    exit_code: ClassVar[int] = 1


class VerificationError(RecbenchError):
    """A check or a verification failed."""

    exit_code: ClassVar[int] = 3
