"""What cannot be refitted is refused before anything is trained."""

from __future__ import annotations

import pytest
from engines import configured

from tunesmith.errors import UserError
from tunesmith.training.refit_config import check_refit, refit_fields


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        pytest.param("data._target_=lightning.LightningDataModule", r"data\._target_=lightning\.Light", id="data"),
        pytest.param("learner._target_=lightning.LightningModule", r"learner\._target_=lightning\.", id="learner"),
        pytest.param("objective.others=[parameters]", r"objective\.others=\['parameters'\], as no trial", id="others"),
        pytest.param("trainer.devices=2", r"trainer\.devices=2; got true: a refit takes one device", id="devices"),
    ],
)
def test_what_cannot_be_refitted_is_refused(typed: str, message: str) -> None:
    with pytest.raises(UserError, match=rf"^refit must be false with {message}"):
        check_refit(configured("refit=true", typed))
    check_refit(configured(typed))


def test_a_learner_that_brings_its_data_is_refused() -> None:
    cfg = configured("refit=true")
    cfg.data = None
    with pytest.raises(
        UserError, match=r"^refit must be false with data\._target_=None, which does not train on its val"
    ):
        check_refit(cfg)


@pytest.mark.parametrize(
    "typed",
    ["data._target_=tunesmith.data.datamodule.DataModule", "learner=denoiser", "learner=autoencoder"],
)
def test_ours_and_subclasses_of_ours_are_taken(typed: str) -> None:
    check_refit(configured("refit=true", typed))


def test_the_config_of_another_run_is_no_refits() -> None:
    assert refit_fields(configured("refit=true")) is None
