"""What a learner of the user's own finds in place of its Trainer when there is none."""

from __future__ import annotations

from typing import Any

from tunesmith.training.engine import NeedsTrainer


class NoTrainer:
    """Ends a run whose learner asks for its Trainer in a way that its class does not tell, see own_learner.

    Without it, a LightningModule says nothing: current_epoch and global_step are 0, and what it logs is lost.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NeedsTrainer(f"the learner uses its Trainer's {name}")
