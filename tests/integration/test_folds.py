"""data.folds by the real command line: in a plain run, in a sweep, killed and resumed."""

from __future__ import annotations

from statistics import fmean, stdev

import optuna
import pytest
import yaml
from conftest import QUICK, ROOT, Ended, Shell

from tunesmith.run_folder import read_yaml
from tunesmith.search.storage.storage import open_journal

FOLDS = (*QUICK, "data.folds=3", "trainer.max_epochs=2")


@pytest.fixture(scope="module")
def whole(module_shell: Shell) -> Ended:
    ended = module_shell.train(*FOLDS, "hydra.run.dir=whole")
    assert (ended.code, ended.err) == (0, "")
    return ended


def test_a_plain_run_has_mean_and_spread_and_is_evaluated_as_one(module_shell: Shell, whole: Ended) -> None:
    folder = module_shell.folder / "whole"
    result = read_yaml(folder / "result.yaml")
    values = [read_yaml(folder / f"fold_{fold}" / "result.yaml")["value"] for fold in range(3)]
    assert result["folds"] == values
    assert (result["value"], result["spread"]) == pytest.approx((fmean(values), stdev(values)))
    assert f"{result['value']:.4g} +- " in whole.out
    evaluated = module_shell.python(str(ROOT / "scripts" / "evaluate.py"), "whole")
    assert (evaluated.code, evaluated.err) == (0, "")
    assert read_yaml(folder / "test.yaml")["samples"] == 360


@pytest.mark.usefixtures("whole")
def test_a_killed_run_goes_on_in_its_fold(module_shell: Shell) -> None:
    stop = "+callbacks.stop={_target_:faults.SignalAt,epoch:2,name:SIGKILL,marker:sent}"
    assert module_shell.train(*FOLDS, stop, "hydra.run.dir=r").code != 0
    resumed = module_shell.train(*FOLDS, "ckpt_path=r/fold_0/checkpoints/last.ckpt")
    assert (resumed.code, resumed.err) == (0, "")
    whole, result = (read_yaml(module_shell.folder / name / "result.yaml") for name in ("whole", "r"))
    assert result["folds"] == whole["folds"]


def test_a_sweep_tells_the_pruner_once_per_fold_and_prunes(shell: Shell) -> None:
    """It begins with the configuration as it stands, which is outside of the space and so not shown to the pruner."""
    prune = ("hydra.sweeper.pruner._target_=faults.PruneAll", "~hydra.sweeper.pruner.n_warmup_steps")
    ended = shell.train("-m", *FOLDS, "study_name=s", "hydra.sweeper.n_trials=5", *prune)
    assert (ended.code, ended.err) == (0, "")
    trials = optuna.load_study(study_name="s", storage=open_journal(shell.study("s") / "study.journal")).trials
    assert [list(trial.intermediate_values) for trial in trials] == [[1, 2, 3]] * 4 + [[1, 2]]
    folds = read_yaml(shell.study("s") / "0" / "result.yaml")["folds"]
    assert trials[0].intermediate_values[2] == pytest.approx(fmean(folds[:2]))
    results = yaml.safe_load((shell.study("s") / "optimization_results.yaml").read_text())
    assert results["epochs"] == {"run": 4 * 6 + 4, "saved": 2}
    assert "test/acc" in results["test"]
