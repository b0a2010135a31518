"""A batch that cannot be: larger than all there is to train on."""

from __future__ import annotations

from tunesmith.data.array_data import ArrayData
from tunesmith.errors import UserError
from tunesmith.reporting import Reporter

# Sizes up to this one are usual, so that smaller data may have them too: then a batch is the whole training part.
LARGE_BATCH = 512


def check_batch_size(data: object, reporter: Reporter) -> None:
    """Raise UserError for a batch beyond the usual sizes and beyond the training part; one that a sweep drew may be.

    A space is written for data of any size.
    """
    if not isinstance(data, ArrayData) or "data.batch_size" in reporter.params:
        return
    num = len(data.splits.train)
    if data.batch_size > max(LARGE_BATCH, num):
        raise UserError(
            f"data.batch_size must be at most {num}, the number of training samples; got {data.batch_size}: "
            f"data.batch_size={num} trains on all of them at once"
        )
