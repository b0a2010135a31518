"""The page of a study or a run, from what is there: python scripts/report.py outputs/sweeps/first

It writes report.html into the folder, also of a study that runs, of one in a database, and of a damaged folder: the
page says what is missing.
"""

import argparse
from pathlib import Path

from tunesmith.mistakes.explain import exit_on_error
from tunesmith.search.report.kind import is_study


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
    if is_study(folder):
        from tunesmith.search.report.report import write_report

        return write_report(folder)
    from tunesmith.insight.pages.run_page import write_run_page

    return write_run_page(folder)


if __name__ == "__main__":
    main()
