"""scripts/predict.py in a process of its own, on a study that was moved and whose table is gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from conftest import ROOT, Shell
from engines import configured, train

from tunesmith.run_folder import read_yaml, write_yaml
from tunesmith.training.evaluation import evaluate

PREDICT = str(ROOT / "scripts" / "predict.py")


def moved_study(folder: Path) -> tuple[Path, pd.DataFrame]:
    """A study's folder with its best trial, and the rows that it was tested on."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=200), "colour": rng.choice(["red", "blue"], 200)})
    frame["kind"] = np.where(frame["x"] + (frame["colour"] == "red") > 0.5, "yes", "no")
    frame.to_csv(folder / "table.csv", index=False)
    typed = ("data=csv", f"data.path={folder / 'table.csv'}", "data.target=kind", "data.split=time")
    train(folder / "s" / "3", configured(*typed, "trainer.engine=lean"))
    evaluate(folder / "s" / "3")
    results = {"best_trial": 3, "best_dir": "3", "best_host": None, "best_value": 0.5}
    write_yaml(folder / "s" / "optimization_results.yaml", results)
    (folder / "table.csv").unlink()
    return (folder / "s").rename(folder / "elsewhere"), frame


def test_a_studys_best_trial_predicts_new_rows(shell: Shell) -> None:
    study, frame = moved_study(shell.folder)
    test = read_yaml(study / "3" / "test.yaml")
    rows = frame.tail(test["samples"])
    rows.drop(columns="kind").to_csv(shell.folder / "new.csv", index=False)
    ended = shell.python(PREDICT, "elsewhere", "new.csv")
    found = pd.read_csv(study / "3" / "predictions.csv")
    assert (ended.code, ended.err) == (0, "")
    counts = "  ".join(f"{name} {number}" for name, number in found["prediction"].value_counts().items())
    assert [line.split(maxsplit=1) for line in ended.out.replace("written to", "written").splitlines()] == [
        ["model", "elsewhere/3/checkpoints/best.ckpt"],
        ["rows", str(len(rows))],
        ["predicted", counts],
        ["written", "elsewhere/3/predictions.csv"],
    ]
    assert list(found) == ["no", "yes", "prediction"]
    assert (found["prediction"].to_numpy() == rows["kind"].to_numpy()).mean() == test["test/acc"]
    ended = shell.python(PREDICT, "elsewhere", "new.csv", "output=new.csv")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "error: output must be a new file; got new.csv, which is there already\n"
