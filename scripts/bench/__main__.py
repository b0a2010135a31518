"""The figures of docs/benchmarks.md, each with its limit, measured in one run: python scripts/bench

(a) a training step of Lightning, default callbacks and logger included, against a bare PyTorch loop
(b) what the sweeper adds to a trial whose job does nothing, beyond Optuna's own ask and tell on the same storage
(c) the start of train.py: --cfg job
(d) the whole main job, against scripts/expert_loop.py, wall clock per trained epoch
(e) epochs a second of two workers against one, from the first ask to the last tell: the same trials, none pruned
(f) an empty trial with four workers, from the first ask to the last tell of 200
(g) the memory of one process after 10 and after 100 trials
(k) a training step of the lean engine, against Lightning's and a bare loop's, for three nets
(l) the main job against the commit before the lean engine, CPU per trained epoch, three search seeds
(m) the main job against scripts/expert_loop.py, CPU per trained epoch
(n) data.folds=5 and -m seed=0..15 in both engines, CPU per trained epoch
(o) what the lean engine does between two epochs, beyond what a bare loop does
(p) what a sweep imports up to the end of its first trial, in both engines
(q) the share of training that goes into checkpoints
(r) what probes add to runs and to the main job

(h) to (j) are scripts/bench/official.py's; scripts/bench/gpu.py and scripts/bench/scale.py have figures of their own.
All sides of a ratio are measured in turn, because the machine's speed drifts; the median of several ratios is printed.
"""

import argparse
from collections.abc import Callable
from importlib import import_module

from measuring import machine

# Letter -> the function that measures the figure and returns its line. (d), (l), (m) take --before.
FIGURES = {
    "a": "steps.compare_with_bare_loop",
    "b": "empty_trials.compare_with_optuna",
    "c": "imports.start",
    "d": "sweeps.compare_wall_clock",
    "e": "workers.compare_two_with_one",
    "f": "empty_trials.four_workers",
    "g": "workers.memory",
    "k": "steps.compare_engines",
    "l": "sweeps.compare_with_before",
    "m": "sweeps.compare_with_expert",
    "n": "repeats.compare_engines",
    "o": "bookkeeping.between_epochs",
    "p": "imports.first_trial",
    "q": "bookkeeping.saving",
    "r": "probing.compare_with_none",
}


def main() -> None:
    arguments = _arguments()
    print(machine(), flush=True)
    for letter in FIGURES:
        if letter in arguments.only:
            print(f"({letter}) {measure(letter, arguments.before)}", flush=True)


def measure(letter: str, before: str) -> str:
    module, _, function = FIGURES[letter].partition(".")
    figure: Callable[..., str] = getattr(import_module(module), function)
    return figure(before) if module == "sweeps" else figure()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=tuple(FIGURES), nargs="+", default=list(FIGURES))
    parser.add_argument(
        "--before",
        default="8287b97",
        help="of (l): a commit of this clone, or a folder with an earlier copy of the project; default: %(default)s",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
