"""The run folder: write and read the files that a run leaves in it."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from tunesmith.config.unreadable_yaml import read_plain_yaml
from tunesmith.errors import UserError, printable
from tunesmith.machine_faults import writing
from tunesmith.version import __version__

CONFIG_FILE = Path(".hydra", "config.yaml")
# Groups of a config that may hold passwords.
SECRET_GROUPS = ("hydra", "logger")
METRICS_FILE = "metrics.csv"
# Of the probes: a row per epoch and layer, and a row per epoch at which the model was looked at.
LAYERS_FILE = "layers.csv"
PROBES_FILE = "probes.csv"
# What is known of the data before the first step: the prior loss, sizes, and the findings of the data checks.
DATA_FACTS_FILE = "data_facts.json"
RESULT_FILE = "result.yaml"
TEST_FILE = "test.yaml"
# What it holds beside metrics: how many samples, standard errors of metrics, and the expected calibration error.
TEST_FACTS = ("samples", "loss_se", "acc_se", "rmse_se", "ece")
TEST_REPORT_FILE = "test_report.txt"
PAGE_FILE = "report.html"
# Of the remedies that were tried on a run: what came out, and the runs.
TRY_FILE, TRY_FOLDER = "try.yaml", "try"
# What the model puts out for the two parts, with the weights of the best epoch.
VAL_OUTPUTS_FILE, TEST_OUTPUTS_FILE = "val_outputs.npz", "test_outputs.npz"
PREDICTIONS_FILE = "predictions.csv"
LINEAR_FILE = "linear.yaml"
PREPARATION_FILE = "preparation.json"
REFIT_FOLDER = "refit"
BEST_CHECKPOINT = Path("checkpoints", "best.ckpt")
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")

_VERSIONS_OF = ("hydra-core", "lightning", "optuna", "torch")
_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE.parents[1]
# Columns of metrics.csv that are no metrics.
AXES = ("epoch", "step")
# Folders whose files a run imports or reads even if git does not know them.
_SOURCES = ("src", "conf")


def fold_name(fold: int) -> str:
    """Return the name of a fold's folder inside the run folder; fold: from 0."""
    return f"fold_{fold}"


def run_rooms(folder: Path) -> list[Path]:
    """Return the run folder, and the folder of each fold in it: each has a training's files."""
    return [folder, *sorted(folder.glob("fold_*"))]


def checkpoint_folder(checkpoint: Path) -> Path:
    """Return the folder of the run that wrote a checkpoint, RUN/checkpoints/NAME or RUN/fold_0/checkpoints/NAME."""
    if checkpoint.parent.name in ("", ".."):  # typed inside the run folder
        checkpoint = checkpoint.parent.resolve() / checkpoint.name
    folder = checkpoint.parent.parent
    return folder.parent if re.fullmatch(r"fold_\d+", folder.name) else folder


def trial_folder(study_folder: Path, name: str) -> Path | None:
    """Return a trial's folder by the name that a study's results give it; None for a path elsewhere.

    A study is data: whoever may write to it may name any path, which people may read and no command looks into.
    """
    return study_folder / name if re.fullmatch(r"[0-9]+", name) else None


def check_run_folder(folder: Path, file: Path = CONFIG_FILE) -> None:
    """Raise UserError unless a folder is a run folder: it holds a file that every run leaves there."""
    if not (folder / file).is_file():
        is_sweep = (folder / "multirun.yaml").is_file()
        reason = "a sweep's: name the folder of one of its trials" if is_sweep else f"{file} is missing"
        raise UserError(f"folder must be one that a run left; got {folder} ({reason})")


