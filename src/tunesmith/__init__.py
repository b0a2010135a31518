"""tunesmith: Hydra composes, Optuna tunes, Lightning trains."""

from tunesmith.search.handoff import report

__all__ = ["report"]
