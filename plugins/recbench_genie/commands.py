"""``recbench genie``: ask it, see how good it is, and make it better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from recbench import (
    Column,
    Feedback,
    Reading,
    RecbenchError,
    json_option,
    load_dataset,
    note,
    print_record,
    print_table,
    reading_options,
)

if TYPE_CHECKING:
    from recbench import Dataset
    from recbench_genie.grow import Load
    from recbench_genie.trained import TrainedGenie

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_SHAPES = 12
_TAU = (Column("tau", digits=3), Column("low", digits=3), Column("high", digits=3))


@click.group("genie")
def genie() -> None:
    """Predict which sampler is best for a log, without training recommenders.

    What is predicted is Kendall's tau between the rankings of algorithms trained on a sample and on all rows, with an
    interval that held it on most data sets that were left out of training.
    """


def _asking(command: Any) -> Any:
    options = [
        click.option("--feedback", type=click.Choice(get_args(Feedback)), default="implicit", help="Of the training."),
        click.option("--metric", metavar="NAME", help="What algorithms are ranked by.  [default: rmse or ndcg@10]"),
        click.option("--sampler", "samplers", multiple=True, metavar="LABEL", help="Choose among these only."),
        click.option("--cheap", is_flag=True, help="Draw no samples: look at the log alone, in seconds."),
        click.option("--genie", "path", type=_FILE, metavar="FILE", help="Ask this one, of 'recbench genie train'."),
        click.option("--seed", type=click.IntRange(0), default=0, metavar="N", help="Of the samples looked at."),
        reading_options,
        json_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@genie.command("rank")
@click.argument("name_or_file")
@click.option("--keep", "--budget", "budget", required=True, metavar="SHARE", help="Of the rows, as in 10%.")
@_asking
def rank_command(
    name_or_file: str, budget: str, path: Path | None, reading: Reading, as_json: bool, **asked: Any
) -> None:
    """Print the samplers by predicted tau, best first, for a share of a data set or a file."""
    from recbench_genie.ask import rank

    asker = _asker(path)
    answer = rank(reading.dataset(name_or_file), budget, genie=asker, report=note, **asked)
    _warn(answer.warnings, answer.nearest)
    if as_json:
        lost = answer.lost_by_random
        print_record(_record(answer) | {"best": answer.best, "lost_by_random": lost}, as_json=True)
        return
    print_table(answer.samplers.to_dicts(), ["sampler", *_TAU])
    note(f"take {answer.best}: {_loss(answer.lost_by_random)}; {_level(answer)}")


@genie.command("plan")
@click.argument("name_or_file")
@click.option("--tau", required=True, type=click.FloatRange(-1, 1), help="What the lower bound must reach.")
@_asking
def plan_command(
    name_or_file: str, tau: float, path: Path | None, reading: Reading, as_json: bool, **asked: Any
) -> None:
    """Print the smallest share from which on the sampler that is predicted best keeps the ranking well enough."""
    from recbench_genie.ask import plan

    advice = plan(reading.dataset(name_or_file), tau, genie=_asker(path), report=note, **asked)
    _warn(advice.warnings, advice.nearest)
    if as_json:
        said = {name: getattr(advice, name) for name in ("wanted", "kept", "budget", "sampler", "warnings", "nearest")}
        print_record(said | {"steps": advice.steps.to_dicts()}, as_json=True)
        return
    print_table(advice.steps.to_dicts(), ["budget", "sampler", *_TAU[:2]])
    if advice.budget is None:
        note(f"no share has a lower bound of {tau:g}: train on all of it; {_kept(advice.kept)}")
    else:
        note(f"keep {advice.budget} by {advice.sampler}; {_kept(advice.kept)}")


@genie.command("card")
@click.option("--genie", "path", type=_FILE, metavar="FILE")
@json_option
def card_command(path: Path | None, as_json: bool) -> None:
    """Print what a genie was trained on, and how good it was on data sets that were left out."""
    card = dict(_asker(path).card)
    left_out = card.pop("left out")
    if as_json:
        print_record(card | {"left out": left_out}, as_json=True)
        return
    print_record(card)
    click.echo()
    print_table(left_out, _SCORES)


@genie.command("corpus")
@click.option("-o", "--out", "folder", required=True, type=_FOLDER, metavar="DIR", help="The tables; they grow.")
@click.option("--shapes", type=click.IntRange(0), help="Of synthetic logs, eight each.  [default: 12; 0 with logs]")
@click.option("--data", "named", multiple=True, metavar="NAME=FILE", help="A log of one's own; may be repeated.")
@click.option("--dataset", "registered", multiple=True, metavar="NAME", help="A registered data set; likewise.")
@click.option("--parts", type=click.IntRange(0), default=4, show_default=True, help="Of a data set; 0: it is one.")
@click.option("--empty", is_flag=True, help="Begin with nothing, not with the corpus that comes with recbench.")
@click.option("--encoder", type=_FILE, metavar="FILE", help="Of 'recbench genie encode': begin with nothing, and it.")
@click.option("--suite", metavar="NAME", help="Run this suite, or take its runs from the store.")
@click.option("--store", type=_FOLDER, default=Path("genie-store"), show_default=True, metavar="DIR")
@click.option("--minutes", type=click.FloatRange(0), help="Begin no data set after so many.")
@click.option("--executor", metavar="NAME")
def corpus_command(
    folder: Path, shapes: int | None, named: tuple[str, ...], registered: tuple[str, ...], parts: int, empty: bool,
    encoder: Path | None, suite: str | None, store: Path, minutes: float | None, executor: str | None,
) -> None:  # fmt: skip
    """Grow a corpus: run samplers on many data sets, and keep the taus and what the logs look like.

    A new one begins with the corpus that comes with recbench. It goes on where it was stopped. Data sets of one's own
    make the genie better for logs like them.
    """
    from recbench_genie.corpus import SUITE
    from recbench_genie.grow import grow, start

    logs: list[tuple[str, Callable[[], Dataset]]] = [*_named(named)]
    logs += [(name, partial(load_dataset, name)) for name in registered]
    number = shapes if shapes is not None else 0 if logs else _SHAPES
    grow(folder, _jobs(logs, number, parts), start(folder, encoder=encoder, empty=empty), store=store,
         suite=suite or SUITE, minutes=minutes, executor=executor, report=note)  # fmt: skip


@genie.command("encode")
@click.option("-o", "--out", required=True, type=_FILE, metavar="FILE", help="Safetensors.")
@click.option("--shapes", type=click.IntRange(1), default=_SHAPES, show_default=True, help="Of logs, eight each.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N")
def encode_command(out: Path, shapes: int, seed: int) -> None:
    """Train the graph encoder, without labels, on synthetic logs and samples of them: no real one is ever seen.

    A corpus that begins with it ('recbench genie corpus --encoder') and a genie trained on that corpus use it.
    """
    from recbench_genie.grow import train_on_family
    from recbench_genie.trained import save_encoder

    save_encoder(train_on_family(shapes, seed=seed, report=_step), out)
    note(f"written to {out}")


@genie.command("train")
@click.option("--corpus", "folder", type=_FOLDER, metavar="DIR", help="[default: the one that comes with recbench]")
@click.option("-o", "--out", required=True, type=_FILE, metavar="FILE", help="Safetensors.")
@click.option("--view", type=click.Choice(["hand", "graph", "both"]), default="both", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N")
def train_command(folder: Path | None, out: Path, view: Any, seed: int) -> None:
    """Train a genie on a corpus, with intervals from data sets that were left out."""
    from recbench_genie.corpus import SHIPPED, read_corpus
    from recbench_genie.fit import train_genie
    from recbench_genie.trained import ENCODER, load_encoder, save_genie

    encoder = load_encoder((folder or SHIPPED) / ENCODER.name)
    trained = train_genie(read_corpus(folder or SHIPPED), encoder, view=view, seed=seed, report=_step)
    save_genie(trained, out)
    print_table(trained.card["left out"], _SCORES)
    note(f"written to {out}")


@genie.command("evaluate")
@click.option("--corpus", "folder", type=_FOLDER, metavar="DIR", help="[default: the one that comes with recbench]")
@click.option("--rival", "rivals", multiple=True, metavar="NAME", help="Only these.  [default: all]")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Leave out only these.  [default: all, in turn]")
@click.option("--real", is_flag=True, help="Leave out only real data sets.")
@click.option("--board", type=_FOLDER, metavar="DIR", help="Write the board of predictors there, too.")
@click.option("--by", multiple=True, type=click.Choice(["feedback", "metric", "budget"]), help="Apart for each.")
@click.option("--seed", type=click.IntRange(0), default=0, metavar="N")
@json_option
def evaluate_command(
    folder: Path | None, rivals: tuple[str, ...], groups: tuple[str, ...], real: bool, by: tuple[str, ...], seed: int,
    board: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Print how well samplers are picked on data sets that were left out of training, with all that belong to them."""
    from recbench_genie.corpus import SHIPPED, read_corpus
    from recbench_genie.design import Vocabulary, examples
    from recbench_genie.judge import bought, left_out, of_groups, summary
    from recbench_genie.rivals import RIVALS

    if unknown := sorted(set(rivals) - set(RIVALS)):
        raise RecbenchError(f"no rival is called {unknown[0]!r}; there are: {', '.join(RIVALS)}")
    corpus = read_corpus(folder or SHIPPED)
    vocabulary = Vocabulary.of(corpus)
    rows = examples(corpus, vocabulary)
    known = sorted(set(rows.group.tolist()))
    if unknown := sorted(set(groups) - set(known)):
        raise RecbenchError(f"the corpus has no group {unknown[0]!r}; there are: {', '.join(known)}")
    wanted = list(groups) or (rows.real if real else known)
    chosen = list(dict.fromkeys([*(rivals or RIVALS), "average"]))
    scores = left_out(rows, vocabulary, chosen, groups=wanted, seed=seed, report=_step)
    if board is not None:
        from recbench_genie.board import write_board

        write_board(board, corpus, *of_groups(rows, scores, wanted))
    found, uses = summary(rows, scores, by=by).to_dicts(), bought(rows, scores).to_dicts()
    if as_json:
        print_record({"left out": found, "bought": uses}, as_json=True)
        return
    print_table(found, [*by, *_SCORES])
    click.echo()
    print_table(uses, ["picker", "budget", Column("tau", digits=3), *_BOUNDS, Column("speedup", digits=1)])


