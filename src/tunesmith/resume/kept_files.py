"""A resume that fails before an epoch has ended leaves the files of its run folder as they were."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunesmith.errors import MachineFault
from tunesmith.run_folder import (
    CONFIG_FILE,
    DATA_FACTS_FILE,
    LAST_CHECKPOINT,
    LAYERS_FILE,
    METRICS_FILE,
    PAGE_FILE,
    PREPARATION_FILE,
    PROBES_FILE,
    RESULT_FILE,
    read_metrics,
    replacing,
    run_rooms,
)

# What a run writes before its first epoch has ended, in its folder and in those of its folds.
_WRITTEN = (
    *(RESULT_FILE, METRICS_FILE, LAYERS_FILE, PROBES_FILE, PREPARATION_FILE, DATA_FACTS_FILE, PAGE_FILE),
    *("*.log", "hparams.yaml", "lr_find.*", "checkpoints/*.ckpt"),
    *(f"{CONFIG_FILE.parent}/*.yaml", "events.out.tfevents.*", f".{METRICS_FILE}.*", f".{RESULT_FILE}.*"),
)
# TensorBoard's files are new in each process: one that was there is not written to again.
_NEVER_WRITTEN_AGAIN = "events.out.tfevents."


@dataclass(frozen=True)
class _Kept:
    """A file as it was: its content, or the open file if a checkpoint, which is replaced and never changed in place."""

    content: bytes | BinaryIO
    inode: int
    changed_ns: int


@contextmanager
def put_back_on_failure(folder: Path) -> Iterator[None]:
    """Put the files of a run folder back if what runs inside raises before it has trained an epoch.

    A run that was killed may have rows of epochs that it had not saved: it trains those again, and saves them.
    """
    with ExitStack() as opened:
        before = set(_files(folder))
        kept, last_epoch, saved = _keep(before, opened), _last_epoch(folder), _saved(folder)
        try:
            yield
        except BaseException:
            if _last_epoch(folder) <= last_epoch and _saved(folder) <= saved:
                _close_logs(folder)
                _put_back(kept, set(_files(folder)) - before)
            raise


def _keep(files: set[Path], opened: ExitStack) -> dict[Path, _Kept]:
    kept: dict[Path, _Kept] = {}
    for path in files:
        if not path.name.startswith(_NEVER_WRITTEN_AGAIN):
            content = opened.enter_context(path.open("rb")) if path.suffix == ".ckpt" else path.read_bytes()
            kept[path] = _Kept(content, path.stat().st_ino, path.stat().st_mtime_ns)
    return kept


def _last_epoch(folder: Path) -> int:
    """Return the number of epochs in the tables of a run or of all its folds."""
    return sum(max((int(row["epoch"]) for row in read_metrics(room)), default=0) for room in run_rooms(folder))


def _saved(folder: Path) -> set[tuple[Path, int, int]]:
    """Return each last.ckpt of a run, or of its folds, with what tells it from one that is written in its place."""
    paths = [path for room in run_rooms(folder) if (path := room / LAST_CHECKPOINT).exists()]
    return {(path, path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


def _close_logs(folder: Path) -> None:
    """Let nothing more be logged into the folder: torch logs as the process ends."""
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent == folder.absolute():
            logging.getLogger().removeHandler(handler)
            handler.close()


def _put_back(kept: dict[Path, _Kept], new: set[Path]) -> None:
    for path in new:
        path.unlink()
    for path, file in kept.items():
        if path.exists() and (path.stat().st_ino, path.stat().st_mtime_ns) == (file.inode, file.changed_ns):
            continue
        with suppress(MachineFault), replacing(path) as copy:  # on a full disk the others may still fit
            copy.write(file.content if isinstance(file.content, bytes) else file.content.read())
            copy.flush()
            os.utime(copy.fileno(), ns=(file.changed_ns, file.changed_ns))


def _files(folder: Path) -> list[Path]:
    return [path for room in run_rooms(folder) for pattern in _WRITTEN for path in room.glob(pattern) if path.is_file()]
