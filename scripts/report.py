"""The page of a study or a run, from what is there: python scripts/report.py outputs/sweeps/first

It writes report.html into the folder, also of a study that runs, of one in a database, and of a damaged folder: the
page says what is missing.
"""

import argparse
from pathlib import Path

from tunesmith.errors import UserError
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import CONFIG_FILE, METRICS_FILE, RESULT_FILE
from tunesmith.search.results import MULTIRUN_FILE, RESULTS_FILE
from tunesmith.search.storage.storage import JOURNAL_FILE
from tunesmith.search.study.trial_folders import numbered_folders
from tunesmith.search.trials_table import TRIALS_FILE

OF_A_STUDY = (MULTIRUN_FILE, RESULTS_FILE, JOURNAL_FILE, TRIALS_FILE)
OF_A_RUN = (CONFIG_FILE, METRICS_FILE, RESULT_FILE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a study's folder, or a run's")
    folder = parser.parse_args().folder
    with exit_on_error():
        print(write_page(folder))


def write_page(folder: Path) -> Path:
    """Write the page of a study or of a run; return its path.

    Raises:
        UserError: the folder is neither's.
    """
    is_run = any((folder / name).is_file() for name in OF_A_RUN)
    if any((folder / name).is_file() for name in OF_A_STUDY) or (not is_run and numbered_folders(folder)):
        from tunesmith.search.report.report import write_report

        return write_report(folder)
    if is_run:
        from tunesmith.insight.pages.run_page import write_run_page

        return write_run_page(folder)
    raise UserError(f"folder must be one that a study or a run left; got {folder}")


if __name__ == "__main__":
    main()
