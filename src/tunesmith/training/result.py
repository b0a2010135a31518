"""result.yaml: how a run ended, or failed, and what it ran with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.errors import RunFailed, UserError, text_of
from tunesmith.insight.folder_findings import KEY, names_in
from tunesmith.machine_faults import find_machine_fault
from tunesmith.objective import check_others, read_objectives
from tunesmith.run_metrics import read_run_metrics
from tunesmith.training.complaints import explain
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.memory import as_out_of_memory
from tunesmith.training.record import RunRecord
from tunesmith.training.refit_config import refit_fields
from tunesmith.training.run_findings import find_in_training

Result = dict[str, Any]


def write_result(cfg: DictConfig, folder: Path, engine: str, fields: Result, data_digest: str | None) -> Result:
    """Return the content of result.yaml: how the run ended and what it ran with; rank zero writes the file.

    engine: which one has trained, lean or lightning; fields: with `findings` of the folds, if there are folds.
    """
    labels = {"note": cfg.get("note"), "tags": list(cfg.get("tags") or [])}
    origin = {"seed": cfg.seed, "threads": cfg.threads, "engine": engine, **labels, **run_folder.environment()}
    objective = {"metric": cfg.objective.metric, "mode": cfg.objective.mode}
    of_refit = refit_fields(cfg)
    if of_refit is not None:  # nothing has validated it
        objective, fields = {}, {"refit": of_refit, **{k: v for k, v in fields.items() if k not in ("value", "epoch")}}
    values = _values(cfg, folder, fields) if of_refit is None and is_rank_zero() else {}
    result = {**objective, **fields, **values, **origin, "data_digest": data_digest}
    if is_rank_zero():
        found = result.pop(KEY) if KEY in result else find_in_training(cfg, folder, result)
        result[KEY] = found  # the last one: it is the longest
        run_folder.write_yaml(folder / run_folder.RESULT_FILE, result)
    return result


def _values(cfg: DictConfig, folder: Path, fields: Result) -> Result:
    """Return the values of several objectives, those of the best epoch by the first one; nothing for one objective."""
    _, *others = read_objectives(cfg)
    if not others or fields["value"] is None or fields["state"] == "FAIL":
        return {}
    metrics = read_run_metrics(folder, fields)
    check_others(others, metrics)
    return {"values": {cfg.objective.metric: fields["value"], **{each.metric: metrics[each.metric] for each in others}}}


@contextmanager
def failure_recorded(cfg: DictConfig, record: RunRecord, engine: str, checkpoint: Path | None) -> Iterator[None]:
    """Write result.yaml if a training raises; a user's mistake or a machine's fault is not recorded.

    checkpoint: of an earlier attempt, which the training continues.

    Raises:
        UserError: a mistake in the config.
        MachineFault: a full disk or the like.
        RunFailed: out of memory; any other error leaves as it is.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if (fault := find_machine_fault(error, record.folder)) is not None:
            raise fault from None
        if (mistake := explain(error, cfg.objective.metric, checkpoint)) is not None:
            raise mistake from None
        # Another rank keeps its own error: a RunFailed would count as one that all ranks raise, and not be printed.
        failure = (as_out_of_memory(error) or error) if is_rank_zero() else error
        record.fail(str(failure) if isinstance(failure, RunFailed) else f"{type(error).__name__}: {text_of(error)}")
        result = write_result(cfg, record.folder, engine, record.result_fields(), record.data_digest)
        record.reporter.report_findings(names_in(result))
        if failure is error:
            raise
        raise failure from error
