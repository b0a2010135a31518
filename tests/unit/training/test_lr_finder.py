"""The learning-rate finder: what it reads off a curve, the curve of digits, what it leaves behind."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from lightning.pytorch.tuner.lr_finder import _LRFinder
from numpy.typing import NDArray
from omegaconf import DictConfig
from tiny import composed, small

from tunesmith.errors import UserError
from tunesmith.training.lr_finder import LrCurve, find_lr, smooth, suggest_lr, with_found_lr

Floats = NDArray[np.float64]

LR = np.geomspace(1e-7, 1e-1, 100)
LOG_LR = np.log10(LR)
DIGITS = ("trainer.accelerator=cpu", "logger=none")


def noise(deviation: float, seed: int = 0) -> Floats:
    return deviation * np.random.default_rng(seed).standard_normal(len(LR))


def falling(steepest: float, to: float = 0.3) -> Floats:
    """A loss of 2.3 that falls like a sigmoid over log lr."""
    return 2.3 - (2.3 - to) / (1 + np.exp(-4 * (LOG_LR - np.log10(steepest))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lr_find")


@pytest.fixture(scope="module")
def curve(folder: Path) -> LrCurve:
    """The curve of digits, which is written into the folder."""
    return find_lr(composed(*DIGITS), folder)


# what a curve says


@pytest.mark.parametrize("deviation", [0.0, 0.1, 0.3], ids="noise={}".format)
@pytest.mark.parametrize("steepest", [1e-5, 1e-4, 1e-3, 3e-3], ids="{:g}".format)
def test_a_suggestion_lies_where_the_loss_falls_fastest(steepest: float, deviation: float) -> None:
    suggestion = suggest_lr(LR, falling(steepest) + noise(deviation)).suggestion
    assert suggestion is not None
    assert -0.1 < np.log10(suggestion / steepest) < 0.75  # the average over the past lags behind by half a decade


def test_a_suggestion_has_two_digits() -> None:
    suggestion = suggest_lr(LR, falling(1e-3)).suggestion
    assert suggestion == float(f"{suggestion:.2g}")


def test_what_follows_the_fall_does_not_matter() -> None:
    rises = falling(1e-4) + np.where(LOG_LR > -2.5, 3 * (LOG_LR + 2.5), 0)
    assert suggest_lr(LR, rises).suggestion == suggest_lr(LR, falling(1e-4)).suggestion


def test_a_steep_wobble_before_the_fall_is_no_suggestion() -> None:
    wobbles = falling(1e-3)
    wobbles[5] += 0.6
    assert suggest_lr(LR, wobbles).suggestion == pytest.approx(suggest_lr(LR, falling(1e-3)).suggestion, rel=0.5)


@pytest.mark.parametrize("end", [np.nan, np.inf], ids=str)
def test_losses_from_the_first_that_is_no_number_on_are_left_out(end: float) -> None:
    curve = suggest_lr(LR, np.where(np.arange(len(LR)) < 90, falling(1e-4), end))
    assert curve.suggestion == pytest.approx(3e-4, rel=0.3)
    assert len(curve.lr) == len(curve.loss) == len(curve.smoothed) == 90


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        pytest.param(
            np.full(100, 2.3), r"the loss does not fall enough: from 2\.3 by .*, while batches differ by 0", id="flat"
        ),
        pytest.param(
            np.zeros(100),
            r"the loss does not fall enough: from 0 by 0, while batches differ by 0",
            id="nothing to learn",
        ),
        pytest.param(
            2.3 + noise(0.3),
            r"the loss does not fall enough: from 2\.\d+ by 0\.\d+, while batches differ by 0\.\d+",
            id="noise alone",
        ),
        pytest.param(
            2.3 + noise(0.3) - np.linspace(0, 0.25, 100),
            r"the loss does not fall enough: from 2\.\d+ by 0\.\d+, while batches differ by 0\.\d+",
            id="a fall that is lost in noise",
        ),
        pytest.param(
            2.3 * np.exp(np.linspace(0, 9, 100)), r"the loss does not fall enough: from .* by -.*", id="rising"
        ),
        pytest.param(np.full(100, np.nan), r"the loss diverged after 0 steps", id="NaN at once"),
        pytest.param(
            np.where(np.arange(100) < 20, 2.3, np.inf), r"the loss diverged after 20 steps", id="infinite after 20"
        ),
        pytest.param(falling(1e-6)[:29], r"the loss diverged after 29 steps", id="too short"),
        pytest.param(
            2.3 - 2 * np.clip((LOG_LR + 4) / 3, 0, 1) ** 2,
            r"the loss falls fastest at the largest learning rate, 0\.1: raise lr_finder\.max_lr",
            id="still falling at the end",
        ),
    ],
)
def test_a_curve_without_an_answer_says_why(loss: Floats, reason: str) -> None:
    curve = suggest_lr(LR[: len(loss)], loss)
    assert curve.suggestion is None
    assert re.fullmatch(reason, str(curve.reason))


@pytest.mark.parametrize("deviation", [0.1, 1.0], ids="noise={}".format)
def test_noise_is_never_taken_for_a_fall(deviation: float) -> None:
    suggestions = [suggest_lr(LR, 2.3 + noise(deviation, seed)).suggestion for seed in range(50)]
    assert suggestions == [None] * 50


def test_smoothing_is_the_mean_of_all_losses_so_far_each_step_counting_a_fiftieth_less() -> None:
    loss = np.random.default_rng(0).standard_normal(40)
    weights = 0.98 ** np.arange(40)
    expected = [(weights[: n + 1][::-1] @ loss[: n + 1]) / weights[: n + 1].sum() for n in range(40)]
    np.testing.assert_allclose(smooth(loss), expected, rtol=1e-12, atol=1e-12)


def test_smoothing_begins_at_the_first_loss_and_keeps_a_constant() -> None:
    assert smooth(np.array([3.0, 1.0])).tolist() == pytest.approx([3.0, (0.98 * 3 + 1) / 1.98])
    assert smooth(np.full(50, 2.5)).tolist() == pytest.approx([2.5] * 50)


# a real curve


@pytest.mark.parametrize("seed", range(5))
def test_adam_on_digits(seed: int, curve: LrCurve, tmp_path: Path) -> None:
    suggestion = (find_lr(composed(*DIGITS, f"seed={seed}"), tmp_path) if seed else curve).suggestion
    assert suggestion is not None
    assert 3e-3 < suggestion < 5e-2


def test_lightnings_own_suggestion_is_less_than_a_hundredth_of_it(curve: LrCurve) -> None:
    """It takes the slope over lr itself; when this fails, Lightning's may be good enough."""
    lightnings = _LRFinder("exponential", lr_min=1e-7, lr_max=1e-1, num_training=100)
    lightnings.results = {"lr": curve.lr.tolist(), "loss": curve.smoothed.tolist()}
    too_small = lightnings.suggestion()
    assert too_small is not None
    assert curve.suggestion is not None
    assert too_small < curve.suggestion / 100


