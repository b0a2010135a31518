"""checkpoints/last.ckpt while a run goes on, and checkpoints/best.ckpt: when they are written, and in which order."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from tunesmith.errors import AttemptTaken, MachineFault, UserError, text_of
from tunesmith.machine_faults import find_machine_fault
from tunesmith.run_folder import BEST_CHECKPOINT, LAST_CHECKPOINT
from tunesmith.training.checkpoint_file import check_loads, link_checkpoint, write_checkpoint
from tunesmith.training.record import RunRecord
from tunesmith.training.snapshot import Snapshot, num_bytes
from tunesmith.training.weights import NO_CHECKPOINT

log = logging.getLogger(__name__)

Checkpoint = Mapping[str, Any]

# The key of the record's state among the callbacks' in a checkpoint, named after a callback of Lightning's engine.
RECORD_STATE = "EpochRecord"
# In that state, and true: the checkpoint was saved inside an epoch, or with weights of a validation that were others at
# the epoch's end.
WITHIN_EPOCH = "within_epoch"
# In last.ckpt: the checkpoint of the best epoch, if best.ckpt was not of that epoch when last.ckpt was written.
BEST = "best_checkpoint"

# trainer.save_interval of a config that has none, as of version 0.1.0.
SAVE_INTERVAL_S = 10.0
# Seconds between two saves that are not awaited if they are 50 times what a save costs: 2 % of the training.
_COSTS = 50.0
# Seconds that a save is taken to cost until one is measured. A net of some 10 000 weights takes .003; a run of less
# than a second, as most trials of small nets are, then saves once, at its end.
_FIRST_COST = 0.02
# Checkpoints of more bytes are saved each epoch: two copies in memory might not fit where the training itself does.
_MAX_HELD = 2**27


class SaveClock:
    """Tells when to save: as soon as 50 times the cost of the last save have passed, at the latest after an interval.

    interval: seconds; 0: always.
    """

    def __init__(self, interval: float, now: Callable[[], float] = time.monotonic) -> None:
        self.interval = interval
        self._now = now
        self._cost = _FIRST_COST
        self._saved = now()

    def is_due(self) -> bool:
        return self._now() - self._saved >= min(_COSTS * self._cost, self.interval)

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure what a save costs."""
        began = self._now()
        yield
        self._saved = self._now()
        self._cost = self._saved - began


