"""An app's config and Hydra's context in this process, for tests that start no command."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.types import HydraContext


@contextmanager
def app_context(folder: Path, config: str) -> Iterator[HydraContext]:
    """Hydra's context of an app whose config, app.yaml, is this text."""
    (folder / "app.yaml").write_text(config)
    with initialize_config_dir(str(folder), version_base="1.3"):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        yield HydraContext(hydra.config_loader, Callbacks())


@contextmanager
def root_logger_kept() -> Iterator[None]:
    """Take back what jobs do to the root logger, and close their log files."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(before[0]):
        handler.close()
    root.handlers[:], root.level = before
