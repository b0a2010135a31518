"""What a study keeps of the configuration that its trials have in common.

A command composes its config once per combination of the group choices that it sweeps. The study keeps them all,
unresolved and without the node `hydra`, and each attempt names the record that it ran with. So a later command can be
compared with what was begun, and a key that a trial did not vary has the value that it had at the time.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf
from optuna import Study

from tunesmith.config.changes import ABSENT
from tunesmith.search.space.dimension import Params
from tunesmith.search.space.groups import MAX_COMBINATIONS
from tunesmith.search.space.space import Space
from tunesmith.search.space.values import is_same_param
from tunesmith.search.storage.password import HIDDEN, redact
from tunesmith.search.study.attributes import read_owner
from tunesmith.search.study.owner import Owner, this_process

# Name of a study's attribute that holds a record: this and the record's digest.
_PREFIX = "config "
# The study's own name: a command that goes on with a study types it.
_STUDY_NAME = "study_name"
# Keys whose values are not for everyone who reads the study.
_SECRET = re.compile(
    r"(^|_)(password|passwd|secret|credentials?)($|_)|(^|_)(api|auth|access|bearer)_?(key|token)($|_)", re.IGNORECASE
)
# An interpolation that refers to a key and calls no resolver.
_REFERENCE = re.compile(r"\$\{[\w.\[\]@/ -]*\}")

Compose = Callable[[Params], DictConfig]


@dataclass(frozen=True)
class Base:
    """The config under one combination of group choices; choices: group -> its option at that time, None for null.

    is_own: whether this command composed the config; one that a study holds is data, of which no resolver is called.
    """

    choices: Mapping[str, str | None]
    config: Mapping[str, Any]
    is_own: bool = field(default=True, compare=False)

    def value(self, key: str, params: Params, are_own: bool = True) -> Any:
        """Return what a key had in a trial with these values, ABSENT if nothing is known of it.

        are_own: whether the values are of this command's space; of others, too, no resolver is called.
        """
        if key in self.choices:
            return self.choices[key]
        is_data = not (self.is_own and are_own)
        raw = _select(self.config, key)
        if not (isinstance(raw, str) and "${" in raw):
            return raw
        if is_data and calls_resolver(raw):
            return ABSENT
        try:
            config = OmegaConf.create(without_calls(self.config) if is_data else dict(self.config))
            for name, value in params.items():
                OmegaConf.update(config, name, without_calls(value) if is_data else value, force_add=True)
            return OmegaConf.select(config, key)
        except Exception:  # an interpolation that only the job can resolve, or a key that is none
            return ABSENT


@dataclass(frozen=True)
class ConfigRecord:
    """The configs of a command, and the keys that it swept, without + in front.

    conditional: those of the swept keys that a trial may lack, because they vary with some values of others only.
    stage: the stage of the sweep whose trials have these configs.
    """

    swept: tuple[str, ...]
    bases: tuple[Base, ...]
    conditional: tuple[str, ...] = ()
    stage: str | None = None

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self._plain(), sort_keys=True).encode()).hexdigest()[:16]

    def base_of(self, params: Params) -> Base:
        """Return the config that a trial with these values had."""
        return next((base for base in self.bases if _fits(base, params)), self.bases[0])

    def write(self, study: Study) -> None:
        """Add the record to a study, with the process that has written it."""
        if self.digest not in read_records(study):
            content = {**self._plain(), "owner": this_process().to_attribute(None)}
            study.set_user_attr(_PREFIX + self.digest, content)

    def _plain(self) -> dict[str, Any]:
        bases = [{"choices": dict(base.choices), "config": dict(base.config)} for base in self.bases]
        conditional = {"conditional": list(self.conditional)} if self.conditional else {}
        stage = {} if self.stage is None else {"stage": self.stage}
        return {"swept": list(self.swept), "bases": bases, **conditional, **stage}


def compose_record(
    space: Space, compose: Compose, is_group: Callable[[str], bool], stage: str | None = None
) -> ConfigRecord:
    """Compose what all trials of a space have in common; stage: whose trials they are."""
    bases = tuple(to_base(compose(choices)) for choices in group_choices(space, is_group))
    dimensions = space.dimensions.values()
    conditional = dict.fromkeys(each.plain_key for each in dimensions if each.when)
    return ConfigRecord(tuple(dict.fromkeys(each.plain_key for each in dimensions)), bases, tuple(conditional), stage)


def group_choices(space: Space, is_group: Callable[[str], bool]) -> list[Params]:
    """Return the combinations of group choices that trials may have, at most MAX_COMBINATIONS."""
    groups: dict[str, dict[Any, None]] = {}
    for each in space.dimensions.values():
        if is_group(each.key):
            groups.setdefault(each.key, {}).update(dict.fromkeys(each.extremes()))
    combinations = itertools.islice(itertools.product(*groups.values()), MAX_COMBINATIONS)
    return [dict(zip(groups, each, strict=True)) for each in combinations]


def to_base(config: DictConfig) -> Base:
    """Take from a composed config what is recorded: plain values, interpolations as they are, no secrets."""
    choices = OmegaConf.to_container(config.hydra.runtime.choices, resolve=False) if "hydra" in config else {}
    plain = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    assert isinstance(choices, dict)
    assert isinstance(plain, dict)
    kept = {str(key): value for key, value in plain.items() if key not in ("hydra", _STUDY_NAME)}
    chosen = {str(group): option for group, option in choices.items() if not str(group).startswith("hydra/")}
    return Base(chosen, json.loads(json.dumps(_without_secrets(kept), default=str)))


def read_records(study: Study) -> dict[str, ConfigRecord]:
    """Return a study's records by their digests, in the order in which they were written."""
    return {digest: _from_attribute(content) for digest, content in _attributes(study)}


