"""Keys of a config that may change between what was begun and what goes on with it."""

from __future__ import annotations

import re

# These keys and all below them: nothing that is learned depends on them; other devices sum a batch in another order.
_FREE = (
    *("ckpt_path", "note", "tags", "threads", "study_name", "logger", "refit", "report", "probes"),
    *("trainer.devices", "trainer.accelerator", "trainer.num_nodes", "trainer.strategy", "trainer.max_time"),
    *("trainer.profiler", "trainer.enable_progress_bar", "trainer.enable_model_summary", "trainer.log_every_n_steps"),
    *("trainer.default_root_dir", "trainer.engine", "trainer.save_interval"),  # engines come to the same numbers
)
_PLACE = re.compile(r"data\.(.*[._])?(path|root|folder|dir|cache|debian)")


def is_free(key: str) -> bool:
    """Whether a dotted key may change."""
    return any(key == free or key.startswith(f"{free}.") for free in _FREE)


def names_a_place(key: str) -> bool:
    """Whether a dotted key says where data lies: it may change if the digest of the data tells that it is the same."""
    return _PLACE.fullmatch(key) is not None
