"""Figures (a) to (d) of the README, measured in one run: python scripts/bench.py

(a) a training step with the default callbacks and logger, against a bare PyTorch loop over the same batches
(b) what the sweeper adds to a trial whose job does nothing, beyond Optuna's own ask and tell on the same storage
(c) the start of train.py: --cfg job
(d) the whole main job, against scripts/expert_loop.py, wall clock per trained epoch

Both sides of a ratio are measured in turn, because the machine's speed drifts; the median of several ratios is printed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from textwrap import dedent

ROOT = Path(__file__).resolve().parents[1]
STEP_EPOCHS, STEP_PAIRS = 20, 7
EMPTY_TRIALS, EMPTY_PAIRS = 100, 3
STARTS = 7
SEEDS = (0, 1, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("a", "b", "c", "d"), nargs="*", default=["a", "b", "c", "d"])
    chosen = parser.parse_args().only
    print(machine())
    for name, measure in (("a", step), ("b", empty_trial), ("c", start), ("d", whole_job)):
        if name in chosen:
            print(f"({name}) {measure()}", flush=True)


def machine() -> str:
    import torch

    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ", no GPU"
    return f"{model}, {os.cpu_count()} cores{gpu}; Python {platform.python_version()}, torch {torch.__version__}"


def step() -> str:
    """Measure both loops on the same epochs of digits: batch 32, two layers of 128, batch norm, dropout, fused Adam."""
    with temporary_folder() as folder:
        pairs = [(lightning_steps(folder), bare_steps()) for _ in range(STEP_PAIRS + 1)][1:]
    ours, bare = (median(column) for column in zip(*pairs, strict=True))
    ratio = median(our / other for our, other in pairs)
    return f"{ours:.3f} ms a step, a bare loop {bare:.3f} ms: {ratio:.2f}x (limit 2.2x)"


def lightning_steps(folder: Path) -> float:
    import logging

    from tunesmith.reporting import NoReporter
    from tunesmith.training.build import build

    logging.getLogger("tunesmith").setLevel(logging.INFO)
    run = build(step_config(), folder, NoReporter())
    started = time.perf_counter()
    run.trainer.fit(run.module, run.data)
    return (time.perf_counter() - started) / run.trainer.global_step * 1e3


def bare_steps() -> float:
    """Return ms per step of a loop over the same batches that trains, validates once an epoch, and keeps no record."""
    import torch
    from torch.nn.functional import cross_entropy

    from tunesmith.data.batches import Batches
    from tunesmith.training.learner_and_data import build_learner

    torch.manual_seed(0)
    data, module = build_learner(step_config())
    model = module.model
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    train, val = Batches(data.splits.train, data.batch_size, shuffle_seed=0), Batches(data.splits.val, 4096)
    started = time.perf_counter()
    for epoch in range(STEP_EPOCHS):
        train.set_epoch(epoch)
        model.train()
        for inputs, targets in train:
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for inputs, targets in val:
                cross_entropy(model(inputs), targets).item()
    return (time.perf_counter() - started) / (STEP_EPOCHS * len(train)) * 1e3


def step_config():
    from hydra import compose, initialize_config_dir

    from tunesmith.cli import register_resolvers

    register_resolvers()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
        return compose(
            "train",
            [
                "data.batch_size=32",
                "trainer.accelerator=cpu",
                f"trainer.max_epochs={STEP_EPOCHS}",
                f"callbacks.early_stopping.patience={STEP_EPOCHS}",  # both loops run all epochs
            ],
        )


def empty_trial() -> str:
    with temporary_folder() as folder:
        (folder / "job.py").write_text(EMPTY_JOB)
        (folder / "job.yaml").write_text(EMPTY_CONFIG)
        pairs = [(sweeper_trial(folder, number), optuna_trial(folder, number)) for number in range(EMPTY_PAIRS)]
    sweeper, alone = (median(column) for column in zip(*pairs, strict=True))
    added = median(our - other for our, other in pairs)
    return f"{sweeper:.1f} ms an empty trial, Optuna alone {alone:.1f} ms: {added:.1f} ms added (limit 40 ms)"


def sweeper_trial(folder: Path, number: int) -> float:
    """Return ms per trial, from the first ask to the last tell."""
    call(folder, "job.py", "-m", f"study_name=s{number}")
    import optuna

    from tunesmith.search.storage.storage import open_journal

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path = folder / "outputs" / "sweeps" / f"s{number}" / "study.journal"
    trials = optuna.load_study(study_name=f"s{number}", storage=open_journal(path)).trials
    span = trials[-1].datetime_complete - trials[0].datetime_start
    return span.total_seconds() / len(trials) * 1e3


def optuna_trial(folder: Path, number: int) -> float:
    import optuna

    from tunesmith.search.storage.storage import open_journal

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=open_journal(folder / f"optuna{number}.journal"), sampler=optuna.samplers.TPESampler(seed=0)
    )
    started = time.perf_counter()
    for _ in range(EMPTY_TRIALS):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1))
    return (time.perf_counter() - started) / EMPTY_TRIALS * 1e3


def start() -> str:
    arguments = (str(ROOT / "train.py"), "--cfg", "job")
    seconds = [timed(lambda: call(ROOT, *arguments)) for _ in range(STARTS)]
    probe = f"import runpy, sys; sys.argv = {list(arguments)!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    loaded = call(ROOT, "-c", f"{probe}; print('torch loaded:', 'torch' in sys.modules)").splitlines()[-1]
    return f"{median(seconds):.2f} s, {loaded} (limit 1 s, no torch)"


def whole_job() -> str:
    ratios, ours, experts = [], [], []
    for seed in SEEDS:
        with temporary_folder() as folder:
            started = time.perf_counter()
            call(folder, str(ROOT / "train.py"), "-m", "study_name=s", f"seed={seed}")
            ours.append((time.perf_counter() - started) / epochs_run(folder) * 1e3)
        started = time.perf_counter()
        told = json.loads(call(ROOT, str(ROOT / "scripts" / "expert_loop.py"), "--seed", str(seed)))
        experts.append((time.perf_counter() - started) / told["epochs"] * 1e3)
        ratios.append(ours[-1] / experts[-1])
    each = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return (
        f"{median(ours):.1f} ms an epoch of the whole job, the expert's loop {median(experts):.1f} ms: "
        f"{median(ratios):.2f}x, median of {each} (limit 1.3x)"
    )


def epochs_run(folder: Path) -> int:
    from tunesmith.run_folder import read_yaml

    return int(read_yaml(folder / "outputs" / "sweeps" / "s" / "optimization_results.yaml")["epochs"]["run"])


def call(folder: Path, *arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def timed(function) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


@contextmanager
def temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


EMPTY_JOB = dedent(
    """
    import hydra

    @hydra.main(version_base="1.3", config_path=".", config_name="job")
    def main(cfg):
        return cfg.x

    main()
    """
)
EMPTY_CONFIG = dedent(
    f"""
    defaults:
      - _self_
      - override hydra/sweeper: tunesmith
    x: 0.5
    study_name: empty
    hydra:
      sweep:
        dir: outputs/sweeps/${{study_name}}
      sweeper:
        study_name: ${{study_name}}
        n_trials: {EMPTY_TRIALS}
        seed: 0
        params:
          x: interval(0, 1)
    """
)

if __name__ == "__main__":
    main()
