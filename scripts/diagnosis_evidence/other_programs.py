"""Faulty programs as beginners ask about them, none of them published: on these a rule may be looked at and mended."""

from __future__ import annotations

from dataclasses import replace

import other_data as made
from program_data import Maker
from programs import Program, mlp, own_net, trained

SCALED, RAW = ("data.scale=standard",), ("data.scale=none",)
NUMBERS = ("loss=mse",)
TARGETS = ("data.scale_targets=true",)

Settings = tuple[str, ...]


def _program(
    name: str, data: str | Maker, faulty: Settings, fixed: Settings, *names: str, same: Settings = ()
) -> Program:
    """same: settings that the fix leaves as they are."""
    return Program(name, data, (*same, *faulty), (*same, *fixed), names, truth="")


def _end(
    name: str, data: str | Maker, widths: str, end: str, *names: str, same: Settings, fixed: Settings = ()
) -> Program:
    """A program that squashes its outputs."""
    nets = (own_net(widths, "relu", each) for each in (end, "none"))
    faulty, mended = nets
    return _program(name, data, faulty, (*mended, *fixed), *names, same=same)


OUTPUTS = (
    _end("relu_end", made.returns, "32,16", "relu", "squashed_outputs", same=trained("adam", 0.005, 60, 16, *NUMBERS)),
    _end(
        *("tanh_end", made.temperatures, "20", "tanh", "squashed_outputs", "unscaled_targets"),
        same=trained("adam", 0.01, 100, 32, *NUMBERS),
        fixed=TARGETS,
    ),
    _end(
        *("sigmoid_end", made.ages, "24,12", "sigmoid", "squashed_outputs", "unscaled_targets"),
        same=trained("adam", 0.003, 80, 32, *NUMBERS),
        fixed=TARGETS,
    ),
    _end(
        *("tanh_end_signed", made.quadrants, "40,40", "tanh", "squashed_outputs"),
        same=trained("adam", 3e-3, 60, 32, *NUMBERS),
    ),
    _end("softmax_twice", "digits", "64", "softmax", "squashed_outputs", same=(*trained("sgd", 0.05, 15, 32), *SCALED)),
    _end("sigmoid_twice", made.five_blobs, "30", "sigmoid", "squashed_outputs", same=trained("sgd", 0.03, 40, 32)),
    _end(
        "relu_logits", made.identified, "12", "relu", "squashed_outputs", same=(*trained("adam", 3e-3, 80, 16), *SCALED)
    ),
    _end(
        *("softmax_of_one", "breast_cancer", "30", "only_unit", "squashed_outputs"),
        same=(*trained("adam", 3e-3, 40, 32), *SCALED),
    ),
    _program(
        *("mae_sigmoid", made.moons_as_numbers),
        (*own_net("8", "sigmoid", "sigmoid"), *trained("sgd", 0.01, 100, 16, "loss=mae")),
        *((*own_net("8", "relu", "none"), *trained("adam", 0.01, 200, 16, "loss=mse")), "learning_rate_too_low"),
        *("stopped_too_early", "squashed_outputs", "too_small_or_short"),
    ),
)

SCALES = (
    _program(
        *("large_column", made.customers, RAW, SCALED, "unscaled_inputs"),
        same=(*mlp("32,32"), *trained("adam", 1e-3, 30, 32)),
    ),
    _program(
        *("large_column_sgd", made.customers, RAW, SCALED, "unscaled_inputs"),
        same=(*mlp("16"), *trained("sgd", 0.1, 60, 32)),
    ),
    _program("ids", made.identified, RAW, SCALED, "unscaled_inputs", same=(*mlp("48"), *trained("adam", 1e-3, 40, 32))),
    _program(
        *("seconds", made.sensor, RAW, SCALED, "unscaled_inputs", "diverged"),
        same=(*mlp("32,32"), *trained("sgd", 0.01, 40, 32, *NUMBERS)),
    ),
    _program("wine_raw", "wine", RAW, SCALED, "unscaled_inputs", same=(*mlp("16"), *trained("sgd", 0.01, 50, 16))),
    _program(
        *("saturated", "breast_cancer", RAW, SCALED, "unscaled_inputs"),
        same=(*mlp("8,8", "sigmoid"), *trained("sgd", 0.1, 40, 32)),
    ),
    _program(
        *("raw_high_rate", "breast_cancer", RAW, SCALED, "unscaled_inputs", "learning_rate_too_high"),
        same=(*mlp("64"), *trained("sgd", 0.1, 30, 32)),
    ),
    _program(
        *("salaries_sgd", made.salaries, (), TARGETS, "unscaled_targets", "diverged"),
        same=(*mlp("32"), *trained("sgd", 0.01, 40, 32, *NUMBERS)),
    ),
    _program(
        *("salaries_adam", made.salaries, (), TARGETS),
        *("unscaled_targets", "learning_rate_too_low", "stopped_too_early"),
        same=(*mlp("64,32"), *trained("adam", 1e-3, 50, 32, *NUMBERS)),
    ),
    _program(
        *("diabetes_raw", "diabetes", (), TARGETS, "unscaled_targets", "learning_rate_too_low", "stopped_too_early"),
        same=(*mlp("16"), *trained("adam", 1e-3, 50, 32, *NUMBERS), *SCALED),
    ),
)

