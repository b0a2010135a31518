"""Pictures of a run or a study: python scripts/plot.py outputs/runs/<date>/<time>  or  outputs/sweeps/<study>

For a run, curves.png shows its metrics over the epochs. For a study, curves.png shows the metrics of all trials, and
study.png the value against each parameter and the best value so far.
"""

import argparse
from pathlib import Path

from omegaconf import OmegaConf

from tunesmith.cli import register_resolvers
from tunesmith.errors import UserError
from tunesmith.insight.plots import save_curves, save_study
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import read_metrics, trial_folder
from tunesmith.search.trials_table import TRIALS_FILE, read_trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a run's folder or a study's")
    folder = parser.parse_args().folder
    with exit_on_error():
        for path in draw_study(folder) if (folder / TRIALS_FILE).is_file() else draw_run(folder):
            print(path)


def draw_run(folder: Path) -> list[Path]:
    """Draw a run; a run with folds gets a line for each fold."""
    folders = (folder, *sorted(folder.glob("fold_*")))
    runs = {each.name: rows for each in folders if (rows := read_metrics(each))}
    if not runs:
        raise UserError(f"folder must be one that a run or a study left; got {folder}, which has no metrics.csv")
    save_curves(folder / "curves.png", runs)
    return [folder / "curves.png"]


def draw_study(folder: Path) -> list[Path]:
    rows, params = read_trials(folder)
    trials = [row for row in rows if row["value"]]
    if not trials:
        raise UserError(f"folder must be a study with a trial that ended; got {folder}")
    drawn = []
    labels = ["  ".join([trial["number"], *(f"{param}={trial[param]}" for param in params)]) for trial in trials]
    here = {label: trial_folder(folder, trial["folder"]) for label, trial in zip(labels, trials, strict=True)}
    runs = {label: rows for label, path in here.items() if path is not None and (rows := read_metrics(path))}
    if runs:
        save_curves(folder / "curves.png", runs)
        drawn.append(folder / "curves.png")
    register_resolvers()  # the direction follows the objective's mode
    direction = OmegaConf.select(OmegaConf.load(folder / "multirun.yaml"), "hydra.sweeper.direction")
    first = direction if isinstance(direction, str) else direction[0]  # of several objectives, whose value is drawn
    save_study(folder / "study.png", trials, params, "max" if "max" in first else "min")
    return [*drawn, folder / "study.png"]


if __name__ == "__main__":
    main()
