"""Splits: how a data set is cut, that it is loaded once a process, and what is said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import ArrayLike

from tunesmith.data.arrays import Arrays, Source, narrow
from tunesmith.data.digest import digest
from tunesmith.data.sources.npz import Npz
from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.data.sources.table import Csv
from tunesmith.data.splits import Split, SplitConfig, Splits, load_splits
from tunesmith.errors import UserError

RAW = SplitConfig(
    val_fraction=0.2,
    test_fraction=0.2,
    seed=0,
    folds=None,
    fold=None,
    fraction=1.0,
    scale="none",
    scale_targets=False,
    missing="refuse",
)
SHARES = [0.25, 0.75]


@dataclass(frozen=True)
class Numbered:
    """Each sample is its own number; three of four belong to class 1, or are numbers to predict."""

    num_samples: int = 200
    num_test: int = 0
    has_classes: bool = True

    def load(self) -> Arrays:
        numbers = np.arange(self.num_samples)
        targets = np.minimum(numbers % 4, 1) if self.has_classes else 10 * numbers.astype(np.float32)
        return Arrays(numbers[:, None].astype(np.float32), targets, ("number",), num_test=self.num_test)


class Counted:
    """Returns the same each time, and counts how often."""

    def __init__(self, returned: Any = None) -> None:
        self.returned = returned
        self.num_loads = 0

    def load(self) -> Any:
        self.num_loads += 1
        return self.returned


@dataclass(frozen=True)
class Given:
    """What another returns, as a source."""

    other: Counted

    def load(self) -> Any:
        return self.other.load()


def given(inputs: ArrayLike, targets: ArrayLike, columns: tuple[str, ...] = ()) -> Given:
    """Numbers to predict from a table."""
    return Given(Counted(Arrays(narrow(np.array(inputs)), narrow(np.array(targets)), columns)))


def load(source: Source = Numbered(), **changes: Any) -> Splits:
    return load_splits(source, replace(RAW, **changes))


def all_splits(splits: Splits) -> tuple[Split, Split, Split]:
    return splits.train, splits.val, splits.test


def numbers_of(split: Split) -> list[int]:
    return [int(number) for number in split.inputs.flatten()]


def shares_of(split: Split) -> list[float]:
    return (torch.bincount(split.targets) / len(split)).tolist()


def test_splits_are_disjoint_and_whole() -> None:
    assert sorted(number for split in all_splits(load()) for number in numbers_of(split)) == list(range(200))


@pytest.mark.parametrize(
    ("source", "changes", "sizes"),
    [
        pytest.param(Numbered(), {"val_fraction": 0.3, "test_fraction": 0.1}, [120, 60, 20], id="of all samples"),
        pytest.param(
            Numbered(240, num_test=40),
            {"val_fraction": 0.25, "test_fraction": None},
            [150, 50, 40],
            id="of all but the data's own test part",
        ),
        pytest.param(
            Numbered(240, num_test=40),
            {"val_fraction": 0.25, "test_fraction": 0.25},
            [120, 60, 60],
            id="of all samples, where the data's own test part is not wanted",
        ),
        pytest.param(
            Numbered(has_classes=False), {"val_fraction": 0.3, "test_fraction": 0.1}, [120, 60, 20], id="numbers"
        ),
        pytest.param(
            Numbered(), {"val_fraction": 0.3, "test_fraction": 0.3}, [80, 60, 60], id="exact where binary ones are not"
        ),
        pytest.param(Numbered(), {"fraction": 0.5}, [60, 40, 40], id="half of the training part"),
        pytest.param(Numbered(), {"folds": 5, "fold": 0}, [128, 32, 40], id="a fold of all but the test part"),
        pytest.param(Numbered(), {"folds": 5, "fold": 0, "fraction": 0.5}, [64, 32, 40], id="half of a fold"),
    ],
)
def test_fractions_are(source: Source, changes: dict[str, Any], sizes: list[int]) -> None:
    assert [len(split) for split in all_splits(load(source, **changes))] == sizes


def test_the_datas_own_test_part_is_its_last_samples() -> None:
    assert numbers_of(load(Numbered(240, num_test=40), test_fraction=None).test) == list(range(200, 240))


@pytest.mark.parametrize("changes", [{}, {"fraction": 0.5}, {"folds": 5, "fold": 3}], ids=["cut", "fraction", "fold"])
def test_every_split_has_the_classes_in_proportion(changes: dict[str, Any]) -> None:
    assert [shares_of(split) for split in all_splits(load(**changes))] == [SHARES] * 3


def test_inputs_and_targets_stay_together() -> None:
    for split in all_splits(load(folds=5, fold=1, fraction=0.5)):
        assert split.targets.tolist() == [min(number % 4, 1) for number in numbers_of(split)]


@pytest.mark.parametrize(
    ("source", "changes", "name"),
    [
        pytest.param(Numbered(), {}, "test", id="test part"),
        pytest.param(Numbered(num_test=40), {"test_fraction": None}, "val", id="validation part"),
        pytest.param(Numbered(num_test=40), {"test_fraction": None, "folds": 5, "fold": 0}, "val", id="fold"),
        pytest.param(Numbered(), {"fraction": 0.5}, "train", id="fraction"),
    ],
)
def test_another_seed_cuts_elsewhere(source: Source, changes: dict[str, Any], name: str) -> None:
    first, second = ({*numbers_of(getattr(load(source, seed=seed, **changes), name))} for seed in (0, 1))
    assert first != second


def test_a_fraction_leaves_validation_and_test_part_alone() -> None:
    whole, half = load(), load(fraction=0.5)
    assert [numbers_of(split) for split in (half.val, half.test)] == [
        numbers_of(split) for split in (whole.val, whole.test)
    ]
    assert {*numbers_of(half.train)} < {*numbers_of(whole.train)}


@pytest.mark.parametrize("has_classes", [True, False], ids=["classes", "numbers"])
def test_folds_validate_on_each_sample_once(has_classes: bool) -> None:
    folds = [load(Numbered(has_classes=has_classes), folds=5, fold=fold) for fold in range(5)]
    outside_test = sorted({*range(200)} - {*numbers_of(folds[0].test)})
    assert sorted(number for splits in folds for number in numbers_of(splits.val)) == outside_test
    for splits in folds:
        assert sorted(numbers_of(splits.train) + numbers_of(splits.val)) == outside_test


@pytest.mark.parametrize(
    ("source", "test_fraction"),
    [pytest.param(Numbered(), 0.2, id="cut"), pytest.param(Numbered(num_test=50), None, id="of the data")],
)
def test_each_fold_has_the_test_part_of_a_run_without_folds(source: Source, test_fraction: float | None) -> None:
    expected = numbers_of(load(source, test_fraction=test_fraction).test)
    for fold in range(5):
        assert numbers_of(load(source, test_fraction=test_fraction, folds=5, fold=fold).test) == expected


@pytest.mark.parametrize("changes", [{}, {"folds": 3, "fold": 1}], ids=["cut", "fold"])
def test_scaling_is_fitted_on_the_training_part_alone(changes: dict[str, Any]) -> None:
    splits = load(SklearnDataset("diabetes"), scale="standard", **changes)
    zeros, ones = torch.zeros(10), torch.ones(10)
    torch.testing.assert_close(splits.train.inputs.mean(0), zeros, rtol=0, atol=1e-5)
    torch.testing.assert_close(splits.train.inputs.std(0, correction=0), ones, rtol=0, atol=1e-5)
    for split in (splits.val, splits.test):
        assert split.inputs.mean(0).abs().max() > 0.01


def test_scaling_is_fitted_on_the_fraction_that_is_used() -> None:
    train = load(scale="standard", fraction=0.1).train
    assert train.inputs.mean().item() == pytest.approx(0, abs=1e-6)


def test_gaps_and_texts_of_a_table_become_numbers_by_the_training_part(tmp_path: Path) -> None:
    """Of 200 rows the gap is in the first; numbers grow from row to row, and most late rows are b."""
    rows = [f"{row},{'a' if row < 80 else 'b'},{row}.5" for row in range(1, 200)]
    (tmp_path / "table.csv").write_text("\n".join(["x,kind,y", ",,0.5", *rows]))
    splits = load(Csv(str(tmp_path / "table.csv"), "y", "auto", (), ",", "utf-8", (), 50), missing="impute")
    (gap,) = (split for split in all_splits(splits) if (split.targets == 0.5).any())
    trained = splits.train.inputs[splits.train.targets != 0.5]
    assert gap.inputs[gap.targets == 0.5].tolist() == [[np.median(trained[:, 0]), 0, 1]]
    assert trained[:, 1:].unique(dim=0).tolist() == [[0, 1], [1, 0]]


def test_targets_are_scaled_by_the_training_part_and_lead_back() -> None:
    splits = load(SklearnDataset("diabetes"), scale_targets=True)
    raw = load(SklearnDataset("diabetes"))
    assert splits.train.targets.mean().item() == pytest.approx(0, abs=1e-6)
    assert splits.train.targets.std(correction=0).item() == pytest.approx(1)
    for split, expected in zip(all_splits(splits), all_splits(raw), strict=True):
        torch.testing.assert_close(splits.target_scale * split.targets + splits.target_mean, expected.targets)
    assert (raw.target_mean, raw.target_scale) == (0, 1)


def test_targets_that_never_vary_stay_finite() -> None:
    source = given(np.zeros((10, 1)), np.full(10, 3))
    splits = load(source, scale_targets=True)
    assert (splits.train.targets.tolist(), splits.target_mean, splits.target_scale) == ([0.0] * 6, 3, 1)


def test_classes_are_not_scaled() -> None:
    splits = load(scale_targets=True)
    assert (splits.train.targets.dtype, splits.target_mean, splits.target_scale) == (torch.int64, 0, 1)


@pytest.mark.parametrize(
    ("source", "classes"),
    [
        pytest.param(SklearnDataset("iris"), ("setosa", "versicolor", "virginica"), id="given"),
        pytest.param(Numbered(), ("0", "1"), id="not given"),
        pytest.param(Numbered(has_classes=False), (), id="numbers"),
    ],
)
def test_names_of_classes(source: Source, classes: tuple[str, ...]) -> None:
    assert load(source).classes == classes


def test_equal_sources_share_one_copy() -> None:
    assert load(Numbered(400)) is load(Numbered(400))


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        pytest.param(Numbered(404), {}, id="source"),
        pytest.param(Numbered(400), {"scale": "standard"}, id="config"),
    ],
)
def test_splits_are_made_anew_for_another(source: Source, changes: dict[str, Any]) -> None:
    assert load(source, **changes) is not load(Numbered(400))


def test_folds_are_cut_out_of_arrays_that_are_loaded_once() -> None:
    arrays = Counted(Numbered().load())
    for fold in range(5):
        load(Given(arrays), folds=5, fold=fold)
    assert arrays.num_loads == 1


@dataclass
class NotFrozen(Counted):
    name: str = ""


@dataclass(frozen=True)
class WithoutLoad:
    name: str = ""


@dataclass(frozen=True)
class WithList:
    names: list[str]

    def load(self) -> Arrays:
        return Numbered().load()


NO_SOURCES: dict[str, tuple[Any, str]] = {
    "a plain class": (
        Counted(),
        "data.source must be a frozen dataclass, so that equal sources are recognised; got Counted",
    ),
    "a dataclass that is not frozen": (NotFrozen(), "data.source must be a frozen dataclass, .*; got NotFrozen"),
    "a function": (Numbered().load, "data.source must .*; got "),
    "arrays": (Numbered().load(), "data.source must .*; got Arrays"),
    "a dataclass without load": (WithoutLoad(), "data.source must .*; got WithoutLoad"),
    "fields that cannot be compared": (WithList([]), "data.source must .*; got .*list"),
    "one that returns something else": (Given(Counted((1, 2))), "data.source must return Arrays; got tuple"),
}


@pytest.mark.parametrize(("source", "message"), NO_SOURCES.values(), ids=NO_SOURCES)
def test_a_source_is_refused_that_is(source: Any, message: str) -> None:
    with pytest.raises(UserError, match=f"^{message}"):
        load(source)


CANNOT_CUT: dict[str, tuple[Source, dict[str, Any], str]] = {
    "a test part smaller than the classes": (
        SklearnDataset("digits"),
        {"test_fraction": 0.0001},
        "data.val_fraction=0.2 data.test_fraction=0.0001 do not fit 1797 samples: ",
    ),
    "a validation part smaller than the classes": (
        SklearnDataset("digits"),
        {"val_fraction": 0.0001},
        "data.val_fraction=0.0001 data.test_fraction=0.2 do not fit 1437 samples: ",
    ),
    "fractions that make up all": (
        Numbered(),
        {"val_fraction": 0.5, "test_fraction": 0.5},
        "data.val_fraction + data.test_fraction must be < 1, to leave a training part; got 0.5 + 0.5",
    ),
    "fractions that make up more": (
        Numbered(),
        {"val_fraction": 0.6, "test_fraction": 0.5},
        "data.val_fraction + data.test_fraction must be < 1, to leave a training part; got 0.6 + 0.5",
    ),
    "a fraction of nothing": (Numbered(), {"fraction": 0.001}, "data.fraction=0.001 do not fit 120 samples: "),
    "no test part": (
        Numbered(),
        {"test_fraction": None},
        "data.test_fraction must be a number in (0, 1) if the data has no test part; got null",
    ),
    "more folds than samples of a class": (
        Numbered(),
        {"folds": 41, "fold": 0},
        "data.folds must leave each fold a sample; got 41 for 40 samples in its smallest class",
    ),
    "more folds than numbers": (
        Numbered(10, has_classes=False),
        {"folds": 9, "fold": 0},
        "data.folds must leave each fold a sample; got 9 for 8 samples",
    ),
    "classes too small for their preflight": (
        Numbered(8),
        {},
        "data must have 3 samples of each class at least, one a part; got 2 of class 0",
    ),
    "missing values": (
        given([[np.nan]] * 10, np.zeros(10)),
        {},
        "data must be whole; got 10 missing values in 0 (10); data.missing=impute fills them in",
    ),
}


@pytest.mark.parametrize(("source", "changes", "message"), CANNOT_CUT.values(), ids=CANNOT_CUT)
def test_what_cannot_be_cut_is_refused(source: Source, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        load(source, **changes)


def test_a_fold_leaves_val_fraction_out_of_account() -> None:
    assert len(load(val_fraction=0.9, folds=5, fold=0).val) == 32


def with_findings() -> Given:
    """A gap, a constant column and a small validation part."""
    inputs = np.stack([np.arange(100), np.ones(100)], axis=1)
    inputs[0, 0] = np.nan
    return given(inputs, np.arange(100), ("a", "b"))


FINDINGS = (
    "data: 1 missing values in a (1): filled in with the training part's median or most frequent category ",
    "data: b never varies in the training part",
    "data: the validation part has 20 samples: ",
)


def test_findings_are_said_once_however_often_splits_are_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    source = with_findings()
    for _ in range(2):
        load(source, missing="impute", scale="standard")
    assert len(caplog.messages) == len(FINDINGS)
    for message, start in zip(caplog.messages, FINDINGS, strict=True):
        assert message.startswith(start)


def test_findings_are_said_of_the_first_fold_alone(caplog: pytest.LogCaptureFixture) -> None:
    source = with_findings()
    for fold in range(4):
        load(source, missing="impute", scale="standard", folds=4, fold=fold)
    assert len(caplog.messages) == len(FINDINGS)


def test_inputs_that_are_their_own_targets_go_to_a_device_once() -> None:
    moved = load(targets="inputs").train.to(torch.device("meta"))
    assert moved.targets is moved.inputs


# files that change while the process goes on, as a notebook's do


def csv(path: Path, rows: int) -> Csv:
    path.write_text("a,y\n" + "".join(f"{row},{row % 3}.5\n" for row in range(rows)))
    return Csv(str(path), "y", "regression", (), ",", "utf-8", (), 20)


@pytest.mark.parametrize("folds", [None, 2])
def test_a_file_that_has_changed_is_loaded_again(tmp_path: Path, folds: int | None) -> None:
    fold = None if folds is None else 0
    first = load(csv(tmp_path / "a.csv", 20), folds=folds, fold=fold)
    assert load(csv_again := csv(tmp_path / "a.csv", 30), folds=folds, fold=fold).digest != first.digest
    assert load(csv_again, folds=folds, fold=fold) is load(csv_again, folds=folds, fold=fold)


def test_the_digest_is_that_of_the_data_as_loaded_however_they_are_cut() -> None:
    digests = {load(**changes).digest for changes in ({}, {"seed": 1}, {"scale": "standard"}, {"targets": "inputs"})}
    assert digests == {digest(Numbered().load())}


STEPS = np.arange(200) % 50
FAR = 1_600_000_000


@pytest.fixture(params=["csv", "npz", "mapped npz"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Return a function that writes inputs x and targets y into a file and returns its source."""

    def write(name: str, x: np.ndarray, y: np.ndarray) -> Source:
        path = tmp_path / name
        if request.param == "csv":
            path.write_text("x,y\n" + "".join(f"{a},{b}\n" for a, b in zip(x, y, strict=True)))
            return Csv(str(path), "y", "regression", (), ",", "utf-8", (), 50)
        np.savez(path.with_suffix(".npz"), inputs=x, targets=y.astype(float))
        return Npz(str(path.with_suffix(".npz")), mapped=request.param == "mapped npz")

    return write


