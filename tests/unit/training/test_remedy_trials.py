"""--try trains the original and each remedy on the same seeds, in folders of their own, until one is better."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from omegaconf import DictConfig
from tiny import small

from tunesmith.errors import UserError
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.tries.outcomes import BETTER
from tunesmith.run_folder import RESULT_FILE, TRY_FILE, read_yaml, write_yaml
from tunesmith.training.remedy_trials import Tried, try_remedies, with_overrides

HE, SAME = ("model.initializer=he",), ("model.initializer=zeros",)


def _zeros(*overrides: str) -> DictConfig:
    faulty = ("model.initializer=zeros", "model.batch_norm=false", "optimizer.lr=0.05", "trainer.max_epochs=3")
    return small("data=iris", "probes=false", *faulty, *overrides)


def _finding(*remedies: tuple[str, ...], gains: str = "metric") -> Finding:
    return Finding("zero_weights", "all zero", remedies=remedies, gains=gains)


def _try(
    folder: Path, cfg: DictConfig, *remedies: tuple[str, ...], gains: str = "metric"
) -> tuple[Tried | None, list[str]]:
    told: list[str] = []
    best = try_remedies(
        folder, cfg, _finding(*remedies, gains=gains), 2, lambda label, text: told.append(f"{label} {text}")
    )
    return best, told


def _written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob(RESULT_FILE))}


def test_remedies_are_tried_in_their_order_until_one_is_better(tmp_path: Path) -> None:
    best, told = _try(tmp_path, _zeros("seed=7"), SAME, HE, ("optimizer.lr=0.01",))
    assert best is not None
    assert best.overrides == HE
    assert [re.split("  |: ", line)[0] for line in told] == [
        *("seed 7 original", "seed 8 original"),
        *(f"seed 7 {SAME[0]}", f"seed 8 {SAME[0]}", f"tried {SAME[0]}"),
        *(f"seed 7 {HE[0]}", f"seed 8 {HE[0]}", f"tried {HE[0]}"),
    ]
    record = read_yaml(tmp_path / TRY_FILE)
    assert (record["finding"], record["seeds"], record["better"]) == ("zero_weights", [7, 8], list(HE))
    assert [row["verdict"] for row in record["tried"]] == ["no difference", BETTER]
    he = record["tried"][1]
    assert he["difference"] > he["standard_error"] > 0
    assert (he["metric"], len(he["original"]), len(he["values"])) == ("val/loss", 2, 2)
    folders = {path.relative_to(tmp_path / "try").parts[:2] for path in _written(tmp_path)}
    assert folders == {(name, seed) for name in ("original", *HE, *SAME) for seed in ("seed_7", "seed_8")}


def test_what_was_interrupted_goes_on_without_training_anything_twice(tmp_path: Path) -> None:
    def interrupt(label: str, text: str) -> None:
        if label == "seed 1":
            raise KeyboardInterrupt("after the first seed")

    with pytest.raises(KeyboardInterrupt, match="after the first seed"):
        try_remedies(tmp_path, _zeros(), _finding(HE), 2, interrupt)
    begun = _written(tmp_path)
    assert len(begun) == 2
    best, _ = _try(tmp_path, _zeros(), HE)
    assert best is not None
    assert begun.items() <= _written(tmp_path).items()


def test_a_run_that_has_gone_on_since_is_tried_anew(tmp_path: Path) -> None:
    _try(tmp_path, _zeros(), SAME)
    _try(tmp_path, _zeros("trainer.max_epochs=2"), SAME)
    assert {read_yaml(path)["epochs"] for path in _written(tmp_path)} == {2}


def test_a_remedy_that_cannot_be_trained_is_passed_over(tmp_path: Path) -> None:
    not_there, refused, breaks = ("model.units=3",), ("model.num_layers=0",), ("model.dropout=[0.1,0.2,0.3]",)
    best, told = _try(tmp_path, _zeros(), not_there, refused, breaks, HE)
    assert best is not None
    assert best.overrides == HE
    tried = [line for line in told if line.startswith("tried")]
    assert "cannot be trained: model.units must be a key of the run's config" in tried[0]
    assert "cannot be trained: model.num_layers must be an integer >= 1; got 0" in tried[1]
    assert "cannot be trained: " in tried[2]


def test_an_original_that_diverges_is_worse_than_any_number(tmp_path: Path) -> None:
    faulty = ("optimizer=sgd", "optimizer.lr=1e20", "model.batch_norm=false", "trainer.max_epochs=5")
    best, told = _try(tmp_path, small("data=iris", *faulty), ("optimizer.lr=0.1",))
    assert best is not None
    assert "in 2 of 2 runs in which the original has none: better" in best.outcome.words
    assert told[0].startswith("seed 0 original: val/loss was nan at epoch 1, ")


def test_folds_are_tried_as_a_whole(tmp_path: Path) -> None:
    best, _ = _try(tmp_path, _zeros("data.folds=2"), HE)
    assert best is not None
    assert (tmp_path / "try" / HE[0] / "seed_0" / "fold_1" / RESULT_FILE).is_file()


def test_class_weights_are_judged_by_the_balanced_accuracy_of_the_validation_part(tmp_path: Path) -> None:
    _, told = _try(tmp_path, _zeros(), ("data.class_weights=balanced",), gains="balanced accuracy")
    assert told[-1].endswith("balanced accuracy: the same")


def test_data_that_have_changed_since_the_run_are_refused(tmp_path: Path) -> None:
    write_yaml(tmp_path / RESULT_FILE, {"data_digest": "another"})
    with pytest.raises(UserError, match=r"the data must be those that the run in .* was trained on; they have changed"):
        _try(tmp_path, _zeros(), HE)


def test_an_override_changes_a_value_of_a_copy() -> None:
    cfg = small("data=iris")
    changed = with_overrides(cfg, ["optimizer.lr=0.5", "model.shape=[2,3]", "trainer.gradient_clip_val=1.0"])
    assert changed.trainer.gradient_clip_val == 1  # was null
    assert (changed.optimizer.lr, changed.model.shape, changed.learner.optimizer.lr) == (0.5, [2, 3], 0.5)
    assert cfg.optimizer.lr == 0.001
