"""Train a finished run or trial again on all but the test part: python scripts/refit.py outputs/sweeps/<study>/<number>

It is trained for the run's best number of epochs, in the run's folder: RUN/refit/. Then evaluate that, at the end:
python scripts/evaluate.py RUN/refit
"""

import argparse
from pathlib import Path
from typing import cast

from omegaconf import DictConfig, OmegaConf

from tunesmith.cli import register_resolvers
from tunesmith.mistakes.explain import exit_on_error
from tunesmith.run_folder import CONFIG_FILE, check_run_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a run's folder, or a trial's: outputs/sweeps/<study>/<number>")
    folder = parser.parse_args().folder
    register_resolvers()
    with exit_on_error():
        check_run_folder(folder)
        from tunesmith.training.refit import refit

        place, _ = refit(folder, cast("DictConfig", OmegaConf.load(folder / CONFIG_FILE)))
        print(f"{'refitted':<12} {place}/")
        print(f"{'test it':<12} python scripts/evaluate.py {place}")


if __name__ == "__main__":
    main()
