"""A swept choice brings a space of its own: each key varies beside the choices whose space has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.errors import HydraException
from hydra.types import RunMode
from hydra_app import app_context

from tunesmith.errors import UserError
from tunesmith.search.space.groups import MAX_COMBINATIONS
from tunesmith.search.space.per_choice import find_space
from tunesmith.search.space.space import Space

CONFIG = """
defaults:
  - _self_
  - optional space: ${task}
  - task: classes
  - model: mlp
  - optimizer: adam
  - optional experiment: null
  - override hydra/sweeper: tunesmith
lr: 1
depth: 2
tied: ${depth}
hydra: {sweep: {dir: sweeps/s, subdir: '0'}}
"""
SPACE = "# @package hydra.sweeper.params\n"
FILES = {
    "task/classes.yaml": "{kind: classes}",
    "task/noise.yaml": "{kind: noise}",
    "model/mlp.yaml": "{units: 8, norm: true}",
    "model/cnn.yaml": "{kernel: 3, norm: false}",
    "model/linear.yaml": "{bias: true}",
    "optimizer/adam.yaml": "{eps: 1}",
    "optimizer/sgd.yaml": "{momentum: 0}",
    "space/classes.yaml": SPACE + "defaults: [{optional /space: '${model}'}]",
    "space/mlp.yaml": f"{SPACE}lr: interval(0,1)\nmodel.units: 8,16\ndepth: range(1,3)",
    "space/cnn.yaml": f"{SPACE}lr: interval(0,1)\nmodel.kernel: 3,5\ndepth: range(1,5)",
    "space/linear.yaml": f"{SPACE}lr: interval(0,1)\ndepth: 7",
    "space/noise.yaml": f"{SPACE}lr: interval(2,3)",
    "space/norm.yaml": f"{SPACE}lr: {{sweep: 'interval(0,1)', when: {{model.norm: true}}}}",
    "space/sgd.yaml": f"{SPACE}optimizer.momentum: {{sweep: 'interval(0,1)', when: {{optimizer: sgd}}}}",
    "space/none.yaml": f"{SPACE}{{}}",
    "experiment/far.yaml": "# @package _global_\nhydra: {sweeper: {params: {lr: 'interval(5,6)'}}}",
    "experiment/near.yaml": "# @package _global_\nlr: 2",
}
FILES |= {f"many/{index}.yaml": f"{{index: {index}}}" for index in range(40)}
MLP, CNN, LINEAR, BOTH = "  if model=mlp", "  if model=cnn", "  if model=linear", "  if model=mlp|cnn"


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfigLoader]:
    folder = tmp_path_factory.mktemp("conf")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    with app_context(folder, CONFIG) as context:
        yield context.config_loader


@pytest.fixture(scope="module")
def found(loader: ConfigLoader) -> Callable[..., Space]:
    def find(*typed: str) -> Space:
        config = loader.load_configuration("app", list(typed), run_mode=RunMode.MULTIRUN)
        return find_space(config.hydra.sweeper.params, typed, loader, config, is_open=False)[0]

    return find


def shown(space: Space) -> list[str]:
    return [f"{dimension.key}: {dimension.describe()}" for dimension in space.dimensions.values()]


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        (
            ["model=mlp,cnn"],
            ["lr: 0 to 1", "model: mlp, cnn", f"model.units: 8, 16{MLP}", f"depth: integer 1 to 3{MLP}",
             f"model.kernel: 3, 5{CNN}", f"depth: integer 1 to 5{CNN}"],
        ),
        (
            ["model=linear,mlp"],
            ["lr: 0 to 1", "model: linear, mlp", f"depth: 7{LINEAR}", f"model.units: 8, 16{MLP}",
             f"depth: integer 1 to 3{MLP}"],
        ),
        (
            ["model=mlp,cnn", "depth=1,2"],
            ["lr: 0 to 1", "model: mlp, cnn", f"model.units: 8, 16{MLP}", f"model.kernel: 3, 5{CNN}", "depth: 1, 2"],
        ),
        (
            ["model=mlp,cnn", "depth=4", "lr=1"],
            ["model: mlp, cnn", f"model.units: 8, 16{MLP}", f"model.kernel: 3, 5{CNN}"],
        ),
        (["model=mlp,cnn", "space=none"], ["model: mlp, cnn"]),
        (["model=mlp,cnn", "space=noise"], ["lr: 2 to 3", "model: mlp, cnn"]),
        (
            ["model=mlp,cnn", "space=norm"],
            ["model: mlp, cnn", "lr: 0 to 1  if model=mlp"],  # the condition is met with one of the models
        ),
        (["optimizer=adam,sgd", "space=sgd"], ["optimizer: adam, sgd", "optimizer.momentum: 0 to 1  if optimizer=sgd"]),
        (
            ["model=cnn", "optimizer=adam,sgd"],
            ["lr: 0 to 1", "model.kernel: 3, 5", "depth: integer 1 to 5", "optimizer: adam, sgd"],
        ),
        (
            ["task=classes,noise", "model=linear,cnn"],
            ["task: classes, noise", "lr: 0 to 1  if task=classes", "lr: 2 to 3  if task=noise", "model: linear, cnn",
             "depth: 7  if task=classes and model=linear", "model.kernel: 3, 5  if task=classes and model=cnn",
             "depth: integer 1 to 5  if task=classes and model=cnn"],
        ),
        (
            ["experiment=far,near", "space=noise"],
            ["experiment: far, near", "lr: 5 to 6  if experiment=far", "lr: 2 to 3  if experiment=near"],
        ),
        (["seed=1,2", "model=mlp,cnn"], ["seed: 1, 2", "model: mlp, cnn"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value[0], str) and "=" in value[0] else "",
)  # fmt: skip
def test_each_choice_brings_its_space(found: Callable[..., Space], typed: list[str], lines: list[str]) -> None:
    assert shown(found(*typed)) == lines


def test_each_trial_sets_what_the_space_of_its_choice_has(found: Callable[..., Space]) -> None:
    space = found("model=mlp,cnn,linear", "lr=1", "tied=3")
    points = [space.job_overrides(space.params_of(point)) for point in space.points()]
    assert len(points) == space.num_points() == 2 * 3 + 2 * 5 + 1
    assert points[0] == ["model=mlp", "model.units=8", "depth=1", "lr=1", "tied=3"]
    assert points[-1] == ["model=linear", "depth=7", "lr=1", "tied=3"]


def test_what_is_left_out_with_each_choice_is_said(found: Callable[..., Space]) -> None:
    space = found("model=cnn,linear", "space=norm", "++model.norm=false")
    assert (shown(space), len(space.remarks)) == (["model: cnn, linear"], 1)


def test_a_choice_that_is_not_there_is_hydras_error(found: Callable[..., Space]) -> None:
    with pytest.raises(HydraException, match="Could not find 'model/cn'"):
        found("model=mlp,cn")


def test_of_many_choices_only_those_that_bring_a_space_make_combinations(found: Callable[..., Space]) -> None:
    many = ",".join(map(str, range(40)))
    space = found(f"+many={many}", "model=mlp,cnn", "lr=1", "depth=1")
    assert len(many.split(",")) * 2 > MAX_COMBINATIONS
    assert shown(space)[1:] == ["model: mlp, cnn", f"model.units: 8, 16{MLP}", f"model.kernel: 3, 5{CNN}"]


def test_too_many_spaces_are_refused(found: Callable[..., Space], loader: ConfigLoader) -> None:
    folder = Path(next(source.path for source in loader.get_sources() if source.scheme() == "file"))
    for index in range(40):
        text = f"# @package _global_\nhydra: {{sweeper: {{params: {{lr: 'interval(0,{index + 1})'}}}}}}"
        (folder / "experiment" / f"e{index}.yaml").write_text(text)
    experiments = ",".join(f"e{index}" for index in range(40))
    with pytest.raises(UserError, match=r"^experiment, model: .* more than 64 combinations: choose one space for all"):
        found(f"experiment={experiments}", "model=mlp,cnn")
