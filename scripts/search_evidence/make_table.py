"""Trains the recorded table anew, in less than ten minutes on two cores: python scripts/search_evidence/make_table.py

384 points x 3 seeds x 30 epochs of an Mlp on digits. Each of the 16 pairs of batch size and width is one computation of
72 nets, so that the table does not depend on the number of processes. Another processor has other last digits.
"""

import argparse
import time
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from curve_table import (
    BATCH_SIZES,
    DROPOUTS,
    LEARNING_RATES,
    NUM_EPOCHS,
    SEEDS,
    SHAPE,
    TABLE_FILE,
    WIDTHS,
    CurveTable,
    write_table,
)
from numpy.typing import NDArray
from stacked_nets import StackedNets, batches

from tunesmith.data.cutting import SplitConfig
from tunesmith.data.sources.sklearn_dataset import SklearnDataset
from tunesmith.data.splits import Splits, load_splits

Curves = tuple[NDArray[np.float32], NDArray[np.uint16]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--to", type=Path, default=TABLE_FILE)
    options = parser.parse_args()
    pairs = list(product(range(len(BATCH_SIZES)), range(len(WIDTHS))))
    val_loss, num_correct = np.empty(SHAPE, np.float32), np.empty(SHAPE, np.uint16)
    with ProcessPoolExecutor(options.processes) as pool:
        sizes = [(BATCH_SIZES[batch], WIDTHS[width]) for batch, width in pairs]
        for (batch, width), curves in zip(pairs, pool.map(train_nets, *zip(*sizes, strict=True)), strict=True):
            val_loss[:, batch, width], num_correct[:, batch, width] = curves
    write_table(CurveTable(val_loss, num_correct, len(digits().val)), options.to)


def train_nets(batch_size: int, width: int, num_epochs: int = NUM_EPOCHS) -> Curves:
    """Train one net per learning rate, dropout and seed.

    Returns: validation loss and right answers, (learning rates, dropouts, seeds, epochs) each.
    """
    begin = time.monotonic()
    torch.set_num_threads(1)
    nets = StackedNets(width, LEARNING_RATES, DROPOUTS, SEEDS)
    torch.manual_seed(0)  # of dropout
    scores = []
    for epoch in range(num_epochs):
        for batch in batches(digits().train, batch_size, SEEDS, epoch):
            nets.step(*batch)
        scores.append(nets.evaluate(digits().val))
    print(f"batch_size={batch_size} width={width}: {time.monotonic() - begin:.0f} s", flush=True)
    shape = (len(LEARNING_RATES), len(DROPOUTS), len(SEEDS), num_epochs)
    losses, correct = (torch.stack(values, dim=1).reshape(shape).numpy() for values in zip(*scores, strict=True))
    return losses.astype(np.float32), correct.astype(np.uint16)


@lru_cache(1)
def digits() -> Splits:
    """Return the splits of data=digits, as conf/data/base.yaml cuts and scales them."""
    config = SplitConfig(
        val_fraction=0.2,
        test_fraction=0.2,
        seed=42,
        folds=None,
        fold=None,
        fraction=1.0,
        scale="standard",
        scale_targets=True,
        missing="refuse",
    )
    return load_splits(SklearnDataset("digits"), config)


if __name__ == "__main__":
    main()
