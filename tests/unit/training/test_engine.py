"""Which engine trains a config, and which key needs Lightning."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from choices import CONF
from omegaconf import OmegaConf
from tiny import composed

from tunesmith.errors import UserError
from tunesmith.reporting import NoReporter, hand_over
from tunesmith.training.build import build_quiet_trainer
from tunesmith.training.engine import Engine, choose_engine, describe_engine, why_not_lean

TRAINER = "needs Lightning's Trainer"
SWA = "lightning.pytorch.callbacks.StochasticWeightAveraging"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "data=mnist_5k model=cnn",
        "data=diabetes data.batch_size=8",
        "data.folds=5",
        "data.class_weights=balanced data.augmentation.flip=0.5",
        "data.fraction=0.5",
        "learner=autoencoder model=bottleneck",
        "learner=contrastive",
        "learner=denoiser model=pixels",
        "model=residual",
        *(f"optimizer={name}" for name in ("adam", "adamw", "rmsprop", "sgd")),
        *(f"scheduler={name}" for name in ("cosine", "none", "onecycle", "step")),
        "scheduler=cosine scheduler.interval=step",
        "scheduler._target_=torch.optim.lr_scheduler.CosineAnnealingLR",
        "optimizer._target_=torch.optim.NAdam ~optimizer.fused",
        "warmup_epochs=3 l1=1e-4",
        "loss.label_smoothing=0.1",
        "metrics=[recall,top5]",
        *(f"logger={name}" for name in ("csv", "mlflow", "none", "wandb")),
        "callbacks=none",
        "callbacks.early_stopping.patience=3 +callbacks.early_stopping.min_delta=0.1",
        "+callbacks.early_stopping.check_on_train_epoch_end=true +callbacks.early_stopping.verbose=true",
        "trainer=cpu",
        "trainer=gpu",
        "trainer.gradient_clip_val=1 trainer.gradient_clip_algorithm=value",
        "trainer.precision=32",
        "trainer.profiler=null",
        "trainer.log_every_n_steps=50 +trainer.enable_progress_bar=false",
        "+trainer.max_steps=-1 +trainer.limit_val_batches=1.0 +trainer.min_epochs=null",  # Lightning's defaults
        "find_lr=true",
        "weights=best.ckpt",
        "threads=2 seed=3",
        "probes=false",
        "probes=true",
        "experiment=xor_architectures",
        "experiment=diabetes",
        "experiment=small_net",
    ],
)
def test_the_lean_engine_trains_what_is_ours(typed: str) -> None:
    assert why_not_lean(composed(*typed.split(), with_hydra=True)) is None


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        *(
            (f"{text}", f"{text.lstrip('+')} {TRAINER}")
            for text in (
                *("trainer.precision=bf16-mixed", "trainer.precision=64-true", "trainer.devices=2"),
                *("trainer.devices=auto", "trainer.devices=[1]", "trainer.accelerator=mps", "trainer.strategy=ddp"),
                *("trainer.accumulate_grad_batches=2", "trainer.deterministic=true", "trainer.deterministic=warn"),
                *("+trainer.limit_train_batches=1", "+trainer.limit_val_batches=0.5", "+trainer.min_epochs=3"),
                *("+trainer.limit_test_batches=2", "trainer.enable_model_summary=true"),
                *("+trainer.max_steps=9", "+trainer.val_check_interval=0.5", "+trainer.check_val_every_n_epoch=2"),
                *("+trainer.num_nodes=2", "trainer.profiler=simple", "trainer.num_sanity_val_steps=2"),
                *("+trainer.detect_anomaly=true", "+trainer.unheard_of=1", "+trainer.benchmark=true"),
            )
        ),
        ("+trainer.max_time='00:01:00'", f"trainer.max_time=00:01:00 {TRAINER}"),
        ("trainer.max_epochs=null", f"trainer.max_epochs=null {TRAINER}"),
        ("~trainer.devices", f"trainer.devices=auto {TRAINER}"),
        ("trainer=overfit", f"trainer.overfit_batches=1 {TRAINER}"),
        ("trainer._target_=project.MyTrainer", "trainer._target_=project.MyTrainer is not lightning.Trainer"),
        (f"+callbacks.swa._target_={SWA}", f"callbacks.swa._target_={SWA} {TRAINER}"),
        ("+callbacks.own=null", f"callbacks.own._target_=None {TRAINER}"),
        ("+callbacks.early_stopping.unknown=1", f"callbacks.early_stopping.unknown {TRAINER}"),
        ("~callbacks.early_stopping.monitor", "callbacks.early_stopping has no monitor"),
        ("data=none", f"data=none, which leaves the data to the learner, {TRAINER}"),
        ("data._target_=project.data.Mine", "data._target_=project.data.Mine is not tunesmith.data.DataModule"),
        ("optimizer._target_=torch.optim.LBFGS", f"optimizer._target_=torch.optim.LBFGS {TRAINER}"),
        ("optimizer._target_=lion.Lion", f"optimizer._target_=lion.Lion {TRAINER}"),
        ("scheduler._target_=timm.Poly", f"scheduler._target_=timm.Poly {TRAINER}"),
        ("+logger.tensorboard.log_graph=true", f"logger.tensorboard.log_graph=true {TRAINER}"),
        ("+hydra.callbacks.mine._target_=project.Mine", "hydra.callbacks.mine is one of your own"),
        ("~learner._partial_", "learner._target_=tunesmith.training.learner.Supervised is not called with the data"),
    ],
)
def test_what_needs_lightning_is_named_by_its_key(typed: str, reason: str) -> None:
    found = why_not_lean(composed(*typed.split(), with_hydra=True))
    assert str(found).startswith(reason)


@pytest.mark.parametrize(
    ("monitor", "reason"),
    [
        ("val/acc", None),
        (
            "${objective.metric}",
            "callbacks.more follows what callbacks.early_stopping follows, which Lightning refuses",
        ),
    ],
)
def test_early_stopping_may_follow_several_metrics_but_none_twice(monitor: str, reason: str | None) -> None:
    second = f"+callbacks.more={{_target_:lightning.pytorch.callbacks.EarlyStopping,mode:min,monitor:{monitor}}}"
    assert why_not_lean(composed(second)) == reason


@pytest.mark.parametrize(
    ("typed", "of_run", "of_trial"),
    [
        ("", "lightning", "lean"),
        ("trainer.engine=lightning", "lightning", "lightning"),
        ("trainer.engine=lean", "lean", "lean"),
        ("~trainer.engine", "lightning", "lean"),
        ("trainer.engine=lightning trainer.precision=64-true", "lightning", "lightning"),
    ],
)
def test_auto_trains_a_run_by_lightning_and_a_trial_by_the_lean_engine(typed: str, of_run: str, of_trial: str) -> None:
    cfg = composed(*typed.split())
    assert choose_engine(cfg).name == of_run
    with hand_over(NoReporter()):
        assert choose_engine(cfg).name == of_trial


def test_a_trial_that_needs_lightning_is_trained_by_it_and_the_sweep_says_why() -> None:
    cfg = composed("trainer.precision=64-true")
    with hand_over(NoReporter()):
        assert choose_engine(cfg) == Engine("lightning", f"trainer.precision=64-true {TRAINER}")
    assert describe_engine(cfg, is_of_sweep=True) == f"engine lightning: trainer.precision=64-true {TRAINER}"
    assert describe_engine(cfg, is_of_sweep=False) is None


@pytest.mark.parametrize("is_of_sweep", [False, True])
def test_an_engine_that_was_asked_for_trains_or_refuses(is_of_sweep: bool) -> None:
    cfg = composed("trainer.engine=lean", "trainer.precision=64-true")
    message = f"trainer.engine must be auto or lightning: trainer.precision=64-true {TRAINER}; got 'lean'"
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        describe_engine(cfg, is_of_sweep)
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        choose_engine(cfg)


@pytest.mark.parametrize("accelerator", ["auto", "gpu"])
def test_the_gpu_of_a_machine_with_mps_is_lightnings(monkeypatch: pytest.MonkeyPatch, accelerator: str) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    reason = f"trainer.accelerator={accelerator} takes this machine's mps, which {TRAINER}"
    assert why_not_lean(composed(f"trainer.accelerator={accelerator}")) == reason
    assert why_not_lean(composed("trainer.accelerator=cpu")) is None


def test_a_config_of_version_0_1_0_has_no_learner_and_none_of_our_keys() -> None:
    content: Any = OmegaConf.to_container(composed(), resolve=False)
    del content["learner"], content["trainer"]["engine"]
    content["trainer"]["profiler"]["_target_"] = "tunesmith.profiler.NoProfiler"
    assert why_not_lean(OmegaConf.create(content)) is None
    content["optimizer"]["_target_"] = "torch.optim.LBFGS"
    assert why_not_lean(OmegaConf.create(content)) == f"optimizer._target_=torch.optim.LBFGS {TRAINER}"


def test_our_keys_do_not_reach_the_trainer_and_the_others_keep_their_interpolations(tmp_path: Path) -> None:
    typed = ("trainer.engine=lean", "trainer.max_epochs=7", "+trainer.min_epochs=${trainer.max_epochs}")
    trainer = build_quiet_trainer(composed(*typed, "trainer.accelerator=cpu"), tmp_path)
    assert (trainer.max_epochs, trainer.min_epochs) == (7, 7)


EXPERIMENTS = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
NEEDS_LIGHTNING = {
    "batch_sizes": f"callbacks.parameters._target_=tunesmith.training.callbacks.parameters.Parameters {TRAINER}",
    "learning_rates": f"trainer.precision=64-true {TRAINER}",
}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_experiments_are_trained_by_the_lean_engine_unless_they_log_parameters(name: str) -> None:
    assert why_not_lean(composed(f"experiment={name}")) == NEEDS_LIGHTNING.get(name)


def test_a_node_without_our_keys_is_built_as_it_is() -> None:
    cfg: Any = composed("~trainer.engine", "trainer.accelerator=cpu")
    assert OmegaConf.select(cfg, "trainer.engine") is None
    assert build_quiet_trainer(cfg, Path()).max_epochs == 100
