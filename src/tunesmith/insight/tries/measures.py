"""What a tried run is judged by, read from its folder: its metrics, its epochs, its gap, its balanced accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tunesmith.insight.class_counts import scores
from tunesmith.insight.diagnosis.curves import gap
from tunesmith.insight.diagnosis.finding import BALANCED_ACCURACY
from tunesmith.insight.diagnosis.training_facts import read_training_facts
from tunesmith.insight.part_outputs import CLASSES, read_part_outputs
from tunesmith.insight.tries.outcomes import EPOCHS, GAP, Measure
from tunesmith.run_folder import VAL_OUTPUTS_FILE, fold_name
from tunesmith.run_metrics import read_run_metrics

# What changes the loss itself, or its unit: such a run's loss is no better or worse than another one's.
_CHANGES_LOSS = ("loss.", "data.scale_targets", "data.class_weights")
# Metrics in the unit of the targets, which any run on the data can be compared by.
_IN_UNITS = {"val/rmse": "min", "val/acc": "max"}


def read_values(folder: Path, result: Mapping[str, Any]) -> dict[str, float]:
    """Return what is known of a run by its name; nothing of one that failed.

    result: content of its result.yaml.
    """
    if result.get("state") != "COMPLETE" or result.get("value") is None:
        return {}
    folds = result.get("folds")
    rooms = [folder / fold_name(fold) for fold in range(len(folds))] if isinstance(folds, list) else [folder]
    further = {
        GAP: _mean(gap(read_training_facts(room)) for room in rooms),
        BALANCED_ACCURACY: _mean(map(_balanced_accuracy, rooms)),
    }
    known = {name: value for name, value in further.items() if value is not None}
    return {
        **read_run_metrics(folder, result),
        str(result["metric"]): result["value"],
        EPOCHS: result["epochs"],
        **known,
    }


def choose_metric(overrides: Sequence[str], objective: Measure, names: Iterable[str]) -> Measure:
    """Return what a remedy is judged by: the objective, or a metric in the targets' unit if the loss is not the same.

    overrides: the remedy; names: of the metrics that the runs have.
    """
    is_loss = objective.name.endswith("loss")
    if not is_loss or not any(text.startswith(_CHANGES_LOSS) for text in overrides):
        return objective
    return next((Measure(name, mode) for name, mode in _IN_UNITS.items() if name in names), objective)


def _mean(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known or not known else fmean(value for value in known if value is not None)


def _balanced_accuracy(folder: Path) -> float | None:
    """Return the mean recall over the classes that the validation part has, with the best epoch's weights."""
    try:
        part = read_part_outputs(folder / VAL_OUTPUTS_FILE)
    except ValueError:
        return None
    if part is None or part.kind != CLASSES:
        return None
    of_classes, support = scores(part.true, part.predicted, len(part.classes))
    return float(of_classes[support > 0, 1].mean())
