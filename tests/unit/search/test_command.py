"""Commands made from the one that was typed: the resume command, a worker's, a trial's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from tunesmith.search import command

FOLDER = Path("/tmp/a b/it's")
NAMES = ["digits", "a b", "it's", 'say "x"', "lr=0.1,0.2", "a\\b", "ünï", "7", "null", "{x: [1]}", "a'\\", "#1"]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make this process one that was started as: python <start> <arguments>."""

    def type_(start: list[str], *arguments: str) -> None:
        script = start[-1]
        monkeypatch.setattr("sys.orig_argv", ["python3", *start, *arguments])
        monkeypatch.setattr("sys.argv", [script, *arguments])

    return type_


def read(made: list[str], start: list[str]) -> tuple[Any, dict[str, Any]]:
    """Take a command as its process does: its flags, and its overrides as key -> value."""
    assert made[: 1 + len(start)] == [sys.executable, *start]
    flags = get_args_parser().parse_args(made[1 + len(start) :])
    parsed = OverridesParser.create().parse_overrides(flags.overrides)
    return flags, {override.key_or_group: override.value() for override in parsed}


starts = pytest.mark.parametrize(
    "start", [["script.py"], ["-u", "script.py"], ["-W", "ignore", "a b/script.py"], ["-m", "pkg.mod"]], ids=" ".join
)


# what the user is told


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        pytest.param(["train.py", "-m"], "python train.py -m study_name=digits", id="a name is added"),
        pytest.param(
            ["train.py", "-m", "study_name=digits"], "python train.py -m study_name=digits", id="a name was typed"
        ),
        pytest.param(
            ["train.py", "-m", "study_name=digits", "lr=interval(1,2)"],
            "python train.py -m study_name=digits 'lr=interval(1,2)'",
            id="what a shell would read is quoted",
        ),
        pytest.param(
            ["train.py", "lr=1,2", "-m"], "python train.py lr=1,2 study_name=digits -m", id="a flag at the end"
        ),
        pytest.param(
            ["train.py", "--config-name", "lr=1", "-m"],
            "python train.py --config-name lr=1 -m study_name=digits",
            id="a flag's value that looks like an override",
        ),
    ],
)
def test_the_command_that_goes_on(arguments: list[str], shown: str) -> None:
    assert command.resume_hint({"study_name": "digits"}, arguments) == shown


def test_the_command_is_what_was_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", "-m", "optimizer=sgd"])
    assert command.resume_hint({"study_name": "digits"}) == "python train.py -m optimizer=sgd study_name=digits"


# overrides


@pytest.mark.parametrize("name", NAMES)
def test_a_text_arrives_as_it_is(name: str) -> None:
    (parsed,) = OverridesParser.create().parse_overrides([command.override("study_name", name)])
    assert parsed.value() == name
    assert isinstance(parsed.value(), str)


# a worker's command


@starts
def test_a_worker_gets_the_same_command_on_this_study(typed: Any, start: list[str]) -> None:
    typed(start, "-m", "--config-dir", "my conf", "lr=1,2", "study_name=old")
    made = command.worker_argv(["hydra.sweeper.study_name", "study_name"], "a b", FOLDER)
    flags, overrides = read(made, start)
    assert (flags.multirun, flags.config_dir) == (True, "my conf")
    assert overrides.keys() == {"lr", "study_name", "hydra.sweeper.study_name", "hydra.sweep.dir"}
    assert overrides["study_name"] == overrides["hydra.sweeper.study_name"] == "a b"
    assert overrides["hydra.sweep.dir"] == str(FOLDER)


@pytest.mark.parametrize("arguments", [["lr=1,2", "-m"], ["-m", "lr=1,2", "--config-name", "b"], ["-m"]], ids=" ".join)
def test_a_workers_overrides_stand_where_hydra_finds_them(typed: Any, arguments: list[str]) -> None:
    typed(["script.py"], *arguments)
    made = command.worker_argv(["hydra.sweeper.study_name"], "s", FOLDER)
    flags, overrides = read(made, ["script.py"])
    assert flags.multirun
    assert overrides["hydra.sweeper.study_name"] == "s"
    assert ("lr" in overrides) == ("lr=1,2" in arguments)


# a trial's command


def config_of(hydra: tuple[str, ...] = (), task: tuple[str, ...] = ("lr=0.1",), **values: Any) -> DictConfig:
    node = {"overrides": {"hydra": list(hydra), "task": list(task)}, "job": {"num": 7, "id": "7"}}
    return OmegaConf.create({**values, "hydra": node})


