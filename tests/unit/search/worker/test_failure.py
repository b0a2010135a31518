"""Reasons: what a trial records of what its job returned or raised."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.errors import MAX_LINE, RunFailed, UserError
from tunesmith.search.worker.failure import has_broken_cuda, last_line, reason_of, to_number, to_value


class Tensor:
    """Like torch's of two elements, and its text is faulty, too."""

    error = "a Tensor with 2 elements cannot be converted to Scalar"

    def __float__(self) -> float:
        raise RuntimeError(self.error)

    def __repr__(self) -> str:
        raise ZeroDivisionError


class TensorOfBrokenCuda(Tensor):
    error = "CUDA error: device-side assert triggered"


@pytest.mark.parametrize("returned", [3, 3.0, np.float32(3), np.array(3.0), "3"], ids=repr)
def test_a_number(returned: Any) -> None:
    assert to_number(returned) == 3.0


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (None, r"^the job must return a number; it returned None$"),
        ({"loss": 1}, r"^the job must return a number; it returned \{'loss': 1\}$"),
        ("low", r"^the job must return a number; it returned 'low'$"),
        (10**400, r"^the job must return a number; it returned 10{400}$"),
        (Tensor(), r"^the job must return a number; it returned an object of Tensor$"),
        ([1.0] * 9999, r"^the job must return a number; it returned \[1\.0, .{,900} \(49995 characters\) .*\]$"),
        (float("nan"), r"^the job must return a finite number; it returned nan$"),
        (float("-inf"), r"^the job must return a finite number; it returned -inf$"),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else type(value).__name__,
)
def test_no_number(returned: Any, message: str) -> None:
    with pytest.raises(RunFailed, match=message):
        to_number(returned)


def test_a_tensor_tells_that_cuda_is_broken() -> None:
    with pytest.raises(RuntimeError, match="CUDA error"):
        to_number(TensorOfBrokenCuda())


class Unreadable(Exception):
    def __str__(self) -> str:
        raise ZeroDivisionError

    def __repr__(self) -> str:
        return "unreadable"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RunFailed("val/loss was nan"), "val/loss was nan"),
        (UserError("seed must be"), "seed must be"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
        (KeyError("a"), "KeyError: 'a'"),
        (RunFailed("two\nlines"), "two lines"),
        (Unreadable(), "Unreadable: its text cannot be read: __str__ raises ZeroDivisionError"),
    ],
    ids=repr,
)
def test_a_reason_is_one_line(error: Exception, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize("kind", [ValueError, RunFailed, UserError])
def test_a_long_reason_is_its_begin_and_its_end(kind: type[Exception]) -> None:
    reason = reason_of(kind("begin " + 100_000 * "abc" + " end"))
    assert len(reason) == MAX_LINE
    assert re.fullmatch(r"(ValueError: )?begin (abc)+.* \.\.\. \(3000\d\d characters\) \.\.\. .*(abc)+ end", reason)


def test_a_long_last_line_is_shortened(tmp_path: Path) -> None:
    (tmp_path / "output").write_text(100_000 * "abc" + "\n")
    assert len(last_line(tmp_path / "output", 0)) == MAX_LINE


class AcceleratorError(RuntimeError):
    """Torch's, by its name."""


@pytest.mark.parametrize(
    ("error", "broken"),
    [
        (AcceleratorError("device-side assert triggered"), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), False),
        (ValueError("a bug"), False),
    ],
    ids=repr,
)
def test_what_breaks_cuda(error: Exception, broken: bool) -> None:
    assert has_broken_cuda(error) == broken


@pytest.mark.parametrize(
    ("output", "line"),
    [
        pytest.param(b"Traceback\n  line\nOSError: no such library\n\n  \n", "OSError: no such library", id="a line"),
        pytest.param(
            b"KeyError: 'x'\n\nSet the environment variable HYDRA_FULL_ERROR=1 for a complete stack trace.\n",
            "KeyError: 'x'",
            id="above Hydra's advice",
        ),
        pytest.param(b"first\n last \xff", "last \ufffd", id="no text"),
        pytest.param(b"\n \n", "", id="none"),
    ],
)
def test_the_last_line_of_an_output(tmp_path: Path, output: bytes, line: str) -> None:
    path = tmp_path / "output.log"
    path.write_bytes(b"an earlier process\n" + output)
    assert last_line(path, begin=len(b"an earlier process\n")) == line


@pytest.mark.parametrize("returned", [(1, 2.5), [1, 2.5], iter((1, 2.5))], ids=["tuple", "list", "iterator"])
def test_a_job_returns_a_number_for_each_objective(returned: object) -> None:
    assert to_value(returned, 2) == [1.0, 2.5]


@pytest.mark.parametrize(
    ("returned", "shown"),
    [((1,), "(1,)"), ((1, 2, 3), "(1, 2, 3)"), (0.5, "0.5"), ("12", "'12'"), ({1: 2, 3: 4}, "{1: 2, 3: 4}")],
    ids=["too few", "too many", "one", "a text", "a dict"],
)
def test_a_job_that_returns_other_than_a_number_for_each_objective_has_failed(returned: object, shown: str) -> None:
    message = f"the job must return 2 numbers, one for each objective; it returned {shown}"
    with pytest.raises(RunFailed, match=f"^{re.escape(message)}$"):
        to_value(returned, 2)


def test_each_of_several_values_is_finite() -> None:
    with pytest.raises(RunFailed, match=r"^the job must return a finite number; it returned nan$"):
        to_value((1, float("nan")), 2)
