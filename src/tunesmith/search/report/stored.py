"""The trials that a study's storage holds, found by what the study's folder says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial

from tunesmith.errors import UserError, list_names
from tunesmith.search.storage.password import redact
from tunesmith.search.storage.stand_ins import StudyNamed
from tunesmith.search.storage.storage import JOURNAL_FILE, open_journal, open_storage
from tunesmith.search.study.study import directions_of


@dataclass(frozen=True)
class Stored:
    """A study as it is stored: all its attempts, in their places; is_journal: whether it lies in its folder."""

    name: str
    trials: Sequence[FrozenTrial]
    directions: Sequence[StudyDirection]
    is_journal: bool = False


def read_stored(folder: Path, url: str | None, name: str | None, directions: Sequence[str] | None) -> Stored:
    """Read a study.

    url: of its database, None for the journal in its folder.
    name, directions: what the folder's files say, None if nothing.

    Raises:
        UserError: there is no such study, or nobody can read it.
    """
    storage = open_stored(folder, url, name, directions)
    studies = storage.get_all_studies()
    study = _choose(studies, name if url is None or name is not None else folder.absolute().name, is_own=url is None)
    trials = storage.get_all_trials(study._study_id, deepcopy=False)
    return Stored(study.study_name, trials, study.directions, is_journal=url is None)


def open_stored(folder: Path, url: str | None, name: str | None, directions: Sequence[str] | None) -> BaseStorage:
    """Open a study's storage if it is there, see read_stored: to look makes neither a journal nor a database."""
    if url is not None:
        _check_file(url)
        return open_storage(url, folder)
    if not (folder / JOURNAL_FILE).is_file():
        raise UserError(f"there is no {JOURNAL_FILE} in the study's folder")
    named = StudyNamed(name, directions_of(directions)) if name is not None and directions is not None else None
    return open_journal(folder / JOURNAL_FILE, named)


def _check_file(url: str) -> None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UserError(f"the storage in multirun.yaml is no database's URL: {redact(url)}") from None
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise UserError(f"there is no database at {redact(url)}; a path in it begins at the folder of the command")


def _choose(studies: Sequence[FrozenStudy], name: str | None, is_own: bool) -> FrozenStudy:
    """Return the study of a name; is_own: whether the storage is the folder's, so that its only study is the one."""
    named = [study for study in studies if study.study_name == name]
    if not named and is_own and len(studies) == 1:
        named = list(studies)
    if not named:
        held = list_names(study.study_name for study in studies) or "none"
        raise UserError(f"the storage has no study of the name {name}; it has {held}")
    return named[0]
