"""What goes on with a run, or evaluates it, has the run's data or is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from listener import Listener
from omegaconf import DictConfig, OmegaConf
from tiny import small

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter
from tunesmith.run_folder import read_metrics, read_yaml
from tunesmith.training.cross_validation import cross_validate
from tunesmith.training.data_record import DataRecord, read_digest
from tunesmith.training.evaluation import evaluate
from tunesmith.training.fit import train_once

ROWS = 90


def table(path: Path, order: slice = slice(None)) -> Path:
    """Write classes that no input tells: the test part has chance accuracy, rows that were trained on a better one."""
    generator = np.random.default_rng(0)
    values = np.concatenate([generator.normal(size=(ROWS, 8)), generator.integers(0, 2, (ROWS, 1))], axis=1)[order]
    path.write_text("\n".join(["a,b,c,d,e,f,g,h,y", *(",".join(f"{cell:g}" for cell in row) for row in values)]))
    return path


def config(path: Path, *typed: str) -> DictConfig:
    keys = (f"data.path={path}", "data.target=y", "data.task=classification")
    return small("data=csv", *keys, "model.hidden_units=64", "optimizer.lr=1e-2", "trainer.max_epochs=8", *typed)


def trained(folder: Path, *typed: str, write: Callable[[Path], Path] = table) -> DictConfig:
    cfg = config(write(folder / "table.csv"), *typed)
    (folder / ".hydra").mkdir()
    OmegaConf.save(cfg, folder / ".hydra" / "config.yaml")
    if cfg.data.folds is None:
        train_once(cfg, folder, NoReporter())
    else:
        cross_validate(cfg, folder, NoReporter(), is_resumed=False)
    return cfg


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OTHER = (
    "data must be those of {folder}, whose digest is {old}...; got {new}..., from other rows, values, names or another "
    "order: put the old data back, or begin a new run from these weights with weights={checkpoint}"
)


def refusal(folder: Path, checkpoint: Path, new: str) -> str:
    old = read_yaml(folder / "result.yaml")["data_digest"]
    return re.escape(OTHER.format(folder=folder, old=old[:8], new=new[:8], checkpoint=checkpoint))


def digest_of(path: Path, folder: Path) -> str:
    """What a new run on a table says."""
    listener = Listener()
    train_once(config(path, "trainer.max_epochs=1"), folder, listener)
    (digest,) = listener.digests
    assert digest == read_yaml(folder / "result.yaml")["data_digest"]
    return digest


@pytest.mark.parametrize("typed", [(), ("data.folds=3",)], ids=["a run", "folds"])
def test_an_evaluation_refuses_the_same_rows_in_another_order(tmp_path: Path, typed: tuple[str, ...]) -> None:
    trained(tmp_path, *typed)
    metrics = evaluate(tmp_path)
    assert metrics["test/acc"] < 0.7
    table(tmp_path / "table.csv", slice(None, None, -1))
    new = digest_of(tmp_path / "table.csv", tmp_path.parent)
    run = tmp_path / ("fold_0" if typed else "")
    before = files(tmp_path)
    with pytest.raises(UserError, match=f"^{refusal(tmp_path, run / 'checkpoints' / 'best.ckpt', new)}$"):
        evaluate(tmp_path)
    assert files(tmp_path) == before
    table(tmp_path / "table.csv")
    assert evaluate(tmp_path) == metrics


@pytest.mark.parametrize("logger", ["none", "tensorboard"])
def test_a_resume_refuses_other_data_before_it_writes(tmp_path: Path, logger: str) -> None:
    trained(tmp_path, f"logger={logger}")
    table(tmp_path / "table.csv", slice(1, None))
    before, best = files(tmp_path), tmp_path / "checkpoints" / "best.ckpt"
    resumed = config(tmp_path / "table.csv", "trainer.max_epochs=9", f"logger={logger}")
    with pytest.raises(UserError, match=f"^data must be those of {re.escape(str(tmp_path))}, whose digest is "):
        train_once(resumed, tmp_path, NoReporter(), best)
    assert files(tmp_path) == before


def test_a_fold_that_is_new_has_the_data_of_the_folds_before_it(tmp_path: Path) -> None:
    cfg = trained(tmp_path, "data.folds=3")
    (tmp_path / "fold_2" / "result.yaml").unlink()
    (tmp_path / "fold_2" / "checkpoints" / "best.ckpt").unlink()
    table(tmp_path / "table.csv", slice(None, None, -1))
    before = files(tmp_path)
    with pytest.raises(UserError, match=f"^data must be those of {re.escape(str(tmp_path))}, whose "):
        cross_validate(cfg, tmp_path, NoReporter(), is_resumed=True)
    assert files(tmp_path) == before


def test_a_run_with_folds_says_its_digest_too(tmp_path: Path) -> None:
    trained(tmp_path, "data.folds=3")
    digests = {read_yaml(path)["data_digest"] for path in tmp_path.rglob("result.yaml")}
    assert digests == {read_yaml(tmp_path / "fold_0" / "result.yaml")["data_digest"]}
    assert None not in digests


def test_the_data_of_an_older_version_are_not_compared(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trained(tmp_path)
    metrics, best = evaluate(tmp_path), tmp_path / "checkpoints" / "best.ckpt"
    saved = torch.load(best, weights_only=True)
    del saved["callbacks"]["EpochRecord"]["data_digest"]
    torch.save(saved, best)
    caplog.clear()
    assert evaluate(tmp_path) == metrics
    line = f"data: {tmp_path} has no digest of its data: no one compares them"
    assert [text for text in caplog.messages if "digest" in text] == [line]


def test_the_digest_is_the_last_key_of_the_result_before_its_findings(tmp_path: Path) -> None:
    trained(tmp_path)
    assert list(read_yaml(tmp_path / "result.yaml"))[-4:] == ["commit", "dirty", "data_digest", "findings"]


# preparation.json


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def with_gaps(path: Path) -> Path:
    """Leave every third value of column a out."""
    rows = table(path).read_text().splitlines()
    path.write_text("\n".join("," + row.partition(",")[2] if i % 3 == 1 else row for i, row in enumerate(rows)))
    return path


@pytest.mark.parametrize("fold", [None, 0, 2])
def test_an_evaluation_prepares_the_data_as_the_run_has_written_down(tmp_path: Path, fold: int | None) -> None:
    trained(tmp_path, *([] if fold is None else ["data.folds=3"]), write=with_gaps)
    metrics = evaluate(tmp_path)
    path = tmp_path / ("" if fold is None else f"fold_{fold}") / "preparation.json"
    written = path.read_text()
    fills = json.loads(written)["fills"]
    edit(path, fills=[50.0, *fills[1:]])
    assert evaluate(tmp_path)["test/loss"] != metrics["test/loss"]
    path.write_text(written)
    assert evaluate(tmp_path) == metrics


def test_the_unit_of_an_evaluation_is_the_one_written_down(tmp_path: Path) -> None:
    trained(tmp_path, "data.task=regression", "data.scale_targets=true")
    before = evaluate(tmp_path)["test/rmse"]
    path = tmp_path / "preparation.json"
    mean = json.loads(path.read_text())["target_mean"]
    edit(path, target_mean=mean + 100)
    assert evaluate(tmp_path)["test/rmse"] == pytest.approx(100, abs=2 * before)


def test_a_resume_prepares_the_data_as_the_run_has_written_down(tmp_path: Path) -> None:
    trained(tmp_path)
    path, best = tmp_path / "preparation.json", tmp_path / "checkpoints" / "best.ckpt"
    epochs = torch.load(best, weights_only=True)["callbacks"]["EpochRecord"]["epoch"]
    edit(path, offset=[1000.0] * 8)
    edited = json.loads(path.read_text())
    longer = config(tmp_path / "table.csv", f"trainer.max_epochs={epochs + 1}")
    result = train_once(longer, tmp_path, NoReporter(), best)
    assert float(read_metrics(tmp_path)[-1]["val/loss"]) > 2 * result["value"]
    assert json.loads(path.read_text()) == edited


def test_a_run_without_the_file_is_prepared_anew_with_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trained(tmp_path)
    metrics = evaluate(tmp_path)
    (tmp_path / "preparation.json").unlink()
    caplog.clear()
    assert evaluate(tmp_path) == metrics
    line = f"data: {tmp_path} has no preparation.json: the preparation is fitted again"
    assert [text for text in caplog.messages if "preparation" in text] == [line]
    assert not (tmp_path / "preparation.json").exists()


DAMAGED = {
    "no JSON": ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "a list": ("[]", "list indices must be integers or slices, not str"),
    "no bytes of a text": (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    "not whole": ('{"version": 1}', "'input_shape' is missing"),
    "a number that is none": ('{"version": NaN}', "it must have version nan, where this one reads 2"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_refused_in_a_line(tmp_path: Path, content: str | bytes, reason: str) -> None:
    trained(tmp_path)
    path = tmp_path / "preparation.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = files(tmp_path)
    message = f"preparation.json must be what a run has written; got '{path}' ({reason}): without the file, the "
    with pytest.raises(UserError, match=f"^{re.escape(message)}preparation is fitted again$"):
        evaluate(tmp_path)
    assert files(tmp_path) == before


def test_the_file_of_another_data_set_is_refused(tmp_path: Path) -> None:
    trained(tmp_path)
    edit(tmp_path / "preparation.json", columns=list("abcdefgi"))
    with pytest.raises(UserError, match=r"^preparation.json must be that of these data, columns a, b, c, d, e and 3 "):
        evaluate(tmp_path)


# data modules that are not ours


def says(digest: Any) -> Any:
    return SimpleNamespace(digest=lambda: digest)


def test_a_digest_is_whatever_text_a_data_module_says() -> None:
    assert read_digest(says("version 7")) == "version 7"
    assert read_digest(says(None)) is None
    assert read_digest(None) is None


@pytest.mark.parametrize("digest", [7, "", b"7"])
def test_a_digest_that_is_no_text_is_refused(digest: Any) -> None:
    message = f"data._target_: digest() of SimpleNamespace must return a text, or None; got {digest!r}"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        read_digest(says(digest))


def test_a_data_module_without_a_digest_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Silent:
        digest = "no method"

    assert [read_digest(Silent()) for _ in range(3)] == [None] * 3
    (line,) = caplog.messages
    assert line.startswith("data: test_a_data_module_without_a_digest_is_said_once.<locals>.Silent has no digest(), a ")


@pytest.mark.parametrize(
    ("kept", "now", "line"),
    [
        ("7", "7", None),
        (None, None, None),
        ("7", None, "data: the data module has no digest of its data: no one compares them"),
        (None, "7", "data: {folder} has no digest of its data: no one compares them"),
    ],
)
def test_digests_that_one_side_lacks_are_not_compared(
    kept: str | None, now: str | None, line: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    DataRecord(tmp_path / "checkpoints" / "best.ckpt", kept).hand_over(says(now))
    assert caplog.messages == ([] if line is None else [line.format(folder=tmp_path)])


def test_a_short_digest_is_shown_whole() -> None:
    with pytest.raises(UserError, match=r"^data must be those of run, whose digest is 7; got version 8, from other "):
        DataRecord(Path("run/checkpoints/best.ckpt"), "7").hand_over(says("version 8"))
