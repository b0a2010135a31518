"""The summary that a sweep prints at its end."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith import run_folder
from tunesmith.insight.diagnosis.tally import tally_words
from tunesmith.insight.evaluation_rows import chance_rows
from tunesmith.search import command, results
from tunesmith.search.confirm.confirmation import as_rows
from tunesmith.search.console.lines import rows
from tunesmith.search.settings import Settings
from tunesmith.search.space.space import Space
from tunesmith.search.stages.effects import as_line
from tunesmith.search.study.study import DIRECTIONS
from tunesmith.search.trials_table import TRIALS_FILE

NUM_TIES = 5
NUM_SHOWN = 10
_ENDED = ("complete", "pruned", "failed")


def print_summary(
    found: Mapping[str, Any],
    ties: Sequence[int],
    settings: Settings,
    space: Space,
    folder: Path,
    study_keys: Mapping[str, str],
) -> None:
    """Print a study's results.

    found: the content of optimization_results.yaml; ties: other trials with the best value.
    study_keys: overrides that lead a command to the study.
    """
    rows(_rows(found, ties, settings, space, folder, study_keys))


def _rows(
    found: Mapping[str, Any],
    ties: Sequence[int],
    settings: Settings,
    space: Space,
    folder: Path,
    study_keys: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    if found.get("solutions"):
        yield from _front(found, space)
    elif found["best_trial"] is None:
        yield "best", f"none: no trial {'keeps all constraints' if found.get('infeasible') else 'ran to its end'}"
    else:
        assert isinstance(settings.direction, str)
        mode = DIRECTIONS[settings.direction]
        yield "best value", f"{found['best_value']:.6g} ({mode}d), trial {found['best_trial']}"
        if ties:
            yield "ties", _ties(ties)
        yield "parameters", "  ".join(space.overrides(found["best_params"]))
        if results.find_best(folder, found) is None:
            host = found["best_host"] or "an unknown host"
            yield "best lies on", f"{host}, in {found['best_dir']}: the same command there evaluates it"
    for stage in found.get("search", {}).get("stages", ()):
        if stage.get("effects"):
            yield "effects", as_line(stage["effects"])
    yield from as_rows(found["confirm"]) if found.get("confirm") else ()
    numbers = {**found["trials"], **({"infeasible": found["infeasible"]} if "infeasible" in found else {})}
    yield "trials", "  ".join(f"{number} {state}" for state, number in numbers.items())
    if found.get("findings"):
        yield "findings", tally_words(found["findings"], sum(found["trials"][state] for state in _ENDED))
    epochs = found["epochs"]
    yield "epochs", f"{epochs['run']} run" + (f", {epochs['saved']} saved by pruning" if epochs["saved"] else "")
    if found["test"]:
        yield "test", "  ".join([*(f"{name} {value:.4g}" for name, value in found["test"].items()), *_of_refit(found)])
        yield from _chance(found, folder)
    files = [results.RESULTS_FILE, results.BEST_FILE, TRIALS_FILE]
    yield "files", f"{folder}/  {', '.join(name for name in files if (folder / name).exists())}"
    logdir = "outputs" if folder.parts[:1] == ("outputs",) else str(folder)
    yield "curves", shlex.join(["tensorboard", "--logdir", logdir])
    if (folder / results.BEST_FILE).exists():
        yield "repeat best", results.best_command(folder)
    yield "resume", command.resume_hint(study_keys)


def _front(found: Mapping[str, Any], space: Space) -> Iterator[tuple[str, str]]:
    """Yield a row for each trial of the Pareto front; of a long one for every n-th."""
    solutions = found["solutions"]
    modes = ", ".join(f"{direction}d" for direction in found["directions"])
    yield "front", f"{len(solutions)} of {found['trials']['complete']} trials, dominated by no other ({modes})"
    shown = solutions[:: -(-len(solutions) // NUM_SHOWN)]
    for solution in shown:
        values = ", ".join(f"{value:.6g}" for value in solution["values"])
        yield f"trial {solution['trial']:>3}", "  ".join([values, *space.overrides(solution["params"])])
    if len(shown) < len(solutions):
        yield "", f"{len(solutions) - len(shown)} more are in {results.RESULTS_FILE}"


def _of_refit(found: Mapping[str, Any]) -> Iterator[str]:
    if found.get("refit"):
        yield f"(refit, {found['refit']['epochs']} epochs, in {found['refit']['folder']})"


def _chance(found: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what the test part leaves to chance, read in the folder of what was evaluated, if it lies on this host."""
    best = results.find_best(folder, found)
    if best is not None:
        yield from chance_rows(best / run_folder.REFIT_FOLDER if found.get("refit") else best)


def _ties(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:NUM_TIES])) + (" ..." if len(numbers) > NUM_TIES else "")
    return f"{len(numbers)} more {'trial has' if len(numbers) == 1 else 'trials have'} the same value: {shown}"
