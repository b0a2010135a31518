"""Measures the study checks on simulated studies: python scripts/search_evidence/study_checks.py [--studies 200]

Prints how often each check alarms in healthy studies, and how often it finds what was planted: docs/study_checks.md.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from simulated_studies import healthy, planted, simulate

from tunesmith.insight.study_checks.all_checks import check_study
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    num = parser.parse_args().studies
    for draws in DRAWS:
        for prunes in (False, True):
            name = f"healthy, {draws}{', pruned' if prunes else ''}"
            show(name, num, lambda rng, size, d=draws, p=prunes: simulate(healthy(rng), size, d, p, rng))
    for fault, prunes in FAULTS.items():
        for draws in DRAWS:
            make = lambda rng, size, f=fault, d=draws, p=prunes: simulate(planted(f, rng), size, d, p, rng)  # noqa: E731
            show(f"planted {fault}, {draws}", num, make)


def show(name: str, num: int, make: Callable[[np.random.Generator, int], CheckedStudy]) -> None:
    """Print in how many percent of the studies each check alarms, per number of trials."""
    print(f"\n{name}: alarms in % of {num} studies at {', '.join(map(str, SIZES))} trials")
    shares = [alarms((make(np.random.default_rng(seed), size) for seed in range(num)), num) for size in SIZES]
    for check in sorted({check for share in shares for check in share}, key=lambda check: (check == ANY, check)):
        print(f"  {check:<28}" + "".join(f"{share.get(check, 0.0):7.1f}" for share in shares), flush=True)


def alarms(studies: Iterable[CheckedStudy], num: int) -> dict[str, float]:
    """Return check -> percent of the studies in which it alarms."""
    counts: Counter[str] = Counter()
    for study in studies:
        found: list[Finding] = check_study(study)
        counts.update({finding.name for finding in found} | ({ANY} if found else set()))
    return {check: 100 * count / num for check, count in counts.items()}


if __name__ == "__main__":
    main()
