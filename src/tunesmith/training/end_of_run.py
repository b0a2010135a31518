"""What a plain run leaves for people to look at, once it is over: outputs, pictures for its loggers, its page."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from tunesmith.errors import MachineFault, UserError, text_of
from tunesmith.footer import end_echo
from tunesmith.reporting import is_trial
from tunesmith.resume.resume_command import typed_path
from tunesmith.run_folder import read_metrics, run_rooms
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.kept_outputs import keep_val_outputs
from tunesmith.training.logged_pictures import log_pictures
from tunesmith.training.loggers import RunLogger

log = logging.getLogger(__name__)


def has_page(cfg: DictConfig) -> bool:
    """Whether this process writes the page of a run: a trial gets none by itself."""
    return cfg.get("report") is not False and is_rank_zero() and not is_trial()


def keep_what_page_shows(
    cfg: DictConfig,
    folder: Path,
    fold: int | None,
    learner: nn.Module,
    data: Any,
    device: torch.device,
    loggers: Sequence[RunLogger],
) -> None:
    """Keep outputs of the validation part, and hand pictures to the loggers; the learner has the best weights then."""
    if not has_page(cfg) or fold is not None:
        return
    keep_val_outputs(folder, learner, data, device)
    try:
        log_pictures(loggers, folder)
    except Exception as error:
        log.warning("logger: a picture of the run is not logged: %s", text_of(error))


@contextmanager
def page_if_stopped(cfg: DictConfig, folder: Path) -> Iterator[None]:
    """Write the page of a run that an exception ends, Ctrl-C too: it shows what there is."""
    try:
        yield
    except (UserError, MachineFault):  # nothing more is written
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and is_rank_zero() and not is_trial():
            end_echo()
        write_page(cfg, folder)
        raise


def write_page(cfg: DictConfig, folder: Path) -> None:
    """Write the page of a run, and print where it is; whatever fails is said: the run has its results."""
    if not has_page(cfg) or not any(read_metrics(each) for each in run_rooms(folder)):
        return
    try:
        from tunesmith.insight.pages.run_page import write_run_page

        words = typed_path(write_run_page(folder))
    except Exception as error:
        words = f"not written: {text_of(error)}"
    print(f"{'report':<12} {words}", flush=True)
