"""The lease of the trial that a worker runs: renewed while the worker lives, seen by workers elsewhere."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from optuna import Trial
from optuna.exceptions import UpdateFinishedTrialError

from tunesmith.search.study.study import HEARTBEAT

log = logging.getLogger(__name__)

# A sixth of the time after which nobody's renewal makes a trial lost.
HEARTBEAT_INTERVAL_S = 10.0


class Lease:
    """Renews from a thread of its own, which lives as long as the trial.

    Attributes:
        is_taken: whether another worker has ended the trial meanwhile.
    """

    def __init__(self) -> None:
        self.is_taken = False

    @contextmanager
    def held(self, trial: Trial, seconds: float = HEARTBEAT_INTERVAL_S) -> Iterator[None]:
        """Renew a trial's lease for the time of a block."""
        over = threading.Event()
        thread = threading.Thread(target=self._renew, args=(trial, over, seconds), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _renew(self, trial: Trial, over: threading.Event, seconds: float) -> None:
        for renewal in itertools.count(1):
            if over.wait(seconds):
                return
            try:
                trial.set_user_attr(HEARTBEAT, renewal)
            except UpdateFinishedTrialError:
                self.is_taken = True
                return
            except Exception as error:  # a storage that does not answer may do so the next time
                log.warning("the lease of trial %d could not be renewed: %s", trial.number, error)
