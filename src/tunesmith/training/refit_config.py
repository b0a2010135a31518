"""The config of a refit: that of a finished run, for as many epochs as were best, on training and validation part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import isclass, signature
from pathlib import Path
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf, flag_override

from tunesmith import run_folder
from tunesmith.config.doors import written_at
from tunesmith.errors import UserError
from tunesmith.objective import Objective
from tunesmith.training.engine import LEAN, LIGHTNING

# What a refit's record follows: nothing validates it, and its last epoch is the one that is kept.
OF_REFIT = Objective("train/loss", "last")
_DATA_MODULES = ("tunesmith.data.DataModule", "tunesmith.data.datamodule.DataModule")
_LEARNER = "tunesmith.training.learner.Supervised"
_PLATEAU = "torch.optim.lr_scheduler.ReduceLROnPlateau"
_RECORDED = "tunesmith.training.recorded_rates.RecordedRates"
# What may end a training before or after its best epoch -> the value that leaves it out: a refit's epochs are longer.
_OTHER_ENDS = {"min_epochs": None, "min_steps": None, "max_steps": -1, "max_time": None}


def refit_fields(cfg: DictConfig) -> dict[str, Any] | None:
    """Return where the epochs of a refit come from, as its config says it; None for the config of any other run."""
    node = cfg.get("refit")
    if not isinstance(node, DictConfig):
        return None
    fields = OmegaConf.to_container(node)
    assert isinstance(fields, dict)
    return {str(key): value for key, value in fields.items()}


def check_refit(cfg: DictConfig) -> None:
    """Raise UserError if refit=true and the run cannot be refitted; builds nothing."""
    if cfg.get("refit") is not True:
        return
    others = OmegaConf.select(cfg, "objective.others", default=None)
    if others:
        raise UserError(
            f"refit must be false with objective.others={list(others)}, as no trial is the best of several objectives; "
            "got true: python scripts/refit.py FOLDER refits the trial of your choice"
        )
    check_can_refit(cfg)


def check_can_refit(cfg: DictConfig) -> None:
    """Raise UserError if a run cannot be refitted."""
    data, learner = (str(OmegaConf.select(cfg, f"{key}._target_", default=None)) for key in ("data", "learner"))
    if data not in _DATA_MODULES and not _takes_val(data):
        raise UserError(
            f"refit must be false with data._target_={data}, which does not train on its validation part; got true: "
            f"{_DATA_MODULES[0]} does, and a subclass of it"
        )
    if learner != _LEARNER and not _is_supervised(learner):
        raise UserError(
            f"refit must be false with learner._target_={learner}, as a refit has no validation; got true: a subclass "
            f"of {_LEARNER} trains without one"
        )
    devices = OmegaConf.select(cfg, "trainer.devices", default=1)
    if devices != 1:
        raise UserError(f"refit must be false with trainer.devices={devices}; got true: a refit takes one device")


def make_refit_config(cfg: DictConfig, folder: Path) -> DictConfig:
    """Return the config that refits a finished run; its key refit says where the epochs come from.

    cfg: the run's; folder: the run's, whose result.yaml and metrics.csv are read, or those of its folds.

    Raises:
        UserError: the run has not ended with a best epoch.
    """
    rooms = _rooms(cfg, folder)
    ended = [_result(room) for room in rooms]
    epochs = round(_mean([result["epoch"] for result in ended]))
    of_trial = {"trial": int(folder.name)} if folder.name.isdecimal() else {"run": folder.name}
    refit = cfg.copy()
    changes = {
        "refit": {**of_trial, "epochs": epochs, **({"folds": len(rooms)} if len(rooms) > 1 else {})},
        "ckpt_path": None,
        "data.train_on_val": True,
        "data.folds": None,
        "callbacks": {name: node for name, node in (cfg.get("callbacks") or {}).items() if "monitor" not in node},
        **_trainer(cfg, ended[0].get("engine", LIGHTNING)),
        **_learning_rate(cfg, folder, rooms, epochs),
    }
    with flag_override(refit, ["struct", "readonly"], False):
        for key, value in changes.items():
            OmegaConf.update(refit, key, value, merge=False, force_add=True)
    return refit


def _mean(numbers: Sequence[float]) -> float:
    """Return the exact mean; equal rates of several folds stay what they are."""
    from statistics import mean  # each start imports this module

    return mean(numbers)


def _trainer(cfg: DictConfig, engine: str) -> dict[str, Any]:
    """Return what changes in the trainer: it is the run's engine, and its record alone ends the training."""
    other_ends = {f"trainer.{name}": off for name, off in _OTHER_ENDS.items() if cfg.trainer.get(name, off) != off}
    no_validation = {} if engine == LEAN else {"trainer.limit_val_batches": 0}
    return {"trainer.engine": engine, **other_ends, **no_validation}


