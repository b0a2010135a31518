"""One training by Lightning's Trainer: build it, run it, write its result.yaml."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lightning as L
from omegaconf import DictConfig

from tunesmith.errors import UserError
from tunesmith.reporting import Reporter
from tunesmith.training.batch_size import check_batch_size
from tunesmith.training.build import build
from tunesmith.training.data_record import read_earlier
from tunesmith.training.ddp.processes import cleaned_up_ranks
from tunesmith.training.end_of_run import keep_what_page_shows
from tunesmith.training.engine import LIGHTNING
from tunesmith.training.loggers import closed_loggers
from tunesmith.training.result import Result, failure_recorded, write_result
from tunesmith.training.run_findings import log_findings
from tunesmith.training.weight_groups import count_parameters


def train_once(
    cfg: DictConfig,
    folder: Path,
    reporter: Reporter,
    checkpoint: Path | None = None,
    fold: int | None = None,
    of_other_fold: Path | None = None,
) -> Result:
    """Train once with Lightning's Trainer, see tunesmith.training.train_once."""
    run = build(cfg, folder, reporter, fold, read_earlier(checkpoint, of_other_fold))
    check_batch_size(run.data, reporter)
    recorded = failure_recorded(cfg, run.record, LIGHTNING, checkpoint)
    with closed_loggers(run.trainer.loggers, folder):
        with recorded, run.foot, interruptible(run.trainer):
            run.trainer.fit(run.module, run.data, ckpt_path=checkpoint, weights_only=True)
        if run.record.epoch == 0:
            raise UserError(
                "trainer must let an epoch end with a validation, or train without a validation part; got a run that "
                f"ended after {run.trainer.global_step} steps without one: give more steps, or "
                "trainer.limit_train_batches"
            )
        run.record.num_parameters = count_parameters(run.module)
        result = write_result(cfg, folder, LIGHTNING, run.record.result_fields(), run.record.data_digest)
        log_findings(run.trainer.loggers, folder, result)
        if run.trainer.world_size == 1:  # a sharded model is run by all ranks together
            device = run.trainer.strategy.root_device
            keep_what_page_shows(cfg, folder, fold, run.module, run.data, device, run.trainer.loggers)
    return result


@contextmanager
def interruptible(trainer: L.Trainer) -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, and leave no other rank's process behind.

    Lightning itself exits with code 1 at Ctrl-C, and ignores the next one.
    """
    handler = signal.getsignal(signal.SIGINT)
    try:
        with cleaned_up_ranks(trainer):
            yield
    except SystemExit as left:
        if trainer.received_sigterm:
            raise SystemExit(128 + signal.SIGTERM) from None
        if isinstance(left.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if threading.current_thread() is threading.main_thread():  # another thread has no handler to restore
            signal.signal(signal.SIGINT, handler)
