"""(r): what probes add to whole runs of digits in both engines, to mnist_5k, and to the main job."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

from measuring import TRAIN, cost_of, each, in_turn, ratio, temporary_folder
from nets import no_line_per_epoch
from sweeps import Search, read_search

from tunesmith.notebook import compose
from tunesmith.reporting import NoReporter
from tunesmith.training.probes.probes import Probes
from tunesmith.training.run import train_in

# What is run -> its overrides and rounds; the net and the batches are those of (a).
RUNS = {
    "digits, Lightning": (("trainer.engine=lightning",), 9),
    "digits, lean": (("trainer.engine=lean",), 9),
    "mnist_5k, Lightning": (("data=mnist_5k", "trainer.engine=lightning"), 3),
}
COMMON = ("trainer.accelerator=cpu", "trainer.max_epochs=50", "callbacks=none", "report=false", "threads=1")
SWEEPS = 3
_METHODS = ("start", "before_step", "end_epoch", "end")


def compare_with_none() -> str:
    """Print for each run the ratio of its CPU time with and without, and the share that is spent inside of probes."""
    texts = []
    for name, (overrides, rounds) in RUNS.items():
        shares: list[float] = []
        found = in_turn({probes: partial(_train, probes, overrides, shares) for probes in ("auto", "false")}, rounds)
        inside = median(share for share in shares[2:] if share)  # without the warm-up
        ratios = each([on / off for on, off in zip(found["auto"], found["false"], strict=True)])
        print(f"    {name}: {ratio(found['auto'], found['false']):.3f}x, median of {ratios}", flush=True)
        texts.append(f"{name} {inside:.1%}")
    return f"CPU inside of probes over that of the rest of the training: {', '.join(texts)} (limit 4 % in Lightning); {_sweeps()}"


def _train(probes: str, overrides: tuple[str, ...], shares: list[float]) -> float:
    """Train, note the share of probes, and return seconds of CPU."""
    with temporary_folder() as folder, _watched() as spent, no_line_per_epoch():
        began = time.process_time()
        train_in(compose(*COMMON, *overrides, f"probes={probes}"), folder, NoReporter())
        took = time.process_time() - began
    shares.append(sum(spent) / (took - sum(spent)))
    return took


@contextmanager
def _watched() -> Iterator[list[float]]:
    """Note the seconds of CPU of each call of probes."""
    methods = {name: getattr(Probes, name) for name in _METHODS}
    spent: list[float] = []

    def timed(method, *arguments, **keywords):
        began = time.process_time()
        try:
            return method(*arguments, **keywords)
        finally:
            spent.append(time.process_time() - began)

    for name, method in methods.items():
        setattr(Probes, name, lambda *arguments, _method=method, **keywords: timed(_method, *arguments, **keywords))
    try:
        yield spent
    finally:
        for name, method in methods.items():
            setattr(Probes, name, method)


def _sweeps() -> str:
    searches: dict[str, list[Search]] = {"auto": [], "false": []}
    for _ in range(SWEEPS):
        for probes, found in searches.items():
            with temporary_folder() as folder:
                cost, _ = cost_of(folder, TRAIN, "-m", "study_name=s", f"probes={probes}")
                found.append(read_search(folder, cost))
    on, off = ([search.cost.cpu for search in found] for found in searches.values())
    best = {search.best for found in searches.values() for search in found}
    ratios = each([one / other for one, other in zip(on, off, strict=True)])
    same = "the same best value" if len(best) == 1 else f"best values {each(sorted(best), '.4f')}"
    return f"make sweep with and without {ratio(on, off):.2f}x of CPU, median of {ratios} (limit 1.05x), {same}"
