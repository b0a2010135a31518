"""Build what a lean training consists of from a config; what it is built from is no DictConfig any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from tunesmith.data.array_data import ArrayData
from tunesmith.data.batches import Batches
from tunesmith.reporting import Reporter
from tunesmith.training.data_record import DataRecord, make_record
from tunesmith.training.draws import seed_everything
from tunesmith.training.first_lines import FirstLines, make_first_lines
from tunesmith.training.lean.loggers import build_lean_loggers
from tunesmith.training.lean.member import Member, make_clip
from tunesmith.training.lean.no_trainer import do_without_trainer
from tunesmith.training.learner_and_data import build_lean_learner
from tunesmith.training.loggers import RunLogger, log_config, plain_config
from tunesmith.training.monitors import check_monitors
from tunesmith.training.patience import Patience
from tunesmith.training.probes.build import build_probes
from tunesmith.training.record import RunRecord
from tunesmith.training.run_bar import RunBar, make_bar
from tunesmith.training.run_hparams import shown_hparams
from tunesmith.training.saving import SAVE_INTERVAL_S, RunFiles
from tunesmith.training.schedules import PlainLength, make_schedules
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.weights import read_weights


@dataclass(frozen=True)
class Run:
    """What one training consists of, before it has an optimizer.

    weights: of another run, which it starts from; first_lines: what it says of itself; bar: None outside of a terminal.
    """

    data: ArrayData
    learner: SupervisedLearning
    record: RunRecord
    patiences: Sequence[Patience]
    loggers: Sequence[RunLogger]
    files: RunFiles
    device: torch.device
    max_epochs: int
    weights: Mapping[str, torch.Tensor] | None
    hparams: Mapping[str, Any]
    first_lines: FirstLines
    bar: RunBar | None

    @cached_property
    def train(self) -> Batches:
        """The batches of the training part, on the run's device, as are those of the validation part."""
        return self.data.batches("train", self.device)

    @cached_property
    def val(self) -> Batches:
        return self.data.batches("val", self.device)

    @property
    def length(self) -> PlainLength:
        return PlainLength(self.max_epochs, len(self.train))


def build(
    cfg: DictConfig, folder: Path, reporter: Reporter, fold: int | None = None, earlier: DataRecord | None = None
) -> Run:
    """Build a run that writes into a folder; fold: which of data.folds it trains on, from 0.

    earlier: of the run that this one goes on with.

    Raises:
        UserError: a value in the config is wrong, or the data are not those of the earlier run or of the study.
    """
    torch.set_num_threads(cfg.threads)
    if torch.are_deterministic_algorithms_enabled():  # by a trial that Lightning trained in this process
        torch.use_deterministic_algorithms(False)
    seed_everything(cfg.seed)
    data, learner = build_lean_learner(cfg, fold, earlier)
    do_without_trainer(learner)
    record = make_record(cfg, folder, reporter, data, learner, fold)
    patiences = {name: build_patience(cfg, name) for name in cfg.get("callbacks") or {}}
    if type(learner) is SupervisedLearning:  # a subclass may log more
        check_monitors(learner.metric_names, record.objective.metric, patiences)
    weights = None if cfg.get("weights") is None else read_weights(Path(cfg.weights))
    hparams = shown_hparams(cfg, reporter, fold)
    loggers = build_lean_loggers(cfg, folder)
    if loggers:
        log_config(loggers, plain_config(cfg))
    files = RunFiles(folder, record, cfg.trainer.get("save_interval", SAVE_INTERVAL_S))
    device = choose_device(cfg.trainer.get("accelerator", "auto"))
    return Run(
        *(data, learner, record, list(patiences.values()), loggers, files, device, cfg.trainer.max_epochs, weights),
        hparams=hparams,
        first_lines=make_first_lines(cfg, folder, data, fold),
        bar=make_bar(cfg, fold),
    )


def build_member(cfg: DictConfig, run: Run) -> Member:
    """Build the member of a run, on its device.

    Raises:
        UserError: optimizer or schedule cannot be built.
    """
    learner = run.learner.to(run.device)
    optimizer = learner.build_optimizer()
    schedules = make_schedules(learner, optimizer, run.length)
    flags = cfg.trainer
    clip = make_clip(flags.get("gradient_clip_val"), flags.get("gradient_clip_algorithm"))
    probes = build_probes(cfg, run.record, run.loggers)
    return Member(learner, optimizer, schedules, run.record, run.patiences, clip, probes=probes)


def build_patience(cfg: DictConfig, name: str) -> Patience:
    """Build what a config's lightning.pytorch.callbacks.EarlyStopping does."""
    node: Any = OmegaConf.to_container(cfg.callbacks[name], resolve=True)
    arguments = {key: value for key, value in node.items() if not key.startswith("_")}
    return Patience(**arguments, key=f"callbacks.{name}")


def choose_device(accelerator: str) -> torch.device:
    """Return the device that Lightning's flag means; auto: a GPU if there is one."""
    is_gpu = torch.cuda.is_available() if accelerator == "auto" else accelerator != "cpu"
    return torch.device("cuda", 0) if is_gpu else torch.device("cpu")
