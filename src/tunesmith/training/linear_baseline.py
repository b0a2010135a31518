"""A linear model on the splits of a run: what a net has to beat."""

from __future__ import annotations

import math
import warnings
from statistics import fmean
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from tunesmith.data.array_data import ArrayData
from tunesmith.data.splits import Splits
from tunesmith.models.linear import Linear
from tunesmith.training.lean_classes import LEAN_CLASSES
from tunesmith.training.learner_and_data import build_lean_learner
from tunesmith.training.supervised import SupervisedLearning

# Training samples times features times outputs up to which one is fitted, in about a second.
MAX_SIZE = 5_000_000
MAX_STEPS = 200
# Log probability of a class that the training part lacks; none is less.
LEAST = math.log(1e-9)


def linear_metrics(cfg: DictConfig) -> dict[str, float]:
    """Return the validation metrics of a linear model that is fitted on the training part of a run.

    Logistic regression of classes, ridge regression of numbers, with scikit-learn's defaults (a penalty of 1), scored
    by the run's loss and metrics; with folds their means. Empty if the data or the learner are not ours, targets are
    not one class or numbers, inputs are tokens, rows stay in a file, there are too many, or the run's model is linear.
    """
    targets = (OmegaConf.select(cfg, f"{key}._target_", default=None) for key in ("data", "learner"))
    if not all(target in LEAN_CLASSES for target in targets):
        return {}
    folds = OmegaConf.select(cfg, "data.folds", default=None)
    found = [_metrics(cfg, fold) for fold in ([None] if folds is None else range(folds))]
    return {name: fmean(each[name] for each in found) for name in found[0]}


def _metrics(cfg: DictConfig, fold: int | None) -> dict[str, float]:
    data, learner = build_lean_learner(cfg, fold)
    if not _can_fit(data, learner):
        return {}
    targets = data.splits.val.targets[:]
    outputs = (_probabilities if data.has_classes else _numbers)(data.splits)
    metrics = learner.cpu().new_metrics("val")
    metrics.add(learner.loss(outputs, targets), outputs, targets)
    return metrics.part_metrics(metrics.totals())


def _can_fit(data: ArrayData, learner: SupervisedLearning) -> bool:
    inputs, targets = data.splits.train.inputs, data.splits.train.targets
    if not (isinstance(inputs, Tensor) and isinstance(targets, Tensor) and inputs.is_floating_point()):
        return False
    is_plain = targets.ndim <= (1 if data.has_classes else 2) and not isinstance(learner.loss, nn.BCEWithLogitsLoss)
    return is_plain and not isinstance(learner.model, Linear) and inputs.numel() * data.output_size <= MAX_SIZE


def _probabilities(splits: Splits) -> Tensor:
    """Return the log probabilities of the validation part: (samples, classes) float32."""
    from sklearn.linear_model import LogisticRegression  # a second, and few sweeps come to their end here

    model = _fitted(LogisticRegression(max_iter=MAX_STEPS), splits)
    found = torch.from_numpy(model.predict_log_proba(_inputs(splits.val.inputs)))
    outputs = torch.full((len(found), len(splits.classes)), LEAST)
    outputs[:, model.classes_] = found.float().clamp(min=LEAST)
    return outputs


def _numbers(splits: Splits) -> Tensor:
    """Return what ridge regression says of the validation part, in the shape of its targets."""
    from sklearn.linear_model import Ridge

    found = _fitted(Ridge(), splits).predict(_inputs(splits.val.inputs))
    return torch.from_numpy(found).float().reshape(splits.val.targets.shape)


def _fitted(model: Any, splits: Splits) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # after MAX_STEPS it is as good as it gets here
        return model.fit(_inputs(splits.train.inputs), splits.train.targets[:].numpy())


def _inputs(inputs: Any) -> Any:
    """Return inputs as a matrix: (samples, features) float64."""
    return inputs[:].flatten(1).double().numpy()
