"""Whether a command goes on with what its study has begun."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hydra.errors import HydraException
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna import Study

from tunesmith.config.changes import Change, comes_out_the_same, find_changes, show_value
from tunesmith.config.free_keys import is_free, names_a_place
from tunesmith.errors import UserError, list_names
from tunesmith.search.study.config_record import (
    Base,
    Compose,
    ConfigRecord,
    calls_resolver,
    read_records,
    read_writers,
    to_base,
    withdraw_record,
    without_calls,
)
from tunesmith.search.study.trial import Attempt


def check_config(study: Study, present: ConfigRecord, compose: Compose) -> None:
    """Compare the config of a command with those that the study's trials ran with.

    compose: composes the config with these group choices.

    Raises:
        UserError: a key that was fixed in earlier trials is fixed at another value now; nothing is written.
    """
    _refuse_changes(study, list(_records_in_force(study, present.stage).values()), present, compose)


def join_config(study: Study, present: ConfigRecord, compose: Compose) -> None:
    """Record the config of a command that was compared, then compare with what others have recorded meanwhile.

    Raises:
        UserError: another command with another config was faster; this one's record is taken back.
    """
    present.write(study)
    records = _records_in_force(study, present.stage)
    earlier = itertools.takewhile(lambda digest: digest != present.digest, records)
    try:
        _refuse_changes(study, [records[digest] for digest in earlier], present, compose)
    except UserError:
        withdraw_record(study, present.digest)
        raise


def has_unrecorded_trials(study: Study) -> bool:
    """Whether trials of a study ran before configs were recorded, and no command has recorded its own since."""
    return not read_records(study) and any(
        Attempt(trial).state.is_counted for trial in study.get_trials(deepcopy=False)
    )


def is_same_fixed(record: ConfigRecord, present: ConfigRecord, varied: Collection[str]) -> bool:
    """Whether two commands, or stages, had one configuration but for the keys that vary and those that may change."""
    pairs = ((old, present.base_of(_varying(old, varied))) for old in record.bases)
    return all(is_free(change.key) for old, new in pairs for change in _changes(old, new, {*varied} - {*old.choices}))


def _records_in_force(study: Study, stage: str | None) -> dict[str, ConfigRecord]:
    """Return the records of a stage that a trial ran with, and those of commands that may still run one."""
    attempts = map(Attempt, study.get_trials(deepcopy=False))
    used = {attempt.config_digest for attempt in attempts if not attempt.is_surplus}
    records = read_records(study)
    writers = read_writers(study)  # read later: a record without a writer was taken back in between
    return {
        digest: record
        for digest, record in records.items()
        if record.stage == stage and (digest in used or (digest in writers and not writers[digest].is_dead()))
    }


def _refuse_changes(study: Study, records: Sequence[ConfigRecord], present: ConfigRecord, compose: Compose) -> None:
    varied = {key for record in (*records, present) for key in record.swept}
    for record in records:
        has_digests = _has_data_digests(study, record)
        for old in record.bases:
            new = _compose_like(old, varied, compose)
            found = [] if new is None else _changes(old, new, varied - {*old.choices})
            fixed = [each for each in found if not (is_free(each.key) or (has_digests and names_a_place(each.key)))]
            changes = _with_groups(fixed, old, new)
            if changes:
                raise UserError(_refusal(study.study_name, changes))


def _changes(old: Base, new: Base, varied: Collection[str]) -> list[Change]:
    """Return what differs apart from varied keys, and interpolations that come out as the value they stand for."""
    found = find_changes(_to_config(old.config), _to_config(new.config))
    before, after = _to_config(without_calls(old.config)), _to_config(new.config)
    for config in (before, after):
        for key in varied:  # whatever reads one comes out as another value in each trial
            with suppress(OmegaConfBaseException, ValueError):  # there is no such place in a list
                OmegaConf.update(config, key, MISSING, force_add=True)
    fixed = [change for change in found if not _is_varied(change.key, varied)]
    return [each for each in fixed if calls_resolver(each.old) or not comes_out_the_same(each, before, after)]


def _has_data_digests(study: Study, record: ConfigRecord) -> bool:
    """Whether each trial that ran with a config said which data it had: then the next trials are compared with it."""
    attempts = map(Attempt, study.get_trials(deepcopy=False))
    return all(
        attempt.data_digest is not None
        for attempt in attempts
        if attempt.state.is_counted and attempt.config_digest == record.digest
    )


def _compose_like(old: Base, varied: Collection[str], compose: Compose) -> Base | None:
    """Compose the present config with the choices of then for groups that vary; None if that fails."""
    plain = to_base(compose({}))
    varying = {group: option for group, option in _varying(old, varied).items() if _names(group, option)}
    choices = {group: option for group, option in varying.items() if plain.choices.get(group) != option}
    for sign in ("", "+"):
        try:
            return to_base(compose({sign + group: option for group, option in choices.items()})) if choices else plain
        except (HydraException, OmegaConfBaseException, ValueError):
            continue
    return None


def _varying(base: Base, varied: Collection[str]) -> dict[str, str | None]:
    return {group: option for group, option in base.choices.items() if group in varied}


def _names(group: str, option: str | None) -> bool:
    """Whether a group and its option, as a study has them, are names, and no paths that lead out of conf/."""
    return all(re.fullmatch(r"\w[\w@/. -]*", name) and ".." not in name for name in (group, option or "none"))


def _is_varied(key: str, varied: Collection[str]) -> bool:
    return any(key == each or key.startswith(f"{each}.") for each in varied)


def _with_groups(changes: Sequence[Change], old: Base, new: Base | None) -> list[Change]:
    """Replace the changes of a group's node by that of its choice, if the choice has changed."""
    then, now = old.choices, {} if new is None else new.choices
    named: dict[str, Change] = {}
    for change in changes:
        group = change.key.partition(".")[0]
        if group in then and group in now and then[group] != now[group]:
            named.setdefault(group, Change(group, then[group], now[group]))
        else:
            named[change.key] = change
    return list(named.values())


def _to_config(config: Mapping[str, Any]) -> DictConfig:
    return OmegaConf.create(dict(config))


def _refusal(study_name: str, changes: Sequence[Change]) -> str:
    first, *rest = changes
    more = f" (and {list_names(change.key for change in rest)})" if rest else ""
    seed = " (hydra.sweeper.seed alone is the search's)" if first.key == "seed" else ""
    return (
        f"{first.key} must stay as it was in the earlier trials of study {study_name}: {show_value(first.old)}; got "
        f"{show_value(first.new)}{more}{seed}: use another study_name"
    )
