"""The faults that meet a sweep: each is done to it, and says what it may cost."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from chaos.command import Command, is_living
from chaos.damage import damage_journal, tear_journal
from chaos.events import Events
from chaos.invariants import Costs
from chaos.machine import Clock, full_disk
from chaos.plan import Fault

# What a trial may take if workers are stopped, and how long after it a stopped worker may live at most.
TRIAL_TIMEOUT_S = 40
STOP_GRACE_S = 120.0
PAUSE_S = 3.0
# How long a sweep may take to notice that its disk is full.
FULL_DISK_S = 120.0


@dataclass
class Faults:
    """What is done to the processes, the journal, the clock and the disk of a sweep.

    done: how often each was done; met: of each kill, the attempts that its victims were running.
    broken: what was seen to be wrong at once.
    """

    command: Command
    events: Events
    outputs: Path
    n_workers: int
    clock: Clock | None

    def __post_init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.met: list[list[int]] = []
        self.broken: list[str] = []
        self.costs = Costs()
        self._stopped: dict[psutil.Process, float] = {}  # and when

    def running(self) -> list[psutil.Process]:
        """Return the processes that run a trial, have reported an epoch of it and are not stopped for good."""
        self.events.look()
        workers = [worker for worker in self.command.workers() if worker.pid in self.events.running]
        return [worker for worker in workers if worker not in self._stopped]

    def look_at_stopped(self) -> None:
        """Note which workers that were stopped for good should have been ended by now."""
        for worker, stopped in list(self._stopped.items()):
            seconds = time.monotonic() - stopped
            if not is_living(worker):
                print(f"worker {worker.pid} was ended {seconds:.0f} s after it was stopped", flush=True)
                del self._stopped[worker]
            elif seconds > TRIAL_TIMEOUT_S + STOP_GRACE_S:
                self.broken.append(
                    f"worker {worker.pid} lives {seconds:.0f} s after it was stopped; trial_timeout={TRIAL_TIMEOUT_S}"
                )
                self._kill_stopped()

    def _kill_stopped(self) -> None:
        for worker in self._stopped:
            with suppress(psutil.NoSuchProcess):
                worker.kill()
        self._stopped.clear()

    def inject(self, fault: Fault, victims: list[psutil.Process]) -> None:
        """Do one fault to a sweep of which some workers run trials."""
        victim = victims[int(fault.which * len(victims))]
        is_sweep = victim.pid == self.command.process.pid  # then nobody could end it
        do: dict[str, Callable[[], None]] = {
            "kills": lambda: self._kill(fault, victim),
            "clock": lambda: self._step_clock(fault),
            "bytes": lambda: self._damage(fault),
            "stops": lambda: (self._pause if fault.how < 0.5 or is_sweep else self._stop)(victim),
            "disk": self._fill_disk,
        }
        self.done[fault.name] += 1
        with suppress(psutil.NoSuchProcess):  # it has come to its end meanwhile
            do[fault.name]()

    def _kill(self, fault: Fault, victim: psutil.Process) -> None:
        """Kill a worker, or the sweep as often as each of its workers; a killed sweep is started again."""
        is_of_sweep = fault.how < 1 / (1 + self.n_workers) or victim.pid == self.command.process.pid
        victims = self.running() if is_of_sweep else [victim]
        attempts = [self.events.running[each.pid] for each in victims if each.pid in self.events.running]
        self.met.append(attempts)
        if is_of_sweep:
            print(f"kill the sweep {self.command.process.pid}", flush=True)
            self._kill_stopped()  # who is stopped cannot end with its sweep
            self.command.kill()
            self.costs.lost += self.n_workers
        else:
            print(f"kill worker {victim.pid} in trial {', '.join(map(str, attempts))}", flush=True)
            self.costs.lost += 1
            victim.kill()
        if fault.is_torn:
            print("tear the journal", flush=True)
            tear_journal(self.events.journal)
        if is_of_sweep:
            self.command.start()

    def _step_clock(self, fault: Fault) -> None:
        assert self.clock is not None
        seconds = round(10 ** (0.5 + 3 * abs(fault.how - 0.5) * 2)) * (1 if fault.how < 0.5 else -1)
        print(f"step the clock by {seconds} s", flush=True)
        self.clock.step(seconds)

    def _damage(self, fault: Fault) -> None:
        """Damage a record; who notices may end its worker, whose trials are then lost and go on."""
        print("damage:", damage_journal(self.events.journal, random.Random(fault.how)), flush=True)
        self.costs.records += 1
        self.costs.lost += 1 + self.n_workers

    def _stop(self, victim: psutil.Process) -> None:
        """Stop a worker for good: the sweep has to end it, as the trial has taken longer than it may."""
        number = self.events.running.get(victim.pid)
        print(f"stop worker {victim.pid} in trial {number} for good", flush=True)
        victim.suspend()
        self.costs.failed += 1
        self.costs.lost += 1  # instead, if the trial has ended or begun in that moment
        self._stopped[victim] = time.monotonic()

    def _pause(self, victim: psutil.Process) -> None:
        print(f"stop worker {victim.pid} for {PAUSE_S:g} s", flush=True)
        victim.suspend()
        time.sleep(PAUSE_S)
        victim.resume()

    def _fill_disk(self) -> None:
        """Fill the disk until the sweep ends, then start it again: it has to end with one line that says so."""
        print("fill the disk", flush=True)
        self.costs.lost += self.n_workers
        with full_disk(self.outputs):
            deadline = time.monotonic() + FULL_DISK_S
            while self.command.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.1)
            self.broken += broken_end(self.command.process.poll(), self.command.printed())
            if self.command.process.poll() is None:
                self._kill_stopped()
                self.command.kill()
        self.command.start()


def broken_end(code: int | None, printed: list[str]) -> list[str]:
    """Return what is wrong with the end of a command whose disk was full: no traceback, and how to go on."""
    if code is None:
        return [f"the sweep has not ended {FULL_DISK_S:g} s after its disk was full"]
    broken = []
    if any("Traceback (most recent call last)" in line or "Logging error" in line for line in printed):
        broken.append(f"the sweep ended with a traceback when its disk was full: {printed[-1]}")
    if code and not any("resume it with" in line for line in printed[-3:]):
        broken.append(f"the sweep does not say how to go on when its disk was full: {printed[-1]}")
    return broken
