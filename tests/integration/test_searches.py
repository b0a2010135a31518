"""Every search= and every pruner runs a study of digits from the command line."""

from __future__ import annotations

import pytest
from conftest import ROOT, Shell
from omegaconf import OmegaConf

PLUGIN = ROOT / "src" / "hydra_plugins" / "tunesmith_sweeper" / "conf"
QUICK = (
    *("trainer.max_epochs=3", "data.fraction=0.2", "callbacks=none", "logger=none", "trainer.accelerator=cpu"),
    *("space=none", "model.hidden_units=16", "model.num_layers=1", "hydra.sweeper.n_trials=15", "study_name=s"),
)
INFINITE = (
    "optimizer.lr=tag(log,interval(1e-4,1e-1))",
    "data.batch_size=choice(128,256)",
    "model.dropout=interval(0,0.6)",
)
FINITE = ("optimizer.lr=1e-3,1e-2,3e-2,1e-1", "data.batch_size=choice(64,128,256,512)")
NEEDS = {"threshold": ("hydra.sweeper.pruner.upper=2.2",)}


def names(*folders: str) -> list[str]:
    return sorted({path.stem for folder in folders for path in (ROOT / folder).glob("*.yaml")})


SEARCHES = [name for name in names("conf/search") if "stages" not in (ROOT / f"conf/search/{name}.yaml").read_text()]
PRUNERS = names("conf/hydra/sweeper/pruner", str(PLUGIN / "hydra/sweeper/pruner"))


def in_every_run(names: list[str], *few: str) -> list[object]:
    """The parameters of a test, all but a few marked as slow."""
    return [pytest.param(name, marks=() if name in few else pytest.mark.slow) for name in names]


def trials_of(shell: Shell, *arguments: str) -> dict[str, int]:
    ended = shell.train("-m", *QUICK, *arguments)
    assert ended.code == 0, ended.text
    warned = [line for line in ended.text.splitlines() if "Warning" in line or "[W " in line]
    assert [line for line in warned if "greenlet" not in line] == []  # a package that makes Optuna's GP faster
    return dict(OmegaConf.load(shell.study("s") / "optimization_results.yaml").trials)


@pytest.mark.parametrize("name", in_every_run(SEARCHES, "bohb", "cmaes"))
def test_a_search_runs_as_many_trials_as_it_is_told(name: str, shell: Shell) -> None:
    space = FINITE if name in ("grid", "bruteforce") else INFINITE
    trials = trials_of(shell, f"search={name}", *space)
    assert trials["complete"] + trials["pruned"] == 15
    assert trials["failed"] == trials["lost"] == 0
    if name in ("asha", "bohb", "hyperband"):
        assert trials["pruned"] > 0


@pytest.mark.parametrize("name", in_every_run(PRUNERS, "wilcoxon"))
def test_a_pruner_runs_as_many_trials_as_it_is_told(name: str, shell: Shell) -> None:
    trials = trials_of(shell, f"hydra/sweeper/pruner={name}", *NEEDS.get(name, ()), *INFINITE)
    assert trials["complete"] + trials["pruned"] == 15
    assert trials["failed"] == trials["lost"] == 0


@pytest.mark.parametrize("name", ["grid", "bruteforce"])
def test_a_search_of_every_point_refuses_an_interval(name: str, light_shell: Shell) -> None:
    ended = light_shell.train("-m", f"search={name}", *QUICK, *INFINITE)
    assert f"hydra/sweeper/sampler={name} needs choices or ranges; got an interval for optimizer.lr" in ended.text


def test_cmaes_says_which_keys_it_draws_at_random(light_shell: Shell) -> None:
    ended = light_shell.train("-m", "search=cmaes", *QUICK, *INFINITE, "hydra.sweeper.dry_run=true")
    assert "cmaes draws data.batch_size at random, as CMA-ES takes numbers and no choices" in ended.text


def test_cmaes_refuses_a_space_without_a_number(light_shell: Shell) -> None:
    ended = light_shell.train("-m", "search=cmaes", *QUICK, *FINITE)
    assert "hydra/sweeper/sampler=cmaes needs numbers; got choices for optimizer.lr, data.batch_size" in ended.text
