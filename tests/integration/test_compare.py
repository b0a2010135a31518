"""scripts/compare.py: a table of studies, whatever learner trained them."""

from __future__ import annotations

import pytest
from conftest import ROOT, Shell

from tunesmith.run_folder import write_yaml

TRIALS = """number,state,value,epochs,seconds,host,folder,reason,note,tags,x
0,COMPLETE,0.5,3,1.0,,0,,,,1
1,COMPLETE,0.25,3,0.5,,1,,,,2
"""
RESULTS = {"trials": {"complete": 2}, "best_value": 0.25, "best_trial": 1, "best_dir": "1", "best_host": None}


@pytest.mark.parametrize(
    ("counted", "noise"),
    [
        ({"samples": 100}, ["one standard error of an accuracy of 0.900 on 100 samples is 0.0319"]),
        pytest.param({}, [], id="a learner that counts no samples"),
    ],
)
def test_studies_are_compared(shell: Shell, counted: dict[str, int], noise: list[str]) -> None:
    for name in ("a", "b"):
        (shell.folder / name / "1").mkdir(parents=True)
        (shell.folder / name / "multirun.yaml").write_text("hydra: {sweeper: {sampler: {_target_: x.Grid}}}")
        write_yaml(
            shell.folder / name / "optimization_results.yaml", {**RESULTS, "study": name, "test": {"test/acc": 0.9}}
        )
        (shell.folder / name / "trials.csv").write_text(TRIALS)
        write_yaml(shell.folder / name / "1" / "test.yaml", {"test/acc": 0.9, **counted})
    write_yaml(shell.folder / "a" / "1" / "test.yaml", {"test/acc": 0.9})  # by a learner that counts no samples
    ended = shell.python(str(ROOT / "scripts" / "compare.py"), "a", "b")
    assert ended.code == 0, ended.text
    assert ended.out.splitlines() == [
        "name  sampler  trials  epochs  seconds  metric  value  test/acc",
        *(f"{name}     Grid     2       6       2        value   0.25   0.9" for name in ("a", "b")),
        *noise,
        "drawn: compare.png",
    ]


def test_a_picture_that_was_asked_for_and_not_drawn_is_told(shell: Shell) -> None:
    (shell.folder / "run").mkdir()
    write_yaml(shell.folder / "run" / "result.yaml", {"state": "COMPLETE", "value": 0.5, "metric": "val/loss"})
    ended = shell.python(str(ROOT / "scripts" / "compare.py"), "run", "output=one.png")
    expected = "not drawn: a picture takes two folders or more, and values in one of them"
    assert (ended.code, ended.out.splitlines()[-1]) == (0, expected)
