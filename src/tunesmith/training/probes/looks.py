"""Who may be looked at, and how: a learner whose step is ours, or any whose forward can be called on our data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from tunesmith.data.array_data import ArrayData
from tunesmith.data.batches import Batch
from tunesmith.training.probes.forward import Seen, look, look_at_outputs
from tunesmith.training.probes.norms import MAX_COPIED
from tunesmith.training.probes.probes import Look, Probes
from tunesmith.training.probes.samples import MIN_SAMPLES, Samples
from tunesmith.training.probes.units import is_compiled
from tunesmith.training.supervised import SupervisedLearning

log = logging.getLogger(__name__)


def make_look(
    learner: nn.Module,
    data: object,
    device: torch.device,
    probes: Probes,
    convert: Callable[[Batch], Any] = lambda batch: batch,
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
    num_processes: int = 1,
) -> Look | None:
    """Return what looks at a learner, see forward.look; None if nobody can tell how, which a line then says.

    A step of the user's own is never called: it may log, count or update anything. Its forward may fail, too: that ends
    the looks, not the training.

    convert: of a batch to the precision that is trained in; context: in which the learner is called.
    """
    ours = _as_ours(learner)
    reason = _why_not(learner, data, num_processes) if ours is None or not isinstance(data, ArrayData) else ""
    if reason:
        _tell(f"measure gradients, weights and updates of layers alone: {reason}")
        return None
    assert isinstance(data, ArrayData)
    samples = Samples(data, device, **({} if probes.is_each_epoch else {"max_samples": MIN_SAMPLES}))

    def see(is_trained: bool) -> Seen:
        batches = [convert(batch) for batch in samples.read()]
        losses = _batch_losses(learner) if is_trained else ()
        with context():
            return look(ours, batches, losses) if ours else look_at_outputs(learner, batches, losses)

    return see if ours else _UntilItFails(see)


class _UntilItFails:
    """Looks until a learner's own forward raises an error, which is told in a line."""

    def __init__(self, see: Look) -> None:
        self._see: Look | None = see

    def __call__(self, is_trained: bool) -> Seen:
        if self._see is None:
            return Seen()
        try:
            seen = self._see(is_trained)
        except Exception as error:
            self._see = None
            _tell(f"have no outputs: forward(inputs) of the learner: {type(error).__name__}: {_first_line(error)}")
            return Seen()
        _tell("have no train_loss: the learner's step is its own, and only its forward is called")
        return seen


def _as_ours(learner: nn.Module) -> SupervisedLearning | None:
    """Return a learner whose step and forward are ours."""
    if not (isinstance(learner, SupervisedLearning) and learner.is_step_ours):
        return None
    return learner if type(learner).forward is SupervisedLearning.forward else None


def _why_not(learner: nn.Module, data: object, num_processes: int) -> str:
    """Return why a learner that is not ours, or is trained on other data, is not looked at; empty if it is."""
    if not isinstance(data, ArrayData):
        return "looks need data of tunesmith.data.DataModule"
    if num_processes > 1:
        return "on several devices the learner's own forward may wait for the other processes"
    if is_compiled(learner):
        return "a part of the learner is compiled"
    if any(isinstance(each, nn.UninitializedParameter) for each in learner.parameters()):
        return "a layer of the learner gets its shape from its first batch"
    if sum(parameter.nbytes for parameter in learner.parameters()) > MAX_COPIED:
        return f"the learner's own forward may change its weights, of which up to {MAX_COPIED >> 20} MB are copied"
    return ""


def _batch_losses(learner: nn.Module) -> Sequence[Tensor]:
    metrics = learner.epoch_metrics.get("train") if isinstance(learner, SupervisedLearning) else None
    return () if metrics is None else metrics.losses


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")


@cache
def _tell(what: str) -> None:
    """Say once in a process what is left out."""
    log.info("probes %s", what)
