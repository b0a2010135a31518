"""The table and the picture of docs/search.md, by replays on the recorded table: python scripts/search_evidence

Each search runs 20 times, in the landscape of one of the table's three seeds: for 100 trials, and if it prunes, on to
the 3000 epochs that 100 whole trials take.
"""

import argparse
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from drawing import draw
from evidence import Progress
from searches import CONFIRMED, MAX_EPOCHS, N_TRIALS, RANDOM, SEARCHES, repeat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", choices=SEARCHES, default=list(SEARCHES), help="beside random")
    parser.add_argument("--picture", type=Path, help="where to draw it, such as docs/search.png")
    options = parser.parse_args()
    names = list(dict.fromkeys([RANDOM, *options.only]))
    with ProcessPoolExecutor(options.processes) as pool:
        runs = dict(zip(names, pool.map(partial(repeat, repeats=options.repeats), names), strict=True))
    for line in table_lines(runs):
        print(line)
    if options.picture is not None:
        draw(options.picture, runs, MAX_EPOCHS)


def table_lines(runs: Mapping[str, Sequence[Progress]]) -> list[str]:
    """Return the table of docs/search.md: medians over the repeats."""
    rows = [
        "| search | epochs of 100 trials | best seen | its true value | rank | to random's best | reached "
        "| at 3000 epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, repeats in runs.items():
        at_trials = [each.at(n_trials=N_TRIALS) for each in repeats]
        columns = [
            f"{_median(repeats, at_trials, 'epochs'):.0f}",
            *(f"{_median(repeats, at_trials, field):.4f}" for field in ("seen", "true")),
            f"{_median(repeats, at_trials, 'rank') + 1:.0f}",
            *_reached(repeats, runs[RANDOM], is_comparable=name != CONFIRMED),
            f"{_median(repeats, [each.at(num_epochs=MAX_EPOCHS) for each in repeats], 'true'):.4f}",
        ]
        rows.append(f"| {' | '.join([name, *columns])} |")
    return rows


def _median(repeats: Sequence[Progress], indices: Sequence[int], field: str) -> float:
    return float(median(getattr(each, field)[index] for each, index in zip(repeats, indices, strict=True)))


def _reached(repeats: Sequence[Progress], random: Sequence[Progress], is_comparable: bool) -> tuple[str, str]:
    """Return the epochs until random's best of 100 trials on the same nets was reached, and how often it was."""
    if not is_comparable:
        return "", ""
    epochs = [each.epochs_to(other.seen[-1]) for each, other in zip(repeats, random, strict=True)]
    middle = median(epochs)
    return ("never" if np.isinf(middle) else f"{middle:.0f}", f"{np.isfinite(epochs).sum()} of {len(epochs)}")


if __name__ == "__main__":
    main()
