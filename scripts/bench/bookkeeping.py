"""(o) and (q): what the lean engine does between two epochs, and what it takes to save checkpoints, in this process."""

import time
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from measuring import temporary_folder
from nets import Clock, Net, run_in
from timed_learner import Timeline

from tunesmith.reporting import NoReporter
from tunesmith.run_folder import LAST_CHECKPOINT

NET = Net(32, 128, 2)
EPOCHS, ROUNDS = 150, 5
# Wall clock has the waits for the disk in it, and those for other processes.
CLOCKS: dict[str, Clock] = {"wall clock": time.perf_counter, "CPU": time.process_time}


@dataclass(frozen=True)
class SaveWatch(NoReporter):
    """Sees at each epoch's report whether the epoch before has saved last.ckpt: the report comes before the save."""

    folder: Path = Path()
    seen: list[int] = field(default_factory=list)

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        last = self.folder / LAST_CHECKPOINT
        self.seen.append(last.stat().st_mtime_ns if last.exists() else 0)


@dataclass(frozen=True)
class Bookkeeping:
    """Of one run, in milliseconds: between the epochs that saved nothing, between all, and the saves themselves.

    Between two epochs: from the end of the last validation batch to the begin of the next epoch's first step. That is
    metrics, schedules, patience, the row of metrics.csv, TensorBoard's events, the report, the copy of the weights or
    the save, the draws' seeds and the next epoch's shuffled batches.
    """

    without_save: float
    mean: float
    saves: int
    save: float
    share: float


def between_epochs() -> str:
    texts = []
    for clock in CLOCKS:
        usual, average = (median(getattr(run, name) for run in measure()[clock]) for name in ("without_save", "mean"))
        texts.append(f"{usual:.2f} ms of {clock} between two epochs that save nothing, {average:.2f} the mean of all")
    return f"{'; '.join(texts)}: {NET}, medians of {ROUNDS} runs of {EPOCHS} epochs (limit .5 ms)"


def saving() -> str:
    runs = measure()["wall clock"]
    share, save, saves = (median(getattr(run, name) for run in runs) for name in ("share", "save", "saves"))
    return (
        f"{share:.1%} of training goes into saving: {saves:.0f} saves of {save:.1f} ms in {EPOCHS} epochs of {NET} "
        f"(limit about 2 %); medians of {ROUNDS} runs"
    )


@cache
def measure() -> dict[str, tuple[Bookkeeping, ...]]:
    """Return clock -> the rounds' runs."""
    rounds = [[watched_run(NET, EPOCHS, clock) for clock in CLOCKS.values()] for _ in range(ROUNDS + 1)][1:]
    return dict(zip(CLOCKS, zip(*rounds, strict=True), strict=True))


def watched_run(net: Net, epochs: int, clock: Clock, *overrides: str) -> Bookkeeping:
    with temporary_folder() as folder:
        watch = SaveWatch(folder=folder)
        timeline = run_in(folder, net.config(epochs, "cpu", "trainer.engine=lean", *overrides), watch, clock)
    return summarize(timeline, has_saved(watch.seen))


def has_saved(seen: list[int]) -> list[bool]:
    """Return for each epoch but the first and the last whether it saved; seen: last.ckpt's time at each report."""
    return [before != after for before, after in pairwise(seen[1:])]


def summarize(timeline: Timeline, saved: list[bool]) -> Bookkeeping:
    """saved: for each epoch that the timeline has a time after."""
    pauses = timeline.between_epochs()
    assert len(pauses) == len(saved)
    usual = median([pause for pause, has in zip(pauses, saved, strict=True) if not has] or pauses)
    saves = [pause - usual for pause, has in zip(pauses, saved, strict=True) if has]
    share = sum(saves) / (timeline.epoch() * len(pauses))
    return Bookkeeping(usual, mean(pauses), len(saves), median(saves) if saves else 0.0, share)
