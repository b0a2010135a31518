"""The command line: a user's mistake becomes one line, a bug keeps its traceback."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import wraps
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import setup_globals
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, read_write

from tunesmith import run_folder as run_record
from tunesmith.checks import check_config
from tunesmith.config.deletions import refuse_deletions
from tunesmith.config.folder import CONF
from tunesmith.config.in_job import resolved_as_in_job
from tunesmith.config.node_keys import check_node_keys
from tunesmith.config.root_keys import check_root_keys
from tunesmith.config.set_arguments import with_plus
from tunesmith.errors import MachineFault, UserError
from tunesmith.machine_faults import find_machine_fault, silence_helpers
from tunesmith.mistakes.explain import exit_on_error, is_mendable, line
from tunesmith.mistakes.typed_options import check_options
from tunesmith.reporting import current_reporter, is_trial
from tunesmith.resume.comparison import check_resume
from tunesmith.resume.folder import check_run_folder, copy_begun
from tunesmith.resume.kept_files import put_back_on_failure
from tunesmith.resume.resume_command import resume_command
from tunesmith.run_folder import CONFIG_FILE, checkpoint_folder
from tunesmith.search.pool.launcher import runs_on_cluster
from tunesmith.search.settings import check_sweeper_keys
from tunesmith.search.storage.password import hide_password, refuse_typed_password
from tunesmith.short_traceback import take_errors_from_hydra
from tunesmith.training.ddp.devices import check_devices, check_nodes
from tunesmith.training.ddp.processes import is_rank_zero, nonzero_rank
from tunesmith.training.engine import describe_engine
from tunesmith.training.loading import load, load_training
from tunesmith.training.refit_config import check_refit
from tunesmith.typed_command import typed_command

log = logging.getLogger(__name__)


def main(task: Callable[[DictConfig], Any] | None = None) -> None:
    """Run train.py's command line, or another task over the same config tree."""
    take_errors_from_hydra()
    register_resolvers()
    ignore_schema_warning()
    sys.argv[1:] = [with_plus(argument) for argument in sys.argv[1:]]
    with exit_on_error(), nonzero_rank():
        check_conf()
        check_options(sys.argv[1:], CONF)
        refuse_deletions(sys.argv[1:])
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(_in_one_line(task or _train))()


def check_conf() -> None:
    """Raise UserError if there is no config tree, as in an environment that has the wheel alone."""
    if not (CONF / "train.yaml").is_file():
        raise UserError(
            f"conf must be the folder of a clone, beside src/; got '{CONF}', which is not there: run train.py of a "
            "clone, or give an app of your own the sweeper by hydra/sweeper=tunesmith"
        )


def ignore_schema_warning() -> None:
    """Hydra holds a file of conf/ against the schema of a launcher's package that has the same name, as it should."""
    warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/submitit_\w+' is validated against ConfigStore")


def register_resolvers() -> None:
    """Register the resolvers of conf/, ${run_folder:...} and ${pruner_steps:...}, and Hydra's, as ${now:...}."""
    setup_globals()  # Hydra does so when it composes; a config that is read from a run's folder has them, too
    OmegaConf.register_new_resolver("run_folder", run_folder, replace=True)
    OmegaConf.register_new_resolver("pruner_steps", pruner_steps, replace=True)
    OmegaConf.register_new_resolver("steps", pruner_steps, replace=True)  # its name in configs of version 0.1.0


def run_folder(ckpt_path: str | None, date: str, time: str) -> str:
    """Return a run's output folder: a new one, or the folder of the run whose checkpoint (a fold's too) is resumed."""
    if ckpt_path is None:
        return f"outputs/runs/{date}/{time}"
    return str(checkpoint_folder(Path(ckpt_path)))


def pruner_steps(folds: int | None, epochs: int, of_folds: int) -> int:
    """Return a pruner's number of steps: epochs, or folds if a trial is cross-validated."""
    return epochs if folds is None else of_folds


def check(cfg: DictConfig) -> str | None:
    """Check a config as far as that goes without training; return what a sweep prints of it; raises UserError."""
    check_root_keys(cfg, CONF)
    check_config(cfg)
    check_node_keys(cfg)
    is_sweep = OmegaConf.select(cfg, "hydra.mode") == RunMode.MULTIRUN
    if not is_sweep:  # a sweep has read its keys, and a trial's own say which stage it is of
        check_sweeper_keys(cfg)
    check_refit(cfg)
    key = "weights" if cfg.get("ckpt_path") is None else "ckpt_path"  # a run that goes on has its own weights
    if cfg.get(key) is not None and not Path(cfg[key]).is_file():
        is_folder = Path(cfg[key]).is_dir()
        is_word = cfg[key] in ("best", "last")
        name = f"checkpoints/{cfg[key] if is_word else 'best'}.ckpt"
        reason = (
            f"which is {'a folder' if is_folder else 'not there'}: name a file such as FOLDER/{name}"
            if is_folder or is_word
            else "which is not there"
        )
        raise UserError(f"{key} must be a checkpoint file; got '{cfg[key]}', {reason}")
    if is_sweep and cfg.get("ckpt_path") is not None:
        raise UserError(
            f"ckpt_path must be null in a sweep, whose lost trials go on by themselves; got '{cfg.ckpt_path}'"
        )
    kept = OmegaConf.select(cfg, "hydra.output_subdir", default=str(CONFIG_FILE.parent))
    if kept != str(CONFIG_FILE.parent) and (is_sweep or kept is not None):  # a run's other ranks have null
        rule = f"{CONFIG_FILE.parent}, where a run's config is looked for"
        raise UserError(f"hydra.output_subdir must be {rule}; got {kept or 'null'}")
    keys = ("trainer.accelerator", "trainer.devices", "trainer.precision")
    accelerator, devices, precision = (OmegaConf.select(cfg, key, default=None) for key in keys)
    if isinstance(accelerator, str) and not (is_sweep and runs_on_cluster(cfg)):
        check_devices(accelerator, devices, precision)
        check_nodes(OmegaConf.select(cfg, "trainer.num_nodes", default=1))
    return describe_engine(cfg, is_sweep)


