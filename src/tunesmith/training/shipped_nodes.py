"""Nodes of Lightning's classes as conf/ writes them: that their arguments fit is known without importing Lightning."""

from __future__ import annotations

from collections.abc import Mapping

from omegaconf import DictConfig

from tunesmith.config.node_keys import HYDRAS

# The arguments that conf/ and usual runs give to a class; a test holds them against its signature.
ARGUMENTS: Mapping[str, frozenset[str]] = {
    "lightning.Trainer": frozenset(
        (
            *("accelerator", "devices", "strategy", "max_epochs", "precision", "gradient_clip_val"),
            *("gradient_clip_algorithm", "accumulate_grad_batches", "deterministic", "log_every_n_steps"),
            *("num_sanity_val_steps", "enable_model_summary", "profiler"),
        )
    ),
    "tunesmith.training.profiler.NoProfiler": frozenset(),
    "lightning.pytorch.callbacks.EarlyStopping": frozenset(
        ("monitor", "mode", "patience", "min_delta", "strict", "check_finite", "verbose")
    ),
    "lightning.pytorch.loggers.TensorBoardLogger": frozenset(("save_dir", "name", "version", "default_hp_metric")),
}
# Of these, the ones that have to be given.
REQUIRED: Mapping[str, str] = {
    "lightning.pytorch.callbacks.EarlyStopping": "monitor",
    "lightning.pytorch.loggers.TensorBoardLogger": "save_dir",
}


def is_as_shipped(node: DictConfig, ours: frozenset[str] = frozenset()) -> bool:
    """Whether a node names one of these classes and gives it known arguments alone, none of them missing.

    ours: names in the node that its class does not get.
    """
    target = str(node["_target_"])
    if target not in ARGUMENTS or "_args_" in node:
        return False
    is_complete = bool(node.get("_partial_")) or target not in REQUIRED or REQUIRED[target] in node
    return is_complete and {str(name) for name in node} - ours - set(HYDRAS) <= ARGUMENTS[target]
