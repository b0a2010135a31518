"""What a run says before it trains."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.demos.boring_classes import BoringDataModule
from tiny import composed, small
from torch import nn

from tunesmith.training.first_lines import FirstLines, describe_device, describe_parameters, make_first_lines
from tunesmith.training.learner_and_data import build_learner

SAMPLES = "1,077 training, 360 validation, 360 test"


def logged(caplog: pytest.LogCaptureFixture, lines: FirstLines, learner: nn.Module, *arguments: Any) -> dict[str, str]:
    caplog.set_level(logging.INFO)
    caplog.clear()
    lines.log(learner, "cpu", *arguments or (0,))
    return dict(message.split(maxsplit=1) for message in caplog.messages)


@pytest.mark.parametrize(
    ("typed", "data", "samples"),
    [
        ([], "SklearnDataset, inputs 1x8x8, 10 classes", SAMPLES),
        (["data=diabetes"], "SklearnDataset, inputs 10, targets are numbers", "264 training, 89 validation, 89 test"),
        (
            ["data.targets=inputs"],
            "SklearnDataset, inputs 1x8x8, targets 1x8x8",
            SAMPLES,
        ),
        (["data.folds=2"], "SklearnDataset, inputs 1x8x8, 10 classes", "718 training, 719 validation, 360 test"),
    ],
    ids=["classes", "numbers", "targets of a shape", "folds"],
)
def test_it_tells_what_it_trains_on(
    typed: list[str], data: str, samples: str, caplog: pytest.LogCaptureFixture
) -> None:
    cfg = small(*typed)
    fold = 0 if cfg.data.folds else None
    built, learner = build_learner(cfg, fold)
    shown = logged(caplog, make_first_lines(cfg, Path("runs/a"), built, fold), learner)
    assert (shown["data"], shown["samples"]) == (data, samples)


def test_it_tells_what_it_trains_and_where(caplog: pytest.LogCaptureFixture) -> None:
    cfg = small()
    data, learner = build_learner(cfg)
    shown = logged(caplog, make_first_lines(cfg, Path("runs/a"), data), learner)
    number = sum(each.numel() for each in learner.parameters())
    assert shown["model"] == f"Mlp, {number:,} parameters"
    assert (shown["device"], shown["folder"]) == ("cpu", "runs/a")


def test_a_file_is_named(caplog: pytest.LogCaptureFixture) -> None:
    cfg = composed("data=csv", "data.path=a.csv", "data.target=y")
    cfg.data.path = "a\x1b.csv"
    shown = logged(caplog, make_first_lines(cfg, Path(), None), nn.Linear(1, 1))
    assert shown["data"] == "the learner's own a\\x1b.csv"


def test_of_data_of_ones_own_it_tells_what_they_say(caplog: pytest.LogCaptureFixture) -> None:
    cfg = composed("data=none")
    data: Any = BoringDataModule()
    data.input_shape = (32,)
    lines = make_first_lines(cfg, Path(), data)
    assert logged(caplog, lines, nn.Linear(32, 2), 0, {"train": 64})["samples"] == "64 training"
    shown = logged(caplog, lines, nn.Linear(32, 2))
    assert (shown["data"], shown["learner"]) == ("BoringDataModule, inputs 32", "Linear, 66 parameters")
    assert "samples" not in shown


def test_a_run_that_goes_on_says_where(caplog: pytest.LogCaptureFixture) -> None:
    lines = FirstLines("digits", "", "runs/a")
    assert logged(caplog, lines, nn.Linear(1, 1), 7)["goes"] == "on      after epoch 7"
    assert "goes" not in logged(caplog, lines, nn.Linear(1, 1), 0)


def test_of_several_folds_the_first_one_speaks_and_one_that_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    first, second = (FirstLines("digits", "", "runs/a", fold, 2) for fold in (0, 1))
    assert logged(caplog, first, nn.Linear(1, 1)) != {}
    assert logged(caplog, second, nn.Linear(1, 1)) == {}
    assert logged(caplog, second, nn.Linear(1, 1), 3) != {}
    assert (first.fold_name, second.fold_name) == ("1/2", "2/2")


def test_parameters_that_are_not_trained_are_told_apart() -> None:
    net = nn.Sequential(nn.Linear(999, 1), nn.Linear(9, 1))
    assert describe_parameters(net) == "1,010 parameters"
    net[0].requires_grad_(False)
    assert describe_parameters(net) == "10 of 1,010 parameters trained"
    assert describe_parameters(nn.LazyLinear(3)) == "parameters not known before the first batch"


def test_several_devices_are_counted() -> None:
    assert (describe_device(torch.device("cpu")), describe_device(torch.device("cpu"), 2)) == ("cpu", "2 x cpu")