RATES = (
    _program(
        *("few_epochs", "digits", trained("sgd", 0.01, 5, 64), trained("sgd", 0.1, 40, 64), "stopped_too_early"),
        *("learning_rate_too_low", "too_small_or_short"),
        same=(*mlp("64", "sigmoid"), *SCALED),
    ),
    _program(
        *("adam_short", made.five_blobs, trained("adam", 1e-4, 12, 32), trained("adam", 3e-3, 30, 32)),
        *("learning_rate_too_low", "stopped_too_early", "too_small_or_short"),
        same=mlp("24"),
    ),
    _program(
        *("sgd_tiny_rate", "digits", trained("sgd", 1e-5, 30, 32), trained("sgd", 0.05, 30, 32)),
        *("learning_rate_too_low", "stopped_too_early"),
        same=(*mlp("128"), *SCALED),
    ),
    _program(
        *("tiny_rate_numbers", "diabetes", trained("adam", 1e-5, 25, 32, *NUMBERS)),
        *(trained("adam", 1e-3, 40, 32, *NUMBERS), "learning_rate_too_low", "stopped_too_early"),
        same=(*mlp("48,24"), *SCALED, *TARGETS),
    ),
    _program(
        *("sine_like", made.quadrants, trained("sgd", 1e-3, 40, 64, *NUMBERS)),
        *(trained("adam", 5e-3, 80, 64, *NUMBERS), "learning_rate_too_low", "stopped_too_early"),
        "too_small_or_short",
        same=mlp("20,20", "tanh"),
    ),
    _program(
        *("adam_high", "digits", trained("adam", 0.1, 20, 64), trained("adam", 1e-3, 20, 64)),
        *("learning_rate_too_high", "dead_units"),
        same=(*mlp("64,64,64,64"), *SCALED),
    ),
    _program(
        *("rmsprop_high", made.five_blobs, trained("rmsprop", 0.3, 30, 32), trained("rmsprop", 1e-3, 30, 32)),
        *("learning_rate_too_high", "dead_units", "diverged"),
        same=mlp("40,40"),
    ),
    _program(
        *("sgd_high", made.quadrants, trained("sgd", 2, 60, 16, *NUMBERS), trained("sgd", 0.05, 60, 16, *NUMBERS)),
        *("learning_rate_too_high", "dead_units", "diverged"),
        same=mlp("64,64"),
    ),
    _program(
        *("sgd_high_sigmoid", "digits", trained("sgd", 30, 20, 32), trained("sgd", 0.3, 20, 32)),
        *("learning_rate_too_high", "diverged"),
        same=(*mlp("48", "sigmoid"), *SCALED),
    ),
    _program(
        *("momentum", "wine", trained("sgd", 0.3, 40, 16, "optimizer.momentum=0.99"), trained("sgd", 0.02, 40, 16)),
        *("learning_rate_too_high", "diverged", "dead_units"),
        same=(*mlp("32,32"), *SCALED),
    ),
    _program(
        *("whole_batch", "digits", trained("sgd", 0.05, 15, 1077), trained("sgd", 0.05, 15, 32), "too_few_steps"),
        *("learning_rate_too_low", "stopped_too_early"),
        same=(*mlp("64"), *SCALED),
    ),
)

