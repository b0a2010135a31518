"""Try the remedies of a finding: train the original and each remedy on the same seeds, until one is better."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, flag_override

from tunesmith import run_folder
from tunesmith.checks import check_config
from tunesmith.errors import MachineFault, RunFailed, UserError, printable, text_of
from tunesmith.insight.diagnosis.finding import Finding
from tunesmith.insight.diagnosis.training_facts import read_training_facts
from tunesmith.insight.tries.measures import choose_metric, read_values
from tunesmith.insight.tries.outcomes import BETTER, Measure, Outcome, Values, judge
from tunesmith.machine_faults import find_machine_fault, silence_helpers
from tunesmith.reporting import NoReporter
from tunesmith.training.engine import AUTO, KEY, choose_engine
from tunesmith.training.memory import free_cuda
from tunesmith.training.run import train_in

ORIGINAL, NOT_TRAINED = "original", "cannot be trained"

Tell = Callable[[str, str], None]


@dataclass(frozen=True)
class Tried:
    """A remedy that was tried.

    metric: of the validation; before, after: its values, of the original and with the remedy; None of what diverged.
    """

    overrides: tuple[str, ...]
    outcome: Outcome
    metric: str = ""
    before: Sequence[float | None] = ()
    after: Sequence[float | None] = ()

    @property
    def is_better(self) -> bool:
        return self.outcome.verdict == BETTER


def try_remedies(folder: Path, cfg: DictConfig, finding: Finding, num_seeds: int, tell: Tell) -> Tried | None:
    """Try a finding's remedies in their order; return the first one that is better, None if none is.

    Each training has a folder in FOLDER/try/, and is not repeated: after Ctrl-C the same call goes on.
    What came out is in FOLDER/try.yaml; nothing else of the run changes.

    folder: the run's; cfg: its config; tell: is told of each training and each remedy, as label and text.

    Raises:
        UserError: the run cannot be trained again, or its data have changed.
    """
    silence_helpers()
    trials = _Trials(folder, _base(cfg), num_seeds, tell)
    before = trials.train(())
    _check_data(folder, trials.place(()) / f"seed_{trials.seeds[0]}")
    tried: list[Tried] = []
    for overrides in finding.remedies:
        tried.append(trials.compare(finding.gains, overrides, before))
        tell("tried", f"{' '.join(overrides)}  {tried[-1].outcome.words}")
        if tried[-1].is_better:
            break
    best = next((each for each in tried if each.is_better), None)
    run_folder.write_yaml(folder / run_folder.TRY_FILE, _to_plain(finding, trials.seeds, tried, best))
    return best


@dataclass(frozen=True)
class _Trials:
    """The trainings of one run with several seeds; base: the config that all have in common."""

    folder: Path
    base: DictConfig
    num_seeds: int
    tell: Tell

    @property
    def seeds(self) -> list[int]:
        """The run's own seed and those that follow it."""
        return [(self.base.seed + place) % 2**32 for place in range(self.num_seeds)]

    def place(self, overrides: Sequence[str]) -> Path:
        """Return the folder of a remedy, named by it."""
        name = re.sub(r"[^\w.=,+-]", "_", ",".join(overrides))[:100].lstrip(".")
        return self.folder / run_folder.TRY_FOLDER / (name or ORIGINAL)

    def train(self, overrides: Sequence[str]) -> list[Values]:
        """Train a remedy, or the original, with each seed; return what is known of each run."""
        values: list[Values] = []
        for seed in self.seeds:
            config, place = (
                with_overrides(self.base, [f"seed={seed}", *overrides]),
                self.place(overrides) / f"seed_{seed}",
            )
            if overrides:
                check_config(config)
            result = _train(config, place)
            values.append(read_values(place, result))
            value = values[-1].get(self.base.objective.metric)
            shown = result.get("reason") if value is None else f"{self.base.objective.metric} {value:.4g}"
            reached = f"{shown}, {result.get('epochs', 0)} epochs"
            self.tell(f"seed {seed}", f"{' '.join(overrides) or ORIGINAL}: {reached}")
        return values

    def compare(self, gains: str, overrides: tuple[str, ...], before: Sequence[Values]) -> Tried:
        try:
            after = self.train(overrides)
        except MachineFault:
            raise
        except Exception as error:  # a model of one's own may not take the value; the original has been trained
            if (fault := find_machine_fault(error, self.folder)) is not None:
                raise fault from None
            kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
            return Tried(overrides, Outcome(NOT_TRAINED, f"cannot be trained: {kind}{text_of(error)}"))
        objective = Measure(self.base.objective.metric, self.base.objective.mode)
        metric = choose_metric(overrides, objective, {name for values in after for name in values})
        if metric.name == "val/loss":
            place = self.place(overrides) / f"seed_{self.seeds[0]}"
            metric = replace(metric, useless=read_training_facts(place).amount("prior_loss.val"))
        values = ([of_seed.get(metric.name) for of_seed in each] for each in (before, after))
        return Tried(overrides, judge(gains, metric, before, after), metric.name, *values)


