"""Faults planted in a training that works: each as overrides, with the names of the findings that are right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from planted_data import planted_file
from recording import DATA, Job
from sets import DEV, HELD_OUT, NUMBERS, batch_size, scale, train_size

SEEDS = range(5)
SGD = ("optimizer=sgd", "scheduler=none")
NO_NORM = ("model.batch_norm=false",)
NO_STOP = ("callbacks=none", "scheduler=none")
DEEP_SIGMOID = ("model.activation=sigmoid", "model.dropout=0", *NO_NORM)
PLAIN = "model.dropout=0"
SORTED = ("data=csv", "data.target=y", "data.split=group", "data.split_column=group", "data.shuffle=false")
# Stands for the number of training samples.
ALL = "{all}"


@dataclass(frozen=True)
class Plant:
    """A fault.

    names: of the findings that are right, the main one first. task: all | classes | numbers | tables (no images).
    change, strength: of the data, see planted_data; None: the data set as it is.
    """

    name: str
    names: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    task: str = "all"
    change: str | None = None
    strength: float = 1.0
    harm: str = "test"


def _ended(end: str) -> tuple[str, ...]:
    return ("model._target_=planted_models.Ended", f"+model.end={end}", *NO_NORM)


TOO_HIGH = ("learning_rate_too_high", "diverged")
DEV_PLANTS = (
    Plant("lr_x1000_sgd", TOO_HIGH, (*SGD, "optimizer.lr=10", *NO_NORM)),
    Plant("lr_x100_adam", TOO_HIGH, ("optimizer.lr=0.1", *NO_NORM)),
    Plant("lr_x100_adam_norm", TOO_HIGH, ("optimizer.lr=0.1",)),
    Plant("momentum_995", TOO_HIGH, (*SGD, "optimizer.momentum=0.995", *NO_NORM)),
    Plant("lr_by_1000", ("learning_rate_too_low",), ("optimizer.lr=1e-6",)),
    Plant("zeros", ("zero_weights",), ("model.initializer=zeros", *NO_NORM)),
    Plant("zeros_norm", ("zero_weights",), ("model.initializer=zeros",)),
    Plant("dead_bias", ("dead_units",), ("model._target_=planted_models.Biased", "+model.bias=-20", *NO_NORM)),
    Plant("inputs_x1000", ("unscaled_inputs",), ("data.scale=none", *NO_NORM), change="inputs", strength=1000),
    Plant("sigmoid_8_layers", ("vanishing_gradients",), (*DEEP_SIGMOID, "model.num_layers=8")),
    Plant(
        "init_x4",
        ("exploding_init", "diverged"),
        (*SGD, "model._target_=planted_models.Scaled", "+model.gain=4", "model.num_layers=5", PLAIN, *NO_NORM),
    ),
    Plant("labels_shuffled", ("labels_tell_nothing",), change="shuffled"),
    Plant("label_noise_40", ("noisy_labels",), change="noise", strength=0.4),
    Plant("units_2", ("too_small_or_short",), ("model.hidden_units=2",)),
    Plant("dropout_9", ("too_regularised",), ("model.dropout=0.9",)),
    Plant("weight_decay_1", ("too_regularised",), ("optimizer.weight_decay=1", *NO_NORM)),
    Plant("weight_decay_1_norm", ("too_regularised",), ("optimizer.weight_decay=1",)),
    Plant(
        "overfit",
        ("overfitting",),
        ("data.fraction=0.15", "model.num_layers=3", "model.hidden_units=512", PLAIN, *NO_STOP),
        harm="last",
    ),
    Plant("batch_all", ("too_few_steps",), ("data.batch_size={all}",)),
    Plant("patience_1", ("stopped_too_early",), (*SGD, "callbacks.early_stopping.patience=1")),
    Plant("epochs_3", ("stopped_too_early",), ("trainer.max_epochs=3", "optimizer.lr=3e-4")),
    Plant("end_softmax", ("squashed_outputs",), _ended("softmax"), "classes"),
    Plant("end_sigmoid", ("squashed_outputs",), _ended("sigmoid")),
    Plant("end_relu", ("squashed_outputs",), _ended("relu"), "numbers"),
    Plant("end_tanh", ("squashed_outputs",), _ended("tanh"), "numbers"),
    Plant("sorted", ("unshuffled",), SORTED, "csv", "sorted_csv"),
    Plant("val_copies", ("duplicates",), change="val_copies", strength=0.2, harm="presence"),
    Plant("oversampled", ("duplicates",), change="oversampled", strength=0.25, harm="presence"),
    Plant("shifted", ("shift",), change="shifted", strength=1.5),
    Plant("give_away", ("give_away",), change="give_away", strength=0.99, harm="presence"),
    Plant("targets_raw", ("unscaled_targets",), ("data.scale_targets=false",), "numbers"),
    Plant("targets_x1000", ("unscaled_targets",), ("data.scale_targets=false",), "numbers", "targets", 1000),
    Plant("imbalance", ("imbalance",), task="classes", change="thinned", strength=16),
    Plant("val_2_percent", ("few_validation_samples",), ("data.val_fraction=0.02",)),
)

# Of each data set, what an expert would leave as it is; the first one is what the plants' harm is measured by.
HEALTHY = {
    "default": (),
    "sgd": ("optimizer=sgd", "optimizer.lr=0.05"),
    "adamw_3_layers": ("optimizer=adamw", "model.num_layers=3"),
    "no_norm": NO_NORM,
    "no_dropout": (PLAIN,),
    "wide": ("model.hidden_units=256",),
}

# Other strengths and depths; the thresholds have not seen them.
HELD_OUT_PLANTS = (
    Plant("lr_x300_sgd_4_layers", TOO_HIGH, (*SGD, "optimizer.lr=3", "model.num_layers=4", *NO_NORM)),
    Plant("lr_x30_adam", TOO_HIGH, ("optimizer.lr=0.03", "model.num_layers=4", "scheduler=none", *NO_NORM)),
    Plant("lr_x300_adam", TOO_HIGH, ("optimizer.lr=0.3", "model.num_layers=1", *NO_NORM)),
    Plant("lr_x1000_rmsprop", TOO_HIGH, ("optimizer=rmsprop", "optimizer.lr=1", *NO_NORM)),
    Plant("momentum_99_lr_01", TOO_HIGH, (*SGD, "optimizer.lr=0.1", "optimizer.momentum=0.99", *NO_NORM)),
    Plant("lr_by_100_sgd", ("learning_rate_too_low",), (*SGD, "optimizer.lr=1e-5", "model.num_layers=4")),
    Plant("lr_by_300", ("learning_rate_too_low",), ("optimizer.lr=3e-6", "model.num_layers=1", *NO_NORM)),
    Plant("zeros_4_layers", ("zero_weights",), ("model.initializer=zeros", "model.num_layers=4", *NO_NORM)),
    Plant(
        "dead_bias_1_layer",
        ("dead_units",),
        ("model._target_=planted_models.Biased", "+model.bias=-30", "model.num_layers=1", *NO_NORM),
    ),
    Plant("inputs_x300", ("unscaled_inputs",), ("data.scale=none", *NO_NORM), change="inputs", strength=300),
    Plant("sigmoid_6_layers", ("vanishing_gradients",), (*DEEP_SIGMOID, "model.num_layers=6")),
    Plant(
        "init_x3",
        ("exploding_init", "diverged"),
        (*SGD, "model._target_=planted_models.Scaled", "+model.gain=3", "model.num_layers=6", PLAIN, *NO_NORM),
    ),
    Plant("labels_shuffled_1_layer", ("labels_tell_nothing",), ("model.num_layers=1",), change="shuffled"),
    Plant("label_noise_25", ("noisy_labels",), change="noise", strength=0.25),
    Plant("label_noise_50", ("noisy_labels",), ("model.num_layers=3",), change="noise", strength=0.5),
    Plant("units_1", ("too_small_or_short",), ("model.hidden_units=1", PLAIN)),
    Plant("dropout_8", ("too_regularised",), ("model.dropout=0.8", "model.num_layers=4")),
    Plant("weight_decay_03", ("too_regularised",), ("optimizer.weight_decay=0.3", *NO_NORM)),
    Plant(
        "overfit_10_percent",
        ("overfitting",),
        ("data.fraction=0.1", "model.num_layers=4", "model.hidden_units=256", PLAIN, *NO_STOP),
        harm="last",
    ),
    Plant("batch_all_sgd", ("too_few_steps",), (*SGD, "data.batch_size={all}", "optimizer.lr=0.03")),
    Plant("patience_2", ("stopped_too_early",), (*SGD, "callbacks.early_stopping.patience=2", "model.dropout=0.5")),
    Plant("epochs_5", ("stopped_too_early",), (*SGD, "trainer.max_epochs=5", "optimizer.lr=0.003")),
    Plant("end_softmax_4_layers", ("squashed_outputs",), (*_ended("softmax"), "model.num_layers=4"), "classes"),
    Plant("end_relu_classes", ("squashed_outputs",), _ended("relu"), "classes"),
    Plant("end_sigmoid_1_layer", ("squashed_outputs",), (*_ended("sigmoid"), "model.num_layers=1")),
    Plant("end_tanh_adamw", ("squashed_outputs",), (*_ended("tanh"), "optimizer=adamw"), "numbers"),
    Plant("sorted_sgd", ("unshuffled",), (*SORTED, "optimizer=sgd"), "csv", "sorted_csv"),
    Plant("val_copies_8", ("duplicates",), change="val_copies", strength=0.08, harm="presence"),
    Plant("oversampled_10", ("duplicates",), change="oversampled", strength=0.1, harm="presence"),
    Plant("shifted_1", ("shift",), change="shifted", strength=1.0),
    Plant("drift", ("shift",), ("data.split=time",), change="drift", strength=0.9),
    Plant("give_away_97", ("give_away",), change="give_away", strength=0.97, harm="presence"),
    Plant("targets_x30", ("unscaled_targets",), ("data.scale_targets=false",), "numbers", "targets", 30),
    Plant("imbalance_12", ("imbalance",), task="classes", change="thinned", strength=12),
    Plant("val_3_percent", ("few_validation_samples",), ("data.val_fraction=0.03",)),
)


def dev_jobs() -> list[Job]:
    """Return the development runs: all plants of one seed before those of the next one."""
    return list(_jobs("dev", DEV_PLANTS, DEV))


def held_out_jobs() -> list[Job]:
    """Return runs on data sets, depths and strengths that no threshold was set on; nets of images too."""
    return [*_jobs("heldout", HELD_OUT_PLANTS, HELD_OUT, range(3)), *_jobs_of_nets(range(3))]


def _jobs(group: str, plants: Sequence[Plant], sets: Sequence[str], seeds: Sequence[int] = SEEDS) -> Iterator[Job]:
    for seed in seeds:
        for name in sets:
            for setting, overrides in HEALTHY.items():
                yield make_job(group, Plant(f"healthy_{setting}", (), overrides), name, seed)
        for plant in plants:
            yield from (make_job(group, plant, name, seed) for name in sets if fits(plant, name))


def fits(plant: Plant, name: str) -> bool:
    """Whether a plant can be planted in a data set."""
    is_numbers = name in NUMBERS
    return {"classes": not is_numbers, "numbers": is_numbers, "csv": name != "mnist_5k"}.get(plant.task, True)


def make_job(group: str, plant: Plant, name: str, seed: int) -> Job:
    """Return the training of a plant on a data set."""
    file = None
    data: tuple[str, ...] = (f"data={name}",)
    if plant.change is not None or name in ("blobs", "waves"):
        file = planted_file(plant.change or "plain", name, seed, plant.strength)
        data = ("data=npz", f"data.batch_size={batch_size(name)}", f"data.scale={scale(name)}")
    typed = plant.overrides
    if file is not None:
        own = tuple(text for text in typed if text.startswith("data="))
        typed = (*(text for text in typed if text not in own), f"data.path={DATA}")
        data = (*(own or data[:1]), *data[1:])
    overrides = tuple(text.replace(ALL, str(train_size(name))) for text in (*data, *typed))
    return Job(group, plant.name, name, seed, overrides, plant.names, plant.harm, file)


# Nets that are no multilayer perceptron, on pictures; learning rate, regularisation and length have the same keys.
_NETS = {"cnn": ("model=cnn",), "residual": ("model=residual",)}
_OF_NETS = (
    Plant("lr_x1000_sgd", TOO_HIGH, (*SGD, "optimizer.lr=10")),
    Plant("lr_x100_adam", TOO_HIGH, ("optimizer.lr=0.1", "scheduler=none")),
    Plant("lr_by_1000", ("learning_rate_too_low",), ("optimizer.lr=1e-6",)),
    Plant("labels_shuffled", ("labels_tell_nothing",), change="shuffled"),
    Plant("label_noise_40", ("noisy_labels",), change="noise", strength=0.4),
    Plant("batch_all", ("too_few_steps",), ("data.batch_size={all}",)),
    Plant("epochs_2", ("stopped_too_early",), ("trainer.max_epochs=2", "optimizer.lr=1e-4")),
    Plant("val_copies", ("duplicates",), change="val_copies", strength=0.15, harm="presence"),
    Plant("shifted", ("shift",), change="shifted", strength=1.2),
)
_OF_CNN = (
    Plant("zeros", ("zero_weights",), ("model.initializer=zeros", *NO_NORM)),
    Plant("channels_1", ("too_small_or_short",), ("model.channels=[1]",)),
    Plant("dropout_85", ("too_regularised",), ("model.dropout=0.85",)),
)


def _jobs_of_nets(seeds: Sequence[int]) -> Iterator[Job]:
    for seed in seeds:
        for net, model in _NETS.items():
            plants = (Plant("healthy_default", ()), *_OF_NETS, *(_OF_CNN if net == "cnn" else ()))
            for plant in plants:
                whole = Plant(f"{net}_{plant.name}", plant.names, (*model, *plant.overrides), "all", *_rest(plant))
                yield make_job("heldout", whole, "digits", seed)


def _rest(plant: Plant) -> tuple[str | None, float, str]:
    return plant.change, plant.strength, plant.harm
