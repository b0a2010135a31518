"""Configs that hydra-zen makes at run time, swept by its launch()."""

from __future__ import annotations

import pytest
from conftest import Shell

APP = """
from hydra_zen import builds, instantiate, launch, make_config
from tunesmith.typed_command import program

def square(x, offset=0.0):
    return x**2 + offset

Config = make_config(
    "study_name",
    net=builds(square, x=3, offset=0.5, populate_full_signature=True),
    token=make_config(name="${oc.env:TOKEN}"),
    hydra_defaults=["_self_"],
)

def task(cfg):
    assert cfg.token.name == "secret"
    return instantiate(cfg.net)

found = launch(
    Config,
    task,
    overrides={
        "net.x": "range(-1,2)",
        "study_name": "zen",
        "hydra/sweeper": "tunesmith",
        "hydra/sweeper/sampler": "random",
        "hydra.sweep.dir": "out",
    },
    multirun=True,
    version_base="1.3",
    job_name="zen",
)
assert found["trials"]["complete"] == 4, found
print("best", found["best_value"], found["best_params"])
"""


def test_launch_sweeps_classes_made_at_run_time(shell: Shell) -> None:
    pytest.importorskip("hydra_zen", reason="hydra-zen is not installed")
    (shell.folder / "app.py").write_text(APP)
    ended = shell.python("app.py", TOKEN="secret")
    assert ended.code == 0, ended.text
    assert "best 0.5 {'net.x': 0}" in ended.out
    assert "secret" not in "".join(path.read_text() for path in shell.folder.joinpath("out").rglob("*.yaml"))
