"""Findings of a training: the cause first, one each, and nothing of a healthy one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from tests.trainings import HEALTHY, NUMBERS, training
from tunesmith.insight.diagnosis.names import CAUTIONS, FAULTS
from tunesmith.insight.diagnosis.training_facts import TrainingFacts
from tunesmith.insight.findings import find_faults

FLAT = (1.0,) * 20
FALLING = tuple(1 - 0.03 * epoch for epoch in range(20))
OVERFIT = (*HEALTHY[:10], *(HEALTHY[9] + 0.04 * epoch for epoch in range(10)))
NOISY = (*(0.9 - 0.02 * epoch for epoch in range(10)), *(0.72 + 0.01 * epoch for epoch in range(10)))
AT_CHANCE = tuple(1 + 0.01 * epoch for epoch in range(20))
LONGER = {"trainer.max_epochs": 100}
SGD = {"optimizer._target_": "torch.optim.SGD", "optimizer.momentum": 0.9}
BOUNDED = {"output_min": 0.0, "output_max": 1.0, "output_sum_min": 0.4, "output_sum_max": 5.0}
SOFTMAX = {**BOUNDED, "output_sum_min": 0.99999, "output_sum_max": 1.00001}
RELU = {"output_min": 0.0, "output_max": 6.0, "output_zeros": 0.4}
TANH = {"output_min": -0.99, "output_max": 0.98}
RAW = {"inputs": {"abs_max": 255.0}}
FAR = NUMBERS | {"targets": {"mean": 150.0, "std": 77.0, "min": 25.0, "max": 346.0}}


def names(facts: TrainingFacts) -> list[str]:
    return [finding.name for finding in find_faults(facts)]


def classified(val: Sequence[float], accuracy: float) -> TrainingFacts:
    """Return a training on ten classes that has learnt its own part by heart, with a validation accuracy."""
    unit = math.log(10)
    facts = training(
        [loss * unit for loss in val],
        fit={20: 0.3 * unit},
        start=unit,
        data={"classes": {"train": [100] * 10}, "prior_loss": {"train": unit, "val": unit}},
    )
    return replace(facts, epochs=[{**row, "val/acc": accuracy} for row in facts.epochs])


def by_heart(val: float) -> TrainingFacts:
    return training([0.5, *[val] * 19], fit={20: 0.0})


def scheduled(factor: float) -> TrainingFacts:
    """Return a training whose learning rate is multiplied by a factor each epoch."""
    facts = training([0.4] * 20)
    return replace(facts, epochs=[{**row, "lr": factor ** row["epoch"]} for row in facts.epochs])


# Each fault beside the nearest training that has none.
@pytest.mark.parametrize(
    ("name", "faulty", "healthy"),
    [
        pytest.param(
            "zero_weights", training(FLAT, weights=(0, 0, 0), grads=(0, 0, 0), update=0), training(weights=(5, 5, 0))
        ),
        pytest.param(
            "unscaled_inputs",
            training([0.3] * 20, start=50, data=RAW, config={"data.scale": "none"}),
            training(data=RAW),
        ),
        pytest.param(
            "squashed_outputs",
            training(outputs=SOFTMAX),
            training(outputs={**SOFTMAX, "output_max": 1.5}),
            id="softmax",
        ),
        pytest.param(
            "squashed_outputs",
            training(outputs=BOUNDED),
            training(outputs={**BOUNDED, "output_min": -0.1}),
            id="sigmoid",
        ),
        pytest.param(
            "squashed_outputs", training(outputs=RELU), training(outputs=RELU | {"output_zeros": 0.0}), id="relu"
        ),
        pytest.param(
            "squashed_outputs", training(outputs=TANH), training(outputs=TANH | {"output_max": 0.6}), id="tanh"
        ),
        pytest.param(
            "squashed_outputs",
            training(outputs=BOUNDED, data=NUMBERS),
            training(outputs=BOUNDED, data=NUMBERS | {"targets": {"mean": 0.5, "std": 0.3, "min": 0.0, "max": 1.0}}),
            id="sigmoid on numbers beyond its bounds, and within",
        ),
        pytest.param(
            "unscaled_targets",
            training([0.3] * 20, start=4, data=FAR),
            training([0.3] * 20, data=NUMBERS | {"targets": {"mean": 3.0, "std": 2.0, "min": -2.0, "max": 9.0}}),
        ),
        pytest.param(
            "unscaled_targets",
            training([0.3] * 20, start=4, data=FAR),
            training(start=4, data=FAR),
            id="targets that are far, and overcome",
        ),
        pytest.param("exploding_init", training([0.3] * 20, start=1e3), training(start=3.5)),
        pytest.param("exploding_init", training([6.0, math.nan], start=6), training(start=6), id="exploding and NaN"),
        pytest.param(
            "dead_units", training(FLAT, grads=(0, 0, 0), dead={0: 1.0, 1: 1.0}), training(dead={0: 0.5, 1: 0.5})
        ),
        pytest.param("vanishing_gradients", training(FLAT, grads=(1e-7, 1e-4, 1)), training(grads=(0.05, 0.2, 1))),
        pytest.param(
            "learning_rate_too_high", training([0.3] * 20, dead={1: 0.4}), training([0.3] * 20, dead={1: 0.04, 20: 0.5})
        ),
        pytest.param(
            "learning_rate_too_high",
            training([0.3, 0.6] * 10, update=2e-2),
            training([0.3, 0.33] * 10, update=2e-2),
            id="learning rate: loss swings",
        ),
        pytest.param(
            "learning_rate_too_high",
            training(OVERFIT, config=SGD | {"optimizer.lr": 0.01, "optimizer.momentum": 0.995}),
            training(config=SGD | {"optimizer.lr": 0.01, "optimizer.momentum": 0.995}),
            id="momentum: loss rises",
        ),
        pytest.param(
            "learning_rate_too_high",
            training([1.0, math.nan], config=SGD | {"optimizer.lr": 10.0}),
            training(config={"optimizer.lr": 0.1}),
            id="NaN by the rate",
        ),
        pytest.param("diverged", training([1.0, math.nan]), training()),
        pytest.param("learning_rate_too_low", training(FLAT, update=1e-5), training(update=1e-5), id="rate too low"),
        pytest.param("overfitting", by_heart(0.35), by_heart(0.25), id="classes learnt by heart"),
        pytest.param("learning_rate_too_low", scheduled(0.1), scheduled(0.9), id="rate that falls at once"),
        pytest.param(
            "overfitting",
            training([0.5, *[0.1] * 19], fit={20: 0.0}, config={"data.fraction": 0.1}),
            training([0.5, *[0.1] * 19], fit={20: 0.0}),
            id="few rows learnt by heart",
        ),
        pytest.param(
            "stopped_too_early",
            training([0.5, 0.6], config=LONGER | {"callbacks.early_stopping.patience": 1}),
            training([0.5, 0.6], config=LONGER | {"callbacks.early_stopping.patience": 5}),
            id="patience, at once",
        ),
        pytest.param("labels_tell_nothing", training(AT_CHANCE, fit={20: 0.6}), training(HEALTHY, fit={20: 0.0})),
        pytest.param(
            "too_regularised", training(FALLING, config={"model.dropout": 0.9}), training(config={"model.dropout": 0.9})
        ),
        pytest.param(
            "too_regularised",
            training(FALLING, config={"optimizer.weight_decay": 1.0}),
            training(config={"optimizer._target_": "torch.optim.AdamW", "optimizer.weight_decay": 0.1}),
            id="weight decay",
        ),
        pytest.param(
            "too_few_steps",
            training(FALLING, config={"data.batch_size": 1000}),
            training(config={"data.batch_size": 1000}),
        ),
        pytest.param("stopped_too_early", training([0.9, 0.7, 0.5]), training([0.9, 0.2, 0.09])),
        pytest.param(
            "stopped_too_early",
            training(FALLING, config=LONGER | {"callbacks.early_stopping.patience": 1}),
            training(FALLING, config=LONGER | {"callbacks.early_stopping.patience": 10}),
            id="patience",
        ),
        pytest.param(
            "too_small_or_short",
            training(FALLING, config={"model.hidden_units": 2}),
            training(config={"model.hidden_units": 2}),
        ),
        pytest.param(
            "too_small_or_short",
            training([0.5] * 20, config={"model.hidden_units": 2}),
            training([0.5] * 20),
            id="few units, over",
        ),
        pytest.param("overfitting", training(OVERFIT, fit={20: 0.01}), training(OVERFIT[:12], fit={12: 0.01})),
        pytest.param("noisy_labels", classified(NOISY, 0.55), classified(NOISY, 0.4), id="classes: errors everywhere"),
    ],
)
def test_a_fault_is_named_alone_and_its_healthy_neighbour_has_none(
    name: str, faulty: TrainingFacts, healthy: TrainingFacts
) -> None:
    assert names(faulty) == [name]
    assert names(healthy) == []


CHECK = {"name": "shift", "text": "shift: income", "evidence": {"column": "income", "shift": 9.0}, "threshold": "3"}


def test_faults_of_the_data_come_first_as_the_checks_said_them() -> None:
    found = find_faults(training(FLAT, update=1e-5, data={"checks": [CHECK]}))
    assert [finding.name for finding in found] == ["shift", "learning_rate_too_low"]
    assert (found[0].text, dict(found[0].evidence)) == ("shift: income", {"column": "income", "shift": 9.0})


def test_how_a_training_ended_follows_from_faults_of_its_data() -> None:
    assert names(training(OVERFIT, fit={20: 0.01}, data={"checks": [CHECK]})) == ["shift"]


def test_rare_classes_make_a_usual_start_look_bad_against_a_constant_answer() -> None:
    rare = {"classes": {"train": [990, 10]}, "prior_loss": {"train": 0.056, "val": 0.056}}
    facts = training([0.8 * 0.056] * 20, start=0.69, data=rare)
    assert names(facts) == ["imbalance"]


def test_two_epochs_are_too_few_to_say_that_labels_tell_nothing_or_that_a_net_is_small() -> None:
    assert names(training([1.0, 1.3], fit={1: 0.7, 2: 0.6})) == []
    assert names(training([0.99, 0.97], fit={1: 0.98, 2: 0.95})) == ["stopped_too_early"]


def test_a_few_steps_say_nothing_of_the_net_but_that_they_are_few() -> None:
    whole = {"data.batch_size": 1000}
    falls = [1 - 0.001 * epoch for epoch in range(30)]
    fit = dict(enumerate(falls, 1))
    assert names(training(falls, fit=fit, config=whole)) == ["too_few_steps"]
    many = {"samples": {"train": 8000, "val": 300}}
    assert names(training(falls, fit=fit, config=whole, data=many)) == ["too_small_or_short"]


def test_a_training_that_early_stopping_has_ended_in_time_does_not_overfit() -> None:
    facts = training([0.5, *[0.35] * 19], fit={20: 0.0}, config=LONGER)
    assert names(facts) == []
    assert names(replace(facts, config=training(val=[0.35] * 20).config)) == ["overfitting"]


def test_unscaled_inputs_explain_a_loss_that_is_no_number() -> None:
    facts = training([math.nan], start=50, data=RAW, config={"data.scale": "none", **SGD, "optimizer.lr": 10.0})
    assert names(facts)[0] == "unscaled_inputs"


def test_inputs_that_are_not_scaled_harm_nothing_behind_a_batch_norm() -> None:
    assert names(training(data=RAW, config={"data.scale": "none"})) == []


def test_units_that_die_with_a_high_rate_are_not_called_dead_before() -> None:
    assert (
        names(training(FLAT, dead={0: 0.0, 1: 1.0, 20: 1.0}, config={"optimizer.lr": 0.1}))[0]
        == "learning_rate_too_high"
    )


def test_a_net_of_few_units_that_is_dead_at_the_start_is_called_small_first() -> None:
    (finding,) = find_faults(training(FLAT, dead={0: 1.0}, config={"model.hidden_units": 1}))
    assert (finding.name, finding.one_of) == ("too_small_or_short", ("too_small_or_short", "dead_units"))


def test_absolute_errors_are_judged_by_the_squares_that_they_stand_for() -> None:
    facts = training([0.4] * 20, fit={20: 0.02}, data=NUMBERS, config={"loss._target_": "torch.nn.L1Loss"})
    assert names(facts) == []  # .4 of the absolute error are .16 of the squared one
    assert names(replace(facts, config=training().config, data=training().data)) == ["overfitting"]


def test_a_rate_that_no_weights_would_stand_comes_before_how_they_began() -> None:
    facts = training([math.nan], start=60, config=SGD | {"optimizer.lr": 3.0})
    assert names(facts) == ["learning_rate_too_high"]
    assert names(replace(facts, config=training(config=SGD | {"optimizer.lr": 0.01}).config)) == ["exploding_init"]


def test_of_a_loss_of_ones_own_steps_alone_tell_a_rate_too_low() -> None:
    own = {"prior_loss": {"train": None, "val": None}}
    assert names(training(FLAT, update=1e-6, data=own)) == ["learning_rate_too_low"]
    assert names(training(FLAT, update=2e-4, data=own)) == []
    assert names(training(FLAT, update=1e-6, data=own, config={"weights": "best.ckpt"})) == []


def test_targets_and_rate_of_plain_sgd_cannot_be_told_apart() -> None:
    (finding,) = find_faults(training([math.nan], start=4, data=FAR, config=SGD | {"optimizer.lr": 0.01}))
    assert finding.one_of == ("unscaled_targets", "learning_rate_too_high")


def test_of_targets_that_are_not_very_far_the_rate_comes_first_unless_it_is_a_low_one() -> None:
    near = NUMBERS | {"targets": {"mean": 25.0, "std": 20.0, "min": -30.0, "max": 90.0}}
    thrown = training([1.1] * 20, start=2.5, data=near, dead={1: 1.0}, config=SGD | {"optimizer.lr": 0.1})
    (finding,) = find_faults(thrown)
    assert finding.one_of == ("learning_rate_too_high", "unscaled_targets")
    low = training(config=SGD | {"optimizer.lr": 1e-3})
    assert names(replace(thrown, config=low.config)) == ["unscaled_targets"]


def test_what_rises_on_both_parts_is_no_overfitting() -> None:
    worse = training([1 + 0.05 * epoch for epoch in range(20)], fit=dict.fromkeys(range(1, 21), 1.0))
    assert names(worse) == ["too_small_or_short"]


def test_a_low_rate_is_doubted_first_if_nothing_was_learnt() -> None:
    fit = dict.fromkeys(range(1, 21), 0.96)
    facts = training(AT_CHANCE, fit=fit, config=SGD | {"optimizer.lr": 0.01, "optimizer.momentum": 0.0})
    assert names(facts) == ["learning_rate_too_low"]
    assert names(replace(facts, config=training(config=SGD | {"optimizer.lr": 0.03}).config)) == ["too_small_or_short"]


def test_the_same_answer_to_each_sample_shows_no_bound() -> None:
    outputs = BOUNDED | {"output_min": 0.1, "output_max": 0.7, "output_spread": 1e-4}
    assert names(training(FLAT, outputs=outputs, grads=(1e-7, 1e-4, 1))) == ["vanishing_gradients"]


def test_a_loss_that_falls_slowly_to_the_end_is_unfinished_if_most_is_left() -> None:
    slowly = tuple(0.8 - 0.005 * epoch for epoch in range(20))
    assert names(training(slowly)) == ["stopped_too_early"]
    assert names(training([loss - 0.4 for loss in slowly])) == []


def test_short_steps_and_a_loss_that_still_falls_have_one_of_several_causes() -> None:
    (finding,) = find_faults(training(FALLING, update=8e-4))
    assert finding.one_of == ("learning_rate_too_low", "stopped_too_early", "too_small_or_short")
    assert names(training(update=8e-4)) == []


@pytest.mark.parametrize("state", ["PRUNED", "FAIL", ""], ids=["pruned", "failed", "goes on"])
def test_what_has_not_come_to_its_end_has_not_stopped_too_early(state: str) -> None:
    assert names(training([0.9, 0.7, 0.5], state=state)) == []


def test_a_loss_that_falls_while_the_accuracy_stays_high_has_not_stopped_too_early() -> None:
    facts = training([0.9, 0.7, 0.5])
    alike = replace(facts, epochs=[{**row, "val/acc": 0.97} for row in facts.epochs])
    better = replace(facts, epochs=[{**row, "val/acc": 0.92 + 0.02 * row["epoch"]} for row in facts.epochs])
    assert (names(alike), names(better)) == ([], ["stopped_too_early"])


def test_labels_tell_something_as_long_as_the_loss_still_falls() -> None:
    slowly = tuple(0.998 - 0.001 * epoch for epoch in range(20))
    assert "labels_tell_nothing" not in names(training(slowly, fit={20: 0.8}))


def test_a_rise_that_the_tuned_metric_does_not_follow_is_no_overfitting() -> None:
    facts = training(OVERFIT, fit={20: 0.01}, metric="val/acc", mode="max")
    accuracy = [{**row, "val/acc": 0.9} for row in facts.epochs]
    assert names(replace(facts, epochs=accuracy)) == []


def test_a_rise_beyond_chance_is_overfitting_however_few_the_samples() -> None:
    few = {"samples": {"train": 48, "val": 12}}
    fit = {20: 0.0}
    assert names(training([0.4, 0.4, *[3.0] * 18], fit=fit, data=few))[0] == "overfitting"
    assert names(training([0.4, 0.4, *[0.75] * 18], fit=fit, data=few)) == []


def test_what_rises_while_early_stopping_waits_is_no_overfitting() -> None:
    facts = training(OVERFIT, fit={20: 0.01})
    assert names(facts) == ["overfitting"]
    assert names(replace(facts, config=training(OVERFIT, config=LONGER).config)) == []


def test_a_part_of_the_data_that_early_stopping_ended_is_no_overfitting() -> None:
    """search=subset_then_full trains its first trials on an eighth of the data, on purpose."""
    by_heart, few = [0.5, *[0.1] * 19], {"data.fraction": 0.125}
    assert names(training(by_heart, fit={20: 0.0}, config=few)) == ["overfitting"]
    assert names(training(by_heart, fit={20: 0.0}, config=few | LONGER)) == []


def test_a_loss_that_falls_below_zero_has_no_prior_loss_as_its_unit() -> None:
    assert names(training([0.5, *[-2.0] * 9, *[-1.0] * 10], fit={20: -2.0})) == []


DAMAGED = (
    math.nan,
    math.inf,
    -math.inf,
    -3,
    0,
    1e308,
    5e-324,
    10**400,
    "x",
    "nan",
    None,
    [],
    {},
    [10**400],
    [math.nan],
)


@pytest.mark.parametrize("value", DAMAGED, ids=lambda value: str(value)[:9])
def test_damaged_values_are_no_evidence(value: object) -> None:
    config = ("data.batch_size", "data.fraction", "optimizer.lr", "optimizer.momentum", "optimizer.weight_decay")
    config += ("model.hidden_units", "model.dropout", "trainer.max_epochs", "trainer.accumulate_grad_batches", "l1")
    data = ("prior_loss", "samples", "classes", "inputs", "targets", "checks", "give_away", "order")
    inside = ({"train": value, "val": value, "test": value}, {"mean": value, "std": value, "min": value, "max": value})
    for facts in (training(), training(OVERFIT, fit={20: 0.01}), training(FLAT, update=1e-5), training([math.nan])):
        for key in config:
            assert not any(
                "nan" in each.text for each in find_faults(replace(facts, config=_with(facts.config, key, value)))
            )
        for key in data:
            for held in (value, *inside):
                assert not any(
                    "nan" in each.text for each in find_faults(replace(facts, data={**facts.data, key: held}))
                )


def _with(config: Mapping[str, object], key: str, value: object) -> dict[str, object]:
    """Return a config with another value at a dotted key."""
    group, _, name = key.rpartition(".")
    held = config.get(group)
    return (
        {**config, name: value}
        if not group
        else {**config, group: {**(held if isinstance(held, dict) else {}), name: value}}
    )


@pytest.mark.parametrize("lacking", ["layers", "looks", "data", "config", "epochs"])
def test_what_was_not_measured_is_no_fault(lacking: str) -> None:
    assert names(replace(training(), **{lacking: type(getattr(training(), lacking))()})) == []


def test_outputs_that_look_squashed_on_unknown_data_are_told_without_their_range() -> None:
    (finding,) = find_faults(replace(training(outputs=SOFTMAX), data={}))
    assert finding.text.endswith("targets are numbers")


def test_small_outputs_of_a_net_that_has_hardly_learnt_are_not_bounded() -> None:
    assert "squashed_outputs" not in names(training([0.9] * 20, outputs=TANH))


def test_a_training_of_which_nothing_is_known_has_no_findings() -> None:
    assert find_faults(TrainingFacts()) == []


def test_cautions_come_last() -> None:
    counts = {"classes": {"train": [900, 30], "val": [9, 1]}, "samples": {"train": 930, "val": 10}}
    assert names(training(FLAT, update=1e-5, data=counts)) == ["learning_rate_too_low", *CAUTIONS]


@pytest.mark.parametrize(
    ("classes", "known"),
    [
        ({"train": [50, 40]}, "an accuracy of 0.9 is known to +- 0.20"),
        (None, "a mean squared error is known to +- 94%"),
    ],
    ids=["of classes", "of numbers"],
)
def test_few_samples_say_how_well_a_metric_of_theirs_is_known(classes: object, known: str) -> None:
    (found,) = find_faults(training(data={"samples": {"train": 1000, "val": 9}, "classes": classes}))
    assert known in found.text


def test_a_small_data_set_is_not_blamed_for_its_validation_part() -> None:
    assert names(training(data={"samples": {"train": 90, "val": 30}})) == []


def test_each_finding_says_what_was_measured_and_beyond_which_threshold_by_whom() -> None:
    (finding,) = find_faults(training(FLAT, update=1e-5))
    assert finding.evidence["update_ratio"] == 1e-5
    assert "1.0e-05" in finding.text
    assert "4e-04" in finding.threshold
    assert finding.source


def test_names_are_known_once() -> None:
    assert len({*FAULTS, *CAUTIONS}) == len(FAULTS) + len(CAUTIONS) == 23
