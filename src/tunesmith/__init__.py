"""tunesmith: Hydra composes, Optuna tunes, Lightning trains."""

from tunesmith.reporting import report

__all__ = ["report"]
