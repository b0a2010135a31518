"""Does harm to a sweep again and again and checks that nothing is lost: python scripts/chaos.py

A worker or the sweep itself is killed with SIGKILL, and now and then the journal gets a torn last line, as a writer
leaves that is killed in the middle of a record. A killed sweep is started again by the same command. Among the kills,
the clock steps, bytes of the journal are damaged, workers are stopped, and the disk is full for a while: --faults says
which of them, all that this machine allows by default (mounts need root). At the end the invariants are checked and
printed; exit code 1 if one does not hold, or if fewer than half of the kills met a running trial.

The next fault waits for events, not for seconds: a number of further epochs in the journal, and a process that runs a
trial and has reported an epoch of it. A slow machine therefore meets the same faults as a fast one. --seed fixes how
many epochs that is, and what happens in which order.

--job takes scripts/any_job instead of train.py: no Lightning, started in a second. scripts/chaos_long.py kills more.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import optuna
import psutil
from chaos.command import JOB, ORPHAN_SECONDS, STUDY, TRAINING, Command
from chaos.events import Events
from chaos.faults import TRIAL_TIMEOUT_S, Faults
from chaos.invariants import broken_costs, broken_folders, broken_history, broken_results, broken_study, ends
from chaos.machine import Clock, can_mount, enter_namespace, small_disk
from chaos.plan import FAULTS, Fault, draw_plan, vacuous
from chaos.reading import read_trials
from optuna.trial import FrozenTrial

from tunesmith.search.study.trial import Attempt, State

# A sweep that reports no epoch for so long hangs: its workers' start takes some seconds, minutes on a busy machine.
STALL_SECONDS = 180.0
POLL_SECONDS = 0.05
NEED_MOUNTS = {"clock", "disk"}


class Chaos:
    """A sweep, and what happens to it."""

    def __init__(self, folder: Path, arguments: argparse.Namespace, clock: Clock | None) -> None:
        settings = [f"hydra.sweeper.{key}={getattr(arguments, key)}" for key in ("n_trials", "n_workers")]
        if "stops" in arguments.faults:
            settings.append(f"hydra.sweeper.trial_timeout={TRIAL_TIMEOUT_S}")
        self.command = Command(folder, JOB if arguments.job else TRAINING, settings)
        self.study_folder = folder / "outputs" / "sweeps" / STUDY
        self.events = Events(self.study_folder / "study.journal")
        self.faults = Faults(self.command, self.events, folder / "outputs", arguments.n_workers, clock)
        self.is_training = not arguments.job
        self.n_trials = arguments.n_trials
        self.seen: dict[int, tuple[str, float | None]] = {}

    def run(self, plan: Sequence[Fault]) -> str | None:
        """Do as planned, unless the study is over before; then let it come to its end, and return what is wrong."""
        self.command.start()
        for done, fault in enumerate(plan):
            victims = self.wait_for_victims(fault)
            self.seen |= ends(self.trials())
            if not victims:
                print(f"{done} of {len(plan)} faults: then the study was over; more --n_trials take more", flush=True)
                break
            self.faults.inject(fault, victims)
        while (code := self.command.process.poll()) is None:
            time.sleep(POLL_SECONDS)
            self.faults.look_at_stopped()
        self.seen |= ends(self.trials())
        return f"the sweep ended with exit code {code}: {self.command.printed()[-1]}" if code else None

    def wait_for_victims(self, fault: Fault) -> list[psutil.Process]:
        """Wait until a sweep has got on by further epochs; return who runs a trial then, nobody if the sweep is over.

        Who has reported no epoch is spared: five such ends in a row end a sweep, as they should.
        """
        before = last = self.events.look()
        heard = time.monotonic()
        while self.command.process.poll() is None:
            time.sleep(POLL_SECONDS)
            if (now := self.events.look()) != last:
                last, heard = now, time.monotonic()
            before = min(before, now)  # fewer if the journal was mended
            if time.monotonic() - heard > STALL_SECONDS:
                self.command.kill()
                sys.exit(f"the sweep has reported no epoch for {STALL_SECONDS:g} s; console.log has what it printed")
            self.faults.look_at_stopped()
            if now - before >= fault.epochs and (victims := self.faults.running()):
                return victims
        return []

    def trials(self) -> list[FrozenTrial]:
        return read_trials(self.events.journal)

    def num_kills_that_met(self, trials: Sequence[FrozenTrial]) -> int:
        """Return how many kills ended an attempt: the study says that it was lost."""
        lost = {trial.number for trial in trials if Attempt(trial).state is State.LOST}
        return sum(not lost.isdisjoint(attempts) for attempts in self.faults.met)

    def broken(self) -> Iterator[str]:
        """Yield each invariant that does not hold."""
        trials, costs = self.trials(), self.faults.costs
        yield from broken_history(self.seen, trials, costs.records)
        if self.command.slowest_orphan > ORPHAN_SECONDS:
            yield f"a worker lived {self.command.slowest_orphan:.1f} s after its sweep"
        yield from self.faults.broken
        yield from broken_costs(trials, costs)
        yield from broken_study(trials, self.n_trials)
        yield from broken_results(trials, self.study_folder)
        yield from broken_folders(trials, self.study_folder, self.is_training, costs.records)
        if self.faults.done["bytes"] and not self.study_folder.joinpath("study.journal.damaged").exists():
            yield "no study.journal.damaged keeps the records that were damaged"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faults", type=_names, help=f"some of {','.join(FAULTS)}; default: all that can be had")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--each", type=int, default=2, help="how often each other fault is done")
    parser.add_argument("--n_trials", "--trials", type=int, default=60)
    parser.add_argument("--n_workers", "--workers", type=int, default=2)
    parser.add_argument("--epochs", type=int, nargs=2, default=(4, 20), help="least and most between two faults")
    parser.add_argument("--seed", type=int, default=0, help="of what happens when")
    parser.add_argument("--job", action="store_true", help="scripts/any_job instead of train.py")
    parser.add_argument("--folder", type=Path, help="to leave the sweep in; it has to be empty")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    has_mounts = can_mount()
    if arguments.faults is None:
        arguments.faults = [name for name in FAULTS if has_mounts or name not in NEED_MOUNTS]
    if NEED_MOUNTS.intersection(arguments.faults):
        if not has_mounts:
            parser.error("argument --faults: clock and disk need mounts, which only root may make")
        enter_namespace()
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder = arguments.folder or temporary / "sweep"
        folder.mkdir(parents=True, exist_ok=True)
        clock = Clock(temporary) if "clock" in arguments.faults else None
        if "disk" in arguments.faults:
            stack.enter_context(small_disk(folder / "outputs"))
        sys.exit(_run(Chaos(folder.absolute(), arguments, clock), arguments))


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in FAULTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {','.join(FAULTS)}")
    return names


def _run(chaos: Chaos, arguments: argparse.Namespace) -> int:
    started = time.monotonic()
    plan = draw_plan(arguments.seed, arguments.faults, arguments.kills, arguments.each, tuple(arguments.epochs))
    ended_badly = chaos.run(plan)
    trials = chaos.trials()
    num_met = {**chaos.faults.done, "kills": chaos.num_kills_that_met(trials)}
    attempts = len(trials) - len({Attempt(trial).first_attempt for trial in trials})
    print(*(f"{number} {name}" for name, number in chaos.faults.done.items()), sep=", ", flush=True)
    print(f"{num_met['kills']} of {chaos.faults.done['kills']} kills met a running trial", flush=True)
    print(f"{chaos.n_trials} trials, {attempts} further attempts, {time.monotonic() - started:.0f} s", flush=True)
    broken = [ended_badly, *chaos.faults.broken] if ended_badly else list(chaos.broken())
    broken += vacuous(plan, Counter(num_met))
    print(*(broken or ["every invariant holds"]), sep="\n", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    main()
