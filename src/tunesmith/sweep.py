"""A sweep from its check to its results: what hydra_plugins.tunesmith_sweeper runs."""

from __future__ import annotations

import copy
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf
from optuna import Study, Trial
from optuna.samplers import BaseSampler

from tunesmith import results
from tunesmith.checks import check_folder
from tunesmith.errors import UserError
from tunesmith.search.compose import Composer, hide_password
from tunesmith.search.console import command, rows, say, show_space
from tunesmith.search.sampler import make_pruner, make_sampler
from tunesmith.search.settings import Settings
from tunesmith.search.space import parse_space
from tunesmith.search.storage import check_url, open_storage
from tunesmith.search.study import DIRECTIONS, REASON, count, heal, is_idle, open_study
from tunesmith.search.worker import InProcess, work

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
NUM_SHOWN = 5
MAX_GROUP_COMBINATIONS = 64

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Sweep:
    """One call of a sweep's command on its study."""

    def __init__(
        self,
        settings: Settings,
        context: HydraContext,
        task: TaskFunction,
        config: DictConfig,
        typed: Sequence[str],
    ) -> None:
        """Raises UserError where the space cannot be parsed."""
        self.settings = settings
        self.config = config
        space = parse_space(settings.params, typed, context.config_loader)
        self.space = replace(space, is_open=settings.custom_search_space is not None)
        self.composer = Composer(context.config_loader, config, self.space)
        self.execute = InProcess(context, task)
        self.folder = Path(config.hydra.sweep.dir)
        self.sampler: BaseSampler | None = None

    def run(self) -> dict[str, Any] | None:
        """Check, run the trials, write the results; returns these, None after a dry run."""
        self._check()
        if self.settings.dry_run:
            show_space(self.space)
            self._show_examples()
            return None
        is_new = not self.folder.exists()
        study: Study | None = None
        try:
            study = self._open()
            say(f"study {self.settings.study_name}; resume it with: {command(self.settings.study_name)}")
            show_space(self.space)
            self._work(study)
        except UserError:
            if is_new and (study is None or is_idle(study)):
                self._discard(study)
            raise
        return self._finish(study)

    def _check(self) -> None:
        """Compose the config at the ends of every dimension; nothing is recorded before this has passed."""
        if OmegaConf.select(self.config, "hydra.launcher._target_") != BASIC_LAUNCHER:
            raise UserError("hydra/launcher must be basic: trials run in this process")
        check_url(self.settings.storage)
        make_pruner(self.settings.pruner)
        self._make_sampler(first_trial=0)
        for params in self._extremes():
            config = self.composer.compose(params, 0, "0")
            if self.settings.check is not None:
                self.settings.check(config)

    def _extremes(self) -> Iterator[Mapping[str, Any]]:
        """Yield every end of every dimension once, for each combination of group choices (the first 64)."""
        ends = {key: dimension.extremes() for key, dimension in self.space.dimensions.items()}
        groups = [key for key in ends if self.composer.is_group(key)]
        first = {key: values[0] for key, values in ends.items()}
        combinations = itertools.product(*(ends[key] for key in groups))
        for combination in itertools.islice(combinations, MAX_GROUP_COMBINATIONS):
            context = {**first, **dict(zip(groups, combination, strict=True))}
            yield context
            for key in ends.keys() - set(groups):
                yield from ({**context, key: value} for value in ends[key][1:])

    def _make_sampler(self, first_trial: int) -> BaseSampler:
        settings = self.settings
        return make_sampler(settings.sampler, self.space, settings.n_trials, settings.seed, first_trial)

    def _suggest(self, trial: Trial) -> Mapping[str, Any]:
        if self.sampler is None:
            self.sampler = trial.study.sampler = self._make_sampler(first_trial=trial.number)
        params = {key: dimension.suggest(trial) for key, dimension in self.space.dimensions.items()}
        if self.settings.custom_search_space is not None:
            self.settings.custom_search_space(self.config, trial)
            params |= {key: value for key, value in trial.params.items() if key not in params}
        return params

    def _open(self) -> Study:
        settings = self.settings
        if settings.storage is None:
            check_folder("hydra.sweep.dir", self.folder)
        storage = open_storage(settings.storage, self.folder)
        check_folder("hydra.sweep.dir", self.folder)
        study = open_study(storage, settings.study_name, settings.direction, make_pruner(settings.pruner), self.space)
        healed = heal(study)
        if healed:
            say(f"lost trials, resumed from their last checkpoint: {', '.join(map(str, healed))}")
        study.sampler = self._make_sampler(first_trial=0)  # of the right kind until the first trial has its number
        asked = copy.deepcopy(self.config)
        hide_password(asked)
        OmegaConf.save(asked, self.folder / results.ASKED_FILE)
        return study

    def _work(self, study: Study) -> None:
        points = self.space.num_points()
        n_trials = self.settings.n_trials if points is None else min(self.settings.n_trials, points)
        try:
            work(study, self._suggest, self.composer, self.execute, n_trials, self.settings.max_failure_rate)
        except (KeyboardInterrupt, SystemExit):
            self._write_results(study)
            say(f"interrupted; resume it with: {command(self.settings.study_name)}")
            raise
        except UserError:
            self._write_results(study)
            raise
        counts = count(study)
        if counts.counted and counts.failed == counts.counted:
            self._write_results(study)
            reasons = [
                trial.user_attrs[REASON] for trial in study.get_trials(deepcopy=False) if REASON in trial.user_attrs
            ]
            raise UserError(f"all {counts.failed} trials failed, the last one with: {reasons[-1]}")

    def _write_results(self, study: Study) -> dict[str, Any]:
        return results.write_results(study, self.folder, self.settings.max_epochs, self.settings.folds)

    def _finish(self, study: Study) -> dict[str, Any]:
        found = self._write_results(study)
        on_finish: Callable[..., Mapping[str, Any]] | None = self.settings.on_finish
        test = results.stored_test(self.folder, found)
        if test is None and on_finish is not None and found["best_dir"] is not None:
            test = dict(on_finish(self.folder / found["best_dir"]))
        if test is not None:
            found = results.write_test(self.folder, found, test)
        rows(self._outcome(found, results.ties(study)))
        return found

    def _outcome(self, found: Mapping[str, Any], ties: Sequence[int]) -> Iterator[tuple[str, str]]:
        """Yield what the end of a sweep shows."""
        if found["best_trial"] is None:
            yield "best", "none: no trial ran to its end"
        else:
            mode = DIRECTIONS[self.settings.direction]
            yield "best value", f"{found['best_value']:.6g} ({mode}d), trial {found['best_trial']}"
            if ties:
                yield "ties", _ties(ties)
            yield "parameters", "  ".join(self.space.overrides(found["best_params"]))
        yield "trials", "  ".join(f"{number} {state}" for state, number in found["trials"].items())
        epochs = found["epochs"]
        yield (
            "epochs",
            f"{epochs['run']} run" + (f", {epochs['saved']} saved by pruning" if epochs["saved"] else ""),
        )
        if found["test"]:
            yield "test", "  ".join(f"{name} {value:.4g}" for name, value in found["test"].items())
        yield "files", f"{self.folder}/  {results.RESULTS_FILE}, {results.BEST_FILE}, {results.TRIALS_FILE}"
        yield "curves", "tensorboard --logdir outputs"
        if found["best_trial"] is not None:
            yield "repeat best", results.best_command(self.folder)
        yield "resume", command(self.settings.study_name)

    def _show_examples(self) -> None:
        """Print the first configurations that the search would try; its study is forgotten."""
        study = optuna.create_study(direction=DIRECTIONS[self.settings.direction])
        points = self.space.num_points()
        say("dry run: every key exists and every end of the space composes; the first configurations")
        for _ in range(NUM_SHOWN if points is None else min(NUM_SHOWN, points)):
            say("  " + "  ".join(self.space.overrides(self._suggest(study.ask()))))

    def _discard(self, study: Study | None) -> None:
        """Leave nothing of a study that this call began and that met a user's mistake at once."""
        if study is not None and self.settings.storage is not None:
            optuna.delete_study(study_name=study.study_name, storage=open_storage(self.settings.storage, self.folder))
        shutil.rmtree(self.folder, ignore_errors=True)


def _ties(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:NUM_SHOWN])) + (" ..." if len(numbers) > NUM_SHOWN else "")
    return f"{len(numbers)} more {'trial has' if len(numbers) == 1 else 'trials have'} it too: {shown}"
