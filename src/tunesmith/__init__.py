"""tunesmith: Hydra composes, Optuna tunes, Lightning trains."""

from typing import TYPE_CHECKING, Any

from tunesmith.reporting import report, report_metrics
from tunesmith.version import __version__

if TYPE_CHECKING:
    from tunesmith.notebook import compose, evaluate, predict, train

__all__ = ["__version__", "compose", "evaluate", "predict", "report", "report_metrics", "train"]


def __getattr__(name: str) -> Any:
    """Import compose, train, evaluate and predict when they are asked for: an app that only reports needs no Hydra."""
    if name in ("compose", "evaluate", "predict", "train"):
        from tunesmith import notebook

        return getattr(notebook, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
