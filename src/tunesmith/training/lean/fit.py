"""One training without Lightning's Trainer: build it, run it, write its result.yaml."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import torch
from omegaconf import DictConfig

from tunesmith.reporting import Reporter
from tunesmith.training.batch_size import check_batch_size
from tunesmith.training.data_record import read_earlier
from tunesmith.training.draws import seed_generators
from tunesmith.training.end_of_run import keep_what_page_shows
from tunesmith.training.engine import LEAN
from tunesmith.training.first_lines import describe_device
from tunesmith.training.lean.build import Run, build, build_member
from tunesmith.training.lean.checkpoint import dump_checkpoint, load_checkpoint
from tunesmith.training.lean.dynamo import without_dynamo
from tunesmith.training.lean.epoch import end_epoch, train_epoch, validate
from tunesmith.training.lean.loggers import begun_loggers
from tunesmith.training.lean.member import Member
from tunesmith.training.lean.signals import hear_sigterm, uninterrupted
from tunesmith.training.loggers import log_hparams
from tunesmith.training.probes.looks import make_look
from tunesmith.training.result import Result, failure_recorded, write_result
from tunesmith.training.run_findings import log_findings
from tunesmith.training.schedules import check_lengths
from tunesmith.training.weight_groups import count_parameters
from tunesmith.training.weights import start_from


def train_once(
    cfg: DictConfig,
    folder: Path,
    reporter: Reporter,
    checkpoint: Path | None = None,
    fold: int | None = None,
    of_other_fold: Path | None = None,
) -> Result:
    """Train once without Lightning's Trainer, see tunesmith.training.train_once."""
    run = build(cfg, folder, reporter, fold, read_earlier(checkpoint, of_other_fold))
    check_batch_size(run.data, reporter)
    record = run.record
    begun = begun_loggers(run.loggers, folder, run.learner)
    with without_dynamo(), begun:
        with failure_recorded(cfg, record, LEAN, checkpoint), run.bar or nullcontext():
            member = _begin(cfg, run, checkpoint)
            run.first_lines.log(run.learner, f"{describe_device(run.device)}, engine {LEAN}", record.epoch)
            _train(run, member, cfg.seed)
        record.num_parameters = count_parameters(run.learner)
        result = write_result(cfg, folder, LEAN, record.result_fields(), record.data_digest)
        log_findings(run.loggers, folder, result)
        keep_what_page_shows(cfg, folder, fold, run.learner, run.data, run.device, run.loggers)
    return result


def _begin(cfg: DictConfig, run: Run, checkpoint: Path | None) -> Member:
    """Return the run's member where its training begins, or goes on from a checkpoint.

    Raises:
        UserError: the checkpoint is of something else, or a schedule ends before the run.
    """
    member = build_member(cfg, run)
    earlier = None if checkpoint is None else torch.load(checkpoint, map_location="cpu", weights_only=True)
    if earlier is not None:
        load_checkpoint(member, earlier, run.max_epochs)
    elif run.weights is not None:
        start_from(member.learner, run.weights, str(cfg.weights))
    check_lengths(member.schedules, run.length)  # a checkpoint brings the lengths of the run that it is of
    run.record.start()
    run.record.open_table()
    run.files.start(earlier)
    return member


def _train(run: Run, member: Member, seed: int) -> None:
    """Train until the last epoch; whatever breaks in leaves a checkpoint of the last epoch that has ended."""
    try:
        with hear_sigterm() as check:
            if member.epoch < run.max_epochs:  # a checkpoint may be of the last epoch
                _train_epochs(run, member, seed, check)
            check()
        _end(run, member)
    except BaseException as error:
        with uninterrupted():
            run.files.save_held(error)
        raise


def _end(run: Run, member: Member) -> None:
    record = run.record
    record.stop()
    if run.hparams:
        log_hparams(run.loggers, run.hparams, record.state, record.best.value, record.best.epoch)
    run.files.end_run(lambda: dump_checkpoint(member, len(run.val), is_over=True))
    if member.probes is not None:
        member.probes.end(lambda: _load_best(run, member))


def _load_best(run: Run, member: Member) -> None:
    """Give the learner the run's best weights, of which none are trained further."""
    saved = run.files.held_best or torch.load(run.files.best_path, map_location=run.device, weights_only=True)
    member.learner.load_state_dict(saved["state_dict"])


def _train_epochs(run: Run, member: Member, seed: int, check: Callable[[], None]) -> None:
    train, val = run.train, run.val
    parts = ("train", "val") if len(val) else ("train",)
    reporter, bar = run.record.reporter, run.bar
    if bar is not None:
        bar.start(member.epoch, run.record.last_epoch or run.max_epochs, len(train), bool(run.patiences))

    def poll() -> None:
        reporter.poll()
        check()

    def poll_and_step() -> None:
        poll()
        if bar is not None:
            bar.step()

    if member.probes is not None:
        member.probes.start(make_look(member.learner, run.data, run.device, member.probes))
    while True:
        seed_generators(seed, member.epoch, 0)
        train.set_epoch(member.epoch)
        train_epoch(member, train, run.data.augment, poll if bar is None else poll_and_step)
        if len(val):
            if bar is not None:
                bar.validate()
            validate(member, val)
        if end_epoch(member, parts, run.max_epochs, run.loggers, run.first_lines.fold_name):
            return
        if bar is not None:
            bar.end_epoch()
        run.files.end_epoch(dump_checkpoint(member, len(val)))
