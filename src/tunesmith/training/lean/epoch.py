"""An epoch of a member: what Lightning's loops and our callbacks do, in their order, as plain calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from tunesmith.data.batches import Batches
from tunesmith.training.epoch_line import log_epoch_line
from tunesmith.training.epoch_values import epoch_names
from tunesmith.training.float32 import shortest_float32
from tunesmith.training.lean.member import Member
from tunesmith.training.loggers import RunLogger


def train_epoch(
    member: Member,
    batches: Batches | Sequence[Any],
    augment: Callable[[Any], Any] = lambda batch: batch,
    poll: Callable[[], None] = lambda: None,
) -> None:
    """Train a member on the batches of an epoch.

    augment: draws a batch anew, before the learner sees it; poll: called once a batch, may raise.
    """
    member.learner.start_part("train")
    num = len(batches)
    for number, batch in enumerate(batches, 1):
        member.train_on(augment(batch), is_last=number == num)
        poll()
    member.move_schedules("epoch")


def validate(member: Member, batches: Iterable[Any]) -> None:
    """Evaluate a member on the validation part; each module is then again in the mode in which it was."""
    learner = member.learner
    modes = [(module, module.training) for module in learner.modules()]
    learner.eval()
    learner.zero_grad()  # as Lightning does: a validation needs the memory
    learner.start_part("val")
    with torch.no_grad():
        for batch in batches:
            learner.evaluate_on(batch)
    for module, is_training in modes:
        module.training = is_training


def end_epoch(
    member: Member, parts: Sequence[str], max_epochs: int, loggers: Iterable[RunLogger] = (), fold: str = ""
) -> bool:
    """Log, judge and record an epoch whose batches are over; return whether it was the last one.

    parts: which the epoch has gone through: train, and val if there is a validation part; fold: for its line.

    Raises:
        UserError: a metric that is followed was not logged.
    """
    record, metrics, epoch = member.record, member.read_metrics(parts), member.epoch + 1
    for logger in loggers:
        logger.log_metrics(dict(metrics), step=epoch)
    has_ended = [patience.check(metrics, member.epoch, "val" in parts) for patience in member.patiences]
    values = {name: shortest_float32(metrics[name]) for name in epoch_names(metrics, record.objective.metric)}
    record.end_epoch(epoch, values)
    record.ask_to_stop(is_last=epoch == max_epochs)
    log_epoch_line(epoch, record.last_epoch or max_epochs, values, fold=fold)
    member.follow_plateaus(metrics)
    member.epoch = epoch
    is_last = any(has_ended) or record.is_over or epoch == max_epochs
    if member.probes is not None:
        member.probes.end_epoch(epoch, is_last)
    return is_last
