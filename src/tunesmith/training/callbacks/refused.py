"""Callbacks of Lightning whose promise a run of ours cannot keep."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lightning.pytorch.callbacks import (
    BatchSizeFinder,
    Callback,
    LearningRateFinder,
    ModelPruning,
    StochasticWeightAveraging,
)

from tunesmith.errors import UserError

# Class -> why not, and the way out. A run ends with the weights of its best validation.
REFUSED: Mapping[type[Callback], str] = {
    StochasticWeightAveraging: "whose average is never validated, so that no value could be that of its weights: "
    "lightning.pytorch.callbacks.WeightAveraging and EMAWeightAveraging validate theirs",
    ModelPruning: "whose sparsity grows after each validation, so that the best epoch's weights are not those that it "
    "promises: prune the weights of checkpoints/best.ckpt when the run is over",
    BatchSizeFinder: "whose size no config holds, so that a run that goes on would search again: give data.batch_size",
    LearningRateFinder: "whose rate no config holds, so that a run that goes on would search again: give find_lr=true, "
    "or the learning rate",
}


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Raise UserError for a callback, of the config or of the learner's own, whose promise a run cannot keep."""
    for callback in callbacks:
        for refused, reason in REFUSED.items():
            if isinstance(callback, refused):
                raise UserError(f"callbacks must not hold a {refused.__name__}, {reason}; got {_name(callback)}")


def _name(callback: Callback) -> str:
    return f"{type(callback).__module__}.{type(callback).__qualname__}"
