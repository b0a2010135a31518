"""What ${hydra:...} comes to before a job: Hydra sets it as late as the job begins, after our checks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict, read_write


@contextmanager
def resolved_as_in_job(config: DictConfig, *folder_keys: str) -> Iterator[None]:
    """Let ${hydra:...} in a job's config come to what it will be in the job.

    folder_keys: the keys that make up the job's output folder. A config without a hydra node stays as it is.
    """
    if "hydra" not in config:
        yield
        return
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        folder = os.path.join(*(str(OmegaConf.select(config, key)) for key in folder_keys))
        with read_write(config.hydra.runtime), open_dict(config.hydra.runtime):
            config.hydra.runtime.output_dir = os.path.abspath(folder)
        HydraConfig.instance().set_config(config)
        yield
    finally:
        HydraConfig.instance().cfg = before
