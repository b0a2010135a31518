"""The files of a run folder after a resume that failed."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from tunesmith.resume.kept_files import put_back_on_failure

Files = dict[str, tuple[bytes, int]]
METRICS = "epoch,val/loss\n1,0.5\n2,0.4\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two epochs with one fold, its files a day old."""
    contents = {
        ".hydra/config.yaml": "a: 1",
        "metrics.csv": METRICS,
        "layers.csv": "epoch,layer\n2,output\n",
        "probes.csv": "epoch,train_loss\n2,0.4\n",
        "result.yaml": "state: COMPLETE",
        "train.log": "epoch 2",
        "events.out.tfevents.1": "curves",
        "checkpoints/best.ckpt": "weights",
        "checkpoints/last.ckpt": "more weights",
        "fold_0/metrics.csv": METRICS,
        "fold_0/checkpoints/best.ckpt": "weights of a fold",
        "mine.csv": "a file that no run writes",
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        os.utime(path, ns=(10**18, 10**18 + 7))
    return tmp_path


def files(folder: Path) -> Files:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def replace(path: Path, content: str) -> None:
    """Write as a run writes its checkpoints and tables: beside the file, then over it."""
    temporary = path.with_name("new")
    temporary.write_text(content)
    os.replace(temporary, path)


def change_everything(folder: Path) -> None:
    (folder / ".hydra" / "config.yaml").write_text("a: 2")
    replace(folder / "metrics.csv", "epoch,val/loss\n1,0.5\n")
    replace(folder / "result.yaml", "state: FAIL")
    replace(folder / "layers.csv", "epoch,layer\n")
    (folder / "probes.csv").unlink()
    with (folder / "train.log").open("a") as log:
        log.write("epoch 3")
    (folder / "events.out.tfevents.2").write_text("more curves")
    (folder / ".hydra" / "overrides.yaml").write_text("[]")
    replace(folder / "checkpoints" / "best.ckpt", "other weights")
    (folder / "checkpoints" / "last.ckpt").unlink()
    replace(folder / "fold_0" / "checkpoints" / "best.ckpt", "other weights")


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
def test_a_failure_before_an_epoch_has_ended_changes_no_file(error: type[BaseException], run: Path) -> None:
    before = files(run)
    with pytest.raises(error, match=r"^why$"), put_back_on_failure(run):  # noqa: PT012
        change_everything(run)
        raise error("why")
    assert files(run) == before


def test_files_stay_if_an_epoch_has_ended(run: Path) -> None:
    with pytest.raises(ZeroDivisionError, match=r"^why$"), put_back_on_failure(run):  # noqa: PT012
        change_everything(run)
        replace(run / "metrics.csv", f"{METRICS}3,nan\n")
        changed = files(run)
        raise ZeroDivisionError("why")
    assert files(run) == changed


def test_files_stay_if_an_epoch_that_had_a_row_is_trained_again_and_saved(run: Path) -> None:
    with pytest.raises(KeyboardInterrupt, match=r"^why$"), put_back_on_failure(run):  # noqa: PT012
        change_everything(run)
        (run / "checkpoints" / "last.ckpt").write_text("the weights of epoch 1")
        changed = files(run)
        raise KeyboardInterrupt("why")
    assert files(run) == changed


def test_files_stay_if_nothing_fails(run: Path) -> None:
    with put_back_on_failure(run):
        change_everything(run)
        changed = files(run)
    assert files(run) == changed


def test_what_no_run_writes_stays(run: Path) -> None:
    with pytest.raises(ZeroDivisionError, match=r"^why$"), put_back_on_failure(run):  # noqa: PT012
        (run / "notes.yaml").write_text("written in an editor meanwhile")
        (run / "mine.csv").write_text("changed in an editor meanwhile")
        raise ZeroDivisionError("why")
    assert (run / "notes.yaml").exists()
    assert (run / "mine.csv").read_text() == "changed in an editor meanwhile"


def test_nothing_is_logged_into_the_folder_afterwards(run: Path) -> None:
    before = files(run)
    handler = logging.FileHandler(run / "train.log")
    logging.getLogger().addHandler(handler)
    with pytest.raises(ZeroDivisionError, match=r"^why$"), put_back_on_failure(run):
        raise ZeroDivisionError("why")
    logging.getLogger().error("the process ends")
    assert handler not in logging.getLogger().handlers
    assert files(run) == before
