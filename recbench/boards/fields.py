"""Types of the fields of an entry: every text is printable, every number finite, every size bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from recbench.contracts.errors import ParameterError
from recbench.contracts.labels import Label
from recbench.contracts.records import Budget

MOST_CELLS = 50_000
"""Cells of an entry, at most."""


class Model(BaseModel):
    """Of the parts of an entry: nothing unknown, nothing converted, nothing infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _printable(text: str) -> str:
    if not text.isprintable():  # control characters, and marks that turn the direction of text
        raise ValueError("it has characters that cannot be printed")
    return text


def _canonical(kind: type[Label] | type[Budget]) -> AfterValidator:
    def check(text: str) -> str:
        try:
            canonical = str(kind.parse(text))
        except ParameterError as error:
            raise ValueError(str(error)) from error
        if canonical != text:
            raise ValueError(f"it is written {canonical!r}")
        return text

    return AfterValidator(check)


Printable = AfterValidator(_printable)
Name = Annotated[str, Field(min_length=1, max_length=200), Printable]
Reason = Annotated[str, Field(max_length=1000), Printable]
Remark = Annotated[str, Field(max_length=200), Printable]  # what may be left out
DatasetName = Annotated[str, Field(pattern=r"^\w[\w.:+ -]*$", max_length=200), Printable]  # stands in command lines
MetricName = Annotated[str, Field(pattern=r"^[\w.:-]+(@[0-9]+)?$", max_length=100), Printable]
SuiteName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]  # names a folder too
SubsetName = Annotated[str, Field(pattern=r"^(\w[\w.-]*)?$", max_length=60), Printable]
UnitText = Annotated[str, Field(pattern=r"^[a-z0-9.:+]+$", max_length=60)]  # user, or two stages: user+interaction
LabelText = Annotated[str, Field(max_length=300), Printable, _canonical(Label)]
BudgetText = Annotated[str, Field(max_length=40), _canonical(Budget)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Code = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]  # hash of a plugin's source; empty for built-ins
Link = Annotated[str, Field(pattern=r"^(https://[A-Za-z0-9][!#-&(-;=?-~]*)?$", max_length=500)]  # no quotes, no < or >
Count = Annotated[int, Field(ge=0, lt=1 << 62)]
Amount = Annotated[float, Field(ge=0)]
Correlation = Annotated[float, Field(ge=-1, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Place = Annotated[int, Field(ge=1, lt=1_000_000)]  # 1 is best
Seeds = Annotated[tuple[Count, ...], Field(max_length=1000)]
Parameter = bool | Annotated[int, Field(ge=-(1 << 62), lt=1 << 62)] | float | Remark
Hyper = Annotated[Mapping[Name, Parameter], Field(max_length=100)]
