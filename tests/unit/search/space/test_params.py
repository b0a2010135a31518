"""Params of the config: sweeps are resolved, anything else is left to the job."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.search.space.params import read_params


@pytest.mark.parametrize(
    ("written", "resolved", "read"),
    [
        pytest.param("${lrs}", "interval(0,1)", "interval(0,1)", id="a sweep by another key"),
        pytest.param("interval(0,${end})", "interval(0,3)", "interval(0,3)", id="an end by another key"),
        pytest.param("choice(", "choice(", "choice(", id="a mistake"),
        pytest.param("${oc.env:TOKEN}", "secret", "${oc.env:TOKEN}", id="a secret"),
        pytest.param("${hydra:job.num}", 0, "${hydra:job.num}", id="what only the job knows"),
        pytest.param(["${oc.env:TOKEN}"], ["secret"], ["${oc.env:TOKEN}"], id="a secret in a list"),
        pytest.param("${.lr}", 0.1, 0.1, id="relative to params"),
        pytest.param(r"\${x}", "${x}", "${x}", id="escaped for the job"),
        pytest.param(None, None, None, id="null"),
        pytest.param(3, 3, 3, id="a number"),
    ],
)
def test_an_entry_as_overrides_need_it(written: Any, resolved: Any, read: Any) -> None:
    assert read_params({"key": resolved}, {"key": written}) == {"key": read}


def test_params_that_are_one_interpolation_are_resolved() -> None:
    assert read_params({"key": 1}, "${others}") == {"key": 1}
