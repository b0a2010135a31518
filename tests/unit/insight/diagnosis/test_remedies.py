"""Remedies are made for the run at hand: keys that it has, values that it lacks, which the rules allow."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import zip_longest

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import check_config
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.remedies import remedies_of, with_remedies
from tunesmith.insight.diagnosis.training_facts import TrainingFacts
from tunesmith.notebook import compose

METRIC_NAMES = (
    "learning_rate_too_high",
    "learning_rate_too_low",
    "diverged",
    "exploding_init",
    "vanishing_gradients",
    "dead_units",
    "zero_weights",
    "unscaled_inputs",
    "unscaled_targets",
    "stopped_too_early",
    "too_regularised",
    "too_few_steps",
    "too_small_or_short",
    "unshuffled",
)
ADVICE_NAMES = ("squashed_outputs", "labels_tell_nothing", "noisy_labels", "duplicates")
OTHER_NAMES = ("overfitting", "shift", "give_away", "imbalance", "few_validation_samples")

FAULTY = ("model.activation=sigmoid", "model.batch_norm=false", "model.initializer=zeros", "model.num_layers=4")
FAULTY += (
    "data.scale=none",
    "data.scale_targets=false",
    "data.batch_size=256",
    "data.shuffle=false",
    "data.fraction=0.5",
)


_compose = cache(compose)


def _config(*overrides: str) -> DictConfig:
    """Compose the groups once for all tests; values are merged: composing takes 0.2 s."""
    groups = [text for text in overrides if "." not in text.partition("=")[0] and text.partition("=")[0] != "find_lr"]
    values = OmegaConf.from_dotlist([text for text in overrides if text not in groups])
    merged = OmegaConf.merge(_compose(*groups), values)
    assert isinstance(merged, DictConfig)
    return merged


def _facts(*overrides: str, num_epochs: int = 0, best_epoch: int | None = None, **data: object) -> TrainingFacts:
    config = OmegaConf.to_container(_config(*overrides), resolve=False)
    assert isinstance(config, dict)
    epochs = [{"epoch": float(epoch), "lr": 0.02} for epoch in range(1, num_epochs + 1)]
    return TrainingFacts(config=config, epochs=epochs, best_epoch=best_epoch, data=data)


def _first(name: str, *overrides: str, **facts: object) -> tuple[str, ...]:
    return remedies_of(name, _facts(*overrides, **facts)).overrides[0]


@pytest.mark.parametrize("model", ["mlp", "cnn", "linear", "residual"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_every_remedy_of_every_fault_is_a_config_that_the_rules_allow(model: str, optimizer: str) -> None:
    typed = [f"model={model}", f"optimizer={optimizer}", "data.shuffle=false", "data.batch_size=512"]
    facts = _facts(*typed, num_epochs=40, best_epoch=20)
    remedies = {remedy for name in (*METRIC_NAMES, *OTHER_NAMES) for remedy in remedies_of(name, facts).overrides}
    assert len(remedies) > 10
    values: dict[str, list[str]] = {}
    for text in {text for remedy in remedies for text in remedy}:
        values.setdefault(text.partition("=")[0], []).append(text)
    for together in zip_longest(*values.values()):  # a check of a config takes 0.1 s
        check_config(_config(*typed, *filter(None, together)))


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_each_fault_of_a_net_of_ours_has_a_remedy_that_promises_a_better_metric(name: str) -> None:
    found = remedies_of(name, _facts(*FAULTY, "model.dropout=0.9"))
    assert found.overrides
    assert found.gains == "metric"


@pytest.mark.parametrize("name", ADVICE_NAMES)
def test_what_no_override_mends_has_advice_and_promises_nothing(name: str) -> None:
    found = remedies_of(name, _facts())
    assert (found.overrides, found.gains) == ((), "nothing")
    assert found.advice


@pytest.mark.parametrize(
    ("name", "typed", "first"),
    [
        ("learning_rate_too_high", ("optimizer.lr=0.03",), "optimizer.lr=0.003"),
        ("learning_rate_too_high", ("optimizer.lr=1",), "optimizer.lr=0.001"),
        ("learning_rate_too_high", ("optimizer=sgd", "optimizer.momentum=0.995"), "optimizer.momentum=0.9"),
        ("learning_rate_too_low", ("optimizer.lr=1e-6",), "find_lr=true"),
        ("exploding_init", ("model.initializer=4",), "model.initializer=he"),
        ("exploding_init", ("model.batch_norm=false",), "model.batch_norm=true"),
        ("vanishing_gradients", ("model.activation=sigmoid",), "model.activation=relu"),
        ("vanishing_gradients", ("model.batch_norm=false",), "model.batch_norm=true"),
        ("zero_weights", ("model.initializer=zeros",), "model.initializer=he"),
        ("zero_weights", ("model.initializer=zeros", "model.activation=tanh"), "model.initializer=xavier"),
        ("dead_units", ("model.initializer=0.1",), "model.initializer=he"),
        ("dead_units", ("optimizer.lr=0.1",), "optimizer.lr=0.001"),
        ("dead_units", (), "model.activation=leaky_relu"),
        ("dead_units", ("model.hidden_units=1",), "model.hidden_units=4"),
        ("unscaled_inputs", ("data.scale=none",), "data.scale=standard"),
        ("unscaled_inputs", ("data=mnist_5k", "data.scale=none"), "data.scale=global"),
        ("too_regularised", ("model.dropout=0.9",), "model.dropout=0.45"),
        ("too_regularised", ("model.dropout=[0.9,0.8]",), "model.dropout=[0.45,0.4]"),
        ("too_regularised", ("optimizer.weight_decay=1",), "optimizer.weight_decay=0.01"),
        ("too_small_or_short", ("model.hidden_units=2",), "model.hidden_units=8"),
        ("too_small_or_short", ("trainer.max_epochs=3",), "trainer.max_epochs=6"),
        ("too_small_or_short", ("model.shape=[2,4]",), "model.shape=[8,16]"),
        ("stopped_too_early", ("trainer.max_epochs=3",), "trainer.max_epochs=6"),
        ("too_few_steps", ("trainer.accumulate_grad_batches=8",), "trainer.accumulate_grad_batches=1"),
        ("overfitting", (), "model.dropout=0.5"),
        ("imbalance", (), "data.class_weights=balanced"),
        ("few_validation_samples", (), "data.folds=5"),
        ("shift", ("data.split=time",), "data.split=random"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value) or "as shipped",
)
def test_the_first_remedy_turns_the_knob_that_the_config_has_at_an_extreme(
    name: str, typed: tuple[str, ...], first: str
) -> None:
    assert _first(name, *typed)[0] == first


def test_a_run_that_early_stopping_ended_gets_patience_first() -> None:
    typed = ("callbacks.early_stopping.patience=1", "scheduler=none")
    assert _first("stopped_too_early", *typed, num_epochs=7) == ("callbacks.early_stopping.patience=10",)
    assert _first("stopped_too_early", *typed, num_epochs=100) == ("trainer.max_epochs=200",)


@pytest.mark.parametrize(
    ("best_epoch", "num_epochs", "first"),
    [
        (30, 100, "trainer.max_epochs=60"),
        (4, 40, "trainer.max_epochs=14"),
        (30, 60, "model.dropout=0.5"),
        (12, 22, "model.dropout=0.5"),  # by early stopping
        (None, 40, "model.dropout=0.5"),
    ],
)
def test_a_run_that_went_on_long_after_its_best_epoch_ends_sooner_first(
    best_epoch: int | None, num_epochs: int, first: str
) -> None:
    typed = ("trainer.max_epochs=100",)
    assert _first("overfitting", *typed, num_epochs=num_epochs, best_epoch=best_epoch) == (first,)


def test_a_run_with_much_patience_gets_the_usual_one_which_a_plateau_schedule_needs_twice() -> None:
    typed = ("callbacks.early_stopping.patience=50", "scheduler=none")
    assert _first("overfitting", *typed) == ("callbacks.early_stopping.patience=10",)
    typed = ("callbacks.early_stopping.patience=50", "scheduler.patience=8")
    assert _first("overfitting", *typed) == ("callbacks.early_stopping.patience=16",)


def test_the_batch_is_small_enough_for_some_steps_an_epoch() -> None:
    assert _first("too_few_steps", "data.batch_size=4096", samples={"train": 5000}) == ("data.batch_size=64",)
    assert _first("too_few_steps", "data.batch_size=4096", samples={"train": 100}) == ("data.batch_size=8",)


def test_the_rate_of_sgd_is_sought_further_up() -> None:
    assert _first("learning_rate_too_low", "optimizer=sgd", "optimizer.lr=1e-5") == (
        "find_lr=true",
        "lr_finder.max_lr=1.0",
    )


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        (("scheduler=step", "scheduler.gamma=0.1", "scheduler.step_size=1"), "scheduler.gamma=0.9"),
        (("scheduler=step", "scheduler.gamma=0.95", "scheduler.step_size=1"), "scheduler.step_size=10"),
        (("scheduler.patience=0",), "scheduler.patience=5"),
    ],
)
def test_a_rate_that_a_schedule_takes_away_is_the_schedules_to_mend(typed: tuple[str, ...], first: str) -> None:
    whole = _facts(*typed)
    fallen = replace(whole, epochs=[{"epoch": epoch + 1.0, "lr": 0.1**epoch} for epoch in range(9)])
    assert remedies_of("learning_rate_too_low", fallen).overrides[0] == (first,)
    assert remedies_of("learning_rate_too_low", whole).overrides[0] == ("find_lr=true",)


def test_a_rate_that_the_finder_gave_is_lowered_from_what_it_gave() -> None:
    assert _first("learning_rate_too_high", "find_lr=true", num_epochs=3) == ("find_lr=false", "optimizer.lr=0.002")


def test_a_column_that_gives_the_target_away_is_quoted_whatever_its_name() -> None:
    facts = TrainingFacts(config={"data": {"drop": ["id"]}}, data={"give_away": {"column": "a],seed=[1", "score": 1.0}})
    ((drop,),) = remedies_of("give_away", facts).overrides
    parsed = OverridesParser.create().parse_override(drop)
    assert parsed.value() == ["id", "a],seed=[1"]


def test_a_foreign_learner_gets_only_keys_that_it_takes() -> None:
    config = {"learner": {"_target_": "mine.Learner", "lr": "${optimizer.lr}"}, **_own_groups()}
    facts = TrainingFacts(config=config)
    assert remedies_of("learning_rate_too_high", facts).overrides == (("optimizer.lr=0.01",), ("optimizer.lr=0.001",))
    assert remedies_of("learning_rate_too_low", facts).overrides == (("optimizer.lr=1.0",),)
    assert remedies_of("zero_weights", facts).overrides == ()


def test_a_config_that_holds_anything_has_no_remedies() -> None:
    config = {
        "learner": "${",
        "optimizer": [1],
        "model": None,
        "data": "${oc.env:HOME}",
        "trainer": {"max_epochs": "x"},
    }
    for name in (*METRIC_NAMES, *ADVICE_NAMES, *OTHER_NAMES, "of a later version"):
        assert remedies_of(name, TrainingFacts(config=config)).overrides == ()


def test_of_names_that_cannot_be_told_apart_the_first_remedy_of_each_comes_first() -> None:
    facts = _facts("model.hidden_units=2", "model.dropout=0.9")
    names = ("too_small_or_short", "too_regularised", "noisy_labels")
    found = with_remedies(Finding(names[0], "underfits", one_of=names), facts)
    assert found.remedies[:3] == (("model.hidden_units=8",), ("model.dropout=0.45",), ("trainer.max_epochs=200",))
    assert "worst samples" in str(found.advice)
    assert found.gains == "metric"


def _own_groups() -> dict[str, object]:
    return {"optimizer": {"_target_": "torch.optim.Adam", "lr": 0.1}, "model": {"initializer": "zeros"}}
