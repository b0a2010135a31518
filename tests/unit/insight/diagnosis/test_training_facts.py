"""What is read of a run folder of any age: what is absent or damaged is empty."""

from pathlib import Path

import pytest

from tunesmith.insight.diagnosis.training_facts import LayerRow, TrainingFacts, read_training_facts

FILES = {
    ".hydra/config.yaml": "seed: 3\noptimizer:\n  lr: 1e-3\ndata:\n  seed: ${seed}\nloop: ${loop}\n",
    "metrics.csv": "epoch,train/loss,val/loss,val/acc\n1,0.5,nan,\n2,0.4,0.3,0.9\n3,0.1",
    "layers.csv": "epoch,layer,grad_norm,weight_norm,update_ratio,dead_share\n0,a,0.5,2,,0\n1,a,,2,0.01,\n",
    "probes.csv": "epoch,train_loss,output_min\n0,0.7,\n",
    "data_facts.json": '{"prior_loss": {"train": 0.69, "val": null}, "classes": null}',
    "result.yaml": "metric: val/loss\nmode: min\nstate: COMPLETE\nreason: null\nepoch: 2\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_run_folder_is_read_without_a_row_that_is_torn_and_without_empty_cells(folder: Path) -> None:
    facts = read_training_facts(folder)
    assert [sorted(row) for row in facts.epochs] == [["epoch", "train/loss", "val/loss"], [*sorted(facts.epochs[1])]]
    assert facts.epochs[1] == {"epoch": 2, "train/loss": 0.4, "val/loss": 0.3, "val/acc": 0.9}
    assert facts.layers == [LayerRow(0, "a", 0.5, 2.0, None, 0.0), LayerRow(1, "a", None, 2.0, 0.01)]
    assert facts.looks == [{"epoch": 0, "train_loss": 0.7}]
    assert (facts.state, facts.reason, facts.best_epoch, facts.metric, facts.mode) == (
        "COMPLETE",
        "",
        2,
        "val/loss",
        "min",
    )


def test_settings_follow_references_and_numbers_may_be_texts(folder: Path) -> None:
    facts = read_training_facts(folder)
    assert facts.setting("data.seed") == 3
    assert facts.number("optimizer.lr") == 1e-3
    assert (facts.setting("loop"), facts.setting("optimizer.lr.x"), facts.number("absent")) == (None, None, None)


def test_facts_of_the_data_are_numbers_or_unknown(folder: Path) -> None:
    facts = read_training_facts(folder)
    assert (facts.amount("prior_loss.train"), facts.amount("prior_loss.val"), facts.fact("classes")) == (
        0.69,
        None,
        None,
    )


def test_a_fold_has_the_config_of_its_run(folder: Path) -> None:
    (folder / "fold_0").mkdir()
    assert read_training_facts(folder / "fold_0").number("optimizer.lr") == 1e-3


def test_config_and_result_may_come_from_memory(folder: Path) -> None:
    facts = read_training_facts(folder, {"objective": {"metric": "val/acc"}}, {"state": "FAIL", "reason": "NaN"})
    assert (facts.state, facts.reason, facts.metric, facts.mode) == ("FAIL", "NaN", "val/acc", "max")


@pytest.mark.parametrize("text", ["", "\x00\xff", "[1, 2", "a: [", "epoch,\n,,,,\n" * 3, '"' * 5, "1" * 5000 + ",1\n"])
def test_damaged_files_are_empty(folder: Path, text: str) -> None:
    for name in FILES:
        (folder / name).write_text(text)
    facts = read_training_facts(folder)
    assert (facts.epochs, facts.layers, facts.looks, facts.config, facts.data) == ([], [], [], {}, {})


def test_what_is_no_finite_number_is_not_known_but_of_losses(folder: Path) -> None:
    (folder / "layers.csv").write_text("epoch,layer,grad_norm,dead_share\n0,a,inf,nan\n")
    (folder / "metrics.csv").write_text("epoch,val/loss\nnan,0.3\n2,inf\n")
    facts = read_training_facts(folder, {"optimizer": {"lr": float("inf"), "momentum": 10**400}})
    assert (facts.layers, facts.epochs) == ([LayerRow(0, "a")], [{"epoch": 2, "val/loss": float("inf")}])
    assert (facts.number("optimizer.lr"), facts.number("optimizer.momentum")) == (None, None)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert read_training_facts(tmp_path / "none") == TrainingFacts(epochs=[], layers=[], looks=[])
