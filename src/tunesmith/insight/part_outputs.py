"""What a model put out for the validation or test part, as a file that is read without torch."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunesmith.run_folder import replacing

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# What targets are: one class a sample, zeros and ones, or numbers.
CLASSES, LABELS, NUMBERS = "classes", "labels", "numbers"
NUM_WORST = 12
# Added to a probability of zero, whose logarithm is no number.
TINY = 1e-12
# Of a histogram of residuals; numpy refuses bins that are as narrow as rounding.
MAX_BINS, FLAT = 40, 1e-9


@dataclass(frozen=True)
class PartOutputs:
    """Outputs and targets of the samples of one part.

    kind: classes (one a sample), labels (zeros and ones), or numbers in the unit of the targets.
    outputs: (samples, classes) or (samples, labels), probabilities; (samples, numbers).
    targets: (samples,) int64 for classes, else of the shape of outputs.
    indices: (samples,), which samples of the source they are, from 0.
    num_samples: of the part; more than the kept ones if the part is large.
    classes: (classes,), their names; empty for labels and numbers.
    columns: (columns,), names of a table's columns.
    pictures: (NUM_WORST, channels, height, width), inputs of the worst samples, the worst first; empty if inputs are no
        images.
    rows: (NUM_WORST, columns), the cells of the worst samples of a table as texts; empty if the inputs are no table.
    """

    kind: str
    outputs: Floats
    targets: Floats | Ints
    indices: Ints
    num_samples: int
    classes: NDArray[np.str_]
    columns: NDArray[np.str_]
    pictures: Floats
    rows: NDArray[np.str_]

    @property
    def losses(self) -> Floats:
        return sample_losses(self.kind, self.outputs, self.targets)

    @property
    def worst(self) -> Ints:
        """Positions of the samples with the largest losses, the largest first."""
        return worst_samples(self.losses)

    @property
    def true(self) -> Ints:
        """(samples,), the class of each sample."""
        return self.targets.astype(np.int64)

    @property
    def predicted(self) -> Ints:
        """(samples,), the class with the largest probability."""
        chosen: Ints = self.outputs.argmax(1)
        return chosen


def sample_losses(kind: str, outputs: Floats, targets: Floats | Ints) -> Floats:
    """Return a loss of each sample, (samples,): cross entropy of classes and labels, squared error of numbers.

    It ranks samples: the run's own loss may have weights, or be another one.
    """
    if kind == CLASSES:
        return -np.log(outputs[np.arange(len(outputs)), targets.astype(np.int64)] + TINY)
    if kind == LABELS:
        losses = -np.log(np.where(targets > 0.5, outputs, 1 - outputs) + TINY)
    else:
        losses = np.square(outputs - targets)
    mean: Floats = losses.mean(1)
    return mean


def worst_samples(losses: Floats) -> Ints:
    """Return positions of the NUM_WORST largest losses, the largest first."""
    return np.argsort(-losses, kind="stable")[:NUM_WORST]


def residual_bins(part: PartOutputs) -> tuple[Ints, Floats]:
    """Return counts, (bins,), and edges, (bins + 1,), of predicted minus true numbers; one bin if all are alike."""
    residuals = (part.outputs - part.targets).ravel()
    residuals = residuals[np.isfinite(residuals)]
    is_flat = not len(residuals) or np.ptp(residuals) <= FLAT * np.abs(residuals).max()
    return np.histogram(residuals, 1 if is_flat else min(MAX_BINS, 5 + int(len(residuals) ** 0.5)))


def write_part_outputs(path: Path, part: PartOutputs) -> None:
    """Write the outputs of a part, whole or not at all; numbers as float32, except those in the unit of the targets."""
    arrays = {each.name: np.asarray(getattr(part, each.name)) for each in fields(part)}
    arrays["pictures"] = arrays["pictures"].astype(np.float32)
    if part.kind != NUMBERS:
        arrays["outputs"] = arrays["outputs"].astype(np.float32)
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def read_part_outputs(path: Path) -> PartOutputs | None:
    """Return the outputs of a part; None if there is no such file.

    Raises:
        ValueError: the file is damaged, or of something else.
    """
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            part = PartOutputs(**{each.name: _read(each.name, file[each.name]) for each in fields(PartOutputs)})
    except (OSError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is damaged: {error}") from None
    _check(part, path.name)
    return part


def _read(name: str, values: NDArray[Any]) -> Any:
    if name == "kind":
        return str(values[()])
    if name == "num_samples":
        return int(values[()])
    if name in ("classes", "columns", "rows"):
        return values.astype(np.str_)
    return values.astype(np.float64) if values.dtype.kind == "f" else values.astype(np.int64)


def _check(part: PartOutputs, name: str) -> None:
    """Raise ValueError unless the arrays fit each other: whoever may write to a folder may put any arrays there."""
    num, is_classes = len(part.indices), part.kind == CLASSES
    shape = (num,) if is_classes else part.outputs.shape
    num_classes = len(part.classes) if is_classes else 0
    worst = min(num, NUM_WORST)
    fits = (
        part.kind in (CLASSES, LABELS, NUMBERS)
        and num > 0
        and part.outputs.ndim == 2
        and len(part.outputs) == num
        and part.targets.shape == shape
        and part.indices.ndim == part.classes.ndim == part.columns.ndim == 1
        and (not is_classes or (part.outputs.shape[1] == num_classes and _is_within(part.targets, num_classes)))
        and part.pictures.shape[:1] in ((0,), (worst,))
        and part.rows.shape in ((0, 0), (worst, len(part.columns)))
    )
    if not fits:
        raise ValueError(f"{name} is damaged: its arrays do not fit each other")


def _is_within(labels: NDArray[Any], num: int) -> bool:
    return labels.dtype == np.int64 and bool(((labels >= 0) & (labels < num)).all())
