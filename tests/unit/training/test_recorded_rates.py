"""The learning rates of an earlier run, epoch by epoch."""

from __future__ import annotations

import pytest
import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import LinearLR, ReduceLROnPlateau

from tunesmith.training.recorded_rates import RecordedRates

STEPS = 4  # of an epoch
WARMUP = 2
LOSSES = [1.0, 0.9, 0.8, 0.8, 0.7, 0.7, 0.7, 0.6]


def optimizer() -> SGD:
    one, other = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    return SGD([{"params": one.parameters()}, {"params": other.parameters(), "lr": 0.01}], lr=0.1)


def epoch_rates(of: SGD, warmup: LinearLR | None, move: object) -> list[list[float]]:
    """Go through all epochs; return both groups' learning rate at each epoch's last step."""
    rates = []
    for epoch in range(len(LOSSES)):
        for _ in range(STEPS):
            of.step()
            if warmup is not None:
                warmup.step()
        rates.append([float(group["lr"]) for group in of.param_groups])
        assert callable(move)
        move(epoch)
    return rates


@pytest.mark.parametrize("warmup_epochs", [0, WARMUP])
def test_they_are_those_of_a_plateau_schedule_after_a_warmup(warmup_epochs: int) -> None:
    def warmup(of: SGD) -> LinearLR | None:
        return LinearLR(of, 1e-3, total_iters=warmup_epochs * STEPS) if warmup_epochs else None

    first, second = optimizer(), optimizer()
    of_first = warmup(first)
    plateau = ReduceLROnPlateau(first, patience=0, factor=0.3)
    expected = epoch_rates(first, of_first, lambda epoch: plateau.step(LOSSES[epoch]))
    of_second = warmup(second)
    recorded = RecordedRates(second, [rates[0] for rates in expected], warmup_epochs)
    found = epoch_rates(second, of_second, lambda epoch: recorded.step())
    assert len({rates[0] for rates in expected[warmup_epochs:]}) > 2
    for one, other in zip(expected, found, strict=True):
        assert other == pytest.approx(one, rel=1e-9)


def test_the_last_one_stays() -> None:
    of = optimizer()
    recorded = RecordedRates(of, [0.1, 0.05])
    rates = epoch_rates(of, None, lambda epoch: recorded.step())
    assert [one for one, _ in rates] == pytest.approx([0.1, *[0.05] * 7])