class ChecksBeforeRun(Callback):
    """Checks a run before Hydra makes its folder and writes its config down."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        with exit_on_error():  # Hydra turns any Exception of a callback into a warning, and goes on
            refuse_typed_password(config)
            hide_password(config)
            if config.hydra.job.chdir:
                _make_absolute(config)
            with resolved_as_in_job(config, "hydra.run.dir"):
                check(config)
                if config.get("ckpt_path") is not None and is_rank_zero():
                    check_resume(config, config.hydra)
                check_run_folder(config, is_rank_zero())
            if config.get("ckpt_path") is not None:
                _leave_record(config)


def _make_absolute(config: DictConfig) -> None:
    """Let checkpoints be found by a job that runs in its output folder."""
    for key in ("ckpt_path", "weights"):
        if isinstance(config.get(key), str):
            config[key] = os.path.abspath(config[key])


def _leave_record(config: DictConfig) -> None:
    """Keep Hydra from writing .hydra/ of a run that goes on: _train does so when the run has gone on."""
    if config.hydra.output_subdir == str(run_record.CONFIG_FILE.parent):
        with read_write(config.hydra):
            config.hydra.output_subdir = None


def evaluate(folder: Path, config: DictConfig | None = None) -> dict[str, float]:
    """Evaluate a run on the test part, as tunesmith.training.evaluation.evaluate does.

    config: that of a sweep's best trial; if it has refit=true, the trial is refitted, and the refit evaluated.
    """
    load("tunesmith.training.evaluation")
    from tunesmith.training.evaluation import evaluate

    if config is not None and config.get("refit") is True:
        from tunesmith.training.refit import refit

        folder, config = refit(folder, config, shows_epochs=False)
    return evaluate(folder, config)


def _train(cfg: DictConfig) -> Any:
    folder = Path(HydraConfig.get().runtime.output_dir)
    is_resumed = cfg.ckpt_path is not None and is_rank_zero()
    silence_helpers()
    try:
        with put_back_on_failure(folder) if is_resumed else nullcontext():
            load_training(cfg)
            from tunesmith.training.run import train

            if is_resumed:
                copy_begun(cfg, folder)
                _go_on(cfg, folder)
            return train(cfg, folder, current_reporter())
    except (KeyboardInterrupt, SystemExit):
        if is_rank_zero() and not is_trial():
            command = resume_command(folder)
            words = f"resume it with: {command}" if command else "no epoch has ended, so there is nothing to resume"
            print(f"interrupted; {words}", flush=True)
        raise
    except Exception as error:
        fault = find_machine_fault(error, folder)
        if fault is None:
            raise
        if is_trial():
            raise fault from None
        raise MachineFault(f"{fault}; resume it with: {resume_command(folder) or typed_command()}") from None


def _go_on(cfg: DictConfig, folder: Path) -> None:
    """Say what could not be compared, and write .hydra/, which on_run_start has kept Hydra from writing."""
    started = OmegaConf.create({"hydra": HydraConfig.get()})
    not_compared = check_resume(cfg, started.hydra)
    if not_compared is not None:
        log.warning(not_compared)
    if started.hydra.output_subdir is not None:
        return  # Hydra has written it
    record = run_record.CONFIG_FILE.parent
    contents = {"config.yaml": cfg, "overrides.yaml": started.hydra.overrides.task}
    with read_write(started.hydra):
        started.hydra.output_subdir = str(record)
    (folder / record).mkdir(exist_ok=True)
    for name, content in {**contents, "hydra.yaml": started}.items():
        run_record.write_text(folder / record / name, OmegaConf.to_yaml(content))


def _in_one_line(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """Let a mistake leave a plain run before Hydra adds lines of its own."""

    @wraps(task)
    def run(cfg: DictConfig) -> Any:
        try:
            return task(cfg)
        except Exception as error:
            if HydraConfig.get().mode == RunMode.RUN and not is_trial() and is_mendable(error):
                raise SystemExit(line(error)) from None
            raise

    return run