SHORT = ("stopped_too_early", "learning_rate_too_low", "too_small_or_short")
SHORT_RUNS = (
    _program(
        *("short_rmsprop", "wine", trained("rmsprop", 1e-3, 12, 32), trained("adam", 0.01, 60, 32), *SHORT),
        same=(*mlp("10"), *SCALED),
    ),
    _program(
        *("short_adam", made.circles, trained("adam", 1e-3, 15, 32), trained("adam", 0.01, 80, 32), *SHORT),
        same=mlp("12"),
    ),
    _program(
        *("short_blobs", made.five_blobs, trained("rmsprop", 5e-4, 8, 32), trained("adam", 5e-3, 60, 32), *SHORT),
        same=mlp("16"),
    ),
    _program(
        *("slow_tanh", made.quadrants, trained("sgd", 0.01, 60, 32, *NUMBERS), trained("sgd", 0.1, 500, 32, *NUMBERS)),
        *SHORT,
        same=mlp("12", "tanh"),
    ),
    _program(
        *("slow_numbers", made.returns, trained("sgd", 1e-3, 40, 16, *NUMBERS)),
        *(trained("sgd", 0.03, 100, 16, *NUMBERS), *SHORT),
        same=mlp("10", "tanh"),
    ),
)

NETS = (
    _program(
        *("deep_sigmoid", made.five_blobs, mlp("32,32,32,32,32,32", "sigmoid"), mlp("32,32,32,32,32,32", "relu")),
        "vanishing_gradients",
        same=trained("sgd", 0.1, 40, 32),
    ),
    _program(
        *("small_weights", "digits", own_net("64,64,64", "tanh", "none", "+model.deviation=0.001")),
        *(own_net("64,64,64", "tanh", "none"), "vanishing_gradients", "zero_weights", "learning_rate_too_low"),
        same=(*trained("sgd", 0.05, 20, 32), *SCALED),
    ),
    _program(
        *("large_weights", "digits", own_net("128,128,128,128", "relu", "none", "+model.deviation=1.0")),
        *(own_net("128,128,128,128", "relu", "none"), "exploding_init", "diverged"),
        same=(*trained("sgd", 0.01, 20, 32), *SCALED),
    ),
    _program(
        *("zeros", made.five_blobs, (*mlp("32,32"), "model.initializer=zeros"), mlp("32,32"), "zero_weights"),
        "dead_units",
        same=trained("adam", 1e-3, 40, 32),
    ),
    _program(
        *("all_alike", "digits", (*mlp("64,64", "tanh"), "model.initializer=0.05"), mlp("64,64", "tanh")),
        *("zero_weights", "too_small_or_short"),
        same=(*trained("sgd", 0.05, 20, 32), *SCALED),
    ),
    _program(
        *("linear_circles", made.circles, own_net("16,16", "none", "none"), own_net("16,16", "relu", "none")),
        *("too_small_or_short", "labels_tell_nothing"),
        same=trained("adam", 0.01, 60, 32),
    ),
    _program(
        "two_units", "digits", mlp("2"), mlp("64"), "too_small_or_short", same=(*trained("adam", 3e-3, 40, 32), *SCALED)
    ),
    _program(
        *("one_unit_numbers", made.quadrants, mlp("1"), mlp("48"), "too_small_or_short", "labels_tell_nothing"),
        same=trained("adam", 0.01, 80, 32, *NUMBERS),
    ),
    _program(
        *("dropout", "digits", ("model.dropout=0.8",), (), "too_regularised", "too_small_or_short"),
        same=(*mlp("24,24"), *trained("adam", 1e-3, 30, 32), *SCALED),
    ),
    _program(
        *("decay", made.five_blobs, ("optimizer.weight_decay=1.0",), (), "too_regularised", "too_small_or_short"),
        same=(*mlp("32"), *trained("sgd", 0.05, 40, 32)),
    ),
)

MANY_EPOCHS = _program(
    *("many_epochs", made.few_rows, trained("adam", 5e-3, 300, 16, *NUMBERS), trained("adam", 1e-3, 25, 16, *NUMBERS)),
    *("overfitting", "noisy_labels"),
    same=mlp("128,128"),
)
COIN = _program(
    *("coin", made.coin, (), (), "labels_tell_nothing", "overfitting", "noisy_labels"),
    same=(*mlp("64"), *trained("adam", 1e-3, 40, 32)),
)

OTHER_PROGRAMS = (*OUTPUTS, *SCALES, *RATES, *SHORT_RUNS, *NETS, MANY_EPOCHS, replace(COIN, fixed_data=made.told_coin))
