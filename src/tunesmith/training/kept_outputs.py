"""Outputs of the validation and test part with the best weights, kept in the run's folder for its page."""

from __future__ import annotations

import logging
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tunesmith.data.array_data import EVALUATION_BATCH_SIZE, ArrayData
from tunesmith.data.readable import source_numbers, table_cells
from tunesmith.data.splits import Split
from tunesmith.errors import text_of
from tunesmith.insight.part_outputs import (
    CLASSES,
    LABELS,
    NUMBERS,
    PartOutputs,
    sample_losses,
    worst_samples,
    write_part_outputs,
)
from tunesmith.run_folder import BEST_CHECKPOINT, TEST_OUTPUTS_FILE, VAL_OUTPUTS_FILE
from tunesmith.training.supervised import SupervisedLearning
from tunesmith.training.weights import load_weights, read_weights

log = logging.getLogger(__name__)

# Of a large part every n-th sample is kept: 8 MB of numbers are shown within seconds.
MAX_SAMPLES, MAX_NUMBERS = 10_000, 2_000_000
# Labels or numbers of one sample: more of them are images or the like, which are not drawn.
MAX_WIDTH = 100


def keep_val_outputs(folder: Path, learner: nn.Module, data: Any, device: torch.device) -> None:
    """Write what the best weights put out for the validation part, if the page of a run can show it.

    The learner has the best weights afterwards. Whatever fails is said in a line: a run is over by now.
    """
    if not (folder / BEST_CHECKPOINT).is_file() or not is_shown(learner, data) or not len(data.splits.val):
        return
    assert isinstance(learner, SupervisedLearning)
    try:
        load_weights(learner, read_weights(folder / BEST_CHECKPOINT))
        positions = kept_positions(len(data.splits.val), data)
        outputs = _compute(learner, data.splits.val, positions, device)
        write_part_outputs(folder / VAL_OUTPUTS_FILE, _gather(learner, data, "val", positions, outputs))
    except Exception as error:
        log.warning("report: the outputs of the validation part are not kept: %s", text_of(error))


def keep_test_outputs(folder: Path, learner: SupervisedLearning, data: ArrayData, outputs: Tensor) -> None:
    """Write what was put out for the test part; outputs: of all its samples, as the loss takes them."""
    if is_shown(learner, data):
        positions = kept_positions(len(data.splits.test), data)
        write_part_outputs(
            folder / TEST_OUTPUTS_FILE, _gather(learner, data, "test", positions, outputs[torch.from_numpy(positions)])
        )


def is_shown(learner: nn.Module, data: Any) -> bool:
    """Whether outputs can be shown: learner and data are ours, a target is one class, or a few labels or numbers."""
    if not (isinstance(learner, SupervisedLearning) and learner.is_step_ours and isinstance(data, ArrayData)):
        return False
    return data.target_shape == () or (not data.has_classes and prod(data.target_shape) <= MAX_WIDTH)


def kept_positions(num_samples: int, data: ArrayData) -> NDArray[np.int64]:
    """Return positions of the samples to keep, evenly spread over the part."""
    width = data.output_size + prod(data.target_shape)
    most = max(1, min(num_samples, MAX_SAMPLES, MAX_NUMBERS // width))
    return np.linspace(0, num_samples - 1, most).round().astype(np.int64)


@torch.no_grad()
def _compute(learner: SupervisedLearning, split: Split, positions: NDArray[np.int64], device: torch.device) -> Tensor:
    """Return outputs of some samples, on the CPU."""
    learner.float().to(device).eval()  # trainer.precision may have made weights of another type, which no batch has
    chunks = torch.split(torch.from_numpy(positions), EVALUATION_BATCH_SIZE)
    batches = ((split.inputs[chunk].to(device), split.targets[chunk].to(device)) for chunk in chunks)
    return torch.cat([learner.predict(batch).cpu() for batch in batches])


def _gather(
    learner: SupervisedLearning, data: ArrayData, part: str, positions: NDArray[np.int64], outputs: Tensor
) -> PartOutputs:
    """Return the kept outputs of a part; outputs: of the samples at these positions."""
    split: Split = getattr(data.splits, part)
    targets = split.targets[torch.from_numpy(positions)].cpu()
    kind = CLASSES if data.has_classes else LABELS if isinstance(learner.loss, nn.BCEWithLogitsLoss) else NUMBERS
    shown, true = _in_units(kind, outputs.cpu(), targets, data)
    worst = positions[worst_samples(sample_losses(kind, shown, true))]
    index = data.splits.val_index if part == "val" else data.splits.test_index
    return PartOutputs(
        *(kind, shown, true, index[positions], len(split), np.array(data.splits.classes, np.str_)),
        *_inputs(data, split.inputs[torch.from_numpy(worst)].cpu().numpy()),
    )


def _in_units(kind: str, outputs: Tensor, targets: Tensor, data: ArrayData) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return probabilities, or numbers in the unit of the targets: (samples, width); and the targets."""
    outputs = outputs.double()
    if kind == CLASSES:
        return outputs.softmax(1).numpy(), targets.numpy()
    if kind == LABELS:
        outputs = outputs.sigmoid()
    outputs, targets = (each * data.target_scale + data.target_mean for each in (outputs, targets.double()))
    return outputs.reshape(len(outputs), -1).numpy(), targets.reshape(len(targets), -1).numpy()


def _inputs(data: ArrayData, worst: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the names of a table's columns, pictures, and cells of the worst samples; what they are not is empty."""
    no_names, no_pictures, no_rows = np.empty(0, np.str_), np.empty(0), np.empty((0, 0), np.str_)
    preparation = data.splits.preparation
    if worst.ndim == 4 and worst.dtype == np.float32:
        return no_names, source_numbers(preparation, worst), no_rows
    if worst.ndim == 2 and worst.dtype == np.float32:
        names, rows = table_cells(preparation, worst)
        return np.array(names, np.str_), no_pictures, np.array(rows, np.str_)
    return no_names, no_pictures, no_rows
