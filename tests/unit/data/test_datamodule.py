"""The data module: keys that become a source, what a model is told, and which batches are shuffled and changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tunesmith.data import Arrays, DataModule
from tunesmith.data.array_data import EVALUATION_BATCH_SIZE
from tunesmith.data.batches import Batches
from tunesmith.data.rows import Rows
from tunesmith.data.sources.npy import Npy
from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.errors import UserError

KEYS: dict[str, Any] = {
    **{"batch_size": 4, "shuffle": False, "val_fraction": 0.2, "test_fraction": 0.2, "split_seed": 0},
    **{"folds": None, "fraction": 1.0, "scale": "none", "scale_targets": False, "missing": "refuse"},
    **{"class_weights": None, "augmentation": {"rotation": 0, "shift": 0, "scale": 0, "flip": 0}, "seed": 0},
}
FLIP = {**KEYS["augmentation"], "flip": 1}


@dataclass(frozen=True)
class Pictures:
    """20 samples with a value for each pixel."""

    shape: tuple[int, ...] = (1, 2, 2)

    def load(self) -> Arrays:
        inputs = np.arange(20 * np.prod(self.shape), dtype=np.float32).reshape(20, *self.shape)
        return Arrays(inputs, np.arange(20, dtype=np.float32))


@dataclass(frozen=True)
class Table:
    """Samples of each class, by their numbers."""

    sizes: tuple[int, ...]

    def load(self) -> Arrays:
        targets = np.repeat(np.arange(len(self.sizes)), self.sizes)
        return Arrays(np.zeros((len(targets), 2), np.float32), targets)


@dataclass(frozen=True)
class Shaped:
    """20 samples whose inputs and targets have a shape: 3 classes, or numbers."""

    target_shape: tuple[int, ...]
    num_classes: int = 0
    input_shape: tuple[int, ...] = (1, 4, 4)
    is_tokens: bool = False

    def load(self) -> Arrays:
        random = np.random.RandomState(0)
        inputs = random.randint(0, 9, (20, *self.input_shape))
        classes = np.arange(20 * int(np.prod(self.target_shape))).reshape(20, *self.target_shape) % max(
            self.num_classes, 1
        )
        numbers = random.randn(20, *self.target_shape).astype(np.float32)
        return Arrays(inputs if self.is_tokens else inputs.astype(np.float32), classes if self.num_classes else numbers)


def module(source: Callable[..., Any] = Pictures, **keys: Any) -> DataModule:
    return DataModule(source, **{**KEYS, **keys})


class Witness(L.LightningModule):
    """Learns nothing; notes the batches of each kind."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: dict[str, list[Tensor]] = {"train": [], "val": [], "predict": []}

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        self.seen["train"].append(batch[0].clone())
        return self.weight.sum()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        self.seen["val"].append(batch[0].clone())

    def predict_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        self.seen["predict"].append(batch[0].clone())
        return batch[0]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def seen(data: DataModule, epochs: int = 1, **flags: Any) -> dict[str, list[Tensor]]:
    """Return the inputs of the batches of training, validation and prediction."""
    witness = Witness()
    trainer = L.Trainer(
        accelerator="cpu",
        max_epochs=epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **flags,
    )
    trainer.fit(witness, data)
    trainer.predict(witness, data)
    return witness.seen


@pytest.fixture(scope="module")
def plain() -> dict[str, list[Tensor]]:
    """Batches of one epoch, neither shuffled nor augmented."""
    return seen(module())


def test_training_validation_and_prediction_see_their_splits(plain: dict[str, list[Tensor]]) -> None:
    splits = module().splits
    for kind, split in (("train", splits.train), ("val", splits.val), ("predict", splits.test)):
        assert torch.equal(torch.cat(plain[kind]), split.inputs)


def test_only_the_training_part_is_cut_into_small_batches(plain: dict[str, list[Tensor]]) -> None:
    assert [len(batch) for batch in plain["train"]] == [4, 4, 4]
    assert [len(plain[kind]) for kind in ("val", "predict")] == [1, 1]
    assert EVALUATION_BATCH_SIZE >= 20


def test_only_training_batches_are_augmented(plain: dict[str, list[Tensor]]) -> None:
    flipped = seen(module(augmentation=FLIP))
    torch.testing.assert_close(torch.cat(flipped["train"]), torch.cat(plain["train"]).flip(-1))
    for kind in ("val", "predict"):
        assert torch.equal(torch.cat(flipped[kind]), torch.cat(plain[kind]))


