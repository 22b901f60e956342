"""``recbench list``, ``describe`` and ``plugins``."""

from __future__ import annotations

import json

import pytest

KINDS = ("samplers", "algorithms", "datasets", "metrics", "executors", "suites")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_listed_and_each_of_it_described(recbench, kind):
    result = recbench("list", kind, "--json")
    assert result.code == 0
    records = json.loads(result.out)
    assert len(recbench("list", kind).out.splitlines()) == len(records) + 1
    for record in records[:3]:
        assert record["summary"]
        described = recbench("describe", kind[:-1], record["name"])
        assert described.code == 0
        assert record["summary"] in described.out


def test_a_sampler_is_described_with_its_parameters_units_and_source(recbench):
    text = recbench("describe", "sampler", "svp-cf").out
    for said in (
        "proxy=bias-only (one of bias-only, mf)",
        "epochs=50 (1 or more)",
        "interaction, user, item",
        "explicit, implicit",
        "WSDM 2022",
    ):
        assert said in text
    record = json.loads(recbench("describe", "samplers", "svp-cf[proxy=mf]", "--json").out)
    assert record["parameters"][0]["default"] == "bias-only"
    assert (record["distribution"], record["draws"]) == ("recbench", True)


def test_capabilities_are_said_in_words(recbench):
    said = {
        ("sampler", "head"): ("order: scores the train rows", "no: the seed only breaks ties", "history length"),
        ("sampler", "distill-cf"): ("synthesise: makes fake users", "implicit, sequential"),
        ("sampler", "temporal"): ("needs_timestamps  yes",),
        ("algorithm", "mf"): ("none: a user is scored by", "trained: by gradient steps", "dropout=0.3 (0 to 0.99)"),
        ("algorithm", "ease"): ("all rows of a user", "solved: in closed form", "fake_users     yes", "X B"),
        ("algorithm", "sasrec"): ("the last rows of a user, as many as length says",),
    }
    for (kind, name), words in said.items():
        text = recbench("describe", kind, name).out
        assert all(each in text for each in words), text
        fields = [line.split()[0] for line in text.splitlines() if not line.startswith(" ")]
        assert fields[:4] == ["name", "summary", "formula", "source"]
        assert fields[-2:] == ["distribution", "version"]


def test_a_label_that_means_nothing_is_refused(recbench):
    assert recbench("describe", "sampler", "svp-cf[proxy=mf,unit=user]").code == 0
    result = recbench("describe", "sampler", "svp-cf[proxi=mf]")
    assert (result.code, result.out) == (2, "")
    assert "'svp-cf' has no parameter 'proxi': did you mean 'proxy'?" in result.err


def test_a_sampler_says_whether_it_scores_or_chooses(recbench, tmp_path):
    file = tmp_path / "chooser.py"
    file.write_text(
        "from recbench import SamplerSpec, hookimpl\n@hookimpl\ndef recbench_samplers():\n"
        "    return [SamplerSpec(name='chooser', load='a:b', summary='Chooses.', form='select')]\n"
    )
    for name, form in (("chooser", "select"), ("svp-cf", "order")):
        assert json.loads(recbench("describe", "sampler", name, "--json", "--plugin", file).out)["form"] == form


def test_metrics_show_the_columns_they_make(recbench):
    by_name = {record["name"]: record for record in json.loads(recbench("list", "metrics", "--json").out)}
    assert by_name["hr"]["columns"] == ["hr@10", "hr@100"]
    assert by_name["rmse"]["higher_is_better"] is False


def test_plugins_shows_what_is_loaded(recbench):
    records = json.loads(recbench("plugins", "--json").out)
    (samplers,) = [record for record in records if record.get("kind") == "samplers"]
    assert samplers["status"] == "loaded"
    assert {"random", "svp-cf"} <= set(samplers["names"])


def test_markup_and_control_characters_of_plugins_stay_text(recbench, tmp_path):
    file = tmp_path / "rude.py"
    file.write_text(
        "from recbench import SamplerSpec, hookimpl\n@hookimpl\ndef recbench_samplers():\n"
        "    return [SamplerSpec(name='rude', load='a:b', summary='[bold]loud[/]', source='\\x1b[31mred')]\n"
    )
    assert "[bold]loud[/]" in recbench("list", "samplers", "--plugin", file).out
    assert "\x1b" not in recbench("describe", "sampler", "rude", "--plugin", file).out
