"""LightningModules that are not ours, and have a say in their checkpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from foreign.idioms import Plain, Tested
from foreign.points import FEATURES
from torch import Tensor, nn


class OddCheckpoint(Plain):
    """Adds to its checkpoints what is no plain value."""

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["where"] = Path("somewhere")


class Remembers(Tested):
    """Keeps a value of its own in its checkpoints, and leaves a frozen part out of them."""

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__(lr)
        self.strict_loading = False
        self.frozen = nn.Linear(FEATURES, FEATURES).requires_grad_(False)
        nn.init.eye_(self.frozen.weight)
        self.seen = 0

    def loss(self, batch: Any) -> Tensor:
        return super().loss((self.frozen(batch[0]), batch[1]))

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.seen += 1

    def on_train_epoch_end(self) -> None:
        self.log("train/seen", float(self.seen))

    def test_step(self, batch: Any, batch_idx: int) -> None:
        super().test_step(batch, batch_idx)
        self.log("test/seen", float(self.seen))

    def state_dict(self, *args: Any, **options: Any) -> Any:
        return {name: value for name, value in super().state_dict().items() if not name.startswith("frozen")}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["seen"] = self.seen

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seen = checkpoint["seen"]
