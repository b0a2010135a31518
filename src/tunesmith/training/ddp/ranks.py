"""Signals of each rank of a run on several devices."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

import lightning as L


class Ranks(L.Callback):
    """Leaves SIGTERM to rank zero; does nothing on one device."""

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Replace Lightning's handler of SIGTERM, which talks to the other ranks in the middle of their step."""
        if trainer.world_size > 1:
            signal.signal(signal.SIGTERM, _exit if trainer.local_rank == 0 else signal.SIG_IGN)


def _exit(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)
