"""Suites: what comes with recbench is sound, and what is wrong in a file is said in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from recbench.bench.context import bind_sampler
from recbench.bench.roster import check, entrants
from recbench.bench.scores import NULL_CHECKS
from recbench.bench.suite import load_suite, read_suite, suites
from recbench.contracts.errors import RecbenchError, SuiteError, UnknownNameError
from recbench.contracts.records import Budget
from recbench.registry import Registry

SMALL = """
name = "mine"
version = 1
summary = "A suite of my own."
datasets = ["synthetic-tiny"]
feedback = ["implicit", "explicit"]
samplers = ["random", "svp-cf[unit=user, proxy=mf]"]
budgets = ["10%", "0.5"]
[protocol]
select = { implicit = "auc", explicit = "mse" }
[metrics]
implicit = ["auc"]
explicit = ["mse"]
[algorithms.implicit]
popularity = {}
mf = { latent = [8, 16], l2 = [0.1] }
[algorithms.explicit]
item-mean = {}
"""


@pytest.mark.parametrize("name", sorted(suites()))
def test_what_comes_with_recbench_is_sound(name: str) -> None:
    suite = load_suite(name)
    assert suite.name == name and suite.summary.endswith(".")
    assert len(suite.seeds.full) >= 2, "a noise ceiling takes two full-data seeds"
    for feedback in suite.feedback:
        assert len(suite.algorithms[feedback]) >= 3, "tau over two algorithms says nothing"
        assert suite.protocol.select[feedback] in suite.metrics[feedback]
    check(suite, Registry())  # names and grids are such as the built-in methods take


def test_the_study_is_as_published() -> None:
    suite = load_suite("svp-cf")
    assert suite.budgets == ("80%", "60%", "40%", "20%", "10%", "1%")
    assert suite.protocol.select == {"explicit": "mse", "implicit": "auc", "sequential": "hr@100"}
    assert suite.algorithms["implicit"]["mf"]["latent"] == (8, 16, 32, 50)
    assert len(suite.subset("published").samplers) == 16


def test_the_tuned_study_differs_in_its_tuning_alone() -> None:
    tuned, study = load_suite("svp-cf-tuned"), load_suite("svp-cf")
    protocol = study.protocol.model_copy(update={"tuning": "sample"})
    assert tuned == study.model_copy(update={"name": tuned.name, "summary": tuned.summary, "protocol": protocol})


@pytest.mark.parametrize("name", [name for name in suites() if load_suite(name).subsets])
def test_every_subset_is_a_part_of_its_suite(name: str) -> None:
    suite = load_suite(name)
    for subset in suite.subsets:
        part = suite.subset(subset)
        assert set(part.samplers) <= set(suite.samplers) and set(part.budgets) <= set(suite.budgets)
        assert set(part.protocol.noise) <= set(suite.protocol.noise)
        for feedback in part.feedback:
            grids = suite.algorithms[feedback]
            assert part.algorithms[feedback].items() <= grids.items() and len(part.algorithms[feedback]) >= 3


def test_a_subset_has_what_it_names_and_the_rest_of_the_suite() -> None:
    text = SMALL.replace(
        "[protocol]", '[subsets.small]\nsamplers = ["random"]\nfull_seeds = 2\nnoise = 0.1\n[protocol]'
    )
    suite = read_suite(text, "mine.toml")
    part = suite.subset("small")
    assert (part.protocol.noise, suite.protocol.noise) == ((0.1,), (0.0,))
    assert (part.samplers, part.budgets, part.seeds.full) == (("random",), ("10%", "50%"), (0, 1))
    with pytest.raises(UnknownNameError, match=r"'mine' has no subset 'smal': did you mean 'small'\?"):
        suite.subset("smal")
    with pytest.raises(UnknownNameError, match="'quickstart' has no subset 'x': it has none"):
        load_suite("quickstart").subset("x")


def test_a_base_lends_what_a_suite_does_not_say() -> None:
    base = load_suite("quickstart")
    own = 'base = "quickstart"\nname = "mine"\n[algorithms.implicit]\nmf = { latent = [4] }\n[protocol]\nepochs = 3'
    suite = read_suite(own, "mine.toml")
    assert (suite.name, suite.version, suite.samplers) == ("mine", base.version, base.samplers)
    assert (suite.protocol.epochs, suite.protocol.patience) == (3, base.protocol.patience)
    assert suite.algorithms["implicit"] == {**base.algorithms["implicit"], "mf": {"latent": (4,)}}
    with pytest.raises(SuiteError, match=r"mine.toml has the base 'quick', but one of algorithms, .* is expected"):
        read_suite('base = "quick"\nname = "mine"', "mine.toml")
    with pytest.raises(SuiteError, match=r"has the base \['quickstart'\], but one of"):
        read_suite('base = ["quickstart"]\nname = "mine"', "mine.toml")


def test_fake_users_meet_real_ones_of_every_sampler_that_keeps_users() -> None:
    suite, registry = load_suite("distill-cf"), Registry()
    assert {Budget.parse(budget).of for budget in suite.budgets} == {"users"}
    bound = [bind_sampler(text, registry) for text in suite.samplers]
    assert all(each.kept == "user" for each in bound)
    whole = {name for name, entry in registry.all("samplers").items() if "user" in entry.spec.units}
    assert {each.spec.name for each in bound} == whole
    for name in ("distill-cf", "noise"):
        specs = [each.spec for each in entrants(load_suite(name), "implicit", registry)]
        assert all(each.fake_users for each in specs), "what cannot train on fake users has nothing to be compared with"
        assert load_suite(name).protocol.tuning == "sample", "the ridge of all users does not suit a hundred"


def test_depths_differ_in_nothing_else() -> None:
    first, *others = entrants(load_suite("depth"), "implicit", Registry())
    assert [each.label for each in (first, *others)] == [
        "infinite-ae", *(f"infinite-ae[depth={depth}]" for depth in (2, 3, 4, 5)),
    ]  # fmt: skip
    for depth, each in enumerate(others, start=2):
        assert [dict(point) | {"depth": 1} for point in each.grid] == [dict(point) for point in first.grid]
        assert {point["depth"] for point in each.grid} == {depth}


def test_suites_that_share_a_protocol_share_results() -> None:
    published, every = load_suite("infinite-ae"), load_suite("algorithms")
    shared = [name for name in published.algorithms["implicit"] if not name.startswith("infinite-ae")]
    assert all(published.algorithms["implicit"][name] == every.algorithms["implicit"][name] for name in shared)
    for suite in (published, load_suite("depth")):
        same = suite.protocol.model_copy(update={"split": every.protocol.split, "select": every.protocol.select})
        assert same == every.protocol
        assert suite.protocol.split["implicit"] == every.protocol.split["implicit"]
        assert suite.protocol.select["implicit"] == every.protocol.select["implicit"]


def test_every_built_in_algorithm_is_compared_wherever_it_works() -> None:
    suite = load_suite("algorithms")
    for name, entry in Registry().all("algorithms").items():
        for feedback in entry.spec.feedback:
            assert name in NULL_CHECKS or name in suite.algorithms[feedback], (
                f"{feedback}: a line for {name} is missing"
            )


def test_a_path_works_wherever_a_name_does(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SMALL)
    suite = load_suite(file)
    assert load_suite(str(file)) == suite
    assert suite.samplers == ("random", "svp-cf[proxy=mf,unit=user]"), "labels are canonical"
    assert suite.budgets == ("10%", "50%")
    assert suite.seeds.full == (0, 1, 2) and suite.protocol.epochs == 100


@pytest.mark.parametrize(
    ("found", "written", "said"),
    [
        (
            'budgets = ["10%", "0.5"]',
            'budgets = ["10%", "150%"]',
            "'budgets.1' is '150%', but a budget of 1.5 as a share",
        ),
        ('budgets = ["10%", "0.5"]', 'budgets = ["10%", "0.1"]', "'10%' stands there twice"),
        ('budgets = ["10%", "0.5"]', "budgets = []", "it has samplers but no budgets"),
        ('"random", "svp', '"random[", "svp', "'samplers.0' is 'random[', but the label 'random[' was not understood"),
        ("version = 1", "", "the field 'version' is missing"),
        ("version = 1", "version = 1\nbugdets = 3", "the field 'bugdets' is not known: did you mean 'budgets'?"),
        ("[protocol]", "[protocol]\nmasks = 1", "the field 'protocol.masks' is not known: did you mean 'mask'?"),
        (
            "[protocol]",
            '[protocol]\nmask = "none"',
            "'protocol.mask' is 'none', but input should be 'full' or 'sample'",
        ),
        ("[protocol]", "[protocol]\nnoise = -1", "'protocol.noise.0' is -1, but input should be greater than or equal"),
        ("[protocol]", "[protocol]\nnoise = [0.1, 0.1]", "0.1 stands there twice"),
        ("[protocol]", "[protocol]\nnoise = []", "'protocol.noise' is []"),
        ('implicit = ["auc"]', "", "it has no metrics for implicit feedback"),
        ("latent = [8, 16]", "latent = []", "'algorithms.implicit.mf.latent' is []"),
        ("latent = [8, 16]", "latent = 8", "'algorithms.implicit.mf.latent' is 8, but input should be a valid list"),
        (
            "mf = { latent",
            '"mf[latent=4]" = { latent',
            "'mf[latent=4]' has a grid over 'latent' for implicit feedback, which its label sets",
        ),
        ('name = "mine"', 'name = "../mine"', "'name' is '../mine', but string should match pattern"),
        ("version = 1", "version = = 1", "mine.toml is not TOML"),
        ("[protocol]", "[subsets.a]\nsampler = 3\n[protocol]", "the field 'subsets.a.sampler' is not known"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(found: str, written: str, said: str) -> None:
    assert found in SMALL
    with pytest.raises(SuiteError) as raised:
        read_suite(SMALL.replace(found, written), "mine.toml")
    assert said in str(raised.value) and "mine.toml" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("asked", "said", "error"),
    [
        ("svpcf", "did you mean 'svp-cf'?", UnknownNameError),
        (
            "zzz",
            "there are algorithms, depth, distill-cf, infinite-ae, noise, quickstart, svp-cf, svp-cf-tuned, and a path",
            UnknownNameError,
        ),
        ("missing.toml", "missing.toml cannot be read: No such file", SuiteError),
        ("folder/missing", "cannot be read: No such file", SuiteError),
    ],
)
def test_a_suite_that_is_not_there(asked: str, said: str, error: type[RecbenchError]) -> None:
    with pytest.raises(error) as raised:
        load_suite(asked)
    assert said in str(raised.value)


def test_options_take_the_place_of_what_stands_in_the_file() -> None:
    suite = read_suite(SMALL, "mine.toml")
    other = suite.override(
        datasets=["a.csv"], samplers=["head"], budgets=["500rows"], full_seeds=2, sample_seeds=[4, 7]
    )
    assert (other.datasets, other.samplers, other.budgets) == (("a.csv",), ("head",), ("500rows",))
    assert (other.seeds.full, other.seeds.sample) == ((0, 1), (4, 7))
    assert suite.override() == suite


def test_a_share_of_noise_may_stand_alone() -> None:
    for written, shares in (
        ("", (0.0,)),
        ("noise = 0.2", (0.2,)),
        ("noise = 0", (0.0,)),
        ("noise = [0, 0.1]", (0, 0.1)),
    ):
        assert read_suite(SMALL.replace("[protocol]", f"[protocol]\n{written}"), "mine.toml").protocol.noise == shares


def test_a_given_split_may_be_preferred_where_the_data_have_one() -> None:
    text = SMALL.replace("[protocol]", '[protocol]\nsplit = { implicit = ["given", "per-user"], explicit = "given" }')
    protocol = read_suite(text, "mine.toml").protocol
    assert [protocol.split_of("implicit", given=there) for there in (True, False)] == ["given", "per-user"]
    assert protocol.split_of("explicit", given=False) == "given", "to be refused where the data are read"
    assert protocol.split_of("sequential", given=True) is None, "the usual one"


def test_a_first_seed_moves_all_but_that_of_the_split() -> None:
    suite = read_suite(SMALL, "mine.toml")
    moved = suite.override(seed=7)
    assert moved.seeds.full == tuple(range(7, 7 + len(suite.seeds.full)))
    assert moved.seeds.sample == tuple(range(7, 7 + len(suite.seeds.sample)))
    assert moved.protocol == suite.protocol
    counted = suite.override(seed=3, full_seeds=2, sample_seeds=[4, 9, 1]).seeds
    assert (counted.full, counted.sample) == ((3, 4), (3, 4, 5))


def test_algorithms_keep_what_their_label_leaves_of_the_grid() -> None:
    suite = read_suite(SMALL, "mine.toml")
    assert suite.override(algorithms=["mf"]).feedback == ("implicit",), "explicit has no mf in this suite"
    picked = suite.override(algorithms=["mf[latent=8]", "of-mine"]).algorithms
    assert picked == {
        "implicit": {"mf[latent=8]": {"l2": (0.1,)}, "of-mine": {}},
        "explicit": {"of-mine": {}},
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"feedback": ["sequential"]}, "it has no metrics for sequential feedback"),
        ({"feedback": ["explicit"], "algorithms": ["mf"]}, "it has no algorithms for explicit feedback"),
        ({"budgets": ["-1"]}, "the budget '-1' was not understood"),
        ({"budgets": ["10"]}, "a budget of 10 as a share was given, but a share is above 0 and at most 1 (100%)"),
        ({"budgets": ["1.5users"]}, "a budget of 1.5 users was given, but a whole number from 1 is needed"),
        ({"noise": [2]}, "'protocol.noise.0' is 2, but input should be less than or equal to 1"),
        ({"full_seeds": 0}, "'seeds.full' is range(0, 0), but"),
        ({"seed": -1}, "'seeds.full.0' is -1, but"),
    ],
)
def test_options_that_cannot_be_run(options: dict[str, list[str]], said: str) -> None:
    with pytest.raises(SuiteError) as raised:
        read_suite(SMALL, "mine.toml").override(**options)  # type: ignore[arg-type]
    assert said in str(raised.value) and "'mine' with the given options" in str(raised.value)
