"""A resume that fails before an epoch has ended leaves the files of its run folder as they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tunesmith.run_folder import CONFIG_FILE, METRICS_FILE, temporary_path

# What a run writes before its first epoch has ended, in its folder and in those of its folds.
_WRITTEN = (
    *("result.yaml", "metrics.csv", "*.log", "hparams.yaml", "lr_find.*", "preparation.json"),
    *(f"{CONFIG_FILE.parent}/*", "events.out.tfevents.*", ".metrics.csv.*", ".result.yaml.*"),
)
# A file of this kind is new in each process: one that was there is not written to again, and may be large.
_NEVER_APPENDED = "events.out.tfevents."


@dataclass(frozen=True)
class _Kept:
    """A file as it was; content: None if no other process writes to it; changed: when it was last changed, in ns."""

    content: bytes | None
    changed: int


@contextmanager
def put_back_on_failure(folder: Path) -> Iterator[None]:
    """Put the files of a run folder back if what runs inside raises before an epoch has ended.

    An epoch has ended if a checkpoint was written, or metrics.csv says more than before.
    """
    kept, checkpoints, tables = _read(folder), _checkpoints(folder), _tables(folder)
    try:
        yield
    except BaseException:
        has_gone_on = any(not tables.get(path, b"").startswith(table) for path, table in _tables(folder).items())
        if not has_gone_on and _checkpoints(folder) == checkpoints:
            _put_back(folder, kept)
        raise


def _read(folder: Path) -> dict[Path, _Kept]:
    return {path: _keep(path) for path in _written_files(folder)}


def _keep(path: Path) -> _Kept:
    content = None if path.name.startswith(_NEVER_APPENDED) else path.read_bytes()
    return _Kept(content, path.stat().st_mtime_ns)


def _put_back(folder: Path, kept: dict[Path, _Kept]) -> None:
    for path in _written_files(folder):
        if path not in kept:
            path.unlink()
    for path, file in kept.items():
        if file.content is None or (path.is_file() and _keep(path) == file):
            continue
        temporary = temporary_path(path)
        temporary.write_bytes(file.content)
        os.utime(temporary, ns=(file.changed, file.changed))
        os.replace(temporary, path)


def _written_files(folder: Path) -> list[Path]:
    return [path for room in _folders(folder) for pattern in _WRITTEN for path in room.glob(pattern) if path.is_file()]


def _folders(folder: Path) -> list[Path]:
    return [folder, *folder.glob("fold_*")]


def _tables(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (room / METRICS_FILE for room in _folders(folder)) if path.is_file()}


def _checkpoints(folder: Path) -> dict[Path, tuple[int, int]]:
    """Return each checkpoint and its file's number and time of change."""
    files = [path for room in _folders(folder) for path in room.glob("checkpoints/*.ckpt")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}
