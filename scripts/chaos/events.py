"""What scripts/chaos.py reads in the journal while the sweep runs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

from tunesmith.search.attribute_names import OWNER


@dataclass
class Events:
    """What the journal tells about a sweep's progress, read on at each look.

    running: pid of each process that runs an attempt and has reported an epoch of it -> number of that attempt.
    """

    journal: Path
    num_epochs: int = 0
    running: dict[int, int] = field(default_factory=dict)
    _position: int = 0
    _inode: int = 0
    _num_attempts: int = 0
    _owners: dict[int, int] = field(default_factory=dict)  # trial id: pid

    def look(self) -> int:
        """Return the number of epochs reported so far."""
        if self.journal.exists():
            for line in self._new_lines():
                with suppress(ValueError, TypeError, KeyError, AttributeError):  # damaged, or being mended
                    self._note(json.loads(line))
        return self.num_epochs

    def _new_lines(self) -> list[bytes]:
        """Return the lines since the last look, all of them if the file was replaced."""
        with self.journal.open("rb") as file:
            stat = self.journal.stat()
            if stat.st_ino != self._inode or stat.st_size < self._position:
                self.num_epochs, self._num_attempts, self._position, self._inode = 0, 0, 0, stat.st_ino
                self.running.clear()
            file.seek(self._position)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]  # a torn last line is cut by the next writer
        self._position += len(whole)
        return whole.splitlines()

    def _note(self, record: dict[str, Any]) -> None:
        operation = record["op_code"]
        if operation == JournalOperation.CREATE_TRIAL:  # in a journal of one study the ids count these records
            number, self._num_attempts = self._num_attempts, self._num_attempts + 1
            if owner := record.get("user_attrs", {}).get(OWNER):
                self._owners[number] = owner["pid"]
        elif operation == JournalOperation.SET_TRIAL_USER_ATTR and OWNER in record["user_attr"]:  # of Optuna's queue
            self._owners[record["trial_id"]] = record["user_attr"][OWNER]["pid"]
        elif operation == JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE:
            self.num_epochs += 1
            self.running[self._owners[record["trial_id"]]] = record["trial_id"]  # one study: the id is the number
        elif operation == JournalOperation.SET_TRIAL_STATE_VALUES and record["state"] != TrialState.RUNNING:
            self.running.pop(self._owners[record["trial_id"]], None)