@pytest.mark.parametrize(
    ("x", "y"),
    [pytest.param(FAR + STEPS, 2 * STEPS, id="inputs"), pytest.param(STEPS, FAR + 2 * STEPS, id="targets")],
)
def test_numbers_far_from_zero_are_those_near_zero(far: Any, x: np.ndarray, y: np.ndarray) -> None:
    scaled = {"scale": "standard", "scale_targets": True}
    moved, plain = load(far("far", x, y), **scaled), load(far("near", STEPS, 2 * STEPS), **scaled)
    assert torch.equal(moved.train.inputs[:], plain.train.inputs[:])
    assert torch.equal(moved.test.targets[:], plain.test.targets[:])
    assert moved.target_scale == pytest.approx(plain.target_scale, rel=1e-12)
    assert (moved.train.inputs[:].dtype, moved.train.targets[:].dtype) == (torch.float32, torch.float32)


def test_digits_that_no_scale_keeps_are_told(caplog: pytest.LogCaptureFixture) -> None:
    both = np.stack([STEPS, FAR + STEPS], axis=1).astype(float)
    load(given(both, FAR + 2.0 * STEPS, columns=("a", "t")))
    (inputs,) = (line for line in caplog.messages if "inputs t are so large" in line)
    assert inputs.endswith("lose digits with data.scale=none; data.scale=standard keeps them")
    assert sum("data.scale_targets=true keeps them" in line for line in caplog.messages) == 1
    caplog.clear()
    load(given(both, FAR + 2.0 * STEPS, columns=("a", "t")), scale="standard", scale_targets=True)
    assert not [line for line in caplog.messages if "digits" in line or "never varies" in line]


def test_categories_that_training_never_saw_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "table.csv").write_text("x,kind,y\n" + "".join(f"{i},{'ab'[i > 7]},{i % 2}\n" for i in range(10)))
    source = Csv(str(tmp_path / "table.csv"), "y", "auto", (), ",", "utf-8", (), 50)
    splits = load(source, split="time")
    assert splits.train.inputs.shape == (6, 2)
    assert splits.test.inputs[:].tolist() == [[8, 0], [9, 0]]
    line = "data: column kind has 'b' in 2 rows outside the training part, which has none of it: "
    assert sum(message.startswith(line) for message in caplog.messages) == 1
