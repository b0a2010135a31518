"""From Python: compose a config, train it, evaluate the run, predict new rows; in a script or a notebook, often."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from tunesmith import run_folder
from tunesmith.checks import check_folder
from tunesmith.cli import check, check_conf, ignore_schema_warning, register_resolvers
from tunesmith.cli import run_folder as default_folder
from tunesmith.config.folder import CONF
from tunesmith.config.set_arguments import with_plus
from tunesmith.errors import RunFailed, UserError
from tunesmith.mistakes.explain import explain, is_mendable
from tunesmith.reporting import NoReporter
from tunesmith.resume.comparison import check_resume
from tunesmith.resume.folder import check_resume_folder, copy_begun
from tunesmith.resume.kept_files import put_back_on_failure
from tunesmith.search.trained_folder import trained_folder

if TYPE_CHECKING:
    from pandas import DataFrame

LOG_FILE = "train.log"

log = logging.getLogger(__name__)


def compose(*overrides: str) -> DictConfig:
    """Return the config that train.py composes of the same overrides: compose("optimizer.lr=0.01", "model=cnn").

    Raises:
        UserError: an override names no key or choice, or a value breaks the rule of its key.
    """
    check_conf()
    register_resolvers()
    ignore_schema_warning()
    typed = [with_plus(text) for text in overrides]
    try:
        with _hydra_of_its_own():
            cfg = hydra.compose("train", typed, return_hydra_config=True)
        check(cfg)
    except Exception as error:
        if isinstance(error, UserError) or not is_mendable(error):
            raise
        raise UserError(explain(error, typed)) from None
    with open_dict(cfg):
        del cfg["hydra"]
    return cfg


def train(cfg: DictConfig, folder: str | Path | None = None) -> dict[str, Any]:
    """Train a config in a folder, by default a new one below outputs/runs/ of the current folder.

    Prints a line per epoch, which train.log in the folder keeps, and where its page lies. Ctrl-C, or a notebook's
    stop button, leaves checkpoints/last.ckpt: go on with compose(..., "ckpt_path=FOLDER/checkpoints/last.ckpt").

    Returns: the content of result.yaml, and `folder`, the run's folder as a Path.

    Raises:
        UserError: a mistake in the config.
        RunFailed: the objective became NaN or infinite.
    """
    check(cfg)
    if cfg.trainer.get("devices") != 1:  # Lightning would start this Python's own command again for each further device
        raise UserError(f"trainer.devices must be 1 from Python; got {cfg.trainer.devices}: train.py takes several")
    folder = _default_folder(cfg) if folder is None else Path(folder).absolute()
    not_compared = None
    if cfg.ckpt_path is not None:
        not_compared = check_resume(cfg, hydra=None)
        check_resume_folder("folder", folder, cfg)
    check_folder("folder", folder)
    run_folder.environment()
    with nullcontext() if cfg.ckpt_path is None else put_back_on_failure(folder):
        result = _train(cfg, folder, not_compared)
    if result["state"] == "FAIL":
        raise RunFailed(result["reason"])
    return {**result, "folder": folder}


def _train(cfg: DictConfig, folder: Path, warning: str | None) -> dict[str, Any]:
    if cfg.ckpt_path is not None:
        copy_begun(cfg, folder)
    (folder / run_folder.CONFIG_FILE).parent.mkdir(exist_ok=True)
    OmegaConf.save(cfg, folder / run_folder.CONFIG_FILE)
    from tunesmith.training.end_of_run import page_if_stopped, write_page
    from tunesmith.training.memory import free_cuda
    from tunesmith.training.refit import refit
    from tunesmith.training.run import train_in

    try:
        with _log_to(folder / LOG_FILE):
            if warning is not None:
                log.warning(warning)
            with page_if_stopped(cfg, folder):
                result = train_in(cfg, folder, NoReporter())
            write_page(cfg, folder)
            if cfg.get("refit") is True and result["state"] == "COMPLETE":
                refit(folder, cfg)
            return result
    finally:
        free_cuda()


def evaluate(folder: str | Path) -> dict[str, float]:
    """Evaluate a run on the test part, once, at the end; write test.yaml into its folder and return the metrics.

    Raises:
        UserError: the folder is not one that a run left.
    """
    run_folder.check_run_folder(Path(folder))
    register_resolvers()
    from tunesmith.training.evaluation import evaluate

    return evaluate(Path(folder))


def predict(folder: str | Path, inputs: Any) -> DataFrame:
    """Return a trained model's predictions, a row for each row of the inputs, as scripts/predict.py writes them.

    folder: of a run or trial, or of a study, for its best trial; one that you trust, as the classes that its config
    names are built.
    inputs: the path of a CSV, npz or npy file, a pandas.DataFrame, whose index the result has, or an array of
    (samples, *input_shape), as the data set's source gives it, before any scaling.

    Returns: for classes a column for each class, with its probability, and `prediction`; for numbers `prediction`; for
    several targets a column for each. docs/predict.md has the rest.

    Raises:
        UserError: the folder holds no model that can be applied to rows, or the inputs are no such rows.
    """
    register_resolvers()
    trained = trained_folder(Path(folder))
    from pandas import DataFrame, concat

    from tunesmith.training.prediction import predict

    frame = concat(list(predict(trained, inputs)), ignore_index=True)
    return frame.set_axis(inputs.index) if isinstance(inputs, DataFrame) else frame


def _default_folder(cfg: DictConfig) -> Path:
    date, time = datetime.now().strftime("%Y-%m-%d %H-%M-%S-%f").split()
    return Path(default_folder(cfg.ckpt_path, date, time)).absolute()


@contextmanager
def _hydra_of_its_own() -> Iterator[None]:
    """Initialize Hydra with conf/, and leave a Hydra that the caller has initialized as it was."""
    of_caller = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3", job_name="train"):
            yield
    finally:
        if of_caller is not None:
            GlobalHydra.instance().initialize(of_caller)


@contextmanager
def _log_to(path: Path) -> Iterator[None]:
    """Print what tunesmith logs, and append it to a file: train.py has Hydra do this."""
    log = logging.getLogger("tunesmith")
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("[%(asctime)s][%(levelname)s] %(message)s"))
    handlers = (logging.StreamHandler(sys.stdout), file)
    before = log.level, log.propagate
    log.setLevel(logging.INFO)
    log.propagate = False  # a notebook may have handlers of its own: no line twice
    for handler in handlers:
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
        file.close()
        log.setLevel(before[0])
        log.propagate = before[1]
