"""Records that stand in for damaged ones, so that later records keep their meaning: Optuna numbers trials by order."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tunesmith.search.attribute_names import SURPLUS
from tunesmith.search.storage.records import Operation, Record

# A system attribute of a trial whose first record was damaged, while later ones tell the rest of it.
_MARK = "damaged"
_NAME = re.compile(rb'"study_name":("[^"\\]+")')
_DIRECTIONS = re.compile(rb'"directions":\[([12](?:,[12])*)\]')
_TIME = re.compile(rb'"datetime_start":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*\+00:00"')


@dataclass(frozen=True)
class StudyNamed:
    """What the record that makes a study says; directions: minimize or maximize, one for each objective."""

    name: str
    directions: Sequence[str]


def study_in(damaged: bytes) -> StudyNamed | None:
    """Return what can still be read of a damaged record that made a study."""
    name, directions = _NAME.search(damaged), _DIRECTIONS.search(damaged)
    if name is None or directions is None:
        return None
    return StudyNamed(
        json.loads(name[1]), [StudyDirection(int(each)).name.lower() for each in directions[1].split(b",")]
    )


def new_study(study: StudyNamed) -> Record:
    fields = {"study_name": study.name, "directions": [int(StudyDirection[each.upper()]) for each in study.directions]}
    return {"op_code": int(Operation.CREATE_STUDY), "worker_id": "", **fields}


def begun_trial(study_id: int, started: str | None) -> Record:
    """Return a record for a trial of which later records tell more; started: as ISO 8601."""
    fields = {"study_id": study_id, "datetime_start": started, "system_attrs": {_MARK: 1}}
    return {"op_code": int(Operation.CREATE_TRIAL), "worker_id": "", **fields}


def lost_trial(study_id: int) -> Record:
    """Return a record for a trial of which nothing is known but that it has a number."""
    fields = {"study_id": study_id, "datetime_start": None, "state": int(TrialState.FAIL)}
    return {"op_code": int(Operation.CREATE_TRIAL), "worker_id": "", **fields, "user_attrs": {SURPLUS: True}}


def time_in(damaged: bytes) -> str | None:
    """Return when a damaged record says that its trial began."""
    found = _TIME.search(damaged)
    return None if found is None else f"{found[1].decode()}Z"


def is_stand_in(trial: FrozenTrial) -> bool:
    return _MARK in trial.system_attrs or (trial.datetime_start is None and SURPLUS in trial.user_attrs)
