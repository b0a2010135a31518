"""Pictures of a run or a study: python scripts/plot.py outputs/runs/<date>/<time>  or  outputs/sweeps/<study>

For a run, curves.png shows its metrics over the epochs; if it has kept what its best weights predict, confusion.png or
residuals.png and, of images, worst.png are drawn too. For a study, curves.png shows the metrics of all trials (pruned
ones dashed, the best one bold), and study.png the value against each parameter and the best value so far.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from tunesmith.config.changes import show_value
from tunesmith.errors import UserError
from tunesmith.insight.pages.study_facts import TrialFacts
from tunesmith.insight.plots import save_curves
from tunesmith.insight.run_plots import run_pictures
from tunesmith.insight.study_plots import save_study
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import VAL_OUTPUTS_FILE, read_metrics, run_rooms, trial_folder
from tunesmith.search.report.facts import read_study
from tunesmith.search.report.kind import is_study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a run's folder or a study's")
    folder = parser.parse_args().folder
    with exit_on_error():
        for path in draw_study(folder) if is_study(folder) else draw_run(folder):
            print(path)


def draw_run(folder: Path) -> Iterator[Path]:
    """Draw a run; a run with folds gets a line for each fold."""
    runs = {each.name: rows for each in run_rooms(folder) if (rows := read_metrics(each))}
    if not runs:
        raise UserError(f"folder must be one that a run or a study left; got {folder}, which has no metrics.csv")
    save_curves(folder / "curves.png", runs)
    yield folder / "curves.png"
    try:
        pictures = run_pictures(folder)
    except ValueError as error:
        raise UserError(f"{folder / VAL_OUTPUTS_FILE} cannot be read: {error}") from None
    for name, draw in pictures.items():
        if name != "curves":  # with folds, it is that of all
            draw(folder / f"{name}.png")
            yield folder / f"{name}.png"


def draw_study(folder: Path) -> Iterator[Path]:
    study = read_study(folder)
    labels = {trial.number: label(trial) for trial in study.trials}
    if all(trial.value is None for trial in study.trials):
        raise UserError(f"folder must be a study with a trial that ended; got {folder}")
    here = {trial.number: trial_folder(folder, trial.folder) for trial in study.trials}
    runs = {labels[number]: rows for number, path in here.items() if path is not None and (rows := read_metrics(path))}
    if runs:
        pruned = {labels[trial.number] for trial in study.trials if trial.state == "pruned"}
        save_curves(folder / "curves.png", runs, pruned, labels[study.best.number] if study.best else None)
        yield folder / "curves.png"
    save_study(folder / "study.png", study)
    yield folder / "study.png"


def label(trial: TrialFacts) -> str:
    return "  ".join([str(trial.number), *(f"{key}={show_value(value)}" for key, value in trial.params.items())])


if __name__ == "__main__":
    main()
