"""What went wrong in a training: the rules look at what it has left, at its end; its loggers show what they find."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from tunesmith.errors import text_of
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.finding_lines import as_markdown
from tunesmith.insight.diagnosis.training_facts import read_training_facts
from tunesmith.insight.folder_findings import KEY, is_well_seen, look_at, of_folds, to_findings
from tunesmith.reporting import is_trial
from tunesmith.run_folder import SECRET_GROUPS
from tunesmith.training.ddp.processes import is_rank_zero
from tunesmith.training.late_writer import late_writer
from tunesmith.training.loggers import RunLogger

log = logging.getLogger(__name__)

PlainFindings = list[dict[str, Any]]
# Of the table that a logger makes of a text.
_COLUMNS = ["name", "text", "threshold", "try"]


def find_in_training(cfg: DictConfig, folder: Path, result: Mapping[str, Any]) -> PlainFindings | None:
    """Return what went wrong, as result.yaml holds it; None if nothing can be looked at, or a rule itself fails.

    result: the other fields of result.yaml; a refit has no validation to be looked at.
    """
    if "refit" in result:
        return None
    try:
        found = look_at(read_training_facts(folder, _without_passwords(cfg), result))
        return None if found is None else [finding.to_plain() for finding in found]
    except Exception as error:  # the training has its result
        log.warning("what went wrong in the run is not known: %s: %s", type(error).__name__, text_of(error))
        return None


def _without_passwords(cfg: DictConfig) -> dict[str, object]:
    """Return the config as .hydra/config.yaml has it, its interpolations as they are, without loggers."""
    plain = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items() if key not in SECRET_GROUPS}


def find_in_folds(folds: Sequence[Mapping[str, Any]]) -> PlainFindings | None:
    """Return the findings of at least half of the folds; folds: content of each one's result.yaml."""
    found = of_folds([to_findings(result.get(KEY)) for result in folds])
    return None if found is None else [finding.to_plain() for finding in found]


def log_findings(loggers: Sequence[RunLogger], folder: Path, result: Mapping[str, Any]) -> None:
    """Hand a training's findings to the loggers that take texts; of a trial only if there are any."""
    found = to_findings(result.get(KEY))
    if found is None or not is_rank_zero() or (is_trial() and not found):
        return
    for logger in loggers:
        try:
            if (writer := late_writer(logger)) is not None:
                from tunesmith.training.summaries import markdown

                writer.add_summary(markdown(KEY, as_markdown(found, is_well_seen(folder))), result["epochs"])
            elif hasattr(logger, "log_text"):
                logger.log_text(KEY, columns=_COLUMNS, data=[_cells(finding) for finding in found])
        except Exception as error:
            log.warning("logger: the findings are not logged: %s", text_of(error))


def _cells(finding: Finding) -> list[str]:
    return [finding.name, finding.text, finding.threshold, "; ".join(map(" ".join, finding.remedies))]