def test_a_shuffled_epoch_has_an_order_of_its_own_seed() -> None:
    first, again, other = (torch.cat(seen(module(shuffle=True, seed=seed))["train"]) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(first.flatten().sort().values, other.flatten().sort().values)


def test_a_batch_to_overfit_on_is_the_same_each_epoch() -> None:
    first, second = seen(module(shuffle=True), epochs=2, overfit_batches=1)["train"]
    assert torch.equal(first, second)


@pytest.mark.parametrize(
    ("source", "keys", "told"),
    [
        pytest.param(SklearnDataset, {"name": "digits"}, ((1, 8, 8), True, 10), id="ten classes"),
        pytest.param(Table, {"sizes": (10, 10)}, ((2,), True, 1), id="two classes"),
        pytest.param(SklearnDataset, {"name": "diabetes"}, ((10,), False, 1), id="numbers"),
    ],
)
def test_a_model_is_told(source: Callable[..., Any], keys: dict[str, Any], told: tuple[Any, ...]) -> None:
    data = module(source, **keys)
    assert (data.input_shape, data.has_classes, data.output_size) == told


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        pytest.param({"target_shape": (4, 4), "num_classes": 3}, ((4, 4), True, 3), id="masks of three classes"),
        pytest.param({"target_shape": (4, 4), "num_classes": 2}, ((4, 4), True, 2), id="masks of two classes"),
        pytest.param({"target_shape": (5,)}, ((5,), False, 5), id="five numbers"),
        pytest.param({"target_shape": (1,)}, ((1,), False, 1), id="a column of numbers"),
        pytest.param({"target_shape": (1, 4, 4)}, ((1, 4, 4), False, 16), id="images as targets"),
        pytest.param({"target_shape": (), "targets": "inputs"}, ((1, 4, 4), False, 16), id="inputs as targets"),
    ],
)
def test_a_model_is_told_of_targets(keys: dict[str, Any], told: tuple[Any, ...]) -> None:
    data = module(Shaped, **keys)
    assert (data.target_shape, data.has_classes, data.output_size) == told


@pytest.mark.parametrize("target_shape", [(5,), (4, 4)], ids=["several numbers", "images"])
@pytest.mark.parametrize("num_classes", [0, 3], ids=["numbers", "classes"])
def test_targets_of_any_shape_reach_the_learner_beside_their_inputs(
    target_shape: tuple[int, ...], num_classes: int
) -> None:
    data = module(Shaped, target_shape=target_shape, num_classes=num_classes)
    arrays = Shaped(target_shape, num_classes).load()
    target_of = {inputs.tobytes(): target for inputs, target in zip(arrays.inputs, arrays.targets, strict=True)}
    splits = data.splits
    for split in (splits.train, splits.val, splits.test):
        for inputs, targets in Batches(split, 3, shuffle_seed=0):
            assert targets.shape[1:] == target_shape
            for each, target in zip(inputs, targets, strict=True):
                np.testing.assert_array_equal(target, target_of[each.numpy().tobytes()])
    assert [len(split) for split in (splits.train, splits.val, splits.test)] == [12, 4, 4]


@pytest.mark.parametrize("shuffle_seed", [None, 0], ids=["in order", "shuffled"])
def test_an_input_as_target_is_the_prepared_input(shuffle_seed: int | None) -> None:
    train = module(Shaped, target_shape=(), num_classes=3, targets="inputs", scale="standard", scale_targets=True)
    assert train.splits.train.inputs.mean().abs() < 1e-6
    assert train.splits.target_scale == 1
    for inputs, targets in Batches(train.splits.train, 5, shuffle_seed):
        assert targets is inputs or targets.data_ptr() == inputs.data_ptr()
        assert torch.equal(inputs, targets)


