"""Which trials of a study the figures over parameters show, and which they leave out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

# Trials that a figure shows: a browser answers a hover within 100 ms, and a page stays below 7 MB.
MAX_TRIALS = 1000


@dataclass(frozen=True)
class DrawnTrials:
    """The trials that ended and whose values can be compared with each other, repeats left out.

    scored: those with a finite value, the best first; a pruned one's is the best that it reported.
    unscored: failed ones, and those whose value is infinite or no number.
    left_out: a sentence for each reason for which trials are missing.
    """

    scored: Sequence[TrialFacts]
    unscored: Sequence[TrialFacts]
    left_out: Sequence[str]

    @property
    def complete(self) -> list[TrialFacts]:
        """The scored trials that ran to their end."""
        return [trial for trial in self.scored if trial.state == "complete"]


def choose_trials(facts: StudyFacts, most: int = MAX_TRIALS) -> DrawnTrials:
    """Return the trials to draw; of more than `most`, the best tenth of them and an even choice of all others."""
    ended = [trial for trial in facts.trials if trial.state in ("complete", "pruned", "failed")]
    drawn = [trial for trial in ended if trial.is_comparable and not trial.is_repeat]
    scored = sorted(filter(_is_scored, drawn), key=lambda trial: (facts.sign * (trial.value or 0.0), trial.number))
    unscored = [trial for trial in drawn if not _is_scored(trial)]
    return DrawnTrials(thin(scored, most), thin(unscored, most), tuple(_left_out(ended, scored, unscored, most)))


def thin(trials: Sequence[TrialFacts], most: int) -> list[TrialFacts]:
    """Return at most so many trials: the first tenth of them, and every n-th of the rest."""
    if len(trials) <= most:
        return list(trials)
    num_first = most // 10
    rest = trials[num_first:]
    num_rest = most - num_first
    return [*trials[:num_first], *(rest[index * len(rest) // num_rest] for index in range(num_rest))]


def _is_scored(trial: TrialFacts) -> bool:
    return trial.state != "failed" and trial.value is not None and math.isfinite(trial.value)


def _left_out(
    ended: Sequence[TrialFacts], scored: Sequence[TrialFacts], unscored: Sequence[TrialFacts], most: int
) -> Iterator[str]:
    others = sum(not trial.is_comparable for trial in ended)
    repeats = sum(trial.is_comparable and trial.is_repeat for trial in ended)
    if others:
        yield f"{others} trials are not shown: they ran on other data, epochs or configuration than the best trial."
    if repeats:
        yield f"{repeats} repeats of a configuration are not shown."
    for name, trials in (("ranked ", scored), ("failed ", unscored)):
        if len(trials) > most:
            yield f"{most} of {len(trials)} {name}trials are drawn: the first tenth, and an even choice of the rest."
