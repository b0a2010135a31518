"""Which values further arguments of Lightning's and torch's classes may take: those that no file of conf/ sets."""

from __future__ import annotations

from typing import Any

from tunesmith.rules import (
    BELOW_ONE,
    FLAG,
    NODE,
    NOT_NEGATIVE,
    POSITIVE,
    TEXT,
    Rule,
    either,
    integer,
    is_integer,
    is_list,
    list_of,
    number,
    one_of,
    or_null,
)

# Strategies whose processes each hold the whole model and are started by the same command.
STRATEGIES = ("auto", "ddp", "ddp_find_unused_parameters_true", "ddp_find_unused_parameters_false")
# Strategies whose processes each hold a part of it: no process has the plain checkpoint that a run goes on from.
SHARDED = ("FSDP", "DeepSpeed", "ModelParallel")
ACCELERATORS = ("auto", "cpu", "cuda", "gpu", "mps", "tpu")

WHOLE_MODEL = Rule(
    "a node with a _target_ whose processes each hold the whole model",
    lambda value: NODE.holds(value) and not any(name in str(value["_target_"]) for name in SHARDED),
)
PRECISIONS = ("32-true", "16-mixed", "bf16-mixed", "16-true", "bf16-true", "64-true")
_OLD_PRECISIONS = ("64", "32", "16", "bf16", "transformer-engine", "transformer-engine-float16")  # Lightning's too


def _are_devices(value: Any) -> bool:
    if isinstance(value, str):
        return value == "auto" or _are_devices(
            [int(part) if part.strip().isdigit() else -1 for part in value.split(",")]
        )
    if is_list(value):
        return all(is_integer(index) and index >= 0 for index in value) and len(set(value)) == len(value)
    return is_integer(value) and (value >= 1 or value == -1)


_BATCHES = or_null(
    Rule(
        "a number of batches, or a fraction below 1",
        lambda value: (is_integer(value) and value >= 0) or (isinstance(value, float) and 0 <= value <= 1),
    )
)
_ANY_NUMBER = or_null(number("of any size", lambda value: True))
_OPTIONAL_FLAG = or_null(FLAG)
_TWO = Rule(
    "two numbers in [0, 1)", lambda value: is_list(value) and len(value) == 2 and all(map(BELOW_ONE.holds, value))
)
_STEPS = either(integer(1), Rule("total_steps", lambda value: value == "total_steps"))
_LEAST = or_null(integer(1))

# Node -> argument that Supervised or the code hands over when it builds the node -> where its value comes from.
GIVEN_BY_CALLER: dict[str, dict[str, str]] = {
    "model": {
        "input_shape": "it is the shape of a sample of the data",
        "output_size": "it is the number of classes, or of numbers to predict, of the data",
    },
    "learner": {"data": "it is the data module of data=NAME"},
    "optimizer": {"params": "they are the weights of the model"},
    "scheduler": {"optimizer": "it is that of optimizer=NAME"},
    "trainer": {
        "logger": "logger=NAME chooses it",
        "callbacks": "+callbacks.NAME._target_=package.Class adds one",
        "default_root_dir": "it is hydra.run.dir",
    },
}

# `_target_` -> argument -> rule, as in rule_table.py.
TRAINING_TARGETS: dict[str, dict[str, Rule]] = {
    "lightning.*Trainer": {
        "devices": Rule("an integer >= 1, -1 (all GPUs), auto, or a list of GPUs such as [0,2]", _are_devices),
        "precision": or_null(
            Rule(one_of(*PRECISIONS).says, lambda value: str(value) in (*PRECISIONS, *_OLD_PRECISIONS))
        ),
        "num_nodes": integer(1),
        "min_epochs": _LEAST,
        "min_steps": _LEAST,
        "limit_train_batches": or_null(
            either(integer(1), number("in (0, 1]", lambda value: isinstance(value, float) and 0 < value <= 1))
        ),
        "limit_val_batches": _BATCHES,
        "limit_test_batches": _BATCHES,
        "limit_predict_batches": _BATCHES,
        "overfit_batches": _BATCHES,
        "num_sanity_val_steps": or_null(integer(-1)),
        "log_every_n_steps": or_null(integer(0)),
        "reload_dataloaders_every_n_epochs": integer(0),
        "profiler": or_null(either(NODE, one_of("simple", "advanced", "pytorch", "xla"))),
        "enable_checkpointing": _OPTIONAL_FLAG,
        "enable_progress_bar": _OPTIONAL_FLAG,
        "enable_model_summary": _OPTIONAL_FLAG,
        "benchmark": _OPTIONAL_FLAG,
        "inference_mode": FLAG,
        "use_distributed_sampler": FLAG,
        "detect_anomaly": FLAG,
        "barebones": FLAG,
        "sync_batchnorm": FLAG,
    },
    "lightning.*EarlyStopping": {
        "monitor": TEXT,
        "mode": one_of("min", "max"),
        "min_delta": NOT_NEGATIVE,
        "stopping_threshold": _ANY_NUMBER,
        "divergence_threshold": _ANY_NUMBER,
        "check_finite": FLAG,
        "strict": FLAG,
        "verbose": FLAG,
        "check_on_train_epoch_end": _OPTIONAL_FLAG,
    },
    "lightning.*ModelCheckpoint": {
        "mode": one_of("min", "max"),
        "save_top_k": integer(-1),
        "every_n_epochs": or_null(integer(0)),
        "every_n_train_steps": or_null(integer(0)),
    },
    "torch.optim.*": {
        "betas": _TWO,
        "eps": NOT_NEGATIVE,
        "alpha": BELOW_ONE,
        "dampening": number("of any size", lambda value: True),
        "amsgrad": FLAG,
        "nesterov": FLAG,
        "centered": FLAG,
        "maximize": FLAG,
        "capturable": FLAG,
        "differentiable": FLAG,
        "foreach": _OPTIONAL_FLAG,
        "fused": _OPTIONAL_FLAG,
    },
    "torch.optim.Adafactor": {"eps": or_null(list_of(or_null(NOT_NEGATIVE)))},
    "torch.optim.lr_scheduler.ReduceLROnPlateau": {
        "mode": one_of("min", "max"),
        "threshold": NOT_NEGATIVE,
        "threshold_mode": one_of("rel", "abs"),
        "cooldown": integer(0),
        "eps": NOT_NEGATIVE,
    },
    "torch.optim.lr_scheduler.CosineAnnealing*": {"T_max": _STEPS, "T_0": integer(1), "T_mult": integer(1)},
    "torch.optim.lr_scheduler.OneCycleLR": {
        "max_lr": either(POSITIVE, list_of(POSITIVE)),  # one per group of weights
        "anneal_strategy": one_of("cos", "linear"),
        "div_factor": POSITIVE,
        "final_div_factor": POSITIVE,
        "cycle_momentum": FLAG,
        "three_phase": FLAG,
    },
}
