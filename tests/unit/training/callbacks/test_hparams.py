"""The HPARAMS session of a run."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from tunesmith.training.loggers import OBJECTIVE_TAG, log_hparams


def test_a_session_has_the_swept_values_the_state_and_the_objective_at_its_step(tmp_path: Path) -> None:
    logger = TensorBoardLogger(tmp_path, name="", version="", default_hp_metric=False)
    log_hparams([logger], {"optimizer.lr": 0.1, "model.shape": [8, 4]}, "PRUNED", 0.5, 3)
    logger.experiment.close()
    events = EventAccumulator(str(tmp_path)).Reload()
    (objective,) = events.Scalars(OBJECTIVE_TAG)
    assert (objective.step, objective.value) == (3, 0.5)
    content = events.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    shown = HParamsPluginData.FromString(content).session_start_info.hparams
    assert shown["optimizer.lr"].number_value == 0.1
    assert (shown["model.shape"].string_value, shown["state"].string_value) == ("[8, 4]", "PRUNED")


def test_other_loggers_get_state_and_objective(tmp_path: Path) -> None:
    logger = CSVLogger(tmp_path, name="", version="")
    log_hparams([logger], {"optimizer.lr": 0.1}, "PRUNED", 0.5, 3)
    logger.save()
    assert (tmp_path / "hparams.yaml").read_text() == "state: PRUNED\n"
    assert (tmp_path / "metrics.csv").read_text().splitlines() == ["objective,step", "0.5,3"]
