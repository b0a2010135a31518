"""Whether the metrics that a run follows are among those that it logs, as far as its first step can know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunesmith.errors import UserError, closest
from tunesmith.training.imported import is_of

# Callbacks of the library or of Lightning that may log metrics of names that nobody knows before.
LOGGING = (
    "lightning.pytorch.callbacks.LambdaCallback",
    "lightning.pytorch.callbacks.LearningRateMonitor",
    "tunesmith.training.callbacks.parameters.Parameters",
)
OF_LIBRARIES = ("lightning", "tunesmith")


def check_monitors(names: Iterable[str], metric: str, callbacks: Mapping[str, object]) -> None:
    """Raise UserError if the objective, or what a callback monitors, is none of the metrics that a learner logs.

    names: of the metrics; metric: the objective's; callbacks: of the config, by name. One that may log others, such as
    a user's own, leaves it open.
    """
    if any(map(_may_log, callbacks.values())):
        return
    monitored = {f"callbacks.{name}.monitor": getattr(each, "monitor", None) for name, each in callbacks.items()}
    for key, followed in {"objective.metric": metric, **monitored}.items():
        if followed is not None and followed not in names:
            raise UserError(
                f"{key} must be a metric that the learner logs; got '{followed}'{closest(str(followed), names)}"
            )


def _may_log(callback: object) -> bool:
    package = type(callback).__module__.partition(".")[0]
    return package not in OF_LIBRARIES or any(is_of(callback, path) for path in LOGGING)
