"""A run in a terminal: by each engine the lines of a pipe, above a bar."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from bar_screen import Printed, printed_to_terminal
from engines import ENGINES, by_engine, configured
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar, TQDMProgressBar
from listener import Listener
from omegaconf import DictConfig

from tunesmith.training import run_bar
from tunesmith.training.lr_finder import find_lr
from tunesmith.training.refit import refit
from tunesmith.training.run import train_in

EPOCHS = 3


@pytest.fixture(autouse=True)
def drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRAW_INTERVAL_S", "LOOK_INTERVAL_S"):
        monkeypatch.setattr(run_bar, name, 0)


def config(engine: str, *typed: str) -> DictConfig:
    return by_engine(engine, configured(f"trainer.max_epochs={EPOCHS}", *typed))


@pytest.fixture
def in_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Printed]:
    def train(cfg: DictConfig, reporter: Listener | None = None) -> Printed:
        with printed_to_terminal(monkeypatch) as screen:
            train_in(cfg, tmp_path, reporter or Listener())
        return screen

    return train


def seen(screen: Printed) -> list[str]:
    """Return what the bars have named, each once: fold and epoch, and a validation."""
    found = [re.match(r"(fold \d/\d  )?epoch \d+(/\d+)?(  validation)?", bar) for bar in screen.bars]
    return list(dict.fromkeys(match[0] for match in found if match))


@pytest.mark.parametrize("engine", ENGINES)
def test_it_prints_the_lines_of_a_pipe_above_a_bar_that_goes(
    engine: str, in_terminal: Callable[..., Printed], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tunesmith")
    screen = in_terminal(config(engine))
    assert screen.lines == caplog.messages
    shown = [message for message in caplog.messages if not message.startswith("data: ")]  # it warns of small data once
    assert [line.split("  ")[0] for line in shown] == [
        *("data", "samples", "model", "device", "folder"),
        *(f"epoch {epoch}/{EPOCHS}" for epoch in range(1, EPOCHS + 1)),
    ]
    epochs = [f"epoch {epoch}/{EPOCHS}{part}" for epoch in range(1, EPOCHS + 1) for part in ("", "  validation")]
    assert seen(screen) == epochs
    caplog.clear()
    train_in(config(engine), tmp_path, Listener())
    assert caplog.messages == shown


@pytest.mark.parametrize("engine", ENGINES)
def test_one_bar_goes_over_all_folds(engine: str, in_terminal: Callable[..., Printed]) -> None:
    screen = in_terminal(config(engine, "data.folds=2", "trainer.max_epochs=2"))
    lines = [line.split("  train")[0] for line in screen.lines if line.startswith("epoch")]
    assert lines == [f"epoch {epoch}/2  fold {fold}/2" for fold in (1, 2) for epoch in (1, 2)]
    assert [text for text in seen(screen) if "validation" not in text] == [
        f"fold {fold}/2  epoch {epoch}/2" for fold in (1, 2) for epoch in (1, 2)
    ]
    assert [len(re.findall(f"{share}%", screen.text)) > 0 for share in (0, 25, 50, 75)] == [True] * 4


class Interrupted(Listener):
    """Presses Ctrl-C at a batch."""

    def poll(self) -> None:
        super().poll()
        if self.polls == 5:
            print("five batches")
            raise KeyboardInterrupt


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_takes_the_bar_away_and_the_run_goes_on_from_where_it_was(
    engine: str, in_terminal: Callable[..., Printed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = config(engine)
    with printed_to_terminal(monkeypatch) as screen, pytest.raises(KeyboardInterrupt):
        train_in(cfg, tmp_path, Interrupted())
    assert screen.lines[-1] == "five batches"
    cfg.ckpt_path = str(tmp_path / "checkpoints" / "last.ckpt")
    again = in_terminal(cfg)
    assert seen(again)[0] == f"epoch 2/{EPOCHS}"
    assert "goes on      after epoch 1" in again.lines


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refit_goes_to_its_own_last_epoch(
    engine: str, in_terminal: Callable[..., Printed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = config(engine)
    in_terminal(cfg, Listener())
    best = (tmp_path / "result.yaml").read_text().partition("\nepoch: ")[2].split()[0]
    with printed_to_terminal(monkeypatch) as screen:
        refit(tmp_path, cfg)
    epochs = [line for line in screen.lines if line.startswith("epoch")]
    assert epochs[-1].startswith(f"epoch {best}/{best}  train")
    assert seen(screen)[-1] == f"epoch {best}/{best}"


def test_the_learning_rate_test_has_a_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with printed_to_terminal(monkeypatch) as screen:
        find_lr(config("lightning", "lr_finder.steps=40"), tmp_path)
    steps = [match[1] for bar in screen.bars if (match := re.match(r"learning-rate test  step (\d+)/40", bar))]
    assert steps == list(map(str, range(41)))


@pytest.mark.parametrize(
    "typed",
    [["+trainer.max_steps=4"], ["+trainer.max_time={minutes:9}"], ["trainer.max_epochs=-1", "+trainer.max_steps=4"]],
    ids=["steps", "time", "no last epoch"],
)
def test_no_share_of_a_run_that_steps_or_time_end(typed: list[str], in_terminal: Callable[..., Printed]) -> None:
    screen = in_terminal(config("lightning", *typed))
    assert "epoch 1  0:0" in screen.text
    assert not re.search(r"\d%", screen.text)


def test_validations_within_an_epoch(in_terminal: Callable[..., Printed]) -> None:
    screen = in_terminal(config("lightning", "+trainer.val_check_interval=1", "trainer.max_epochs=1"))
    assert seen(screen) == ["epoch 1/1", "epoch 1/1  validation"]
    assert [line.split("  train")[0] for line in screen.lines if "step" in line] == [
        f"epoch 1/1  step {step}" for step in (1, 2, 3)
    ]


def test_early_stopping_makes_the_time_a_bound(
    in_terminal: Callable[..., Printed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_bar, "LEAST_SECONDS", 0)
    for engine in ENGINES:
        assert "at most 0:0" in in_terminal(config(engine, "callbacks=default")).text
        assert "at most" not in in_terminal(config(engine)).text


@pytest.mark.parametrize("theirs", [TQDMProgressBar, RichProgressBar])
def test_a_bar_of_the_config_takes_the_place_of_ours(
    theirs: type[ProgressBar], in_terminal: Callable[..., Printed]
) -> None:
    name = f"lightning.pytorch.callbacks.{theirs.__name__}"
    screen = in_terminal(config("lightning", f"+callbacks.bar._target_={name}"))
    text = re.sub(r"\x1b\[[0-9?;]*[A-Za-z]|\r", "\n", screen.text)
    assert "Epoch 2/2" in text or "Epoch 2:" in text
    lines = [line.split("  ")[0] for line in text.split("\n") if line.startswith("epoch ")]
    assert list(dict.fromkeys(lines)) == [f"epoch {epoch}/{EPOCHS}" for epoch in range(1, EPOCHS + 1)]


@pytest.mark.parametrize("engine", ENGINES)
def test_lines_alone_if_no_bar_is_wanted(engine: str, in_terminal: Callable[..., Printed]) -> None:
    screen = in_terminal(config(engine, "+trainer.enable_progress_bar=false"))
    assert "\x1b" not in screen.text
    assert screen.lines[-1].startswith(f"epoch {EPOCHS}/{EPOCHS}")
