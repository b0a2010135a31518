"""What the machine refuses a healthy run is told from a failure of the run itself."""

from __future__ import annotations

import errno
import io
import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra_app import root_logger_kept

from tunesmith.errors import MachineFault, UserError
from tunesmith.machine_faults import find_machine_fault, probe, silence_helpers, writing

FULL = OSError(errno.ENOSPC, "No space left on device", "a/b.txt")


def caused(error: Exception, cause: Exception, is_hidden: bool = False) -> Exception:
    error.__context__ = cause
    error.__suppress_context__ = is_hidden
    return error


@pytest.mark.parametrize(
    ("error", "line"),
    [
        pytest.param(FULL, "disk full: 'a/b.txt' (No space left on device): make room", id="disk full"),
        pytest.param(
            OSError(errno.ENOSPC, "x", "tmp/a", None, "run/b"),
            "disk full: 'run/b' (No space",
            id="moved to a full disk",
        ),
        pytest.param(OSError(errno.EDQUOT, "x"), "quota exceeded: 'run' (Disk quota exceeded): make room", id="quota"),
        pytest.param(OSError(errno.EROFS, "x"), "disk is read-only: 'run' (Read-only file system)", id="read-only"),
        pytest.param(OSError(errno.EIO, "x"), "disk error: 'run' (Input/output error): look after", id="disk error"),
        pytest.param(OSError(errno.EMFILE, "x"), "too many open files: 'run' (Too many open files): raise", id="files"),
        pytest.param(OSError("Caught OSError\nOSError: [Errno 28] No space"), "disk full: 'run'", id="loader's worker"),
        pytest.param(RuntimeError("write: No space left on device (28)"), "disk full: 'run'", id="of C++"),
        pytest.param(RuntimeError("PytorchStreamWriter failed writing file"), "disk full: 'run'", id="torch.save"),
        pytest.param(caused(ValueError("while closing"), FULL), "disk full: 'a/b.txt'", id="context"),
        pytest.param(ExceptionGroup("several", [KeyError("a"), FULL]), "disk full: 'a/b.txt'", id="one of a group"),
        pytest.param(FileNotFoundError(errno.ENOENT, "x", "run/a"), "folder gone: 'run' (No such file", id="gone"),
        pytest.param(MachineFault("silent"), "silent", id="found before"),
    ],
)
def test_a_fault_of_the_machine_is_found(error: Exception, line: str) -> None:
    assert str(find_machine_fault(error, Path("run"))).startswith(line)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ValueError("a bug"), id="a bug"),
        pytest.param(FileNotFoundError(errno.ENOENT, "x", "data.csv"), id="a file of the user's own"),
        pytest.param(PermissionError(errno.EACCES, "x", "data.csv"), id="a file that is not the user's"),
        pytest.param(MemoryError(), id="out of memory"),
        pytest.param(UserError("optimizer.lr must be > 0"), id="a mistake"),
        pytest.param(caused(ValueError("a bug"), FULL, is_hidden=True), id="raised from None"),
    ],
)
def test_a_failure_of_the_run_is_none(error: Exception, tmp_path: Path) -> None:
    assert find_machine_fault(error, tmp_path) is None


def test_whatever_keeps_a_file_of_ours_from_being_written_is_a_fault(tmp_path: Path) -> None:
    line = r"^cannot be written: '.*' \(Is a directory\): let it be written again$"
    with pytest.raises(MachineFault, match=line), writing(tmp_path):
        tmp_path.write_text("x")


def test_a_folder_is_probed(tmp_path: Path) -> None:
    assert probe(tmp_path) is None
    assert not list(tmp_path.iterdir())
    assert str(probe(tmp_path / "gone")).startswith("folder gone: ")


@pytest.fixture
def _helpers() -> Iterator[None]:
    hook = threading.excepthook
    with root_logger_kept():
        yield
    threading.excepthook = hook


class FullFile(io.StringIO):
    def flush(self) -> None:
        raise FULL


@pytest.mark.usefixtures("_helpers")
def test_a_log_on_a_full_disk_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().addHandler(logging.StreamHandler(FullFile()))
    silence_helpers()
    logging.getLogger().error("lost")
    assert capsys.readouterr().err == ""
    logging.getLogger().error("%d", "a bug in the call")
    assert "--- Logging error ---" in capsys.readouterr().err


@pytest.mark.usefixtures("_helpers")
def test_a_thread_that_meets_a_full_disk_prints_nothing() -> None:
    shown: list[object] = []
    threading.excepthook = lambda error: shown.append(error.exc_value)
    silence_helpers()
    silence_helpers()

    def fail(error: Exception) -> None:
        raise error

    bug = ValueError("a bug")
    for error in (FULL, bug):
        thread = threading.Thread(target=fail, args=(error,))
        thread.start()
        thread.join()
    assert shown == [bug]


def test_a_folder_that_is_there_is_not_gone(tmp_path: Path) -> None:
    error = FileNotFoundError(errno.ENOENT, "x", str(tmp_path / "a"))
    assert find_machine_fault(error, tmp_path) is None
    shutil.rmtree(tmp_path)
    assert str(find_machine_fault(error, tmp_path)).startswith(f"folder gone: '{tmp_path}'")
