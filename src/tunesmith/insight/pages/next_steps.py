"""The section `next`: what the study checks have found, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from tunesmith.insight.diagnosis.tally import tally, tally_words
from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.page import Section, command, missing, sentence, text
from tunesmith.insight.pages.plain_values import dict_of, dicts_of
from tunesmith.insight.pages.study_facts import ENDED, StudyFacts
from tunesmith.insight.study_checks.all_checks import MIN_TRIALS

MAX_SHOWN = 3
# Name of a check -> where its rule is from; docs/study_checks.md says more of each.
_SOURCES = {
    "edge_of_range": "measured on simulated and recorded studies",
    "failures_cluster": "Mann and Whitney 1947; bound: Youden 1950",
    "pruner_kills_late_bloomers": "Jamieson and Talwalkar 2016",
    "optimism": "Agresti and Coull 1998; Blom 1958",
    "still_improving": "measured on simulated and recorded studies",
    "too_few_trials": "Jones, Schonlau and Welch 1998; Loeppky et al. 2009",
    "no_effect": "measured on simulated and recorded studies",
    "ties": "binomial, or repeats on several seeds",
}


def next_steps(study: StudyFacts) -> Section:
    """Return the section."""
    return Section("next", "What to do next", _body(study) + _tally(study))


def _tally(study: StudyFacts) -> str:
    """Return in how many trials each thing went wrong; nothing for jobs that say nothing."""
    ended = [trial for trial in study.trials if trial.state in ENDED]
    counts = tally(trial.findings for trial in ended)
    if not counts:
        return ""
    words = f"What went wrong in trainings (docs/diagnosis.md): {tally_words(counts, len(ended))}."
    return sentence(words) + command(shlex.join(["python", "scripts/diagnose.py", study.folder]))


def _body(study: StudyFacts) -> str:
    checks = study.results.get("checks")
    if study.is_multi:
        return missing("A study of several objectives is not checked.")
    if not isinstance(checks, list):
        if study.results and not any(trial.state == "complete" for trial in study.trials):
            return missing("There is nothing to check: no trial has run to its end.")
        is_said = "next" in study.missing
        return "" if is_said else missing("The study has not been checked yet: a sweep does so at its end.")
    found = dicts_of(checks)
    if not found:
        ended = sum(trial.state in ENDED for trial in study.trials)
        few = f" Most of them look at {MIN_TRIALS} ended trials or more; this study has {ended}."
        return sentence(f"The study checks found nothing.{few if ended < MIN_TRIALS else ''}")
    shown = "".join(f"<li>{_finding(study, check)}</li>\n" for check in found[:MAX_SHOWN])
    rest = (
        "" if len(found) <= MAX_SHOWN else sentence(f"{len(found) - MAX_SHOWN} more are in optimization_results.yaml.")
    )
    return f"<ol>{shown}</ol>\n{rest}"


def _finding(study: StudyFacts, check: Mapping[str, Any]) -> str:
    name = str(check.get("name"))
    stage = f"Stage {check['stage']}: " if check.get("stage") is not None else ""
    numbers = check.get("numbers")
    shown = ", ".join(f"{key} {_short(value)}" for key, value in dict_of(numbers).items())
    source = _SOURCES.get(name, "docs/study_checks.md")
    rule = f"{name}: {shown}. Threshold: {check.get('threshold')}. Source: {source}."
    override = check.get("override")
    typed = command(_command(study.resume_command, override)) if isinstance(override, str) else ""
    words = sentence(f"{stage}{check.get('text')}")
    return f'{words}<p class="note">{text(rule)}</p>\n{typed}'


def _short(value: object) -> object:
    return number(value) if isinstance(value, float) else value


def _command(resume: str | None, override: str) -> str:
    """Return the study's command with an override, in the place of one of the same key."""
    if resume is None:
        return shlex.quote(override)
    key = override.partition("=")[0].lstrip("+")
    kept = [word for word in shlex.split(resume) if word.partition("=")[0].lstrip("+") != key]
    return shlex.join([*kept, override])
