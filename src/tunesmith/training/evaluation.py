"""Evaluate a run on the test part, once, at the end: no choice was based on these samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import lightning as L
import numpy as np
import torch
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from tunesmith import run_folder
from tunesmith.data import DataModule
from tunesmith.errors import NothingToEvaluate
from tunesmith.training.build import build_quiet_trainer
from tunesmith.training.class_report import class_report
from tunesmith.training.data_record import read_data_record
from tunesmith.training.fit import interruptible
from tunesmith.training.learner import Supervised
from tunesmith.training.learner_and_data import build_learner
from tunesmith.training.weights import load_checkpoint, load_weights, read_weights


@dataclass(frozen=True)
class Prediction:
    """Outputs of a run's models for the test part; numbers are in the units of the first model.

    outputs: (samples, classes, ...), or (samples, ...) for numbers: the mean over the models; targets: (samples, ...).
    """

    data: DataModule
    module: Supervised
    outputs: Tensor
    targets: Tensor


def evaluate(folder: Path, config: DictConfig | None = None) -> dict[str, float]:
    """Evaluate a run on the test part; write test.yaml and, for classes, test_report.txt; return the metrics.

    config: the run's, by whoever knows it; None: the folder's, whose classes are built: it must be one that you trust.
    After cross-validation the outputs of the fold models are averaged. A learner that is not ours, or has a step of
    its own, is evaluated by its test_step; after cross-validation its metrics are averaged.

    Raises:
        NothingToEvaluate: the learner has no test_step, or the data no test part.
        UserError: the folder is not one that a run left, or the data are others than those of the run.
    """
    run_folder.check_run_folder(folder)
    cfg = _read_config(folder) if config is None else config
    torch.set_num_threads(cfg.threads)
    L.seed_everything(cfg.seed, verbose=False)  # a test part may have random augmentation
    built = [(*_build(cfg, fold, path), path) for fold, path in _models(cfg, folder)]
    data, module, _ = built[0]
    if isinstance(data, DataModule) and isinstance(module, Supervised) and type(module).step is Supervised.step:
        return _evaluate_outputs(cfg, folder, built)
    _check_has_test(data, module)
    tested = [_test(cfg, path, data, module) for data, module, path in built]
    metrics = {name: fmean(each[name] for each in tested) for name in tested[0]}
    if not metrics:
        raise NothingToEvaluate(f"the test_step of {type(module).__name__} logs nothing")
    run_folder.write_yaml(folder / run_folder.TEST_FILE, metrics)
    return metrics


Built = tuple[L.LightningDataModule | None, L.LightningModule, Path]


def _read_config(folder: Path) -> DictConfig:
    cfg = OmegaConf.load(folder / run_folder.CONFIG_FILE)
    assert isinstance(cfg, DictConfig)
    return cfg


def _models(cfg: DictConfig, folder: Path) -> list[tuple[int | None, Path]]:
    """Return each fold, None for a run without folds, and the folder of its model."""
    folds = (cfg.get("data") or {}).get("folds")
    found: list[tuple[int | None, Path]] = [(None, folder)]
    if folds is not None:
        found = [(fold, folder / run_folder.fold_name(fold)) for fold in range(folds)]
    for _, path in found:
        run_folder.check_run_folder(path, run_folder.BEST_CHECKPOINT)
    return found


def _build(cfg: DictConfig, fold: int | None, folder: Path) -> tuple[L.LightningDataModule | None, L.LightningModule]:
    """Build a run's data and learner; raises UserError if the data are not those that it was trained on."""
    return build_learner(cfg, fold, read_data_record("folder", folder / run_folder.BEST_CHECKPOINT))


def _check_has_test(data: L.LightningDataModule | None, module: L.LightningModule) -> None:
    if not is_overridden("test_step", module):
        raise NothingToEvaluate(f"{type(module).__name__} has no test_step: the test part is not used")
    source = module if data is None else data
    if not is_overridden("test_dataloader", source):
        raise NothingToEvaluate(f"{type(source).__name__} has no test_dataloader: there is no test part")


class _BestCheckpoint(L.Callback):
    """Loads data and learner from the best checkpoint, as Lightning does, and parts that torch.compile wraps."""

    def __init__(self, folder: Path) -> None:
        path = folder / run_folder.BEST_CHECKPOINT
        self.checkpoint = torch.load(path, map_location="cpu", weights_only=True)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        data = getattr(trainer, "datamodule", None)
        state = self.checkpoint.get(type(data).__qualname__)
        if data is not None and state is not None:
            data.load_state_dict(state)

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Load the learner here, when every layer is there, those of setup and configure_model too."""
        load_checkpoint(pl_module, self.checkpoint)


def _test(
    cfg: DictConfig, folder: Path, data: L.LightningDataModule | None, module: L.LightningModule
) -> dict[str, float]:
    """Return what a learner's own test_step logs with the best checkpoint."""
    trainer = build_quiet_trainer(cfg, folder, devices=1, callbacks=[_BestCheckpoint(folder)])
    with interruptible(trainer):
        logged = trainer.test(module, data, verbose=False)
    return {name: _float32(value) for metrics in logged for name, value in metrics.items()}


def _evaluate_outputs(cfg: DictConfig, folder: Path, built: list[Built]) -> dict[str, float]:
    prediction = _predict(cfg, built)
    module, outputs, targets = prediction.module, prediction.outputs, prediction.targets
    test = module.new_metrics("test")
    test.add(module.loss(outputs, targets), outputs, targets)
    metrics = {name: _float32(value) for name, value in test.part_metrics(test.totals()).items()}
    run_folder.write_yaml(folder / run_folder.TEST_FILE, {**metrics, "samples": len(targets)})
    if module.facts.has_classes and targets.ndim == 1:
        report = class_report(targets.numpy(), outputs.argmax(1).numpy(), prediction.data.splits.classes)
        (folder / run_folder.REPORT_FILE).write_text(report)
    return metrics


def _predict(cfg: DictConfig, built: list[Built]) -> Prediction:
    """Predict the test part with the best checkpoint of each model."""
    outputs = torch.stack([_outputs(cfg, *each) for each in built]).mean(0)
    data, module, _ = built[0]
    assert isinstance(data, DataModule)
    assert isinstance(module, Supervised)
    if not module.facts.has_classes:
        outputs = ((outputs - data.target_mean) / data.target_scale).float()
    return Prediction(data, module, outputs, data.splits.test.targets[:])


def _outputs(cfg: DictConfig, data: L.LightningDataModule | None, module: L.LightningModule, folder: Path) -> Tensor:
    """Return outputs on the CPU; numbers are float64 in the target's own unit, which is the same in all folds."""
    assert isinstance(data, DataModule)
    assert isinstance(module, Supervised)
    load_weights(module, read_weights(folder / run_folder.BEST_CHECKPOINT))
    trainer = build_quiet_trainer(cfg, folder, devices=1)
    with interruptible(trainer):
        batches = trainer.predict(module, data)
    assert batches is not None
    outputs = torch.cat([batch.cpu() for batch in batches])  # type: ignore[union-attr]
    module.cpu()
    return outputs if module.facts.has_classes else outputs.double() * data.target_scale + data.target_mean


def _float32(value: float) -> float:
    """Return the float with as few digits as a float32 has."""
    return float(str(np.float32(value)))
