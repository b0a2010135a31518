"""What a run keeps of its data: a digest in its checkpoints; what goes on with them compares."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import lightning as L

from tunesmith.errors import UserError
from tunesmith.training.weights import read_part

log = logging.getLogger(__name__)

# Letters that a message shows of a digest of ours or of another hash, and of a text that a user's digest() returns.
NUM_SHOWN, NUM_SHOWN_OF_TEXT = 8, 60


@dataclass(frozen=True)
class DataRecord:
    """What an earlier run has kept of its data, with a checkpoint.

    digest: None: the data had none, or the run is one of an older version, which kept none.
    """

    checkpoint: Path
    digest: str | None

    @property
    def folder(self) -> Path:
        return self.checkpoint.parent.parent

    def check(self, data: L.LightningDataModule | None) -> None:
        """Raise UserError if the data are not those of the run; say so if nobody can know."""
        now = read_digest(data)
        if now is None and self.digest is None:
            return
        if now is None or self.digest is None:
            whose = "these data have" if now is None else "that run kept"
            log.warning("data: not compared with the data of %s: %s no digest", self.folder, whose)
        elif now != self.digest:
            raise UserError(
                f"data must be those of {self.folder}, whose digest is {_short(self.digest)}; got {_short(now)}, from "
                "other rows, values, names or another order: put the old data back, or begin a new run from these "
                f"weights with weights={self.checkpoint}"
            )


def read_data_record(key: str, checkpoint: Path) -> DataRecord:
    """Return what the run of a checkpoint has kept of its data; key: of the config, for messages.

    Raises:
        UserError: the file is no checkpoint.
    """
    state = read_part(key, checkpoint, "callbacks").get("EpochRecord", {})
    return DataRecord(checkpoint, state.get("data_digest"))


def read_digest(data: Any) -> str | None:
    """Return what a data module's digest() says; None if there is no data module, or it has no digest().

    Raises:
        UserError: digest() returns something else than a text.
    """
    if data is None:
        return None
    name = type(data).__qualname__
    if not callable(getattr(data, "digest", None)):
        _say_without_digest(name)
        return None
    digest = data.digest()
    if digest is not None and not (isinstance(digest, str) and digest):
        raise UserError(f"data._target_: digest() of {name} must return a text, or None; got {digest!r}")
    return digest


@cache
def _say_without_digest(name: str) -> None:
    log.warning(
        "data: %s has no digest(), a text that differs for other data: nothing will notice if its data change", name
    )


def _short(digest: str) -> str:
    is_hash = re.fullmatch("[0-9a-f]{32,}", digest) is not None
    return f"{digest[:NUM_SHOWN]}..." if is_hash else digest[:NUM_SHOWN_OF_TEXT]
