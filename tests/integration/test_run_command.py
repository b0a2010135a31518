"""A plain run by the real command line: what it prints, what it leaves behind, how it goes on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
import yaml
from conftest import QUICK, ROOT, Ended, Shell

from tunesmith.run_folder import read_metrics

RUN = "outputs/a run"


@pytest.fixture(scope="module")
def ended(module_shell: Shell) -> Ended:
    return module_shell.train(
        *QUICK, "logger=tensorboard", "trainer.max_epochs=4", "optimizer.lr=0.02", f"hydra.run.dir='{RUN}'"
    )


@pytest.fixture(scope="module")
def folder(module_shell: Shell, ended: Ended) -> Path:
    assert ended.code == 0, ended.text
    return module_shell.folder / RUN


def test_nothing_is_warned_of(ended: Ended) -> None:
    assert ended.err == ""


def test_a_line_an_epoch_and_a_summary_are_printed(ended: Ended) -> None:
    lines = ended.out.splitlines()
    labels = [line.split("  ")[0] for line in lines]
    assert [label for label in labels if label not in ("found", "try", "caution", "diagnose")] == [
        *("data", "samples", "model", "device", "folder"),
        *("epoch 1/4", "epoch 2/4", "epoch 3/4", "epoch 4/4"),
        *("best epoch", "its metrics", "files", "test it"),
    ]


def test_result_holds_the_best_epoch_of_metrics(folder: Path) -> None:
    result = yaml.safe_load((folder / "result.yaml").read_text())
    rows = read_metrics(folder)
    best = min(rows, key=lambda row: float(row["val/loss"]))
    assert (result["value"], result["epoch"]) == (float(best["val/loss"]), int(best["epoch"]))
    assert list(result) == [
        *("metric", "mode", "value", "epoch", "epochs", "parameters", "seconds", "state", "reason"),
        *("checkpoint", "seed", "threads", "engine", "note", "tags", "versions", "commit", "dirty"),
        *("data_digest", "findings"),
    ]
    assert (result["state"], result["epochs"], result["threads"]) == ("COMPLETE", 4, 1)


def test_metrics_has_a_row_an_epoch(folder: Path) -> None:
    rows = read_metrics(folder)
    assert list(rows[0]) == ["epoch", "train/loss", "train/acc", "val/loss", "val/acc", "lr"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]


def test_the_folder_holds_what_the_design_lists(folder: Path) -> None:
    names = {path.name for path in folder.iterdir() if "tfevents" not in path.name}
    assert names == {
        *(".hydra", "checkpoints", "data_facts.json", "metrics.csv", "preparation.json", "result.yaml", "train.log"),
        *("layers.csv", "probes.csv"),
    }
    assert [path.name for path in (folder / "checkpoints").iterdir()] == ["best.ckpt"]
    assert len(list(folder.glob("events.out.tfevents*"))) == 2  # the second one has the findings, after the Trainer


def test_the_checkpoint_holds_plain_values(folder: Path) -> None:
    checkpoint = torch.load(folder / "checkpoints" / "best.ckpt", weights_only=True)
    assert "model.output.weight" in checkpoint["state_dict"]


def test_evaluate_writes_test_yaml(module_shell: Shell, folder: Path) -> None:
    ended = module_shell.python(str(Path(__file__).parents[2] / "scripts" / "evaluate.py"), RUN)
    test = yaml.safe_load((folder / "test.yaml").read_text())
    assert ended.code == 0, ended.text
    assert list(test) == ["test/loss", "test/acc", "samples", "loss_se", "acc_se", "ece"]
    assert test["samples"] == 360
    assert 0.5 < test["test/acc"] <= 1
    assert re.search(r"^test/acc +0\.\d+ \+- 0\.\d+\nsamples +360 ", ended.out, re.MULTILINE)
    assert re.search(rf"^per class +{RUN}/test_report\.txt\nwritten to +{RUN}/test\.yaml$", ended.out, re.MULTILINE)


def test_evaluate_refuses_a_folder_without_a_run(shell: Shell) -> None:
    ended = shell.python(str(Path(__file__).parents[2] / "scripts" / "evaluate.py"), "nothing")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: folder must be one that a run left; got nothing")


def test_regression_runs_and_seed_0_is_a_seed(shell: Shell) -> None:
    ended = shell.train(*QUICK, "data=diabetes", "seed=0", "trainer.max_epochs=2", "hydra.run.dir=r")
    assert ended.code == 0, ended.text
    assert "val/rmse" in (shell.folder / "r" / "metrics.csv").read_text()
    assert yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())["seed"] == 0


def test_the_best_of_an_accuracy_is_the_largest_for_all_parts_of_a_run(shell: Shell) -> None:
    """QUICK has no callbacks: early stopping is a user's own, with the mode that the metric's name tells."""
    own = "{_target_:lightning.pytorch.callbacks.EarlyStopping,monitor:val/acc,mode:'${objective.mode}',patience:3}"
    few = (
        "data=iris",
        "scheduler=none",
        "trainer.max_epochs=30",
        "optimizer.lr=0.03",
        f"+callbacks.mine={own}",
        "hydra.run.dir=r",
    )
    ended = shell.train(*QUICK, *few, "objective.metric=val/acc")
    assert (ended.code, ended.err) == (0, "")
    result = yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())
    values = [float(row["val/acc"]) for row in read_metrics(shell.folder / "r")]
    assert (result["metric"], result["mode"], result["value"]) == ("val/acc", "max", max(values))
    assert (result["epoch"], len(values)) == (values.index(max(values)) + 1, values.index(max(values)) + 4)
    assert shell.python(str(ROOT / "scripts" / "evaluate.py"), "r").code == 0


def test_overfit_learns_one_batch_by_heart(shell: Shell) -> None:
    ended = shell.train("trainer=overfit", "trainer.max_epochs=60", "model.dropout=0", "hydra.run.dir=r")
    assert ended.code == 0, ended.text
    last = read_metrics(shell.folder / "r")[-1]
    assert float(last["train/acc"]) == 1.0
    assert float(last["train/loss"]) < 0.05


def test_early_stopping_ends_a_run_and_the_schedule_acts_before(shell: Shell) -> None:
    ended = shell.train("optimizer.lr=0.05", "callbacks.early_stopping.patience=7", "logger=none", "hydra.run.dir=r")
    assert ended.code == 0, ended.text
    result = yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())
    rows = read_metrics(shell.folder / "r")
    assert result["epochs"] == result["epoch"] + 7 < 100
    assert float(rows[-1]["lr"]) < 0.05


def test_a_loss_that_becomes_nan_is_told_in_a_line(shell: Shell) -> None:
    ended = shell.train(
        *QUICK, "trainer.max_epochs=5", "+callbacks.nan={_target_:faults.NanAfter,epoch:2}", "hydra.run.dir=r"
    )
    result = yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())
    assert ended.code == 1
    assert ended.err == "error: val/loss was nan at epoch 3\n"
    assert (result["state"], result["reason"]) == ("FAIL", "val/loss was nan at epoch 3")


def test_a_bug_in_user_code_keeps_its_traceback(shell: Shell) -> None:
    ended = shell.train(*QUICK, "trainer.max_epochs=2", "+callbacks.bug._target_=faults.RaiseAt", "hydra.run.dir=r")
    result = yaml.safe_load((shell.folder / "r" / "result.yaml").read_text())
    assert ended.code == 1
    assert 'raise ZeroDivisionError("a bug in a callback")' in ended.err
    assert (result["state"], result["reason"]) == ("FAIL", "ZeroDivisionError: a bug in a callback")
