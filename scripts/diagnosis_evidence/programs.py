"""The published faulty programs as configs: DeepFD's benchmark (Cao et al., ICSE 2022), shapes by DeepLocalize (2021).

Each row has the settings of the program, cut where the fault stays the same kind, and those of its patch. The rows, and
what is accepted as a diagnosis of each, were written down before anything was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import program_data as made
from program_data import FIRST_SEED, Maker, write_data
from recording import DATA, DataFile, Job

# Groups of recorded runs.
PUBLISHED, UNPUBLISHED = "programs", "programs_other"
# What Keras does by itself, and no early stopping.
KERAS = ("data.scale=none", "data.scale_targets=false", "data.val_fraction=0.2", "scheduler=none", "callbacks=none")
OWN_NET = ("model=linear", "model._target_=program_models.ProgramNet", "~model.bias", "~model.initializer")


@dataclass(frozen=True)
class Program:
    """A program as it was asked about, and as its patch has it.

    data: what makes it, or the name of a data set that ships; faulty, fixed: overrides.
    names: accepted findings, the main one first.
    truth: DeepFD's words; is_counted: whether the row is in the denominator; fixed_data: if the fault is in the data.
    """

    name: str
    data: str | Maker
    faulty: tuple[str, ...]
    fixed: tuple[str, ...]
    names: tuple[str, ...]
    truth: str
    is_counted: bool = True
    fixed_data: Maker | None = None


def program_jobs(programs: Sequence[Program], group: str, seeds: range) -> Iterator[Job]:
    """Yield the trainings of programs: folders such as programs/48385830/faulty/0 and programs/48385830/fixed/0."""
    for program in programs:
        for seed in seeds:
            for kind in ("faulty", "fixed"):
                yield _job(program, kind == "faulty", group, seed)


def _job(program: Program, is_faulty: bool, group: str, seed: int) -> Job:
    data, file = _data(program.data if is_faulty else program.fixed_data or program.data, seed)
    overrides = (*data, *KERAS, *(program.faulty if is_faulty else program.fixed))
    kind, names = ("faulty", program.names) if is_faulty else ("fixed", ())
    return Job(group, program.name, kind, seed, overrides, names, "last", file)


def _data(data: str | Maker, seed: int) -> tuple[tuple[str, ...], DataFile | None]:
    if isinstance(data, str):
        return (f"data={data}", f"data.split_seed={FIRST_SEED + seed}"), None
    file = DataFile(f"{data.__name__}-{FIRST_SEED + seed}.npz", partial(write_data, data, seed))
    return ("data=npz", f"data.path={DATA}"), file


def mlp(widths: str, activation: str = "relu", *more: str) -> tuple[str, ...]:
    """Return the overrides of model=mlp as Keras would make it; widths: such as 50,30."""
    plain = ("model.batch_norm=false", "model.dropout=0", "model.initializer=xavier")
    return (f"model.shape=[{widths}]", f"model.activation={activation}", *plain, *more)


def own_net(widths: str, activation: str, end: str, *more: str) -> tuple[str, ...]:
    """Return the overrides of a net of the user's own; activation: a name, or [...] of one a hidden layer."""
    net = (f"+model.widths=[{widths}]", f"+model.activation={activation}", f"+model.end={end}")
    return (*OWN_NET, *net, *more)


def trained(optimizer: str, lr: float, epochs: int, batch: int, *more: str) -> tuple[str, ...]:
    """Return the overrides of a training; 120 of 200 rows are all that train: a fifth validates, a fifth tests."""
    momentum = ("optimizer.momentum=0",) if optimizer == "sgd" else ()
    alpha = ("+optimizer.alpha=0.9",) if optimizer == "rmsprop" else ()  # Keras: rho
    rate = (f"optimizer={optimizer}", f"optimizer.lr={lr}", *momentum, *alpha)
    return (*rate, f"trainer.max_epochs={epochs}", f"data.batch_size={batch}", *more)


_NORMAL = ("+model.deviation=1.0", "+model.bias_deviation=1.0")
_SMALL = ("+model.deviation=0.05",)

