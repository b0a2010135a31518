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
    told = [re.sub(r" {2,}(#|\().*", "", line).strip() for line in lines]
    return list(dict.fromkeys(line for line in told if line.startswith(tuple(f"{name} " for name in PROGRAMS))))


def files_to_add(page: Path) -> dict[str, str]:
    """Return path -> text of each code block below a line that is nothing but a path in backticks."""
    return dict(re.findall(r"^`([\w./]+)`\n```\w+\n(.*?)^```", page.read_text(), flags=re.DOTALL | re.MULTILINE))
