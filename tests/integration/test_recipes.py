"""The recipes of conf/experiment against the numbers in their headers; the long ones are slow (make slow)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
import yaml
from conftest import ROOT, Ended, Shell

from tunesmith.training.evaluation import evaluate

FIVE_SEEDS = "seed=0,1,2,3,4"


def swept(shell: Shell, recipe: str, *arguments: str) -> list[Path]:
    """Run a recipe's sweep; return its trials' folders in order."""
    ended = shell.train("-m", f"experiment={recipe}", "study_name=s", "logger=none", *arguments)
    assert (ended.code, ended.err) == (0, ""), ended.text
    return sorted((path.parent for path in shell.study("s").glob("*/result.yaml")), key=lambda path: int(path.name))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def last(folder: Path, metric: str) -> float:
    return float(rows(folder)[-1][metric])


def best(folder: Path) -> float:
    return float(yaml.safe_load((folder / "result.yaml").read_text())["value"])


def on_test_part(folders: Sequence[Path], metric: str) -> float:
    """Evaluate every trial on the test part; return the metric's mean."""
    return fmean(evaluate(folder)[metric] for folder in folders)


def test_learning_rates_end_where_arithmetic_says(shell: Shell) -> None:
    folders = swept(shell, "learning_rates")
    ends = [abs(last(folder, "param/output.weight")) for folder in folders]
    assert [float(f"{end:.4e}") for end in ends] == [4.7085, 0.0061897, 0, 0.0061897, 87.247]
    assert ends == pytest.approx([5 * abs(1 - 2 * lr) ** 30 for lr in (0.001, 0.1, 0.5, 0.9, 1.05)], rel=1e-6)


def test_larger_batches_end_near_the_line(shell: Shell) -> None:
    check_lines(swept(shell, "batch_sizes", "data.batch_size=16,64,200"))


@pytest.mark.slow
def test_every_batch_size_ends_near_the_line(shell: Shell) -> None:
    check_lines(swept(shell, "batch_sizes"))


def check_lines(folders: Sequence[Path]) -> None:
    for folder in folders:
        assert last(folder, "param/output.weight") == pytest.approx(3, abs=0.1)
        assert last(folder, "param/output.bias") == pytest.approx(2, abs=0.3)


def test_a_wide_xor_net_is_near_what_can_be_known(shell: Shell) -> None:
    folders = swept(shell, "xor_architectures", "model.shape=[32]", "seed=0,1", "trainer.max_epochs=300")
    assert fmean(map(best, folders)) == pytest.approx(0.91, abs=0.03)


@pytest.mark.slow
def test_xor_architectures_differ_by_seed_where_they_are_narrow_and_deep(shell: Shell) -> None:
    values = np.array(list(map(best, swept(shell, "xor_architectures")))).reshape(4, 5)
    of_shape = dict(zip(("4", "32", "4-4-4", "16-16"), values, strict=True))
    assert of_shape["32"].mean() == pytest.approx(0.91, abs=0.03)
    assert of_shape["16-16"].mean() == pytest.approx(0.91, abs=0.03)
    assert of_shape["4-4-4"].std() > 2 * of_shape["32"].std()


def test_random_search_says_which_trials_tie(shell: Shell) -> None:
    ended = random_search(shell, "hydra.sweeper.n_trials=6", "trainer.max_epochs=60")
    values = trial_values(shell)
    number = sum(value == max(values.values()) for value in values.values())
    assert ("more trials have it too" in ended.out or "more trial has it too" in ended.out) == (number > 1)


@pytest.mark.slow
def test_random_search_on_few_points_ties_at_the_top_and_needs_a_learning_rate(shell: Shell) -> None:
    ended = random_search(shell)
    values = trial_values(shell)
    with (shell.study("s") / "trials.csv").open(newline="") as file:
        lrs = {row["number"]: float(row["optimizer.lr"]) for row in csv.DictReader(file)}
    assert "more trials have it too" in ended.out
    assert [48 * value for value in values.values()] == pytest.approx([round(48 * value) for value in values.values()])
    slow = [values[number] for number in values if lrs[number] < 0.003]
    assert fmean(slow) < fmean(values.values()) - 0.05


def random_search(shell: Shell, *arguments: str) -> Ended:
    ended = shell.train("-m", "experiment=xor_random_search", "study_name=s", "logger=none", *arguments)
    assert (ended.code, ended.err) == (0, ""), ended.text
    return ended


