"""What a tried run is judged by comes from its files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tunesmith.insight.part_outputs import CLASSES, PartOutputs, write_part_outputs
from tunesmith.insight.tries.measures import choose_metric, read_values
from tunesmith.insight.tries.outcomes import Measure
from tunesmith.run_folder import DATA_FACTS_FILE, METRICS_FILE, PROBES_FILE, RESULT_FILE, VAL_OUTPUTS_FILE, write_yaml

LOSS = Measure("val/loss", "min")
ENDED = {"state": "COMPLETE", "metric": "val/loss", "value": 0.5, "epoch": 1, "epochs": 2, "seconds": 4.0}


def _leave(folder: Path, train_loss: str = "0.25") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / METRICS_FILE).write_text("epoch,val/loss,val/acc\n1,0.5,0.75\n2,0.625,0.7\n")
    (folder / PROBES_FILE).write_text(f"epoch,train_loss\n0,1.0\n1,0.5\n2,{train_loss}\n")
    (folder / DATA_FACTS_FILE).write_text('{"prior_loss": {"train": 0.5, "val": 0.5}}')
    write_yaml(folder / RESULT_FILE, ENDED)
    return folder


def _keep_outputs(folder: Path) -> None:
    """Three samples of the first class, of which one is taken for the second; one of the second, taken for the first.

    The third class has none.
    """
    outputs = np.eye(3)[[0, 0, 1, 0]]
    names, nothing = np.array(["a", "b", "never there"]), np.empty(0)
    rows, indices = np.empty((0, 0), np.str_), np.arange(4)
    targets = np.array([0, 0, 0, 1])
    part = PartOutputs(CLASSES, outputs, targets, indices, 4, names, np.empty(0, np.str_), nothing, rows)
    write_part_outputs(folder / VAL_OUTPUTS_FILE, part)


def test_a_run_has_its_metrics_epochs_and_the_gap_of_its_last_look(tmp_path: Path) -> None:
    values = read_values(_leave(tmp_path), ENDED)
    assert values == {"val/loss": 0.5, "val/acc": 0.75, "seconds_per_epoch": 2.0, "epochs": 2, "gap": 0.75}


def test_the_balanced_accuracy_is_the_mean_recall_of_the_classes_that_are_there(tmp_path: Path) -> None:
    _keep_outputs(_leave(tmp_path))
    assert read_values(tmp_path, ENDED)["balanced accuracy"] == pytest.approx((2 / 3 + 0) / 2)


def test_a_run_with_folds_has_the_means_over_them(tmp_path: Path) -> None:
    _leave(tmp_path / "fold_0", train_loss="0.25")
    _leave(tmp_path / "fold_1", train_loss="0.5")
    values = read_values(tmp_path, {**ENDED, "folds": [0.5, 0.5]})
    assert (values["gap"], values["val/loss"]) == (0.5, 0.5)


@pytest.mark.parametrize("state", ["FAIL", "PRUNED"])
def test_a_run_that_has_not_ended_well_has_no_value(tmp_path: Path, state: str) -> None:
    assert read_values(_leave(tmp_path), {**ENDED, "state": state}) == {}


def test_damaged_files_leave_the_rest(tmp_path: Path) -> None:
    _leave(tmp_path)
    (tmp_path / VAL_OUTPUTS_FILE).write_bytes(b"half")
    (tmp_path / PROBES_FILE).write_bytes(b"epoch,\xff")
    assert read_values(tmp_path, ENDED) == {"val/loss": 0.5, "val/acc": 0.75, "seconds_per_epoch": 2.0, "epochs": 2}


@pytest.mark.parametrize(
    ("override", "objective", "names", "chosen"),
    [
        ("optimizer.lr=0.1", "val/loss", ["val/acc"], "val/loss"),
        ("loss.label_smoothing=0.01", "val/loss", ["val/acc"], "val/acc"),
        ("data.scale_targets=true", "val/loss", ["val/loss", "val/rmse"], "val/rmse"),
        ("data.scale_targets=true", "val/loss", ["val/loss"], "val/loss"),
        ("loss.label_smoothing=0.01", "val/f1", ["val/acc"], "val/f1"),
    ],
)
def test_a_remedy_that_changes_the_loss_is_judged_in_the_unit_of_the_targets(
    override: str, objective: str, names: list[str], chosen: str
) -> None:
    assert choose_metric([override], Measure(objective, "min"), names).name == chosen
