"""Hydra's intervals and ranges as Optuna's distributions of numbers."""

from __future__ import annotations

from decimal import Decimal

from hydra.core.override_parser.types import IntervalSweep, RangeSweep
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution


def interval(sweep: IntervalSweep) -> BaseDistribution:
    """Return the distribution of an interval; raises ValueError if it holds no number."""
    low, high = sweep.start, sweep.end
    assert low is not None
    assert high is not None
    log = "log" in sweep.tags
    if isinstance(low, int) and isinstance(high, int):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def number_range(sweep: RangeSweep) -> BaseDistribution:
    """Optuna's ranges include their end; an end between two steps is lowered to the last step, or Optuna would warn."""
    low, high, step = sweep.start, sweep.stop, sweep.step
    assert low is not None
    assert high is not None
    if "log" in sweep.tags:
        raise ValueError("a range has no log scale: write tag(log, int(interval(...)))")
    if step <= 0:
        raise ValueError(f"the step must be > 0, but got {step}")
    if isinstance(low, int) and isinstance(high, int) and isinstance(step, int):
        return IntDistribution(low, low + (high - low) // step * step if high >= low else high, step=step)
    num_steps = int((high - low) / step + 1e-9)
    end = nth_step(low, step, num_steps) if high >= low else float(high)
    return FloatDistribution(float(low), end, step=float(step))


def nth_step(low: float, step: float, n: int) -> float:
    """Return low + n * step in decimals: 0.1 + 2 * 0.1 is 0.3."""
    return float(Decimal(str(low)) + n * Decimal(str(step)))
