"""The metrics group: torchmetrics objects and functions, over all batches of an epoch, in the data's units."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
from sklearn.metrics import f1_score, mean_absolute_error, r2_score, roc_auc_score, top_k_accuracy_score
from torch import Tensor
from torchmetrics import MeanSquaredError
from torchmetrics.classification import MulticlassF1Score

from tunesmith.errors import UserError
from tunesmith.training import metrics
from tunesmith.training.metrics import Metrics, auroc, f1, mae, r2, top_k

CPU = torch.device("cpu")


def classes(samples: int = 40, number: int = 4) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    return torch.randn(samples, number, generator=random), torch.arange(samples) % number


def numbers(*shape: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(0)
    targets = torch.randn(*shape, generator=random)
    return targets + 0.5 * torch.randn(*shape, generator=random), targets


def labels() -> tuple[Tensor, Tensor]:
    outputs, targets = numbers(40, 3)
    return outputs, (targets > 0).float()


def over_batches(named: dict[str, object], outputs: Tensor, targets: Tensor, **unit: float) -> dict[str, float]:
    """Values of two batches of different size."""
    collected = Metrics(named, **unit)  # type: ignore[arg-type]
    collected.start(CPU)
    for batch in (slice(0, 30), slice(30, None)):
        collected.add(outputs[batch], targets[batch])
    return collected.values("val")


@pytest.mark.parametrize(
    ("function", "data", "expected"),
    [
        (f1, classes(), lambda out, y: f1_score(y, out.argmax(1), average="macro")),
        (f1, labels(), lambda out, y: f1_score(y, out > 0, average="macro")),
        (auroc, classes(), lambda out, y: roc_auc_score(y, out.softmax(1), multi_class="ovr")),
        (auroc, labels(), lambda out, y: roc_auc_score(y, out)),
        (partial(top_k, k=2), classes(), lambda out, y: top_k_accuracy_score(y, out, k=2)),
        (r2, numbers(40), lambda out, y: r2_score(y, out)),
        (r2, numbers(40, 3), lambda out, y: r2_score(y, out)),
        (mae, numbers(40), lambda out, y: mean_absolute_error(y, out)),
        (mae, numbers(40, 2, 2), lambda out, y: (out - y).abs().mean().item()),
    ],
    ids=["f1", "f1 of labels", "auroc", "auroc of labels", "top 2", "r2", "r2 of three", "mae", "mae of images"],
)
def test_a_function_sees_the_whole_epoch(
    function: Callable[..., Tensor], data: tuple[Tensor, Tensor], expected: Callable[..., float]
) -> None:
    assert over_batches({"name": function}, *data) == pytest.approx({"val/name": expected(*data)}, abs=1e-6)


def test_a_torchmetrics_object_is_updated_batch_by_batch() -> None:
    outputs, targets = classes()
    found = over_batches({"f1": MulticlassF1Score(4)}, outputs, targets)
    assert found == pytest.approx({"val/f1": f1_score(targets, outputs.argmax(1), average="macro")})


def test_numbers_are_in_the_units_of_the_data() -> None:
    outputs, targets = numbers(40)
    named = {"mae": mae, "mse": MeanSquaredError()}
    found = over_batches(named, outputs, targets, mean=7.0, scale=50.0)
    errors = 50 * (outputs - targets)
    expected = {"val/mae": errors.abs().mean().item(), "val/mse": errors.square().mean().item()}
    assert found == pytest.approx(expected, rel=1e-4)


def test_an_epoch_forgets_the_one_before() -> None:
    outputs, targets = classes()
    collected = Metrics({"f1": MulticlassF1Score(4), "own": lambda out, y: len(out)})
    for _ in range(2):
        collected.start(CPU)
        collected.add(outputs, targets)
        values = collected.values("train")
    assert values["train/own"] == len(outputs)
    assert values["train/f1"] == pytest.approx(f1_score(targets, outputs.argmax(1), average="macro"))


def test_many_gathered_bytes_are_told_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(metrics, "MANY_BYTES", 100)
    collected = Metrics({"f1": f1, "auroc": auroc})
    for _ in range(2):
        collected.start(CPU)
        collected.add(*classes())
        with caplog.at_level(logging.WARNING):
            collected.values("val")
    assert [re.sub(r"\d\.\d", "N", record.getMessage()) for record in caplog.records] == [
        "metrics: N GB of outputs and targets of the val part are kept for f1, auroc; a torchmetrics object needs no "
        "copy"
    ]


@pytest.mark.parametrize(
    ("function", "data", "reason"),
    [
        (f1, numbers(40), "it needs classes, or labels of zeros and ones; these targets are numbers"),
        (auroc, numbers(40, 3), "it needs classes, or labels of zeros and ones; these targets are numbers"),
        (top_k, classes(), "k=5 is more than the 4 classes"),
        (partial(top_k, k=2), numbers(40), "it needs classes; these targets are numbers"),
        (r2, classes(), "it needs numbers; these targets are classes"),
        (mae, classes(), "it needs numbers; these targets are classes"),
    ],
    ids=["f1", "auroc", "top 5 of 4", "top 2", "r2", "mae"],
)
def test_a_metric_that_does_not_fit_is_refused(
    function: Callable[..., Tensor], data: tuple[Tensor, Tensor], reason: str
) -> None:
    shapes = ", ".join(str(tuple(tensor.shape)) for tensor in data)
    message = f"metrics.name must take the outputs and targets of shapes {shapes}; it does not: {reason}"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        over_batches({"name": function}, *data)


def test_a_metric_that_cannot_be_called_is_refused() -> None:
    line = "metrics.own must be a torchmetrics object or a function (outputs, targets); got int: it is handed over"
    with pytest.raises(UserError, match=f"^{re.escape(line)}"):
        Metrics({"own": 3})  # type: ignore[dict-item]


def test_a_torchmetrics_object_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"^metrics\.f1 must take the outputs and targets of shapes \(30, 4\), \(30,\);"
    ):
        over_batches({"f1": MulticlassF1Score(9)}, *classes())


def test_a_users_function_keeps_its_own_error() -> None:
    def broken(outputs: Tensor, targets: Tensor) -> float:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match=r"^a bug$"):
        over_batches({"own": broken}, *classes())


def test_a_metric_is_one_number() -> None:
    with pytest.raises(UserError, match=r"^metrics\.own must return one number; got Tensor: "):
        over_batches({"own": lambda outputs, targets: outputs.mean(0)}, *classes())


def test_a_function_needs_outputs_of_one_shape_in_all_batches() -> None:
    taken = Metrics({"f1": f1})
    for size in (8, 6):  # as of contrastive pairs, whose last batch is smaller
        taken.add(torch.eye(size), torch.arange(size))
    line = "metrics.f1 needs outputs of one shape in all batches; got (batch, 8) and (batch, 6): "
    with pytest.raises(UserError, match=f"^{re.escape(line)}"):
        taken.values("val")


def test_two_functions_are_named_in_one_line(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(metrics, "MANY_BYTES", 0)
    taken = Metrics({"r2": r2, "mae": mae})
    taken.add(*numbers(4))
    taken.values("val")
    assert "are kept for r2, mae; " in caplog.text


def test_numbers_far_from_zero_have_the_metrics_of_those_near_zero() -> None:
    outputs, targets = numbers(100)
    named: dict[str, object] = {"r2": r2, "mae": mae}
    near = over_batches(dict(named), outputs, targets, mean=0.0, scale=2.0)
    far = over_batches(dict(named), outputs, targets, mean=1.6e9, scale=2.0)
    assert far == pytest.approx(near, rel=1e-5)


def test_training_goes_on_after_a_validation_inside_its_epoch() -> None:
    outputs, targets = classes()
    collected = Metrics({"f1": f1})
    collected.start(CPU)
    for batch in (slice(0, 30), slice(30, None)):
        collected.add(outputs[batch], targets[batch])
        values = [collected.values("train") for _ in range(2)]
    assert values[0] == values[1]
    assert values[0]["train/f1"] == pytest.approx(f1_score(targets, outputs.argmax(1), average="macro"))
