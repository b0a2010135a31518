"""(o) and (q): what the lean engine does between two epochs, and what it takes to save checkpoints, in this process."""

import time
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

from measuring import temporary_folder
from nets import Clock, Net, run_bare, run_in
from timed_learner import Timeline

from tunesmith.reporting import NoReporter
from tunesmith.run_folder import LAST_CHECKPOINT

NET = Net(32, 128, 2)
EPOCHS, ROUNDS = 120, 5
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
class Pauses:
    """What lies between the epochs of one run, in milliseconds.

    A pause lasts from the end of an epoch's last validation batch to the begin of the next epoch's first step: metrics,
    schedules, patience, the row of metrics.csv, TensorBoard's events, the report, the copy of the weights or the save,
    and what a bare loop does there, too: the next epoch's seeds and shuffled batches.

    Attributes:
        usual: the median of the pauses without a save; mean: of all pauses.
        saves: how many there were; save: what one takes; share: what all of them take of the epochs' time.
    """

    usual: float
    mean: float
    saves: int
    save: float
    share: float


def between_epochs() -> str:
    texts = []
    for clock in CLOCKS:
        lean, bare = measure()[clock]
        usual, bare_usual = (median(pauses.usual for pauses in runs) for runs in (lean, bare))
        added = median(ours.usual - other.usual for ours, other in zip(lean, bare, strict=True))
        all_added = median(ours.mean - other.mean for ours, other in zip(lean, bare, strict=True))
        texts.append(
            f"{added:.2f} ms of {clock} beyond a bare loop's pause between two epochs ({usual:.2f} and "
            f"{bare_usual:.2f}), {all_added:.2f} with the saves, spread over all epochs"
        )
    return f"{NET}: {'; '.join(texts)}; medians of {ROUNDS} runs of {EPOCHS} epochs (limit .5 ms)"


def saving() -> str:
    lean, _ = measure()["wall clock"]
    share, save, saves = (median(getattr(pauses, name) for pauses in lean) for name in ("share", "save", "saves"))
    return (
        f"{share:.1%} of training goes into saving: {saves:.0f} saves of {save:.1f} ms in {EPOCHS} epochs of {NET} "
        f"(limit about 2 %); medians of {ROUNDS} runs"
    )


@cache
def measure() -> dict[str, tuple[list[Pauses], list[Pauses]]]:
    """Return clock -> the lean engine's runs and the bare loop's, which are measured in turn."""
    found: dict[str, tuple[list[Pauses], list[Pauses]]] = {name: ([], []) for name in CLOCKS}
    for _ in range(ROUNDS + 1):
        for name, clock in CLOCKS.items():
            found[name][0].append(watched_run(NET, EPOCHS, clock))
            bare = run_bare(NET, EPOCHS, clock=clock)
            found[name][1].append(summarize(bare, [False] * len(bare.between_epochs())))
    return {name: (lean[1:], bare[1:]) for name, (lean, bare) in found.items()}


def watched_run(net: Net, epochs: int, clock: Clock, *overrides: str) -> Pauses:
    """Train in the lean engine, with all default callbacks, files and the logger."""
    with temporary_folder() as folder:
        watch = SaveWatch(folder=folder)
        timeline = run_in(folder, net.config(epochs, "cpu", "trainer.engine=lean", *overrides), watch, clock)
    return summarize(timeline, has_saved(watch.seen))


def has_saved(seen: list[int]) -> list[bool]:
    """Return for each epoch but the first and the last whether it saved; seen: last.ckpt's time at each report."""
    return [before != after for before, after in pairwise(seen[1:])]


def summarize(timeline: Timeline, saved: list[bool]) -> Pauses:
    """saved: for each epoch that the timeline has a time after."""
    pauses = timeline.between_epochs()
    assert len(pauses) == len(saved)
    usual = median([pause for pause, has in zip(pauses, saved, strict=True) if not has] or pauses)
    saves = [pause - usual for pause, has in zip(pauses, saved, strict=True) if has]
    share = sum(saves) / (timeline.epoch() * len(pauses))
    return Pauses(usual, mean(pauses), len(saves), median(saves) if saves else 0.0, share)
