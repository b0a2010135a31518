"""What scripts/chaos.py reads in the journal while the sweep runs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optuna.storages.journal._storage import JournalOperation

from tunesmith.search.study.trial import OWNER


@dataclass
class Events:
    """What the journal tells about a sweep's progress, read on at each look."""

    journal: Path
    num_epochs: int = 0
    reporters: set[int] = field(default_factory=set)  # pids of processes that have reported an epoch
    _position: int = 0
    _num_attempts: int = 0
    _owners: dict[int, int] = field(default_factory=dict)  # trial id: pid

    def look(self) -> int:
        """Return the number of epochs reported so far."""
        if self.journal.exists():
            with self.journal.open("rb") as file:
                file.seek(self._position)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]  # a torn last line is cut by the next writer
            self._position += len(whole)
            for line in whole.splitlines():
                with suppress(ValueError):  # read while a writer replaced a torn line
                    self._note(json.loads(line))
        return self.num_epochs

    def _note(self, record: dict[str, Any]) -> None:
        if record["op_code"] == JournalOperation.CREATE_TRIAL:  # in a journal of one study the ids count these records
            if owner := record.get("user_attrs", {}).get(OWNER):
                self._owners[self._num_attempts] = owner["pid"]
            self._num_attempts += 1
        if "intermediate_value" in record:
            self.num_epochs += 1
            self.reporters.add(self._owners.get(record["trial_id"], 0))
