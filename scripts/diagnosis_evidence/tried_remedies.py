"""Whether remedies help: --try on copies of recorded runs, and the table of docs/diagnosis.md about it."""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from recorded import Recorded
from scoring import Share
from tables import table

from tunesmith.cli import register_resolvers
from tunesmith.insight.diagnosis.finding import METRIC, NOTHING, Finding
from tunesmith.insight.diagnosis.training_facts import read_training_facts
from tunesmith.insight.findings import find_faults
from tunesmith.run_folder import CONFIG_FILE, TRY_FILE, read_yaml
from tunesmith.training.remedy_trials import try_remedies

FOLDER = "tries"
NUM_SEEDS = 3
_NO_VALUE = "-"


def remedy_lines(runs: Sequence[Recorded], root: Path) -> Iterator[str]:
    """Try the remedies of each run's first finding that has some; yield a line each, then the table.

    What was tried lies in ROOT/tries/ and is not repeated: the recorded runs stay as they are.
    """
    register_resolvers()
    logging.getLogger("tunesmith").setLevel(logging.ERROR)
    tries: list[dict[str, Any]] = []
    for run in runs:
        finding = next((each for each in find_faults(read_training_facts(run.folder)) if each.gains != NOTHING), None)
        if finding is not None:
            tries.append(_try(run, finding, root))
            yield _line(run, tries[-1])
    yield from ("", *_table(tries))


def _try(run: Recorded, finding: Finding, root: Path) -> dict[str, Any]:
    """Return what try.yaml says of a run; its record is kept for this finding with these remedies."""
    copy = root / FOLDER / run.group / run.plant / run.set / str(run.seed)
    said = read_yaml(copy / TRY_FILE) if (copy / TRY_FILE).is_file() else {}
    if said.get("finding") != finding.name or [each["overrides"] for each in said["tried"]] != _plain(finding, said):
        (copy / CONFIG_FILE).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run.folder, copy, dirs_exist_ok=True)
        config = cast("DictConfig", OmegaConf.load(copy / CONFIG_FILE))
        try_remedies(copy, config, finding, NUM_SEEDS, lambda label, text: None)
    return read_yaml(copy / TRY_FILE)


def _plain(finding: Finding, said: dict[str, Any]) -> list[list[str]]:
    """Return the remedies that would be tried: those up to the one that was better."""
    remedies = [list(each) for each in finding.remedies]
    better = said["better"]
    return remedies[: remedies.index(better) + 1] if better in remedies else remedies


def _line(run: Recorded, said: dict[str, Any]) -> str:
    tried = " | ".join(f"{' '.join(each['overrides'])}: {each['words']}" for each in said["tried"])
    return f"{run.plant}/{run.set}/{run.seed} {said['finding']} ({said['gains']}): {_end(said)} {tried}"


def _end(said: dict[str, Any]) -> str:
    return "none" if said["better"] is None else "better"


def _table(tries: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield a row per name, then one of all that promise a better metric."""
    kinds: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for said in tries:
        kinds[said["gains"], said["finding"]].append(said)
    order = sorted(kinds, key=lambda kind: (kind[0] != METRIC, kind))
    rows = [(name, gains, *_counts(kinds[gains, name])) for gains, name in order]
    promised = [said for said in tries if said["gains"] == METRIC]
    head = (
        "finding",
        "promises",
        "better beyond 1 SE",
        "by the first remedy",
        "of the value, median",
        "what was better",
    )
    yield from table(head, [*rows, ("**all that promise a better metric**", METRIC, *_counts(promised)[:3], "")])


def _counts(tries: Sequence[dict[str, Any]]) -> tuple[str, str, str, str]:
    """Return how many were better, how many by their first remedy, by how much, and by which keys."""
    better = [said for said in tries if said["better"] is not None]
    first = [said for said in better if len(said["tried"]) == 1]
    keys = [" ".join(each.partition("=")[0] for each in said["better"]) for said in better]
    named = ", ".join(f"{key} {keys.count(key)}" for key in dict.fromkeys(keys))
    gained = median(gains) if (gains := [gain for said in better if (gain := _gain(said)) is not None]) else None
    return (
        str(Share(len(better), len(tries))),
        str(Share(len(first), len(tries))),
        _NO_VALUE if gained is None else f"{gained:.0%}",
        named or _NO_VALUE,
    )


def _gain(said: dict[str, Any]) -> float | None:
    """Return the difference as a share of the original's value; None if it diverged, or is no metric."""
    if said["gains"] != METRIC:
        return None
    best = said["tried"][-1]
    before = [value for value in best["original"] if value is not None]
    return best["difference"] / abs(fmean(before)) if before and best["difference"] is not None else None
