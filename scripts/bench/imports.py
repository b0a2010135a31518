"""(c) and (p): the start of train.py, and what a sweep's process loads before its first trial has ended."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import median

from measuring import ROOT, TRAIN, call, temporary_folder, timed

STARTS, RUNS = 7, 3
PROBE = Path(__file__).with_name("import_probe.py")
RESULT = "outputs/sweeps/s/0/result.yaml"
ONE_TRIAL = ("-m", "study_name=s", "hydra.sweeper.n_trials=1", "trainer.max_epochs=1")
DYNAMO = "torch._dynamo"  # torch imports it when the first optimizer is built, and with it much of torch and sympy
# Group -> its packages. A module that belongs to none counts to the group that imported it, or to `other`.
GROUPS = {
    "hydra, Optuna": ("hydra", "omegaconf", "antlr4", "yaml", "optuna", "sqlalchemy"),
    "scikit-learn": ("sklearn", "scipy", "joblib"),
    "numpy, pandas": ("numpy", "pandas"),
    "Lightning": ("lightning", "pytorch_lightning", "lightning_fabric", "lightning_utilities", "torchmetrics"),
    "tensorboard": ("torch.utils.tensorboard", "tensorboard"),
    "torch": ("torch",),
    "tunesmith": ("tunesmith", "hydra_plugins", "project"),
}


def start() -> str:
    arguments = (TRAIN, "--cfg", "job")
    seconds = [timed(lambda: call(ROOT, *arguments)) for _ in range(STARTS)]
    probe = f"import runpy, sys; sys.argv = {list(arguments)!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    loaded = call(ROOT, "-c", f"{probe}; print('torch loaded:', 'torch' in sys.modules)").splitlines()[-1]
    return f"{median(seconds):.2f} s, {loaded} (limit 1 s, no torch)"


def first_trial() -> str:
    """Print what each engine's sweep loads: how many modules, and how many CPU seconds their own code takes."""
    totals = {}
    for engine in ("lean", "lightning"):
        runs = sorted((imported(engine) for _ in range(RUNS)), key=total)
        groups = sorted(runs[RUNS // 2].items(), key=lambda item: -sum(item[1]))
        shares = (f"{group} {sum(seconds):.2f} s ({len(seconds)} modules)" for group, seconds in groups)
        print(f"    trainer.engine={engine}: {', '.join(shares)}", flush=True)
        totals[engine] = total(runs[RUNS // 2])
    texts = " and ".join(f"{seconds:.2f} s with {engine}" for engine, seconds in totals.items())
    return f"CPU of the imports up to the end of a sweep's first trial: {texts}; medians of {RUNS}"


def total(groups: dict[str, list[float]]) -> float:
    return sum(map(sum, groups.values()))


def imported(engine: str) -> dict[str, list[float]]:
    """Return group -> CPU seconds of each of its modules, in a sweep's process up to the end of its first trial."""
    with temporary_folder() as folder:
        call(folder, str(PROBE), "imports.json", RESULT, TRAIN, *ONE_TRIAL, f"trainer.engine={engine}")
        modules = json.loads((folder / "imports.json").read_text())
    groups = defaultdict(list)
    for path, seconds in modules:
        groups[group_of(path)].append(seconds)
    return dict(groups)


def group_of(path: list[str]) -> str:
    """Return the group of a module; path: the modules under way when it was imported, it itself at the end."""
    if any(is_of(name, DYNAMO) for name in path):
        return DYNAMO
    groups = (group for name in reversed(path) for group, packages in GROUPS.items() if is_of(name, *packages))
    return next(groups, "other")


def is_of(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
