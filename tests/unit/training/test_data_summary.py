"""data_facts.json: what is known of the data before the first step."""

from __future__ import annotations

import json
import logging
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import small
from torch import nn
from torch.optim import SGD

from tunesmith.data.array_data import ArrayData
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import DATA_FACTS_FILE, read_metrics
from tunesmith.training.cross_validation import cross_validate
from tunesmith.training.data_summary import describe_data
from tunesmith.training.learner_and_data import build_lean_learner
from tunesmith.training.losses import AutoLoss
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.train_once import train_once

IRIS = ("data=iris", "trainer.max_epochs=1")


def facts_of(folder: Path) -> Any:
    return json.loads((folder / DATA_FACTS_FILE).read_text())


def described(*typed: str) -> dict[str, Any]:
    data, learner = build_lean_learner(small(*typed))
    facts = describe_data(learner, data)
    assert facts is not None
    return facts


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """Three columns, of which the first is the target; a third of the rows are copies."""
    random = np.random.default_rng(0)
    inputs = random.normal(size=(120, 4))
    inputs[80:] = inputs[:40]
    np.savez(tmp_path / "arrays.npz", inputs=inputs, targets=inputs[:, 0])
    return tmp_path / "arrays.npz"


def test_both_engines_write_the_same_before_the_first_step_and_train_as_without(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("lean", "lightning", "without")}
    for name, folder in folders.items():
        folder.mkdir()
        engine = "lean" if name == "without" else name
        typed = ("probes=false",) if name == "without" else ()
        train_once(small(*IRIS, f"trainer.engine={engine}", *typed), folder, NoReporter())
    assert facts_of(folders["lean"]) == facts_of(folders["lightning"])
    assert not (folders["without"] / DATA_FACTS_FILE).exists()
    assert read_metrics(folders["lean"]) == read_metrics(folders["without"])
    facts = facts_of(folders["lean"])
    assert facts["prior_loss"] == {"train": 1.09861, "val": 1.09861}  # log 3
    assert facts["samples"] == {"train": 90, "val": 30, "test": 30}
    assert facts["classes"] == {"train": [30, 30, 30], "val": [10, 10, 10]}
    assert (facts["targets"], facts["checks"]) == (None, [])
    assert facts["inputs"]["std"] == pytest.approx(1)


def test_a_run_that_breaks_in_its_first_step_has_the_file(tmp_path: Path) -> None:
    cfg = small(*IRIS, "trainer.engine=lean", "model._target_=tiny.Breaking")
    with pytest.raises(ZeroDivisionError, match="the first step"):
        train_once(cfg, tmp_path, NoReporter())
    assert facts_of(tmp_path)["samples"]["train"] == 90


def test_each_fold_has_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture, arrays: Path) -> None:
    with caplog.at_level(logging.WARNING):
        cfg = small("data=npz", f"data.path={arrays}", "data.folds=2", "trainer.max_epochs=1", "trainer.engine=lean")
        cross_validate(cfg, tmp_path, NoReporter(), is_resumed=False)
    first, second = (facts_of(tmp_path / f"fold_{fold}") for fold in range(2))
    assert first["prior_loss"] != second["prior_loss"]
    lines = [record.getMessage() for record in caplog.records if "duplicates:" in record.getMessage()]
    assert lines == [f"data: {first['checks'][0]['text']}"]


def test_numbers_as_the_loss_sees_them(arrays: Path) -> None:
    facts = described("data=npz", f"data.path={arrays}", "loss=mae")
    assert facts["classes"] is None
    assert (facts["targets"]["mean"], facts["targets"]["std"]) == (pytest.approx(0, abs=1e-6), pytest.approx(1))
    assert 0.7 < facts["prior_loss"]["train"] < 0.9  # mean absolute value of about a normal number
    assert [check["name"] for check in facts["checks"]] == ["duplicates", "give_away"]
    assert (facts["give_away"]["column"], facts["give_away"]["score"]) == (0, 1)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_the_prior_loss_weighs_classes_as_the_run_does() -> None:
    assert described("data=wine")["prior_loss"]["train"] == 1.08353
    assert described("data=wine", "data.class_weights=balanced")["prior_loss"]["train"] == 1.09861  # log 3


def test_a_refit_has_no_validation_part() -> None:
    data, learner = build_lean_learner(small("data=iris", "+data.train_on_val=true"))
    facts = describe_data(learner, data)
    assert facts is not None
    assert (facts["prior_loss"]["val"], facts["samples"]["val"], facts["checks"]) == (None, 0, [])


def test_a_learner_of_ones_own_has_no_prior_loss_and_other_data_have_no_facts() -> None:
    data, learner = build_lean_learner(small("data=iris"))
    assert isinstance(data, ArrayData)
    facts = describe_data(nn.Linear(4, 3), data)
    assert facts is not None
    assert (facts["prior_loss"], facts["samples"]["val"]) == ({"train": None, "val": None}, 30)
    assert describe_data(learner, object()) is None
    ours = SupervisedLearning(learner.facts, nn.Linear(4, 3), AutoLoss(), partial(SGD, lr=0.1))
    assert describe_data(ours, None) is None