def _learning_rate(cfg: DictConfig, folder: Path, rooms: list[Path], epochs: int) -> dict[str, Any]:
    """Return what changes so that each epoch has the run's learning rate, without the validation that set it."""
    changes: dict[str, Any] = {}
    if cfg.get("find_lr"):
        changes = {"find_lr": False, written_at(cfg, "learner.optimizer.lr"): _found_lr(folder)}
    if _follows_metric(cfg):
        rates = [_mean(of_epoch) for of_epoch in _rates(rooms, epochs)]
        node = {"_target_": _RECORDED, "_partial_": True, "rates": rates, "warmup_epochs": cfg.get("warmup_epochs", 0)}
        changes[written_at(cfg, "learner.scheduler")] = node
    return changes


def _rooms(cfg: DictConfig, folder: Path) -> list[Path]:
    """Return the folders of the run's trainings: its own, or those of its folds."""
    folds = OmegaConf.select(cfg, "data.folds", default=None)
    return [folder] if folds is None else [folder / run_folder.fold_name(fold) for fold in range(folds)]


def _result(room: Path) -> dict[str, Any]:
    path = room / run_folder.RESULT_FILE
    result = run_folder.read_yaml(path) if path.is_file() else {}
    if result.get("state") != "COMPLETE" or not isinstance(result.get("epoch"), int):
        raise UserError(f"a refit needs a run that has ended with a best epoch; got {room}, whose result.yaml has none")
    return result


def _found_lr(folder: Path) -> float:
    """Return the learning rate that find_lr=true has found for the run."""
    from tunesmith.training.lr_finder import FOUND_FILE  # imports Lightning

    return float(run_folder.read_yaml(folder / FOUND_FILE)["optimizer.lr"])


def _follows_metric(cfg: DictConfig) -> bool:
    """Whether the learning rate follows a metric that a refit lacks; any other schedule simply runs again."""
    target = OmegaConf.select(cfg, "learner.scheduler._target_", default=None)
    plateau = get_object(_PLATEAU)
    found = None if target is None else get_object(str(target))
    return isclass(found) and issubclass(found, plateau)


def _rates(rooms: list[Path], epochs: int) -> Iterator[list[float]]:
    """Yield, for each epoch, the learning rate of its last step in each training that has come to it."""
    tables = [
        {int(row["epoch"]): float(row["lr"]) for row in run_folder.read_metrics(room) if row.get("lr")}
        for room in rooms
    ]
    for epoch in range(1, epochs + 1):
        of_epoch = [table[epoch] for table in tables if epoch in table]
        if not of_epoch:
            raise UserError(
                f"a refit needs the learning rate of each epoch; {rooms[0]}/metrics.csv lacks that of {epoch}"
            )
        yield of_epoch


def _takes_val(target: str) -> bool:
    try:
        return "train_on_val" in signature(get_object(target)).parameters
    except Exception:  # building the data says what is wrong with it
        return False


def _is_supervised(target: str) -> bool:
    try:
        found = get_object(target)
    except Exception:  # building the learner says what is wrong with it
        return False
    return isclass(found) and issubclass(found, get_object("tunesmith.training.supervised.SupervisedLearning"))
