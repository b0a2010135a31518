"""How an error ends the process: a mistake in one line, a bug with its traceback."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hydra.utils import instantiate
from omegaconf import OmegaConf

import tunesmith.objective  # noqa: F401  # registers mode_of
from tunesmith.errors import UserError
from tunesmith.mistakes.explain import exit_on_error


def told(error: BaseException) -> Any:
    """Return what the process would exit with: an exit code or a last line."""
    try:
        with exit_on_error():
            raise error
    except SystemExit as left:
        return left.code


def test_a_users_mistake_is_one_line() -> None:
    assert told(UserError("optimizer.lr must be a number > 0; got -1")) == (
        "error: optimizer.lr must be a number > 0; got -1"
    )


def test_lines_of_other_libraries_are_joined() -> None:
    error = UserError("first\n    second")
    error.__cause__ = ValueError("third")
    assert told(error) == "error: first second: third"


def test_what_the_console_cannot_show_is_printed_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", console)
    with exit_on_error():
        print("caf\u00e9", flush=True)
    assert console.buffer.getvalue() == b"caf\\xe9\n"  # type: ignore[attr-defined]


def test_an_error_whose_text_is_faulty_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class Faulty(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    assert told(Faulty()) == 1
    assert re.search(r"Faulty: <exception str\(\) failed>$", capsys.readouterr().err.strip())


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        pytest.param([], "error: Interpolation key 'nowhere' not found", id="nothing typed"),
        pytest.param(["a=1", "b=${nowhere}"], "error: b: Interpolation key 'nowhere' not found", id="a typed key"),
        pytest.param(["b=${other}"], "error: Interpolation key 'nowhere' not found", id="a typed key of another name"),
    ],
)
def test_an_interpolation_without_a_value_is_told_with_its_key(
    typed: list[str], line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", *typed])
    cfg = OmegaConf.create({"b": "${nowhere}"})
    with pytest.raises(SystemExit, match=f"^{re.escape(line)}$"), exit_on_error():
        cfg.get("b")  # OmegaConf tells no key here
    with pytest.raises(SystemExit, match=r"^error: b: Interpolation key 'nowhere' not found$"), exit_on_error():
        _ = cfg.b


def test_what_a_resolver_of_ours_refuses_is_told_alone() -> None:
    cfg = OmegaConf.create({"mode": "${mode_of:lr}"})
    with (
        pytest.raises(SystemExit, match=r"^error: objective\.mode must be given with objective\.metric=lr"),
        exit_on_error(),
    ):
        _ = cfg.mode


def test_ctrl_c_has_its_own_exit_code() -> None:
    assert told(KeyboardInterrupt()) == 130


def test_a_bug_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(ZeroDivisionError("a bug")) == 1
    begin = r"(?s)^\d+ frames? above your own code hidden; .*\nTraceback "
    assert re.search(begin + r".*test_mistakes.*ZeroDivisionError: a bug$", capsys.readouterr().err.strip())


def test_a_bug_in_what_hydra_builds_keeps_its_own_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"), exit_on_error():
        instantiate({"_target_": "fractions.Fraction", "_args_": [1, 0]})
    shown = capsys.readouterr().err
    assert shown.strip().endswith("ZeroDivisionError: Fraction(1, 0)")
    assert "InstantiationException" not in shown


def test_a_target_that_is_not_there_is_one_line() -> None:
    with (
        pytest.raises(SystemExit, match=r"^error: Error locating target 'tunesmith\.models\.Nothing'.*$"),
        exit_on_error(),
    ):
        instantiate({"_target_": "tunesmith.models.Nothing"})


def test_what_ends_well_is_left_alone() -> None:
    with exit_on_error():
        pass
