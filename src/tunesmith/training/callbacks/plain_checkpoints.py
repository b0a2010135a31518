"""Lightning's way to write checkpoint files that load with weights_only=True."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from tunesmith.training.checkpoint_file import check_loads, without_objects, write_checkpoint


class PlainCheckpoints(TorchCheckpointIO):
    """Writes checkpoints without hyperparameters that are no plain values, such as a net or a partial.

    The file names what was left out; Net.load_from_checkpoint(path, net=...) adds it again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_checked = False

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Save a checkpoint; the first one of a run is read first, unless all its values are plain.

        Raises:
            UserError: it holds something else that weights_only=True does not load.
        """
        plain = without_objects(checkpoint)
        if not self._is_checked:
            check_loads(plain)
        self._is_checked = True
        if "://" in str(path):
            super().save_checkpoint(plain, path, storage_options)
        else:
            write_checkpoint(plain, Path(path))
