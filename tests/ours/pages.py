"""What README, CONTRIBUTING and docs/ say: their commands, and the files that they ask a reader to add."""

from __future__ import annotations

import re
from pathlib import Path

from conftest import ROOT

# docs/log.md and docs/names.md tell of the past: their commands and files are those of their day.
PAST = {"log.md", "names.md"}
PAGES = (
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md"),
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in PAST),
)
# A command starts with one of these words.
PROGRAMS = ("python", "make", "pip", "tensorboard", "eval", "export", "source", "git")


def commands(page: Path) -> list[str]:
    """Return the commands in a page's code blocks and between backticks, without their comments."""
    text = page.read_text()
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    fenced = re.findall(r"^```(?:sh|bash|console)?\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in fenced for line in block.splitlines()]
    lines += re.findall(r"^ {4}(\S.*)$", outside, flags=re.MULTILINE)
    lines += re.findall(r"(?<!`)`([^`]+)`(?!`)", " ".join(outside.split("\n")))
    told = [re.sub(r"\s#\s.*| {2,}\(.*", "", line).strip() for line in lines]
    return list(dict.fromkeys(line for line in told if line.startswith(tuple(f"{name} " for name in PROGRAMS))))


def files_to_add(page: Path) -> dict[str, str]:
    """Return path -> text of each code block below a line that is nothing but a path in backticks."""
    return dict(re.findall(r"^`([\w./]+)`\n```\w+\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE))


COMMANDS = sorted({command for page in PAGES for command in commands(page)})
# How a command begins -> why no test of tests/ours runs it.
NOT_RUN = {
    "python train.py trainer=smoke 'logger=[tensorboard,mlflow]'": "seconds: tests/integration/test_loggers_offline.py",
    "python train.py learner=mnist_lit": "two files of the reader's own: tests/ours/test_migration.py",
    "python train.py -m learner=mnist_lit": "two files of the reader's own: tests/ours/test_migration.py",
    "python sphere.py": "an app of the reader's own: tests/integration/test_official_examples.py",
    "python train.py KEY=": "a form, not a command",
    "python train.py -m KEY=": "a form, not a command",
    "python train.py '~local' ...": "a form, not a command: tests/ours/test_local_yaml.py",
    "python scripts/plot.py FOLDER": "a form, not a command",
    "python scripts/evaluate.py FOLDER": "a form, not a command",
    "python scripts/diagnose.py FOLDER": "a form, not a command: tests/integration/test_diagnose_command.py",
    "python scripts/predict.py RUN": "a form, not a command: tests/integration/test_predict_command.py",
    "python scripts/bench": "minutes: tests/integration/test_bench.py and test_scale.py",
    "python scripts/search_evidence": "minutes: tests/integration/test_search_evidence.py",
    "python scripts/diagnosis_evidence": "minutes: tests/ours/test_diagnosis_evidence.py",
    "python scripts/any_job": "tests/integration/test_forest.py and test_any_job.py",
    "python scripts/chaos": "minutes: tests/integration/test_chaos.py",
    "python train.py -m --config-dir": "tests/integration/test_sweep_command.py",
    "source ": "a shell's own word",
    "export ": "a shell's own word: tests/integration/test_postgres.py",
}
_RUN = [command for command in COMMANDS if not command.startswith(tuple(NOT_RUN))]
SWEEPS = [command for command in _RUN if command.startswith("python train.py -m")]
TELLING = [command for command in _RUN if re.match(r"python train\.py .*(?:--help|--cfg)", command)]
RUNS = [command for command in _RUN if command.startswith("python train.py") and command not in SWEEPS + TELLING]
SCRIPTS = [command for command in _RUN if command.startswith("python scripts/")]
OTHERS = sorted({*_RUN} - {*SWEEPS, *TELLING, *RUNS, *SCRIPTS})
