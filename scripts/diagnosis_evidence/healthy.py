"""Healthy settings: what an expert would call fine, on every data set that ships and on tables made here.

Which of them are healthy in fact is measured: `near_best` keeps the settings that are within 2 standard errors of the
best setting of their data set, in the metric and in the loss. Thresholds may look at the development half alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, inf, isfinite
from pathlib import Path
from statistics import fmean

import yaml
from healthy_tables import labels, mixed, noisy, prices, series, small
from recorded import Recorded
from recording import DATA, DataFile, Job

from tunesmith.insight.means import standard_error
from tunesmith.run_folder import RESULT_FILE, TEST_FILE

DEV, HELDOUT = "healthy_dev", "healthy_heldout"
SEEDS = range(3)
# As a plain run has it by default; what stops earlier says so.
ALL = ("trainer.max_epochs=100",)

# Steps of an optimizer, widths and schedules that fit any of the data sets.
MODELS: Mapping[str, tuple[str, ...]] = {
    "default": (),
    "sgd": ("optimizer=sgd", "optimizer.lr=0.02"),
    "nesterov_cosine": (
        *("optimizer=sgd", "optimizer.lr=0.02", "optimizer.nesterov=true"),
        *("scheduler=cosine", "trainer.max_epochs=50"),
    ),
    "adamw_3_layers": ("optimizer=adamw", "optimizer.lr=0.003", "model.num_layers=3"),
    "rmsprop": ("optimizer=rmsprop",),
    "onecycle": ("scheduler=onecycle", "optimizer.lr=0.005", "trainer.max_epochs=40"),
    "no_batch_norm": ("model.batch_norm=false",),
    "bare": ("model.batch_norm=false", "model.dropout=0", "optimizer.weight_decay=0.0001"),
    "wide": ("model.hidden_units=512", "model.dropout=0.5"),
    "one_layer": ("model.num_layers=1",),
    "four_layers": ("model.num_layers=4", "model.dropout=0.1", "optimizer.lr=0.002"),
    "taper_gelu": ("model.shape=taper", "model.activation=gelu", "model.initializer=he"),
    "tanh": ("model.activation=tanh", "model.initializer=xavier"),
    "linear": ("model=linear", "optimizer.lr=0.01"),
    "residual": ("model=residual",),
    "small_batch": ("data.batch_size=16",),
    "steps_and_warmup": ("scheduler=step", "warmup_epochs=3", "optimizer.lr=0.003"),
    "constant_rate": ("scheduler=none", "callbacks.early_stopping.patience=20"),
    "clipped_sgd": ("optimizer=sgd", "trainer.gradient_clip_val=1.0", "model.batch_norm=false", "model.dropout=0.1"),
    "robust": ("data.scale=robust",),
    "large_rate": ("optimizer.lr=0.02",),
    "small_rate": ("optimizer.lr=0.0004", "data.batch_size=32"),
    "short": ("trainer.max_epochs=25", "optimizer.lr=0.003"),
    "narrow": ("model.hidden_units=32", "model.dropout=0.1"),
}
CLASSES: Mapping[str, tuple[str, ...]] = {
    "smoothed": ("loss.label_smoothing=0.1",),
    "tuned_for_accuracy": ("objective.metric=val/acc",),
}
NUMBERS: Mapping[str, tuple[str, ...]] = {"mae": ("loss=mae",), "huber": ("loss=huber",)}
IMAGES: Mapping[str, tuple[str, ...]] = {
    "cnn": ("model=cnn",),
    "cnn_augmented": ("model=cnn", "data.augmentation.shift=0.1", "data.augmentation.rotation=10"),
    "large_batch": ("data.batch_size=256", "optimizer.lr=0.004"),
}
BALANCED = {"balanced": ("data.class_weights=balanced",)}
RECIPES = {
    "small_net": ("experiment=small_net", "trainer.max_epochs=20"),
    "digits_linear": ("experiment=digits_linear",),
}
FEW = {"half_of_the_rows": ("data.fraction=0.5",)}


def _some(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: MODELS[name] for name in names}


@dataclass(frozen=True)
class HealthySet:
    """A data set, the overrides that choose it, the settings for it, and its table if it is made here."""

    group: str
    overrides: tuple[str, ...]
    settings: Mapping[str, tuple[str, ...]]
    data: DataFile | None = None


def _table(target: str, *overrides: str) -> tuple[str, ...]:
    return ("data=csv", f"data.path={DATA}", f"data.target={target}", *overrides)


SETS: Mapping[str, HealthySet] = {
    "digits": HealthySet(DEV, ("data=digits",), {**MODELS, **CLASSES, **IMAGES, **RECIPES}),
    "breast_cancer": HealthySet(DEV, ("data=breast_cancer",), {**MODELS, **CLASSES, **BALANCED, **FEW}),
    "wine": HealthySet(DEV, ("data=wine",), {**MODELS, **CLASSES, **FEW}),
    "diabetes": HealthySet(DEV, ("data=diabetes",), {**MODELS, **NUMBERS, "diabetes": ("experiment=diabetes",)}),
    "iris": HealthySet(HELDOUT, ("data=iris",), {**MODELS, **CLASSES}),
    "mnist_5k": HealthySet(
        HELDOUT,
        ("data=mnist_5k", "trainer.max_epochs=20"),  # as experiment=small_net has
        {**_some("default", "sgd", "adamw_3_layers", "no_batch_norm", "residual", "wide"), **CLASSES, **IMAGES},
    ),
    "moons": HealthySet(HELDOUT, ("data=moons",), {**MODELS, **CLASSES}),
    "xor": HealthySet(HELDOUT, ("data=xor",), _some("default", "bare", "one_layer", "sgd", "tanh", "small_batch")),
    "quadratic": HealthySet(HELDOUT, ("data=quadratic",), {"linear_sgd": ("model=linear", "optimizer=sgd")}),
    "line": HealthySet(HELDOUT, ("data=line",), {"linear_sgd": ("model=linear", "optimizer=sgd"), **_some("linear")}),
    "mixed": HealthySet(
        HELDOUT, _table("y"), {**MODELS, **CLASSES, **BALANCED, **FEW}, DataFile("healthy_mixed.csv", mixed)
    ),
    "prices": HealthySet(
        HELDOUT, _table("price"), {**MODELS, **NUMBERS, **FEW}, DataFile("healthy_prices.csv", prices)
    ),
    "noisy": HealthySet(HELDOUT, _table("y"), {**MODELS, **NUMBERS}, DataFile("healthy_noisy.csv", noisy)),
    "small": HealthySet(
        HELDOUT,
        _table("y", "data.batch_size=8"),
        _some("default", "sgd", "bare", "one_layer", "linear", "rmsprop", "no_batch_norm"),
        DataFile("healthy_small.csv", small),
    ),
    "series": HealthySet(
        HELDOUT,
        _table("y", "data.split=time", "data.split_column=day"),
        {**_some("default", "sgd", "bare", "linear", "adamw_3_layers", "onecycle", "one_layer"), **NUMBERS},
        DataFile("healthy_series.csv", series),
    ),
    "labels": HealthySet(
        HELDOUT,
        ("data=npz", f"data.path={DATA}", "loss=bce"),
        _some("default", "sgd", "bare", "one_layer", "adamw_3_layers", "rmsprop"),
        DataFile("healthy_labels.npz", labels),
    ),
}


def jobs(group: str) -> list[Job]:
    """Return a job for each setting of each data set of a group, and each seed; all of the first seed come first."""
    return [
        Job(each.group, setting, name, seed, (*ALL, *each.overrides, *overrides), data=each.data)
        for seed in SEEDS
        for name, each in SETS.items()
        if each.group == group
        for setting, overrides in each.settings.items()
    ]


@dataclass(frozen=True)
class Measured:
    """One measure of a run on the test part, less is better; se: its standard error, of the choice of test rows."""

    setting: str
    set: str
    measure: str
    value: float
    se: float


def near_best(runs: Iterable[Measured]) -> set[tuple[str, str]]:
    """Return (setting, set) of the settings that are within 2 standard errors of the best one in each measure.

    A setting's value is the mean over its seeds. The error of a difference joins what the choice of test rows leaves to
    chance (the larger one: both are tested on the same rows, so this is generous) and the spread of the seeds.
    """
    groups: dict[tuple[str, str], dict[str, list[Measured]]] = {}
    for each in runs:
        groups.setdefault((each.set, each.measure), {}).setdefault(each.setting, []).append(each)
    all_settings = {(setting, set_name) for (set_name, _), settings in groups.items() for setting in settings}
    worse = {(name, set_name) for (set_name, _), settings in groups.items() for name in _worse(settings)}
    return all_settings - worse


def _worse(settings: Mapping[str, Sequence[Measured]]) -> Iterator[str]:
    """Yield the settings of one data set that are worse than the best one beyond chance, in one measure."""
    means = {name: fmean(run.value for run in runs) for name, runs in settings.items()}
    best = min(means, key=means.__getitem__)
    for name, runs in settings.items():
        error = hypot(max(run.se for run in (*runs, *settings[best])), _seed_se(runs), _seed_se(settings[best]))
        if not means[name] - means[best] <= 2 * error:
            yield name


def _seed_se(runs: Sequence[Measured]) -> float:
    values = [run.value for run in runs]
    if len(values) < 2 or not all(map(isfinite, values)):
        return 0.0
    return standard_error(values)


def healthy_in_fact(root: Path, runs: Iterable[Recorded]) -> list[Recorded]:
    """Return the runs without those of settings that were meant to be healthy and are not."""
    runs = list(runs)
    groups = {run.group for run in runs} & {DEV, HELDOUT}
    healthy = {(group, *where) for group in groups for where in near_best(read_tested(root, group))}
    return [run for run in runs if run.group not in groups or (run.group, run.plant, run.set) in healthy]


def read_tested(root: Path, group: str) -> Iterator[Measured]:
    """Yield what the recorded runs of a group were tested to have; a run that failed has an infinite error.

    The error rate, or the RMSE, of all; the loss of those that have the loss of their data set's default.
    """
    for job in jobs(group):
        folder = job.folder(root)
        if not (folder / RESULT_FILE).is_file():
            continue
        test = yaml.safe_load((folder / TEST_FILE).read_text()) if (folder / TEST_FILE).is_file() else {}
        if "test/acc" in test or not test:
            yield Measured(job.plant, job.set, "error", 1 - test.get("test/acc", -inf), test.get("acc_se", 0.0))
        if "test/rmse" in test:
            yield Measured(job.plant, job.set, "rmse", test["test/rmse"], test.get("rmse_se", 0.0))
        if test and not any(override.startswith("loss") for override in SETS[job.set].settings[job.plant]):
            yield Measured(job.plant, job.set, "loss", test["test/loss"], test.get("loss_se", 0.0))
