"""A run that starts from the weights of another run."""

from __future__ import annotations

from pathlib import Path

import lightning as L

from tunesmith.training.weights import read_weights, start_from


class StartWeights(L.Callback):
    """Loads weights when every layer is there, those of setup and configure_model too; a resumed run has its own."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises UserError if it is no checkpoint."""
        self.path = path
        self._weights = read_weights(path)

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if trainer.ckpt_path is None:
            start_from(pl_module, self._weights, str(self.path))
        self._weights = {}
