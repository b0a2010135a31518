"""hydra.sweeper.params: an interpolation that gives a sweep is resolved; any other one is left to the job."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from tunesmith.config.quoting import param_override
from tunesmith.search.space.entries import is_conditional

# An interpolation that is not escaped and, unlike ${.key}, does not depend on where it stands.
_INTERPOLATION = re.compile(r"(?<!\\)\$\{(?!\.)")


def read_params(resolved: Mapping[str, Any], written: object) -> dict[str, Any]:
    """Return the entries of params as overrides need them.

    A fixed value such as ${oc.env:TOKEN} or ${hydra:job.num} stays as it is written: resolved here, it would be
    another value than the job's, and would stand in the study and on the command line of a trial.

    written: the node without resolving anything; None if that is not known.
    """
    texts = written if isinstance(written, Mapping) else {}
    return {key: _read(key, value, texts.get(key)) for key, value in resolved.items()}


def _read(key: str, resolved: Any, written: Any) -> Any:
    if is_conditional(resolved):
        return resolved
    is_left_to_job = _INTERPOLATION.search(param_override("", written)) and not _is_sweep(key, resolved)
    return written if is_left_to_job else resolved


def _is_sweep(key: str, value: Any) -> bool:
    try:
        return OverridesParser.create().parse_override(param_override(key, value)).is_sweep_override()
    except HydraException:
        return True  # a mistake in a sweep, which parse_space explains