class RunFiles:
    """Keeps the last and the best epoch of a run, in memory until they are due, and then in files.

    A process may be killed between any two writes. last.ckpt is written first, and holds the best epoch's checkpoint
    if best.ckpt does not: a run that goes on has both as they were at one moment, and whatever best.ckpt is of.

    Attributes:
        clock: when to save; an interval of 0 keeps nothing in memory.
        inside_path: a checkpoint of a validation that is to become best.ckpt at the next save.
        is_writer: false on all ranks of a run but one.
    """

    def __init__(self, folder: Path, record: RunRecord, interval: float = 0.0) -> None:
        self.best_path = folder / BEST_CHECKPOINT
        self.last_path = folder / LAST_CHECKPOINT
        self.inside_path = self.best_path.with_name(".inside.ckpt")
        self.clock = SaveClock(interval)
        self.is_writer = True
        self._folder = folder
        self._record = record
        self._snapshots = Snapshot(), Snapshot()
        self._last: Checkpoint | None = None  # what no file has yet
        self._best: Checkpoint | None = None
        self._is_checked = False
        self._is_held: bool | None = None  # whether copies of a checkpoint fit into memory; None: not known yet

    def start(self, checkpoint: Checkpoint | None) -> None:
        """Begin a run, without the files of an earlier one; checkpoint: the one that the run goes on from."""
        if not self.is_writer:
            return
        self._remove_torn()
        self.inside_path.unlink(missing_ok=True)
        if checkpoint is None:
            self.last_path.unlink(missing_ok=True)
            self.best_path.unlink(missing_ok=True)
            return
        if not self._is_best_on_disk():
            self._best = checkpoint.get(BEST) or (checkpoint if self._is_of_best(checkpoint) else None)
        if not _has(self.last_path, lambda last: last["callbacks"][RECORD_STATE]["epoch"] == self._record.epoch):
            self.last_path.unlink(missing_ok=True)  # of later epochs, whose rows metrics.csv has lost

    def end_epoch(self, checkpoint: Checkpoint) -> None:
        """Save an epoch that has ended, or hold it until a save is due.

        Raises:
            UserError: the first checkpoint holds what cannot be loaded.
            MachineFault: the disk is full, or the like.
        """
        if self._is_held is None:
            self._is_held = num_bytes(checkpoint) <= _MAX_HELD
        if not self._is_held or self.clock.is_due() or self.inside_path.exists():
            self._keep(checkpoint)
            self._save()
        else:
            spare = next(each for each in self._snapshots if each.checkpoint is not self._best)
            self._last = None  # an interrupt meanwhile finds no snapshot that is half of this epoch
            self._keep(spare.take(checkpoint))

    def end_run(self, dump: Callable[[], Checkpoint]) -> None:
        """Leave best.ckpt alone; dump: returns the checkpoint of the last epoch, which may be the best one."""
        if not self._record.is_best_saved:
            self._keep(dump())
        if not self.is_writer:
            return
        if self._best is None:
            self.keep_inside()
        else:  # last.ckpt becomes the best epoch: a run that is killed now goes on from there
            write_checkpoint(self._best, self.last_path)
            os.replace(self.last_path, self.best_path)
        for path in (self.inside_path, self.last_path):
            path.unlink(missing_ok=True)

    @property
    def held_best(self) -> Checkpoint | None:
        """The checkpoint of the best epoch, if it is still in memory."""
        return self._best

    def save_held(self, error: BaseException) -> None:
        """Save the last epoch that has ended before an error or a signal; raises nothing, the error tells more.

        Nothing is written if another worker has taken the trial: the folder is its attempt's by then.
        """
        if self._last is None or self._is_taken(error) or not self._folder.is_dir():
            return
        try:
            self._save()
        except Exception as failure:
            if find_machine_fault(error) is None:
                log.warning("the last epoch is not saved: %s", text_of(failure))

    def keep_inside(self) -> None:
        """Make the best validation inside an epoch, if there is one, the run's best."""
        if self.inside_path.exists():
            os.replace(self.inside_path, self.best_path)

    def save_inside(self, checkpoint: Checkpoint) -> None:
        """Save the best validation so far, from whose checkpoint no run can go on; it waits for the epoch's end."""
        if self.is_writer:
            write_checkpoint(checkpoint, self.inside_path)
        self._best = None
        self._record.is_best_saved = True

    def _keep(self, checkpoint: Checkpoint) -> None:
        if not self._is_checked:
            check_loads(checkpoint)
            self._is_checked = True
        if not self._record.is_best_saved:
            self._best = checkpoint
        self._last = checkpoint
        self._record.is_best_saved = True

    def _save(self) -> None:
        """Write what no file has yet."""
        assert self._last is not None
        if self.is_writer:
            try:
                with self.clock.measured():
                    self._write(self._last)
            except MachineFault:
                self._record.reporter.poll()  # a new attempt removes what this one was writing
                raise
        self._last = self._best = None

    def _write(self, last: Checkpoint) -> None:
        best = self._best
        if best is None:
            self.keep_inside()
        self.inside_path.unlink(missing_ok=True)  # of a validation that was the best one until the epoch's last
        write_checkpoint(last if best is None or best is last else {**last, BEST: best}, self.last_path)
        if best is last:
            link_checkpoint(self.last_path, self.best_path)
        elif best is not None:
            write_checkpoint(best, self.best_path)

    def _remove_torn(self) -> None:
        """Remove what processes that were killed, or stopped, were writing: none of it moves into its place later."""
        for path in (self.last_path, self.best_path):
            for torn in path.parent.glob(f".{path.name}.*"):
                torn.unlink(missing_ok=True)

    def _is_taken(self, error: BaseException) -> bool:
        """Whether another worker has taken the trial: a process that was stopped may meet any error before it asks."""
        try:
            self._record.reporter.poll()
        except AttemptTaken:
            return True
        except BaseException:  # the run ends anyway, by the first error
            pass
        return isinstance(error, AttemptTaken)

    def _is_best_on_disk(self) -> bool:
        """Whether best.ckpt is of the best epoch; an epoch of several validations is left as it is."""
        if self._record.best.epoch == 0 or self._record.best.step is not None:
            return True
        return _has(self.best_path, self._is_of_best)

    def _is_of_best(self, checkpoint: Checkpoint) -> bool:
        """Whether a checkpoint is of the end of the run's best epoch."""
        state = checkpoint["callbacks"][RECORD_STATE]
        return bool(state["epoch"] == state["best"]["epoch"] and state["best"] == self._record.best.state_dict())


def _has(path: Path, holds: Callable[[Checkpoint], bool]) -> bool:
    """Whether there is a checkpoint of which something holds."""
    try:
        return holds(torch.load(path, map_location="cpu", weights_only=True, mmap=True))
    except NO_CHECKPOINT:
        return False


def check_is_of_epoch_end(state: Mapping[str, Any]) -> None:
    """Raise UserError if the record's state in a checkpoint says that no run can go on from there."""
    if state.get(WITHIN_EPOCH):
        raise UserError(
            "ckpt_path must be a checkpoint of an epoch's end; got one of a validation before it, from which no "
            "run goes on to the same numbers: weights=... starts a new run from its weights"
        )
