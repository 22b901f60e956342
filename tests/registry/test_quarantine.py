"""Each broken plugin yields the message that is promised, and everything else goes on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recbench.contracts.errors import UnknownNameError
from recbench.registry import Registry

BAD = Path(__file__).parents[1] / "bad_plugins"

PROMISED = {
    "import_error.py": {("import", "ModuleNotFoundError: No module named 'a_library_that_nobody_has'"
                         " (import_error.py, line 3)")},
    "misspelt_hook.py": {("hooks", "recbench has no hook 'recbench_sampler': did you mean 'recbench_samplers'?")},
    "wrong_argument.py": {("hooks", "recbench_samplers: Argument(s) {'train'} are declared in the hookimpl but can not"
                           " be found in the hookspec")},
    "duplicate_name.py": {("name", "the sampler name 'random' is registered by recbench 0.1.0 and duplicate_name.py -:"
                           " ask for 'duplicate_name.py:random' to get this one")},
    "wrong_return.py": {
        ("return", "recbench_metrics returned a MetricSpec, where an iterable of MetricSpec is expected"),
        ("return", "recbench_samplers returned a str in its list, where a SamplerSpec is expected"),
    },
    "raising.py": {("call", "recbench_samplers raised RuntimeError: the table of samplers is not here"
                    " (raising.py, line 8)")},
}  # fmt: skip


def test_every_bad_plugin_is_promised_a_message():
    assert {file.name for file in BAD.glob("*.py")} == set(PROMISED)


@pytest.mark.parametrize("file", PROMISED)
def test_a_broken_plugin_is_told_what_is_wrong_and_the_others_go_on(file):
    registry = Registry(plugin_files=[BAD / file])
    found = {(q.stage, q.reason) for q in registry.quarantined if q.distribution == file}
    assert found == PROMISED[file]
    assert all(q.version == "-" for q in registry.quarantined if q.distribution == file)
    assert {"random", "svp-cf"} <= set(registry.all("samplers"))
    assert "auc" in registry.all("metrics")


def test_the_sound_half_of_a_broken_plugin_stays():
    registry = Registry(entry_points=False, plugin_files=BAD.glob("*.py"))
    assert set(registry.all("metrics")) == {"calm"}
    assert set(registry.all("samplers")) == {"spelt-right", "random"}  # no built-in is there to keep "random"


def test_the_command_line_goes_on_with_all_six_and_shows_them():
    files = [word for file in sorted(BAD.glob("*.py")) for word in ("--plugin", str(file))]
    command = [sys.executable, "-m", "recbench", *files]
    listed = subprocess.run([*command, "list", "samplers", "--json"], capture_output=True, text=True, check=False)
    assert listed.returncode == 0
    assert {"random", "duplicate_name.py:random", "spelt-right"} <= {
        record["name"] for record in json.loads(listed.stdout)
    }
    assert "Traceback" not in listed.stderr

    shown = subprocess.run([*command, "plugins", "--json"], capture_output=True, text=True, check=False)
    aside = [record for record in json.loads(shown.stdout) if record["status"] == "quarantined"]
    aside = [record for record in aside if record["distribution"] in PROMISED]
    assert {(r["distribution"], r["stage"], r["reason"]) for r in aside} == {
        (file, stage, reason) for file, messages in PROMISED.items() for stage, reason in messages
    }


def plugin(folder: Path, body: str, name: str = "mine.py") -> Path:
    file = folder / name
    file.write_text(f"from recbench import MetricSpec, SamplerSpec, hookimpl\n{body}")
    return file


def spec(**fields: object) -> str:
    said = {"name": "mine", "load": "nowhere:order", "summary": "Mine."} | fields
    return f"@hookimpl\ndef recbench_samplers():\n    return [SamplerSpec(**{said!r})]\n"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name": "My Sampler"}, "the name 'My Sampler' is not made of lower-case letters"),
        ({"name": "x" * 65}, "is not made of lower-case letters"),
        ({"load": "no path"}, "load of 'mine' is 'no path', where a callable or 'package.module:name' is expected"),
        ({"summary": ""}, "the summary of 'mine' is not one line of text"),
        ({"summary": "two\nlines"}, "the summary of 'mine' is not one line of text"),
        (
            {"interface": 2},
            "'mine' was written for version 2 of the plugin interface, and this recbench offers version 1",
        ),
        ({"units": ()}, "units of 'mine' is ()"),
        ({"feedback": ("thumbs",)}, "feedback of 'mine' is ('thumbs',), where a tuple of explicit"),
        ({"form": "magic"}, "form of 'mine' is 'magic', where one of order, select, synthesise is expected"),
        ({"parameters": ("p",)}, "the parameters of 'mine' are not a tuple of Parameter"),
        ({"units": None}, "units of 'mine' is None"),
        ({"name": 3}, "the name 3 is not made of"),
    ],
)
def test_an_invalid_spec_is_refused_with_its_rule(tmp_path, fields, reason):
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, spec(**fields))])
    (problem,) = registry.quarantined
    assert problem.stage == "spec"
    assert reason in problem.reason
    assert registry.all("samplers") == {}


@pytest.mark.parametrize(
    ("parameter", "reason"),
    [
        ("'p', 5, 'doc', (1, 2)", "the default of mine[p], 5, is not what it takes: one of: 1, 2"),
        ("'p', 0, 'doc', minimum=1", "the default of mine[p], 0, is not what it takes: 1 or more"),
        ("'p', 1.5, 'doc', minimum=0, maximum=1", "the default of mine[p], 1.5, is not what it takes: 0 to 1"),
        ("'p', float('nan'), 'doc'", "the default of mine[p], nan, is not what it takes: a finite number"),
        ("'p', 'word', 'doc', minimum=0", "mine[p] has the bounds (0, None), where numbers are expected, or None"),
        ("'p', True, 'doc', maximum=1", "mine[p] has the bounds (None, 1), where numbers are expected, or None"),
        ("'p', 5, 'doc', minimum='1'", "mine[p] has the bounds ('1', None), where numbers are expected, or None"),
        ("'p', None, 'doc'", "the default of mine[p] is not a truth value, a number or a word"),
    ],
)
def test_an_invalid_parameter_is_refused_with_its_rule(tmp_path, parameter, reason):
    body = "from recbench import Parameter\n@hookimpl\ndef recbench_samplers():\n"
    body += f"    return [SamplerSpec('mine', 'a:b', 'Mine.', parameters=(Parameter({parameter}),))]\n"
    (problem,) = Registry(entry_points=False, plugin_files=[plugin(tmp_path, body)]).quarantined
    assert (problem.stage, reason in problem.reason) == ("spec", True), problem


@pytest.mark.parametrize("form", ["order", "select", "synthesise"])
def test_every_form_of_a_sampler_is_let_in(tmp_path, form):
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, spec(form=form))])
    assert registry.quarantined == []
    assert registry.get("samplers", "mine").spec.form == form


@pytest.mark.parametrize(
    ("body", "stage", "reason"),
    [
        ("raise SystemExit(3)", "import", "SystemExit: 3"),
        ("def broken(:", "import", "SyntaxError"),
        ("x = 1", "hooks", "it implements no hook of recbench"),
        ("@hookimpl\ndef recbench_samplers():\n    yield 1 / 0", "call", "recbench_samplers raised ZeroDivisionError"),
        ("@hookimpl\ndef recbench_samplers():\n    return 'svp-cf'", "return", "returned a str"),
        (
            "@hookimpl\ndef recbench_samplers():\n    return [MetricSpec('a', 'b:c', 'd')]",
            "return",
            "returned a MetricSpec",
        ),
    ],
)
def test_other_faults(tmp_path, body, stage, reason):
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, body)])
    (problem,) = registry.quarantined
    assert (problem.stage, reason in problem.reason) == (stage, True), problem
    assert "\n" not in problem.reason


def test_a_hook_that_returns_nothing_registers_nothing(tmp_path):
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, "@hookimpl\ndef recbench_samplers(): ...")])
    assert registry.all("samplers") == {}
    assert registry.quarantined == []


def test_what_a_plugin_prints_stays_out_of_the_data(tmp_path, capsys):
    body = "print('hello')\n@hookimpl\ndef recbench_samplers():\n    print('again')\n    return []"
    Registry(entry_points=False, plugin_files=[plugin(tmp_path, body)]).all("samplers")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "hello\nagain\n"


def test_asking_for_a_quarantined_name_says_why(tmp_path):
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, spec(units=()))])
    with pytest.raises(UnknownNameError, match=r"the sampler 'mine' is in quarantine \(mine\.py -: units of 'mine'"):
        registry.get("samplers", "mine")


def test_of_two_strangers_neither_gets_the_name_and_both_stay_reachable(tmp_path):
    files = [plugin(tmp_path, spec(summary=f"{name}."), name) for name in ("one.py", "two.py")]
    registry = Registry(entry_points=False, plugin_files=files)
    assert list(registry.all("samplers")) == ["one.py:mine", "two.py:mine"]
    assert registry.get("samplers", "two.py:mine").spec.summary == "two.py."
    assert registry.get("samplers", "two.py:mine").name == "two.py:mine"
    with pytest.raises(UnknownNameError) as raised:
        registry.get("samplers", "mine")
    assert "in quarantine" in str(raised.value)
    assert "registered by one.py - and two.py -: ask for 'one.py:mine'" in str(raised.value)


def test_a_name_registered_twice_by_one_plugin_is_refused(tmp_path):
    twice = "S = SamplerSpec('mine', 'nowhere:order', 'Mine.')\n@hookimpl\ndef recbench_samplers():\n    return [S, S]"
    registry = Registry(entry_points=False, plugin_files=[plugin(tmp_path, twice)])
    assert registry.all("samplers") == {}
    assert {q.stage for q in registry.quarantined} == {"name"}
    assert "by mine.py more than once" in registry.quarantined[0].reason


def test_only_what_the_environment_names_is_loaded(monkeypatch):
    monkeypatch.setenv("RECBENCH_PLUGINS", "")
    assert Registry().all("samplers") == {}
    assert Registry().quarantined == []
    monkeypatch.setenv("RECBENCH_PLUGINS", "recbench_samplers, no-such-plugin")
    registry = Registry()
    assert "random" in registry.all("samplers")
    assert registry.all("metrics") == {}
    (problem,) = registry.quarantined
    assert (problem.distribution, problem.stage) == ("no-such-plugin", "environment")


def test_tracing_goes_to_standard_error():
    environment = os.environ | {"RECBENCH_TRACE": "1"}
    command = [sys.executable, "-m", "recbench", "list", "samplers"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert "recbench_samplers" in done.stderr
    assert "recbench_samplers" not in done.stdout
