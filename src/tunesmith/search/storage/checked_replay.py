"""Optuna's replay of a journal's records, which stops at a damaged one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from optuna.storages.journal._storage import JournalStorageReplayResult

from tunesmith.search.storage.journal import DamagedRecord, JournalDamaged
from tunesmith.search.storage.records import Record, is_sound


class CheckedReplay(JournalStorageReplayResult):
    """Optuna's replay of the records, which stops at one that is damaged instead of skipping it or breaking off."""

    _record: Record | None = None

    def apply_logs(self, logs: Iterable[dict[str, Any]]) -> None:
        """Raises DamagedRecord; for a record of this process what Optuna raises, for example of an ended trial."""
        self._record = None
        try:
            super().apply_logs(self._checked(logs))
        except (JournalDamaged, OSError):
            raise
        except Exception as error:
            if self._record is None or self.is_own(self._record):
                raise
            raise DamagedRecord(f"{type(error).__name__}: {error}") from None

    def is_own(self, record: Record) -> bool:
        """Whether this process has written a record."""
        return bool(record.get("worker_id", "").startswith(self._worker_id_prefix))

    def _checked(self, logs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for record in logs:
            if not is_sound(record) or not self._is_known(record):
                raise DamagedRecord(f"no record of this study: {record}")
            self._record = record
            yield record

    def _is_known(self, record: Record) -> bool:
        """Whether the trial or study that a record names is there, or was; Optuna skips a record of any other."""
        trial_id = record.get("trial_id")
        if trial_id is not None:
            return trial_id in self._trials
        study_id = record.get("study_id")
        return study_id is None or 0 <= study_id < self._next_study_id
