"""The command that scripts/chaos.py runs, and its processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
STUDY = "chaos"
TRAINING = (
    *("train.py", "-m", "model.hidden_units=32", "model.num_layers=1", "data.batch_size=32", "logger=none"),
    *("callbacks=none", "trainer.max_epochs=20", "trainer.accelerator=cpu", "hydra.sweeper.pruner.n_warmup_steps=3"),
    "trainer.save_interval=0",
)
JOB = ("scripts/any_job/job.py", "-m", "seconds=0.02")
# A worker whose sweep is gone ends within seconds.
ORPHAN_SECONDS = 10.0


class Command:
    """A sweep's command, started again and again in one folder."""

    def __init__(self, folder: Path, command: Sequence[str], settings: Sequence[str]) -> None:
        script, *overrides = command
        self._argv = [sys.executable, str(ROOT / script), *overrides, f"study_name={STUDY}", *settings]
        self._folder = folder
        self._log = folder / "console.log"
        self._begin = 0
        self.slowest_orphan = 0.0

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._begin = log.tell()
            self.process = subprocess.Popen(
                self._argv, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def printed(self) -> list[str]:
        """Return the lines that the command has printed since it was started last."""
        return self._log.read_bytes()[self._begin :].decode(errors="replace").splitlines()

    def workers(self) -> list[psutil.Process]:
        """Return the processes that run trials and live: the sweep's children, or the sweep that has none."""
        try:
            sweep = psutil.Process(self.process.pid)
            return [child for child in sweep.children() if is_living(child)] or [sweep]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """Kill the sweep; its workers have to end by themselves."""
        workers = self.workers()
        self.process.kill()
        self.process.wait()
        started = time.monotonic()
        _, alive = psutil.wait_procs(workers, timeout=3 * ORPHAN_SECONDS)
        self.slowest_orphan = max(self.slowest_orphan, time.monotonic() - started)
        for worker in alive:
            worker.kill()


def is_living(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False
