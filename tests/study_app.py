"""An app with config groups whose studies are swept in this process, one command after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from hydra.types import HydraContext, RunMode
from hydra_app import app_context, root_logger_kept
from omegaconf import DictConfig, OmegaConf
from optuna import Study
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from studies import asked, opened

from tunesmith.search.settings import read_settings
from tunesmith.search.space.compose import Composer
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.space import parse_space
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal
from tunesmith.search.study.config_record import compose_record
from tunesmith.search.study.same_config import check_config, join_config
from tunesmith.search.sweep import run_sweep

CONFIG = """
defaults:
  - model: mlp
  - db: null
  - _self_
  - optional experiment: null
  - override hydra/sweeper: tunesmith
  - override hydra/sweeper/sampler: random
  - override hydra/sweeper/pruner: none
x: 0
y: 1
z: ${y}
layers: [8]
flag: null
name: a
password: open sesame
data: {path: a.csv}
threads: 1
note: null
seed: 0
hydra:
  job: {name: app}
  sweep: {dir: sweeps/s, subdir: '${hydra.job.num}'}
  sweeper: {study_name: s, n_trials: 24, seed: 0}
  job_logging: {handlers: {console: {level: CRITICAL}}}
"""
FILES = {
    "model/mlp.yaml": "{kind: mlp, units: 8}",
    "model/cnn.yaml": "{kind: cnn, kernel: 3}",
    "db/mysql.yaml": "{name: mysql}",
    "db/pg.yaml": "{name: pg}",
    "db/0.yaml": "{name: zero}",
    "experiment/far.yaml": "# @package _global_\ny: 1000",
    "experiment/same.yaml": "# @package _global_\ny: 1",
}
FOLDER = Path("sweeps/s")

Task = Callable[[DictConfig], Any]


def x_of(cfg: DictConfig) -> float:
    return float(cfg.x)


@dataclass
class StudyApp:
    """Sweeps the study `s` of the folder that the test is in.

    conf: the folder of the app's config, which a test may edit; ran: the configs of all trials, in their order.
    """

    context: HydraContext
    conf: Path
    ran: list[dict[str, Any]] = field(default_factory=list)

    def sweep(self, *typed: str, task: Task = x_of) -> Mapping[str, Any]:
        """Run the app's command with these overrides; return the content of optimization_results.yaml."""
        config = self.context.config_loader.load_configuration("app", list(typed), run_mode=RunMode.MULTIRUN)
        given = {str(key): value for key, value in config.hydra.sweeper.items() if not str(key).startswith("_")}

        def run(cfg: DictConfig) -> Any:
            plain = OmegaConf.to_container(cfg)
            assert isinstance(plain, dict)
            self.ran.append({str(key): value for key, value in plain.items()})
            return task(cfg)

        own = [text for text in typed if not text.startswith("hydra")]
        found = run_sweep(read_settings(given), self.context, run, config, own)
        assert found is not None
        return found

    def join(self, storage: BaseStorage, *typed: str) -> Study:
        """Open a study as the app's command would, and run one trial that draws nothing."""
        loader = self.context.config_loader
        config = loader.load_configuration("app", list(typed), run_mode=RunMode.MULTIRUN)
        space = parse_space({}, [text for text in typed if not text.startswith("hydra")], loader)
        composer = Composer(loader, config, space)

        def compose(choices: Params) -> DictConfig:
            return composer.compose(choices, 0, "0")

        record = compose_record(space, compose, composer.is_group)
        study = opened(storage, space=space, record=record)
        check_config(study, record, compose)
        join_config(study, record, compose)
        study.tell(asked(study), 0.5)
        return study

    def points(self, *keys: str, since: int = 0) -> list[tuple[Any, ...]]:
        """Return the values of keys in the trials that have run since then."""
        return [tuple(config.get(key) for key in keys) for config in self.ran[since:]]


def study_in_journal() -> optuna.Study:
    return optuna.load_study(study_name="s", storage=open_journal(FOLDER / JOURNAL_FILE))


def trials() -> list[FrozenTrial]:
    return study_in_journal().trials


@contextmanager
def study_app(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StudyApp]:
    """Make the app and stand in an empty folder beside it."""
    work, folder = folder / "work", folder / "conf"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr("sys.argv", ["app.py", "-m"])
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with app_context(folder, CONFIG) as context, root_logger_kept():
        yield StudyApp(context, folder)
