"""scripts/chaos.py, a short run of it: a sweep that is killed again and again loses nothing."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, Ended, Shell

CHAOS, TIMELINE = (str(ROOT / "scripts" / name) for name in ("chaos.py", "timeline.py"))


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    """Six kills of a sweep or one of its two workers, ten to forty reported epochs apart."""
    return module_shell.python(
        *(CHAOS, "--job", "--kills", "6", "--trials", "24", "--epochs", "10", "40"),
        *("--folder", str(module_shell.folder), "--seed", "3"),
    )


def test_every_invariant_holds(ended: Ended) -> None:
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "every invariant holds"), ended.text


def test_it_has_killed_workers_and_the_sweep(ended: Ended) -> None:
    assert ended.out.count("kill worker") + ended.out.count("kill the sweep") == 6
    assert "kill the sweep" in ended.out
    assert "tear the journal" in ended.out


def test_the_timeline_shows_both_workers(module_shell: Shell, ended: Ended) -> None:
    drawn = module_shell.python(TIMELINE, "outputs/sweeps/chaos")
    assert (drawn.code, drawn.err) == (0, "")
    first, *workers = drawn.out.splitlines()
    assert re.fullmatch(r"\d+ attempts in [\d.]+ s", first)
    assert [
        bool(re.fullmatch(rf"\S+ {index} +[\dx.]{{100}} .* idle [\d.]+ s.*", line))
        for index, line in enumerate(workers)
    ] == [
        True,
        True,
    ]


def test_a_folder_without_a_study_is_refused_in_one_line(module_shell: Shell) -> None:
    refused = module_shell.python(TIMELINE, "nowhere")
    assert refused.code == 1
    assert (
        refused.err
        == "usage: python scripts/timeline.py FOLDER, the folder of a study; there is no study.journal in it\n"
    )
