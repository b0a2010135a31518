"""scripts/chaos.py and chaos_long.py, short runs of them: what is killed again and again loses nothing."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT, Ended, Shell

CHAOS, LONG, TIMELINE = (str(ROOT / "scripts" / name) for name in ("chaos.py", "chaos_long.py", "timeline.py"))


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    """Four kills of a sweep or one of its two workers, ten to 25 reported epochs apart."""
    return module_shell.python(
        *(CHAOS, "--job", "--faults", "kills", "--kills", "4", "--n_trials", "20", "--epochs", "10", "25"),
        *("--folder", str(module_shell.folder), "--seed", "6"),
    )


def test_every_invariant_holds(ended: Ended) -> None:
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "every invariant holds"), ended.text


def test_it_has_killed_workers_and_the_sweep(ended: Ended) -> None:
    assert ended.out.count("kill worker") + ended.out.count("kill the sweep") == 4
    assert "kill the sweep" in ended.out
    assert "tear the journal" in ended.out


def test_its_kills_have_met_running_trials(ended: Ended) -> None:
    met = re.search(r"^(\d) of 4 kills met a running trial$", ended.out, flags=re.MULTILINE)
    assert met is not None, ended.text
    assert int(met[1]) >= 2


@pytest.mark.parametrize("how", [pytest.param((), id="one by one"), pytest.param(("--together", "0.7"), id="all")])
def test_small_studies_lose_nothing_by_kills_between_any_two_calls(shell: Shell, how: tuple[str, ...]) -> None:
    ended = shell.python(
        *(LONG, "--kills", "8" if how else "30", "--n_trials", "200" if how else "30", "--seed", "1"), *how
    )
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "every invariant holds"), ended.text
    assert re.match(r"\d+ kills, \d+ of them met a trial, ", ended.out)


def test_a_fault_that_nobody_knows_is_refused(shell: Shell) -> None:
    refused = shell.python(CHAOS, "--faults", "kills,floods")
    assert refused.code == 2
    assert refused.err.endswith("floods is none of kills,clock,bytes,stops,disk\n")


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
