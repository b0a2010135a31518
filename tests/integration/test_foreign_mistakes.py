"""What a foreign learner cannot do here is one line, at its second epoch at the latest."""

from __future__ import annotations

from pathlib import Path

import pytest
from foreign.cases import Case, case
from foreign.runs import trained

from tunesmith.errors import UserError
from tunesmith.run_folder import read_metrics

pytestmark = pytest.mark.filterwarnings("ignore:Attribute 'net' is an instance of `nn.Module` and is already saved")


@pytest.mark.parametrize(
    ("one", "typed", "line"),
    [
        pytest.param(
            case("odd_checkpoint", "points"),
            (),
            r"learner: a checkpoint must hold plain values and tensors alone; got 'where'",
            id="a checkpoint of objects",
        ),
        pytest.param(
            case("plain", "points"),
            (
                "objective.metric=val/f2",
                "objective.mode=min",
            ),
            r"objective\.metric must be a logged metric; got 'val/f2'",
            id="a metric that is never logged",
        ),
        pytest.param(
            case("plain", "points"),
            ("objective.metric=val/f2", "objective.mode=min", "callbacks=default"),
            r"objective\.metric must be a metric that the learner logs; got 'val/f2'",
            id="a metric that is never logged, with early stopping",
        ),
        pytest.param(
            case("gan", "points"),
            ("trainer.gradient_clip_val=1.0",),
            r"trainer: Automatic gradient clipping is not supported for manual optimization",
            id="clipping of manual optimization",
        ),
        pytest.param(
            case("gan", "points"),
            ("trainer.accumulate_grad_batches=2",),
            r"trainer: Automatic gradient accumulation is not supported for manual optimization",
            id="accumulation of manual optimization",
        ),
        pytest.param(
            case("template", "template"),
            ("find_lr=true",),
            r"the learning-rate finder needs learner=supervised or a subclass of it; got MNISTLitModule",
            id="the learning-rate finder",
        ),
        pytest.param(
            case("plain", "points"),
            ("+trainer.max_steps=2",),
            r"trainer\.max_steps must reach the first validation, after batch 4; got 2, whose last batch is 2",
            id="no epoch",
        ),
    ],
)
def test_a_mistake_is_one_line_by_the_second_epoch(
    one: Case, typed: tuple[str, ...], line: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=f"^{line}"):
        trained(one, tmp_path, *typed)
    assert len(read_metrics(tmp_path)) <= 1
