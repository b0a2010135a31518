"""The keys at the root of a composed config: one that nobody reads is a mistake in some file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path

import yaml
from omegaconf import DictConfig, OmegaConf

from tunesmith.config.changes import show_value
from tunesmith.config.doors import typed_overrides
from tunesmith.config.files import ConfigFile, chosen_files, config_folders, file_with
from tunesmith.config.meant_keys import hint_of
from tunesmith.config.package_lines import NEEDED
from tunesmith.errors import UserError, closest

FREE = "vars"  # the node for a file's own values
# First words of a config that a run or a sweep has written down: its keys were checked when it was composed.
WRITTEN = "# The best trial's configuration."


def check_root_keys(cfg: DictConfig, conf: Path) -> None:
    """Raise UserError for a key at the root that is none of train.yaml's, of a group, of a `+` or `vars`.

    The same for keys inside the plain nodes of train.yaml (objective, lr_finder), for a file that is no mapping, and
    for ??? in an experiment, which Hydra would ignore.

    conf: the folder of train.yaml. A config that Hydra has not composed is left alone.
    """
    if "hydra" not in cfg or OmegaConf.get_type(cfg) is not dict:
        return
    for file in chosen_files(cfg):
        if file.group in NEEDED:
            _check_content(cfg, file)
    known = _known(cfg, conf)
    added = {text.partition("=")[0].lstrip("+") for text in typed_overrides(cfg) if text.startswith("+")}
    for key in map(str, cfg):
        if key not in known and not _is_added(key, added):
            raise UserError(_explain(cfg, key, known))
    typed = {text.partition("=")[0].lstrip("+") for text in typed_overrides(cfg)}
    for key, names in _plain_nodes(conf).items():
        node = cfg.get(key) if not OmegaConf.is_missing(cfg, key) else {}
        if not isinstance(node, DictConfig | dict):
            where = "" if key in typed else _where(file_with(cfg, key))
            raise UserError(f"{key} must be a node of {', '.join(names)}; got {show_value(node)}{where}")
        for name in map(str, node):
            if name not in names and not _is_added(f"{key}.{name}", added):
                where = _where(file_with(cfg, f"{key}.{name}"))
                raise UserError(f"{key}.{name}: there is no such key{where}{closest(name, names)}")


def _known(cfg: DictConfig, conf: Path) -> Set[str]:
    choices = OmegaConf.select(cfg, "hydra.runtime.choices") or {}
    of_groups = {package.split("/")[0].split(".")[0] for package in map(_package_of_choice, choices)}
    folders = {path.name for folder in config_folders(cfg) for path in folder.iterdir() if path.is_dir()}
    files = list(chosen_files(cfg))
    packages = [file.package() for file in files if file.group not in NEEDED]
    of_files = {package.split(".")[0] for package in packages if package is not None}
    return {"hydra", FREE, *_train_yaml(conf), *of_groups, *folders, *of_files, *_written_keys(files)}


def _package_of_choice(group: object) -> str:
    name, _, package = str(group).partition("@")
    return (package or name).removeprefix("_global_.")


def _written_keys(files: list[ConfigFile]) -> Iterator[str]:
    """Yield the keys of a primary config that a run or a sweep has written, such as best.yaml."""
    for file in files:
        if not file.group and (file.text().startswith(WRITTEN) or file.path.parent.name == ".hydra"):
            content = file.content()
            yield from map(str, content if isinstance(content, Mapping) else ())


def _is_added(key: str, added: Set[str]) -> bool:
    return any(one == key or one.startswith(f"{key}.") or key.startswith(f"{one}.") for one in added)


@cache
def _train_yaml(conf: Path) -> Mapping[str, object]:
    content = yaml.safe_load((conf / "train.yaml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items() if key not in ("defaults", "hydra")}


def _plain_nodes(conf: Path) -> dict[str, list[str]]:
    return {key: list(map(str, node)) for key, node in _train_yaml(conf).items() if isinstance(node, dict)}


def _explain(cfg: DictConfig, key: str, known: Set[str]) -> str:
    file = _file_with_root(cfg, key)
    if file is not None and file.group in NEEDED and not (file.package() == "_global_" and file.group != "space"):
        return (
            f"{file.group}={file.choice}: the first line of {file.name} must be '# @package {NEEDED[file.group]}'; "
            f"got '# @package {file.package()}'"
        )
    head, dot, rest = key.partition(".")
    if dot and head in known:
        return f"{key}: must be written as two lines, {head}: and below it {rest}:, not with a dot{_where(file)}"
    hint = hint_of(cfg, key) or closest(key, known - {"hydra"})
    return (
        f"{key}: there is no such key{_where(file)}{hint}; a value of a file's own goes below {FREE}: and is read as "
        f"${{{FREE}.{key}}}"
    )


def _file_with_root(cfg: DictConfig, key: str) -> ConfigFile | None:
    """Return the file that has a key at the root; one with a dot in it looks like the key of a node."""
    for file in reversed(list(chosen_files(cfg))):
        content, package = file.content(), file.package()
        is_at_root = package == "_global_" or not file.group
        if is_at_root and isinstance(content, Mapping) and key in map(str, content):
            return file
        if package is not None and package.split(".")[0] == key:
            return file
    return None


def _where(file: ConfigFile | None) -> str:
    return "" if file is None else f"; {file.name} has it"


def _check_content(cfg: DictConfig, file: ConfigFile) -> None:
    content = file.content()
    if content is None and file.group == "experiment" and not _has_content(file):
        raise UserError(f"experiment={file.choice}: {file.name} must hold keys and their values; got an empty file")
    if content is not None and not isinstance(content, Mapping):
        kind = "a list" if isinstance(content, list) else repr(content)
        raise UserError(f"{file.group}={file.choice}: {file.name} must hold keys and their values; got {kind}")
    if file.package() == "_global_":
        typed = {text.partition("=")[0].lstrip("+") for text in typed_overrides(cfg)}
        for key in _missing(content, ""):
            if not _is_added(key, typed):
                raise UserError(f"{key} must be given: {file.name} leaves it open as ???; add {key}=VALUE")


def _has_content(file: ConfigFile) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in file.text().splitlines())


def _missing(content: object, prefix: str) -> Iterator[str]:
    """Yield the dotted keys of ???."""
    if content == "???":
        yield prefix
    elif isinstance(content, Mapping):
        for name, value in content.items():
            yield from _missing(value, f"{prefix}.{name}" if prefix else str(name))
