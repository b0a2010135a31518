"""Rebuilds a study from its folders: python scripts/repair.py outputs/sweeps/<study>

Trials whose records are gone, as after study.journal was lost or cut, are taken into the study again: numbers,
values, parameters, epochs and notes, from what each run left in its folder. Stop the sweep first; its command goes on
afterwards.
"""

import argparse
from pathlib import Path

import optuna

from tunesmith.cli import register_resolvers
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.search.repair import repair


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a study's folder")
    folder = parser.parse_args().folder
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    register_resolvers()
    with exit_on_error():
        print(*repair(folder), sep="\n")


if __name__ == "__main__":
    main()
