"""Evaluate a run or trial on the test part: python scripts/evaluate.py outputs/runs/<date>/<time>

Writes test.yaml beside the run's result.yaml, test_report.txt if targets are classes, and test_outputs.npz for the
run's page, which is written anew if it is there. Use the test part at the end only: choose nothing by its metrics.
"""

import argparse
from pathlib import Path

from tunesmith.cli import evaluate
from tunesmith.insight.evaluation_rows import evaluation_rows
from tunesmith.insight.pages.run_page import write_run_page
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import PAGE_FILE, check_run_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a run's folder, or a trial's: outputs/sweeps/<study>/<number>")
    folder = parser.parse_args().folder
    with exit_on_error():
        check_run_folder(folder)
        evaluate(folder)
        for label, text in evaluation_rows(folder):
            print(f"{label:<12} {text}")
        if (folder / PAGE_FILE).is_file():  # it shows the test part from now on
            print(f"{'report':<12} {write_run_page(folder)}")


if __name__ == "__main__":
    main()
