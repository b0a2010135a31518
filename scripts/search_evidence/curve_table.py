"""The recorded table of learning curves: a small net on digits, trained at every point of a grid with three seeds.

make_table.py has made curves.npz (docs/search.md). Its points and seeds are below, in the order of the arrays' axes.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLE_FILE = Path(__file__).with_name("curves.npz")
LEARNING_RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
BATCH_SIZES = (16, 32, 64, 128)
WIDTHS = (16, 32, 64, 128)
DROPOUTS = (0.0, 0.25, 0.5)
SEEDS = (0, 1, 2)
NUM_EPOCHS = 30
SHAPE = (len(LEARNING_RATES), len(BATCH_SIZES), len(WIDTHS), len(DROPOUTS), len(SEEDS), NUM_EPOCHS)


@dataclass(frozen=True)
class CurveTable:
    """val_loss: cross-entropy, float32; num_correct: right answers, uint16, of num_val validation images.

    Both are of shape SHAPE: learning rate, batch size, width, dropout, seed, epoch.
    """

    val_loss: NDArray[np.float32]
    num_correct: NDArray[np.uint16]
    num_val: int

    @property
    def val_acc(self) -> NDArray[np.float64]:
        """Validation accuracy, of shape SHAPE."""
        return self.num_correct / self.num_val


def read_table(path: Path = TABLE_FILE) -> CurveTable:
    with np.load(path) as arrays:
        return CurveTable(arrays["val_loss"], arrays["num_correct"], int(arrays["num_val"]))


def write_table(table: CurveTable, path: Path = TABLE_FILE) -> None:
    np.savez_compressed(path, val_loss=table.val_loss, num_correct=table.num_correct, num_val=table.num_val)
