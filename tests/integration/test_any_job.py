"""The plugin with an app of its own: no Lightning, no conf/ of ours."""

from __future__ import annotations

import csv
from textwrap import dedent

import optuna
import pytest
import yaml
from conftest import ROOT, Ended, Shell

from tunesmith.search.storage.storage import open_journal

JOB = str(ROOT / "scripts" / "any_job" / "job.py")


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    return module_shell.python(JOB, "-m")


def test_report_prunes_a_job_without_lightning(module_shell: Shell, ended: Ended) -> None:
    assert (ended.code, ended.err) == (0, "")
    storage = open_journal(module_shell.study("descent") / "study.journal")
    trials = optuna.load_study(study_name="descent", storage=storage).trials
    pruned = [trial for trial in trials if trial.state.name == "PRUNED"]
    assert len(trials) == 20
    assert pruned
    assert all(len(trial.intermediate_values) < 30 for trial in pruned)
    assert all(len(trial.intermediate_values) == 30 for trial in trials if trial.state.name == "COMPLETE")


def test_a_plain_run_reports_to_nobody(shell: Shell) -> None:
    ended = shell.python(JOB, "lr=0.9")
    assert (ended.code, ended.text) == (0, "")


def test_best_yaml_repeats_the_best_job(module_shell: Shell, ended: Ended) -> None:
    best = yaml.safe_load((module_shell.study("descent") / "best.yaml").read_text())
    results = yaml.safe_load((module_shell.study("descent") / "optimization_results.yaml").read_text())
    assert best["lr"] == results["best_params"]["lr"]
    again = module_shell.python(JOB, "--config-dir", "outputs/sweeps/descent", "--config-name", "best")
    assert again.code == 0, again.text


def app(shell: Shell, body: str, config: str) -> None:
    (shell.folder / "app.py").write_text(
        "import hydra\n\n"
        '@hydra.main(version_base="1.3", config_path=".", config_name="app")\n'
        f"def main(cfg):\n    {body}\n\n"
        "def extend(config, trial):\n    trial.suggest_float('y', 2, 3)\n\n"
        'if __name__ == "__main__":\n    main()\n'
    )
    (shell.folder / "app.yaml").write_text(dedent(config))


CONFIG = """
    defaults:
      - _self_
      - override hydra/sweeper: optuna
    x: 1
    y: 0
    name: a
    hydra:
      sweep:
        dir: outputs/sweeps/s
      sweeper:
        study_name: s
        n_trials: 6
        sampler:
          seed: 123
        params:
          x: interval(-5, 5)
"""


def trials(shell: Shell) -> list[dict[str, str]]:
    return list(csv.DictReader((shell.study("s") / "trials.csv").read_text().splitlines()))


def test_a_config_of_the_official_plugin_runs(shell: Shell) -> None:
    app(shell, "return cfg.x ** 2 + cfg.y", CONFIG)
    ended = shell.python("app.py", "-m", "y=choice(0,1)", "hydra.sweeper.direction=maximize")
    assert (ended.code, ended.err) == (0, "")
    values = [float(row["value"]) for row in trials(shell)]
    assert len(values) == 6
    assert yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())["best_value"] == max(values)


def test_a_custom_search_space_adds_parameters(shell: Shell) -> None:
    app(shell, "return cfg.x ** 2 + cfg.y", CONFIG)
    ended = shell.python("app.py", "-m", "hydra.sweeper.custom_search_space=app.extend", PYTHONPATH=str(shell.folder))
    assert ended.code == 0, ended.text
    assert all(2 <= float(row["y"]) <= 3 for row in trials(shell))
    assert float(trials(shell)[0]["value"]) == float(trials(shell)[0]["x"]) ** 2 + float(trials(shell)[0]["y"])


def test_a_custom_search_space_is_searched_where_nothing_else_varies(shell: Shell) -> None:
    app(shell, "print('got', repr(cfg.name)); return cfg.y", CONFIG.replace("x: interval(-5, 5)", "{}"))
    extend = """
        def extend(config, trial):
            trial.suggest_float("y", 2, 3)
            trial.suggest_categorical("name", ["a,b"])
    """
    (shell.folder / "more.py").write_text(dedent(extend))
    ended = shell.python("app.py", "-m", "hydra.sweeper.custom_search_space=more.extend", PYTHONPATH=str(shell.folder))
    assert ended.code == 0, ended.text
    assert len({row["y"] for row in trials(shell)}) == 6
    assert ended.out.count("got 'a,b'") == 6


@pytest.mark.parametrize("choices", ["'a b','x,y',c", "[1,2],[3]", "null,d", "3,2.5,true,z"])
def test_choices_arrive_as_they_were_typed(shell: Shell, choices: str) -> None:
    app(shell, "print('got', repr(cfg.name)); return 1.0", CONFIG)
    swept = shell.python("app.py", "-m", "~hydra.sweeper.params.x", f"name={choices}")
    assert swept.code == 0, swept.text
    single = []
    for choice in {"'a b','x,y',c": ["'a b'", "'x,y'", "c"], "[1,2],[3]": ["[1,2]", "[3]"]}.get(
        choices, choices.split(",")
    ):
        single.append(shell.python("app.py", f"name={choice}").out)
    assert [line for line in swept.out.splitlines(keepends=True) if line.startswith("got")] == single


@pytest.mark.parametrize("is_typed", [False, True], ids=["in the config", "typed"])
def test_a_group_that_only_the_searchpath_has_is_swept(shell: Shell, is_typed: bool) -> None:
    """Hydra's own sweeper takes it, too."""
    (shell.folder / "extra" / "net").mkdir(parents=True)
    for name, units in (("small", 8), ("large", 64)):
        (shell.folder / "extra" / "net" / f"{name}.yaml").write_text(f"units: {units}\n")
    searchpath = f"searchpath: [file://{shell.folder}/extra]"
    config = CONFIG.replace("- _self_", "- _self_\n      - net: null").replace("x: interval(-5, 5)", "{}")
    if not is_typed:
        config = config.replace("hydra:", f"hydra:\n      {searchpath}")
    app(shell, "return cfg.net.units", config)
    typed = [f"hydra.{searchpath.replace(': ', '=')}"] if is_typed else []
    ended = shell.python("app.py", "-m", "net=small,large", *typed)
    assert (ended.code, ended.err) == (0, "")
    assert [(row["net"], float(row["value"])) for row in trials(shell)] == [("small", 8), ("large", 64)]


def test_what_returns_no_number_fails(shell: Shell) -> None:
    app(shell, "return [None, float('nan'), float('inf'), 1.0][cfg.x]", CONFIG)
    ended = shell.python("app.py", "-m", "x=0,1,2,3", "hydra.sweeper.max_failure_rate=1")
    assert ended.code == 0, ended.text
    assert [row["reason"] for row in trials(shell)] == [
        "the job must return a number; it returned None",
        "the job must return a finite number; it returned nan",
        "the job must return a finite number; it returned inf",
        "",
    ]


def test_a_mistake_is_one_line_of_hydra(shell: Shell) -> None:
    app(shell, "return 1.0", CONFIG)
    ended = shell.python("app.py", "-m", "hydra.sweeper.n_trials=0")
    assert ended.code == 1
    assert ended.err.splitlines()[0] == "hydra.sweeper.n_trials must be an integer >= 1; got 0"
    assert "Traceback" not in ended.err
