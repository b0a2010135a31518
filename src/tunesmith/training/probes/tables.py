"""layers.csv and probes.csv of a run folder: rows by epoch, which a run that goes on cuts as those of metrics.csv.

Nothing here imports torch.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from tunesmith.machine_faults import writing
from tunesmith.run_folder import LAYERS_FILE, PROBES_FILE, append_whole, read_table, write_text

LAYER_COLUMNS = ("epoch", "layer", "grad_norm", "weight_norm", "update_ratio", "dead_share", "blocked_share")
PROBE_COLUMNS = (
    *("epoch", "train_loss", "input_max", "output_min", "output_max", "output_sum_min", "output_sum_max"),
    *("output_zeros", "output_spread", "first_quarter_loss", "last_quarter_loss", "max_batch_loss"),
)
_COLUMNS = {LAYERS_FILE: LAYER_COLUMNS, PROBES_FILE: PROBE_COLUMNS}

Row = Mapping[str, object]


def append_rows(path: Path, rows: Sequence[Row]) -> None:
    """Add rows to layers.csv or probes.csv, all of them or none; a number has six digits, None is an empty cell."""
    if not path.exists():
        write_text(path, _as_text(path, [], has_header=True))
    with writing(path):
        append_whole(path, _as_text(path, rows).encode())


def rewrite(path: Path, change: Callable[[dict[str, str]], Row | None]) -> None:
    """Change each row of a table; None leaves the row out."""
    rows = [row for each in read_table(path) if (row := change(each)) is not None]
    write_text(path, _as_text(path, rows, has_header=True))


def cut_tables(folder: Path, keep_epochs: int) -> None:
    """Drop the rows of epochs after keep_epochs, as a run that goes on has them again; a run that begins drops all."""
    for path in (folder / LAYERS_FILE, folder / PROBES_FILE):
        if path.exists() and keep_epochs == 0:
            path.unlink()
        elif path.exists():
            rewrite(path, lambda row: row if row["epoch"].isdecimal() and int(row["epoch"]) <= keep_epochs else None)


def _as_text(path: Path, rows: Iterable[Row], has_header: bool = False) -> str:
    text, columns = io.StringIO(newline=""), _COLUMNS[path.name]
    writer = csv.writer(text)
    if has_header:
        writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value
