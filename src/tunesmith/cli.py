"""The command line: a user's mistake becomes one line, a bug keeps its traceback."""

from __future__ import annotations

import gc
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, InstantiationException, MissingConfigException, OverrideParseException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from tunesmith.checks import check_config, check_folder
from tunesmith.devices import check_accelerator
from tunesmith.errors import RunFailed, UserError, closest
from tunesmith.followers import in_step
from tunesmith.search.handoff import is_trial
from tunesmith.search.launcher import is_elsewhere
from tunesmith.search.passwords import hide_password, redacted

CONF = Path(__file__).resolve().parents[2] / "conf"
EXIT_INTERRUPTED = 130
FOLD_FOLDER = re.compile(r"fold_\d+")


def main(task: Callable[[DictConfig], Any] | None = None) -> None:
    """Run train.py's command line, or another task over the same config tree."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach this function as they are
    register_resolvers()
    # Hydra holds a file of conf/ against the schema that a launcher's package has under the same name, as it should.
    warnings.filterwarnings("ignore", message=r"\s*'hydra/launcher/submitit_\w+' is validated against ConfigStore")
    sys.argv[1:] = [_forced(argument) for argument in sys.argv[1:]]
    with errors_told(), in_step():
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="train")(_in_one_line(task or _train))()


def register_resolvers() -> None:
    """Make known what conf/ computes: ${run_folder:...} and ${steps:...}."""
    OmegaConf.register_new_resolver("run_folder", run_folder, replace=True)
    OmegaConf.register_new_resolver("steps", steps, replace=True)


def run_folder(ckpt_path: str | None, date: str, time: str) -> str:
    """Return a run's output folder: a new one, or that of the checkpoint that the run goes on from, a fold's too."""
    if ckpt_path is None:
        return f"outputs/runs/{date}/{time}"
    folder = Path(ckpt_path).parent.parent
    return str(folder.parent if FOLD_FOLDER.fullmatch(folder.name) else folder)


def steps(folds: int | None, epochs: int, of_folds: int) -> int:
    """Return what a pruner that counts steps needs: they are epochs, or folds where there are any."""
    return epochs if folds is None else of_folds


def check(cfg: DictConfig) -> None:
    """Check a composed config as far as that goes without training; raises UserError."""
    check_config(cfg)
    if cfg.get("ckpt_path") is not None and not Path(cfg.ckpt_path).is_file():
        raise UserError(f"ckpt_path must be a checkpoint file; got '{cfg.ckpt_path}', which is not there")
    is_sweep = OmegaConf.select(cfg, "hydra.mode") == RunMode.MULTIRUN
    if is_sweep and cfg.get("ckpt_path") is not None:
        raise UserError(
            f"ckpt_path must be null in a sweep, whose lost trials go on by themselves; got '{cfg.ckpt_path}'"
        )
    accelerator = OmegaConf.select(cfg, "trainer.accelerator")
    if isinstance(accelerator, str) and not (is_sweep and is_elsewhere(cfg)):
        check_accelerator(accelerator)


class ChecksBeforeRun(Callback):
    """Checks a run before Hydra makes its folder and writes its config down."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        hide_password(config)
        try:
            check(config)
            check_folder("hydra.run.dir", Path(config.hydra.run.dir))
        except UserError as error:  # Hydra turns any Exception of a callback into a warning
            raise SystemExit(_line(error)) from None


def evaluate(folder: Path) -> dict[str, float]:
    """Evaluate a run on the test part, as tunesmith.run.evaluate does."""
    load_training()
    from tunesmith.run import evaluate

    return evaluate(folder)


@contextmanager
def errors_told() -> Iterator[None]:
    """Exit with one line for what a user can mend, with the traceback for a bug, with 130 for Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if _is_mendable(error):
            sys.exit(_line(error))
        traceback.print_exception(error.__cause__ if isinstance(error, InstantiationException) else error)
        sys.exit(1)


@cache
def load_training() -> None:
    """Import what trains; its 700,000 objects stay, so no garbage collection looks through them: 1.5 s of every run."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import tunesmith.run  # noqa: F401
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def _train(cfg: DictConfig) -> Any:
    load_training()
    from tunesmith.run import train

    return train(cfg)


def _in_one_line(task: Callable[[DictConfig], Any]) -> Callable[[DictConfig], Any]:
    """Let a mistake leave a plain run before Hydra adds lines of its own."""

    @wraps(task)
    def run(cfg: DictConfig) -> Any:
        try:
            return task(cfg)
        except Exception as error:
            if HydraConfig.get().mode == RunMode.RUN and not is_trial() and _is_mendable(error):
                raise SystemExit(_line(error)) from None
            raise

    return run


def _is_mendable(error: Exception) -> bool:
    """Whether a user can mend it: a mistake of ours to name, or one that Hydra found while it composed."""
    if isinstance(error, UserError | RunFailed | OmegaConfBaseException):
        return True
    if isinstance(error, InstantiationException):
        return str(error).startswith("Error locating target")
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return isinstance(error, HydraException) or Path(hydra.__file__).parent in Path(frame.f_code.co_filename).parents


def _forced(argument: str) -> str:
    """Let Optuna's own arguments be typed with or without Hydra's plus: their nodes hold only what is set."""
    for group in ("sampler", "pruner"):
        key = f"hydra.sweeper.{group}."
        if argument.lstrip("+").startswith(key) and not argument.startswith(f"{key}_target_"):
            return f"++{argument.lstrip('+')}"
    return argument


def _line(error: BaseException) -> str:
    return f"error: {redacted(_mended(error))}"  # a storage's URL may be what was mistyped


def _mended(error: BaseException) -> str:
    """Say what Hydra's errors leave out: what was typed, and the keys or choices that there are."""
    if isinstance(error, OverrideParseException):
        message = " ".join(error.message.split()).partition(" See http")[0]
        return f"{error.override.partition('=')[0]}: must be an override; got '{error.override}': {message}"
    for cause in _causes(error):
        if isinstance(cause, MissingMandatoryValue) and cause.full_key:
            return f"{cause.full_key} must be given: add {cause.full_key}=VALUE"
        if isinstance(cause, ConfigAttributeError | ConfigKeyError) and cause.full_key:
            return _no_such_key(cause)
        if isinstance(cause, MissingConfigException) and cause.missing_cfg_file and cause.options is not None:
            group, _, choice = cause.missing_cfg_file.rpartition("/")
            return f"{group}: there is no such choice; got '{choice}'{closest(choice, cause.options)}"
    return ": ".join(" ".join(str(cause).split()) for cause in _causes(error) if str(cause))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _no_such_key(error: ConfigAttributeError | ConfigKeyError) -> str:
    prefix, dot, name = str(error.full_key).rpartition(".")
    parent = error.parent_node
    siblings = [f"{prefix}{dot}{key}" for key in parent or () if not str(key).startswith("_") and key != "hydra"]
    typed = next((text for text in sys.argv[1:] if text.lstrip("+~").startswith(str(error.full_key))), error.full_key)
    return f"{error.full_key}: there is no such key; got '{typed}'{closest(f'{prefix}{dot}{name}', siblings)}"
