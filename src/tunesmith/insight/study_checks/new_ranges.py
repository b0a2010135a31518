"""A range of numbers with one bound moved, as an override in Hydra's sweep syntax."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from tunesmith.insight.study_checks.trials import NewRange

# By how much of its width, on its own scale, a range is widened; less is tried if a rule forbids the new bound.
WIDENED_BY = (0.5, 0.25, 0.125)


def widened(
    key: str, distribution: BaseDistribution, is_high: bool, allows: Callable[[str, Any], bool]
) -> NewRange | None:
    """Return the range with one bound moved outwards as far as the rules allow; None if they do not."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = distribution.low, distribution.high
    for share in WIDENED_BY:
        bound = _moved(distribution, is_high, share)
        if (bound > high if is_high else bound < low) and allows(key, bound):
            return with_bound(key, distribution, bound, is_high)
    return None


def with_bound(key: str, distribution: BaseDistribution, bound: float, is_high: bool) -> NewRange:
    """Return a range with one bound moved to a value."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = (distribution.low, bound) if is_high else (bound, distribution.high)
    return NewRange(key, low, high, is_high)


def range_override(distribution: BaseDistribution, new: NewRange) -> str:
    """Return the override of a range: KEY=tag(log,interval(LOW,HIGH)) and the like."""
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(distribution, IntDistribution):
        ends = f"{round(new.low)},{round(new.high)}"
        sweep = f"int(interval({ends}))" if distribution.step == 1 else f"range({ends},{distribution.step})"
    else:
        ends = f"{float(new.low)!r},{float(new.high)!r}"
        sweep = f"interval({ends})" if distribution.step is None else f"range({ends},{distribution.step!r})"
    return f"{new.key}=tag(log,{sweep})" if distribution.log else f"{new.key}={sweep}"


def _moved(distribution: FloatDistribution | IntDistribution, is_high: bool, share: float) -> float:
    """Return a bound moved outwards by a share of the width; one that was 0 or more stays so."""
    low, high = distribution.low, distribution.high
    if distribution.log:
        factor = (high / low) ** share
        moved = high * factor if is_high else low / factor
    else:
        moved = high + share * (high - low) if is_high else low - share * (high - low)
    if low >= 0:
        moved = max(0.0, moved)
    if isinstance(distribution, IntDistribution) or distribution.step is not None:
        return _on_a_step(distribution, moved, is_high)
    return float(f"{moved:.2g}")


def _on_a_step(distribution: FloatDistribution | IntDistribution, moved: float, is_high: bool) -> float:
    """Return the bound on the step before it, and on the next step beyond the old bound at least."""
    step = distribution.step
    assert step is not None
    edge = distribution.high if is_high else distribution.low
    num_steps = max(1, math.floor(abs(moved - edge) / step + 1e-9))
    bound = edge + num_steps * step if is_high else edge - num_steps * step
    if bound < 0 <= distribution.low:
        return edge
    return int(bound) if isinstance(distribution, IntDistribution) else float(f"{bound:.12g}")
