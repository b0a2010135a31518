"""Kills a sweep again and again and checks that nothing is lost: python scripts/chaos.py

Again and again a worker or the sweep itself is killed with SIGKILL, and now and then the journal gets a torn last line,
as a writer leaves that is killed in the middle of a record. A killed sweep is started again by the same command. At the
end the invariants are checked and printed; exit code 1 if one does not hold.

The next kill waits for events, not for seconds: a number of further epochs in the journal and, if a worker is to be
killed, one that has reported some. A slow machine therefore meets the same kills as a fast one. --seed fixes how many
epochs that is, whether a worker or the sweep is killed, and when the journal is torn.

--job takes scripts/any_job instead of train.py: no Lightning, started in a second.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import psutil
from chaos_events import Events
from chaos_invariants import broken_folders, broken_results, broken_study, how_it_ended
from optuna.trial import FrozenTrial

from tunesmith.search.storage.storage import open_journal
from tunesmith.search.study.trial import Attempt

ROOT = Path(__file__).resolve().parents[1]
STUDY = "chaos"
TRAINING = (
    *("train.py", "-m", "model.hidden_units=32", "model.num_layers=1", "data.batch_size=32", "logger=none"),
    *("callbacks=none", "trainer.max_epochs=20", "trainer.accelerator=cpu", "hydra.sweeper.pruner.n_warmup_steps=3"),
)
JOB = ("scripts/any_job/job.py", "-m", "seconds=0.02")
# A record that was being written when its process was killed.
TORN = b'{"op_code": 8, "worker_id": "4c6b7a52-", "trial_id": 3, "user_attr": {"own'
ORPHAN_SECONDS = 10.0
# A sweep that reports no epoch for so long hangs: its workers' start takes some seconds, minutes on a busy machine.
STALL_SECONDS = 120.0
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Kill:
    """What the seed says about a kill."""

    epochs: int  # reported since the last one
    is_of_sweep: bool
    which: float  # of the workers, as a share of their number
    is_torn: bool  # the journal, afterwards


class Chaos:
    """A sweep, and what happens to it."""

    def __init__(self, folder: Path, arguments: argparse.Namespace) -> None:
        script, *overrides = JOB if arguments.job else TRAINING
        settings = [f"study_name={STUDY}", f"hydra.sweeper.n_trials={arguments.trials}"]
        self.command = [sys.executable, str(ROOT / script), *overrides, *settings]
        self.command.append(f"hydra.sweeper.n_workers={arguments.workers}")
        self.folder = folder
        self.study_folder = folder / "outputs" / "sweeps" / STUDY
        self.journal = self.study_folder / "study.journal"
        self.is_training = not arguments.job
        self.n_trials = arguments.trials
        self.n_workers = arguments.workers
        self.events = Events(self.journal)
        self.random = random.Random(arguments.seed)
        self.seen: dict[int, tuple[str, float | None]] = {}
        self.slowest_orphan = 0.0

    def run(self, kills: int, epochs: tuple[int, int]) -> None:
        """Kill as often as asked, unless the study is over before; then let it come to its end."""
        sweep = self.start()
        done = 0
        while done < kills:
            planned = self.draw(epochs)
            victim = self.wait_for_victim(sweep, planned)
            self.look()
            if victim is None:
                break
            self.kill(sweep, victim)
            done += 1
            if planned.is_torn:
                self.tear()
            if planned.is_of_sweep:
                sweep = self.start()
        code = sweep.wait()
        self.look()
        assert code == 0, f"the sweep ended with exit code {code} after {done} kills"
        print(f"{done} kills", flush=True)

    def draw(self, epochs: tuple[int, int]) -> Kill:
        """Draw the next kill; the numbers drawn are as many whatever lives then."""
        random = self.random.random
        is_of_sweep = random() < 1 / (1 + self.n_workers) or self.n_workers == 1
        least, most = epochs
        return Kill(least + int(random() * (most - least + 1)), is_of_sweep, which=random(), is_torn=random() < 0.5)

    def wait_for_victim(self, sweep: subprocess.Popen[bytes], planned: Kill) -> psutil.Process | None:
        """Wait until a sweep has got on by further epochs; return what to kill, None if the sweep has ended.

        A worker that has reported no epoch is spared: five such ends in a row end a sweep, as they should.
        """
        before = last = self.events.look()
        heard = time.monotonic()
        while sweep.poll() is None:
            time.sleep(POLL_SECONDS)
            if (now := self.events.look()) > last:
                last, heard = now, time.monotonic()
            if time.monotonic() - heard > STALL_SECONDS:
                sweep.kill()
                sys.exit(f"the sweep has reported no epoch for {STALL_SECONDS:g} s; console.log has what it printed")
            if now - before < planned.epochs:
                continue
            with suppress(psutil.NoSuchProcess):
                workers = [worker for worker in children(sweep) if worker.pid in self.events.reporters]
                if planned.is_of_sweep:
                    return psutil.Process(sweep.pid)
                if workers:
                    return workers[int(planned.which * len(workers))]
        return None

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "console.log").open("ab") as log:
            return subprocess.Popen(
                self.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def kill(self, sweep: subprocess.Popen[bytes], victim: psutil.Process) -> None:
        """Kill a worker or the sweep; a killed sweep's workers have to end by themselves."""
        if victim.pid != sweep.pid:
            print(f"kill worker {victim.pid}", flush=True)
            with suppress(psutil.NoSuchProcess):  # it has come to its end meanwhile
                victim.kill()
            return
        print(f"kill the sweep {sweep.pid}", flush=True)
        workers = children(sweep)
        sweep.kill()
        sweep.wait()
        started = time.monotonic()
        _, alive = psutil.wait_procs(workers, timeout=3 * ORPHAN_SECONDS)
        self.slowest_orphan = max(self.slowest_orphan, time.monotonic() - started)
        for worker in alive:
            worker.kill()

    def tear(self) -> None:
        if self.journal.exists():
            print("tear the journal", flush=True)
            with self.journal.open("ab") as file:
                file.write(TORN)

    def look(self) -> None:
        """Remember the trials that have ended."""
        for trial in self.trials():
            if Attempt(trial).state.is_counted:
                self.seen[trial.number] = how_it_ended(trial)

    def trials(self) -> list[FrozenTrial]:
        if not self.journal.exists():
            return []
        try:
            return optuna.load_study(study_name=STUDY, storage=open_journal(self.journal)).trials
        except KeyError:
            return []  # killed before it was created

    def broken(self) -> Iterator[str]:
        """Yield each invariant that does not hold."""
        trials = self.trials()
        now = {trial.number: how_it_ended(trial) for trial in trials if Attempt(trial).state.is_counted}
        yield from (f"trial {number} had ended as {how}" for number, how in self.seen.items() if now.get(number) != how)
        if self.slowest_orphan > ORPHAN_SECONDS:
            yield f"a worker lived {self.slowest_orphan:.1f} s after its sweep"
        yield from broken_study(trials, self.n_trials)
        yield from broken_results(trials, self.study_folder)
        yield from broken_folders(trials, self.study_folder, self.is_training)


def children(sweep: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return the processes of a sweep's workers that live."""
    living = []
    for child in psutil.Process(sweep.pid).children():
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                living.append(child)
    return living


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, nargs=2, default=(4, 20), help="least and most between two kills")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed when")
    parser.add_argument("--job", action="store_true", help="scripts/any_job instead of train.py")
    parser.add_argument("--folder", type=Path, help="to leave the sweep in; it has to be empty")
    sys.exit(_run(parser.parse_args()))


def _run(arguments: Any) -> int:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        chaos = Chaos(folder, arguments)
        started = time.monotonic()
        chaos.run(arguments.kills, tuple(arguments.epochs))
        broken = list(chaos.broken())
        trials = chaos.trials()
        attempts = len(trials) - len({Attempt(trial).first_attempt for trial in trials})
        print(f"{chaos.n_trials} trials, {attempts} further attempts, {time.monotonic() - started:.0f} s", flush=True)
        print(*(broken or ["every invariant holds"]), sep="\n", flush=True)
        return 1 if broken else 0


if __name__ == "__main__":
    main()
