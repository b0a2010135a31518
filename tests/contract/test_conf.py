"""Whatever lies in conf/, a user's files too, composes and builds, or is refused in one line."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from inspect import signature
from itertools import combinations
from pathlib import Path

import pytest
from choices import CHOICES, CONF, IDS, ON_CPU, build_choice, chosen, composed, needed
from hydra.errors import HydraException, InstantiationException
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from tunesmith.checks import check_config
from tunesmith.config.package_lines import package_below_a_comment
from tunesmith.config.renamed_targets import RENAMED, nodes_with_target
from tunesmith.errors import UserError
from tunesmith.rules.table import rules_of_package
from tunesmith.search.space.space import parse_space

FILES = sorted(CONF.rglob("*.yaml"))
SPACES = [choice for group, choice in CHOICES if group == "space"]
# What a run may use, and Hydra's own nodes: their targets are Hydra's business.
PARTS = ("data", "model", "learner", "loss", "optimizer", "scheduler", "metrics", "trainer", "callbacks", "logger")


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("group", "choice"), CHOICES, ids=IDS)
def test_every_choice_builds_or_is_refused_in_one_line(
    group: str, choice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some loggers write there
    check_targets(chosen(group, choice, *needed(group, choice, tmp_path), ON_CPU))
    try:
        build_choice(group, choice, tmp_path)
    except UserError as error:
        pytest.skip(f"refused: {error}")
    except InstantiationException as error:
        if not isinstance(error.__cause__, OSError):
            raise
        pytest.skip(f"lacks a file: {error.__cause__}")


def check_targets(cfg: DictConfig) -> None:
    """Fail if a `_target_` is not in its package; skip the test if the package is not installed."""
    for part in PARTS:
        for key, node in nodes_with_target(cfg[part], part) if isinstance(cfg.get(part), DictConfig) else ():
            target = RENAMED.get(node["_target_"], node["_target_"])
            if find_spec(target.partition(".")[0]) is None:
                pytest.skip(f"{key}: {target} is not installed")
            get_object(target)
            check_rules(target)


def check_rules(target: str) -> None:
    """Fail if a rule that a user wrote for a class is about an argument that the class does not have."""
    rules = rules_of_package(target.partition(".")[0]).get(target, {})
    arguments = signature(get_object(target)).parameters if rules else {}
    assert [name for name in rules if name.partition(".")[0] not in arguments] == []


@pytest.mark.parametrize("space", SPACES)
def test_every_space_can_be_swept(space: str, tmp_path: Path) -> None:
    """Compose both ends of all ranges, with the model or learner of the space's name, else with any that fits."""
    beside = [ON_CPU, *needed("space", space, tmp_path)]
    refusals = (refusal(f"space={space}", *model, *beside) for model in models_of(space))
    first = next(refusals)
    assert first == "" or "" in refusals, first


@pytest.mark.slow
@pytest.mark.parametrize(("space", "other"), list(combinations(SPACES, 2)))
def test_spaces_that_fit_one_model_can_be_swept_together(space: str, other: str, tmp_path: Path) -> None:
    beside = [ON_CPU, *needed("space", space, tmp_path), *needed("space", other, tmp_path)]
    for model in models_of(space):
        if not any(refusal(f"space={each}", *model, *beside) for each in (space, other)):
            assert refusal(f"space=[{space},{other}]", *model, *beside) == ""
            return
    pytest.skip("no model has the keys of both")


def models_of(space: str) -> list[list[str]]:
    """Return what chooses the model or learner of a space's name, or else each model in turn."""
    named = [[f"{group}={choice}"] for group, choice in CHOICES if group in ("learner", "model") and choice == space]
    return named or [[], *([f"model={choice}"] for group, choice in CHOICES if group == "model")]


@cache
def refusal(*overrides: str) -> str:
    """Return why the ends of a space cannot be composed; nothing if they can."""
    try:
        sweep = composed(*overrides)
        space = parse_space(OmegaConf.to_container(sweep.hydra.sweeper.params), [], config=sweep)  # type: ignore[arg-type]
        for choices in space.combinations(space.switches):
            for end in (0, -1):
                params = dict(choices)
                for each in space.active(choices):
                    params.setdefault(each.key, each.extremes()[end])
                check_config(composed(*overrides, *space.overrides(params)))
    except (UserError, HydraException) as error:
        return str(error.__cause__ or error)
    return ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_a_package_line_is_above_all_comments(path: Path) -> None:
    assert package_below_a_comment(path.read_text()) is None
