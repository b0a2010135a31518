"""An events file shows in TensorBoard what that of Lightning's TensorBoardLogger shows, and needs no thread."""

from __future__ import annotations

import itertools
import math
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_up_to
from lightning.pytorch.loggers import TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import FileWriter
from torch.utils.tensorboard.summary import hparams, text

from tunesmith.errors import MachineFault
from tunesmith.training.lean import events
from tunesmith.training.lean.events import EventFile
from tunesmith.training.summaries import code, hparams_session

EPOCHS = [
    {"train/loss": 0.123456789, "val/acc": 0.5, "lr": 1e-3},
    {"train/loss": math.inf, "val/acc": 1.0, "lr": 1e-30},
    {"train/loss": -3e38, "val/acc": 0.0, "lr": 5e-4},
]
PARAMS = {"optimizer.lr": 0.1, "model.layers": 3, "data.shuffle": True, "model.norm": "batch", "state": "COMPLETE"}
TEXT = "note: für immer\nseed: 1\n"


def shown(folder: Path) -> dict[str, Any]:
    """Return all that TensorBoard reads in a folder, without the times."""
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    tags = events.Tags()
    return {
        "tags": tags,
        "scalars": {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in tags["scalars"]},
        "tensors": {tag: [(each.step, each.tensor_proto) for each in events.Tensors(tag)] for tag in tags["tensors"]},
        "metadata": events.summary_metadata,
        "version": events.file_version,
    }


@pytest.fixture
def of_lightning(tmp_path: Path) -> dict[str, Any]:
    logger = TensorBoardLogger(tmp_path / "lightning", name="", version="", default_hp_metric=False)
    logger.experiment.add_text("config", "".join(f"    {line}\n" for line in TEXT.splitlines()))
    for epoch, metrics in enumerate(EPOCHS, 1):
        logger.log_metrics(metrics, epoch)
    _, start, end = hparams(PARAMS, {})
    logger.experiment.file_writer.add_summary(start)
    logger.experiment.file_writer.add_summary(end)
    logger.finalize("success")
    return shown(tmp_path / "lightning")


def log_epochs(file: EventFile, first: int = 1) -> None:
    for epoch, metrics in enumerate(EPOCHS, first):
        file.log_metrics(metrics, epoch)


def test_it_shows_what_lightnings_file_shows(of_lightning: dict[str, Any], tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.add_summary(code("config", TEXT))
    log_epochs(file)
    file.add_summary(hparams_session(PARAMS))
    file.finalize("success")
    assert shown(tmp_path) == of_lightning
    assert of_lightning["tags"]["scalars"] == ["train/loss", "val/acc", "lr"]
    assert of_lightning["metadata"].keys() >= {"config/text_summary", "_hparams_/session_start_info"}


def test_its_text_is_that_of_torchs_writer() -> None:
    assert code("config", "a: 1\n") == text("config", "    a: 1\n")


def test_what_is_neither_a_number_nor_a_text_is_a_text_in_hparams() -> None:
    assert hparams_session({"shape": [8, 4], "none": None}) == hparams_session({"shape": "[8, 4]", "none": "None"})


def test_no_thread_writes(tmp_path: Path) -> None:
    before = threading.active_count()
    file = EventFile(tmp_path)
    log_epochs(file)
    assert threading.active_count() == before


def test_what_is_logged_is_read_while_the_run_goes_on(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    log_epochs(file)
    assert [step for step, _ in shown(tmp_path)["scalars"]["lr"]] == [1, 2, 3]
    file.finalize("success")


def test_a_run_that_goes_on_writes_another_file_which_tensorboard_joins(tmp_path: Path) -> None:
    for first in (1, 4):
        file = EventFile(tmp_path)
        log_epochs(file, first)
        file.finalize("failed")
    assert len(list(tmp_path.iterdir())) == 2
    assert [step for step, _ in shown(tmp_path)["scalars"]["lr"]] == [1, 2, 3, 4, 5, 6]


def test_a_logger_that_is_told_nothing_makes_no_file(tmp_path: Path) -> None:
    file = EventFile(tmp_path)
    file.save()
    file.finalize("success")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    with pytest.raises(MachineFault, match=r"^folder gone: '.*/gone'"):
        log_epochs(EventFile(tmp_path / "gone"))


def test_a_full_disk_is_a_fault_of_the_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = EventFile(tmp_path)
    log_epochs(file)
    with capsys.disabled(), files_up_to(500), pytest.raises(MachineFault, match=r"^file too large: "):
        file.add_summary(code("config", 100 * TEXT))  # of which a part is still written
    file.finalize("failed")
    assert [step for step, _ in shown(tmp_path)["scalars"]["lr"]] == [1, 2, 3]


def test_tensorboards_own_writer_may_begin_a_file_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FileWriter(str(tmp_path)).close()
    (theirs,) = tmp_path.iterdir()
    moment, *_, number = theirs.name.removeprefix("events.out.tfevents.").split(".")
    monkeypatch.setattr(time, "time", lambda: float(moment))
    monkeypatch.setattr(events, "_numbers", itertools.count(int(number)))
    log_epochs(EventFile(tmp_path))
    assert [step for step, _ in shown(tmp_path)["scalars"]["lr"]] == [1, 2, 3]
