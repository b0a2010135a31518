"""What HPARAMS shows of a run: few columns, the same for runs that were typed differently."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tiny import SMALL, composed

from tunesmith.reporting import NoReporter, Reporter, hand_over
from tunesmith.training.run import train_in
from tunesmith.training.run_hparams import shown_hparams

PLAIN = NoReporter()
MAIN = {"data": "digits", "model": "mlp", "optimizer.lr": 0.001, "data.batch_size": 64, "seed": 0}


def hparams(
    monkeypatch: pytest.MonkeyPatch, *typed: str, fold: int | None = None, reporter: Reporter = PLAIN
) -> dict[str, object]:
    """Return what HPARAMS shows of the run that is typed so."""
    cfg = composed(*typed, with_hydra=True)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.masked_copy(cfg, "hydra"))
    job = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    return shown_hparams(job, reporter, fold)


@pytest.mark.parametrize(
    ("typed", "also"),
    [
        pytest.param((), {}, id="nothing typed"),
        pytest.param(("optimizer.lr=0.25", "l1=0.5"), {"optimizer.lr": 0.25, "l1": 0.5}, id="values"),
        pytest.param(("model=cnn", "loss=mse"), {"model": "cnn", "loss": "mse"}, id="choices of groups"),
        pytest.param(("tags=[a]", "data.folds=null"), {"data.folds": None}, id="null"),
        pytest.param(("+vars.sizes=[8,4]",), {"vars.sizes": [8, 4]}, id="a list"),
        pytest.param(("~callbacks", "note=why", "tags=[a]", "logger.tensorboard.name=a"), {}, id="left out"),
    ],
)
def test_a_plain_run_shows_the_main_keys_and_what_was_typed(
    typed: tuple[str, ...], also: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hparams(monkeypatch, *typed) == {**MAIN, **also}


def test_groups_that_the_learner_does_not_read_are_not_shown() -> None:
    groups = {"optimizer": {"lr": 0.1}, "logger": {"a": 1}, "seed": 3}
    cfg = OmegaConf.create({"learner": {"lr": 0.2}, **groups})
    assert shown_hparams(cfg, NoReporter()) == {"seed": 3}


@pytest.mark.parametrize(
    ("typed", "fold"),
    [
        pytest.param(("logger=none",), None, id="no logger"),
        pytest.param(("data.folds=3",), 1, id="a fold, whose run shows them"),
    ],
)
def test_nothing_is_shown_of(typed: tuple[str, ...], fold: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hparams(monkeypatch, *typed, fold=fold) == {}


def test_a_trial_shows_the_main_keys_and_what_its_sweep_varies(monkeypatch: pytest.MonkeyPatch) -> None:
    reporter = NoReporter({"l1": 0.5})
    with hand_over(reporter):
        shown = hparams(monkeypatch, "l1=0.5", "loss=mse", reporter=reporter)
    assert shown == {**MAIN, "l1": 0.5}


@pytest.mark.parametrize("engine", ["lean", "lightning"])
def test_a_plain_run_writes_one_session(engine: str, tmp_path: Path) -> None:
    short = ("trainer.max_epochs=1", f"trainer.engine={engine}", "logger=tensorboard")
    train_in(composed(*SMALL, *short), tmp_path, NoReporter())
    content = EventAccumulator(str(tmp_path)).Reload().PluginTagToContent("hparams")["_hparams_/session_start_info"]
    shown = HParamsPluginData.FromString(content).session_start_info.hparams
    assert (shown["state"].string_value, shown["data.batch_size"].number_value) == ("COMPLETE", 256)
