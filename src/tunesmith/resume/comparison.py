"""A run that goes on from a checkpoint is the run that was begun: its config is compared before anything is written."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.changes import ABSENT, Change, comes_out_the_same, find_changes, show_value
from tunesmith.config.doors import typed_overrides
from tunesmith.config.free_keys import is_free, names_a_place
from tunesmith.config.quoting import override
from tunesmith.config.renamed_targets import RENAMED
from tunesmith.errors import UserError, list_names
from tunesmith.resume.may_change import MAX_EPOCHS, may_change, why_not_longer
from tunesmith.run_folder import BEST_CHECKPOINT, CONFIG_FILE, checkpoint_folder, run_rooms

# Groups of the sweep: whatever is chosen, a run's config has nothing of it.
_OF_THE_SWEEP = ("space", "search", "hydra")
# So many changes are named in a refusal.
_NUM_NAMED = 3


@dataclass(frozen=True)
class _Begun:
    """What a run folder says of the run's begin; overrides and choices are empty if Hydra did not start the run."""

    config: DictConfig
    overrides: Sequence[str] = ()
    choices: Mapping[str, Any] = field(default_factory=dict)


def check_resume(cfg: DictConfig, hydra: DictConfig | None) -> str | None:
    """Compare the config of a run that goes on with the one that it began with, interpolations as they are written.

    hydra: Hydra's own node, which knows what was typed; None from Python: then every key may have been typed.

    Returns: a line that says what could not be compared, None if all was.

    Raises:
        UserError: a key differs that a run may not change on its way.
    """
    folder = checkpoint_folder(Path(cfg.ckpt_path))
    path = folder / CONFIG_FILE
    if not path.is_file():
        return f"ckpt_path: the config is not compared with the one that the run began with: {path} is missing"
    begun = _read(folder)
    changes, unrecorded = _compare(begun, cfg, hydra)
    refused = [change for change in changes if not may_change(change, begun.config, cfg)]
    if refused:
        raise UserError(
            f"ckpt_path must go on with the config that the run began with; got {_list(refused)}: "
            f"{_as_begun(folder)}, or {_new_run(cfg)}"
        )
    longer = [change for change in changes if change.key == MAX_EPOCHS]
    reason = why_not_longer(cfg) if longer else None
    if reason is not None:
        raise UserError(
            f"{MAX_EPOCHS} must stay {show_value(longer[0].old)}: {reason}; got {show_value(longer[0].new)}: "
            f"{_new_run(cfg)}"
        )
    names = dict.fromkeys(_first_absent(key, begun.config) for key in unrecorded if not is_free(key))
    return f"ckpt_path: not compared, because {path} has no {list_names(names)}" if names else None


def check_retry(cfg: DictConfig, folder: Path) -> None:
    """Compare the config of a trial's next attempt with the one that its folder holds, if it has a checkpoint.

    Raises:
        UserError: a key differs that a run may not change on its way.
    """
    checkpoints = (room.glob(f"{BEST_CHECKPOINT.parent}/*.ckpt") for room in run_rooms(folder))
    if not _has_whole_record(folder) or not any(map(any, checkpoints)):
        return
    begun = _read(folder)
    changes, _ = _compare(begun, cfg, cfg.hydra)
    refused = [change for change in changes if not may_change(change, begun.config, cfg)]
    if refused:
        raise UserError(
            f"a trial must go on with the config that it began with; got {_list(refused)} for {folder}: "
            f"{_as_begun(folder)}, or give another study_name"
        )


def _has_whole_record(folder: Path) -> bool:
    """Whether a run's config is there, and none of the files beside it is torn, as by a full disk."""
    path = folder / CONFIG_FILE
    return path.is_file() and all(file.read_bytes().endswith(b"\n") for file in path.parent.glob("*.yaml"))


def check_ended(cfg: DictConfig, folder: Path) -> None:
    """Compare the config that this command composes for a trial with the one that the trial's folder holds, if any.

    Raises:
        UserError: a key differs on which what was learned may depend; nothing that the folder names is imported.
    """
    if not (folder / CONFIG_FILE).is_file():
        return
    begun = _read(folder)
    changes, _ = _compare(begun, cfg, cfg.hydra)
    refused = [change for change in changes if not (is_free(change.key) or names_a_place(change.key))]
    if refused:
        raise UserError(
            f"this command would run it with {_list(refused)} of {folder / CONFIG_FILE}: if you trust that folder, "
            f"evaluate it by: python scripts/evaluate.py {shlex.quote(str(folder))}"
        )