def trial_values(shell: Shell) -> dict[str, float]:
    with (shell.study("s") / "trials.csv").open(newline="") as file:
        return {row["number"]: float(row["value"]) for row in csv.DictReader(file)}


def test_the_full_workflow_on_one_seed(shell: Shell) -> None:
    ended = shell.train("experiment=full_workflow", "logger=none", "hydra.run.dir=r")
    assert ended.code == 0, ended.text
    assert evaluate(shell.folder / "r")["test/acc"] >= 0.975
    report = (shell.folder / "r" / "test_report.txt").read_text()
    assert "precision" in report
    assert "confusion matrix" in report


@pytest.mark.slow
def test_the_full_workflow_on_digits(shell: Shell) -> None:
    assert on_test_part(swept(shell, "full_workflow", FIVE_SEEDS), "test/acc") >= 0.98


@pytest.mark.slow
def test_the_full_workflow_on_breast_cancer(shell: Shell) -> None:
    """Five seeds on five splits: a test part of 114 samples says less than two points about a single one."""
    folders = swept(shell, "full_workflow", "data=breast_cancer", FIVE_SEEDS, "data.split_seed=42,1,2,3,4")
    assert len(folders) == 25
    assert on_test_part(folders, "test/acc") >= 0.96


@pytest.mark.slow
@pytest.mark.parametrize(("data", "least"), [("digits", 0.97), ("mnist_5k", 0.92)])
def test_the_small_net(shell: Shell, data: str, least: float) -> None:
    assert on_test_part(swept(shell, "small_net", f"data={data}", FIVE_SEEDS), "test/acc") >= least


@pytest.mark.slow
def test_diabetes_is_no_worse_than_ridge_regression(shell: Shell) -> None:
    splits = range(10)
    folders = swept(shell, "diabetes", f"data.split_seed={','.join(map(str, splits))}", "hydra.sweeper.n_trials=10")
    assert len(folders) == 10
    assert on_test_part(folders, "test/rmse") <= 1.05 * fmean(map(ridge_rmse, splits))


def ridge_rmse(split_seed: int) -> float:
    """RidgeCV on the same splits; it trains on the validation split too, by which the net only stops."""
    from sklearn.linear_model import RidgeCV
    from sklearn.metrics import root_mean_squared_error

    from tunesmith.data.sources.sklearn_dataset import SklearnDataset
    from tunesmith.data.splits import SplitConfig, load_splits

    config = SplitConfig(0.2, 0.2, split_seed, None, None, 1.0, "standard", False, "refuse")
    splits = load_splits(SklearnDataset("diabetes"), config)
    inputs, targets = (
        np.concatenate([getattr(split, name).numpy() for split in (splits.train, splits.val)])
        for name in ("inputs", "targets")
    )
    ridge = RidgeCV(alphas=np.logspace(-3, 3, 25)).fit(inputs, targets)
    return float(root_mean_squared_error(splits.test.targets.numpy(), ridge.predict(splits.test.inputs.numpy())))


@pytest.mark.slow
def test_fashion_mnist(shell: Shell) -> None:
    """make slow unpacks Debian's package into .venv."""
    folder = ROOT / ".venv" / "fashion-mnist" / "usr" / "share" / "datasets" / "fashion-mnist"
    typed = [f"data.folder='{folder}'", "hydra.run.dir=r"]
    ended = shell.train("experiment=fashion_mnist", "logger=none", *typed)
    assert ended.code == 0, ended.text
    assert evaluate(shell.folder / "r")["test/acc"] >= 0.88


@pytest.mark.slow
def test_grid_random_and_tpe_find_much_the_same_on_one_budget(shell: Shell) -> None:
    names = [f"compare_{search}" for search in ("tpe", "random", "grid")]
    for name in names:
        ended = shell.train("-m", f"experiment={name}", f"study_name={name}", "logger=none")
        assert ended.code == 0, ended.text
    table = shell.python(str(ROOT / "scripts" / "compare.py"), *(f"outputs/sweeps/{name}" for name in names))
    results = [yaml.safe_load((shell.study(name) / "optimization_results.yaml").read_text()) for name in names]
    assert [result["trials"]["complete"] for result in results] == [24, 24, 24]
    assert np.ptp([result["best_value"] for result in results]) < 0.02
    assert [line.split()[0] for line in table.out.splitlines()[1:4]] == names
