"""Build the data and the learner of a config, and check that they fit each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig

from tunesmith.config.doors import with_learner
from tunesmith.data.array_data import ArrayData
from tunesmith.errors import UserError
from tunesmith.training.data_record import DataRecord
from tunesmith.training.first_samples import check_outputs
from tunesmith.training.imported import is_of
from tunesmith.training.nodes import build_node
from tunesmith.training.signatures import check_signatures
from tunesmith.training.supervised import SupervisedLearning

if TYPE_CHECKING:
    import lightning as L


def build_learner(
    cfg: DictConfig, fold: int | None = None, earlier: DataRecord | None = None
) -> tuple[L.LightningDataModule | None, L.LightningModule]:
    """Build the data and the learner; a learner with `_partial_: true` is called with data=the data module.

    earlier: of the run whose checkpoint the learner is for.

    Raises:
        UserError: they do not fit each other, or are no LightningDataModule and LightningModule; or the data are not
            those of the earlier run.
    """
    return _build(cfg, fold, earlier, is_lean=False)


def build_lean_learner(
    cfg: DictConfig, fold: int | None = None, earlier: DataRecord | None = None
) -> tuple[ArrayData, SupervisedLearning]:
    """Build data and learner of ours without what they have of Lightning; arguments and errors as of build_learner.

    A learner of the user's own keeps its class.
    """
    return _build(cfg, fold, earlier, is_lean=True)


def _build(cfg: DictConfig, fold: int | None, earlier: DataRecord | None, is_lean: bool) -> tuple[Any, Any]:
    cfg = with_learner(cfg)
    check_signatures(cfg)
    data = build_node(cfg, "data", is_lean, **({} if fold is None else {"fold": fold})) if cfg.get("data") else None
    if not (is_lean or data is None or is_of(data, "lightning.LightningDataModule")):
        raise UserError(f"data._target_ must be a LightningDataModule; got {type(data).__qualname__}")
    if earlier is not None:
        earlier.hand_over(data)
    module = build_node(cfg, "learner", is_lean, **({"data": data} if cfg.learner.get("_partial_") else {}))
    if not (is_lean or is_of(module, "lightning.LightningModule")):
        raise UserError(f"learner._target_ must be a LightningModule; got {type(module).__qualname__}")
    if isinstance(module, SupervisedLearning) and isinstance(data, ArrayData):
        check_outputs(module, data)
    return data, module