PROGRAMS = (
    Program(
        "48385830",
        "mnist_5k",
        (*own_net("30", "none", "none", *_NORMAL), *trained("sgd", 3, 10, 10), "loss=cross_entropy"),
        (*own_net("30", "sigmoid", "none", *_NORMAL), *trained("sgd", 0.3, 10, 10), "loss=cross_entropy"),
        ("learning_rate_too_high", "diverged", "exploding_init"),
        "Activation; Loss; Learning rate",
    ),
    Program(
        "31556268",
        made.xor,
        (
            *own_net("4", "sigmoid", "sigmoid"),
            *trained("sgd", 0.05, 1000, 120, "optimizer.momentum=0.11", "optimizer.nesterov=true", "loss=mae"),
        ),
        (*own_net("4", "sigmoid", "sigmoid"), *trained("adam", 0.01, 3000, 120, "loss=mse")),
        (
            *("learning_rate_too_low", "stopped_too_early", "too_small_or_short", "vanishing_gradients"),
            "squashed_outputs",
        ),
        "Loss; Epoch; Learning rate; Optimizer",
    ),
    Program(
        "48251943",
        made.signed,
        (*own_net("4", "relu", "relu"), *trained("sgd", 0.01, 50, 10, "loss=mse")),
        (*own_net("4", "relu", "none"), *trained("sgd", 0.01, 50, 10, "loss=mse")),
        ("squashed_outputs",),
        "Activation",
    ),
    Program(
        "55328966",
        made.mnist_raw,
        (*own_net("784,50", "relu", "sigmoid"), *trained("sgd", 1e-4, 10, 32)),
        (*own_net("784,50", "relu", "none"), *trained("adam", 1e-4, 10, 32), "data.scale=global"),
        ("unscaled_inputs", "squashed_outputs", "learning_rate_too_low"),
        "Activation; Optimizer; Missing Preprocess",
    ),
    Program(
        "31880720",
        made.ones_or_zeros,
        (*own_net("50,50", "relu", "only_unit", "+model.dropout=0.2"), *trained("rmsprop", 1e-3, 3, 32)),
        (*own_net("50,50", "relu", "none", "+model.dropout=0.2"), *trained("rmsprop", 1e-3, 3, 32)),
        ("squashed_outputs", "stopped_too_early"),
        "Activation; Epoch",
    ),
    Program(
        "48934338",
        made.cubic_noise,
        (*mlp("50,30"), *trained("sgd", 0.1, 1000, 32, "loss=mse")),
        (*mlp("50,30"), *trained("sgd", 1e-4, 1000, 32, "loss=mse")),
        ("learning_rate_too_high", "diverged", "dead_units"),
        "Learning rate",
    ),
    Program(
        "59278771",
        "iris",
        (*own_net("4", "relu", "sigmoid", *_SMALL), *trained("adam", 1e-3, 200, 5)),
        (*own_net("4", "elu", "none"), *trained("sgd", 0.01, 200, 5), "data.scale=standard"),
        ("squashed_outputs", "unscaled_inputs", "learning_rate_too_low"),
        "Activation; Optimizer; Missing Preprocess",
    ),
    Program(
        "48221692",
        made.parabola,
        (*own_net("5", "sigmoid", "sigmoid"), *trained("sgd", 0.01, 1000, 121, "loss=mse")),
        (*own_net("5", "sigmoid", "none"), *trained("sgd", 0.01, 1000, 121, "loss=mse")),
        ("squashed_outputs", "unscaled_targets"),
        "Activation",
    ),
    Program(
        "44066044",
        made.packets,
        (*own_net("12,12", "relu", "relu", *_SMALL), *trained("adam", 1e-3, 100, 5)),
        (*own_net("12,12", "relu", "none"), *trained("adam", 1e-3, 100, 5), "data.scale=standard"),
        ("unscaled_inputs", "squashed_outputs"),
        "Missing Preprocess",
    ),
    Program(
        "45442843",
        made.threshold,
        (*own_net("1", "sigmoid", "only_unit"), *trained("rmsprop", 1e-3, 100, 200, "loss=mae")),
        (*own_net("1", "sigmoid", "sigmoid"), *trained("adam", 1e-3, 100, 200, "loss=mse")),
        ("squashed_outputs", "unscaled_inputs", "stopped_too_early", "too_small_or_short"),
        "Loss; Optimizer; Activation; Epoch",
    ),
    Program(
        "41977498",
        made.three_gaussians,
        (*mlp("8"), *trained("rmsprop", 1e-3, 10, 32)),
        (*mlp("8"), *trained("adam", 0.01, 100, 32)),
        ("learning_rate_too_low", "stopped_too_early", "too_small_or_short"),
        "Optimizer; Learning rate; Epoch",
    ),
    Program(
        "44998910",
        made.polynomial,
        (*mlp("10", "tanh"), *trained("sgd", 0.01, 50, 32, "loss=mse")),
        (*mlp("10", "tanh"), *trained("sgd", 0.03, 400, 32, "loss=mse")),
        ("learning_rate_too_low", "stopped_too_early", "too_small_or_short"),
        "Learning rate; Epoch",
    ),
    Program(
        "47932589",
        made.prices,
        ("model=linear", "model.initializer=xavier", *trained("sgd", 0.01, 50, 32, "loss=mse")),
        (
            *("model=linear", "model.initializer=xavier", *trained("sgd", 0.01, 50, 32, "loss=mse")),
            *("data.scale=standard", "data.scale_targets=true"),
        ),
        ("unscaled_inputs", "unscaled_targets", "diverged"),
        "Missing Preprocess",
    ),
    Program(
        "gol_nn",
        made.game_of_life,
        (*mlp("10,20"), *trained("adam", 1e-3, 5, 64)),
        (*mlp("10,20"), *trained("adam", 0.01, 10, 64)),
        ("learning_rate_too_low", "stopped_too_early", "too_small_or_short"),
        "Loss; Epoch; Learning rate",
    ),
    Program(
        "31627380",
        made.passengers,
        (*mlp("512", "relu", "model.dropout=0.5"), *trained("adam", 1e-3, 10, 4)),
        (*mlp("512", "relu", "model.dropout=0.5"), *trained("sgd", 0.01, 10, 4), "data.scale=standard"),
        ("unscaled_inputs", "learning_rate_too_high"),
        "Optimizer; Activation; Loss",
        is_counted=False,
    ),
    Program(
        "46995209",
        made.sine,
        (*own_net("10,90" + ",10" * 9, f"[tanh,tanh{',relu' * 9}]", "none"), *trained("sgd", 0.01, 30, 32, "loss=mse")),
        (*mlp("10,25"), *trained("sgd", 0.01, 30, 32, "loss=mse"), "data.scale=standard"),
        ("vanishing_gradients", "unscaled_inputs", "dead_units", "too_small_or_short"),
        "Activation; Missing Preprocess; Layer Properties; Wrong Layers",
        is_counted=False,
    ),
)


def is_counted(name: str) -> bool:
    """Whether a program is in the denominator; those that are not published all are."""
    return all(each.is_counted for each in PROGRAMS if each.name == name)
