"""Evaluate a run on the test part, once, at the end: no choice was based on these samples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf, open_dict
from torch import Tensor, nn

from tunesmith import run_folder
from tunesmith.data.array_data import ArrayData
from tunesmith.errors import NothingToEvaluate
from tunesmith.training.chance import calibration, second_metric_se
from tunesmith.training.class_report import class_report
from tunesmith.training.data_record import read_data_record
from tunesmith.training.draws import seed_everything
from tunesmith.training.engine import LIGHTNING, SUPERVISED, why_not_lean
from tunesmith.training.float32 import shortest_float32
from tunesmith.training.kept_outputs import keep_test_outputs
from tunesmith.training.lean.build import choose_device
from tunesmith.training.learner_and_data import build_lean_learner, build_learner
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.weights import load_weights, read_weights

# Into which the test part is cut to see how far chance moves its loss.
NUM_BLOCKS = 20


@dataclass(frozen=True)
class Built:
    """A model of a run, or of one of its folds, with its data and its folder; data: None if it brings its own."""

    data: Any
    module: nn.Module
    folder: Path


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
    cfg = read_config(folder) if config is None else config
    torch.set_num_threads(cfg.threads)
    seed_everything(cfg.seed)  # a test part may have random augmentation
    is_lean = needs_no_trainer(cfg)
    built = [_build(cfg, fold, path, is_lean) for fold, path in trained_folders(cfg, folder)]
    if _has_outputs(built[0]):
        return _evaluate_outputs(cfg, folder, built, is_lean)
    metrics = _evaluate_tests(cfg, built)
    run_folder.write_yaml(folder / run_folder.TEST_FILE, metrics)
    return metrics


def read_config(folder: Path) -> DictConfig:
    """Return the config that a run has written down."""
    cfg = OmegaConf.load(folder / run_folder.CONFIG_FILE)
    assert isinstance(cfg, DictConfig)
    return cfg


def needs_no_trainer(cfg: DictConfig) -> bool:
    """Whether a plain loop over the test part gives what a Trainer would, which has no callback and no logger here.

    A learner of the user's own has imported Lightning anyway, and may ask for its Trainer in a step.
    """
    bare = cfg.copy()
    with open_dict(bare):
        bare.update(callbacks=None, logger=None)
    learner = OmegaConf.select(bare, "learner._target_", default=SUPERVISED)  # a config of version 0.1.0 has none
    return learner == SUPERVISED and bare.trainer.get("engine") != LIGHTNING and why_not_lean(bare) is None


def trained_folders(cfg: DictConfig, folder: Path) -> list[tuple[int | None, Path]]:
    """Return each fold, None for a run without folds, and the folder of its model."""
    folds = (cfg.get("data") or {}).get("folds")
    found: list[tuple[int | None, Path]] = [(None, folder)]
    if folds is not None:
        found = [(fold, folder / run_folder.fold_name(fold)) for fold in range(folds)]
    for _, path in found:
        run_folder.check_run_folder(path, run_folder.BEST_CHECKPOINT)
    return found


def _build(cfg: DictConfig, fold: int | None, folder: Path, is_lean: bool) -> Built:
    """Build a run's data and learner; raises UserError if the data are not those that it was trained on."""
    record = read_data_record("folder", folder / run_folder.BEST_CHECKPOINT)
    build: Callable[..., tuple[Any, nn.Module]] = build_lean_learner if is_lean else build_learner
    data, module = build(cfg, fold, record)
    return Built(data, module, folder)


def _has_outputs(built: Built) -> bool:
    """Whether the outputs of the test part tell all metrics: the step is ours, and so are the data."""
    module = built.module
    return isinstance(module, SupervisedLearning) and module.is_step_ours and isinstance(built.data, ArrayData)


