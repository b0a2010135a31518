"""A run's test part, or new rows, by Lightning's Trainer: for what a plain loop cannot do, such as precision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning as L
import torch
from lightning.pytorch.utilities.model_helpers import is_overridden
from omegaconf import DictConfig
from torch import Tensor, nn

from tunesmith import run_folder
from tunesmith.data.batches import Batches
from tunesmith.errors import NothingToEvaluate, UserError
from tunesmith.training.build import build_quiet_trainer
from tunesmith.training.fit import interruptible
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.weights import load_checkpoint

if TYPE_CHECKING:
    from tunesmith.training.evaluation import Built


def predict(cfg: DictConfig, built: Built) -> list[Tensor]:
    """Return the outputs of each batch of the test part; the module has its weights."""
    trainer = build_quiet_trainer(cfg, built.folder, devices=1)
    with interruptible(trainer):
        batches: Any = trainer.predict(built.module, built.data)  # type: ignore[arg-type]
    assert batches is not None
    return list(batches)


def predict_rows(cfg: DictConfig, module: nn.Module, batches: Batches, folder: Path) -> list[Any]:
    """Return what a learner puts out for each batch of new rows, by its predict_step, or else its forward.

    predict_step gets batches as those of training, with zeros for targets; forward gets inputs alone.

    Raises:
        UserError: the learner has neither.
    """
    assert isinstance(module, L.LightningModule)
    has_step = is_overridden("predict_step", module)
    if not has_step and not is_overridden("forward", module):
        raise UserError(
            f"learner: {type(module).__name__} must have a predict_step that takes a batch, or a forward that takes "
            "inputs, to be applied to new rows"
        )
    is_loaded = isinstance(module, SupervisedLearning)
    trainer = build_quiet_trainer(cfg, folder, devices=1, callbacks=[] if is_loaded else [_BestCheckpoint(folder)])
    with interruptible(trainer):
        found: Any = trainer.predict(module, batches if has_step else _Inputs(batches))
    assert found is not None
    return list(found)


class _Inputs:
    """The inputs alone of batches."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Tensor]:
        return (inputs for inputs, _ in self.batches)


def test(cfg: DictConfig, built: Built) -> dict[str, float]:
    """Return what a learner's own test_step logs with the best checkpoint.

    Raises:
        NothingToEvaluate: the learner has no test_step, or the data no test part.
    """
    data, module = built.data, built.module
    assert isinstance(module, L.LightningModule)
    _check_has_test(data, module)
    trainer = build_quiet_trainer(cfg, built.folder, devices=1, callbacks=[_BestCheckpoint(built.folder)])
    with interruptible(trainer):
        logged = trainer.test(module, data, verbose=False)
    return {name: value for metrics in logged for name, value in metrics.items()}


def _check_has_test(data: L.LightningDataModule | None, module: L.LightningModule) -> None:
    if not is_overridden("test_step", module):
        raise NothingToEvaluate(f"{type(module).__name__} has no test_step: the test part is not used")
    source = module if data is None else data
    if not is_overridden("test_dataloader", source):
        raise NothingToEvaluate(f"{type(source).__name__} has no test_dataloader: there is no test part")


class _BestCheckpoint(L.Callback):
    """Loads data and learner from the best checkpoint, as Lightning does, and parts that torch.compile wraps."""

    def __init__(self, folder: Path) -> None:
        self.checkpoint = torch.load(folder / run_folder.BEST_CHECKPOINT, map_location="cpu", weights_only=True)

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        data = getattr(trainer, "datamodule", None)
        state = self.checkpoint.get(type(data).__qualname__)
        if data is not None and state is not None:
            data.load_state_dict(state)

    def on_test_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Load the learner here, when every layer is there, those of setup and configure_model too."""
        load_checkpoint(pl_module, self.checkpoint)

    def on_predict_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self.on_test_start(trainer, pl_module)
