"""When probes measure what, and where it is written; in trainings of both engines, whose numbers stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest
from engines import ENGINES, Interrupting, by_engine, configured, left_by, train
from lightning.pytorch.loggers import CSVLogger
from listener import Listener
from omegaconf import DictConfig
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tunesmith.errors import AttemptLost
from tunesmith.reporting import hand_over
from tunesmith.run_folder import DATA_FACTS_FILE, LAYERS_FILE, PROBES_FILE, read_metrics, read_table, read_yaml

LAYERS = ["model.hidden.1", "model.hidden.5", "model.output"]
TABLES = (LAYERS_FILE, PROBES_FILE)


def epochs_of(folder: Path, file: str) -> list[int]:
    return list(dict.fromkeys(int(row["epoch"]) for row in read_table(folder / file)))


def cells(folder: Path, epoch: int, column: str) -> list[str]:
    return [row[column] for row in read_table(folder / LAYERS_FILE) if row["epoch"] == str(epoch)]


def train_trial(folder: Path, cfg: DictConfig, reporter: Listener | None = None) -> None:
    with hand_over(Listener()):
        train(folder, cfg, reporter)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_plain_run_has_a_row_of_each_layer_and_epoch(engine: str, tmp_path: Path) -> None:
    train(tmp_path, by_engine(engine, configured("trainer.max_epochs=7")))
    rows = read_table(tmp_path / LAYERS_FILE)
    assert [(int(row["epoch"]), row["layer"]) for row in rows] == [(e, layer) for e in range(8) for layer in LAYERS]
    assert all(row["grad_norm"] and row["weight_norm"] for row in rows)
    assert [bool(row["update_ratio"]) for row in rows] == [row["epoch"] != "0" for row in rows]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_net_is_looked_at_at_spaced_epochs_the_best_and_the_last(engine: str, tmp_path: Path) -> None:
    cfg = by_engine(engine, configured("trainer.max_epochs=12", "optimizer.lr=.5", "seed=2"))
    train(tmp_path, cfg)
    best = read_yaml(tmp_path / "result.yaml")["epoch"]
    assert best in {4, 6, 7, 9, 10, 11}  # an epoch that has no place of its own: the seed was chosen so
    assert sorted(epochs_of(tmp_path, PROBES_FILE)) == sorted({0, 1, 2, 3, 5, 8, 12, best})
    looked = [epoch for epoch in range(13) if cells(tmp_path, epoch, "dead_share")[0]]
    assert looked == sorted({0, 1, 2, 3, 5, 8, 12, best})
    assert cells(tmp_path, 0, "dead_share")[-1] == ""  # the outputs have no activation


def test_both_engines_measure_the_same(tmp_path: Path) -> None:
    for engine in ENGINES:
        train(tmp_path / engine, by_engine(engine, configured("+trainer.gradient_clip_val=.1", "model.dropout=.3")))
    for file in TABLES:
        one, two = ((tmp_path / engine / file).read_text() for engine in ENGINES)
        assert one == two


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_has_the_same_numbers_with_and_without_probes(engine: str, tmp_path: Path) -> None:
    """Weights, moments, batch norms' means and metrics, bit for bit; a trial's, too, which is looked at elsewhere."""
    cfg = by_engine(engine, configured("model.dropout=.5", "data.batch_size=16", "trainer.max_epochs=4"))
    cfg.probes = True
    measured = left_by(tmp_path / "on", cfg)
    cfg.probes = False
    plain = left_by(tmp_path / "off", cfg)
    assert measured.files.keys() - plain.files.keys() == {*TABLES, DATA_FACTS_FILE}
    for each in (measured, plain):
        del each.result["findings"]  # which probes are for
    assert (measured.metrics, measured.best, measured.result) == (plain.metrics, plain.best, plain.result)


@pytest.mark.parametrize(
    ("engine", "typed"),
    [
        ("lean", ("learner=autoencoder", "model=bottleneck")),
        ("lightning", ("learner=contrastive",)),
        ("lean", ("data=digits", "data.fraction=.1", "learner=denoiser", "model=pixels")),
        ("lightning", ("data=digits", "data.fraction=.1", "data.augmentation.shift=2")),
    ],
    ids=["autoencoder", "contrastive", "denoiser", "augmentation"],
)
def test_steps_that_draw_have_the_same_numbers_with_and_without_probes(
    engine: str, typed: tuple[str, ...], tmp_path: Path
) -> None:
    left = []
    for probes in ("true", "false"):
        cfg = by_engine(engine, configured(*typed, "trainer.max_epochs=3", f"probes={probes}"))
        left.append(left_by(tmp_path / probes, cfg))
    assert [each.error for each in left] == [None, None]
    assert (left[0].metrics, left[0].best) == (left[1].metrics, left[1].best)
    assert len(read_table(tmp_path / "true" / PROBES_FILE)) == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_gradients_are_those_before_clipping(engine: str, tmp_path: Path) -> None:
    for name, typed in (("clipped", ("+trainer.gradient_clip_val=1e-3",)), ("free", ())):
        train(tmp_path / name, by_engine(engine, configured("trainer.max_epochs=1", *typed)))
    assert cells(tmp_path / "clipped", 0, "grad_norm") == cells(tmp_path / "free", 0, "grad_norm")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trial_keeps_the_first_the_best_and_the_last_epoch(engine: str, tmp_path: Path) -> None:
    train_trial(tmp_path, by_engine(engine, configured("trainer.max_epochs=12", "optimizer.lr=.5", "seed=2")))
    best = read_yaml(tmp_path / "result.yaml")["epoch"]
    assert 1 < best < 12
    assert epochs_of(tmp_path, LAYERS_FILE) == [0, 1, best, 12]
    assert sorted(epochs_of(tmp_path, PROBES_FILE)) == [0, 1, best, 12]
    assert all(cells(tmp_path, epoch, "dead_share")[0] for epoch in (0, 1, best, 12))


def test_a_trial_that_is_stopped_has_its_last_epoch(tmp_path: Path) -> None:
    train_trial(tmp_path, by_engine("lean", configured("trainer.max_epochs=9")), Listener(stop_at=4))
    assert epochs_of(tmp_path, LAYERS_FILE)[-1] == 4


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_goes_on_measures_what_an_unbroken_one_does(engine: str, tmp_path: Path) -> None:
    """The save of epoch 3 is the last one before the end at a batch of epoch 5: rows of epoch 4 are cut."""
    cfg = by_engine(engine, configured("trainer.max_epochs=6", "trainer.save_interval=0", "optimizer.lr=1e-6"))
    train(tmp_path / "unbroken", cfg)
    broken = tmp_path / "broken"
    with pytest.raises(AttemptLost, match=r"^$"):
        train(broken, cfg, Interrupting(ends_at=22))
    (broken / LAYERS_FILE).write_text((broken / LAYERS_FILE).read_text() + "9,model.output,1,1,1,,\n9,mod")
    train(broken, cfg, Listener(is_retry=True))
    for file in TABLES:
        assert (broken / file).read_text() == (tmp_path / "unbroken" / file).read_text()
    found, expected = (read_yaml(folder / "result.yaml")["findings"] for folder in (broken, tmp_path / "unbroken"))
    assert found == expected != []


def test_folds_have_tables_of_their_own(tmp_path: Path) -> None:
    train(tmp_path, by_engine("lean", configured("data.folds=2", "trainer.max_epochs=2")))
    assert [path.parent.name for path in sorted(tmp_path.rglob(LAYERS_FILE))] == ["fold_0", "fold_1"]


def test_metrics_have_no_columns_of_the_probes(tmp_path: Path) -> None:
    train(tmp_path, by_engine("lean", configured("trainer.max_epochs=1")))
    assert list(read_metrics(tmp_path)[0]) == ["epoch", "train/loss", "train/acc", "val/loss", "val/acc", "lr"]


def test_a_net_that_starts_dead_says_so(tmp_path: Path) -> None:
    cfg = by_engine("lean", configured("model.initializer=zeros", "model.batch_norm=false", "trainer.max_epochs=1"))
    train(tmp_path, cfg)
    assert cells(tmp_path, 0, "dead_share") == ["1", "1", ""]
    assert cells(tmp_path, 1, "update_ratio")[0] == "0"
    assert read_table(tmp_path / PROBES_FILE)[0]["output_zeros"] == "1"


class Kept(CSVLogger):
    """A logger that keeps what it is told of layers."""

    told: ClassVar[list[tuple[int | None, dict[str, float]]]] = []

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if any(name.startswith("weights/") for name in metrics):
            self.told.append((step, dict(metrics)))


KEPT = (f"+logger.kept._target_={__name__}.Kept", "+logger.kept._partial_=true", "trainer.max_epochs=2")


@pytest.mark.parametrize("engine", ENGINES)
def test_loggers_of_a_plain_run_get_norms_by_layer(engine: str, tmp_path: Path) -> None:
    Kept.told.clear()
    train(tmp_path, by_engine(engine, configured(*KEPT)))
    assert [step for step, _ in Kept.told] == [1, 2]
    names = {f"weights/{layer}/{name}" for layer in LAYERS for name in ("grad_norm", "update_ratio")}
    assert {*Kept.told[0][1]} == names
    grads = [f"{Kept.told[1][1][f'weights/{layer}/grad_norm']:.6g}" for layer in LAYERS]
    assert grads == cells(tmp_path, 2, "grad_norm")


def test_loggers_of_a_trial_get_none(tmp_path: Path) -> None:
    Kept.told.clear()
    train_trial(tmp_path, by_engine("lean", configured(*KEPT)))
    assert Kept.told == []


def test_tensorboard_shows_them_as_scalars(tmp_path: Path) -> None:
    train(tmp_path, by_engine("lightning", configured("logger=tensorboard", "trainer.max_epochs=2")))
    events = EventAccumulator(str(tmp_path)).Reload()
    shown = [(point.step, f"{point.value:.6g}") for point in events.Scalars("weights/model.output/grad_norm")]
    assert shown == [(epoch, cells(tmp_path, epoch, "grad_norm")[2]) for epoch in (1, 2)]
