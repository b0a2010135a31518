"""Measures the study checks: python scripts/search_evidence/study_checks.py [--studies 200], about eight minutes.

Prints how often each check alarms in healthy studies and on the recorded table of learning curves, and how often it
finds what was planted in simulated studies: docs/study_checks.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

import numpy as np
from curve_table import read_table
from simulated_studies import NOISE_SD, healthy, planted, point_of, simulate
from table_studies import table_study

from tunesmith.insight.study_checks.all_checks import check_study
from tunesmith.insight.study_checks.noise import ties
from tunesmith.insight.study_checks.trials import CheckedStudy, Finding

SIZES = (30, 60, 100)
DRAWS = ("random", "tpe-like")
FAULTS = {
    "edge_of_range": False,
    "failures_cluster": False,
    "pruner_kills_late_bloomers": True,
    "no_effect": False,
    "still_improving": False,
    "optimism": False,
    "baseline_unbeaten": False,
}
ANY = "any of them"
# Of the recorded table these are true: the widest nets are the best at each learning rate, the batch size explains 1 %
# of the variance of ranks, and its 384 points are drawn again.
TRUE_OF_TABLE = {"edge_of_range model.hidden_units", "no_effect data.batch_size", "duplicated_configurations"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    num = parser.parse_args().studies
    for draws in DRAWS:
        for prunes in (False, True):
            name = f"healthy, {draws}{', pruned' if prunes else ''}"
            show(name, num, lambda rng, size, d=draws, p=prunes: simulate(healthy(rng), size, d, p, rng))
    table = read_table()
    for draws in DRAWS:
        for prunes in (False, True):
            name = f"recorded table, {draws}{', pruned' if prunes else ''}"
            show(name, num, lambda rng, size, d=draws, p=prunes: table_study(table, size, d, p, rng), TRUE_OF_TABLE)
    for fault, prunes in FAULTS.items():
        for draws in DRAWS:
            make = lambda rng, size, f=fault, d=draws, p=prunes: simulate(planted(f, rng), size, d, p, rng)  # noqa: E731
            show(f"planted {fault}, {draws}", num, make)
    for draws in DRAWS:
        show_ties(draws, num)


def show(
    name: str, num: int, make: Callable[[np.random.Generator, int], CheckedStudy], true: Collection[str] = ()
) -> None:
    """Print in how many percent of the studies each check alarms, per number of trials; true: alarms that are right."""
    print(f"\n{name}: alarms in % of {num} studies at {', '.join(map(str, SIZES))} trials")
    shares = [alarms((make(np.random.default_rng(seed), size) for seed in range(num)), num, true) for size in SIZES]
    for check in sorted({check for share in shares for check in share}, key=lambda check: (check == ANY, check)):
        print(f"  {check:<42}" + "".join(f"{share.get(check, 0.0):7.1f}" for share in shares), flush=True)


def show_ties(draws: str, num: int) -> None:
    """Print in how many percent of healthy studies of known noise there are ties, and how often the pick is wrong."""
    print(f"\nties, {draws}: % of {num} studies; % of these, and of the others, whose best score is not the best trial")
    for size in SIZES:
        wrong: dict[bool, list[bool]] = {True: [], False: []}
        for seed in range(num):
            rng = np.random.default_rng(seed)
            truth = healthy(rng)
            study = replace(simulate(truth, size, draws, False, rng), noise_sd=NOISE_SD)
            losses = [truth.loss(point_of(trial)) for trial in study.complete]
            wrong[bool(list(ties(study)))].append(losses[0] > min(losses))
        shares = [100 * float(np.mean(wrong[is_tied])) for is_tied in (True, False)]
        print(f"  {size:>3} trials" + "".join(f"{share:7.1f}" for share in (100 * len(wrong[True]) / num, *shares)))


def alarms(studies: Iterable[CheckedStudy], num: int, true: Collection[str]) -> dict[str, float]:
    """Return check -> percent of the studies in which it alarms; true alarms are counted apart."""
    counts: Counter[str] = Counter()
    for study in studies:
        names = {name_of(finding) if name_of(finding) in true else finding.name for finding in check_study(study)}
        counts.update({f"true: {name}" if name in true else name for name in names})
        counts.update({ANY} if names - set(true) else ())
    return {check: 100 * count / num for check, count in counts.items()}


def name_of(finding: Finding) -> str:
    """Return the check's name, with the key that it is about if it is about one."""
    key = finding.text.replace(":", " ").split()[0]
    return f"{finding.name} {key}" if finding.name in ("edge_of_range", "no_effect") else finding.name


if __name__ == "__main__":
    main()