def _compare(begun: _Begun, cfg: DictConfig, hydra: DictConfig | None) -> tuple[list[Change], list[str]]:
    """Return what has changed, and keys that the run began without because conf/ had none of them."""
    changes = list(_changes(begun.config, cfg))
    absent = [change.key for change in changes if change.old is ABSENT]
    if hydra is not None:
        differing = _typed_differently(begun, hydra)
        unrecorded = [key for key in absent if not any(_covers(name, key, cfg) for name in differing)]
    else:
        unrecorded = [] if "learner" in begun.config else absent  # a config of version 0.1.0, which lacks much else
    return [change for change in changes if change.key not in unrecorded], unrecorded


def _typed_differently(begun: _Begun, hydra: DictConfig) -> set[str]:
    """Return the keys and groups whose overrides or choices are others than those that the run began with."""
    now = set(typed_overrides(OmegaConf.create({"hydra": hydra})))
    choices = {str(group): choice for group, choice in hydra.runtime.choices.items()}
    keys = {_typed_key(text) for text in now.symmetric_difference(begun.overrides)}
    both = choices.keys() & begun.choices.keys()
    changed = {group for group in both if choices[group] != begun.choices[group]}
    return {name.partition("@")[0].replace("/", ".") for name in (keys - both) | changed}


def _typed_key(text: str) -> str:
    return text.lstrip("+~").partition("=")[0]


def _covers(name: str, key: str, cfg: DictConfig) -> bool:
    """Whether an override may have given a key; a group that is no node, such as experiment, may give any key."""
    top = name.partition(".")[0]
    return key == name or key.startswith(f"{name}.") or (top not in cfg and top not in _OF_THE_SWEEP)


def _read(folder: Path) -> _Begun:
    path = folder / CONFIG_FILE
    config = _load(path, OmegaConf.load)
    if not isinstance(config, DictConfig):
        raise UserError(f"ckpt_path must lie in a run's folder; got {folder}, whose {CONFIG_FILE} is no config")
    overrides, hydra = (path.with_name(name) for name in ("overrides.yaml", "hydra.yaml"))
    if not (overrides.is_file() and hydra.is_file()):  # begun from Python
        return _Begun(config)
    plain = yaml.safe_load  # as they are written: OmegaConf would resolve the overrides
    return _Begun(config, _load(overrides, plain) or (), _load(hydra, plain)["hydra"]["runtime"]["choices"])


def _load(path: Path, load: Callable[[IO[str]], Any]) -> Any:
    try:
        with path.open() as file:
            return load(file)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"ckpt_path must lie in a run's folder; {path} cannot be read: {error}") from None


def _changes(old: DictConfig, new: DictConfig) -> Iterator[Change]:
    """Yield what differs, except a class's new name, and an interpolation that comes out as the value it stands for."""
    for change in find_changes(old, new):
        is_renamed = isinstance(change.old, str) and RENAMED.get(change.old) == change.new
        is_empty = (change.old, change.new) in (({}, ABSENT), (ABSENT, {}))  # its keys, then or now, are changes too
        if not is_renamed and not is_empty and not comes_out_the_same(change, old, new):
            yield change


def _by_node(changes: Sequence[Change]) -> list[Change]:
    """Return one change for each node whose class has changed, instead of all of its arguments."""
    nodes = [change.key.removesuffix("_target_") for change in changes if change.key.endswith("._target_")]
    return [
        change
        for change in changes
        if not any(change.key.startswith(node) and change.key != f"{node}_target_" for node in nodes)
    ]


def _list(changes: Sequence[Change]) -> str:
    changes = _by_node(changes)
    shown = [(each.key, show_value(each.new), show_value(each.old)) for each in changes[:_NUM_NAMED]]
    named = ", ".join(f"{key}={new} instead of {old}" for key, new, old in shown)
    return f"{named} and {len(changes) - _NUM_NAMED} more" if len(changes) > _NUM_NAMED else named


def _as_begun(folder: Path) -> str:
    typed = (folder / CONFIG_FILE).with_name("overrides.yaml")
    return f"type what it began with ({typed})" if typed.is_file() else "leave it as it was"


def _new_run(cfg: DictConfig) -> str:
    checkpoint = Path(cfg.ckpt_path)
    best = checkpoint.with_name(BEST_CHECKPOINT.name)
    weights = override("weights", str(best if best.is_file() else checkpoint))
    return f"start a new run from its weights by {shlex.quote(weights)} instead of ckpt_path"


def _first_absent(key: str, cfg: DictConfig) -> str:
    """Return the part of a key up to the first name that a config does not have: learner for learner.model."""
    node: Any = cfg
    names = key.split(".")
    for depth, name in enumerate(names):
        if not isinstance(node, DictConfig) or name not in node:
            return ".".join(names[: depth + 1])
        node = None if OmegaConf.is_interpolation(node, name) else node[name]
    return key
