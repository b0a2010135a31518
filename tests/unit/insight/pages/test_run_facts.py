"""What is read of a run's folder: whatever is damaged is said, and the rest is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from run_outputs import METRICS, RESULT, make_run, of_classes

from tunesmith.errors import UserError
from tunesmith.insight.pages.run_facts import read_run_facts
from tunesmith.insight.part_outputs import write_part_outputs


def test_a_whole_folder_lacks_nothing(tmp_path: Path) -> None:
    write_part_outputs(make_run(tmp_path / "run") / "val_outputs.npz", of_classes(0, 1, true=(0, 1)))
    facts = read_run_facts(tmp_path / "run")
    assert (facts.metric, facts.mode, facts.missing, facts.best) == ("val/loss", "min", [], (2, 0.3))
    assert [row["epoch"] for row in facts.rows[""]] == ["1", "2", "3"]
    assert facts.val is not None
    assert facts.overrides == ["data=digits", "optimizer.lr=0.1"]


DAMAGES = {
    "result.yaml": "value: [",
    ".hydra/config.yaml": "data: {",
    "test.yaml": "\x00",
    "layers.csv": "epoch,layer\n1,\udcff\n",
    "metrics.csv": "\udcff\n1\n",
    "val_outputs.npz": "nothing",
    "test_outputs.npz": "nothing",
    ".hydra/overrides.yaml": "- [",
    "preparation.json": "[1]",
}


@pytest.mark.parametrize(("name", "damage"), DAMAGES.items(), ids=DAMAGES)
def test_a_damaged_file_is_said_and_the_rest_is_read(tmp_path: Path, name: str, damage: str) -> None:
    folder = make_run(tmp_path / "run")
    (folder / name).write_bytes(damage.encode(errors="surrogateescape"))
    facts = read_run_facts(folder)
    assert [line.partition(" cannot be read: ")[0] for line in facts.missing] == [name]
    assert name == "metrics.csv" or len(facts.rows[""]) == 3
    assert name == "result.yaml" or facts.result["value"] == 0.3


@pytest.mark.parametrize(
    ("name", "content", "new_rows"),
    [
        ("preparation.json", '{"columns": ["x"]}', "new.csv"),
        ("fold_0/preparation.json", '{"columns": []}', "new.npz"),
        ("another.json", "{}", ""),
    ],
)
def test_the_preparation_tells_which_files_can_be_predicted(
    tmp_path: Path, name: str, content: str, new_rows: str
) -> None:
    path = make_run(tmp_path / "run") / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert read_run_facts(tmp_path / "run").new_rows == new_rows


@pytest.mark.parametrize(
    ("config", "best"),
    [
        ("objective: {metric: val/loss, mode: min}", (2, 0.3)),
        ("objective: {metric: val/loss, mode: max}", (1, 0.8)),
        ("objective: {metric: val/loss, mode: '${mode_of:val/loss}'}", (2, 0.3)),
        ("objective: {metric: val/other, mode: min}", None),
        ("objective: [1]", None),
    ],
)
def test_the_best_so_far_is_found_without_a_result(tmp_path: Path, config: str, best: tuple[int, float] | None) -> None:
    assert read_run_facts(make_run(tmp_path / "run", result=None, config=config)).best == best


def test_values_that_are_no_numbers_are_not_the_best(tmp_path: Path) -> None:
    metrics = METRICS.replace("0.8", "-inf").replace("0.3", "nan")
    assert read_run_facts(make_run(tmp_path / "run", metrics, result=None)).best == (3, 0.6)


def test_groups_that_may_hold_passwords_are_left_out(tmp_path: Path) -> None:
    config = "seed: 1\nlogger: {mlflow: {tracking_uri: secret}}\nhydra: {a: secret}\n"
    assert read_run_facts(make_run(tmp_path / "run", config=config)).config == {"seed": 1}


def test_folds_have_rows_each(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", result={**RESULT, "folds": [0.3, 0.4], "epoch": None})
    (folder / "metrics.csv").unlink()
    for fold in ("fold_0", "fold_1"):
        make_run(folder / fold)
    facts = read_run_facts(folder)
    assert {name: len(rows) for name, rows in facts.rows.items()} == {"fold_0": 3, "fold_1": 3}


@pytest.mark.parametrize(
    ("target", "names"),
    [("[spam, urgent]", ["spam", "urgent"]), ("[a]", ["0", "1"]), ("a", ["0", "1"]), ("null", ["0", "1"])],
)
def test_labels_have_the_names_of_their_columns(tmp_path: Path, target: str, names: list[str]) -> None:
    facts = read_run_facts(make_run(tmp_path / "run", config=f"data: {{target: {target}}}"))
    assert facts.label_names(2) == names


@pytest.mark.parametrize("result", [RESULT, None], ids=["complete", "interrupted"])
def test_only_a_run_that_did_not_complete_goes_on(tmp_path: Path, result: dict[str, object] | None) -> None:
    folder = make_run(tmp_path / "run", result=result)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()
    assert read_run_facts(folder).can_resume is (result is None)


def test_a_folder_that_no_run_left_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^folder must be one that a run left; got {re.escape(str(tmp_path))} "):
        read_run_facts(tmp_path)
