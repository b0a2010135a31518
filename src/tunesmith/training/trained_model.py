"""The model of a run, or of one of its folds, built from the run's folder alone, without its data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.errors import InstantiationException
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from tunesmith.config.doors import with_learner
from tunesmith.data.array_data import EVALUATION_BATCH_BYTES, EVALUATION_BATCH_SIZE
from tunesmith.data.arrays import Arrays
from tunesmith.data.batches import Batches
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.new_rows import prepare_rows
from tunesmith.data.splits import Split
from tunesmith.errors import UserError, text_of
from tunesmith.run_folder import BEST_CHECKPOINT, PREPARATION_FILE
from tunesmith.training.data_facts import DataFacts
from tunesmith.training.data_record import read_data_record
from tunesmith.training.lean.build import choose_device
from tunesmith.training.nodes import build_node
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.weights import load_weights, read_weights


@dataclass(frozen=True)
class TrainedModel:
    """A learner, with what it knows of its data, how rows are prepared for it, and the folder of its checkpoint.

    is_lean: whether a plain loop gives what a Trainer would.
    """

    module: nn.Module
    facts: DataFacts
    preparation: FittedPreparation
    folder: Path
    is_lean: bool

    def outputs(self, cfg: DictConfig, arrays: Arrays) -> Tensor:
        """Return the outputs for rows, (samples, ...) on the CPU; numbers of the target's shape in its own unit.

        Raises:
            UserError: the learner puts out something else.
        """
        batches = self._batches(prepare_rows(arrays, self.preparation))
        try:
            found = self._plain(cfg, batches) if self.is_lean else self._by_trainer(cfg, batches)
        except (IndexError, RuntimeError) as error:  # a token id that the embedding lacks
            if not self.preparation.is_tokens:
                raise
            raise UserError(f"inputs must be such as the model was trained on: {text_of(error)}") from None
        if not all(isinstance(each, Tensor) for each in found) or sum(map(len, found)) != len(arrays.inputs):
            name = type(self.module).__name__
            raise UserError(f"learner: predict_step of {name} must return a tensor with a row for each sample")
        outputs = torch.cat([batch.detach().cpu() for batch in found])
        if self.facts.has_classes or tuple(outputs.shape[1:]) != self.facts.target_shape:
            return outputs
        return outputs.double() * self.facts.target_scale + self.facts.target_mean

    def _batches(self, inputs: NDArray[Any]) -> Batches:
        """Return batches as those of training, with zeros for targets."""
        kind = torch.int64 if self.facts.has_classes else torch.float32
        targets = torch.zeros((len(inputs), *self.facts.target_shape), dtype=kind)
        size = min(EVALUATION_BATCH_SIZE, EVALUATION_BATCH_BYTES // max(1, inputs[:1].nbytes))
        return Batches(Split(torch.from_numpy(np.ascontiguousarray(inputs)), targets), max(1, size))

    @torch.no_grad()
    def _plain(self, cfg: DictConfig, batches: Batches) -> list[Tensor]:
        assert isinstance(self.module, SupervisedLearning)
        device = choose_device(cfg.trainer.get("accelerator", "auto"))
        self.module.to(device).eval()
        return [self.module.predict(tuple(part.to(device) for part in batch)) for batch in batches]

    def _by_trainer(self, cfg: DictConfig, batches: Batches) -> list[Any]:
        from tunesmith.training.trainer_evaluation import predict_rows  # imports Lightning

        return predict_rows(cfg, self.module, batches, self.folder)


def mean_outputs(cfg: DictConfig, models: Sequence[TrainedModel], arrays: Arrays) -> Tensor:
    """Return the mean over the models, of the folds, of their outputs for rows."""
    return torch.stack([model.outputs(cfg, arrays) for model in models]).mean(0)


def read_model(cfg: DictConfig, folder: Path, is_lean: bool) -> TrainedModel:
    """Build the learner of a run, or of one of its folds, with the weights of best.ckpt; folder: of the checkpoint.

    Raises:
        UserError: nothing says how rows are prepared, or the learner needs more of its data than their facts.
    """
    checkpoint = folder / BEST_CHECKPOINT
    preparation = read_data_record("folder", checkpoint).preparation
    if preparation is None:
        raise UserError(
            f"folder must hold {PREPARATION_FILE}, which says how rows become inputs; {folder} has none, as its data "
            "module is one of your own, or version 0.1.0 trained it: load checkpoints/best.ckpt in a script of your own"
        )
    facts = _facts(cfg, preparation)
    module = _build(with_learner(cfg), facts, is_lean)
    if isinstance(module, SupervisedLearning):
        try:
            load_weights(module, read_weights(checkpoint))
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise UserError(f"folder must hold weights of the model of its config; {checkpoint}: {reason}") from None
    return TrainedModel(module, facts, preparation, folder, is_lean)


def _build(cfg: DictConfig, facts: DataFacts, is_lean: bool) -> nn.Module:
    try:
        module = build_node(cfg, "learner", is_lean, **({"data": facts} if cfg.learner.get("_partial_") else {}))
    except (AttributeError, InstantiationException) as error:
        cause = error.__cause__ or error
        if not isinstance(cause, AttributeError) or not isinstance(cause.obj, DataFacts):
            raise
        known = ", ".join(DataFacts.__dataclass_fields__)
        raise UserError(
            f"learner must need no more of its data than {known} to be applied to new rows; it asks for {cause.name}"
        ) from None
    assert isinstance(module, nn.Module)
    return module


def _facts(cfg: DictConfig, preparation: FittedPreparation) -> DataFacts:
    """Return what ArrayData says of the data; class weights are ones, and then those of the checkpoint."""
    shape, num_classes = _target_shape(cfg, preparation), len(preparation.classes)
    size = prod(shape) if not num_classes else 1 if num_classes == 2 and shape == () else num_classes
    is_weighted = num_classes and OmegaConf.select(cfg, "data.class_weights") is not None
    weights = torch.ones(num_classes) if is_weighted else None
    scale = preparation.target_mean, preparation.target_scale
    return DataFacts(preparation.prepared_shape, size, shape, bool(num_classes), weights, *scale)


def _target_shape(cfg: DictConfig, preparation: FittedPreparation) -> tuple[int, ...]:
    """Return the shape of one target; of a run that did not write it down what its config tells."""
    shape = preparation.target_shape
    if shape is None:
        target = OmegaConf.select(cfg, "data.target")
        is_own = OmegaConf.select(cfg, "data.targets") == "inputs"
        shape = (0,) if is_own else (len(target),) if OmegaConf.is_list(target) else ()
    return preparation.prepared_shape if shape == (0,) else shape
