"""layers.csv and probes.csv: rows are added whole, cut as a run goes on, and read without one that is torn."""

from __future__ import annotations

import math
from pathlib import Path

from tunesmith.run_folder import LAYERS_FILE, METRICS_FILE, PROBES_FILE, read_table
from tunesmith.training.probes.tables import append_rows, cut_tables, rewrite


def layers(folder: Path, *epochs: int) -> Path:
    path = folder / LAYERS_FILE
    for epoch in epochs:
        append_rows(path, [{"epoch": epoch, "layer": f"a,{place}", "grad_norm": 1 / 3} for place in range(2)])
    return path


def test_rows_have_the_columns_and_empty_cells_for_what_was_not_measured(tmp_path: Path) -> None:
    path = tmp_path / LAYERS_FILE
    append_rows(path, [{"epoch": 0, "layer": "a", "grad_norm": 1 / 3, "weight_norm": math.nan, "update_ratio": None}])
    expected = "epoch,layer,grad_norm,weight_norm,update_ratio,dead_share,blocked_share\r\n0,a,0.333333,nan,,,\r\n"
    assert path.read_bytes().decode() == expected


def test_a_run_that_goes_on_drops_later_rows_of_both_tables(tmp_path: Path) -> None:
    path = layers(tmp_path, 0, 1, 2)
    append_rows(tmp_path / PROBES_FILE, [{"epoch": epoch, "train_loss": 1.0} for epoch in (0, 1, 2)])
    cut_tables(tmp_path, keep_epochs=1)
    assert [(row["epoch"], row["layer"]) for row in read_table(path)] == [
        ("0", "a,0"),
        ("0", "a,1"),
        ("1", "a,0"),
        ("1", "a,1"),
    ]
    assert [row["epoch"] for row in read_table(tmp_path / PROBES_FILE)] == ["0", "1"]


def test_a_run_that_begins_drops_all_rows(tmp_path: Path) -> None:
    path = layers(tmp_path, 0, 1)
    cut_tables(tmp_path, keep_epochs=0)
    assert not path.exists()


def test_a_run_without_tables_gets_none(tmp_path: Path) -> None:
    cut_tables(tmp_path, keep_epochs=3)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_row_and_a_row_of_no_epoch_are_dropped(tmp_path: Path) -> None:
    path = layers(tmp_path, 1)
    with path.open("ab") as file:
        file.write(b"?,a,1,1,1,\r\n1,a")
    cut_tables(tmp_path, keep_epochs=1)
    assert [row["epoch"] for row in read_table(path)] == ["1", "1"]


def test_a_rewritten_table_has_changed_rows_and_lacks_those_left_out(tmp_path: Path) -> None:
    path = layers(tmp_path, 1, 2)
    rewrite(path, lambda row: {**row, "dead_share": 0.5} if row["epoch"] == "2" else None)
    assert [(row["epoch"], row["dead_share"]) for row in read_table(path)] == [("2", "0.5"), ("2", "0.5")]


def test_metrics_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / METRICS_FILE).write_text("epoch,val/loss\n5,1\n")
    cut_tables(tmp_path, keep_epochs=1)
    assert read_table(tmp_path / METRICS_FILE) == [{"epoch": "5", "val/loss": "1"}]
