"""The entry point of every run and every trial."""

from __future__ import annotations

import shlex
from pathlib import Path

from omegaconf import DictConfig
from optuna import TrialPruned

from tunesmith import run_folder
from tunesmith.errors import RunFailed
from tunesmith.insight.diagnosis.finding_lines import console_rows
from tunesmith.insight.folder_findings import KEY, is_well_seen, names_in, to_findings
from tunesmith.reporting import Reporter, is_trial
from tunesmith.resume.resume_command import typed_path
from tunesmith.run_metrics import best_rows, read_run_metrics
from tunesmith.training.cross_validation import cross_validate, has_folds
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.end_of_run import page_if_stopped, write_page
from tunesmith.training.memory import free_cuda
from tunesmith.training.refit import refit
from tunesmith.training.result import Result
from tunesmith.training.train_once import train_once


def train(cfg: DictConfig, folder: Path, reporter: Reporter) -> float | tuple[float, ...]:
    """Train a config, leave its files in the folder, and print a summary of a plain run.

    Returns: the best value of the objective over the run's epochs; with data.folds the mean of these over the folds.
    With objective.others a tuple: this value, and those of the others at the same epoch.

    Raises:
        optuna.TrialPruned: the reporter stopped the run.
        RunFailed: the objective became NaN or infinite.
        KeyboardInterrupt: Ctrl-C; the run can be resumed from checkpoints/last.ckpt.
    """
    try:
        with page_if_stopped(cfg, folder):
            result = train_in(cfg, folder, reporter)
    finally:
        free_cuda()
    if is_rank_zero() and not is_trial():
        _show(result, folder)
        write_page(cfg, folder)
    if is_rank_zero() and is_trial():
        reporter.report_findings(names_in(result))
    if is_rank_zero() and is_trial() and result["value"] is not None:
        reporter.report_metrics(read_run_metrics(folder, result))
    if result["state"] == "FAIL":
        raise RunFailed(result["reason"])
    if result["state"] == "PRUNED":
        raise TrialPruned(f"pruned after {result['epochs']} epochs")
    if cfg.get("refit") is True and not is_trial():  # a sweep refits its best trial alone
        _refit(cfg, folder)
    return tuple(result["values"].values()) if "values" in result else float(result["value"])


def train_in(cfg: DictConfig, folder: Path, reporter: Reporter) -> Result:
    """Find the learning rate if find_lr is set, then train once or on each fold; return the content of result.yaml."""
    is_resumed = cfg.ckpt_path is not None or reporter.is_retry
    if cfg.find_lr:
        from tunesmith.training.lr_finder import with_found_lr  # imports Lightning

        cfg = with_found_lr(cfg, folder, is_resumed)
    if has_folds(cfg):
        return cross_validate(cfg, folder, reporter, is_resumed)
    last = folder / run_folder.LAST_CHECKPOINT
    typed = None if cfg.ckpt_path is None else Path(cfg.ckpt_path)
    return train_once(cfg, folder, reporter, typed or (last if reporter.is_retry and last.exists() else None))


def _refit(cfg: DictConfig, folder: Path) -> None:
    print(f"{'refit':<12} on training and validation part", flush=True)
    place, config = refit(folder, cfg)
    print(f"{'refitted':<12} {typed_path(place)}/  {config.refit.epochs} epochs", flush=True)


def _show(result: Result, folder: Path) -> None:
    """Print a plain run's best epoch, or its folds, and where the files are."""
    where = typed_path(folder)
    has_weights = any((each / run_folder.BEST_CHECKPOINT).is_file() for each in run_folder.run_rooms(folder))
    time = f"{result['epochs']} run, {result['seconds']:.1f} s"
    if "folds" in result:
        values = ", ".join(f"{value:.4g}" for value in result["folds"])
        spread = "" if result["spread"] is None else f" +- {result['spread']:.2g}"
        rows = [
            ("epochs", time),
            ("folds", f"{result['metric']} {values}"),
            ("mean", "none" if result["value"] is None else f"{result['value']:.4g}{spread}"),
            ("files", f"{where}/  result.yaml, {run_folder.fold_name(0)}/ ..."),
        ]
    else:
        left = [name for name in (run_folder.RESULT_FILE, run_folder.METRICS_FILE) if (folder / name).is_file()]
        left += [str(run_folder.BEST_CHECKPOINT)] if has_weights else []
        rows = [
            ("best epoch", f"{result['epoch'] if has_weights else 'none'} of {time}"),
            *(("its metrics", _metrics(row)) for row in best_rows(folder, result)),
            ("files", f"{where}/  {', '.join(left)}"),
        ]
    rows += console_rows(to_findings(result.get(KEY)), where, is_well_seen(folder))
    if has_weights:
        rows.append(("test it", f"python scripts/evaluate.py {shlex.quote(where)}"))
    print(*(f"{label:<12} {text}" for label, text in rows), sep="\n", flush=True)


def _metrics(row: dict[str, str]) -> str:
    return "  ".join(f"{name} {float(row[name]):.4g}" for name in row if name not in run_folder.AXES and row[name])
