"""Kills the workers of small studies a thousand times and checks that nothing is lost: python scripts/chaos_long.py

A worker is a fork of this process that runs the search's own loop on a real journal; its trials take some milliseconds,
report epochs and go on from a checkpoint. It is killed by this process at a random moment, or kills itself: at a random
call of a function of the search, such as between asking and claiming or between telling and queueing, or in the middle
of a write. Study after study is run until there were so many kills. At the end of each, exactly n_trials count, each
once, as its job ends, with every epoch, and no two processes have run one trial at the same time; exit code 1 if not.

--together kills all workers at once every so many seconds, as the end of a machine does. --seed fixes what is drawn,
not what the system's scheduler makes of it. scripts/chaos.py kills real commands.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

import optuna
from chaos.forks import Forks
from chaos.small_study import SmallStudy

MEMORY = Path("/dev/shm")
# Kills between two steps of the search, before and after a trial, end none.
MIN_SHARE_THAT_MEETS = 0.25


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--n_trials", type=int, default=60, help="of each study")
    parser.add_argument("--n_workers", type=int, default=4)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two kills from outside, on average")
    parser.add_argument("--together", type=float, help="kill all workers at once every so many seconds instead")
    parser.add_argument("--storage", help="a database's URL, sqlite for a file; default: the journal")
    parser.add_argument("--folder", type=Path, default=MEMORY if MEMORY.is_dir() else None, help="for the studies")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=arguments.folder))
    code = _run(arguments, folder)
    if code:
        print(f"the studies are in {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    sys.exit(code)


def _run(arguments: argparse.Namespace, folder: Path) -> int:
    source, started = random.Random(arguments.seed), time.monotonic()
    num_kills = num_lost = num_studies = 0
    broken: list[str] = []
    while num_kills < arguments.kills and not broken:
        study = _make_study(arguments, folder / str(num_studies))
        seconds = arguments.together or arguments.every
        forks = Forks(study, arguments.n_workers, seconds, arguments.together is not None, source)
        forks.run()
        broken = [f"study {num_studies}: {each}" for each in (*forks.broken, *study.broken())]
        num_kills += forks.num_kills
        num_lost += study.num_lost()
        num_studies += 1
    seconds = time.monotonic() - started
    print(f"{num_kills} kills, {num_lost} of them met a trial, {seconds:.0f} s", flush=True)
    print(f"{num_studies} studies of {arguments.n_trials} trials", flush=True)
    if num_lost < MIN_SHARE_THAT_MEETS * num_kills:
        broken.append(f"vacuous: fewer than {MIN_SHARE_THAT_MEETS:.0%} of the kills met a trial")
    print(*(broken or ["every invariant holds"]), sep="\n", flush=True)
    return 1 if broken else 0


def _make_study(arguments: argparse.Namespace, folder: Path) -> SmallStudy:
    folder.mkdir()
    storage = f"sqlite:///{folder}/study.db" if arguments.storage == "sqlite" else arguments.storage
    return SmallStudy(folder, storage, f"chaos_{folder.parent.name}_{folder.name}", arguments.n_trials)


if __name__ == "__main__":
    main()
