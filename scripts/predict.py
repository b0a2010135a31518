"""Predict new rows with a trained model: python scripts/predict.py outputs/runs/<date>/<time> new.csv

The rows are prepared as the run's own data were, which need not be there any more. Writes predictions.csv into the
run's folder, a row for each row of the file: the probability of each class and the likeliest one, or the predicted
number. docs/predict.md says what files may hold.
"""

import argparse
from pathlib import Path

from tunesmith.cli import register_resolvers
from tunesmith.errors import UserError, printable
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import BEST_CHECKPOINT
from tunesmith.search.trained_folder import trained_folder
from tunesmith.training.loading import load

NUM_SHOWN = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a run's folder, a trial's, or a study's, for its best trial")
    parser.add_argument("inputs", type=Path, help="a CSV file with the columns of training, or an npz or npy file")
    parser.add_argument("output", nargs="?", default="", help="output=PATH: another file, which is not there yet")
    typed = parser.parse_args()
    register_resolvers()
    with exit_on_error():
        output = _read_output(typed.output)
        folder = trained_folder(typed.folder)
        load("tunesmith.training.prediction")
        from tunesmith.training.prediction import write_predictions

        written = write_predictions(folder, typed.inputs, output)
        print(f"{'model':<12} {_model(folder)}")
        print(f"{'rows':<12} {written.num_rows}")
        if written.counts:
            shown = "  ".join(f"{name} {number}" for name, number in written.counts.most_common(NUM_SHOWN))
            print(f"{'predicted':<12} {printable(shown)}")
        print(f"{'written to':<12} {written.path}")


def _model(folder: Path) -> str:
    if (folder / BEST_CHECKPOINT).is_file():
        return f"{folder}/{BEST_CHECKPOINT}"
    return f"{folder}/fold_*/{BEST_CHECKPOINT}  (the mean of their outputs)"


def _read_output(typed: str) -> Path | None:
    key, _, path = typed.partition("=")
    if typed and (key != "output" or not path):
        raise UserError(f"output must be given as output=PATH; got '{typed}'")
    return Path(path) if path else None


if __name__ == "__main__":
    main()
