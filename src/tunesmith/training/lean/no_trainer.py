"""What LightningModules of the user's own find in place of their Trainer when there is none."""

from __future__ import annotations

from typing import Any

from torch import nn

from tunesmith.training.engine import NeedsTrainer
from tunesmith.training.imported import is_of


class NoTrainer:
    """Ends a run whose learner asks for its Trainer in a way that its class does not tell, see own_learner.

    Without it, a LightningModule says nothing: current_epoch and global_step are 0, and what it logs is lost.
    """

    def __init__(self, holder: str = "learner") -> None:
        """holder: learner, model or loss, for the message."""
        self._holder = holder

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NeedsTrainer(f"the {self._holder} uses its Trainer's {name}")


def do_without_trainer(learner: nn.Module) -> None:
    """Give NoTrainer to each LightningModule that would have a Trainer: a user's learner, or a model or loss in ours.

    Lightning hands the Trainer on from a LightningModule to those among its children.

    Raises:
        NeedsTrainer: the learner steps its optimizer itself, which its class did not tell.
    """
    if not getattr(learner, "automatic_optimization", True):
        raise NeedsTrainer("the learner sets automatic_optimization=False")
    held = {"learner": learner} if _is_lightnings(learner) else dict(learner.named_children())
    for name, module in held.items():
        if _is_lightnings(module):
            module.trainer = NoTrainer(name)  # type: ignore[assignment]


def _is_lightnings(module: nn.Module) -> bool:
    return is_of(module, "lightning.LightningModule")
