"""The run folder: write and read the files that a run leaves in it."""

from __future__ import annotations

import csv
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from tunesmith.errors import UserError

CONFIG_FILE = Path(".hydra", "config.yaml")
METRICS_FILE = "metrics.csv"
RESULT_FILE = "result.yaml"
TEST_FILE = "test.yaml"
REPORT_FILE = "test_report.txt"
BEST_CHECKPOINT = Path("checkpoints", "best.ckpt")
LAST_CHECKPOINT = Path("checkpoints", "last.ckpt")

_VERSIONS_OF = ("hydra-core", "lightning", "optuna", "torch", "tunesmith")


def fold_name(fold: int) -> str:
    """Return the name of a fold's folder inside the run folder; fold: from 0."""
    return f"fold_{fold}"


def check_run_folder(folder: Path, file: Path = CONFIG_FILE) -> None:
    """Raise UserError unless a folder is a run folder: it holds a file that every run leaves there."""
    if not (folder / file).is_file():
        raise UserError(f"folder must be one that a run left; got {folder} ({file} is missing)")


class MetricsTable:
    """metrics.csv of a run folder: a row per epoch; a resumed run appends to it."""

    def __init__(self, folder: Path, keep_epochs: int) -> None:
        """Drop the rows of epochs after keep_epochs: a resumed run trains them again."""
        self.path = folder / METRICS_FILE
        kept = [row for row in read_metrics(folder) if int(row["epoch"]) <= keep_epochs]
        self.columns = list(kept[0]) if kept else []
        self._write(kept)

    def append(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Add the row of one epoch (from 1)."""
        row = {"epoch": str(epoch), **{name: repr(value) for name, value in metrics.items()}}
        if not self.columns or not set(row) <= set(self.columns):
            self.columns = list(dict.fromkeys([*self.columns, *row]))
            self._write(read_metrics(self.path.parent))
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.columns, restval="").writerow(row)

    def _write(self, rows: list[dict[str, str]]) -> None:
        temporary = temporary_path(self.path)
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.columns, restval="")
            if self.columns:
                writer.writeheader()
            writer.writerows(rows)
        os.replace(temporary, self.path)


def read_metrics(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a run folder's metrics.csv; none if there is no such file."""
    path = folder / METRICS_FILE
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain values as YAML, whole or not at all."""
    temporary = temporary_path(path)
    temporary.write_text(yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=1000))
    os.replace(temporary, path)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of plain values."""
    content = yaml.safe_load(path.read_text())
    assert isinstance(content, dict)
    return content


@cache
def environment() -> dict[str, Any]:
    """Return the versions and the git commit that a result comes from; the commit is None outside a checkout."""
    versions = {name: version(name) for name in _VERSIONS_OF}
    return {"versions": versions, "commit": _git_commit()}


def _git_commit() -> str | None:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def temporary_path(path: Path) -> Path:
    """Return a temporary path beside `path` that no other process writes to; os.replace moves it to `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}")
