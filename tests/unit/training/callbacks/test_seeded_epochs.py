"""Random numbers of an epoch: a resumed run draws the batches of an unbroken one, or says why it may not."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from foreign.points import Noisy, WithGenerator, WithHiddenGenerator
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import ConcatDataset, DataLoader, Dataset, IterableDataset, Subset

from tunesmith.objective import Objective
from tunesmith.reporting import NoReporter
from tunesmith.training.callbacks.checkpoints import Checkpoints
from tunesmith.training.callbacks.epoch_record import EpochRecord
from tunesmith.training.callbacks.seeded_epochs import SeededEpochs, unknown_states
from tunesmith.training.record import RunRecord

# Its validation loader is shuffled: a generator of its own shows there, too.
pytestmark = pytest.mark.filterwarnings("ignore:Your `val_dataloader`'s sampler has shuffling enabled")

EPOCHS = 3


class Notes(L.LightningModule):
    """Notes a number of every batch that it is given, and one of each generator."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.seen: dict[int, list[float]] = {}

    def note(self, *values: float) -> None:
        self.seen.setdefault(self.current_epoch, []).extend(values)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        self.note(float(batch[0].sum()), float(torch.rand(())), random.random(), float(np.random.rand()))
        return self.weight.sum()

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.note(float(batch[0].sum()))
        self.log("val/loss", self.weight.sum())

    def configure_optimizers(self) -> SGD:
        return SGD(self.parameters(), lr=0.1)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Lightning says what hardware there is; a run of ours does not let it."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)


def seen(
    folder: Path,
    seed: int = 0,
    checkpoint: Path | None = None,
    epochs: int = EPOCHS,
    validated: int = 8,
    **of_loaders: Any,
) -> Any:
    """Train, or go on from a checkpoint, and return what each epoch drew."""
    folder.mkdir(exist_ok=True)
    record = RunRecord(folder, Objective("val/loss", "min"), NoReporter())
    quiet: dict[str, Any] = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    callbacks = [EpochRecord(record), SeededEpochs(seed), Checkpoints(folder, record)]
    trainer = L.Trainer(accelerator="cpu", callbacks=callbacks, num_sanity_val_steps=0, max_epochs=epochs, **quiet)
    module = Notes()
    made = [loader(16, **of_loaders), loader(validated, **of_loaders)]
    trainer.fit(module, *made, ckpt_path=checkpoint, weights_only=True)
    return module.seen


def loader(number: int, sampler: Any = None, has_generator: bool = False, **options: Any) -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(3) if has_generator else None
    dataset = Noisy(number, 0)
    order = {"shuffle": True} if sampler is None else {"sampler": sampler(dataset)}
    return DataLoader(dataset, 4, generator=generator, **order, **options)


@pytest.mark.parametrize(
    "of_loaders",
    [
        pytest.param({}, id="shuffled, augmented"),
        pytest.param({"has_generator": True}, id="a generator that the loader is given"),
        pytest.param({"sampler": WithGenerator}, id="a generator of the sampler"),
        pytest.param({"num_workers": 1, "has_generator": True}, id="workers and a generator"),
    ],
)
def test_a_resumed_run_draws_what_an_unbroken_one_draws(tmp_path: Path, of_loaders: dict[str, Any]) -> None:
    unbroken = seen(tmp_path / "a", **of_loaders)
    assert len({tuple(values) for values in unbroken.values()}) == EPOCHS
    seen(tmp_path / "b", epochs=1, **of_loaders)
    random.seed(9)
    torch.manual_seed(9)
    resumed = seen(tmp_path / "b", checkpoint=tmp_path / "b" / "checkpoints" / "best.ckpt", **of_loaders)
    assert resumed == {epoch: unbroken[epoch] for epoch in (1, 2)}


def test_another_seed_draws_other_numbers_in_every_epoch(tmp_path: Path) -> None:
    first, second = seen(tmp_path / "a"), seen(tmp_path / "b", seed=1)
    assert all(not set(first[epoch]) & set(second[epoch]) for epoch in range(EPOCHS))


@pytest.mark.parametrize("num_workers", [0, 1])
def test_what_an_epoch_draws_depends_on_seed_and_epoch_alone(tmp_path: Path, num_workers: int) -> None:
    """Neither on what a run has drawn before it trains, nor on what it draws when it validates."""
    torch.manual_seed(1)
    first = seen(tmp_path / "a", num_workers=num_workers)
    torch.manual_seed(2)
    second = seen(tmp_path / "b", num_workers=num_workers, validated=16)
    trained = 4 * 4  # numbers of a batch, batches
    assert [first[epoch][:trained] for epoch in range(EPOCHS)] == [second[epoch][:trained] for epoch in range(EPOCHS)]


def test_a_resumed_run_says_once_what_it_cannot_know(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    seen(tmp_path, epochs=1, sampler=WithHiddenGenerator)
    assert caplog.messages == []
    seen(tmp_path, checkpoint=tmp_path / "checkpoints" / "best.ckpt", sampler=WithHiddenGenerator)
    assert caplog.messages == [
        "resumed, perhaps not to the numbers of an unbroken run: WithHiddenGenerator.rng is a random generator whose "
        "state no checkpoint holds"
    ]


# what cannot be known


class Draws(Dataset[Tensor]):
    """A data set that draws with a generator of its own."""

    def __init__(self) -> None:
        self.generator = torch.Generator()

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Tensor:
        return torch.rand(2, generator=self.generator)


class Streams(IterableDataset[Tensor]):
    def __init__(self) -> None:
        self.rng = random.Random(0)

    def __iter__(self) -> Iterator[Tensor]:
        yield torch.tensor(self.rng.random())


class OwnLoader:
    """A loader that is none of torch's."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)


class Stateful(OwnLoader):
    def state_dict(self) -> dict[str, Any]:
        return {}


PERSISTENT = {"num_workers": 1, "persistent_workers": True}


@pytest.mark.parametrize(
    ("loader", "named"),
    [
        pytest.param(loader(4), [], id="shuffled"),
        pytest.param(loader(4, has_generator=True, sampler=WithGenerator), [], id="torch's generators"),
        pytest.param(loader(4, sampler=WithHiddenGenerator), ["WithHiddenGenerator.rng"], id="a sampler's"),
        pytest.param(loader(4, **PERSISTENT), ["persistent workers"], id="persistent workers"),
        pytest.param(DataLoader(Draws()), ["Draws.generator"], id="a data set's"),
        pytest.param(DataLoader(Subset(Draws(), [0])), ["Draws.generator"], id="of a wrapped data set"),
        pytest.param(DataLoader(ConcatDataset([Noisy(4, 0), Draws()])), ["Draws.generator"], id="of one of several"),
        pytest.param(DataLoader(Draws(), num_workers=1), [], id="copied into new workers each epoch"),
        pytest.param(
            DataLoader(Draws(), **PERSISTENT), ["persistent workers", "Draws.generator"], id="in persistent workers"
        ),
        pytest.param(DataLoader(Streams()), ["Streams.rng"], id="a stream's"),
        pytest.param(OwnLoader(), ["OwnLoader.rng"], id="a loader's"),
        pytest.param(Stateful(), [], id="one that tells its state, which Lightning saves"),
        pytest.param([torch.ones(1)], [], id="a list"),
    ],
)
def test_what_keeps_random_state_of_its_own_is_named(loader: Any, named: list[str]) -> None:
    reasons = list(unknown_states(loader))
    assert len(reasons) == len(named)
    assert all(reason.startswith(name) for reason, name in zip(reasons, named, strict=True))
