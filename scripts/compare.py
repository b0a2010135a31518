"""Studies side by side: python scripts/compare.py outputs/sweeps/a outputs/sweeps/b

Prints best value, test metrics, trials, epochs and seconds of each study, and the standard error of an accuracy.
"""

import argparse
import math
from pathlib import Path

from omegaconf import OmegaConf

from tunesmith.errors import UserError
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import TEST_FILE, read_yaml, trial_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders of studies")
    folders = parser.parse_args().folders
    with exit_on_error():
        rows = [row(folder) for folder in folders]
        columns = list(dict.fromkeys(name for each in rows for name in each))
        table = [columns, *([each.get(name, "") for name in columns] for each in rows)]
        widths = [max(len(line[place]) for line in table) for place in range(len(columns))]
        for line in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        for line in filter(None, map(noise, folders[:1])):
            print(line)


def row(folder: Path) -> dict[str, str]:
    """Return a study's row of the table, column -> text."""
    results = read(folder)
    sampler = OmegaConf.select(OmegaConf.load(folder / "multirun.yaml"), "hydra.sweeper.sampler._target_")
    return {
        "study": str(results["study"]),
        "sampler": str(sampler).rpartition(".")[2],
        "trials": str(sum(number for state, number in results["trials"].items() if state != "lost")),
        "epochs": str(results["epochs"]["run"]),
        "seconds": f"{results['seconds']:.0f}",
        "best value": "none" if results["best_value"] is None else f"{results['best_value']:.5g}",
        **{name: f"{value:.4g}" for name, value in (results["test"] or {}).items()},
    }


def noise(folder: Path) -> str | None:
    """Return a line with the standard error of the test accuracy; None without one, or if the learner is not ours."""
    results = read(folder)
    if "test/acc" not in (results["test"] or {}):
        return None
    best = trial_folder(folder, str(results["best_dir"]))
    test = {} if best is None else read_yaml(best / TEST_FILE)
    if "samples" not in test:  # only our learner counts them
        return None
    error = math.sqrt(test["test/acc"] * (1 - test["test/acc"]) / test["samples"])
    return f"one standard error of an accuracy of {test['test/acc']:.3f} on {test['samples']} samples is {error:.4f}"


def read(folder: Path) -> dict:
    path = folder / "optimization_results.yaml"
    if not path.is_file():
        raise UserError(f"folder must be one that a study left; got {folder} ({path.name} is missing)")
    return read_yaml(path)


if __name__ == "__main__":
    main()
