"""What was meant by a key that is not there: the same name deeper down, another word for it, a similar one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from omegaconf import DictConfig, OmegaConf

SWEEPER = "hydra.sweeper"
_SIMILAR = 0.8
# Other people's words -> the key here, or what to type instead.
_WORDS = {
    "trainer.max_epochs": "epochs epoch num_epochs n_epochs nb_epochs max_epoch total_epochs iterations",
    "trainer.devices": "gpus num_gpus n_gpus ngpus gpu_ids num_devices n_devices nproc",
    "trainer.accelerator": "device gpu cuda use_cuda cpu use_gpu backend",
    "trainer.engine": "engine lean lightning",
    "trainer.precision": "fp16 bf16 amp half mixed_precision dtype",
    "trainer.gradient_clip_val": "clip grad_clip clip_grad max_grad_norm gradient_clip clip_norm",
    "trainer.accumulate_grad_batches": "accumulate grad_accum accumulation_steps gradient_accumulation_steps",
    "data.batch_size": "bs batch batchsize mini_batch train_batch_size",
    "data.val_fraction": "val_split val_size validation_split valid_size val_ratio",
    "data.test_fraction": "test_split test_size test_ratio",
    "data.folds": "k kfold k_folds n_folds num_folds cv n_splits",
    "data.path": "csv file data_path data_dir root dataset_path filename",
    "optimizer.lr": "learning_rate learningrate lr_rate learnrate eta alpha base_lr init_lr lr0 step_size",
    "optimizer.weight_decay": "wd decay l2 weightdecay reg regularization",
    "model.hidden_units": "hidden units width hidden_size hidden_dim neurons n_hidden nodes hidden_layers_size",
    "model.num_layers": "layers depth n_layers num_hidden_layers hidden_layers nlayers",
    "model.dropout": "drop p_drop dropout_rate dropout_p droprate",
    "callbacks.early_stopping": "early_stop earlystopping es stop_early",
    "hydra.sweeper.n_trials": "trials n_trial num_trials ntrials runs budget max_trials num_samples",
    "hydra.sweeper.n_workers": "workers jobs num_jobs parallel n_workers num_workers processes max_workers",
    "hydra.sweeper.storage": "db database storage_url",
    "hydra/sweeper/sampler": "sampler sampling algo algorithm",
    "hydra/sweeper/pruner": "pruner pruning",
    "study_name": "study name run_name exp_name experiment_name sweep_name task_name study_id project",
    "note": "comment description message",
    "ckpt_path": "resume resume_from checkpoint ckpt resume_from_checkpoint restart load",
    "weights": "pretrained init_from finetune fine_tune checkpoint_path pretrained_path",
    "seed": "random_seed random_state manual_seed seed_everything rng seeds rand",
    "data": "dataset datamodule datasets",
    "model": "arch net network architecture backbone",
    "optimizer": "optim opt",
    "scheduler": "sched lr_scheduler lr_schedule schedule",
    "loss": "criterion loss_fn loss_function objective_fn",
    "learner": "module lightning_module task",
    "objective.metric": "optimized_metric metric_to_optimize target_metric",
    "experiment": "exp config recipe cfg",
    "logger": "log loggers wandb tensorboard",
    "hydra.run.dir": "output_dir out outdir save_dir log_dir output output_path results_dir dir logdir",
    "hydra.sweeper.timeout": "time_limit max_time time_budget",
    "threads": "n_threads num_threads cpus num_cpus",
    "trainer=smoke": "debug fast_dev_run smoke dry quick dev sanity",
    "hydra.sweeper.dry_run=true": "dry_run dryrun",
    "search=NAME or space=NAME": "hparams_search hparams sweep hyperparameters hpo",
    "python scripts/evaluate.py FOLDER": "test evaluate eval predict train",
}
_MEANT = {word: meant for meant, words in _WORDS.items() for word in words.split()}


def hint_of(cfg: object, name: str) -> str:
    """Return "; did you mean X?" for a name at the root of a config, "" if nothing is like it."""
    if not isinstance(cfg, DictConfig):
        return ""
    found = _meant(cfg, name)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def hint_below(node: str, name: str, options: Iterable[str]) -> tuple[str, bool]:
    """Return a hint for a name that is no argument of a node, and whether it says what was meant.

    node: the node's key; options: its arguments.
    """
    listed = sorted(options)
    of_words = _MEANT.get(name.lower(), "")
    parent, _, last = of_words.rpartition(".")
    inside = [option for option in listed if option.endswith(f"_{name}")]
    near = [last] if parent == node and last in listed else get_close_matches(name, listed, 1, _SIMILAR) or inside[:1]
    shown = ", ".join(f"{node}.{option}" for option in listed)
    return f"{f'; did you mean {node}.{near[0]}?' if near else ';'} options: {shown}", bool(near)


def keys_of_name(node: object, name: str, prefix: str = "") -> list[str]:
    """Return the dotted keys inside a config's groups, or inside a node of it, that end with a name.

    prefix: the node's key and a dot.
    """
    keys = _keys(node, prefix) if isinstance(node, DictConfig) else ()
    return [key for key in keys if key.rpartition(".")[2] == name]


def _meant(cfg: DictConfig, name: str) -> list[str]:
    keys = list(_keys(cfg, ""))
    same = keys_of_name(cfg, name)
    if same:
        return same
    of_sweeper = [
        str(key) for key in OmegaConf.select(cfg, SWEEPER, default=None) or () if not str(key).startswith("_")
    ]
    meant = _MEANT.get(name.lower().replace("-", "_"))
    if meant is not None and _exists(cfg, meant, keys):
        return [meant]
    if name in of_sweeper:
        return [f"{SWEEPER}.{name}"]
    by_name = {key.rpartition(".")[2]: key for key in reversed([*keys, *(f"{SWEEPER}.{key}" for key in of_sweeper)])}
    roots = [str(key) for key in cfg if key != "hydra"]
    similar = get_close_matches(name.lower(), roots, n=1, cutoff=0.6)
    deeper = get_close_matches(name.lower(), by_name, n=1, cutoff=_SIMILAR)
    return [] if not deeper or similar else [by_name[deeper[0]]]


def _exists(cfg: DictConfig, meant: str, keys: list[str]) -> bool:
    """Whether there is a key; what is no dotted key is a word to type."""
    is_word = any(sign in meant for sign in "/= ")
    return is_word or meant in keys or meant in cfg or meant.startswith("hydra.")


def _keys(node: DictConfig, prefix: str) -> Iterator[str]:
    """Yield the dotted keys inside a config's groups, without those that stand for others by an interpolation."""
    for name in map(str, node):
        if name.startswith("_") or (not prefix and name == "hydra"):
            continue
        key = f"{prefix}{name}"
        if prefix:
            yield key
        if OmegaConf.is_missing(node, name) or OmegaConf.is_interpolation(node, name):
            continue
        if isinstance(node[name], DictConfig):
            yield from _keys(node[name], f"{key}.")
