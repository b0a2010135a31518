"""Build the probes that a config asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from tunesmith.data.array_data import ArrayData
from tunesmith.data.batches import Batch
from tunesmith.reporting import is_trial
from tunesmith.training.loggers import RunLogger
from tunesmith.training.probes.forward import Seen, look
from tunesmith.training.probes.probes import Look, Probes
from tunesmith.training.probes.samples import Samples
from tunesmith.training.record import RunRecord
from tunesmith.training.supervised import SupervisedLearning

AUTO = "auto"
# Samples whose loss is taken in a trial of a sweep by probes=auto: a look is then a small part of an epoch.
NUM_SAMPLES_OF_TRIAL = 256


def build_probes(cfg: DictConfig, record: RunRecord, loggers: Sequence[RunLogger] = ()) -> Probes | None:
    """Return what measures a training, None if the config wants nothing measured.

    loggers: of the run; a sweep's trials log no norms.
    """
    wanted = cfg.get("probes", AUTO)
    if wanted is False:
        return None
    return Probes(record, is_each_epoch=wanted is True or not is_trial(), loggers=() if is_trial() else loggers)


def make_look(
    learner: nn.Module,
    data: object,
    device: torch.device,
    probes: Probes,
    convert: Callable[[Batch], Any] = lambda batch: batch,
    context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Look | None:
    """Return what looks at a learner, see forward.look; None if its step, its forward or its data are not ours.

    A step of the user's own may log or count: nobody knows that it changes nothing.

    convert: of a batch to the precision that is trained in; context: in which the learner is called.
    """
    if not (isinstance(learner, SupervisedLearning) and isinstance(data, ArrayData)):
        return None
    if not learner.is_step_ours or type(learner).forward is not SupervisedLearning.forward:
        return None
    samples = Samples(data, device, **({} if probes.is_each_epoch else {"num_loss": NUM_SAMPLES_OF_TRIAL}))

    def see() -> Seen:
        first, others = samples.read()
        with context():
            return look(learner, [convert(batch) for batch in first], [convert(batch) for batch in others])

    return see
