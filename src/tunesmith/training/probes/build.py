"""Build the probes that a config asks for."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig

from tunesmith.reporting import is_trial
from tunesmith.training.loggers import RunLogger
from tunesmith.training.probes.probes import Probes
from tunesmith.training.record import RunRecord

AUTO = "auto"


def build_probes(cfg: DictConfig, record: RunRecord, loggers: Sequence[RunLogger] = ()) -> Probes | None:
    """Return what measures a training, None if the config wants nothing measured.

    loggers: of the run; a sweep's trials log no norms.
    """
    wanted = cfg.get("probes", AUTO)
    if wanted is False:
        return None
    return Probes(record, is_each_epoch=wanted is True or not is_trial(), loggers=() if is_trial() else loggers)
