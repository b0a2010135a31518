"""result.yaml: how a run ended and what it ran with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from tunesmith import run_folder
from tunesmith.training.ddp.processes import is_rank_zero

Result = dict[str, Any]


def write_result(cfg: DictConfig, folder: Path, fields: Result, data_digest: str | None) -> Result:
    """Return the content of result.yaml: how the run ended and what it ran with; rank zero writes the file."""
    labels = {"note": cfg.get("note"), "tags": list(cfg.get("tags") or [])}
    origin = {"seed": cfg.seed, "threads": cfg.threads, **labels, **run_folder.environment()}
    objective = {"metric": cfg.objective.metric, "mode": cfg.objective.mode}
    result = {**objective, **fields, **origin, "data_digest": data_digest}
    if is_rank_zero():
        run_folder.write_yaml(folder / run_folder.RESULT_FILE, result)
    return result
