"""Figures (h) to (j): the official Optuna plugin and ours with one app, in turn: python scripts/bench/official.py

(h) 30 trials of an MLP on digits in one process, and ours for as long as theirs: seconds, epochs, best validation loss
(i) 24 trials of .5 to 8 s on two workers: wall clock, and what two workers need at least
(j) 20 trials, kill -9 in the middle of the sweep, the same command again: runs, configurations, runs that were lost

The first call installs hydra-optuna-sweeper 1.3.0 and Optuna 2.10.1, which the plugin needs, into .venv/official.
"""

import argparse
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from textwrap import dedent

from measuring import ROOT, machine, temporary_folder

OFFICIAL = ROOT / ".venv" / "official"
# Optuna 2.10.1 cannot open a database with SQLAlchemy 2.
PACKAGES = (
    *("hydra-core==1.3.8", "omegaconf==2.3.1", "hydra-optuna-sweeper==1.3.0", "optuna==2.10.1"),
    *("hydra-joblib-launcher==1.2.0", "sqlalchemy<2"),
)
SEEDS = (0, 1, 2)
# Trial i sleeps for SECONDS[i]: a few long trials among short ones, as with several widths or learning rates.
SECONDS = [0.5 * 16 ** (i * 7 % 24 / 23) for i in range(24)]
TWO_WORKERS = ("hydra/launcher=joblib", "hydra.sweeper.n_jobs=2")
UNIVARIATE = ("hydra.sweeper.sampler.multivariate=false",)  # as TPE of Optuna 2 samples
# What an app gets from us by one override; the official plugin has no pruner.
PRUNED = ("hydra/sweeper/pruner=median", "+hydra.sweeper.pruner.n_warmup_steps=5", "hydra.sweeper.max_epochs=100")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("h", "i", "j"), nargs="*", default=["h", "i", "j"])
    chosen = parser.parse_args().only
    install_official()
    print(machine())
    for name, measure in (("h", compare_searches), ("i", compare_two_workers), ("j", kill_and_resume)):
        if name in chosen:
            print(f"({name}) {measure()}", flush=True)