_BOUNDS = (Column("tau low", digits=3), Column("tau high", digits=3))
_SCORES: list[Column | str] = [
    "rival",
    "groups",
    "questions",
    *(Column(f"{name}{side}", digits=3) for name in ("p@1", "regret", "rank correlation", "mse", "gain")
      for side in ("", " low", " high")),
]  # fmt: skip


def _asker(path: Path | None) -> TrainedGenie:
    from recbench_genie.trained import SHIPPED, load_genie

    return load_genie(path or SHIPPED)


def _named(pairs: tuple[str, ...]) -> Iterator[tuple[str, Callable[[], Dataset]]]:
    for pair in pairs:
        name, equals, file = pair.partition("=")
        if not (name and equals and file) or set(name) & set("/[]"):  # those say what a data set is a part of
            raise RecbenchError(f"--data {pair} was given, where NAME=FILE is expected, NAME without '/', '[' and ']'")
        yield name, partial(_renamed, name, Path(file))


def _renamed(name: str, file: Path) -> Dataset:
    return replace(load_dataset(file), name=name)


def _jobs(logs: Sequence[tuple[str, Callable[[], Dataset]]], shapes: int, most: int) -> Iterator[tuple[str, Load]]:
    """Real data sets first: they are what the genie is for."""
    from recbench_genie.family import synthetic_labels

    yield from ((name, partial(_parts, load, most)) for name, load in logs)
    yield from ((label, partial(_parts, partial(load_dataset, label), 0)) for label in synthetic_labels(shapes))


def _parts(load: Callable[[], Dataset], most: int) -> Sequence[Dataset]:
    from recbench_genie.family import parts

    return parts(load(), most=most) if most else [load()]


def _record(answer: Any) -> dict[str, Any]:
    fields = ("dataset", "feedback", "metric", "budget", "level", "covered", "sees_samples", "warnings", "nearest")
    return {name: getattr(answer, name) for name in fields} | {"samplers": answer.samplers.to_dicts()}


def _warn(warnings: tuple[str, ...], nearest: str) -> None:
    for text in warnings:
        note(f"warning: {text}")
    if warnings:
        note(f"of what it has seen, {nearest} is most like it")


def _loss(lost: float | None) -> str:
    if lost is None:
        return "random rows were not compared"
    return f"random rows are predicted to lose {lost:.3f} of tau against it" if lost > 0 else "random rows do as well"


def _level(answer: Any) -> str:
    held = f"low to high held tau on {answer.covered:.0%} of what was left out of training"
    return f"{held}, where {answer.level:.0%} was aimed at"


def _kept(share: float) -> str:
    return f"of what was left out of training, {share:.0%} of such picks had a tau above their lower bound"


def _step(done: int, total: int, text: str) -> None:
    note(f"[{done}/{total}] {text}")
