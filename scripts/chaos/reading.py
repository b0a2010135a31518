"""Reads a study beside those who write it, without mending what they have to mend."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial

from tunesmith.search.storage.journal import JournalDamaged
from tunesmith.search.storage.storage import open_journal


def read_trials(journal: Path) -> list[FrozenTrial]:
    """Return the attempts of the one study in a journal, as a copy of the file has them.

    None if there is no study yet, or if it cannot be read: bytes are damaged that nobody has mended yet.
    """
    if not journal.exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        try:
            storage = open_journal(Path(shutil.copy(journal, folder)))
            (summary,) = optuna.get_all_study_summaries(storage)
            return optuna.load_study(study_name=summary.study_name, storage=storage).trials
        except (ValueError, KeyError, AssertionError, JournalDamaged):
            return []
