"""The command of a run with a trial's configuration."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from typing import Any

from tunesmith.config.quoting import override
from tunesmith.insight.pages.plain_values import dicts_of
from tunesmith.insight.pages.study_facts import StudyFacts, TrialFacts

# What a command that repeats a trial leaves out: the names of studies and searches, which a run has none of.
_OF_SWEEPS = ("study_name", "space", "search", "note", "tags")
# Override -> keys that may not be typed beside it, as they have no effect then.
_NO_EFFECT_BESIDE = {"find_lr=true": ("optimizer.lr",), "data.folds=5": ("data.val_fraction",)}
# A key that Hydra takes; what a study holds may be anything, an option of the command line too.
_KEY = re.compile(r"\+{0,2}[A-Za-z_][\w./@]*")


def repeat_command(facts: StudyFacts, trial: TrialFacts) -> str | None:
    """Return the command, None if the study's own is not known, or if the trial has a name that is no key.

    It is the study's command without what names the study, the search and its space, with the trial's values.
    """
    words = shlex.split(facts.resume_command or "")
    if "-m" not in words or not all(map(_KEY.fullmatch, trial.params)):
        return None
    place = len(words) - 1 - words[::-1].index("-m")
    own = {key.lstrip("+") for key in (*trial.params, *(param.key for param in facts.params))}
    kept = without_sweep(words[place + 1 :], own)
    values = [_override(key, value) for key, value in trial.params.items()]
    return shlex.join([*words[:place], *kept, *_stage_overrides(facts, trial), *values])


def without_sweep(overrides: Sequence[str], own: Collection[str] = ()) -> list[str]:
    """Return the overrides of a sweep without those of a search alone; own: keys that are left out, too."""
    return [word for word in overrides if not _is_of_sweep(word, own)]


def changed_command(typed: Sequence[str], overrides: Sequence[str], is_trial: bool) -> str:
    """Return the command of a run with overrides in the place of those of the same keys.

    typed: the overrides that the run was started with; is_trial: whether some of them are those of its search.
    """
    replaced = {_key(word) for word in overrides}.union(*(_NO_EFFECT_BESIDE.get(word, ()) for word in overrides))
    kept = without_sweep(typed) if is_trial else typed
    return shlex.join(["python", "train.py", *(w for w in kept if _key(w) not in {*replaced, "ckpt_path"}), *overrides])


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+~")


def _is_of_sweep(word: str, own: Collection[str]) -> bool:
    key = word.partition("=")[0].lstrip("+~")
    return "=" in word and (key in own or key in _OF_SWEEPS or key.startswith("hydra"))


def _stage_overrides(facts: StudyFacts, trial: TrialFacts) -> list[str]:
    """Return the overrides of all trials of a stage, which is named by its name or its place in the list."""
    for place, stage in enumerate(dicts_of(facts.sweeper.get("stages"))):
        if trial.stage is not None and trial.stage == str(stage.get("name") or place):
            overrides = stage.get("overrides")
            return [str(each) for each in overrides] if isinstance(overrides, list) else []
    return []


def _override(key: str, value: Any) -> str:
    """Return the override of a value; a list among the choices of a space is recorded as its text."""
    is_list = isinstance(value, str) and value[:1] in ("[", "{")
    return f"{key}={value}" if is_list else override(key, value)
