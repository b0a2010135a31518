"""Writes best.yaml: the config of a study's best trial, from which a run repeats it and a sweep goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tunesmith.config.changes import find_changes
from tunesmith.errors import UserError, printable
from tunesmith.run_folder import write_text
from tunesmith.search.results import BEST_FILE, MULTIRUN_FILE, best_command
from tunesmith.search.space.schemas import compose_file, schema_defaults

# Parts of the sweep's hydra node that a run or a sweep of best.yaml needs.
_HYDRA_PARTS = ("run", "sweep", "callbacks", "job_logging")
_SWEEPER_KEYS = (
    "study_name",
    "direction",
    "seed",
    "max_epochs",
    "folds",
    "devices",
    "max_failure_rate",
    "check",
    "on_start",
    "on_finish",
    "linear_model",
)
# What Hydra has unless a config says otherwise.
_USUAL: dict[str, Any] = {"env_set": {}, "env_copy": [], "chdir": None, "output_subdir": ".hydra", "searchpath": []}


def write_best_config(
    study_name: str, folder: Path, config: DictConfig | None, loader: ConfigLoader | None = None
) -> None:
    """Write best.yaml: the trial's values as they are written, and the part of the hydra node that a run needs.

    `python train.py -m --config-dir FOLDER --config-name best KEY=...` sweeps KEY in a study of its own.

    folder: the study's; config: of its best trial, composed with its hydra node; None: only an older best.yaml is
    removed.
    loader: of the app, whose schemas the config keeps; None if it has none.

    Raises:
        UserError: the config cannot keep its schemas.
    """
    (folder / BEST_FILE).unlink(missing_ok=True)  # it may describe an earlier best trial
    if config is None or not (folder / MULTIRUN_FILE).exists():
        return
    asked, values = _load(folder / MULTIRUN_FILE), without_hydra(config)
    job = OmegaConf.create({"hydra": _plain(config.hydra)})
    if "study_name" in values:
        values.study_name = f"{study_name}_best"
    content = {**_plain(values), "hydra": _hydra_half(asked, job, study_name, OmegaConf.to_yaml(values))}
    _write(folder, [], content)
    if loader is not None:
        _add_schemas(folder, loader, job, values, content)


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a trial's config as Hydra writes it down in the trial's folder."""
    plain = {key: value for key, value in _plain(config).items() if key != "hydra"}
    written = OmegaConf.create(OmegaConf.to_yaml(OmegaConf.create(plain)))
    assert isinstance(written, DictConfig)
    return written


def _add_schemas(folder: Path, loader: ConfigLoader, job: DictConfig, values: DictConfig, content: Any) -> None:
    """Write best.yaml with the schemas of its config; raises UserError if it would be another config with them."""
    try:
        schemas = _schemas(loader, job)
        if not schemas:
            return
        _write(folder, schemas, content)
        composed = OmegaConf.create(OmegaConf.to_yaml(compose_file(loader, folder / BEST_FILE)))
        assert isinstance(composed, DictConfig)
        reason = ", ".join(change.key for change in find_changes(values, composed))
    except (HydraException, OmegaConfBaseException) as error:
        reason = str(error)
    if reason:
        _write(folder, [], content)
        raise UserError(f"the schemas of its config are left out, since Hydra refuses or changes: {reason}")


def _schemas(loader: ConfigLoader, job: DictConfig) -> list[Any]:
    overrides = _plain(job.hydra.overrides)
    return schema_defaults(loader, job.hydra.job.config_name, [*overrides["hydra"], *overrides["task"]])


def _write(folder: Path, schemas: list[Any], content: dict[str, Any]) -> None:
    overrides = [entry for entry in schemas if isinstance(entry, dict)]
    defaults = [
        *(entry for entry in schemas if isinstance(entry, str)),
        "_self_",
        {"override hydra/sweeper": "tunesmith"},
    ]
    text = f"# The best trial's configuration. Repeat it: {printable(best_command(folder))}\n"
    config = OmegaConf.create({"defaults": [*defaults, *overrides], **content})
    write_text(folder / BEST_FILE, text + OmegaConf.to_yaml(config))


def _hydra_half(asked: DictConfig, job: DictConfig, study_name: str, values: str) -> dict[str, Any]:
    """Return what a re-run needs of the hydra node, interpolations as they are.

    asked: of the sweep; job: of the trial; values: the trial's config as a text.
    """
    hydra, of_job = _plain(asked.hydra), _plain(job.hydra)
    half: dict[str, Any] = {part: hydra[part] for part in _HYDRA_PARTS}
    half |= dict(_unusual(hydra, "output_subdir", "searchpath"))
    half["job"] = {"name": hydra["job"]["name"], **_job_half(of_job["job"])}
    if "${hydra:job." in values:
        half["job"] |= {key: of_job["job"][key] for key in ("num", "id")}
    if "${hydra:runtime.choices" in values:
        half["runtime"] = {"choices": of_job["runtime"]["choices"]}
    half["sweeper"] = {key: hydra["sweeper"][key] for key in _SWEEPER_KEYS}
    if half["sweeper"]["study_name"] == study_name:  # as it was typed, not made of another key
        half["sweeper"]["study_name"] = f"{study_name}_best"
    return half


def _job_half(job: dict[str, Any]) -> dict[str, Any]:
    """Return the variables and the folder of a trial; what Hydra has copied from the environment stays out."""
    copied = job.get("env_copy") or ()
    variables = {name: value for name, value in (job.get("env_set") or {}).items() if name not in copied}
    return dict(_unusual({**job, "env_set": variables}, "env_set", "env_copy", "chdir"))


def _unusual(node: dict[str, Any], *keys: str) -> Iterator[tuple[str, Any]]:
    yield from ((key, node[key]) for key in keys if node.get(key, _USUAL[key]) != _USUAL[key])


def _load(path: Path) -> DictConfig:
    config = OmegaConf.load(path)
    assert isinstance(config, DictConfig)
    return config


def _plain(config: DictConfig) -> dict[str, Any]:
    plain = OmegaConf.to_container(config, resolve=False)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
