"""What a run has found, and what it ran with: the first and the last section of its page."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import yaml

from tunesmith.insight.evaluation_rows import standard_error
from tunesmith.insight.pages.figures import duration, number
from tunesmith.insight.pages.page import Section, command, missing, sentence, table, text
from tunesmith.insight.pages.plain_values import to_number
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.run_folder import LAST_CHECKPOINT, TEST_FACTS

# Of result.yaml, as they are shown: key -> words.
_SHOWN = {"parameters": "parameters", "engine": "engine", "seed": "seed", "note": "note", "data_digest": "data"}


def answer(facts: RunFacts) -> Section:
    """Say what the run has found, how long it took, and which commands go on from here."""
    body = [_best(facts), *(missing(line) for line in facts.missing), table(("", ""), _rows(facts)), _test(facts)]
    return Section("answer", "Answer", "".join(body) + _commands(facts))


def config(facts: RunFacts) -> Section:
    """Show the run's config, folded; groups that may hold passwords are left out."""
    if not facts.config:
        return Section("config", "Configuration", missing("No config was found: .hydra/config.yaml is missing."))
    written = yaml.safe_dump(dict(facts.config), sort_keys=False, allow_unicode=True)
    versions = facts.result.get("versions")
    rows = [[name, str(value)] for name, value in versions.items()] if isinstance(versions, dict) else []
    origin = table(("package", "version"), rows) if rows else ""
    commit = facts.result.get("commit")
    of_code = sentence(f"Commit {commit}{', changed since' if facts.result.get('dirty') else ''}.") if commit else ""
    return Section("config", "Configuration", f"<pre>{text_block(written)}</pre>{origin}{of_code}", is_folded=True)


def text_block(words: str) -> str:
    """Return a text of several lines for a pre element."""
    return "\n".join(text(line) for line in words.splitlines())


def _best(facts: RunFacts) -> str:
    result = facts.result
    if not result:
        words = missing("The run has not ended, or was interrupted: there is no result.yaml. This is what it left.")
        if facts.best is None:
            return words
        epoch, value = facts.best
        return words + _big(value, f"best {facts.metric} so far, epoch {epoch}")
    stated, folds = to_number(result.get("value")), result.get("folds")
    if stated is None:
        return missing("No epoch counts: the run has no best value.")
    where = f"epoch {result.get('epoch')} of {result.get('epochs')}"
    if isinstance(folds, list):
        spread = to_number(result.get("spread"))
        where = f"mean of {len(folds)} folds{'' if spread is None else f', spread {number(spread)}'}"
    return _big(stated, f"best {facts.metric} ({facts.mode}), {where}")


def _big(value: float, words: str) -> str:
    return f'<p class="big">{number(value)} <small>{text(words)}</small></p>\n'


def _rows(facts: RunFacts) -> list[list[object]]:
    result = facts.result
    rows: list[list[object]] = [["folder", facts.folder]]
    if result:
        rows.append(["state", " ".join(filter(None, [_state(result), _reason(result)]))])
        rows.append(["epochs", f"{result.get('epochs')} in {duration(to_number(result.get('seconds')))}"])
    rows += [[words, str(result[key])] for key, words in _SHOWN.items() if result.get(key) is not None]
    return rows


def _state(result: Mapping[str, Any]) -> str:
    state = str(result.get("state", "")).lower()
    return "failed" if state == "fail" else state


def _reason(result: Mapping[str, Any]) -> str:
    reason = result.get("reason")
    return f"({reason})" if reason and reason != "pruned" else ""


def _test(facts: RunFacts) -> str:
    numbers = {name: value for name, each in facts.test.items() if (value := to_number(each)) is not None}
    if not numbers:
        return sentence("Not evaluated on the test part yet: do it once, at the end.")
    errors = {name: standard_error(facts.test, name) for name in numbers}
    rows = [
        [name, f"{value:.4g}", "" if errors[name] is None else f"{errors[name]:.2g}"]
        for name, value in numbers.items()
        if name not in TEST_FACTS
    ]
    words = f"On the test part, {facts.test['samples']} samples:" if "samples" in numbers else "On the test part:"
    ece = sentence(f"Expected calibration error {numbers['ece']:.2g}.") if "ece" in numbers else ""
    return sentence(words) + table(("metric", "value", "standard error"), rows) + ece


def _commands(facts: RunFacts) -> str:
    typed = [each for each in facts.overrides if not each.startswith("ckpt_path=")]
    lines: dict[str, list[str]] = {}
    if facts.can_resume:
        lines["Go on with the run:"] = ["python", "train.py", *typed, f"ckpt_path={facts.folder}/{LAST_CHECKPOINT}"]
    if not facts.test and facts.result.get("value") is not None:
        lines["Evaluate it on the test part:"] = shlex.split(facts.evaluate_command)
    if facts.new_rows and facts.result.get("value") is not None:
        lines["Predict new rows:"] = ["python", "scripts/predict.py", facts.folder, facts.new_rows]
    if not facts.is_trial and not facts.can_resume:
        lines["Repeat it:"] = ["python", "train.py", *typed]
    return "".join(sentence(words) + command(shlex.join(line)) for words, line in lines.items())
