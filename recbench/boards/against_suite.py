"""Whether an entry is of its suite: the version, the settings, every cell that is asked for and none that is not."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from recbench.bench.completeness import Missing, Place, Points, grid_points, missing_cells, planned_cells, summary
from recbench.bench.roster import entrant, metric_code
from recbench.bench.suite import Suite, load_suite, suites
from recbench.boards.agreed import check_equal
from recbench.boards.build import by_users
from recbench.boards.entry import Conditions, Entry
from recbench.boards.runs import distinct_seeds
from recbench.boards.shelf import Shelf
from recbench.contracts.errors import ParameterError, SuiteError, UnknownNameError, VerificationError
from recbench.contracts.records import Feedback
from recbench.data.split import DEFAULT_PROTOCOL
from recbench.registry import Registry

_SETTINGS = ("split_seed", "mask", "history", "tuning", "validate_every", "patience")


def suite_of(entry: Entry, given: Suite | None = None) -> Suite:
    """The suite of an entry, cut down to what it submits.

    Raises:
      UnknownNameError: the suite does not come with recbench, and none was given; or it has no such subset.
      VerificationError: it is of another version, or of another suite than the one given.
    """
    if given is None and entry.suite not in suites():
        raise UnknownNameError(f"the suite {entry.suite!r} does not come with recbench: give its file with --suite")
    suite = given or load_suite(entry.suite)
    check_equal("suite", entry.suite, suite.name, why="is the suite that was given")
    check_equal("suite_version", entry.suite_version, suite.version, why=f"is the version of the suite {suite.name!r}")
    datasets = list(dict.fromkeys(dataset for dataset, _ in _grounds(entry)))
    samplers = [each.label for each in entry.samplers]
    if (entry.board == "algorithms") != (not samplers):
        raise VerificationError(f"'samplers' has {len(samplers)} rows, which a board of {entry.board} cannot have")
    try:
        part = suite.subset(entry.subset)
        return part.override(datasets=datasets, samplers=samplers)
    except (UnknownNameError, ParameterError, SuiteError) as error:
        raise VerificationError(f"'subset', 'conditions' or 'samplers' are not of the suite: {error}") from error


def check_plan(entry: Entry, frame: pl.DataFrame, suite: Suite, *, shelf: Shelf, registry: Registry) -> None:
    """Compares an entry with the plan of its suite; ``frame`` has the runs.

    Raises:
      VerificationError: names the field that is not as the suite has it, or the cells that are missing.
    """
    _check_grounds(entry, suite, shelf)
    for number, each in enumerate(entry.conditions):
        rows = frame.filter(dataset=each.dataset, feedback=each.feedback)
        if rows.is_empty():
            raise VerificationError(f"'conditions.{number}' is of {each.dataset}, {each.feedback}, which has no cells")
        _check_conditions(f"conditions.{number}", each, suite, registry)
        check_equal(f"conditions.{number}", _seeds(each), distinct_seeds(rows), why="is what the cells have")
        points = _points(entry, suite, each.feedback, rows, registry)
        _check_cells(entry, rows, suite, points, registry)


def _check_grounds(entry: Entry, suite: Suite, shelf: Shelf) -> None:
    there = set(_grounds(entry))
    for dataset in suite.datasets:
        for feedback in suite.feedback:
            if (dataset, feedback) not in there:
                raise VerificationError(f"'conditions' lack {dataset}, {feedback}, which the suite asks for")
    for number, each in enumerate(entry.left_out):
        here = not isinstance(shelf.dataset(each.dataset), str)
        if here and not shelf.refusal(each.dataset, each.feedback, suite.protocol.split_of(each.feedback, given=False)):
            raise VerificationError(
                f"'left_out.{number}' says that {each.dataset} does not allow {each.feedback} feedback, but it does"
            )


def _grounds(entry: Entry) -> list[tuple[str, Feedback]]:
    """What an entry speaks of: with runs, or with the reason why there are none."""
    with_runs = [(each.dataset, each.feedback) for each in entry.conditions]
    return with_runs + [(each.dataset, each.feedback) for each in entry.left_out]


def _seeds(conditions: Conditions) -> dict[str, tuple[int, ...]]:
    return {"full_seeds": conditions.full_seeds, "sample_seeds": conditions.sample_seeds}


def _check_conditions(place: str, each: Conditions, suite: Suite, registry: Registry) -> None:
    protocol, why = suite.protocol, f"is what the suite {suite.name!r} says"
    splits = protocol.split.get(each.feedback) or (DEFAULT_PROTOCOL[each.feedback],)
    if each.split not in splits:
        check_equal(f"{place}.split", each.split, splits[0], why=why)
    if each.noise not in protocol.noise:
        check_equal(f"{place}.noise", each.noise, protocol.noise[0], why=why)
    if each.feedback not in suite.feedback:
        raise VerificationError(f"'{place}.feedback' is {each.feedback!r}, which the suite does not ask for")
    select = protocol.select[each.feedback]
    wanted = {name: getattr(protocol, name) for name in _SETTINGS} | {"max_epochs": protocol.epochs, "select": select}
    if each.noise:
        wanted["noise_seed"] = protocol.noise_seed
    wanted["metric_code"] = metric_code((*suite.metrics[each.feedback], select), registry)
    for name, value in wanted.items():
        check_equal(f"{place}.{name}", getattr(each, name), value, why=why)


def _points(entry: Entry, suite: Suite, feedback: Feedback, rows: pl.DataFrame, registry: Registry) -> Points:
    """The grids of the algorithms that must be there; of one that is not registered here, what the cells say."""
    whole = {each: grid_points(suite, each, registry) for each in suite.feedback}
    if entry.board != "algorithms":
        return whole[feedback]
    listed = set().union(*whole.values())
    points: dict[str, Sequence[str]] = {}
    for label in (each.label for each in entry.algorithms):
        if label in whole[feedback]:
            points[label] = whole[feedback][label]
        elif label not in listed:
            points[label] = _own_points(label, suite.override(algorithms=[label]), feedback, rows, registry)
    return points


def _own_points(label: str, suite: Suite, feedback: Feedback, rows: pl.DataFrame, registry: Registry) -> Sequence[str]:
    """Of an algorithm that the suite does not list; see :meth:`~recbench.bench.suite.Suite.override`."""
    try:
        entrant(label, {}, registry)
        return next(iter(grid_points(suite, feedback, registry).values()))
    except UnknownNameError:
        return rows.filter(algorithm=label)["hyper"].unique().sort().to_list()
    except ParameterError as error:
        raise VerificationError(f"'algorithms' has {label!r}, but {error}") from error


def _check_cells(entry: Entry, rows: pl.DataFrame, suite: Suite, points: Points, registry: Registry) -> None:
    samplers = [each.label for each in entry.samplers]
    missing: list[Missing] = list(missing_cells(rows, suite, samplers=samplers, points=points, registry=registry))
    if missing:
        total = rows["cell"].n_unique() + sum(each.why == "not run" for each in missing)
        raise VerificationError(f"'cells' lacks {summary(missing, of=total)}")
    planned = planned_cells(rows, suite, samplers=samplers, points=points, registry=registry)
    wanted = set(suite.metrics[rows["feedback"][0]])
    for row in rows.unique([*Place._fields, "metric"], maintain_order=True).iter_rows(named=True):
        place = Place(*(row[name] for name in Place._fields))
        if place not in planned:
            raise VerificationError(f"'cells' has one that the suite does not ask for: {', '.join(map(str, place))}")
        if row["metric"] is not None and row["metric"] not in wanted:
            raise VerificationError(f"'cells' has a metric that the suite does not ask for: {row['metric']}")
    if (twice := rows.filter(rows.select(*Place._fields, "metric").is_duplicated())).height:
        first = twice.row(0, named=True)
        raise VerificationError(f"'cells' has one twice: {', '.join(str(first[name]) for name in Place._fields)}")


def check_board(entry: Entry) -> None:
    """Refuses samplers that a board of synthesisers cannot compare.

    Raises:
      VerificationError: names the sampler.
    """
    if entry.board == "synthesisers":
        for number, each in enumerate(entry.samplers):
            if not by_users(each.unit, each.form):
                raise VerificationError(
                    f"'samplers.{number}.unit' is {each.unit!r}, but a board of synthesisers goes by numbers of users"
                )
