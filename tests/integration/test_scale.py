"""scripts/bench/scale.py, whose figures docs/scaling.md shows: it measures what it says."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, Shell

SMALL = ("--processes", "1,2", "--history", "20", "--seconds", "0.3", "--samplers", "random,tpe")


def tables(markdown: str) -> dict[str, list[list[str]]]:
    """The rows of each table by its title, head first."""
    found = {}
    for title, text in re.findall(r"^### (.*)\n\n((?:\|.*\n)+)", markdown, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
        found[title] = [rows[0], *rows[2:]]
    return found


def test_every_storage_is_measured_and_checked_against_what_the_study_holds(shell: Shell) -> None:
    done = shell.python(str(ROOT / "scripts" / "bench" / "scale.py"), "--storages", "journal,sqlite", *SMALL)
    assert done.code == 0, done.err
    rates, starts, samplers = tables(done.out).values()
    assert rates[0] == ["storage", "history", "1", "2"]
    assert [row[:2] for row in rates[1:]] == [["journal", "20"], ["sqlite", "20"]]
    assert all(float(cell) > 0 for row in rates[1:] for cell in row[2:])
    assert all(float(cell) >= 0 for row in starts[1:] for cell in row[2:])
    assert [row[0] for row in samplers[1:]] == ["random", "tpe"]


def test_an_unknown_storage_is_refused(shell: Shell) -> None:
    done = shell.python(str(ROOT / "scripts" / "bench" / "scale.py"), "--storages", "journal,mysql")
    assert done.code == 2
    assert "must be of journal, sqlite, postgresql; got mysql" in done.err


@pytest.mark.postgres
def test_postgresql_is_started_measured_and_stopped(shell: Shell) -> None:
    done = shell.python(str(ROOT / "scripts" / "bench" / "scale.py"), "--storages", "postgresql", *SMALL)
    assert done.code == 0, done.err
    assert [row[0] for row in next(iter(tables(done.out).values()))[1:]] == ["postgresql"]
