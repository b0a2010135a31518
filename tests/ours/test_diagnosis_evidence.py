"""scripts/diagnosis_evidence: plants are what they say, a recording is kept, and scores count what they should."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

sys.path.append(str(ROOT / "scripts" / "diagnosis_evidence"))
from diagnosers import DIAGNOSERS, OURS, ask_all
from planted_data import CHANGES, planted_file
from plants import DEV_PLANTS, HELD_OUT_PLANTS, dev_jobs, fits, make_job
from recorded import Recorded, by_cell, hurts, read_runs
from recording import Job, record
from scoring import Named, Share, is_anywhere, is_fair, is_strict
from sets import load
from tables import confusion, summary

from tunesmith.data.cutting import SplitConfig
from tunesmith.data.sources.npz import Npz
from tunesmith.data.splits import load_splits
from tunesmith.insight.diagnosis.names import CAUTIONS, FAULTS

# As conf/data/base.yaml cuts a data set, but for the scale.
AS_SHIPPED = SplitConfig(0.2, 0.2, 42, None, None, 1.0, "none", True, "refuse")
PLANTS = {plant.name: plant for plant in DEV_PLANTS}


def test_plants_have_names_of_findings_and_a_folder_of_their_own() -> None:
    kinds = {plant.names[0] for plant in DEV_PLANTS}
    assert kinds == set(FAULTS) - {"diverged"} | set(CAUTIONS)
    assert {name for plant in HELD_OUT_PLANTS for name in plant.names} <= {*FAULTS, *CAUTIONS}
    folders = [job.folder(Path()) for job in dev_jobs()]
    assert len(folders) == len(set(folders))


def test_a_plant_is_left_out_of_a_data_set_that_it_does_not_fit() -> None:
    assert not fits(PLANTS["end_softmax"], "diabetes")
    assert not fits(PLANTS["targets_raw"], "wine")
    assert fits(PLANTS["end_sigmoid"], "diabetes")


def test_copies_are_planted_where_a_run_cuts_its_validation_part(tmp_path: Path) -> None:
    path = tmp_path / "copies.npz"
    planted_file("val_copies", "wine", 0, 0.5).write(path)
    splits = load_splits(Npz(str(path)), AS_SHIPPED)
    train = {row.tobytes() for row in splits.train.inputs.numpy()}
    assert sum(row.tobytes() in train for row in splits.val.inputs.numpy()) == len(splits.val) // 2
    assert not any(row.tobytes() in train for row in splits.test.inputs.numpy())


@pytest.mark.parametrize("kind", CHANGES)
def test_a_change_keeps_rows_and_targets_together(kind: str) -> None:
    changed = CHANGES[kind](load("wine"), np.random.default_rng(0), 0.5)
    assert len(changed.inputs) == len(changed.targets)
    assert changed.has_classes == (kind != "targets")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recorded: a net that begins with zeros and its healthy twin, two epochs each."""
    root = tmp_path_factory.mktemp("runs")
    few = ("trainer.max_epochs=2", "model.hidden_units=16")
    twin = Job("dev", "healthy_default", "wine", 0, ("data=wine", *few))
    planted = make_job("dev", PLANTS["zeros"], "wine", 0)
    record([twin, replace(planted, overrides=(*planted.overrides, *few))], root)
    return root


def test_a_recording_is_not_trained_again(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record([make_job("dev", PLANTS["zeros"], "wine", 0)], root)
    assert capsys.readouterr().out == ""


def test_a_recording_that_lacks_a_file_is_trained_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = Job("dev", "healthy_default", "wine", 0, ("data=wine", "trainer.max_epochs=1", "model.hidden_units=4"))
    for _ in range(2):
        record([job], tmp_path, again="never.json")
    assert capsys.readouterr().out.count("trained") == 2


def test_recorded_runs_are_scored(root: Path) -> None:
    runs = read_runs(root, ["dev"])
    answers = ask_all(runs)
    _, _, row, *constants_and_others = summary(runs, answers)
    assert row.startswith("| tunesmith | 1/1 = 100.0%")
    assert len(constants_and_others) == len(DIAGNOSERS) - 1
    assert any(
        line.startswith("| zeros | zero_weights | 1 of 1 sets | 1 | 1 |") for line in confusion(runs, answers[OURS])
    )


def _run(*names: str, seed: int = 0, harm: str = "presence") -> Recorded:
    return Recorded(Path(f"{seed}"), "dev", "plant", "wine", seed, names, harm)


def test_the_first_finding_is_judged_strictly_and_fairly() -> None:
    noisy, exploded = _run("noisy_labels"), _run("exploding_init", "diverged")
    unsure = [Named("labels_tell_nothing", ("labels_tell_nothing", "noisy_labels"))]
    assert (is_strict(noisy, unsure), is_fair(noisy, unsure)) == (False, True)
    late = [Named("overfitting", ("overfitting",)), Named("noisy_labels", ("noisy_labels",))]
    assert (is_fair(noisy, late), is_anywhere(noisy, late)) == (False, True)
    diverged = [Named("diverged", ("diverged",))]
    assert (is_strict(exploded, diverged), is_fair(exploded, diverged)) == (False, True)
    assert is_strict(_run("learning_rate_too_high", "diverged"), diverged)
    assert not is_anywhere(noisy, [])


def test_shares_have_wilsons_interval() -> None:
    assert str(Share(41, 50)) == "41/50 = 82.0% (69%-90%)"
    assert str(Share(0, 0)) == "-"


def test_a_plant_counts_if_it_is_worse_than_its_healthy_twin(tmp_path: Path) -> None:
    def runs(plant: str, losses: Sequence[float], *names: str) -> list[Recorded]:
        cell = [
            Recorded(tmp_path / f"{plant}{at}", "dev", plant, "wine", at, names, "last") for at in range(len(losses))
        ]
        for run, loss in zip(cell, losses, strict=True):
            run.folder.mkdir()
            (run.folder / "metrics.csv").write_text(f"epoch,val/loss\n1,{loss}\n")
        return cell

    healthy = runs("healthy_default", [0.10, 0.11, 0.12])
    worse = runs("worse", [0.2, 0.21, 0.22], "overfitting")
    equal = runs("equal", [0.105, 0.115, 0.115], "overfitting")
    cells = by_cell([*healthy, *worse, *equal])
    assert hurts(worse, cells)
    assert not hurts(equal, cells)
