"""Which values keys of a run's config may take that belong to no `_target_`."""

from __future__ import annotations

from tunesmith.rules import FLAG, LIST, NOT_NEGATIVE, POSITIVE, SEED, TEXT, Rule, either, integer, one_of, or_null

KEYS: dict[str, Rule] = {
    "seed": SEED,
    "note": or_null(TEXT),
    "report": FLAG,
    "tags": Rule("a list of texts", lambda value: LIST.holds(value) and all(map(TEXT.holds, value))),
    "threads": integer(1),
    "study_name": Rule(
        "a name of 1 to 200 bytes", lambda value: value is not None and 1 <= len(str(value).encode()) <= 200
    ),
    "weights": or_null(TEXT),
    "ckpt_path": or_null(TEXT),
    "l1": NOT_NEGATIVE,
    "warmup_epochs": integer(0),
    "find_lr": FLAG,
    "probes": either(FLAG, one_of("auto")),
    "refit": FLAG,
    "lr_finder.min_lr": POSITIVE,
    "lr_finder.max_lr": POSITIVE,
    "lr_finder.steps": integer(50),
    "trainer.engine": one_of("auto", "lightning", "lean"),
    "trainer.save_interval": NOT_NEGATIVE,
    "objective.metric": Rule("the name of a logged metric", lambda value: isinstance(value, str) and value != ""),
    "objective.mode": one_of("min", "max"),
    "objective.others": or_null(LIST),
}