def with_overrides(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return a copy of a composed config with other values of keys that it has.

    Raises:
        UserError: the config has no such key.
    """
    changed = cfg.copy()
    with flag_override(changed, ["struct", "readonly"], False):
        for each in OverridesParser.create().parse_overrides(list(overrides)):
            key = each.get_key_element()
            if OmegaConf.select(changed, key, default=each) is each:
                raise UserError(f"{key} must be a key of the run's config, which has none")
            OmegaConf.update(changed, key, each.value(), merge=False)
    return changed


def _base(cfg: DictConfig) -> DictConfig:
    """Return the run's config without what a further training must not do again: log elsewhere, go on, write a page.

    The lean engine trains what it can: it has the same numbers in half the time. report keeps the outputs of the
    validation part, of which a balanced accuracy is made.
    """
    base = cfg.copy()
    changes: dict[str, Any] = {"ckpt_path": None, "refit": False, "logger": {}, "report": True, "trainer.devices": 1}
    with flag_override(base, ["struct", "readonly"], False):
        for key, value in changes.items():
            OmegaConf.update(base, key, value, merge=False, force_add=True)
        if OmegaConf.select(base, KEY, default=AUTO) == AUTO:
            OmegaConf.update(base, KEY, choose_engine(base, is_of_sweep=True).name, force_add=True)
        if _lacks_gpu(OmegaConf.select(base, "trainer.accelerator", default=AUTO)):
            base.trainer.accelerator = "cpu"
    return base


def _lacks_gpu(accelerator: object) -> bool:
    import torch

    return accelerator in ("gpu", "cuda") and not torch.cuda.is_available()


def _train(config: DictConfig, place: Path) -> Mapping[str, Any]:
    """Train in a folder, or go on there, and return the content of result.yaml; what has ended is not repeated."""
    text, path = OmegaConf.to_yaml(config), place / run_folder.CONFIG_FILE
    if place.exists() and not (path.is_file() and path.read_text(encoding="utf-8") == text):
        shutil.rmtree(place)  # of another config: of the run before it went on, or of an earlier version
    is_begun, result = place.exists(), place / run_folder.RESULT_FILE
    if result.is_file() and (ended := run_folder.read_yaml(result)).get("state") in ("COMPLETE", "FAIL"):
        return ended
    path.parent.mkdir(parents=True, exist_ok=True)
    run_folder.write_text(path, text)
    try:
        return train_in(config, place, NoReporter(is_retry=is_begun))
    except RunFailed as failure:  # out of memory
        return {"state": "FAIL", "reason": str(failure), "epochs": 0}
    finally:
        free_cuda()


def _check_data(folder: Path, tried: Path) -> None:
    """Raise UserError if the data are no longer those of the run: a remedy would be judged on others."""
    digests = [
        run_folder.read_yaml(path).get("data_digest") if (path := each / run_folder.RESULT_FILE).is_file() else None
        for each in (folder, tried)
    ]
    if None not in digests and digests[0] != digests[1]:
        raise UserError(f"the data must be those that the run in {folder} was trained on; they have changed since")


def _to_plain(finding: Finding, seeds: Sequence[int], tried: Sequence[Tried], best: Tried | None) -> dict[str, Any]:
    return {
        "finding": finding.name,
        "one_of": list(finding.one_of),
        "gains": finding.gains,
        "seeds": list(seeds),
        "tried": list(map(_row, tried)),
        "better": None if best is None else list(best.overrides),
    }


def _row(tried: Tried) -> dict[str, Any]:
    outcome = tried.outcome
    row = {"overrides": list(tried.overrides), "verdict": outcome.verdict, "words": printable(outcome.words)}
    if outcome.verdict == NOT_TRAINED:
        return row
    values = {"metric": tried.metric, ORIGINAL: list(tried.before), "values": list(tried.after)}
    return {**row, "difference": outcome.difference, "standard_error": outcome.error, **values}
