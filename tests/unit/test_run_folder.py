"""The run folder: metrics.csv across resumes, YAML files written whole."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest
from full_disk import files_up_to
from yaml.representer import RepresenterError

from tunesmith.errors import MachineFault, UserError
from tunesmith.run_folder import (
    MetricsTable,
    check_run_folder,
    checkpoint_folder,
    environment,
    read_metrics,
    read_yaml,
    replacing,
    temporary_path,
    write_json,
    write_text,
    write_yaml,
)
from tunesmith.version import __version__


def write_epochs(folder: Path, *epochs: int, keep_epochs: int = 0) -> None:
    table = MetricsTable(folder, keep_epochs)
    for epoch in epochs:
        table.append(epoch, {"val/loss": epoch / 10})


def epochs_in(folder: Path) -> list[str]:
    return [row["epoch"] for row in read_metrics(folder)]


def test_a_run_without_metrics_has_no_rows(tmp_path: Path) -> None:
    assert read_metrics(tmp_path) == []


@pytest.mark.parametrize("value", [0.1, 1e-300, 1 / 3, 5.0, -0.0, float("inf")], ids=repr)
def test_values_come_back_exactly(tmp_path: Path, value: float) -> None:
    MetricsTable(tmp_path, 0).append(1, {"val/loss": value})
    assert repr(float(read_metrics(tmp_path)[0]["val/loss"])) == repr(value)


def test_epoch_is_the_first_column(tmp_path: Path) -> None:
    MetricsTable(tmp_path, 0).append(1, {"val/loss": 0.5, "lr": 0.1})
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["epoch,val/loss,lr", "1,0.5,0.1"]


@pytest.mark.parametrize(
    ("keep_epochs", "kept"),
    [
        pytest.param(0, [], id="a new run drops the rows of the one before"),
        pytest.param(2, ["1", "2"], id="a resumed run drops the epochs that it trains again"),
        pytest.param(3, ["1", "2", "3"], id="all are kept"),
    ],
)
def test_rows_kept(tmp_path: Path, keep_epochs: int, kept: list[str]) -> None:
    write_epochs(tmp_path, 1, 2, 3)
    MetricsTable(tmp_path, keep_epochs)
    assert epochs_in(tmp_path) == kept


def test_a_resumed_run_appends(tmp_path: Path) -> None:
    write_epochs(tmp_path, 1, 2, 3)
    write_epochs(tmp_path, 3, 4, keep_epochs=2)
    assert epochs_in(tmp_path) == ["1", "2", "3", "4"]


def test_a_metric_logged_later_gets_a_column(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, 0)
    table.append(1, {"val/loss": 0.5})
    table.append(2, {"val/loss": 0.4, "val/f1": 0.9})
    assert read_metrics(tmp_path) == [
        {"epoch": "1", "val/loss": "0.5", "val/f1": ""},
        {"epoch": "2", "val/loss": "0.4", "val/f1": "0.9"},
    ]


def test_a_metric_left_out_leaves_its_cell_empty(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, 0)
    table.append(1, {"val/loss": 0.5, "val/f1": 0.9})
    table.append(2, {"val/loss": 0.4})
    assert read_metrics(tmp_path)[1] == {"epoch": "2", "val/loss": "0.4", "val/f1": ""}


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="null"),
        pytest.param(0.1 + 0.2, id="a float"),
        pytest.param("null", id="a text that looks like null"),
        pytest.param("1e-3", id="a text that looks like a number"),
        pytest.param("a: b # c\nd", id="a text of two lines"),
        pytest.param("${key}", id="a text that looks like an interpolation"),
        pytest.param({"a": [1, True, {"b": "é"}]}, id="nested"),
    ],
)
def test_yaml_comes_back_as_it_was(tmp_path: Path, value: Any) -> None:
    write_yaml(tmp_path / "result.yaml", {"value": value})
    assert read_yaml(tmp_path / "result.yaml") == {"value": value}


def test_yaml_keeps_the_order_of_its_keys(tmp_path: Path) -> None:
    write_yaml(tmp_path / "result.yaml", {"b": 1, "a": 2})
    assert list(read_yaml(tmp_path / "result.yaml")) == ["b", "a"]


def test_yaml_that_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write_yaml(tmp_path / "result.yaml", {"value": 1})
    with pytest.raises(RepresenterError, match="cannot represent an object"):
        write_yaml(tmp_path / "result.yaml", {"value": object()})
    assert read_yaml(tmp_path / "result.yaml") == {"value": 1}


def test_whoever_reads_yaml_meanwhile_reads_the_old_file_whole(tmp_path: Path) -> None:
    write_yaml(tmp_path / "result.yaml", {"value": 1})
    with (tmp_path / "result.yaml").open() as file:
        write_yaml(tmp_path / "result.yaml", {"value": 2})
        assert file.read() == "value: 1\n"


def test_environment_names_the_versions_that_change_results() -> None:
    assert list(environment()["versions"]) == ["hydra-core", "lightning", "optuna", "torch", "tunesmith"]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A clean checkout with src/, conf/ and docs/ that takes the place of this one."""
    for name in ("src/tunesmith/a.py", "conf/a.yaml", "docs/a.md"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("old\n")
    (tmp_path / ".gitignore").write_text("*.log\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a", "commit", "--quiet", "-m", "a")
    monkeypatch.setattr("tunesmith.run_folder._PACKAGE", tmp_path / "src" / "tunesmith")
    monkeypatch.setattr("tunesmith.run_folder._ROOT", tmp_path)
    environment.cache_clear()
    yield tmp_path
    environment.cache_clear()


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


@pytest.mark.parametrize(
    ("file", "is_dirty"),
    [
        pytest.param(None, False, id="nothing has changed"),
        pytest.param("src/tunesmith/a.py", True, id="a tracked file"),
        pytest.param("docs/a.md", True, id="a tracked file that no run reads, as git itself says"),
        pytest.param("src/project/new file.py", True, id="a new file in src"),
        pytest.param("conf/model/new.yaml", True, id="a new file in conf"),
        pytest.param("data/table.csv", False, id="a new file elsewhere"),
        pytest.param("src/a.log", False, id="an ignored file"),
    ],
)
def test_environment_says_whether_the_code_is_that_of_the_commit(
    checkout: Path, file: str | None, is_dirty: bool
) -> None:
    if file is not None:
        (checkout / file).parent.mkdir(parents=True, exist_ok=True)
        (checkout / file).write_text("new\n")
    state = environment()
    assert (len(state["commit"]), state["dirty"]) == (40, is_dirty)


@pytest.mark.usefixtures("checkout")
def test_without_git_nothing_is_said_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert (environment()["commit"], environment()["dirty"]) == (None, None)


def test_a_project_of_another_name_has_a_version_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "tunesmith":  # as if pyproject.toml said name = "mythesis"
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr("tunesmith.run_folder.version", version)
    environment.cache_clear()
    assert environment()["versions"]["tunesmith"] == __version__
    environment.cache_clear()


def test_a_text_that_looks_like_an_interpolation_is_a_text(tmp_path: Path) -> None:
    write_yaml(tmp_path / "result.yaml", {"reason": "ValueError: unbalanced ${"})
    assert read_yaml(tmp_path / "result.yaml") == {"reason": "ValueError: unbalanced ${"}


def test_the_folder_of_a_sweep_is_no_run_folder(tmp_path: Path) -> None:
    (tmp_path / "multirun.yaml").touch()
    with pytest.raises(UserError, match=r"^folder must .* \(a sweep's: name the folder of one of its trials\)$"):
        check_run_folder(tmp_path)


def test_validations_of_an_epoch_have_their_steps(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, 0)
    for epoch, step in ((1, 3), (1, 6), (2, 10)):
        table.append(epoch, {"val/loss": step / 10}, step)
    assert (tmp_path / "metrics.csv").read_text().splitlines()[:2] == ["epoch,step,val/loss", "1,3,0.3"]
    MetricsTable(tmp_path, keep_epochs=1).append(2, {"val/loss": 0.5}, 10)
    assert [(row["epoch"], row["step"]) for row in read_metrics(tmp_path)] == [("1", "3"), ("1", "6"), ("2", "10")]


def test_a_checkpoint_may_be_typed_from_inside_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r" / "checkpoints").mkdir(parents=True)
    for folder, typed in (
        ("r/checkpoints", "last.ckpt"),
        ("r/checkpoints", "./last.ckpt"),
        ("r", "checkpoints/last.ckpt"),
    ):
        monkeypatch.chdir(tmp_path / folder)
        assert checkpoint_folder(Path(typed)).resolve() == tmp_path / "r"
    (tmp_path / "r" / "checkpoints" / "old").mkdir()
    monkeypatch.chdir(tmp_path / "r" / "checkpoints" / "old")
    assert checkpoint_folder(Path("../last.ckpt")).resolve() == tmp_path / "r"


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda path: write_yaml(path, {"a": 1}), id="yaml"),
        pytest.param(lambda path: write_json(path, {"a": 1}), id="json"),
        pytest.param(lambda path: write_text(path, "a"), id="text"),
        pytest.param(lambda path: MetricsTable(path.parent, 0), id="metrics.csv"),
    ],
)
def test_a_link_in_the_place_of_a_temporary_file_is_not_followed(
    tmp_path: Path, write: Callable[[Path], object]
) -> None:
    victim, path = tmp_path / "victim", tmp_path / "metrics.csv"
    victim.write_text("mine")
    temporary_path(path).symlink_to(victim)
    write(path)
    assert victim.read_text() == "mine"
    assert path.is_file()
    assert not path.is_symlink()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one_and_no_half(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("old")

    def write_half() -> None:
        with replacing(path) as file:
            file.write(b"half")
            raise ValueError("no number")

    with pytest.raises(ValueError, match=r"^no number$"):
        write_half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_torn_row_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_bytes(b"epoch,val/loss\r\n1,0.5\r\n1")
    assert read_metrics(tmp_path) == [{"epoch": "1", "val/loss": "0.5"}]


def test_a_row_that_finds_no_room_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, keep_epochs=0)
    table.append(1, {"val/loss": 0.5})
    before = (tmp_path / "metrics.csv").read_bytes()
    with files_up_to(len(before) + 2), pytest.raises(MachineFault, match=r"^disk full: .*metrics\.csv"):
        table.append(2, {"val/loss": 0.25})
    assert (tmp_path / "metrics.csv").read_bytes() == before


def test_a_table_that_is_gone_is_not_begun_anew_without_its_header(tmp_path: Path) -> None:
    table = MetricsTable(tmp_path, keep_epochs=0)
    table.append(1, {"val/loss": 0.5})
    (tmp_path / "metrics.csv").unlink()
    with pytest.raises(MachineFault, match=r"^folder gone: .*metrics\.csv"):
        table.append(2, {"val/loss": 0.25})
    assert list(tmp_path.iterdir()) == []
