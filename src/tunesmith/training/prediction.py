"""A trained model applied to new rows, prepared as the run's preparation.json says; the run's data may be gone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from omegaconf import DictConfig, OmegaConf

from tunesmith.data.new_rows import TableFormat, read_rows
from tunesmith.data.sources.cells import CellFormat
from tunesmith.errors import UserError
from tunesmith.run_folder import PREDICTIONS_FILE, check_run_folder, replacing
from tunesmith.training.draws import seed_everything
from tunesmith.training.evaluation import needs_no_trainer, read_config, trained_folders
from tunesmith.training.prediction_columns import PREDICTION, to_frame
from tunesmith.training.trained_model import mean_outputs, read_model

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass
class Written:
    """Predictions in a file: how many rows, and how often each class was predicted, of a class alone."""

    path: Path
    num_rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)


def predict(folder: Path, inputs: Any) -> Iterator[DataFrame]:
    """Yield predictions, a row for each row of the inputs, in their order and in pieces of bounded size.

    After cross-validation the outputs of the fold models are averaged, as evaluation does.

    folder: of a run that you trust: the classes that its config names are built.
    inputs: the path of a CSV, npz or npy file, a pandas.DataFrame, or an array of (samples, *input_shape).

    Raises:
        UserError: the folder holds no model that can be applied to rows, or the inputs are no such rows.
    """
    check_run_folder(folder)
    cfg = read_config(folder)
    torch.set_num_threads(cfg.threads)
    seed_everything(cfg.seed)  # a predict of one's own may draw
    trained = [read_model(cfg, path, needs_no_trainer(cfg)) for _, path in trained_folders(cfg, folder)]
    for arrays in read_rows(inputs, trained[0].preparation, _table_format(cfg)):
        yield to_frame(trained[0], mean_outputs(cfg, trained, arrays))


def write_predictions(folder: Path, inputs: Path, output: Path | None = None) -> Written:
    """Write predictions for the rows of a file as CSV, whole or not at all.

    output: a file that is not there yet; None: predictions.csv in the run's folder, which is written anew.

    Raises:
        UserError: see predict; or the output cannot be written there.
    """
    written = Written(folder / PREDICTIONS_FILE if output is None else output)
    check_run_folder(folder)
    _check_output(output, written.path, inputs)
    with replacing(written.path) as file:
        for frame in predict(folder, inputs):
            file.write(frame.to_csv(index=False, header=not written.num_rows).encode())
            written.num_rows += len(frame)
            if PREDICTION in frame and frame[PREDICTION].dtype.kind != "f":
                written.counts.update(frame[PREDICTION].value_counts().to_dict())
    return written


def _check_output(output: Path | None, path: Path, inputs: Path) -> None:
    if output is not None and output.exists():
        raise UserError(f"output must be a new file; got {output}, which is there already")
    if not path.parent.is_dir():
        raise UserError(f"output must lie in a folder that is there; got {path}")
    if path.exists() and inputs.exists() and path.samefile(inputs):
        raise UserError(f"inputs must be another file than the one that predictions are written to; got {inputs}")


def _table_format(cfg: DictConfig) -> TableFormat:
    """Return how the run's CSV file was written; a run on other data has no such keys, and takes plain CSV files."""
    node: Any = OmegaConf.to_container(cfg.data, resolve=True)
    given = {key: node[key] for key in ("na_values", "keep_default_na", "decimal", "thousands") if key in node}
    place = {key: node[key] for key in ("separator", "encoding", "header") if key in node}
    return TableFormat(CellFormat(**{**given, "na_values": tuple(given.get("na_values", ()))}), **place)
