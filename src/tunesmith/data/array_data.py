"""A source of arrays, split, prepared and cut into batches, whoever trains on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from tunesmith.data.arrays import Source
from tunesmith.data.augmentation import Augmentation
from tunesmith.data.batches import Batch, Batches
from tunesmith.data.cutting import SplitConfig
from tunesmith.data.fitted_preparation import FittedPreparation
from tunesmith.data.rows import Rows
from tunesmith.data.splits import Split, Splits, load_splits
from tunesmith.errors import UserError

EVALUATION_BATCH_SIZE = 4096
# Of the rows that are read from a file for a batch of validation or test part.
EVALUATION_BATCH_BYTES = 32 * 2**20


class ArrayData:
    """Training, validation and test split of a source: tensors on the device of a run, or rows that stay in a file."""

    def __init__(
        self,
        source: Callable[..., Source],
        batch_size: int,
        shuffle: bool,
        val_fraction: float,
        test_fraction: float | None,
        split_seed: int,
        folds: int | None,
        fraction: float,
        scale: str,
        scale_targets: bool,
        missing: str,
        class_weights: str | Sequence[float] | None,
        augmentation: Mapping[str, float],
        seed: int,
        targets: str = "source",
        split: str = "random",
        fold: int | None = None,
        train_on_val: bool = False,
        **keys: Any,
    ) -> None:
        """source: a class of sources, built with **keys; seed: of the order of batches.

        train_on_val: whether training takes in the validation part, as a refit does; there is none then.

        Raises:
            UserError: the source lacks one of the keys, or its data cannot be trained on.
        """
        super().__init__()
        if not callable(source):
            made = f"an object of {type(source).__name__}"
            raise UserError(f"data.source must be a node with a _target_ and _partial_: true; got {made}")
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.split = split
        self.seed = seed
        self.augmentation = _call("data.augmentation", Augmentation, augmentation)
        self._split_config = SplitConfig(
            *(val_fraction, test_fraction, split_seed, folds, fold, fraction, scale, scale_targets, missing),
            targets=targets,
            split=split,
            train_on_val=train_on_val,
        )
        self._source = _call("data", source, {key: _freeze(value) for key, value in keys.items()})
        self.splits = load_splits(self._source, self._split_config)
        self.class_weights = _class_weights(self.splits, class_weights)
        self._check_augmentation()

    def prepare_as(self, preparation: FittedPreparation) -> None:
        """Prepare the data as an earlier run did, instead of by a fit on the training part.

        Raises:
            UserError: the preparation is that of other data.
        """
        if preparation.to_plain() != self.splits.preparation.to_plain():
            self.splits = load_splits(self._source, self._split_config, preparation)

    def digest(self) -> str:
        """Return a text that tells other data from these, whatever their place is called."""
        return self.splits.digest

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return tuple(self.splits.train.inputs.shape[1:])

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of one target; () for one class or one number."""
        return tuple(self.splits.train.targets.shape[1:])

    @property
    def has_classes(self) -> bool:
        return bool(self.splits.classes)

    @property
    def output_size(self) -> int:
        """Numbers that the model puts out for a sample, or for each class that a target consists of.

        Classes: one number a class, but one for two classes if a target is one class. Numbers: as many as a target has.
        """
        if not self.has_classes:
            return prod(self.target_shape)
        num_classes = len(self.splits.classes)
        return 1 if num_classes == 2 and self.target_shape == () else num_classes

    @property
    def target_mean(self) -> float:
        return self.splits.target_mean

    @property
    def target_scale(self) -> float:
        return self.splits.target_scale

    def batches(
        self, part: str, device: torch.device, rank: int = 0, world_size: int = 1, keeps_order: bool = False
    ) -> Batches:
        """Return a rank's share of a part (train, val or test), on its device.

        keeps_order: training batches too come in the order of the samples.
        """
        split: Split = getattr(self.splits, part)
        if part != "train":
            return Batches(split.to(device), evaluation_batch_size(split), None, rank, world_size)
        _check_shares(len(split), world_size)
        seed = self.seed if self.shuffle and not keeps_order else None
        return Batches(split.to(device), self.batch_size, seed, rank, world_size)

    def augment(self, batch: Batch) -> Batch:
        """Return a batch to train on, drawn anew if there is augmentation."""
        if not self.augmentation:
            return batch
        inputs, targets = batch
        return self.augmentation(inputs), targets

    def _check_augmentation(self) -> None:
        """Raise UserError unless augmentation is off, or inputs are images whose targets it leaves true."""
        if self.augmentation and (len(self.input_shape) != 3 or self.splits.train.inputs.dtype == torch.int64):
            raise UserError(f"data.augmentation needs images; got samples of shape {self.input_shape}")
        if self.augmentation and len(self.target_shape) > 1:
            raise UserError(
                "data.augmentation changes inputs alone, so a target must be no image; got targets of shape "
                f"{self.target_shape}"
            )


def _call(key: str, build: Callable[..., Any], keys: Mapping[str, Any]) -> Any:
    """Call `build` with the keys below `key`; raises UserError for keys that `build` does not take."""
    try:
        return build(**keys)
    except TypeError as error:
        raise UserError(f"{key}: {' '.join(str(error).split())}") from None


def evaluation_batch_size(split: Split) -> int:
    """Return how many samples are evaluated at once: fewer if they stay in a file because they are large."""
    row_bytes = sum(values.values.row_bytes for values in (split.inputs, split.targets) if isinstance(values, Rows))
    return max(1, min(EVALUATION_BATCH_SIZE, EVALUATION_BATCH_BYTES // max(1, row_bytes)))


def _check_shares(num_samples: int, world_size: int) -> None:
    """Raise UserError if a device would have a single sample: batch norm cannot be trained on one."""
    if world_size > 1 and num_samples < 2 * world_size:
        raise UserError(
            f"trainer.devices must be at most half the number of training samples, {num_samples}; got {world_size}"
        )


def _freeze(value: Any) -> Any:
    """Return lists and dicts as tuples: a source's fields must be hashable."""
    if isinstance(value, Mapping):
        return tuple(sorted((key, _freeze(item)) for key, item in value.items()))
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_freeze(item) for item in value)
    return value


def _class_weights(splits: Splits, wanted: str | Sequence[float] | None) -> Tensor | None:
    """Return a weight per class, (classes,) float32; "balanced" gives all classes the same sum."""
    if wanted is None:
        return None
    if not splits.classes:
        raise UserError(f"data.class_weights must be null if targets are numbers; got {wanted}")
    if splits.train.targets.ndim > 1:
        shape = tuple(splits.train.targets.shape[1:])
        raise UserError(f"data.class_weights must be null if a target is many classes, of shape {shape}; got {wanted}")
    if not isinstance(wanted, str):
        if len(wanted) != len(splits.classes):
            raise UserError(
                f"data.class_weights must be {len(splits.classes)} numbers, one a class; got {list(wanted)}"
            )
        return torch.tensor([float(weight) for weight in wanted])
    counts = torch.bincount(splits.train.targets[:], minlength=len(splits.classes))
    return len(splits.train) / (len(splits.classes) * counts.float())
