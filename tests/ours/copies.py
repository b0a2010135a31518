"""A copy of the project with the files added that the pages ask for, and the reader's own files that commands name."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
from conftest import ROOT, Ended, LoadedPythons, LoadedShell, Shell
from pages import PAGES, files_to_add

DAYS = pd.date_range("2026-01-01", periods=100)
TABLES = {
    "table": {"x": range(100), "column": list("ab" * 50)},
    "labels": {"x": range(100), "spam": [0, 1] * 50, "urgent": [0, 0, 1, 1] * 25},
    "series": {"x": range(100), "next_1": range(1, 101), "next_2": range(2, 102), "next_3": range(3, 103)},
    "dated": {
        "date": pd.date_range("2026-01-01", periods=100),
        "y": [0.5, 1.5] * 50,
        "patient": list("abcdefghij" * 10),
    },
}


# Tables that are written in other ways.
TEXTS = {
    "european": "x;y\n" + "".join(f"1.{i:03d},5;{i % 7},25\n" for i in range(100)),
    "no_header": "".join(f"{i / 10},{i % 5},{'ab'[i % 2]}\n" for i in range(100)),
    "disorders": "x,disorder\n" + "".join(f"{i},{['None', 'Insomnia'][i % 2]}\n" for i in range(100)),
    "marks": "x,y\n" + "".join(f"{i if i % 9 else -999},{'ab?'[i % 3]}\n" for i in range(100)),
}


def copy_project(folder: Path) -> None:
    """Copy what commands use, and add the files that the pages ask for."""
    for part in ("conf", "src", "scripts"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (file for page in PAGES for file in files_to_add(page).items()):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def make_shell(copy: Path, folder: Path, pythons: LoadedPythons, imports: str) -> Shell:
    """Return a shell in a folder with train.py and the reader's own files; its commands are forks that use the copy."""
    shutil.copy(ROOT / "train.py", folder)
    write_samples(folder)
    return LoadedShell(folder, pythons, f"import sys\nsys.path.insert(0, {str(copy / 'src')!r})\n{imports}")


def write_samples(folder: Path) -> None:
    for name, columns in TABLES.items():
        pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)
    for name, text in TEXTS.items():
        (folder / f"{name}.csv").write_text(text)
    draw = np.random.default_rng(0)
    rows, classes = draw.normal(size=(100, 4)).astype(np.float32), np.arange(100) % 2
    np.savez(folder / "new.npz", inputs=draw.integers(0, 17, (10, 1, 8, 8)))  # such as those of data=digits
    np.save(folder / "x.npy", rows)
    np.save(folder / "y.npy", classes)
    np.savez(folder / "arrays.npz", inputs=rows, targets=classes)
    np.savez(folder / "series.npz", inputs=rows, targets=rows[:, :3])
    np.savez(folder / "tokens.npz", inputs=draw.integers(1000, size=(100, 6)), targets=classes)
    images = draw.normal(size=(60, 1, 8, 8)).astype(np.float32)
    np.savez(folder / "masks.npz", inputs=images, targets=np.digitize(images[:, 0], [0, 1]))


def run(shell: Shell, command: str, *more: str) -> Ended:
    words = shlex.split(command.replace("<date>/<time>", "date/time").replace("<folder>", "outputs/runs/date/time"))
    return shell.python(*words[1:], *more)


def succeed(ended: Ended) -> None:
    assert (ended.code, ended.err) == (0, "")
