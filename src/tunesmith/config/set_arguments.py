"""Nodes that hold only the arguments that are set: what is typed for them is added."""

from __future__ import annotations


def with_plus(argument: str) -> str:
    """Add Hydra's ++ to an argument of sampler, pruner or constraints: the node holds only those that are set."""
    for group in ("sampler", "pruner", "constraints"):
        key = f"hydra.sweeper.{group}."
        if argument.lstrip("+").startswith(key) and not argument.startswith(f"{key}_target_"):
            return f"++{argument.lstrip('+')}"
    return argument
