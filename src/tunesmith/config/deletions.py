"""Keys that no command may delete: a run would go on with a default of its class that the config does not show."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.errors import UserError

# Key -> what to type instead of ~KEY.
NEEDED = {
    **{group: f"{group}=NAME chooses another" for group in ("learner", "model", "optimizer", "loss", "trainer")},
    **{group: f"{group}=none is the choice without it" for group in ("data", "scheduler", "metrics", "callbacks")},
    "logger": "logger=none is the choice without it",
    "optimizer.lr": "optimizer.lr=VALUE sets it",
    "data.batch_size": "data.batch_size=VALUE sets it",
    "data.source": "data=NAME chooses another",
    **{key: f"{key}=VALUE sets it" for key in ("trainer.max_epochs", "trainer.accelerator", "trainer.devices")},
    **{key: f"{key}=VALUE sets it" for key in ("objective.metric", "seed", "threads", "study_name", "tags")},
    **{key: f"{key}=null leaves it empty" for key in ("weights", "ckpt_path", "note")},
    **{key: f"{key}=0 turns it off" for key in ("l1", "warmup_epochs")},
    "objective": "objective.metric=NAME chooses another metric",
    "objective.mode": "leave it as it is: it follows from objective.metric",
    **{key: f"{key}=false turns it off" for key in ("find_lr", "refit", "report")},
    "lr_finder": "leave it as it is: find_lr=true alone uses it",
    "hydra.run.dir": "hydra.run.dir=FOLDER sets it",
    "hydra.sweep.dir": "hydra.sweep.dir=FOLDER sets it",
}


def refuse_deletions(arguments: Sequence[str]) -> None:
    """Raise UserError for an argument ~KEY of the command line that deletes a key which every run needs."""
    for argument in arguments:
        key = argument.removeprefix("~").partition("=")[0].replace("/", ".")
        if argument.startswith("~") and key in NEEDED:
            raise UserError(f"{key} must not be deleted; got '{argument}': {NEEDED[key]}")