class MetricsTable:
    """metrics.csv of a run folder: a row per epoch, or per validation; a resumed run appends to it."""

    def __init__(self, folder: Path, keep_epochs: int) -> None:
        """Drop the rows of epochs after keep_epochs: a resumed run, which begins with a whole epoch, has them again."""
        self.path = folder / METRICS_FILE
        kept = [row for row in read_metrics(folder) if int(row["epoch"]) <= keep_epochs]
        self.columns = list(kept[0]) if kept else []
        self._write(kept)

    def append(self, epoch: int, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add the row of one epoch (from 1), or of one of its validations, after so many steps of the optimizer."""
        axes = {"epoch": str(epoch)} if step is None else {"epoch": str(epoch), "step": str(step)}
        row = {**axes, **{name: repr(value) for name, value in metrics.items()}}
        if not self.columns or not set(row) <= set(self.columns):
            self.columns = list(dict.fromkeys([*self.columns, *row]))
            self._write(read_metrics(self.path.parent))
        line = io.StringIO(newline="")
        csv.DictWriter(line, self.columns, restval="").writerow(row)
        with writing(self.path):
            append_whole(self.path, line.getvalue().encode())

    def _write(self, rows: list[dict[str, str]]) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="")
        if self.columns:
            writer.writeheader()
        writer.writerows(rows)
        write_text(self.path, text.getvalue())


def append_whole(path: Path, line: bytes) -> None:
    """Append a line to a file that is there, whole or not at all."""
    with path.open("r+b", buffering=0) as file:
        end = file.seek(0, os.SEEK_END)
        if file.write(line) < len(line):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def read_metrics(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a run folder's metrics.csv, see read_table."""
    return read_table(folder / METRICS_FILE)


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table by epoch, without one that is torn; none if there is no such file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1].decode()
    return list(csv.DictReader(io.StringIO(whole, newline="")))


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as YAML, whole or not at all; characters that steer a console are written as escapes."""
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=1000)
    if any(printable(line) != line for line in text.split("\n")):
        text = yaml.safe_dump(dict(content), sort_keys=False, width=1000)
    write_text(path, text)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as JSON, a line per key, whole or not at all; floats keep all their digits."""
    lines = [json.dumps({key: value}, ensure_ascii=False, allow_nan=False)[1:-1] for key, value in content.items()]
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of plain values; raises UserError if it is damaged, as by a disk that was full."""
    return read_plain_yaml(path)


@cache
def environment() -> dict[str, Any]:
    """Return the versions and the git state that a result comes from, as they are at the first call in this process.

    commit: None outside a checkout; dirty: whether the code differs from the commit, None if git does not say.
    """
    versions = {**{name: version(name) for name in _VERSIONS_OF}, "tunesmith": __version__}
    commit = _git("rev-parse", "HEAD")
    return {"versions": versions, "commit": commit or None, "dirty": _is_dirty() if commit else None}


def _is_dirty() -> bool | None:
    """Return whether a tracked file has changed, or a file below src/ or conf/ is not tracked; None if git fails.

    git does not look at untracked files elsewhere: a clone may hold data sets of any size.
    """
    changed = _git("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    new = _git("ls-files", "--others", "--exclude-standard", "--", *(str(_ROOT / name) for name in _SOURCES))
    return None if changed is None or new is None else bool(changed or new)


def _git(*arguments: str) -> str | None:
    """Return what git prints in the package's checkout, None if it fails."""
    command = ["git", "-C", str(_PACKAGE), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of another one when it is whole: a reader sees the old one or the new one.

    Raises:
        MachineFault: the disk is full, the folder is gone, or the like; nothing of the new file is left.
    """
    temporary = temporary_path(path)
    with writing(path):
        try:
            with open(open_new(temporary), "wb") as file:
                yield file
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all; a reason may hold characters that UTF-8 does not have."""
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


def open_new(path: Path) -> int:
    """Open a new file to write, and never what somebody has put in its place, such as a link to another file."""
    path.unlink(missing_ok=True)  # of an earlier process with this pid
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o666)


def temporary_path(path: Path) -> Path:
    """Return a temporary path beside `path` that no other process writes to; os.replace moves it to `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}")
