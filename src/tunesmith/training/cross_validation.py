"""Cross-validation: train one config on each of k folds; its objective is the mean over the folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import signature
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.errors import UserError, text_of
from tunesmith.objective import PARAMETERS
from tunesmith.reporting import Reporter
from tunesmith.training.engine import choose_engine
from tunesmith.training.lean.loggers import build_tensorboard
from tunesmith.training.lean_classes import LEAN_CLASSES
from tunesmith.training.loggers import log_hparams
from tunesmith.training.result import Result, write_result
from tunesmith.training.run_findings import find_in_folds
from tunesmith.training.run_hparams import shown_hparams
from tunesmith.training.train_once import train_once


def cross_validate(cfg: DictConfig, folder: Path, reporter: Reporter, is_resumed: bool) -> Result:
    """Train on each fold in a folder of its own; write the run's result.yaml and return its content.

    The reporter hears the mean so far after each fold (from 1). is_resumed: complete folds are not trained again.

    Raises:
        UserError: a mistake in the config; nothing is recorded.
    """
    ended: list[Result] = []
    for fold in range(cfg.data.folds):
        try:
            result = _train_fold(cfg, folder, fold, reporter, is_resumed)
        except UserError:
            raise
        except Exception as error:
            reason = f"fold {fold}: {type(error).__name__}: {text_of(error)}"
            write_result(cfg, folder, _engine(cfg, ended), _result_fields(ended, "FAIL", reason), _data_digest(ended))
            raise
        ended.append(result)
        if result["state"] == "FAIL":
            return _finish(cfg, folder, reporter, ended, "FAIL", f"fold {fold}: {result['reason']}")
        is_last = fold + 1 == cfg.data.folds
        reporter.report(fold + 1, _values_mean(ended), result["epochs"])
        if reporter.should_stop() and not is_last:
            return _finish(cfg, folder, reporter, ended, "PRUNED", "pruned")
    return _finish(cfg, folder, reporter, ended, "COMPLETE", None)


def has_folds(cfg: DictConfig) -> bool:
    """Whether data.folds asks for cross-validation; raises UserError if the data module cannot be cut into folds."""
    data = cfg.get("data") or {}
    if data.get("folds") is None:
        return False
    try:
        target = data["_target_"]
        takes_folds = "fold" in signature(get_object(LEAN_CLASSES.get(target, target))).parameters
    except Exception:  # building the data will say what is wrong
        return True
    if not takes_folds:
        raise UserError(
            f"data.folds needs a data module that takes folds and fold, as tunesmith.data.DataModule does; got "
            f"{data['_target_']}"
        )
    return True


@dataclass(frozen=True)
class _FoldReporter:
    """Does not report a fold's epochs; cross_validate reports the mean so far after each fold."""

    is_retry: bool
    poll: Callable[[], None]
    report_data: Callable[[str], None]
    params: Mapping[str, Any] = field(default_factory=dict)

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        return

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        return

    def report_findings(self, names: Sequence[str]) -> None:
        return

    def should_stop(self) -> bool:
        return False


def _train_fold(cfg: DictConfig, folder: Path, fold: int, reporter: Reporter, is_resumed: bool) -> Result:
    fold_folder = folder / run_folder.fold_name(fold)
    fold_folder.mkdir(exist_ok=True)
    if is_resumed and (fold_folder / run_folder.RESULT_FILE).exists():
        result = run_folder.read_yaml(fold_folder / run_folder.RESULT_FILE)
        if result["state"] == "COMPLETE":
            return result
    last = fold_folder / run_folder.LAST_CHECKPOINT
    checkpoint = last if is_resumed and last.exists() else None
    others = sorted(folder.glob(f"*/{run_folder.BEST_CHECKPOINT}")) if is_resumed else []
    of_fold = _FoldReporter(reporter.is_retry, reporter.poll, reporter.report_data)
    return train_once(cfg, fold_folder, of_fold, checkpoint, fold, next(iter(others), None))


def _result_fields(ended: Sequence[Result], state: str, reason: str | None) -> Result:
    """Return what result.yaml says of the folds; spread: standard deviation over them, None for a single fold."""
    values = [result["value"] for result in ended if result["value"] is not None]
    return {
        "value": fmean(values) if values else None,
        "spread": stdev(values) if len(values) > 1 else None,
        "folds": values,
        "epochs": sum(result["epochs"] for result in ended),
        PARAMETERS: next((result.get(PARAMETERS) for result in ended), None),
        "seconds": round(sum(result["seconds"] for result in ended), 3),
        "state": state,
        "reason": reason,
        "findings": find_in_folds(ended),
    }


def _values_mean(ended: Sequence[Result]) -> float:
    return fmean(result["value"] for result in ended)


def _engine(cfg: DictConfig, ended: Sequence[Result]) -> str:
    """Return which engine has trained the folds; the one that the config chooses if none has ended, or does not say."""
    return next((engine for result in ended if (engine := result.get("engine"))), None) or choose_engine(cfg).name


def _data_digest(ended: Sequence[Result]) -> str | None:
    """Return the digest of the data, which is the same for all folds; None in what an older version has written."""
    return next((digest for result in ended if (digest := result.get("data_digest")) is not None), None)


def _finish(
    cfg: DictConfig, folder: Path, reporter: Reporter, ended: Sequence[Result], state: str, reason: str | None
) -> Result:
    """Write the HPARAMS session and the result."""
    fields = _result_fields(ended, state, reason)
    if (hparams := shown_hparams(cfg, reporter)) and fields["value"] is not None:
        loggers = build_tensorboard(cfg, folder)
        log_hparams(loggers, hparams, fields["state"], fields["value"], len(fields["folds"]))
        for logger in loggers:
            logger.finalize("failed" if state == "FAIL" else "success")
    return write_result(cfg, folder, _engine(cfg, ended), fields, _data_digest(ended))