@starts
def test_a_trial_is_a_plain_run_of_its_overrides_in_its_folder(typed: Any, start: list[str]) -> None:
    typed(start, "-m", "lr=0.1,0.2", "seed=3")
    made = command.trial_argv(config_of(task=("seed=3", "lr=0.1")), FOLDER)
    flags, overrides = read(made, start)
    assert not flags.multirun
    job = {"hydra.job.num": 7, "hydra.job.id": "7", "hydra.run.dir": str(FOLDER)}
    assert overrides == {"seed": 3, "lr": 0.1, "hydra.mode": "RUN", **job}


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        pytest.param(["-m", "--config-dir", "a b", "-cn", "c"], {"config_dir": "a b", "config_name": "c"}, id="apart"),
        pytest.param(
            ["--config-name=c", "--multirun", "-cp", "d"], {"config_name": "c", "config_path": "d"}, id="joined"
        ),
        pytest.param(["lr=1,2", "-m"], {}, id="none"),
    ],
)
def test_a_trial_finds_its_config_where_the_sweep_does(typed: Any, arguments: list[str], kept: dict[str, str]) -> None:
    typed(["script.py"], *arguments)
    flags, _ = read(command.trial_argv(config_of(), FOLDER), ["script.py"])
    names = ("config_path", "config_name", "config_dir")
    assert {name: getattr(flags, name) for name in names if getattr(flags, name)} == kept
    assert not flags.multirun


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("hydra.mode=MULTIRUN", False),
        ("hydra.sweeper.n_trials=3", False),
        ("++hydra.sweeper.sampler.seed=3", False),
        ("~hydra.sweeper.params.x", False),
        ("hydra/sweeper/pruner=none", False),
        ("hydra.sweep.dir=a", False),
        ("hydra/launcher=basic", False),
        ("hydra.run.dir=a", False),
        ("hydra.verbose=true", True),
        ("hydra/job_logging=none", True),
        ("+hydra.callbacks.mine={_target_:a.B}", True),
        ("hydra.job.chdir=true", True),
    ],
)
def test_what_concerns_the_sweep_alone_is_dropped(typed: Any, given: str, is_kept: bool) -> None:
    typed(["script.py"], "-m", given)
    assert (given in command.trial_argv(config_of((given,)), FOLDER)) == is_kept


@pytest.mark.parametrize("name", [*NAMES, 7, None], ids=repr)
def test_a_trial_keeps_a_studys_name_that_is_made_of_others(typed: Any, name: Any) -> None:
    typed(["script.py"], "-m")
    config = config_of(study_name="${made_of}", made_of=name)
    _, overrides = read(command.trial_argv(config, FOLDER, "+more=1"), ["script.py"])
    assert (overrides["study_name"], overrides["more"]) == (name, 1)


@pytest.mark.parametrize("name", ["digits", 7, "${hydra:job.num}"], ids=repr)
def test_a_trial_reads_any_other_name_in_its_config(typed: Any, name: Any) -> None:
    typed(["script.py"], "-m")
    _, overrides = read(command.trial_argv(config_of(study_name=name), FOLDER), ["script.py"])
    assert "study_name" not in overrides


@pytest.mark.parametrize(
    "text", ["name=${title}", "token=${oc.env:TOKEN}", r"note='\${title}'", "run=${hydra:job.num}"]
)
def test_a_trial_resolves_what_was_typed_itself(typed: Any, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    typed(["script.py"], "-m")
    made = command.trial_argv(config_of(("hydra.job.name=${title}",), (text,), title="a, b (x)"), FOLDER)
    assert {text, "hydra.job.name=${title}"} <= set(made)


@pytest.mark.parametrize("name", [*NAMES, "a=b,c", "two  spaces", "$HOME `x` ! *", "~", "-m"])
def test_a_command_that_is_printed_can_be_pasted(typed: Any, tmp_path: Path, name: str) -> None:
    """Through bash and through Hydra's parser."""
    study = {"study_name": name, "hydra.sweep.dir": f"out/{name}"}
    hint = command.resume_hint(study, [f"{tmp_path}/a b.py", "-m", "x=1,2", "note='it\\'s'"])
    shown = subprocess.run(
        ["bash", "-c", f"python() {{ printf '%s\\0' \"$@\"; }}; {hint}"], capture_output=True, check=True, text=True
    ).stdout
    script, *arguments = shown.split("\0")[:-1]
    parsed = OverridesParser.create().parse_overrides(get_args_parser().parse_args(arguments).overrides)
    values = {override.key_or_group: override.value() for override in parsed}
    assert (script, values["note"]) == (f"{tmp_path}/a b.py", "it's")
    assert {key: values[key] for key in study} == study


def test_a_sweep_that_python_began_is_no_commands(typed: Any) -> None:
    cfg = OmegaConf.create({"hydra": {"overrides": {"hydra": ["hydra.mode=MULTIRUN"], "task": ["x=1,2"]}}})
    typed(["app.py"], "-m", "x=1,2")
    assert command.is_of_command(cfg)
    typed(["-m", "pytest"], "-q", "-k", "[1]")
    assert not command.is_of_command(cfg)
    assert command.resume_hint({}).endswith("pytest -q -k '[1]'")
