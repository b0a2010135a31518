"""Trainings made by hand: what the rules of insight/findings.py look at, with a prior loss of 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts

LOOKED_AT = (0, 1, 2, 3, 5, 8, 13, 20)
# Validation losses of a healthy training of 20 epochs: most is learnt, little changes at the end.
HEALTHY = tuple(0.05 + 0.6 * 0.7**epoch for epoch in range(20))


def training(
    val: Sequence[float] = HEALTHY,
    *,
    fit: Mapping[int, float] | None = None,
    start: float = 1.0,
    update: float = 4e-3,
    grads: Sequence[float | None] = (0.4, 0.6, 1.0),
    weights: Sequence[float] = (5.0, 5.0, 1.0),
    dead: Mapping[int, float] | None = None,
    outputs: Mapping[str, float] | None = None,
    config: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    best: int | None = None,
    **fields: Any,
) -> TrainingFacts:
    """Return a healthy training of a net of three layers on classes, but for what is given.

    val: validation losses by epoch; fit: training losses in evaluation mode by epoch, a little below val by default.
    start: loss before the first step; update: share by which a step moves each layer.
    grads, weights: norms of each layer at the start; dead: share of dead units by epoch; config: dotted keys.
    outputs: columns of all looks; best: the best epoch, that of the least loss by default.
    """
    epochs = range(1, len(val) + 1)
    fitted = {epoch: val[epoch - 1] * 0.9 for epoch in epochs} | dict(fit or {})
    seen = sorted({epoch for epoch in LOOKED_AT if epoch <= len(val)} | {len(val)})
    return TrainingFacts(
        config=_nested(SETTINGS | {"trainer.max_epochs": len(val)} | dict(config or {})),
        epochs=[{"epoch": epoch, "train/loss": fitted[epoch] * 1.1, "val/loss": val[epoch - 1]} for epoch in epochs],
        layers=[row for epoch in (0, *epochs) for row in _rows(epoch, update, grads, weights, dead or {})],
        looks=[
            {"epoch": epoch, "train_loss": fitted[epoch] if epoch else start, "input_max": 3.0}
            | OUTPUTS
            | dict(outputs or {})
            for epoch in seen
        ],
        data=DATA | dict(data or {}),
        best_epoch=best or 1 + min(range(len(val)), key=lambda index: val[index]),
        **{"state": "COMPLETE", "metric": "val/loss", "mode": "min", **fields},
    )


SETTINGS: dict[str, Any] = {
    "optimizer._target_": "torch.optim.Adam",
    "optimizer.lr": 1e-3,
    "model.hidden_units": 64,
    "model.dropout": 0.3,
    "data.scale": "standard",
    "data.batch_size": 64,
    "callbacks.early_stopping.patience": 10,
}
DATA: dict[str, Any] = {
    "prior_loss": {"train": 1.0, "val": 1.0},
    "samples": {"train": 1000, "val": 300},
    "classes": {"train": [500, 500], "val": [150, 150]},
    "inputs": {"abs_max": 3.0},
}
# Data facts of numbers in place of classes.
NUMBERS: dict[str, Any] = {"classes": None, "targets": {"mean": 0.0, "std": 1.0, "min": -2.0, "max": 2.5}}
OUTPUTS = {"output_min": -4.0, "output_max": 5.0, "output_sum_min": -1.0, "output_sum_max": 1.5, "output_zeros": 0.0}


def _nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in settings.items():
        *groups, name = key.split(".")
        node = nested
        for group in groups:
            node = node.setdefault(group, {})
        node[name] = value
    return nested


def _rows(
    epoch: int, update: float, grads: Sequence[float | None], weights: Sequence[float], dead: Mapping[int, float]
) -> list[LayerRow]:
    names = [f"model.hidden.{index}" for index in range(len(grads) - 1)] + ["model.output"]
    return [
        LayerRow(
            epoch, name, grad, weight, update if epoch else None, None if name == names[-1] else dead.get(epoch, 0.0)
        )
        for name, grad, weight in zip(names, grads, weights, strict=True)
    ]
