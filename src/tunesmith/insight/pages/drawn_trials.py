"""Which trials of a study the figures over parameters show, and which they leave out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunesmith.insight.pages.study_facts import ENDED, StudyFacts, TrialFacts

# Trials that a figure shows: a browser answers a hover within 100 ms, and a page stays below 7 MB.
MAX_TRIALS = 500
# Fewer trials than this say little about parameters.
FEW_TRIALS = 10


@dataclass(frozen=True)
class DrawnTrials:
    """Trials that ended and whose values can be compared with each other, repeats left out.

    scored: those with a finite value, the best first; a pruned one's is the best that it reported.
    marks: those of `scored` that a figure shows: of many the best tenth, and an even choice of the rest.
    unscored: failed ones, and those whose value is infinite or no number; of many some.
    best: the study's best trial, or the best one of these.
    left_out: a sentence for each reason for which trials are missing.
    """

    scored: Sequence[TrialFacts]
    marks: Sequence[TrialFacts]
    unscored: Sequence[TrialFacts]
    best: TrialFacts | None
    left_out: Sequence[str]

    @property
    def complete(self) -> list[TrialFacts]:
        """The marks of trials that ran to their end."""
        return [trial for trial in self.marks if trial.state == "complete"]


def choose_trials(facts: StudyFacts, most: int = MAX_TRIALS) -> DrawnTrials:
    """Return the trials that a study's figures compare; of each kind at most `most` are drawn.

    They are those that can be compared with the best trial. If these are few, and a stage with other data or epochs has
    more, they are that stage's.
    """
    ended = [trial for trial in facts.trials if trial.state in ENDED and not trial.is_repeat]
    stage = _larger_stage(ended)
    drawn = [trial for trial in ended if (trial.is_comparable if stage is None else trial.stage == stage)]
    scored = sorted(filter(_is_scored, drawn), key=lambda trial: (facts.sign * (trial.value or 0.0), trial.number))
    unscored = [trial for trial in drawn if not _is_scored(trial)]
    words = [*_left_out(ended, drawn, stage), *_thinned("ranked", scored, most), *_thinned("failed", unscored, most)]
    able = [trial for trial in scored if trial.state == "complete" and not trial.is_infeasible]
    best = facts.best if facts.best in scored else next(iter(able), None)
    return DrawnTrials(scored, thin(scored, most), thin(unscored, most), best, words)


def thin(trials: Sequence[TrialFacts], most: int) -> list[TrialFacts]:
    """Return at most so many trials: the first ones, and an even choice of the rest."""
    if len(trials) <= most:
        return list(trials)
    num_first = most // 10
    rest, num_rest = trials[num_first:], most - num_first
    return [*trials[:num_first], *(rest[index * len(rest) // num_rest] for index in range(num_rest))]


def _larger_stage(ended: Sequence[TrialFacts]) -> str | None:
    """Return the stage with most trials that have a value, None if the trials comparable with the best one suffice."""
    own = sum(_is_scored(trial) for trial in ended if trial.is_comparable)
    others = Counter(trial.stage for trial in ended if not trial.is_comparable and _is_scored(trial))
    stage, num = max(others.items(), key=lambda pair: pair[1], default=(None, 0))
    return stage if own < FEW_TRIALS and num > own else None


def _is_scored(trial: TrialFacts) -> bool:
    return trial.state != "failed" and trial.value is not None and math.isfinite(trial.value)


def _left_out(ended: Sequence[TrialFacts], drawn: Sequence[TrialFacts], stage: str | None) -> Iterator[str]:
    num = len(ended) - len(drawn)
    if stage is not None:
        yield (
            f"This section shows the {len(drawn)} trials of stage {stage}: few trials ran with the best one's data, "
            f"epochs and configuration. {num} trials are left out."
        )
    elif num:
        yield f"{num} trials are left out: they ran with other data, epochs or configuration than the best one."


def _thinned(name: str, trials: Sequence[TrialFacts], most: int) -> Iterator[str]:
    if len(trials) > most:
        yield f"{most} of {len(trials)} {name} trials are drawn: the first tenth, and an even choice of the rest."
