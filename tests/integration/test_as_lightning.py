"""An epoch is what Lightning says it is: a run takes the steps of a bare Trainer, to its weights and its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping
from listener import Listener
from omegaconf import DictConfig
from tiny import composed
from torch import Tensor

from tunesmith.run_folder import read_metrics
from tunesmith.training.draws import seed_generators
from tunesmith.training.fit import train_once
from tunesmith.training.learner_and_data import build_learner
from tunesmith.training.result import Result

# Seven batches an epoch; dropout needs the draws of each epoch, and the rate changes at each epoch.
TYPED = (
    *("data=wine", "model.hidden_units=16", "model.num_layers=1", "model.dropout=0.2", "optimizer.lr=0.02"),
    *("trainer.accelerator=cpu", "logger=none", "callbacks.early_stopping.patience=2", "scheduler.patience=0"),
)
BATCHES = 7


def config(*typed: str) -> DictConfig:
    """Compose a config; keys of a group that another choice takes the place of are left out."""
    chosen = tuple(f"{arg.partition('=')[0]}." for arg in typed if "." not in arg.partition("=")[0])
    return composed(*(arg for arg in TYPED if not arg.startswith(chosen)), *typed)


@dataclass
class Seen(L.Callback):
    """Notes the batches that a trainer takes, and step, value and weights of each validation; seeds each epoch."""

    seed: int
    batches: int = 0
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    weights: list[dict[str, Tensor]] = field(default_factory=list)

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        seed_generators(self.seed, trainer.current_epoch, rank=0)

    def on_train_batch_end(self, trainer: L.Trainer, *args: object) -> None:
        self.batches += 1

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.sanity_checking:
            self.steps.append(trainer.global_step)
            self.values.append(float(str(trainer.callback_metrics["val/loss"].numpy())))
            self.weights.append({name: value.clone() for name, value in pl_module.state_dict().items()})


def plain(cfg: DictConfig, **flags: Any) -> Seen:
    """Train the same learner on the same data by a bare Trainer, with the draws of a run."""
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)
    data, module = build_learner(cfg)
    callbacks: list[L.Callback] = [seen := Seen(cfg.seed)]
    if cfg.callbacks:
        callbacks.append(EarlyStopping("val/loss", patience=cfg.callbacks.early_stopping.patience))
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(accelerator="cpu", callbacks=callbacks, enable_checkpointing=False, **quiet, **flags)
    trainer.fit(module, data)
    return seen


def weights_of(folder: Path) -> dict[str, Tensor]:
    saved = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert isinstance(saved, dict)
    return saved


CASES = {
    "max_epochs": {"max_epochs": 4},
    "max_steps at an epoch's end": {"max_epochs": 100, "max_steps": 4 * BATCHES},
    "max_steps inside an epoch": {"max_epochs": 100, "max_steps": 17},
    "max_steps of accumulated batches": {"max_epochs": 100, "max_steps": 7, "accumulate_grad_batches": 3},
    "min_steps": {"max_epochs": 40, "min_steps": 150},
    "min_epochs": {"max_epochs": 40, "min_epochs": 25},
    "val_check_interval as a half": {"max_epochs": 4, "val_check_interval": 0.5},
    "val_check_interval as a quarter": {"max_epochs": 4, "val_check_interval": 0.25},
    "val_check_interval as batches": {"max_epochs": 4, "val_check_interval": 3},
    "val_check_interval as one batch": {"max_epochs": 3, "val_check_interval": 1},
    "val_check_interval over epochs": {"max_epochs": 4, "val_check_interval": 3, "check_val_every_n_epoch": None},
    "an interval longer than an epoch": {"max_epochs": 5, "val_check_interval": 10, "check_val_every_n_epoch": None},
    "check_val_every_n_epoch": {"max_epochs": 8, "check_val_every_n_epoch": 2},
    "both": {"max_epochs": 8, "check_val_every_n_epoch": 2, "val_check_interval": 3},
    "limit_train_batches": {"max_epochs": 3, "limit_train_batches": 2},
    "limit_train_batches as a fraction": {"max_epochs": 3, "limit_train_batches": 0.6},
    "limit_val_batches": {"max_epochs": 3, "limit_val_batches": 2},
    "limit_val_batches as a fraction": {"max_epochs": 3, "limit_val_batches": 0.5},
    "overfit_batches": {"max_epochs": 3, "overfit_batches": 2},
    "overfit_batches as a fraction": {"max_epochs": 3, "overfit_batches": 0.5},
    "accumulate_grad_batches": {"max_epochs": 3, "accumulate_grad_batches": 3},
    "a sanity check": {"max_epochs": 3, "num_sanity_val_steps": 2},
    "early stopping": {"max_epochs": 60},
    "early stopping counts validations": {"max_epochs": 60, "val_check_interval": 2},
}


@pytest.fixture(autouse=True)
def several_batches_to_validate_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunesmith.data.array_data.EVALUATION_BATCH_SIZE", 10)


@pytest.mark.filterwarnings("ignore:.*to use the same dataloader for")
@pytest.mark.filterwarnings("ignore:You requested to overfit")
@pytest.mark.parametrize("flags", CASES.values(), ids=CASES)
def test_steps_weights_and_value_are_those_of_a_bare_trainer(flags: dict[str, Any], tmp_path: Path) -> None:
    typed = [f"++trainer.{name}={'null' if value is None else value}" for name, value in flags.items()]
    is_long = flags.get("val_check_interval") == 10
    cfg = config(*typed, *(["scheduler=none"] if is_long else []))
    expected = plain(cfg, **{"num_sanity_val_steps": 0, **flags})
    result = train_once(cfg, tmp_path, listener := Listener())
    rows = read_metrics(tmp_path)
    assert [float(row["val/loss"]) for row in rows] == expected.values
    assert listener.polls == expected.batches + len(rows)  # a look before each row, too
    best = expected.values.index(min(expected.values))
    assert result["value"] == expected.values[best]
    torch.testing.assert_close(weights_of(tmp_path), expected.weights[best], rtol=0, atol=0)
    if "step" in rows[0]:
        assert [int(row["step"]) for row in rows] == expected.steps
        assert (result["step"], str(result["epoch"])) == (expected.steps[best], rows[best]["epoch"])


def test_max_steps_is_the_same_as_its_epochs(tmp_path: Path) -> None:
    """Counted empty epochs to max_epochs before, and said that all were done."""
    fields = ("value", "epoch", "epochs", "state")
    results = [
        train_once(config(*typed), tmp_path, Listener())
        for typed in (["trainer.max_epochs=4"], ["+trainer.max_steps=28"])
    ]
    assert [results[1][name] for name in fields] == [results[0][name] for name in fields]
    assert results[1]["epochs"] == 4


def test_a_schedule_over_the_runs_epochs_ends_with_max_steps(tmp_path: Path) -> None:
    rates = []
    for length in ("trainer.max_epochs=4", "+trainer.max_steps=28"):
        train_once(config("scheduler=cosine", "callbacks=none", length), tmp_path, Listener())
        rates.append([row["lr"] for row in read_metrics(tmp_path)])
    assert rates[0] == rates[1]


# several validations in an epoch

HALVES = ("trainer.max_epochs=4", "+trainer.val_check_interval=3", "callbacks=none")


@pytest.fixture
def unbroken(tmp_path: Path) -> tuple[Result, list[dict[str, str]], Listener]:
    (folder := tmp_path / "unbroken").mkdir()
    result = train_once(config(*HALVES), folder, listener := Listener())
    return result, read_metrics(folder), listener


def test_each_validation_is_a_row_and_each_epoch_a_report_of_its_best(
    unbroken: tuple[Result, list[dict[str, str]], Listener],
) -> None:
    _, rows, listener = unbroken
    assert list(rows[0])[:2] == ["epoch", "step"]
    assert [(row["epoch"], row["step"]) for row in rows] == [
        (str(1 + epoch), str(epoch * BATCHES + step)) for epoch in range(4) for step in (3, 6)
    ]
    best = [min(float(row["val/loss"]) for row in rows if row["epoch"] == str(epoch)) for epoch in (1, 2, 3, 4)]
    assert listener.heard == list(zip((1, 2, 3, 4), best, strict=True))


@pytest.mark.parametrize("metric", ["val/loss", "val/acc", "train/loss"])
def test_the_value_is_that_of_the_best_checkpoint(tmp_path: Path, metric: str) -> None:
    mode = "max" if metric.endswith("acc") else "min"
    cfg = config(*HALVES, f"objective.metric={metric}", f"objective.mode={mode}", "scheduler=none", "seed=3")
    result = train_once(cfg, tmp_path, Listener())
    row = next(row for row in read_metrics(tmp_path) if row["step"] == str(result["step"]))
    assert float(row[metric]) == result["value"]
    data, module = build_learner(cfg)
    module.load_state_dict(weights_of(tmp_path))
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = L.Trainer(accelerator="cpu", enable_checkpointing=False, **quiet)
    trainer.validate(module, data, verbose=False)
    if row["val/loss"]:
        assert float(str(trainer.callback_metrics["val/loss"].numpy())) == float(row["val/loss"])


class Interrupt(L.Callback):
    """Stops a run in the middle of an epoch, as Ctrl-C does."""

    def __init__(self, batch: int, error: Callable[[], BaseException] = KeyboardInterrupt) -> None:
        self.batch, self.error, self.seen = batch, error, 0

    def on_train_batch_end(self, *args: object) -> None:
        self.seen += 1
        if self.seen == self.batch:
            raise self.error()


@pytest.mark.parametrize(
    "typed",
    [HALVES, ("+trainer.max_steps=28", "callbacks=none"), ("+trainer.max_steps=25", "+trainer.val_check_interval=.5")],
    ids=["inside an epoch", "max_steps", "max_steps, halves"],
)
def test_a_run_that_is_stopped_inside_an_epoch_goes_on_to_the_same_numbers(
    tmp_path: Path, typed: tuple[str, ...]
) -> None:
    cfg, folders = config(*typed), [tmp_path / name for name in ("unbroken", "broken")]
    for folder in folders:
        folder.mkdir()
    expected = train_once(cfg, folders[0], Listener())
    stop = config(*typed, "++callbacks.stop={_target_:test_as_lightning.Interrupt,batch:18}")
    with pytest.raises(KeyboardInterrupt):
        train_once(stop, folders[1], Listener())
    result = train_once(cfg, folders[1], Listener(), folders[1] / "checkpoints" / "last.ckpt")
    assert (folders[1] / "metrics.csv").read_text() == (folders[0] / "metrics.csv").read_text()
    ends = ("value", "epoch", "step", "epochs", "state")
    assert [result.get(name) for name in ends] == [expected.get(name) for name in ends]
    torch.testing.assert_close(weights_of(folders[1]), weights_of(folders[0]), rtol=0, atol=0)
    assert [file.name for file in (folders[1] / "checkpoints").iterdir()] == ["best.ckpt"]