def test_token_ids_are_neither_scaled_nor_made_floats() -> None:
    given = {"target_shape": (), "num_classes": 2, "input_shape": (7,), "is_tokens": True}
    data = module(Shaped, **given, scale="standard", missing="impute")
    assert data.splits.train.inputs.dtype == torch.int64
    rows = {tuple(row) for row in Shaped(**given).load().inputs.tolist()}
    assert {tuple(row) for row in data.splits.train.inputs.tolist()} <= rows


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        pytest.param(
            {"target_shape": (4, 4), "num_classes": 3}, "a target is many classes, of shape (4, 4): ", id="masks"
        ),
        pytest.param({"target_shape": (2,)}, None, id="numbers"),
        pytest.param({"target_shape": (), "targets": "inputs"}, None, id="inputs"),
    ],
)
def test_what_does_not_apply_to_targets_is_said(
    keys: dict[str, Any], said: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    module(Shaped, split_seed=77, **keys)
    messages = [message.removeprefix("data: ") for message in caplog.messages if "scaled (" not in message]
    assert (len(messages) == 1 and messages[0].startswith(said)) if said else not messages


@pytest.mark.parametrize(
    ("wanted", "weights"),
    [
        pytest.param(None, None, id="null"),
        pytest.param([1, 2.5], [1, 2.5], id="given"),
        # Of 10 and 30 samples 6 and 18 train: 24 / (2 * 6) and 24 / (2 * 18).
        pytest.param("balanced", [2, 2 / 3], id="balanced"),
    ],
)
def test_class_weights(wanted: Any, weights: list[float] | None) -> None:
    got = module(Table, sizes=(10, 30), class_weights=wanted).class_weights
    assert (got if got is None else got.tolist()) == (weights if weights is None else pytest.approx(weights))


def test_keys_that_are_lists_are_sources_to_compare() -> None:
    first, again = (module(Table, sizes=[10, 20]) for _ in range(2))
    assert first.splits is again.splits


def test_a_fold_is_cut() -> None:
    data = [module(folds=4, fold=fold) for fold in range(4)]
    assert len({tuple(each.splits.val.targets.tolist()) for each in data}) == 4


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Any]:
    """Keys of 60 samples in npy files; 36 of them train."""
    random = np.random.RandomState(0)
    np.save(tmp_path / "x.npy", random.randint(0, 255, (60, 1, 4, 4), np.uint8))
    np.save(tmp_path / "y.npy", np.arange(60) % 3)
    np.save(tmp_path / "mask.npy", random.randint(0, 4, (60, 4, 4)))
    np.save(tmp_path / "numbers.npy", 5 + 3 * random.randn(60, 7))
    return {"path": str(tmp_path / "x.npy"), "targets_path": str(tmp_path / "y.npy"), "tokens": False}


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param({}, id="classes"),
        pytest.param({"scale": "standard"}, id="scaled"),
        pytest.param({"targets_path": "mask.npy"}, id="masks"),
        pytest.param({"targets_path": "numbers.npy", "scale_targets": True}, id="numbers"),
        pytest.param({"targets": "inputs", "targets_path": None, "scale": "global"}, id="inputs as targets"),
        pytest.param({"folds": 3, "fold": 1, "class_weights": "balanced"}, id="folds"),
    ],
)
def test_data_that_stays_in_its_file_is_the_data_of_memory(files: dict[str, Any], keys: dict[str, Any]) -> None:
    given = {**files, **keys}
    if keys.get("targets_path"):
        given["targets_path"] = files["targets_path"].replace("y.npy", keys["targets_path"])
    mapped, whole = (module(Npy, **given, mapped=is_mapped) for is_mapped in (True, False))
    assert isinstance(mapped.splits.train.inputs, Rows)
    for name in ("input_shape", "target_shape", "has_classes", "output_size"):
        assert getattr(mapped, name) == getattr(whole, name)
    assert mapped.splits.target_scale == pytest.approx(whole.splits.target_scale)
    for name in ("train", "val", "test"):
        for ours, theirs in zip(*(Batches(getattr(data.splits, name), 5, 1) for data in (mapped, whole)), strict=True):
            torch.testing.assert_close(ours, theirs)


def test_a_trainer_reads_the_parts_from_a_file_in_batches_of_bounded_size(
    files: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunesmith.data.array_data.EVALUATION_BATCH_BYTES", 5 * 64)
    mapped = seen(module(Npy, **files, mapped=True))
    whole = seen(module(Npy, **files, mapped=False))
    for kind in ("train", "val", "predict"):
        assert torch.equal(torch.cat(mapped[kind]), torch.cat(whole[kind]))
    assert [len(batch) for batch in mapped["val"]] == [5, 5, 2]
    assert [len(batch) for batch in whole["val"]] == [12]


REFUSED: dict[str, tuple[Callable[..., Any], dict[str, Any], str]] = {
    "a key that the source lacks": (
        Table,
        {"sizes": (10, 10), "size": 3},
        r"data: .*unexpected keyword argument 'size'$",
    ),
    "a key that is missing": (Table, {}, r"data: .*missing 1 required positional argument: 'sizes'$"),
    "a source that is built": (
        Pictures(),
        {},
        r"data\.source must be a node with a _target_ and _partial_: true; got an object of Pictures$",
    ),  # type: ignore[dict-item]
    "a key that augmentation lacks": (
        Pictures,
        {"augmentation": {**FLIP, "zoom": 1}},
        r"data.*: .*unexpected keyword argument 'zoom'$",
    ),
    "augmentation of a table": (
        Table,
        {"sizes": (10, 10), "augmentation": FLIP},
        r"data\.augmentation needs images; got samples of shape \(2,\)$",
    ),
    "class weights of numbers": (
        Pictures,
        {"class_weights": "balanced"},
        r"data\.class_weights must be null if targets are numbers; got balanced$",
    ),
    "class weights of masks": (
        Shaped,
        {"target_shape": (4, 4), "num_classes": 3, "class_weights": "balanced"},
        r"data\.class_weights must be null if a target is many classes, of shape \(4, 4\); got balanced$",
    ),
    "augmentation of images whose targets are masks": (
        Shaped,
        {"target_shape": (4, 4), "num_classes": 3, "augmentation": FLIP},
        r"data\.augmentation changes inputs alone, .*; got targets of shape \(4, 4\)$",
    ),
    "augmentation of images that are their own targets": (
        Pictures,
        {"targets": "inputs", "augmentation": FLIP},
        r"data\.augmentation changes inputs alone, .*; got targets of shape \(1, 2, 2\)$",
    ),
    "weights of other classes": (
        Table,
        {"sizes": (10, 10), "class_weights": [1, 2, 3]},
        r"data\.class_weights must be 2 numbers, one a class; got \[1, 2, 3\]$",
    ),
}


@pytest.mark.parametrize(("source", "keys", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_is(source: Callable[..., Any], keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        module(source, **keys)
