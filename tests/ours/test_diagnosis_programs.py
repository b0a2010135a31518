"""scripts/diagnosis_evidence: the faulty programs are what they say, and their scores count what they should."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from omegaconf import OmegaConf

sys.path.append(str(ROOT / "scripts" / "diagnosis_evidence"))
import other_data
import program_data as made
from other_programs import OTHER_PROGRAMS
from program_harm import measure_harm
from program_models import ProgramNet
from program_tables import program_summary
from programs import PROGRAMS, program_jobs
from recorded import Recorded
from recording import DATA
from scoring import Named

import tunesmith
from tunesmith.insight.diagnosis.names import FAULTS

CLASSES, NUMBERS = "i", "f"


@pytest.mark.parametrize(
    ("maker", "shape", "kind"),
    [
        (made.xor, (200, 2), NUMBERS),
        (made.signed, (100, 2), NUMBERS),
        (made.ones_or_zeros, (2000, 128), CLASSES),
        (made.cubic_noise, (50, 1), NUMBERS),
        (made.parabola, (201, 1), NUMBERS),
        (made.packets, (100, 11), CLASSES),
        (made.threshold, (1000, 1), NUMBERS),
        (made.three_gaussians, (300, 4), CLASSES),
        (made.polynomial, (400, 1), NUMBERS),
        (made.prices, (300, 1), NUMBERS),
        (made.game_of_life, (8000, 9), CLASSES),
        (made.passengers, (891, 10), CLASSES),
        (made.sine, (1000, 1), NUMBERS),
        (other_data.customers, (600, 8), CLASSES),
        (other_data.moons_as_numbers, (300, 2), NUMBERS),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_data_have_the_shape_of_the_program_and_come_from_the_seed(
    maker: made.Maker, shape: tuple[int, ...], kind: str
) -> None:
    inputs, targets = made.make_arrays(maker, 0)
    again, _ = made.make_arrays(maker, 0)
    other, other_targets = made.make_arrays(maker, 1)
    assert (inputs.shape, targets.shape, targets.dtype.kind) == (shape, shape[:1], kind)
    np.testing.assert_array_equal(inputs, again)
    assert not (np.array_equal(inputs, other) and np.array_equal(targets, other_targets))


def test_rows_as_they_are_published() -> None:
    assert Counter(program.is_counted for program in PROGRAMS) == {True: 14, False: 2}
    assert len({program.name for program in (*PROGRAMS, *OTHER_PROGRAMS)}) == len(PROGRAMS) + len(OTHER_PROGRAMS)
    assert {name for program in (*PROGRAMS, *OTHER_PROGRAMS) for name in program.names} <= set(FAULTS)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("31556268", {"optimizer.nesterov": True, "optimizer.momentum": 0.11, "model.end": "sigmoid", "seed": 2}),
        (
            "31880720",
            {"optimizer.alpha": 0.9, "trainer.max_epochs": 3, "model.dropout": 0.2, "scheduler": {}, "callbacks": {}},
        ),
    ],
)
def test_a_row_composes(name: str, values: dict[str, object], tmp_path: Path) -> None:
    row = next(program for program in PROGRAMS if program.name == name)
    faulty, fixed = program_jobs([row], "programs", range(2, 3))
    assert (faulty.names, fixed.names) == (row.names, ())
    assert faulty.data is not None
    faulty.data.write(tmp_path / "data.npz")
    overrides = (*faulty.overrides, "seed=2")
    cfg = tunesmith.compose(*(text.replace(DATA, str(tmp_path / "data.npz")) for text in overrides))
    assert {key: OmegaConf.select(cfg, key) for key in values} == values


@pytest.mark.parametrize(
    ("end", "is_as_said"),
    [
        ("none", lambda outputs: outputs.min() < 0 and outputs.max() > 1),
        ("sigmoid", lambda outputs: outputs.min() > 0 and outputs.max() < 1),
        ("relu", lambda outputs: outputs.min() == 0),
        ("only_unit", lambda outputs: bool((outputs == 1).all())),
    ],
)
def test_what_stands_behind_the_outputs(end: str, is_as_said: Callable[[torch.Tensor], bool]) -> None:
    torch.manual_seed(0)
    net = ProgramNet((3,), 1, widths=[16], activation="tanh", end=end, deviation=2.0)
    assert is_as_said(net(torch.randn(50, 3)))


def _recorded(folder: Path, val_acc: float | None, state: str = "COMPLETE") -> None:
    folder.mkdir(parents=True)
    np.savez(folder / "data.npz", inputs=np.zeros((4, 1)), targets=np.array([0, 1, 0, 1]))
    (folder / "plant.json").write_text(f'{{"overrides": ["data=npz", "data.path={folder}/data.npz"]}}')
    (folder / "result.yaml").write_text(f"state: {state}\n")
    rows = "" if val_acc is None else f"1,0.99\n2,{val_acc}\n"
    (folder / "metrics.csv").write_text(f"epoch,val/acc\n{rows}")


def test_a_fault_hurts_if_the_fix_is_better_by_two_standard_errors(tmp_path: Path) -> None:
    for seed, (faulty, fixed) in enumerate([(0.5, 0.9), (0.6, 0.9), (0.4, 0.9)]):
        _recorded(tmp_path / "faulty" / str(seed), faulty)
        _recorded(tmp_path / "fixed" / str(seed), fixed)
    harm = measure_harm(tmp_path)
    assert harm is not None
    assert (harm.faulty, harm.fixed) == pytest.approx((0.5, 0.1))
    assert harm.two_errors == pytest.approx(2 * 0.1 / 3**0.5)
    assert harm.is_there


def test_a_training_that_diverged_has_the_largest_error(tmp_path: Path) -> None:
    for seed in range(2):
        _recorded(tmp_path / "faulty" / str(seed), None, "FAIL")
        _recorded(tmp_path / "fixed" / str(seed), 0.0)
    harm = measure_harm(tmp_path)
    assert harm is not None
    assert (harm.faulty, harm.is_there) == (1.0, False)


def test_a_program_is_right_if_most_of_its_seeds_are(tmp_path: Path) -> None:
    names = ("squashed_outputs", "unscaled_targets")
    said = {
        ("faulty", 0): [Named("squashed_outputs", ("squashed_outputs",))],
        ("faulty", 1): [Named("unscaled_targets", ("unscaled_targets",))],
        ("faulty", 2): [Named("overfitting", ("overfitting",)), Named("squashed_outputs", ("squashed_outputs",))],
        ("fixed", 0): [Named("overfitting", ("overfitting",))],
        ("fixed", 1): [Named("unscaled_targets", ("unscaled_targets",))],
        ("fixed", 2): [],
    }
    answers = {}
    for (kind, seed), answer in said.items():
        of_kind = names if kind == "faulty" else ()
        folder = tmp_path / "row" / kind / str(seed)
        answers[Recorded(folder, "programs", "row", kind, seed, of_kind, "last")] = answer
    *_, row = program_summary(list(answers), {"ours": answers})
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:5] == ["ours", "0/1", "1/1", "1/1", "1/1"]
    assert [cells[place][:3] for place in (5, 6, 8, 9)] == ["1/3", "2/3", "2/3", "1/3"]


def test_a_program_whose_fault_is_in_the_data_is_mended_there() -> None:
    coin = next(program for program in OTHER_PROGRAMS if program.name == "coin")
    faulty, fixed = program_jobs([coin], "other", range(1))
    assert [job.data.name for job in (faulty, fixed) if job.data] == ["coin-100.npz", "told_coin-100.npz"]