def install_official() -> None:
    if not OFFICIAL.exists():
        subprocess.run([sys.executable, "-m", "venv", str(OFFICIAL)], check=True)
        subprocess.run([str(OFFICIAL / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        # torch and scikit-learn are ours; what the plugin brought comes first.
        packages = next((OFFICIAL / "lib").glob("python*/site-packages"))
        (packages / "ours.pth").write_text("\n".join([sysconfig.get_path("purelib"), *filter(_is_library, sys.path)]))


def _is_library(path: str) -> bool:
    return path.endswith("site-packages") and Path(path).is_dir()


def compare_searches() -> str:
    """Print each seed's figures and return the medians."""
    rows = []
    for seed in SEEDS:
        there = run_search(OFFICIAL, seed, "hydra.sweeper.n_trials=30")
        as_long = ("hydra.sweeper.n_trials=1000", f"hydra.sweeper.timeout={there[0]:.0f}")
        row = {
            "there": there,
            "here": run_search(None, seed, "hydra.sweeper.n_trials=30", *PRUNED),
            "here with their sampler": run_search(None, seed, "hydra.sweeper.n_trials=30", *PRUNED, *UNIVARIATE),
            "here as long": run_search(None, seed, *as_long, *PRUNED),
        }
        rows.append(row)
        print(*(f"    seed {seed}, {name}: {as_text(figures)}" for name, figures in row.items()), sep="\n", flush=True)
    medians = {name: [median(column) for column in zip(*(row[name] for row in rows), strict=True)] for name in rows[0]}
    return "; ".join(f"{name} {as_text(figures)}" for name, figures in medians.items())


def run_search(python: Path | None, seed: int, *arguments: str) -> tuple[float, ...]:
    """Return seconds, epochs, and the best validation loss of any trial that was trained to its end."""
    with temporary_folder() as folder:
        seconds = sweep(folder, python, SEARCH, f"hydra.sweeper.sampler.seed={seed}", f"seed={seed}", *arguments)
        losses = [float(line) for line in lines(folder, "ended")]
        return seconds, len(lines(folder, "epochs")), min(losses)


def as_text(row: Sequence[float]) -> str:
    return f"{row[0]:.0f} s, {row[1]:.0f} epochs, best {row[2]:.4f}"


def compare_two_workers() -> str:
    pairs = []
    for _ in range(3):
        with temporary_folder() as there, temporary_folder() as here:
            pairs.append((sweep(there, OFFICIAL, SLEEP, *TWO_WORKERS), sweep(here, None, SLEEP, *TWO_WORKERS)))
    there, here = (median(column) for column in zip(*pairs, strict=True))
    return f"there {there:.1f} s, here {here:.1f} s, medians of {len(pairs)}; at least {sum(SECONDS) / 2:.1f} s"


def kill_and_resume() -> str:
    found = []
    for python, storage in ((OFFICIAL, "sqlite:///study.db"), (None, "null")):
        with temporary_folder() as folder:
            arguments = (f"hydra.sweeper.storage={storage}", "hydra.sweeper.n_trials=20", "seconds=1")
            write_app(folder, SLEEP)
            process = subprocess.Popen(command(python, *arguments), cwd=folder, stdout=subprocess.DEVNULL)
            while len(lines(folder, "ended")) < 10 and process.poll() is None:
                time.sleep(0.05)
            time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
            process.wait()
            sweep(folder, python, SLEEP, *arguments)
            begun, ended = lines(folder, "begun"), lines(folder, "ended")
            repeats = len(begun) - len(set(begun))
            found.append(f"{len(begun)} runs begun, {len(ended)} ended, {repeats} of them repeats")
    return f"there {found[0]}; here {found[1]}"


def sweep(folder: Path, python: Path | None, app: str, *arguments: str) -> float:
    """Return the seconds of `python app.py -m`; python None is ours."""
    write_app(folder, app)
    started = time.perf_counter()
    subprocess.run(command(python, *arguments), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def command(python: Path | None, *arguments: str) -> list[str]:
    return [str(python / "bin" / "python") if python else sys.executable, "app.py", "-m", *arguments]


def lines(folder: Path, name: str) -> list[str]:
    path = folder / name
    return path.read_text().splitlines() if path.exists() else []


def write_app(folder: Path, body: str) -> None:
    (folder / "app.py").write_text(HEAD + body)
    (folder / "app.yaml").write_text(CONFIG)


HEAD = dedent(
    f"""
    import sys, time
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.utils import get_original_cwd

    sys.path.append({str(ROOT / "scripts")!r})
    SECONDS = {SECONDS!r}

    def note(name, text):
        with open(get_original_cwd() + "/" + name, "a") as file:
            print(text, file=file)
    """
)
# scripts/expert_loop.py trains; its trial is the config.
SEARCH = dedent(
    """
    import expert_loop, torch
    try:
        from tunesmith import report
    except ImportError:
        report = lambda value, step: None

    class Trial:
        number = 0
        def __init__(self, cfg):
            self.cfg = cfg
        def suggest_float(self, name, *bounds, log=False):
            return self.cfg[name]
        suggest_int = suggest_categorical = suggest_float
        def report(self, loss, epoch):
            note("epochs", epoch)
            report(loss, epoch)
        def should_prune(self):
            return False
        def set_user_attr(self, name, value):
            pass

    @hydra.main(version_base="1.3", config_path=".", config_name="app")
    def main(cfg):
        torch.set_num_threads(1)
        expert_loop.objective.states = {}
        best = expert_loop.objective(Trial(cfg), expert_loop.load(), cfg.seed, [])
        note("ended", best)
        return best

    main()
    """
)
SLEEP = dedent(
    """
    @hydra.main(version_base="1.3", config_path=".", config_name="app")
    def main(cfg):
        note("begun", (cfg.lr, cfg.dropout))
        time.sleep(cfg.seconds or SECONDS[HydraConfig.get().job.num])
        note("ended", (cfg.lr, cfg.dropout))
        return (cfg.lr - 0.01) ** 2 + cfg.dropout

    main()
    """
)
# As written for the official plugin: hydra/sweeper=optuna is an alias of ours.
CONFIG = dedent(
    """
    defaults:
      - _self_
      - override hydra/sweeper: optuna
      - override hydra/sweeper/sampler: tpe
    seed: 0
    seconds: null
    lr: 0.001
    batch_size: 64
    num_layers: 2
    units: 128
    dropout: 0.3
    weight_decay: 1e-4
    hydra:
      sweep:
        dir: outputs/sweeps/study
      sweeper:
        study_name: study
        direction: minimize
        n_trials: 24
        n_jobs: 1
        sampler:
          seed: 0
        params:
          lr: tag(log, interval(1e-4, 1e-1))
          batch_size: choice(16, 32, 64, 128, 256)
          num_layers: int(interval(1, 3))
          units: tag(log, int(interval(32, 512)))
          dropout: interval(0.1, 0.6)
          weight_decay: tag(log, interval(1e-5, 1e-2))
    """
)

if __name__ == "__main__":
    os.environ.pop("HYDRA_FULL_ERROR", None)
    main()
