"""``recbench distill``: fake users that stand in for real ones, as a file."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from recbench import registry
from recbench.cli.manifest import check_files, manifest_of, plugin_words, write_manifest
from recbench.cli.options import Reading, reading_options
from recbench.cli.progress import stepping
from recbench.cli.tables import json_option, note
from recbench.contracts.errors import ParameterError
from recbench.contracts.records import Budget, Feedback, Synthesis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from recbench.bench.context import BoundSampler
    from recbench.contracts.records import Split


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the command line says of the fake users."""

    source: str
    users: str
    sampler: str
    feedback: Feedback
    split: str | None
    split_seed: int
    seed: int


@click.command("distill")
@click.option("--dataset", "--data", "source", required=True, metavar="NAME|FILE", help="A data set or a log.")
@click.option("--users", required=True, metavar="AMOUNT", help="Fake users: 500, or a share of the real ones: 5%.")
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="OUT")
@click.option("--sampler", default="distill-cf", metavar="LABEL", help="As in 'distill-cf[steps=300]', the default.")
@click.option("--feedback", type=click.Choice(["implicit", "sequential"]), default="implicit", help="What it is for.")
@click.option("--split", metavar="NAME", help="As in per-user; that of the file where it has one.")
@click.option("--split-seed", type=click.IntRange(0), default=0, metavar="N", help="What draws the split.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Equal seeds give equal fake users.")
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@reading_options
@json_option
def distill_command(out: Path, force: bool, as_json: bool, reading: Reading, **asked: Any) -> None:
    """Learn fake users that stand in for the real ones, and write them as OUT, which ends in .safetensors.

    They are learned from train rows; validation rows choose among them, and test rows are never looked at. The work is
    kept beside OUT every few steps: the same command goes on where it was stopped. OUT.manifest.json says what the fake
    users were made with, and recbench.load_synthesis reads them.
    """
    # Imported here: starting is to stay quick.
    from recbench.bench.context import bind_sampler
    from recbench.bench.sample import draw_sample
    from recbench.bench.synthesis import SUFFIXES, save_synthesis
    from recbench.data.writers import check_target

    wanted = _Asked(**asked)
    budget = _budget(wanted.users)
    bound = bind_sampler(wanted.sampler, registry.default())
    if bound.spec.form != "synthesise":
        raise ParameterError(f"{bound.spec.name!r} makes no fake users: 'recbench sample' writes the rows it keeps")
    check_target(out, SUFFIXES, overwrite=force)
    check_files(Path(wanted.source), out, overwrite=force)
    split = _split(wanted, reading)
    with stepping() as report, _kept_beside(out) as state:
        made = draw_sample(bound.label, split, budget, seed=wanted.seed, report=report, checkpoint=state)
        assert isinstance(made, Synthesis)
        save_synthesis(made, split, out, overwrite=force)
    content = write_manifest(_said(made, bound, split), out, command=_command(wanted, bound.label, out, reading))
    facts = ", ".join(f"{name} {value:.6g}" for name, value in made.facts.items())
    note(
        f"{len(made.rows):,} fake users of {split.num_items:,} items written to {out}; {manifest_of(out).name} says how"
    )
    if facts:
        note(f"the best had {facts}")
    if as_json:
        click.echo(content, nl=False)


def _budget(users: str) -> Budget:
    """A number or a share of users."""
    text = users.strip()
    return Budget.parse(text if text.endswith("users") else f"{text} users")


def _split(asked: _Asked, reading: Reading) -> Split:
    # Imported here: starting is to stay quick.
    from recbench.data.split import make_split

    dataset = reading.dataset(asked.source)
    given = "given" if dataset.given_split is not None and asked.feedback == "implicit" else None
    return make_split(dataset, feedback=asked.feedback, protocol=asked.split or given, seed=asked.split_seed)


@contextmanager
def _kept_beside(out: Path) -> Iterator[Path]:
    """Where the work is kept; gone when it is done."""
    state = out.with_name(f"{out.name}.checkpoint")
    yield state
    state.unlink(missing_ok=True)


def _said(made: Synthesis, bound: BoundSampler, split: Split) -> dict[str, Any]:
    # Imported here: starting is to stay quick.
    from recbench.bench.roster import sampler_code

    return {
        "sampler": made.sampler,
        "parameters": dict(bound.parameters),
        "sampler_code": sampler_code(made.sampler, registry.default()),
        "budget": str(made.budget),
        "feedback": split.feedback,
        "seed": made.seed,
        "dataset": split.dataset,
        "checksum": split.checksum,
        "split": split.protocol,
        "split_seed": split.seed,
        "fake_users": len(made.rows),
        "items": split.num_items,
        "facts": dict(made.facts),
        "digest": made.digest,
    }


def _command(asked: _Asked, label: str, out: Path, reading: Reading) -> str:
    """The command line that makes the fake users again."""
    words = ["recbench", "distill", "--dataset", asked.source, "--users", asked.users, "--sampler", label]
    words += ["--feedback", asked.feedback, *(("--split", asked.split) if asked.split else ())]
    words += ["--split-seed", str(asked.split_seed), "--seed", str(asked.seed), "-o", str(out)]
    return shlex.join([*words, *reading.words(), *plugin_words(label)])