def _evaluate_tests(cfg: DictConfig, built: list[Built]) -> dict[str, float]:
    """Return what the models' own test_step logs for the test part, the mean over the models."""
    from tunesmith.training.trainer_evaluation import test  # imports Lightning

    tested = [{name: shortest_float32(value) for name, value in test(cfg, each).items()} for each in built]
    metrics = {name: fmean(each[name] for each in tested) for name in tested[0]}
    if not metrics:
        raise NothingToEvaluate(f"the test_step of {type(built[0].module).__name__} logs nothing")
    return metrics


def _evaluate_outputs(cfg: DictConfig, folder: Path, built: list[Built], is_lean: bool) -> dict[str, float]:
    data, module = _ours(built[0])
    outputs, targets = _mean_outputs(cfg, built, is_lean), data.splits.test.targets[:]
    test = module.new_metrics("test")
    test.add(module.loss(outputs, targets), outputs, targets)
    metrics = {name: shortest_float32(value) for name, value in test.part_metrics(test.totals()).items()}
    chance = {
        **_loss_se(module, outputs, targets),
        **second_metric_se(test.kind, outputs, targets, test.target_scale),
        **calibration(test.kind, outputs, targets),
    }
    facts = {name: shortest_float32(value) for name, value in chance.items()}
    run_folder.write_yaml(folder / run_folder.TEST_FILE, {**metrics, "samples": len(targets), **facts})
    if module.facts.has_classes and targets.ndim == 1:
        report = class_report(targets.numpy(), outputs.argmax(1).numpy(), data.splits.classes)
        run_folder.write_text(folder / run_folder.TEST_REPORT_FILE, report)
    keep_test_outputs(folder, module, data, outputs)
    return metrics


def _loss_se(module: SupervisedLearning, outputs: Tensor, targets: Tensor) -> dict[str, float]:
    """Return the standard error of the test loss: of the mean of NUM_BLOCKS blocks, whatever the loss does to samples.

    Empty for fewer samples, and for a loss that sums up.
    """
    if len(targets) < NUM_BLOCKS or module.is_sum:
        return {}
    blocks = [module.loss(outputs[first::NUM_BLOCKS], targets[first::NUM_BLOCKS]) for first in range(NUM_BLOCKS)]
    return {"loss_se": float(torch.stack(blocks).std()) / NUM_BLOCKS**0.5}


def _mean_outputs(cfg: DictConfig, built: list[Built], is_lean: bool) -> Tensor:
    """Return the mean over the models of their outputs for the test part; numbers in the units of the first model."""
    outputs = torch.stack([_outputs(cfg, each, is_lean) for each in built]).mean(0)
    data, module = _ours(built[0])
    return outputs if module.facts.has_classes else ((outputs - data.target_mean) / data.target_scale).float()


def _outputs(cfg: DictConfig, built: Built, is_lean: bool) -> Tensor:
    """Return outputs on the CPU; numbers are float64 in the target's own unit, which is the same in all folds."""
    data, module = _ours(built)
    load_weights(module, read_weights(built.folder / run_folder.BEST_CHECKPOINT))
    if is_lean:
        batches = _predict(cfg, built)
    else:
        from tunesmith.training.trainer_evaluation import predict  # imports Lightning

        batches = predict(cfg, built)
    outputs = torch.cat([batch.cpu() for batch in batches])
    module.cpu()
    return outputs if module.facts.has_classes else outputs.double() * data.target_scale + data.target_mean


@torch.no_grad()
def _predict(cfg: DictConfig, built: Built) -> list[Tensor]:
    """Return the outputs of each batch of the test part; the module has its weights."""
    data, module = _ours(built)
    device = choose_device(cfg.trainer.get("accelerator", "auto"))
    module.to(device).eval()
    return [module.predict(batch) for batch in data.batches("test", device)]


def _ours(built: Built) -> tuple[ArrayData, SupervisedLearning]:
    assert isinstance(built.data, ArrayData)
    assert isinstance(built.module, SupervisedLearning)
    return built.data, built.module
