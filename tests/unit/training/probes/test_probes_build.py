"""Which epochs a config has measured, in a plain run and in a trial."""

from __future__ import annotations

from pathlib import Path

import pytest
from listener import Listener
from omegaconf import OmegaConf
from tiny import small

from tunesmith.objective import Objective
from tunesmith.reporting import hand_over
from tunesmith.training.probes.build import build_probes
from tunesmith.training.record import RunRecord


@pytest.fixture
def record(tmp_path: Path) -> RunRecord:
    return RunRecord(tmp_path, Objective("val/loss", "min"), Listener())


@pytest.mark.parametrize(("wanted", "of_run", "of_trial"), [("auto", True, False), ("true", True, True)])
def test_auto_measures_each_epoch_of_a_plain_run_alone(
    wanted: str, of_run: bool, of_trial: bool, record: RunRecord
) -> None:
    cfg = small(f"probes={wanted}")
    of_plain = build_probes(cfg, record)
    with hand_over(Listener()):
        of_sweep = build_probes(cfg, record)
    assert of_plain is not None
    assert of_sweep is not None
    assert (of_plain.is_each_epoch, of_sweep.is_each_epoch) == (of_run, of_trial)


def test_false_measures_nothing(record: RunRecord) -> None:
    assert build_probes(small("probes=false"), record) is None


def test_a_config_without_the_key_has_the_default(record: RunRecord) -> None:
    assert build_probes(OmegaConf.masked_copy(small(), ["seed"]), record) is not None
