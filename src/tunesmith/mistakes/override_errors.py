"""An override that Hydra cannot read, or that chooses no file: what was typed, and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException

from tunesmith.config.quoting import null_in_choice
from tunesmith.errors import closest

_OPTIONS = {
    "m": "-m",
    "multirun": "-m",
    "help": "--help",
    "sweep": "-m",
    "cfg": "--cfg job",
    "dry_run": "hydra.sweeper.dry_run=true",
}
_LOG = "tag(log,interval(LOW,HIGH))"
# Functions of other libraries -> Hydra's.
_FUNCTIONS = {
    **dict.fromkeys(
        ("log", "loguniform", "log_uniform", "log_interval", "loginterval", "logspace", "qloguniform"), _LOG
    ),
    **dict.fromkeys(("uniform", "intervall", "between", "linspace", "suggest_float"), "interval(LOW,HIGH)"),
    **dict.fromkeys(("randint", "int_interval", "integer", "suggest_int", "quniform"), "int(interval(LOW,HIGH))"),
    **dict.fromkeys(
        ("choices", "categorical", "suggest_categorical", "sample", "one_of", "grid", "list"), "choice(A,B)"
    ),
}


def explain_override(error: OverrideParseException, typed: Sequence[str]) -> str:
    """Return one line for an override that cannot be parsed; typed: all of them."""
    text = str(error.override)
    if "=" not in text and not text.startswith("~"):
        return _explain_without_value(text, typed)
    message = " ".join(error.message.split()).partition(" See http")[0]
    hint = _hint(text, message)
    message = re.sub(r"^Error parsing override '.*?' (?=\w+ while|missing)", "", message)
    return f"{text.partition('=')[0] or 'an argument'}: must be an override; got '{text}': {hint or message}"


def explain_composing(message: str, typed: Sequence[str], conf: Path | None) -> str | None:
    """Return one line for what Hydra says without a key while it composes; None if it is something else."""
    if "Ambiguous value for argument" in message or "requires --multirun" in message:
        return _explain_sweep(message)
    if "Sweeping over Hydra's configuration" in message:
        text = message.partition(": '")[2].rstrip("'")
        return f"{text.partition('=')[0]} must be one value; got '{text}': a sweep varies what is not below hydra"
    keyless = next((text for text in typed if text.startswith("=")), None)
    if keyless is not None:
        return f"an override must be KEY=VALUE in one word; got '{keyless}': there is no key before the ="
    if "Config group override must be" in message or "possible interpolation keys" in message:
        return _explain_choice(typed, conf)
    composing = re.search(r"In '([^']+)': \w+ raised while composing config: (.*)", message)
    if composing is not None:
        return _explain_merge(f"{composing[1]}.yaml", composing[2])
    if "force-add of config groups" in message:
        group, _, name = message.rpartition("++")[2].rstrip("'").partition("=")
        return f"{group} takes no plus; got '++{group}={name}': type {group}={name}"
    if "Multiple values for" in message:
        group = message.partition("Multiple values for ")[2].partition(".")[0]
        return f"{group} has a choice already: type {group}=NAME without a plus, or write `override /{group}: NAME`"
    if "Could not override" in message:
        return _explain_defaults(message, conf)
    return None


def explain_file(group: str, choice: str) -> str | None:
    """Return one line for the path of a table that is typed as the choice of data; None if it is something else."""
    root, slash, folder = group.partition("/")
    path = f"{folder}{slash}{choice}"
    kind = Path(choice).suffix.removeprefix(".")
    if root != "data" or kind not in ("csv", "npy", "npz"):
        return None
    return f"data must be the name of one file in conf/data; got '{path}': type data={kind} data.path={path}"


def _explain_merge(file: str, reason: str) -> str:
    """Explain what OmegaConf says of a file that does not fit the others."""
    if "Cannot merge DictConfig with ListConfig" in reason and reason.endswith("full_key: object_type=dict"):
        return f"{file} must hold keys and their values; got a list"
    key = re.search(r"full_key: (\S+)", reason)
    if key is not None and "not in '" in reason:
        return f"{key[1]}: there is no such key; {file} has it"
    return f"{f'{key[1]}: ' if key else ''}{reason.partition(' full_key:')[0]}; {file} has it"


def _explain_without_value(text: str, typed: Sequence[str]) -> str:
    if text in _OPTIONS:
        return f"{text} must be an option or KEY=VALUE; got '{text}': did you mean {_OPTIONS[text]}?"
    index = list(typed).index(text) if text in typed else 0
    before, after = typed[index - 1] if index else "", list(typed[index + 1 :])
    key, _, rest = text.partition(":")
    if before.endswith("="):
        return f"{before.rstrip('=')} must be KEY=VALUE in one word; got '{before} {text}': type {before}{text}"
    value = rest.strip() or next((part.lstrip("=") for part in after[:2] if part.lstrip("=")), "")
    is_value = bool(value) and "=" not in value and not value.startswith("-")
    shown = text if rest.strip() or not is_value else " ".join([text, *after[: 2 if after[0] == "=" else 1]])
    return f"{key} must be KEY=VALUE in one word; got '{shown}': type {key}={value if is_value else 'VALUE'}"


def _hint(text: str, message: str) -> str:
    key, _, value = text.partition("=")
    unknown = re.search(r"Unknown function '(\w+)'", message)
    if unknown:
        function = _FUNCTIONS.get(unknown[1].lower())
        options = ", ".join(message.partition("Available: ")[2].split(","))
        return f"there is no function {unknown[1]}; {f'write {function}' if function else f'options: {options}'}"
    null = null_in_choice(text, message)
    if null is not None:
        return null
    if re.search(r"[^\w./@:~+-]", key):
        return f"a key has names and dots alone: write {re.sub(r'[^A-Za-z0-9_/@:~+]+', '.', key).strip('.')}={value}"
    if re.match(r"\(.*\)$|\{[^:]*\}$", value):
        return "write interval(LOW,HIGH) for a range, A,B for some values, [A,B] for a list"
    if ";" in value:
        return "overrides are separated by spaces"
    if value.endswith(","):
        return "leave the last comma out"
    for opening, closing in ("()", "[]", "{}"):
        if value.count(opening) > value.count(closing):
            return f"a '{closing}' is missing"
        if value.count(opening) < value.count(closing):
            return f"a '{opening}' is missing"
    if re.search(r"\s[\w.]+=", value):
        return "each override is an argument of its own: no quotes around two"
    if re.fullmatch(r"[\w.]+=.*", value) and "." not in key:
        return f"write {key}.{value}"
    if value[:1] in ("[", "{") and (inner := re.search(r"[\w./@:~+-]+=[^,\]}]*", value)):
        return f'an item with = is quoted: "{inner[0]}"'
    if "=" in value:
        return (
            f"a value with = is quoted: '{key}=\"{value.lstrip('=')}\"'"
            if not value.startswith("=")
            else f"write {key}{value}"
        )
    if "interval(" in value and "missing a required argument" in message:
        return "write interval(LOW,HIGH)"
    if value.startswith("tag("):
        return f"write {_LOG}"
    return ""


def _explain_sweep(message: str) -> str:
    text = re.split(r"' requires --multirun|' 1\. To use", message.partition("'")[2])[0]
    key, _, value = text.partition("=")
    number = f", a number has a point: {key}={value.replace(',', '.')}" if re.fullmatch(r"\d+,\d+", value) else ""
    return (
        f"{key} must be one value in a run; got '{text}': type -m to sweep over them{number}, a list is {key}=[...], "
        "a text with a comma is in quotes"
    )


def _explain_choice(typed: Sequence[str], conf: Path | None) -> str | None:
    """Name the group whose choice is no name of a file."""
    for text in typed:
        group, _, value = text.partition("=")
        group = group.lstrip("+~").partition("@")[0]
        value = "nothing" if text.startswith("~") else value
        folder = None if conf is None else conf / group
        if folder is None or not group or "." in group or not folder.is_dir() or _is_name(text):
            continue
        options = sorted(file.stem for file in folder.glob("*.yaml"))
        hint = closest(value.strip("[]"), options)
        return f"{group} must be the name of one file in conf/{group}; got {value}{hint}"
    return None


def _is_name(text: str) -> bool:
    try:
        override = OverridesParser.create().parse_override(text)
        return not override.is_delete() and isinstance(override.value(), str)
    except HydraException:
        return True


def _explain_defaults(message: str, conf: Path | None) -> str | None:
    """Explain `override X: Y` of a defaults list that finds nothing to override."""
    found = re.search(r"In '([^']+)': Could not override '([^']+)'", message)
    if found is None or conf is None:
        return None
    file, group = found[1], found[2].partition("@")[0]
    groups = sorted(path.name for path in conf.iterdir() if path.is_dir())
    name = group.rpartition("/")[2]
    if name in groups:
        return f"{file}.yaml: 'override {name}' of its defaults list must begin with a slash: override /{name}: NAME"
    return f"{file}.yaml: 'override /{group}' of its defaults list names no group{closest(name, groups)}"
