"""Optuna's journal storage that finds damaged records, has them mended, and goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from optuna.storages import JournalStorage
from optuna.trial import FrozenTrial

from tunesmith.search.storage.checked_replay import CheckedReplay
from tunesmith.search.storage.journal import DamagedRecord, JournalDamaged, JournalFile
from tunesmith.search.storage.mending import mend
from tunesmith.search.storage.stand_ins import StudyNamed, is_stand_in

# More rounds than these mean that a mended journal is still damaged.
MAX_ROUNDS = 5


class MendedStorage(JournalStorage):
    """A journal in which one bad record costs one record.

    A journal that has changed under this process is read again from its first byte. If trials that this process knows
    have become others since, as after a cut, JournalDamaged tells it to begin anew.
    """

    def __init__(self, journal: JournalFile, study: StudyNamed | None = None) -> None:
        """study: what a command knows of its study, if the record that made it is damaged."""
        self._journal = journal
        self._study = study
        self._written: str | None = None  # what this call has written and not read yet
        super().__init__(journal)

    def _write_log(self, op_code: int, extra_fields: dict[str, Any]) -> None:
        try:
            super()._write_log(op_code, extra_fields)
        except JournalDamaged:
            self._read_again()
            super()._write_log(op_code, extra_fields)
        self._written = _text(op_code, extra_fields)

    def _sync_with_backend(self) -> None:
        if not isinstance(self._replay_result, CheckedReplay):  # made by Optuna, also when it was pickled
            self._replay_result = CheckedReplay(self._worker_id_prefix)
        try:
            super()._sync_with_backend()
        except JournalDamaged:
            self._read_again()
        finally:
            self._written = None

    def _read_again(self) -> None:
        """Read the whole journal, mended.

        Raises JournalDamaged if trials that this process knows have become others, or if what it has just written is
        gone; then it keeps its view.
        """
        journal, replay = JournalFile(self._journal.path), CheckedReplay(self._worker_id_prefix)
        for _ in range(MAX_ROUNDS):
            try:
                last, refused = _replay(journal, replay)
                break
            except DamagedRecord:
                mend(self._journal.path, self._study)
                journal, replay = JournalFile(self._journal.path), CheckedReplay(self._worker_id_prefix)
        else:
            raise JournalDamaged(f"{self._journal.path} cannot be mended")
        known = self._replay_result._trials
        is_same = all(_is_same(trial, replay._trials.get(trial_id)) for trial_id, trial in known.items())
        if not is_same or self._written not in (None, last):
            raise JournalDamaged(f"{self._journal.path} lost records, and others have written to it since")
        self._journal.take_over(journal)
        self._replay_result = replay
        if refused is not None and self._written is not None:
            raise refused


def _replay(journal: JournalFile, replay: CheckedReplay) -> tuple[str | None, Exception | None]:
    """Apply all records; return the last one of this process as a text, and what Optuna raises if it refuses that."""
    last: str | None = None
    refused: Exception | None = None
    for record in journal.read_logs(0):
        if replay.is_own(record):
            last, refused = _text(record["op_code"], record), None
        try:
            replay.apply_logs([record])
        except (JournalDamaged, OSError):
            raise
        except Exception as error:
            refused = error
    return last, refused


def _text(op_code: int, fields: Mapping[str, Any]) -> str:
    """Return a record's content as a text, the same before it was written and after it was read."""
    read = json.loads(json.dumps({**fields, "op_code": op_code, "worker_id": ""}))
    return json.dumps(read, sort_keys=True)


def _is_same(before: FrozenTrial, now: FrozenTrial | None) -> bool:
    """Whether a trial is the one that a process knew under its number, or stands in for it."""
    if now is None or (before.state.is_finished() and not now.state.is_finished()):
        return False
    if not now.state.is_finished() and not before.params.keys() <= now.params.keys():
        return False  # its next attempt draws what was lost
    return _identity(before) in (None, _identity(now)) or is_stand_in(now)


def _identity(trial: FrozenTrial) -> object:
    """Return what tells a trial from another of its number: a retry begins when it is taken, not when it is made."""
    return trial.user_attrs.get("retry_of", trial.datetime_start)
