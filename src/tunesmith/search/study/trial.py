"""What an attempt carries: one typed view of the attributes that a study keeps of it.

A trial is one attempt, or several: an attempt that ends through no fault of its own is lost, and a retry goes on in the
folder of the first attempt. To Optuna each attempt is a trial with a number of its own. Optuna's state and two
attributes say how far an attempt has come:

    Optuna's state    attribute     State
    WAITING                         WAITING    queued by another hand, and no worker has taken it yet
    RUNNING                         RUNNING    claimed by its owner; stale if the owner is gone or its heartbeat stopped
    COMPLETE                        COMPLETE   counts for n_trials
    PRUNED                          PRUNED     counts for n_trials
    FAIL              reason        FAILED     counts for n_trials: it failed by a cause of its own
    FAIL              withdrawn     SURPLUS    asked for beyond the budget or begun twice; it never ran
    FAIL                            LOST       killed, interrupted or taken away; the next ask begins its retry
    any           outside           OUTSIDE    no point of the present space: another command of the study ran it

The names of the attributes are those of version 0.1.0, whose studies still open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from optuna import Trial
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.errors import printable
from tunesmith.insight.diagnosis.tally import known_names
from tunesmith.search import attribute_names as attribute
from tunesmith.search.study.attributes import read_name, read_number, read_owner, read_text, read_texts
from tunesmith.search.study.owner import Owner


class State(Enum):
    """How far an attempt has come, and whether its trial is one of the n_trials for good; see the table above."""

    WAITING = "waiting", False
    RUNNING = "running", False
    COMPLETE = "complete", True
    PRUNED = "pruned", True
    FAILED = "failed", True
    LOST = "lost", False
    SURPLUS = "surplus", False
    OUTSIDE = "outside", False

    __hash__ = object.__hash__  # Enum's own is a function in Python, which states of 10,000 trials are counted by

    def __init__(self, word: str, is_counted: bool) -> None:
        self.is_counted = is_counted


_OTHER_STATES = {
    TrialState.WAITING: State.WAITING,
    TrialState.RUNNING: State.RUNNING,
    TrialState.COMPLETE: State.COMPLETE,
    TrialState.PRUNED: State.PRUNED,
}


def state_of(trial: FrozenTrial) -> State:
    """Return the state of an attempt."""
    if attribute.OUTSIDE in trial.user_attrs:
        return State.OUTSIDE
    if trial.state != TrialState.FAIL:
        return _OTHER_STATES[trial.state]
    attributes = trial.user_attrs
    return (
        State.FAILED
        if attribute.REASON in attributes
        else State.SURPLUS
        if attribute.SURPLUS in attributes
        else State.LOST
    )


class Attempt(NamedTuple):
    """What a study knows of one attempt. An attempt that runs in this process is a Trial to Optuna."""

    trial: FrozenTrial | Trial

    @property
    def number(self) -> int:
        return self.trial.number

    @property
    def state(self) -> State:
        assert isinstance(self.trial, FrozenTrial)
        return state_of(self.trial)

    @property
    def is_surplus(self) -> bool:
        """Whether the attempt is beyond the budget; it is marked so before it ends, and never runs."""
        return attribute.SURPLUS in self.trial.user_attrs

    @property
    def is_repeat(self) -> bool:
        """Whether the trial runs a point of an enumerated space once more: it brings the end no nearer."""
        return attribute.REPEAT in self.trial.user_attrs

    @property
    def holds_point(self) -> bool:
        """Whether no other trial of an enumerated space is to run this one's point; its retry may."""
        return not self.is_surplus and self.state not in (State.SURPLUS, State.OUTSIDE)

    @property
    def params(self) -> dict[str, Any]:
        """What the trial has drawn: override key -> value."""
        return {name.partition(attribute.VERSION)[0]: value for name, value in self.trial.params.items()}

    @property
    def stage(self) -> str | None:
        """Name of the sweep's stage that the attempt is of, None without stages."""
        return read_name(self.trial.user_attrs, attribute.STAGE)

    @property
    def config_digest(self) -> str | None:
        """Digest of the record of the config that the trial ran with, None if there is none."""
        holder = self.trial.user_attrs if self.is_retry else self.trial.user_attrs.get(attribute.OWNER)
        return read_name(holder, attribute.CONFIG) if isinstance(holder, Mapping) else None

    @property
    def owner(self) -> Owner | None:
        """The process that has claimed the attempt, None as long as nobody has."""
        return read_owner(self.trial.user_attrs, attribute.OWNER)

    @property
    def host(self) -> str | None:
        """The host that runs or ran the attempt, as a console may show it; None if no worker of ours did."""
        return printable(self.owner.host) if self.owner and self.owner.host else None

    @property
    def heartbeat(self) -> object:
        return self.trial.user_attrs.get(attribute.HEARTBEAT)

    @property
    def progress(self) -> tuple[int | None, int]:
        """What changes while the attempt's run gets on: a heartbeat says that the worker lives, and no more."""
        assert isinstance(self.trial, FrozenTrial)
        return self.trial.user_attrs.get(attribute.PROGRESS), len(self.trial.intermediate_values)

    @property
    def reason(self) -> str | None:
        return read_text(self.trial.user_attrs, attribute.REASON)

    @property
    def config_error(self) -> str | None:
        return read_text(self.trial.user_attrs, attribute.CONFIG_ERROR)

    @property
    def note(self) -> str | None:
        return read_text(self.trial.user_attrs, attribute.NOTE)

    @property
    def tags(self) -> list[str]:
        return read_texts(self.trial.user_attrs, attribute.TAGS)

    @property
    def findings(self) -> list[str]:
        """Names of what went wrong in its training, the first cause first; those that this version knows."""
        return known_names(self.trial.user_attrs.get(attribute.FINDINGS))

    @property
    def data_digest(self) -> str | None:
        return read_name(self.trial.user_attrs, attribute.DATA)

    @property
    def first_attempt(self) -> int:
        """Number of the trial's first attempt: its own, unless it is a retry; the name of the trial's folder."""
        first = read_number(self.trial.user_attrs, attribute.FIRST_ATTEMPT, self.trial.number)
        return self.trial.number if first is None else first

    @property
    def is_retry(self) -> bool:
        return self.first_attempt != self.trial.number

    @property
    def retry_of(self) -> int | None:
        return read_number(self.trial.user_attrs, attribute.RETRY_OF, self.trial.number)

    @property
    def crashes(self) -> int:
        """How many attempts before this one ended together with their process, since the trial last got on."""
        return read_number(self.trial.user_attrs, attribute.CRASHES) or 0

    @property
    def is_requeued(self) -> bool:
        """Whether its worker gave the attempt back, so that its end is no crash."""
        return attribute.REQUEUED in self.trial.user_attrs

    @property
    def epochs(self) -> int:
        """Epochs that were trained: one per report, unless a step is a fold."""
        assert isinstance(self.trial, FrozenTrial)
        return read_number(self.trial.user_attrs, attribute.EPOCHS) or len(self.trial.intermediate_values)

    @property
    def seconds(self) -> float:
        """From the ask to the end by the system clock, which may have been set back; 0 for one that has not ended."""
        assert isinstance(self.trial, FrozenTrial)
        return max(0.0, self.trial.duration.total_seconds()) if self.trial.duration else 0.0

    @property
    def folder_name(self) -> str:
        """Name of the folder that all attempts of the trial share."""
        return str(self.first_attempt)

    def lies_in(self, study_folder: Path) -> bool:
        """Whether the trial's folder lies in a study's folder; only then may a command look into it.

        A folder of the same path on another host is taken to be this folder, because hosts of a cluster share disks.
        """
        return self.owner is None or self.owner.folder in (None, str(study_folder.absolute()))

    def trial_folder(self, study_folder: Path) -> str:
        """Return the trial's folder: its name in the study's folder, or a text to be shown if it lies elsewhere."""
        if self.owner is None or self.lies_in(study_folder):
            return self.folder_name
        return printable(f"{self.owner.folder}/{self.folder_name}")

    def values(self, directions: Sequence[StudyDirection]) -> list[float]:
        """Return the attempt's value of each objective; none if it has none."""
        assert isinstance(self.trial, FrozenTrial)
        if self.trial.state == TrialState.COMPLETE:
            return [float(value) for value in self.trial.values]
        value = self.value(directions[0]) if len(directions) == 1 else None
        return [] if value is None else [value]

    def value(self, direction: StudyDirection) -> float | None:
        """Return the attempt's value; a pruned one's is the best that it has reported, as in its result.yaml."""
        assert isinstance(self.trial, FrozenTrial)
        if self.trial.state == TrialState.COMPLETE:
            return float(self.trial.values[0])
        if self.trial.state != TrialState.PRUNED or not self.trial.intermediate_values:
            return None
        pick = max if direction == StudyDirection.MAXIMIZE else min
        return float(pick(self.trial.intermediate_values.values()))
