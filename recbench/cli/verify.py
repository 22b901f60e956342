"""``recbench verify``: whether entries of leaderboards hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recbench.cli.submit import shelf
from recbench.cli.tables import json_option, note, print_table
from recbench.contracts.errors import VerificationError

if TYPE_CHECKING:
    from recbench.boards.verdict import Verdict

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_TOLERANCE = 0.01
_REFUSED = "refused"


@click.command("verify")
@click.argument("entries", nargs=-1, required=True, type=_FILE, metavar="ENTRY...")
@click.option("--suite", metavar="FILE", help="The suite of the entries, where it does not come with recbench.")
@click.option("--data", type=_FILE, metavar="FILE", help="The log that the entries are of, where it has no name.")
@click.option("--rerun", type=click.IntRange(0), default=0, metavar="K", help="Make K of the runs again.")
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Chooses these runs; by default one that nobody knows before."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=_TOLERANCE,
    metavar="SHARE",
    help=f"Relative difference of their metrics, at most; {_TOLERANCE:g} unless given.",
)
@click.option("--record", is_flag=True, help="Write what came out beside each entry: for who keeps the board.")
@json_option
def verify_command(
    entries: tuple[Path, ...],
    suite: str | None,
    data: Path | None,
    rerun: int,
    seed: int | None,
    tolerance: float,
    record: bool,
    as_json: bool,
) -> int:
    """Check entries of leaderboards, files as leaderboards/SUITE-vN/entries/*.json.

    Checked are the form, the digests of every row and column, that every run is there which the suite asks for, and
    every number that follows from the runs: it is computed again. Where the data sets are here, samples are drawn again
    from their seeds. The tier of an entry is self-reported, recomputed where all its samples were drawn again, or
    re-run where runs were made again too.
    Digests prove integrity, not honesty: only --rerun proves a number. Nothing is installed or downloaded.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.suite import load_suite
    from recbench.boards.verdict import is_verdict, write_verdict
    from recbench.boards.verify import verify

    asked = None if suite is None else load_suite(suite)
    at_hand = shelf(data)
    records: list[dict[str, Any]] = []
    for path in (each for each in entries if not is_verdict(each)):  # 'entries/*.json' names these too
        try:
            verdict = verify(path, suite=asked, runs=rerun, seed=seed, tolerance=tolerance, shelf=at_hand)
        except VerificationError as error:  # the other entries are still to be checked
            note(f"error: {error}")
            records.append({"entry": path.name, "tier": _REFUSED, "reason": str(error)})
            continue
        records.append(_record(path, verdict))
        for text in verdict.notes:
            note(f"{path.name}: {text}")
        if record:
            note(f"{write_verdict(verdict, path)} was written")
    print_table(records, ["entry", "tier", "samples", "runs"], as_json=as_json)
    return VerificationError.exit_code if any(each["tier"] == _REFUSED for each in records) else 0


def _record(path: Path, verdict: Verdict) -> dict[str, Any]:
    return {**verdict.model_dump(), "entry": path.name, "sha256": verdict.entry}
