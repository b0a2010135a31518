"""The config of a job is resolved in the job: in a trial, in a trial's own process, and in a run of best.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest
from conftest import Ended, Shell

APP = """
import os, zlib
from dataclasses import dataclass
import hydra
from hydra.core.config_store import ConfigStore
from hydra.experimental.callback import Callback
from omegaconf import OmegaConf

OmegaConf.register_new_resolver("twice", lambda number: 2 * number)

@dataclass
class Model:
    kind: str = "mlp"
    units: int = 8

ConfigStore.instance().store(name="model_schema", node=Model)

class Log(Callback):
    def say(self, event, config, told=""):
        with open("callbacks.log", "a") as log:
            print(os.environ.get("TUNESMITH_WORKER", "-"), event, config.hydra.job.get("num", 0), told, file=log)

    def on_multirun_start(self, config, **kwargs):
        self.say("multirun_start", OmegaConf.create({"hydra": {"job": {}}}))

    def on_multirun_end(self, config, **kwargs):
        self.say("multirun_end", OmegaConf.create({"hydra": {"job": {}}}))

    def on_job_start(self, config, **kwargs):
        self.say("job_start", config)

    def on_job_end(self, config, job_return, **kwargs):
        self.say("job_end", config, repr(job_return._return_value))

@hydra.main(version_base="1.3", config_path=".", config_name="app")
def main(cfg):
    assert os.environ["TOKEN"] == cfg.token == "secret"
    assert os.environ["FROM_ENV_SET"] == "a b"
    assert cfg.name == "a, b (x)", cfg.name
    assert cfg.text == "${title}", cfg.text
    assert OmegaConf.get_type(cfg.model) is Model
    assert os.path.samefile(cfg.folder, hydra.core.hydra_config.HydraConfig.get().runtime.output_dir)
    assert len(cfg.year) == 4
    if cfg.x == 3:
        raise ValueError("three")
    return 100 * cfg.number + 10 * cfg.y + cfg.x + cfg.model.units / 100

if __name__ == "__main__":
    main()
"""
CONFIG = """
    defaults:
      - model_schema@model
      - _self_
      - override hydra/sweeper: tunesmith
      - override hydra/sweeper/sampler: random
    x: 0
    y: ${twice:${x}}
    number: ${hydra:job.num}
    folder: ${hydra:runtime.output_dir}
    year: ${now:%Y}
    token: ${oc.env:TOKEN}
    title: a, b (x)
    name: n
    text: t
    study_name: s
    hydra:
      job: {env_set: {FROM_ENV_SET: a b}}
      sweep: {dir: "out/${study_name}", subdir: "${hydra.job.num}"}
      sweeper: {study_name: "${study_name}", n_trials: 9}
"""
TYPED = ("x=2,1,3", "name=${title}", r"text='\${title}'", "model={units:16}", "model={kind:z}")


@pytest.fixture(autouse=True)
def _app(shell: Shell) -> None:
    (shell.folder / "app.py").write_text(APP)
    (shell.folder / "app.yaml").write_text(dedent(CONFIG))


def run(shell: Shell, *arguments: str) -> Ended:
    return shell.python("app.py", *arguments, TOKEN="secret")


def files_with(folder: Path, text: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    ("how", "in_process"),
    [
        pytest.param([], "-", id="in this process"),
        pytest.param(["hydra.sweeper.isolate=true"], "-", id="in processes of their own"),
        pytest.param(["hydra.sweeper.n_workers=2"], "[01]", id="by two workers"),
    ],
)
def test_a_trial_and_a_run_of_best_yaml_have_the_same_config(shell: Shell, how: list[str], in_process: str) -> None:
    callback = "+hydra.callbacks.log={_target_:__main__.Log}"
    swept = run(shell, "-m", *TYPED, callback, "hydra.sweeper.max_failure_rate=1", *how)
    assert "trials       2 complete  0 pruned  1 failed" in swept.out, swept.text
    assert "ValueError: three" in swept.out
    folder = shell.folder / "out" / "s"
    best = re.search(r"best value +(\d\S*)", swept.out)
    assert best is not None
    log = sorted((shell.folder / "callbacks.log").read_text().splitlines())
    told = "\n".join(log)
    assert [line for line in log if "multirun" in line] == ["- multirun_end 0 ", "- multirun_start 0 "]
    assert len(re.findall(rf"(?m)^{in_process} job_start \d", told)) == 3
    assert len(re.findall(rf"(?m)^{in_process} job_end \d \d+\.\d+$", told)) == 2
    assert len(re.findall(rf"(?m)^{in_process} job_end \d ValueError\('three'\)$", told)) == 1
    assert files_with(folder, "secret") == []
    repeated = run(shell, "--config-dir", "out/s", "--config-name", "best")
    assert repeated.code == 0, repeated.text
    value = (shell.folder / "callbacks.log").read_text().split()[-1]
    assert float(value) == pytest.approx(float(best[1]))