def test_the_learning_rate_rises_evenly_on_a_log_scale(curve: LrCurve) -> None:
    np.testing.assert_allclose(curve.lr, LR)


def test_the_test_is_over_when_the_loss_is_four_times_the_best(tmp_path: Path) -> None:
    typed = ("optimizer=sgd", "data=diabetes", "model.batch_norm=false", "lr_finder.max_lr=1e4")
    curve = find_lr(small(*typed), tmp_path)
    assert len(curve.lr) < 100
    assert (curve.smoothed[:-1] <= 4 * np.minimum.accumulate(curve.smoothed[:-1])).all()
    assert curve.smoothed[-1] > 4 * curve.smoothed.min()


def test_the_same_seed_gives_the_same_curve_whatever_scheduler_and_warm_up(curve: LrCurve, tmp_path: Path) -> None:
    typed = ("scheduler=cosine", "warmup_epochs=5", "trainer.max_epochs=10")
    np.testing.assert_array_equal(find_lr(composed(*DIGITS, *typed), tmp_path).loss, curve.loss)


def test_accumulated_batches_are_one_step_with_their_mean_loss(curve: LrCurve, tmp_path: Path) -> None:
    accumulated = find_lr(composed(*DIGITS, "trainer.accumulate_grad_batches=2"), tmp_path)
    np.testing.assert_allclose(accumulated.lr, LR)
    first = curve.loss[:4]  # the learning rate is too small to matter
    assert accumulated.loss[:2].tolist() == pytest.approx([first[:2].mean(), first[2:].mean()], rel=1e-3)


# what is left behind


def test_the_curve_is_written_as_a_table(curve: LrCurve, folder: Path) -> None:
    with (folder / "lr_find.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["lr", "loss", "smoothed"]
    assert [[float(text) for text in row] for row in rows] == np.stack(
        (curve.lr, curve.loss, curve.smoothed), 1
    ).tolist()


@pytest.mark.usefixtures("curve")
def test_the_curve_is_written_as_a_picture(folder: Path) -> None:
    assert (folder / "lr_find.png").read_bytes().startswith(b"\x89PNG")


def test_a_curve_that_ends_at_once_is_written_as_well(tmp_path: Path) -> None:
    hot = small("optimizer=sgd", "model.batch_norm=false", "lr_finder.min_lr=1e30", "lr_finder.max_lr=1e38")
    assert find_lr(hot, tmp_path).reason == "the loss diverged after 1 steps"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lr_find.csv", "lr_find.png"]


# find_lr=true


def quick(*typed: str) -> DictConfig:
    return composed(*DIGITS, "lr_finder.steps=50", *typed)


def test_a_new_run_takes_the_learning_rate_that_it_finds_whatever_an_older_one_found(tmp_path: Path) -> None:
    (tmp_path / "lr_find.yaml").write_text("optimizer.lr: 0.123\n")
    cfg = quick()
    found = with_found_lr(cfg, tmp_path, is_resumed=False)
    assert found.optimizer.lr == suggest_lr(*read_curve(tmp_path)).suggestion != 0.123
    assert cfg.optimizer.lr == 1e-3


def read_curve(folder: Path) -> tuple[Floats, Floats]:
    table = np.loadtxt(folder / "lr_find.csv", delimiter=",", skiprows=1)
    return table[:, 0], table[:, 1]


def test_a_resumed_run_keeps_the_learning_rate_of_its_first_attempt(tmp_path: Path) -> None:
    (tmp_path / "lr_find.yaml").write_text("optimizer.lr: 0.123\n")
    assert with_found_lr(quick(), tmp_path, is_resumed=True).optimizer.lr == 0.123


def test_a_curve_without_an_answer_stops_the_run(tmp_path: Path) -> None:
    message = r"^find_lr: the curve gives no answer: the loss does not fall enough: .*; give optimizer\.lr yourself$"
    with pytest.raises(UserError, match=message):
        with_found_lr(quick("model.initializer=zeros"), tmp_path, is_resumed=False)
