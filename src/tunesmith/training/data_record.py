"""What a run keeps of its data: a digest in its checkpoints, and preparation.json; what goes on uses both."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from torch import nn

from tunesmith.config.changes import show_digest
from tunesmith.data.array_data import ArrayData
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.errors import UserError
from tunesmith.objective import read_objectives
from tunesmith.reporting import Reporter
from tunesmith.run_folder import PREPARATION_FILE, checkpoint_folder
from tunesmith.training.data_summary import describe_data
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.record import RunRecord
from tunesmith.training.refit_config import OF_REFIT, refit_fields
from tunesmith.training.weights import read_part

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DataRecord:
    """What an earlier run has kept of its data, beside a checkpoint.

    digest: None: the data had none, or an older version kept none.
    preparation: of preparation.json; None: there is none.
    is_of_other_fold: its preparation is of no use, as it was fitted on another part of the data.
    """

    checkpoint: Path
    digest: str | None
    preparation: FittedPreparation | None = None
    is_of_other_fold: bool = False

    @property
    def folder(self) -> Path:
        """The folder of the run, also for one of its folds."""
        return checkpoint_folder(self.checkpoint)

    def hand_over(self, data: object) -> None:
        """Prepare the data as the run did, and say what nobody can know.

        Raises:
            UserError: the data are not those of the run.
        """
        now = read_digest(data)
        if now is not None and self.digest is not None and now != self.digest:
            raise UserError(
                f"data must be those of {self.folder}, whose digest is {show_digest(self.digest)}; got "
                f"{show_digest(now)}, from other rows, values, names or another order: put the old data back, or begin "
                f"a new run from these weights with weights={self.checkpoint}"
            )
        unknown = []
        if (now is None) != (self.digest is None):
            unknown.append(
                f"{self.folder if now else 'the data module'} has no digest of its data: no one compares them"
            )
        if isinstance(data, ArrayData) and not self.is_of_other_fold:
            if self.preparation is None:
                unknown.append(f"{self.folder} has no {PREPARATION_FILE}: the preparation is fitted again")
            else:
                data.prepare_as(self.preparation)
        if unknown:
            _say_once(f"data: {'; '.join(unknown)}")


def read_data_record(key: str, checkpoint: Path) -> DataRecord:
    """Return what the run of a checkpoint has kept of its data; key: of the config, for messages.

    Raises:
        UserError: the file is no checkpoint, or the preparation.json of its run is damaged.
    """
    state = read_part(key, checkpoint, "callbacks").get("EpochRecord", {})
    path = checkpoint.parent.parent / PREPARATION_FILE
    return DataRecord(checkpoint, state.get("data_digest"), _read_preparation(path) if path.is_file() else None)


def read_earlier(checkpoint: Path | None, of_other_fold: Path | None) -> DataRecord | None:
    """Return what an earlier attempt has kept of its data.

    checkpoint: of the attempt itself, if there is one; of_other_fold: of an attempt at another fold of the run.
    """
    if checkpoint is not None:
        return read_data_record("ckpt_path", checkpoint)
    if of_other_fold is not None:
        return replace(read_data_record("ckpt_path", of_other_fold), is_of_other_fold=True)
    return None


def _read_preparation(path: Path) -> FittedPreparation:
    try:
        return FittedPreparation.from_plain(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise UserError(
            f"{PREPARATION_FILE} must be what a run has written; got '{path}' ({reason}): without the file, the "
            "preparation is fitted again"
        ) from None


def read_digest(data: Any) -> str | None:
    """Return what a data module's digest() says; None if there is no data module, or it has no digest().

    Raises:
        UserError: digest() returns something else than a text.
    """
    if data is None:
        return None
    name = type(data).__qualname__
    if not callable(getattr(data, "digest", None)):
        _say_once(f"data: {name} has no digest(), a text that differs for other data: if they change, nothing notices")
        return None
    digest = data.digest()
    if digest is not None and not (isinstance(digest, str) and digest):
        raise UserError(f"data._target_: digest() of {name} must return a text, or None; got {digest!r}")
    return digest


def make_record(
    cfg: DictConfig, folder: Path, reporter: Reporter, data: Any, learner: nn.Module, fold: int | None = None
) -> RunRecord:
    """Return the record of a run that begins, once its reporter has heard which data it trains on.

    fold: which of data.folds it trains on, from 0.

    Raises:
        UserError: earlier trials of the study had other data.
    """
    digest = read_digest(data)
    if digest is not None and is_rank_zero():
        reporter.report_data(digest)
    preparation = data.splits.preparation.to_plain() if isinstance(data, ArrayData) else None
    of_refit = refit_fields(cfg)
    objective, *others = read_objectives(cfg) if of_refit is None else [OF_REFIT]
    last_epoch = None if of_refit is None else int(of_refit["epochs"])
    facts = describe_data(learner, data, fold) if cfg.get("probes") is not False and is_rank_zero() else None
    return RunRecord(folder, objective, reporter, digest, preparation, others, last_epoch, facts)


@cache
def _say_once(line: str) -> None:
    log.warning("%s", line)
