"""A bug's traceback begins with the user's own code."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch._utils import ExceptionWrapper
from torch.utils.data import Dataset
from torch.utils.data._utils.fetch import _MapDatasetFetcher

from tunesmith.short_traceback import MADE_UP, WISH, format_short, place_of, take_errors_from_hydra


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (WISH, MADE_UP):
        monkeypatch.delenv(name, raising=False)


def bug() -> None:
    int("no number")


def chained() -> None:
    try:
        bug()
    except ValueError as error:
        raise KeyError("chained") from error


def grouped() -> None:
    try:
        bug()
    except ValueError as error:
        raise ExceptionGroup("several", [error]) from None


def through_hydra(function: Callable[[], None]) -> Exception:
    """What a function of this file raises if Hydra calls it: its frames, Hydra's, this file's."""
    with pytest.raises(InstantiationException, match="Error in call to target") as raised:
        instantiate({"_target_": f"{__name__}.{function.__name__}"})
    cause = raised.value.__cause__
    assert isinstance(cause, Exception)
    return cause


@pytest.mark.parametrize("function", [bug, chained, grouped])
def test_frames_of_hydra_are_hidden(function: Callable[[], None]) -> None:
    shown = format_short(through_hydra(function))
    assert re.match(r"1 frame above your own code hidden; HYDRA_FULL_ERROR=1 shows all\n", shown)
    assert "site-packages/hydra" not in shown
    assert 'int("no number")' in shown
    assert "ValueError: invalid literal for int()" in shown


def test_a_user_who_wishes_sees_all_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WISH, "1")
    take_errors_from_hydra()
    shown = format_short(through_hydra(bug))
    assert shown.startswith("Traceback")
    assert "site-packages/hydra" in shown


def test_a_wish_of_main_is_not_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WISH, "0")
    take_errors_from_hydra()
    assert "hidden; " in format_short(through_hydra(bug))


def test_an_error_without_code_of_the_user_keeps_all_frames() -> None:
    with ThreadPoolExecutor() as pool:
        error = pool.submit(int, "no number").exception()
    assert error is not None
    assert format_short(error).startswith("Traceback")
    assert "concurrent/futures/thread.py" in format_short(error)
    assert place_of(error) is None


class Square(torch.nn.Module):
    def forward(self) -> None:
        """Take no input, though torch hands one over."""


def test_a_call_that_the_users_function_refuses_is_shown_at_the_function() -> None:
    layers = torch.nn.Sequential(Square())
    with ThreadPoolExecutor() as pool:  # torch's frames and Python's, none of this file
        error = pool.submit(layers, 1).exception()
    assert isinstance(error, TypeError)
    head, *shown = format_short(error).splitlines()
    assert re.match(r"\d+ frames? above your own code hidden", head)
    assert shown == [
        "Traceback (most recent call last):",
        f'  File "{__file__}", line {Square.forward.__code__.co_firstlineno}, in forward',
        "    def forward(self) -> None:",
        "TypeError: Square.forward() takes 1 positional argument but 2 were given",
    ]


def test_a_call_that_a_function_of_nobody_refuses_keeps_all_frames() -> None:
    with ThreadPoolExecutor() as pool:
        error = pool.submit(re.compile).exception()
    assert isinstance(error, TypeError)
    assert format_short(error).startswith("Traceback (most recent call last):\n")


def test_what_the_users_code_calls_is_shown() -> None:
    def read() -> None:
        Path("gone.csv").read_text()

    with pytest.raises(FileNotFoundError, match="gone") as raised:
        read()
    assert "pathlib.py" in format_short(raised.value)


class Samples(Dataset[float]):
    def __getitem__(self, index: int) -> float:
        return float("no number")


def test_frames_in_the_text_of_a_loaders_worker_are_hidden() -> None:
    try:
        _MapDatasetFetcher(Samples(), True, list, False).fetch([0])
    except ValueError:
        wrapped: Any = ExceptionWrapper(where="in DataLoader worker process 0")
    with pytest.raises(ValueError, match="in DataLoader worker process 0") as raised:
        wrapped.reraise()
    shown = format_short(raised.value)
    assert "site-packages" not in shown
    assert "Original Traceback (most recent call last):\n" in shown
    assert shown.count('float("no number")') == 1


def test_the_place_of_an_error_is_the_users_last_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of(through_hydra(bug))
    assert place is not None
    assert re.search(r"test_short_traceback\.py, line \d+$", place)
    monkeypatch.chdir(tmp_path)
    Path("model.py").write_text("def forward(:\n")
    with pytest.raises(SyntaxError, match="invalid syntax") as raised:
        compile(Path("model.py").read_text(), str(tmp_path / "model.py"), "exec")
    assert place_of(raised.value) == "model.py, line 1"
