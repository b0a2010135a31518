"""Every foreign learner with data that fits it: what the tests train, resume, sweep and evaluate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CONF = Path(__file__).parent / "conf"
SEARCH_PATH = f"hydra.searchpath=[file://{CONF}]"


@dataclass(frozen=True)
class Case:
    """What is typed for a learner and its data.

    swept: a key and what a sweep varies it over; metric: the objective; test: what its test_step logs.
    """

    overrides: tuple[str, ...]
    swept: str = "learner.lr=tag(log,interval(1e-3,1e-1))"
    metric: str = "val/loss"
    test: tuple[str, ...] = ()

    @property
    def typed(self) -> tuple[str, ...]:
        return (SEARCH_PATH, "trainer.accelerator=cpu", f"objective.metric={self.metric}", *self.overrides)


def case(learner: str, data: str, *overrides: str, **others: object) -> Case:
    return Case((f"learner={learner}", f"data={data}", *overrides), **others)  # type: ignore[arg-type]


def callback(target: str, **arguments: object) -> str:
    given = "".join(f",{name}:{value}" for name, value in arguments.items())
    return f"+callbacks.mine={{_target_:lightning.pytorch.callbacks.{target}{given}}}"


OPTIMIZER = "optimizer.lr=tag(log,interval(1e-3,1e-1))"
TESTED = ("test/loss",)
LEARNERS: dict[str, Case] = {
    "template": case("template", "template", swept=OPTIMIZER, test=("test/loss", "test/acc")),
    "template, compiled": case(
        "template", "template", "learner.compile=true", swept=OPTIMIZER, test=("test/loss", "test/acc")
    ),
    "logs by step": case("step_logger", "points", "objective.mode=min", metric="train/step", test=TESTED),
    "logs late": case("late_logger", "points", metric="late/loss"),
    "one cycle, net among hyperparameters, no forward": case(
        "with_net", "points", swept="learner.max_lr=interval(0.01,0.2)"
    ),
    "gan": case("gan", "points"),
    "own callbacks": case("own_callbacks", "points", "learner.patience=9"),
    "layers in configure_model": case("late_layers", "points", test=TESTED),
    "compiled in setup": case("compiled", "points", test=TESTED),
    "batches are dicts": case("of_dicts", "dicts", test=TESTED),
    "no validation, own loaders": case("train_only", "none", metric="train_loss"),
    "several validation loaders": case("plain", "two_validations", metric="val/loss/dataloader_idx_1"),
    "an endless stream": case("tested", "stream", "+trainer.limit_train_batches=4", test=TESTED),
    "a stream, max_steps": case("tested", "stream", "data.most=64", "+trainer.max_steps=10000", test=TESTED),
    "ema": case("tested", "points", callback("EMAWeightAveraging", decay=0.9), test=TESTED),
    "averaged weights": case("tested", "points", callback("WeightAveraging"), test=TESTED),
    "a state of its own, a frozen part left out": case("remembers", "points", test=("test/loss", "test/seen")),
    "our array data": case("tested", "breast_cancer", "learner.features=30", test=TESTED),
    "boring": case(
        "boring", "boring", "+trainer.limit_train_batches=4", "+trainer.limit_val_batches=4", swept="seed=range(0,8)"
    ),
}
DATA: dict[str, Case] = {
    "workers, augmentation": case("tested", "points", "data.num_workers=2"),
    "a generator": case("tested", "points", "data.has_generator=true"),
    "a generator, workers": case("tested", "points", "data.has_generator=true", "data.num_workers=1"),
    "a sampler's generator": case("tested", "points", "data.sampler=generator"),
    "float64": case("tested", "points", "trainer.precision=64-true"),
    "float64, averaged": case(
        "tested", "points", "trainer.precision=64-true", callback("EMAWeightAveraging", decay=0.9)
    ),
    "bfloat16": case("tested", "points", "trainer.precision=bf16-true"),
    "a loader with a state": case("tested", "own_loader"),
}
# What draws with a state that nobody can know: a resumed run says so.
UNKNOWN: dict[str, tuple[Case, str]] = {
    "persistent workers": (
        case("tested", "points", "data.num_workers=2", "data.persistent_workers=true"),
        "persistent workers of a loader",
    ),
    "a sampler's hidden generator": (case("tested", "points", "data.sampler=hidden"), "WithHiddenGenerator.rng"),
}
