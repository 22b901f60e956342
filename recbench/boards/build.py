"""From the results of a store to an entry."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError

from recbench import __version__
from recbench.bench.completeness import Missing, grid_points, missing_cells, summary
from recbench.bench.context import bind_sampler
from recbench.bench.environment import environment
from recbench.bench.roster import is_built_in
from recbench.bench.scores import latest_plugins, of_metric_code
from recbench.bench.selection import of_suite
from recbench.bench.suite import Suite
from recbench.boards.collect import grounds, ordered, run_tables
from recbench.boards.derive import derive, line
from recbench.boards.digests import sealed
from recbench.boards.entry import DERIVED, FORMAT, Board, Entry
from recbench.boards.files import REPLICATES, Submission, replicates_content, sentence
from recbench.boards.runs import entry_frame, matrix
from recbench.boards.shelf import Shelf
from recbench.contracts.errors import StoreError, SuiteError, VerificationError
from recbench.registry import Registry, default


class IncompleteError(StoreError):
    """The results are not all that a board asks for; the message says what is missing."""

    exit_code = 2


def build_submission(
    results: pl.DataFrame,
    suite: Suite,
    *,
    board: Board | None = None,
    subset: str = "",
    submitter: str = "",
    link: str = "",
    registry: Registry | None = None,
    shelf: Shelf | None = None,
) -> Submission:
    """What a store's results say about a suite's samplers or algorithms, on the data sets that the suite names.

    Args:
      results: a store's frame; of what was run in several states of a plugin, the latest counts.
      suite: with its overrides applied: the samplers or algorithms that are submitted, the data sets.
      board: None: of samplers where the suite has some, of algorithms where it has none.
      subset: the name of the part of the suite that this is.
      shelf: data sets, to see why one of them has no results of a feedback type.

    Raises:
      SuiteError: the suite has nothing for this board, or several shares of noise.
      IncompleteError: results are missing; the message says which.
      StoreError: there are no results of the suite.
      ParameterError: the results of one data set were made under several settings.
      VerificationError: the results do not fit into an entry; the field is named.
    """
    known = registry or default()
    chosen, asked = for_board(suite, board, known)
    rows = _settled(of_suite(results, asked, known), asked, known)
    if rows.is_empty():
        raise StoreError(f"there are no results of {suite.name!r} on {', '.join(suite.datasets)}: run the suite first")
    left_out = _left_out(rows, asked, shelf or Shelf(known))
    _check_complete(rows, asked, left_out, known)
    content = {
        "format": FORMAT,
        "board": chosen,
        "suite": suite.name,
        "suite_version": suite.version,
        "subset": subset,
        "created": rows["created"].max(),
        "recbench": __version__,
        "submitter": submitter,
        "link": link,
        "environment": _plain(asdict(environment())),
        "left_out": tuple(left_out),
    }
    return _submission(content, rows, asked, known)


def for_board(suite: Suite, board: Board | None, registry: Registry) -> tuple[Board, Suite]:
    """The board that a suite is for, and what of the suite is asked for there.

    Raises:
      SuiteError: the suite has nothing for this board.
    """
    chosen: Board = board or ("samplers" if suite.samplers else "algorithms")
    if len(suite.protocol.noise) > 1:
        raise SuiteError(f"the suite {suite.name!r} has several shares of noise, and a board is of one: give it one")
    if chosen == "algorithms":
        return chosen, suite.override(samplers=())
    if not suite.samplers:
        raise SuiteError(f"the suite {suite.name!r} has no samplers, and a board of {chosen} is about them")
    if chosen == "samplers":
        return chosen, suite
    bound = [bind_sampler(text, registry) for text in suite.samplers]
    fitting = [each.label for each in bound if by_users(each.unit, each.spec.form)]
    if not fitting:
        listed = ", ".join(each.label for each in bound)
        raise SuiteError(f"a board of synthesisers goes by numbers of users, and none of {listed} makes or keeps them")
    return chosen, suite.override(samplers=fitting)


def by_users(unit: str, form: str) -> bool:
    """Whether what a sampler makes or keeps are whole users, so that a number of them says how much it is."""
    return form == "synthesise" or unit == "user"


def _settled(rows: pl.DataFrame, suite: Suite, registry: Registry) -> pl.DataFrame:
    """One row for each cell and metric: of plugins that changed, the latest state."""
    rows = rows.filter(pl.col("dataset").is_in(list(suite.datasets)))
    rows = latest_plugins(rows)
    columns = {*rows["select"].unique(), *rows["metric"].drop_nulls().unique()}
    own = rows.sort("created", maintain_order=True)["metric_code"]
    built_in = all(is_built_in(name, registry) for name in columns)
    return of_metric_code(rows, None if built_in or rows.is_empty() else own[-1])


def _left_out(rows: pl.DataFrame, suite: Suite, shelf: Shelf) -> list[dict[str, str]]:
    """Feedback types that a data set does not allow, of those without a row."""
    there = set(rows.select("dataset", "feedback").iter_rows())
    found = []
    for dataset in suite.datasets:
        for feedback in suite.feedback:
            if (dataset, feedback) not in there:
                protocol = suite.protocol.split_of(feedback, given=False)
                if reason := shelf.refusal(dataset, feedback, protocol):
                    found.append({"dataset": dataset, "feedback": feedback, "reason": line(reason)})
    return found


def _check_complete(rows: pl.DataFrame, suite: Suite, left_out: Sequence[dict[str, str]], registry: Registry) -> None:
    there = grounds(rows)
    excused = {(each["dataset"], each["feedback"]) for each in left_out}
    asked = {(dataset, feedback) for dataset in suite.datasets for feedback in suite.feedback} - excused
    if absent := sorted(asked - set(there)):
        listed = "; ".join(", ".join(each) for each in absent[:3])
        more = f"; and {len(absent) - 3} more" if len(absent) > 3 else ""
        raise IncompleteError(
            f"the results of {suite.name!r} are incomplete: there are none of {listed}{more}: run the suite to its "
            "end, or say which data sets are meant with --dataset"
        )
    samplers = [bind_sampler(text, registry).label for text in suite.samplers]
    missing: list[Missing] = []
    for (_, feedback), part in there.items():
        points = grid_points(suite, feedback, registry)
        missing += missing_cells(part, suite, samplers=samplers, points=points, registry=registry)
    if missing:
        total = rows["cell"].n_unique() + sum(each.why == "not run" for each in missing)
        raise IncompleteError(
            f"the results of {suite.name!r} are incomplete, without {summary(missing, of=total)}: "
            "run the suite to its end, with --retry-failed where runs failed"
        )


def _submission(content: dict[str, Any], rows: pl.DataFrame, suite: Suite, registry: Registry) -> Submission:
    rows = ordered(rows, suite)
    valued = rows.filter(pl.col("metric").is_not_null())
    if valued.height and set(valued["replicates"].list.len()) != {REPLICATES}:
        raise VerificationError(f"the results have values without {REPLICATES} bootstrap replicates: run them again")
    replicates = matrix(valued["replicates"]) if valued.height else np.zeros((0, REPLICATES), np.float32)
    packed = replicates_content(replicates)
    runs: dict[str, Any] = {
        **content,
        **run_tables(rows, registry),
        "replicates": {"sha256": hashlib.sha256(packed).hexdigest(), "rows": len(replicates)},
        "cost": {"runs": 0, "seconds": 0.0, "compile_seconds": 0.0, "samples_processed": 0},
        "digests": {},
        **{name: () for name in DERIVED},
    }
    try:
        bare = Entry.model_validate(runs)
        frame = entry_frame(bare, replicates)
        fixed = {each.label for each in bare.algorithms if each.deterministic}
        outcomes = derive(bare.board, frame, fixed=fixed, registry=registry)
        return Submission(sealed(Entry.model_validate({**runs, **outcomes}), replicates), replicates, packed)
    except ValidationError as error:
        raise VerificationError(f"the results do not fit into an entry: {sentence(error)}") from error


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: line(value) if isinstance(value, str) else value for name, value in fields.items()}
