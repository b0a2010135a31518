"""What a confirmation has found, for optimization_results.yaml and the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunesmith.search.confirm.ranking import Ranked, optimism

# Ties that a line shows.
MAX_SHOWN = 5


@dataclass(frozen=True)
class Confirmation:
    """The configurations that were run again, the best one first, and how many of the repeats have ended."""

    ranked: tuple[Ranked, ...]
    num_ended: int
    num_planned: int
    is_maximized: bool

    @property
    def is_over(self) -> bool:
        return self.num_ended >= self.num_planned

    @property
    def best(self) -> Ranked | None:
        """The confirmed configuration, None while repeats are missing or if all have failed."""
        return self.ranked[0] if self.is_over and self.ranked and self.ranked[0].mean is not None else None

    @property
    def optimism(self) -> float | None:
        return None if self.best is None else optimism(self.best, self.is_maximized)


def to_plain(confirmation: Confirmation) -> dict[str, Any]:
    """Return what optimization_results.yaml says of a confirmation."""
    best = confirmation.best
    return {
        "trial": None if best is None else best.repeats.trial,
        "mean": None if best is None or best.mean is None else best.mean.value,
        "interval": None if best is None or best.mean is None else best.mean.interval,
        "optimism": confirmation.optimism,
        "repeats": {"ended": confirmation.num_ended, "planned": confirmation.num_planned},
        "ties": [each.repeats.trial for each in confirmation.ranked[1:] if each.is_tie] if best else [],
        "candidates": [_plain(each) for each in confirmation.ranked],
    }


def _plain(ranked: Ranked) -> Mapping[str, Any]:
    mean, difference = ranked.mean, ranked.difference
    return {
        "trial": ranked.repeats.trial,
        "first": ranked.repeats.first,
        "mean": None if mean is None else mean.value,
        "interval": None if mean is None else mean.interval,
        "seeds": sorted(ranked.repeats.values),
        "failed": ranked.repeats.failed,
        "difference": None if difference is None else difference.value,
        "difference_interval": None if difference is None else difference.interval,
    }


def as_rows(plain: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the labels and texts that a console shows of to_plain's dict."""
    if plain["trial"] is None:
        ended, planned = plain["repeats"]["ended"], plain["repeats"]["planned"]
        is_over = ended >= planned
        yield (
            "confirmed",
            "none: every repeat failed" if is_over else f"not yet: {ended} of {planned} repeats have ended",
        )
        return
    first, *others = plain["candidates"]
    low, high = first["interval"] or (first["mean"], first["mean"])
    luck = plain["optimism"]
    yield (
        "confirmed",
        f"trial {first['trial']}: mean {first['mean']:.6g} of {len(first['seeds'])} other seeds, 95 % in {low:.6g} to "
        f"{high:.6g}; its first score {first['first']:.6g} was {abs(luck):.3g} {'better' if luck > 0 else 'worse'}",
    )
    ties = [each for each in others if each["trial"] in plain["ties"]]
    if ties:
        shown = ", ".join(f"trial {each['trial']} {_difference(each)}" for each in ties[:MAX_SHOWN])
        yield "as good", f"{shown}{' ...' if len(ties) > MAX_SHOWN else ''}: the seeds do not tell them apart"


def _difference(candidate: Mapping[str, Any]) -> str:
    """Return how far a candidate's mean is from the first one's on common seeds, with its interval."""
    if candidate["difference_interval"] is None:
        return "(too few seeds)"
    low, high = candidate["difference_interval"]
    return f"({candidate['difference']:+.3g}, 95 % {low:+.3g} to {high:+.3g})"
