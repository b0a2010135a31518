"""The choices of conf/, a user's own among them, and what each needs beside it to be built.

A line `# test: OVERRIDES` at the top of a file gives what the file needs beside the defaults, for example
`# test: data=diabetes`; `{samples}` in it is a folder with samples, see write_samples.
`# test: skip REASON` leaves the file out.
"""

from __future__ import annotations

import re
import shlex
import struct
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import check_config
from tunesmith.cli import register_resolvers
from tunesmith.reporting import NoReporter
from tunesmith.training.build import Run, build
from tunesmith.training.loggers import closed_loggers

CONF = Path(__file__).parents[1] / "conf"
GROUPS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name not in ("hydra", "local"))
CHOICES = [
    (group, str(path.relative_to(CONF / group).with_suffix("")))
    for group in GROUPS
    for path in sorted((CONF / group).rglob("*.yaml"))
]
IDS = [f"{group}={choice}" for group, choice in CHOICES]
ON_CPU = "++trainer.accelerator=cpu"
_TEST = re.compile(r"^# test: (.*)$", re.MULTILINE)


@cache
def composed(*overrides: str) -> DictConfig:
    """Compose a config that tests may share; it cannot be changed."""
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        cfg = compose("train", list(overrides), return_hydra_config=True)
    OmegaConf.set_readonly(cfg, True)
    return cfg


def chosen(group: str, choice: str, *beside: str) -> DictConfig:
    """Compose the config with one choice, of a group that train.yaml may not know."""
    try:
        return composed(f"{group}={choice}", *beside)
    except ConfigCompositionException:
        if re.search(rf"^ *- (optional )?{group}:", (CONF / "train.yaml").read_text(), re.MULTILINE):
            raise
        return composed(f"+{group}={choice}", *beside)


def build_choice(group: str, choice: str, folder: Path) -> tuple[DictConfig, Run]:
    """Check and build a run with one choice, on a CPU; skip the test if the choice's file says so."""
    cfg = chosen(group, choice, *needed(group, choice, folder), ON_CPU)
    check_config(cfg)
    run = build(cfg, folder, NoReporter())
    with closed_loggers(run.trainer.loggers, folder):
        return cfg, run


def needed(group: str, choice: str, folder: Path) -> list[str]:
    """Return the overrides that a choice cannot be built without, as its file says; skip the test if it says so.

    folder: where samples may be written.
    """
    found = _TEST.search((CONF / group / f"{choice}.yaml").read_text())
    text = found[1] if found else ""
    if text.startswith("skip"):
        pytest.skip(text)
    if "{samples}" in text:
        write_samples(folder)
    return shlex.split(text.replace("{samples}", str(folder)))


def write_samples(folder: Path) -> None:
    """Write a table, arrays, labels, and 60 images in the format of MNIST's files."""
    (folder / "table.csv").write_text("x,y\n" + "1,a\n2,b\n" * 10)
    inputs, classes = np.arange(20.0), np.arange(20) % 2
    np.savez(folder / "arrays.npz", inputs=inputs, targets=classes)
    np.savez(folder / "labels.npz", inputs=inputs, targets=np.stack([classes, 1.0 - classes], 1))
    np.save(folder / "inputs.npy", inputs[:, None])
    np.save(folder / "targets.npy", classes)
    for split in ("train", "t10k"):
        images, labels = np.zeros((60, 28, 28), np.uint8), np.arange(60, dtype=np.uint8) % 10
        for name, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(header + values.tobytes())
