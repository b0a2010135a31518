"""Evaluate a run on the test part, once, at the end: no choice was based on these samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from tunesmith import run_folder
from tunesmith.data import DataModule
from tunesmith.training.build import build_learner, build_quiet_trainer
from tunesmith.training.fit import interruptible
from tunesmith.training.learner import Supervised


@dataclass(frozen=True)
class Prediction:
    """Outputs of a run's models for the test part; numbers are in the units of the first model.

    outputs: (samples, classes), or (samples,) for numbers: the mean over the models; targets: (samples,).
    """

    data: DataModule
    module: Supervised
    outputs: Tensor
    targets: Tensor


def evaluate(folder: Path) -> dict[str, float]:
    """Evaluate a run on the test part; write test.yaml and, for classes, test_report.txt; return the metrics.

    After cross-validation the outputs of the fold models are averaged.

    Raises:
        UserError: the folder is not one that a run left.
    """
    prediction = predict(folder)
    module, outputs, targets = prediction.module, prediction.outputs, prediction.targets
    test = module.new_metrics("test")
    test.add(module.loss(outputs, targets), outputs, targets)
    # as few digits as a float32 has
    metrics = {name: float(str(np.float32(value))) for name, value in test.part_metrics(test.totals()).items()}
    run_folder.write_yaml(folder / run_folder.TEST_FILE, {**metrics, "samples": len(targets)})
    if module.has_classes:
        (folder / run_folder.REPORT_FILE).write_text(_report(prediction))
    return metrics


def predict(folder: Path) -> Prediction:
    """Predict the test part with a run's best checkpoint, or with those of its folds; raises UserError."""
    cfg = _config(folder)
    torch.set_num_threads(cfg.threads)
    folds = cfg.data.get("folds")
    models = [_outputs(cfg, folder, None)] if folds is None else []
    for fold in range(folds or 0):
        models.append(_outputs(cfg, folder / run_folder.fold_name(fold), fold))
    data, module, _ = models[0]
    mean, scale = data.splits.target_mean, data.splits.target_scale
    outputs = torch.stack([outputs for _, _, outputs in models]).mean(0)
    if not data.has_classes:
        outputs = (outputs - mean) / scale
    return Prediction(data, module, outputs, data.splits.test.targets[:])


def _config(folder: Path) -> DictConfig:
    run_folder.check_run_folder(folder)
    cfg = OmegaConf.load(folder / run_folder.CONFIG_FILE)
    assert isinstance(cfg, DictConfig)
    return cfg


def _outputs(cfg: DictConfig, folder: Path, fold: int | None) -> tuple[DataModule, Supervised, Tensor]:
    """Return outputs on the CPU; numbers are in the target's own unit, which is the same in all folds."""
    run_folder.check_run_folder(folder, run_folder.BEST_CHECKPOINT)
    data, module = build_learner(cfg, fold)
    module.load_state_dict(
        torch.load(folder / run_folder.BEST_CHECKPOINT, map_location="cpu", weights_only=True)["state_dict"]
    )
    trainer = build_quiet_trainer(cfg, folder, devices=1)
    with interruptible(trainer):
        batches = trainer.predict(module, data)
    assert batches is not None
    outputs = torch.cat([batch.cpu() for batch in batches])  # type: ignore[union-attr]
    if not data.has_classes:
        outputs = outputs * data.splits.target_scale + data.splits.target_mean
    return data, module.cpu(), outputs


def _report(prediction: Prediction) -> str:
    """Return precision and recall of each class, and the confusion matrix: a row per true class."""
    from sklearn.metrics import classification_report, confusion_matrix

    classes, targets = prediction.data.splits.classes, prediction.targets.numpy()
    predicted, labels = prediction.outputs.argmax(1).numpy(), list(range(len(classes)))
    report = classification_report(targets, predicted, labels=labels, target_names=classes, digits=3, zero_division=0)
    width = max(map(len, classes)) + 2
    rows = [["", *classes]]
    for name, counts in zip(classes, confusion_matrix(targets, predicted, labels=labels), strict=True):
        rows.append([name, *map(str, counts)])
    matrix = "\n".join("".join(cell.rjust(width) for cell in row) for row in rows)
    return f"{report}\nconfusion matrix: a row per true class, a column per predicted one\n{matrix}\n"
