"""The note and the tags of a trial, which the study keeps."""

from __future__ import annotations

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna import Trial

from tunesmith.search.attribute_names import NOTE, TAGS


def label(trial: Trial, config: DictConfig) -> None:
    """Keep a trial's note and tags in the study, if it has any; what another app has at these keys is left out."""
    texts = {key: _text_or_texts(config, key) for key in (NOTE, TAGS)}
    for key, text in texts.items():
        if text:
            trial.set_user_attr(key, text)


def _text_or_texts(config: DictConfig, key: str) -> str | list[str] | None:
    try:
        label = OmegaConf.select(config, key)
        texts = list(label) if isinstance(label, ListConfig) else [label]
    except OmegaConfBaseException:  # an interpolation that only a job can resolve
        return None
    if not all(isinstance(text, str) for text in texts) or isinstance(label, str) != (key == NOTE):
        return None
    return label if isinstance(label, str) else texts
