"""The folded sections `data` and `space`: what the study compared, over which values, with what, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tunesmith.insight.pages.page import Section, missing, sentence, table
from tunesmith.insight.pages.param_scale import is_number
from tunesmith.insight.pages.plain_values import at, dict_of, dicts_of, shown
from tunesmith.insight.pages.study_facts import ENDED, ParamFacts, StudyFacts

# Choices of a parameter that a cell lists.
MAX_CHOICES = 12
NOT_RECORDED = "not recorded"
_REFERENCE = re.compile(r"\$\{([\w.]+)\}")
# Where the class of a node stands, and settings that are not of the search itself.
_TARGET = "_target_"
_SETTINGS = (
    *("n_trials", "n_workers", "seed", "baseline", "enqueue", "constraints", "max_epochs", "folds", "max_retries"),
    *("max_failure_rate", "timeout", "trial_timeout", "target", "no_improvement", "total_epochs", "isolate"),
)


def data(facts: StudyFacts) -> Section:
    """Return the section: the data as the config names and cuts it, its digest, and how many samples were tested on."""
    config = facts.best_config or facts.config
    found = dict_of(config.get("data"))
    rows = [
        ("digest of the data", facts.best_result.get("data_digest")),
        ("samples of the test part", facts.best_test.get("samples")),
        *_prepared(facts.preparation),
        *((f"data.{key}", _resolved(config, value)) for key, value in _flat(found) if not key.endswith("_partial_")),
    ]
    whose = "What the best trial was trained on."
    if not facts.best_config:
        whose = "What the study's config says: a trial may change it." if found else "No config says what the data are."
    said = sentence(
        f"{whose} What was fitted on the training part is in a trial's preparation.json; how many samples that part "
        "has is not recorded."
    )
    return Section("data", "Data", said + _two_columns(rows), is_folded=True)


def space(facts: StudyFacts) -> Section:
    """Return the section: what varied and how it was searched, and with which versions on which hosts."""
    search = sentence("How it was searched") + _two_columns(list(_search(facts)))
    environment = sentence("With what it ran: the best trial's record") + _two_columns(list(_environment(facts)))
    return Section("space", "Space, search, environment", _space(facts) + search + environment, is_folded=True)


def _prepared(preparation: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Yield what a preparation.json says: numbers of features and names, no values."""
    lists = {key: value for key, value in preparation.items() if isinstance(value, list)}
    categories = dict_of(preparation.get("categories"))
    if not preparation:
        yield "preparation", None
        return
    yield "shape of a sample", " x ".join(map(shown, lists.get("input_shape", ())))
    if lists.get("classes"):
        yield f"{len(lists['classes'])} classes", _list([shown(name) for name in lists["classes"]])
    if lists.get("columns"):
        yield f"{len(lists['columns'])} columns", _list([shown(name) for name in lists["columns"]])
    yield "columns with categories", len(categories)
    yield "missing values", "filled in" if "fills" in lists else "none"
    yield "features that are scaled", len(lists.get("scale", ()))


def _space(facts: StudyFacts) -> str:
    if not facts.params:
        return missing("No parameter varies.")
    written = _written(facts)
    rows = [
        [param.key, *_range(param), *_seen(facts, param.key), written.get(param.key.lstrip("+"), "-")]
        for param in facts.params
    ]
    columns = ["parameter", "range", "scale", "trials", "values tried", "as the space says it"]
    return sentence("What varied") + table(columns, rows)


def _range(param: ParamFacts) -> tuple[str, str]:
    if param.choices is not None:
        return _list([shown(choice) for choice in param.choices]), "choices"
    scale = "log" if param.is_log else "linear"
    return (f"{shown(param.low)} to {shown(param.high)}" if param.low is not None else NOT_RECORDED), scale


def _seen(facts: StudyFacts, key: str) -> tuple[int, str]:
    """Return how many trials that ended have a key, and between which values, or which choices."""
    values = [trial.params[key] for trial in facts.trials if trial.state in ENDED and key in trial.params]
    if values and all(map(is_number, values)):
        return len(values), f"{shown(min(values))} to {shown(max(values))}"
    return len(values), _list(sorted(set(map(shown, values)))) or "-"


def _list(texts: Sequence[str]) -> str:
    cut = f", ... ({len(texts)} choices)" if len(texts) > MAX_CHOICES else ""
    return ", ".join(texts[:MAX_CHOICES]) + cut


def _written(facts: StudyFacts) -> dict[str, str]:
    """Return what the space's file or the command says of each key, its conditions included."""
    params = dict_of(facts.sweeper.get("params"))
    typed = at(facts.config, "hydra.overrides.task")
    words = [word.partition("=") for word in typed if isinstance(word, str)] if isinstance(typed, list) else []
    return {
        **{str(key).lstrip("+"): shown(value) for key, value in params.items()},
        **{key.lstrip("+"): value for key, _, value in words},
    }


def _search(facts: StudyFacts) -> Iterator[tuple[str, object]]:
    sweeper, found = facts.sweeper, dict_of(facts.results.get("search"))
    for name in ("sampler", "pruner"):
        node = dict_of(sweeper.get(name))
        settings = ", ".join(
            f"{key}={shown(value)}" for key, value in node.items() if key != _TARGET and value is not None
        )
        kind = str(found.get(name) or str(node.get(_TARGET, NOT_RECORDED)).rpartition(".")[2])
        yield name, f"{kind}({settings})" if settings else kind
    for name in _SETTINGS:
        if sweeper.get(name) not in (None, [], {}):
            yield name, _resolved(facts.config, sweeper[name])
    for place, stage in enumerate(dicts_of(sweeper.get("stages"))):
        settings = ", ".join(f"{key}={shown(value)}" for key, value in stage.items() if key != "name")
        yield f"stage {shown(stage.get('name', place))}", settings


def _environment(facts: StudyFacts) -> Iterator[tuple[str, object]]:
    result = facts.best_result
    hosts = sorted({trial.worker.split(" ")[0] for trial in facts.trials if trial.worker})
    yield "hosts", ", ".join(hosts) or NOT_RECORDED
    for name in ("engine", "seed", "threads", "commit", "dirty"):
        yield {"dirty": "files changed since the commit"}.get(name, name), result.get(name)
    for name, version in dict_of(result.get("versions")).items():
        yield f"version of {name}", version
    if "python" not in dict_of(result.get("versions")):
        yield "version of python", None


def _resolved(config: Mapping[str, Any], value: object) -> str:
    """Return a value of the config as text; what names another key, ${a.b}, as the value of that key."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    named = at(config, found[1]) if found else None
    return "null" if value is None else shown(named if isinstance(named, str | int | float) else value)


def _flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values of a config with their keys, a.b for a key b in a node a."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _two_columns(rows: Sequence[tuple[str, object]]) -> str:
    return table(["", ""], [[name, NOT_RECORDED if value is None else shown(value)] for name, value in rows])
