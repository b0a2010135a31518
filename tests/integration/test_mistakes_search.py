"""Values of hydra.sweeper, of samplers and of pruners that no study can have."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from conftest import Shell
from mistakes import Mistake, check_that_it_is_refused, mistake

ROWS = [
    mistake("-m study_name=a,b", "study_name must be one name in a sweep, not a choice of several: give each a sweep"),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.n_startup_trials=-5",
        "hydra.sweeper.sampler.n_startup_trials must be an integer >= 0, or null; got -5",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.n_ei_candidates=0",
        "hydra.sweeper.sampler.n_ei_candidates must be an integer >= 1, or null; got 0",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.n_startup_trials=1.5",
        "hydra.sweeper.sampler.n_startup_trials must be an integer >= 0, or null; got 1.5",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.seed=abc",
        "hydra.sweeper.sampler.seed must be an integer in [0, 2**32), or null; got 'abc'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.seed=5000000000",
        "hydra.sweeper.seed must be an integer in [0, 2**32), or null; got 5000000000",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.multivariate=abc",
        "hydra.sweeper.sampler.multivariate must be true or false, or null; got 'abc'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.gamma=3",
        "hydra.sweeper.sampler.gamma must be a node with a _target_, or null; got 3",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler.n_startup=3",
        "hydra.sweeper.sampler.n_startup: there is no such key; did you mean n_",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler=tpe",
        "hydra.sweeper.sampler must be a node with a _target_; got tpe",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=tpee",
        "hydra/sweeper/sampler: there is no such choice; got 'tpee'",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=asha hydra.sweeper.pruner.reduction_factor=1",
        "hydra.sweeper.pruner.reduction_factor must be an integer >= 2, or null; got 1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=asha hydra.sweeper.pruner.min_resource=0",
        "hydra.sweeper.pruner.min_resource must be an integer >= 1, or auto, or null; got 0",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=hyperband hydra.sweeper.pruner.max_resource=0",
        "hydra.sweeper.pruner.max_resource must be an integer >= 1, or auto, or null; got 0",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.pruner.n_warmup_steps=-1",
        "hydra.sweeper.pruner.n_warmup_steps must be an integer >= 0, or null; got -1",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.pruner.interval_steps=0",
        "hydra.sweeper.pruner.interval_steps must be an integer >= 1, or null; got 0",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.pruner.n_min_trials=0",
        "hydra.sweeper.pruner.n_min_trials must be an integer >= 1, or null; got 0",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=percentile hydra.sweeper.pruner.percentile=150",
        "hydra.sweeper.pruner.percentile must be a number in [0, 100]; got 150",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.patience=-1",
        "hydra.sweeper.pruner.patience must be an integer >= 0; got -1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.min_delta=-1",
        "hydra.sweeper.pruner.min_delta must be a number >= 0, or null; got -1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.wrapped_pruner.n_warmup_steps=-1",
        "hydra.sweeper.pruner.wrapped_pruner.n_warmup_steps must be an integer >= 0, or null; got -1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.wrapped_pruner.foo=1",
        "hydra.sweeper.pruner.wrapped_pruner.foo: there is no such key; options",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.wrapped_pruner=3",
        "hydra.sweeper.pruner.wrapped_pruner must be a node with a _target_, or null; got 3",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=patient hydra.sweeper.pruner.wrapped_pruner._target_=optuna.pruners.Foo",
        "hydra.sweeper.pruner.wrapped_pruner._target_ must be the path of a class; got 'optuna.pruners.Foo'",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=threshold hydra.sweeper.pruner.lower=3 hydra.sweeper.pruner.upper=1",
        "hydra.sweeper.pruner.lower must be less than upper=1; got 3",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/pruner=wilcoxon hydra.sweeper.pruner.p_threshold=5",
        "hydra.sweeper.pruner.p_threshold must be a number in [0, 1], or null; got 5",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=cmaes hydra.sweeper.sampler.popsize=-2",
        "hydra.sweeper.sampler.popsize must be an integer >= 2, or null; got -2",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=cmaes hydra.sweeper.sampler.sigma0=-1",
        "hydra.sweeper.sampler.sigma0 must be a number > 0, or null; got -1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=nsgaii hydra.sweeper.sampler.population_size=1",
        "hydra.sweeper.sampler.population_size must be an integer >= 2, or null; got 1",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=nsgaii hydra.sweeper.sampler.mutation_prob=5",
        "hydra.sweeper.sampler.mutation_prob must be a number in [0, 1], or null; got 5",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=gp hydra.sweeper.sampler.deterministic_objective=abc",
        "hydra.sweeper.sampler.deterministic_objective must be true or false, or null; got 'abc'",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=qmc hydra.sweeper.sampler.qmc_type=sobl",
        "hydra.sweeper.sampler.qmc_type must be one of sobol, halton, or null; got 'sobl'",
    ),
    mistake(
        "-m study_name=s hydra/sweeper/sampler=random hydra.sweeper.sampler.n_startup_trials=2",
        "hydra.sweeper.sampler.n_startup_trials: there is no such key; options:",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler._target_=optuna.samplers.TPE",
        "hydra.sweeper.sampler._target_ must be the path of a class; got 'optuna.samplers.TPE'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler._target_=optuna.pruners.NopPruner",
        "hydra.sweeper.sampler._target_ must be one of Optuna's samplers; got 'optuna.pruners.NopPruner'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.sampler._target_=null",
        "hydra.sweeper.sampler must be a node with a _target_; got {'_target_'",
    ),
    mistake(
        "-m study_name=s '~hydra.sweeper.sampler._target_'",
        "hydra.sweeper.sampler must be a node with a _target_; got {'seed'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.pruner=null",
        "hydra.sweeper.pruner must be a node with a _target_; got null",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.n_trials=abc",
        "hydra.sweeper.n_trials must be an integer >= 1; got 'abc'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.n_trials=true",
        "hydra.sweeper.n_trials must be an integer >= 1; got true",
    ),
    mistake("-m study_name=s hydra.sweeper.n_workers=0", "hydra.sweeper.n_workers must be an integer >= 1; got 0"),
    mistake(
        "-m study_name=s hydra.sweeper.timeout=1h",
        "hydra.sweeper.timeout must be a number > 0, or null; got '1h'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.max_failure_rate=50%",
        "hydra.sweeper.max_failure_rate must be a number in [0, 1]; got '50%'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.max_retries=-1",
        "hydra.sweeper.max_retries must be an integer >= 0; got -1",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.storage=nonsense",
        "hydra.sweeper.storage must be null or a database's URL; got 'nonsense'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.storage=sqlite:///",
        "hydra.sweeper.storage must be kept in a file; got 'sqlite:///'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.storage=5",
        "hydra.sweeper.storage must be null or a database's URL; got 5",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.storage=sqlite:///:memory:",
        "hydra.sweeper.storage must be kept in a file; got 'sqlite:///:memory:'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.direction=maximize",
        "hydra.sweeper.direction must be that of objective.mode=min; got maximize",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.direction=[minimize,maximize]",
        "hydra.sweeper.direction must be that of objective.mode=min; got ['minimize', 'maximize']: leave it out, or ",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.isolate=maybe",
        "hydra.sweeper.isolate must be true or false; got 'maybe'",
    ),
    mistake("-m study_name=s hydra.sweeper.devices=0", "hydra.sweeper.devices must be an integer >= 1; got 0"),
    mistake(
        "-m study_name=s hydra.sweeper.custom_search_space=foo",
        "hydra.sweeper.custom_search_space must be the path of a function; got 'foo'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.on_finish=foo.bar",
        "hydra.sweeper.on_finish must be the path of a function; got 'foo.bar'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.check=null trainer.devices=0",
        "hydra.sweeper.devices must be an integer >= 1; got 0",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.params=5",
        "hydra.sweeper.params must be a dict of keys and their sweeps; got 5",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.params=null hydra.sweeper.n_trials=abc",
        "hydra.sweeper.n_trials must be an integer >= 1; got 'abc'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.search_space={a:{type:float}}",
        "hydra.sweeper.search_space: there is no such key; got 'hydra.sweeper.search_space={a:{type:float}}'",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.n_trials=1,2",
        "error: hydra.sweeper.n_trials must be one value; got 'hydra.sweeper.n_trials=1,2': a sweep varies",
    ),
    mistake("-m study_name=s hydra/sweeper=basik", "hydra/sweeper: there is no such choice; got 'basik'"),
    mistake("-m study_name=s hydra/launcher=joblb", "hydra/launcher: there is no such choice; got 'joblb'"),
    mistake(
        "-m study_name=s hydra.sweep.dir=null",
        "Error merging override hydra.sweep.dir=null: field 'hydra.sweep.dir' i",
    ),
    mistake(
        "-m study_name=s hydra.sweep.dir=/proc/x",
        "hydra.sweep.dir must be a folder that can be written to; got /proc/x",
    ),
    mistake(
        "-m study_name=s hydra.sweep.subdir=null",
        "Error merging override hydra.sweep.subdir=null: field 'hydra.sweep.sub",
    ),
    mistake(
        "-m study_name=s hydra.sweeper.n_jobs=3 hydra.sweeper.n_workers=2",
        "hydra.sweeper.n_jobs is the old name of n_workers: give one of them; got 3",
    ),
    mistake("-m study_name=s hydra.sweeper.folds=1", "hydra.sweeper.folds must be an integer >= 2, or null; got 1"),
    mistake(
        "-m study_name=s hydra.sweeper.max_epochs=0",
        "hydra.sweeper.max_epochs must be an integer >= 1, or null; got 0",
    ),
    mistake("-m study_name=s hydra.sweeper.dry_run=yes", "hydra.sweeper.dry_run must be true or false; got 'yes'"),
]


@pytest.mark.parametrize("mistake", ROWS)
def test_what_no_search_can_have(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


LONG = "a" * 300
LEFT_OVER = [
    mistake("-m study_name=s", "TUNESMITH_WORKER must not be set: ", "got '0'", "unset", env={"TUNESMITH_WORKER": "0"}),
    mistake("-m study_name=t", "TUNESMITH_WORKER must not be set: ", "got 'abc'", env={"TUNESMITH_WORKER": "abc"}),
    mistake("-m study_name=u", "TUNESMITH_JOB must not be set: ", "got '5'", env={"TUNESMITH_JOB": "5"}),
    mistake("-m study_name=v", "TUNESMITH_STARTED must not be set: ", "unset", env={"TUNESMITH_STARTED": "5"}),
    mistake(f"-m study_name={LONG}", "hydra.sweeper.study_name must be a name", "of at most 200 bytes", "got 'aaaa"),
    mistake(f"study_name={LONG}", "study_name must be a name of 1 to 200 bytes; got 'aaaa"),
    mistake("study_name=null", "study_name must be a name of 1 to 200 bytes; got "),
    mistake("+trainer.num_nodes=2", "trainer.num_nodes must be 1 outside of a job", "got 2", "srun"),
    mistake("+trainer.min_epochs=500", "trainer.min_epochs must be at most trainer.max_epochs=100; got 500"),
    mistake(
        "-m hydra.sweeper.custom_search_space=5", "hydra.sweeper.custom_search_space must be the path of a function"
    ),
]


@pytest.mark.parametrize("mistake", LEFT_OVER)
def test_what_a_shell_or_a_name_cannot_have(mistake: Mistake, tmp_path: Path) -> None:
    check_that_it_is_refused(mistake, tmp_path)


@pytest.mark.parametrize(
    "typed",
    ["trainer=gpu", "-m hydra.sweeper.storage=postgresql+psycopg://u@127.0.0.1:1/x", "-m optimizer.lr=interval(-1,1)"],
)
def test_an_early_answer_takes_little_time(tmp_path: Path, typed: str) -> None:
    """1.5 s of CPU: a process of its own, measured by its parent; a GPU's driver is looked for before torch is."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = Shell(tmp_path).train(*typed.split(" "), CUDA_VISIBLE_DEVICES="")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.code == 1
    assert ended.err.startswith("error: ")
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * 1.5  # others may slow the machine
