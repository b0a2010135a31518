"""(o) and (q): what the lean engine does between two epochs, and what it takes to save checkpoints, in this process."""

from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from measuring import temporary_folder
from nets import Net, run_in
from timed_learner import Timeline

from tunesmith.reporting import NoReporter
from tunesmith.run_folder import LAST_CHECKPOINT

NET = Net(32, 128, 2)
EPOCHS, ROUNDS = 150, 5


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
    runs = measure()
    usual, average = (median(getattr(run, name) for run in runs) for name in ("without_save", "mean"))
    return (
        f"{usual:.2f} ms between two epochs of {NET}, from the last validation batch to the next epoch's first step; "
        f"{average:.2f} ms on average over all epochs, saves included (limit .5 ms); medians of {ROUNDS} runs"
    )


def saving() -> str:
    runs = measure()
    share, save, saves = (median(getattr(run, name) for run in runs) for name in ("share", "save", "saves"))
    return (
        f"{share:.1%} of training goes into saving: {saves:.0f} saves of {save:.1f} ms in {EPOCHS} epochs of {NET} "
        f"(limit about 2 %); medians of {ROUNDS} runs"
    )


@cache
def measure() -> tuple[Bookkeeping, ...]:
    return tuple(watched_run(NET, EPOCHS) for _ in range(ROUNDS + 1))[1:]


def watched_run(net: Net, epochs: int, *overrides: str) -> Bookkeeping:
    with temporary_folder() as folder:
        watch = SaveWatch(folder=folder)
        timeline = run_in(folder, net.config(epochs, "cpu", "trainer.engine=lean", *overrides), watch)
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