def read_writers(study: Study) -> dict[str, Owner]:
    """Return the process that has written each record."""
    return {digest: read_owner(content, "owner") or Owner() for digest, content in _attributes(study)}


def withdraw_record(study: Study, digest: str) -> None:
    """Take a record back, before any trial has run with it."""
    study.set_user_attr(_PREFIX + digest, None)


def calls_resolver(text: Any) -> bool:
    """Whether a text calls a resolver, which may be any function of the app: ${eval:...}; ${a.b} refers to a key."""
    return isinstance(text, str) and "${" in _REFERENCE.sub("", text)


def without_calls(node: Any) -> Any:
    """Return what a study holds of a config with ??? for each text that calls a resolver."""
    if isinstance(node, Mapping):
        return {str(key): without_calls(value) for key, value in node.items()}
    if isinstance(node, list):
        return [without_calls(each) for each in node]
    return MISSING if calls_resolver(node) else node


def _attributes(study: Study) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, content in study.user_attrs.items():
        if name.startswith(_PREFIX) and _is_record(content):
            yield name.removeprefix(_PREFIX), content


def _from_attribute(content: Mapping[str, Any]) -> ConfigRecord:
    bases = tuple(Base(base["choices"], base["config"], is_own=False) for base in content["bases"])
    return ConfigRecord(tuple(content["swept"]), bases, tuple(content.get("conditional", ())), content.get("stage"))


def _is_record(content: object) -> bool:
    """Whether an attribute is one that a command has written; None stands for one that was taken back."""
    if not isinstance(content, Mapping):
        return False
    bases, swept = content.get("bases"), content.get("swept")
    keys = [swept, content.get("conditional", [])]
    if not (isinstance(bases, list) and bases and all(isinstance(each, list) for each in keys)):
        return False
    is_of_stage = isinstance(content.get("stage"), str | None)
    return is_of_stage and all(isinstance(key, str) for each in keys for key in each) and all(map(_is_base, bases))


def _is_base(base: object) -> bool:
    if not (isinstance(base, Mapping) and isinstance(base.get("choices"), Mapping)):
        return False
    options = base["choices"].values()
    return isinstance(base.get("config"), Mapping) and all(isinstance(each, str | None) for each in options)


def _fits(base: Base, params: Params) -> bool:
    return all(is_same_choice(params[group], option) for group, option in base.choices.items() if group in params)


def is_same_choice(value: Any, option: str | None) -> bool:
    """Whether a value that a group has in a trial is an option's name; a file's name may look like a number."""
    return option is None if value is None else is_same_param(str(value), option)


def _select(config: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key as it was written, ABSENT if there is none."""
    node: Any = config
    for name in key.split("."):
        if isinstance(node, list) and name.isdigit() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, Mapping) and name in node:
            node = node[name]
        else:
            return ABSENT
    return node


def _without_secrets(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _hidden(str(key), value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_secrets(each) for each in node]
    return redact(node) if isinstance(node, str) else node


def _hidden(key: str, value: Any) -> Any:
    is_secret = isinstance(value, str) and "${" not in value and _SECRET.search(key)
    return HIDDEN if is_secret else _without_secrets(value)
