"""A member as a checkpoint in Lightning's own format, and back: either engine goes on from a file of the other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import torch

from tunesmith.errors import UserError
from tunesmith.training.checkpoint_file import without_objects
from tunesmith.training.lean.member import Member
from tunesmith.training.saving import RECORD_STATE, Checkpoint, check_is_of_epoch_end

# What Lightning's loops count of an epoch, of an optimizer's zero_grad, and of its steps.
_PROCESSED = ("ready", "completed", "started", "processed")
_STARTED = ("ready", "completed", "started")
_READY = ("ready", "completed")


def dump_checkpoint(member: Member, num_val_batches: int = 0, is_over: bool = False) -> dict[str, Any]:
    """Return what Trainer.save_checkpoint would write after the member's last epoch; tensors are the live ones.

    num_val_batches: of an epoch; is_over: whether no other epoch begins.
    """
    checkpoint = {
        "epoch": member.epoch,
        "global_step": member.num_steps,
        "pytorch-lightning_version": _lightning_version(),
        "state_dict": member.learner.state_dict(),
        "loops": _loops(member, num_val_batches, is_over),
        "callbacks": {RECORD_STATE: member.record.state_dict(), **_patiences(member)},
        "optimizer_states": [member.optimizer.state_dict()],
        "lr_schedulers": [each.scheduler.state_dict() for each in member.schedules],
    }
    return without_objects({**checkpoint, **_hyperparameters(member.learner)})


def load_checkpoint(member: Member, checkpoint: Checkpoint, max_epochs: int) -> None:
    """Bring a member to where a checkpoint was saved, in the order of Lightning's Trainer.

    Raises:
        UserError: the checkpoint lies inside an epoch or after the last one, or holds weights alone.
        RuntimeError, ValueError: it is of another model or optimizer; see complaints.explain.
    """
    member.learner.load_state_dict(checkpoint["state_dict"])
    states = checkpoint["callbacks"]
    if RECORD_STATE in states:
        check_is_of_epoch_end(states[RECORD_STATE])
        member.record.load_state_dict(states[RECORD_STATE])
    for patience in member.patiences:
        if patience.state_key in states:
            patience.load_state_dict(states[patience.state_key])
    member.epoch, member.num_steps = checkpoint["epoch"], checkpoint["global_step"]
    if member.epoch > max_epochs:
        raise UserError(
            f"trainer.max_epochs must be at least the {member.epoch} epochs of the checkpoint in ckpt_path; "
            f"got {max_epochs}"
        )
    _load_states([member.optimizer], checkpoint, "optimizer_states")
    _load_states([each.scheduler for each in member.schedules], checkpoint, "lr_schedulers")


def _load_states(holders: Sequence[Any], checkpoint: Checkpoint, key: str) -> None:
    if key not in checkpoint:
        raise UserError(
            f"ckpt_path must be a checkpoint that a run goes on from; got one without {key}: weights=... starts a new "
            "run from its weights"
        )
    for holder, state in zip(holders, checkpoint[key], strict=False):
        holder.load_state_dict(state)


@cache
def _lightning_version() -> str:
    return version("lightning")


def _patiences(member: Member) -> dict[str, Any]:
    """Return the states of the early stoppings; Lightning's best score is a tensor."""
    states = {each.state_key: each.state_dict() for each in member.patiences}
    return {key: {**state, "best_score": torch.tensor(state["best_score"])} for key, state in states.items()}


def _hyperparameters(learner: Any) -> dict[str, Any]:
    """Return what a learner of a user's own gave to save_hyperparameters."""
    given = getattr(learner, "hparams", None)
    if not given:
        return {}
    name = getattr(learner, "_hparams_name", None)
    return {"hyper_parameters": given, **({} if name is None else {"hparams_name": name})}


def _loops(member: Member, num_val_batches: int, is_over: bool) -> dict[str, Any]:
    """Return the counters of Lightning's loops; those of `current` began anew with the last epoch."""
    epochs, steps = member.epoch, member.num_steps
    epoch_steps = steps // epochs if epochs else 0
    moves = sum(epoch_steps if each.interval == "step" else 1 for each in member.schedules)
    epoch_progress = _progress(_PROCESSED, epochs, epochs)
    for counts in epoch_progress.values():
        counts["ready"] += not is_over
    empty = {"state_dict": {}, "batch_progress": {**_progress(_PROCESSED, 0, 0), "is_last_batch": False}}
    return {
        "fit_loop": {
            "state_dict": {},
            "epoch_loop.state_dict": {"_batches_that_stepped": steps},
            "epoch_loop.batch_progress": {**_progress(_PROCESSED, steps, epoch_steps), "is_last_batch": True},
            "epoch_loop.scheduler_progress": _progress(_READY, epochs * moves, moves),
            "epoch_loop.automatic_optimization.state_dict": {},
            "epoch_loop.automatic_optimization.optim_progress": {
                "optimizer": {
                    "step": _progress(_READY, steps, epoch_steps),
                    "zero_grad": _progress(_STARTED, steps, epoch_steps),
                }
            },
            "epoch_loop.manual_optimization.state_dict": {},
            "epoch_loop.manual_optimization.optim_step_progress": _progress(_READY, 0, 0),
            "epoch_loop.val_loop.state_dict": {},
            "epoch_loop.val_loop.batch_progress": {
                **_progress(_PROCESSED, num_val_batches, num_val_batches),
                "is_last_batch": num_val_batches > 0,
            },
            "epoch_progress": epoch_progress,
        },
        "validate_loop": empty,
        "test_loop": empty,
        "predict_loop": {"state_dict": {}, "batch_progress": _progress(_PROCESSED, 0, 0)},
    }


def _progress(names: Sequence[str], total: int, current: int) -> dict[str, dict[str, int]]:
    return {"total": dict.fromkeys(names, total), "current": dict.fromkeys(names, current)}
