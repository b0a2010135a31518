"""Optuna's dashboard of a study, a running one too: python scripts/dashboard.py outputs/sweeps/first

It needs optuna-dashboard, which `make dashboard STUDY=outputs/sweeps/first` installs. It is served to this machine
alone, and only reads: buttons that would delete, rename, note or end something do nothing. Ctrl-C ends it.
"""

import argparse
from contextlib import suppress
from pathlib import Path

import optuna

from tunesmith.mistakes.explain import exit_on_error
from tunesmith.search.dashboard import HOST, dashboard


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a study's folder")
    parser.add_argument("--port", type=int, default=8080, help="0: any free one")
    typed = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with exit_on_error(), suppress(KeyboardInterrupt), dashboard(typed.folder, typed.port) as server:
        print(f"http://{HOST}:{server.server_port}/dashboard  (Ctrl-C ends it)", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
