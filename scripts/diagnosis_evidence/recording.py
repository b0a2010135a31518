"""Train jobs in this process, each into a folder that is kept: rules are tried on folders, without training again."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from omegaconf import OmegaConf

import tunesmith
from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import BEST_CHECKPOINT, CONFIG_FILE, RESULT_FILE, write_text
from tunesmith.training.evaluation import evaluate
from tunesmith.training.run import train_in

PLANT_FILE = "plant.json"
DATA_FOLDER = "data"
LOG_FILE = "printed.log"
# Stands in overrides for the path of the job's data file.
DATA = "{data}"
# Of every job: what it looks like is not what is measured, and 40 epochs show each fault.
COMMON = (
    *("trainer.accelerator=cpu", "trainer.engine=lean", "trainer.max_epochs=40", "trainer.save_interval=1e6"),
    *("logger=none", "report=false", "probes=true"),
)


@dataclass(frozen=True)
class DataFile:
    """A data set of the job's own: write(path) makes it, at its first use."""

    name: str
    write: Callable[[Path], None]


@dataclass(frozen=True)
class Job:
    """One training.

    group: dev, heldout, ...; plant: the fault, or the setting of a healthy run; names: of the findings that are right,
    the main one first, () for a healthy run; overrides: added to COMMON, of which they may change values.
    harm: how it is judged whether the plant hurts: "test" (loss of the best weights on the test part), "last" (the
    last epoch's validation loss), "presence" (it fools the test part too: it is there, or not).
    """

    group: str
    plant: str
    set: str
    seed: int
    overrides: tuple[str, ...]
    names: tuple[str, ...] = ()
    harm: str = "test"
    data: DataFile | None = field(default=None, compare=False)

    def folder(self, root: Path) -> Path:
        return root / self.group / self.plant / self.set / str(self.seed)


def record(jobs: Sequence[Job], root: Path, again: str | None = None) -> None:
    """Train what is not there yet, and print a line each.

    again: name of a file, of which a folder that lacks it is trained again, such as data_facts.json.
    """
    for number, job in enumerate(jobs, 1):
        folder = job.folder(root)
        if (folder / RESULT_FILE).is_file() and (again is None or (folder / again).is_file()):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        begun = time.process_time()
        end = train(job, root)
        cpu = time.process_time() - begun
        print(f"{number}/{len(jobs)} {job.group}/{job.plant}/{job.set}/{job.seed}: {end}, {cpu:.1f} s CPU", flush=True)


def train(job: Job, root: Path) -> str:
    """Train and test one job; return how it ended."""
    folder = job.folder(root)
    folder.mkdir(parents=True)
    overrides = list(_with_data(job, root))
    plain = {key: value for key, value in asdict(job).items() if key != "data"}
    write_text(folder / PLANT_FILE, json.dumps({**plain, "overrides": [*overrides, f"seed={job.seed}"]}, indent=1))
    with (folder / LOG_FILE).open("w") as log, redirect_stdout(log), redirect_stderr(log):
        cfg = copy.deepcopy(_composed(*overrides))
        cfg.seed = job.seed
        (folder / CONFIG_FILE).parent.mkdir()
        OmegaConf.save(cfg, folder / CONFIG_FILE)
        try:
            result = train_in(cfg, folder, NoReporter())
        except UserError as error:
            return str(error)
        if result["state"] == "FAIL":
            return str(result["reason"])
        evaluate(folder, cfg)
    shutil.rmtree((folder / BEST_CHECKPOINT).parent)
    return "trained"


# Composing takes as long as training: runs that differ in their seed share it.
_composed = cache(tunesmith.compose)


def _with_data(job: Job, root: Path) -> Iterator[str]:
    path = None
    if job.data is not None:
        path = (root / DATA_FOLDER / job.data.name).resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            job.data.write(path)
    for override in (*COMMON, *job.overrides):
        yield override if path is None else override.replace(DATA, str(path))
