"""The options of a command line (-m, --cfg, ...) before Hydra reads them: a wrong one is told in one line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from hydra._internal.utils import get_args_parser

from tunesmith.errors import UserError, closest

_PARAMS = "hydra.sweeper.params."


class _Wrong(Exception):
    """What argparse says of a command line."""


def check_options(arguments: Sequence[str], conf: Path) -> None:
    """Raise UserError for options that Hydra would refuse in many lines, or ignore; conf: the folder of train.yaml."""
    parser = get_args_parser()
    parser.error = _raise  # type: ignore[method-assign]
    try:
        args = parser.parse_args(list(arguments))
    except _Wrong as error:
        raise UserError(_explain(str(error), arguments)) from None
    _check_modes(args)
    _check_configs(args, conf)
    for text in args.overrides:
        key = text.partition("=")[0].lstrip("+~")
        if key.startswith(_PARAMS):
            typed = text.lstrip("+~")[len(_PARAMS) :].replace('"', "")
            raise UserError(f"{key} is for files; got '{text}': type the key itself, with -m: {typed}")


def _raise(message: str) -> NoReturn:
    raise _Wrong(message)


def _check_modes(args: argparse.Namespace) -> None:
    shows = [name for name in ("cfg", "info") if getattr(args, name) is not None]
    if args.help and args.overrides and not all("=" in text or text.startswith("~") for text in args.overrides):
        raise UserError(
            f"--help stands alone; got '{' '.join(args.overrides)}' beside it: python train.py --cfg job "
            "--package GROUP shows what a group holds"
        )
    if args.multirun and shows:
        raise UserError(
            f"--{shows[0]} shows one configuration; got -m beside it: leave -m out, or type hydra.sweeper.dry_run=true "
            "to see what a sweep would run"
        )
    if args.multirun and args.run:
        raise UserError("-m and --run exclude each other; got both: leave one out")
    if args.resolve and args.cfg is None and not args.help:
        raise UserError("--resolve goes with --cfg; got it alone: type --cfg job --resolve")
    if args.package and args.cfg is None:
        raise UserError(f"--package goes with --cfg; got {args.package} alone: type --cfg job --package {args.package}")


def _check_configs(args: argparse.Namespace, conf: Path) -> None:
    if args.config_dir and not Path(args.config_dir).is_dir():
        reason = "which is a file: name its folder" if Path(args.config_dir).is_file() else "which is not there"
        raise UserError(
            f"--config-dir must be a folder with groups of yours, beside conf/; got '{args.config_dir}', {reason}"
        )
    is_module = args.config_path and "pkg://" in args.config_path
    if args.config_path and not is_module and not Path(args.config_path).is_absolute():
        raise UserError(
            f"--config-path must be the absolute path of a whole config tree; got '{args.config_path}': a folder "
            f"of your own files beside conf/ is --config-dir {args.config_path}"
        )
    if args.config_name is None or args.config_path:
        return
    folders = [conf, *([Path(args.config_dir)] if args.config_dir else [])]
    name = args.config_name.removesuffix(".yaml")
    if not any((folder / f"{name}.yaml").is_file() for folder in folders):
        hint = closest(name, [file.stem for folder in folders for file in folder.glob("*.yaml")])
        raise UserError(f"--config-name must be a file of conf/ or of --config-dir; got '{args.config_name}'{hint}")


def _explain(message: str, arguments: Sequence[str]) -> str:
    """Return what argparse says, and what to type instead."""
    unknown = message.removeprefix("unrecognized arguments: ")
    if unknown == message:
        if "ignored explicit argument" in message and "multirun" in message:
            return f"-m takes no value; got '{_starting('-', 'm', arguments)}': type -m"
        return f"{message}; python train.py --hydra-help lists the options"
    option = unknown.split()[0]
    if not option.startswith("-"):
        return f"'{option}' must stand with the other overrides, after all options: type -m and the like first"
    if option in ("-M", "-multirun", "--multi-run", "--sweep"):
        return f"{option}: there is no such option; did you mean -m?"
    return f"{option}: there is no such option; {_as_override(option, arguments)}"


def _starting(dash: str, letter: str, arguments: Sequence[str]) -> str:
    return next((text for text in arguments if re.match(rf"{dash}+{letter}", text)), f"{dash}{letter}")


def _as_override(option: str, arguments: Sequence[str]) -> str:
    name, _, value = option.lstrip("-").partition("=")
    after = list(arguments[list(arguments).index(option) + 1 :]) if option in arguments else []
    if not value and after and "=" not in after[0] and not after[0].startswith("-"):
        value = after[0]
    return f"values are typed without dashes: {name.replace('-', '_')}={value or 'VALUE'}"
