"""Weights of a checkpoint: names that torch.compile changed, and what starts anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from torch import Tensor, nn

from tunesmith.errors import UserError
from tunesmith.training.weights import COMPILED, load_checkpoint, load_weights, read_weights, start_from


class Net(nn.Module):
    """A backbone and a head, and a state that is no tensor."""

    def __init__(self, classes: int = 2, value: float = 0.0) -> None:
        super().__init__()
        self.backbone, self.head = nn.Linear(3, 4), nn.Linear(4, classes)
        for parameter in self.parameters():
            nn.init.constant_(parameter, value)

    def get_extra_state(self) -> dict[str, int]:
        return {"steps": 1}

    def set_extra_state(self, state: dict[str, int]) -> None:
        assert state == {"steps": 1}


def compiled(net: Net) -> Net:
    net.backbone = torch.compile(net.backbone, backend="eager")
    return net


def means(net: nn.Module) -> set[float]:
    return {float(parameter.detach().mean()) for parameter in net.parameters()}


@pytest.mark.parametrize("is_source_compiled", [False, True])
@pytest.mark.parametrize("is_target_compiled", [False, True])
def test_parts_that_are_compiled_load_and_give_plain_names(is_source_compiled: bool, is_target_compiled: bool) -> None:
    source = compiled(Net(value=1.0)) if is_source_compiled else Net(value=1.0)
    target = compiled(Net()) if is_target_compiled else Net()
    assert is_source_compiled == any(COMPILED in name for name in source.state_dict())
    load_weights(target, source.state_dict())
    assert means(target) == {1.0}
    other = compiled(Net()) if is_target_compiled else Net()
    start_from(other, source.state_dict(), "here")
    assert means(other) == {1.0}


def test_other_shapes_are_no_weights_of_a_model() -> None:
    with pytest.raises(RuntimeError, match="size mismatch"):
        load_weights(Net(classes=3), Net().state_dict())


def test_a_new_head_starts_anew_and_is_named(caplog: pytest.LogCaptureFixture) -> None:
    net = Net(classes=3, value=5.0)
    start_from(net, Net(value=1.0).state_dict(), "first/best.ckpt")
    assert means(net.backbone) == {1.0}
    assert means(net.head) == {5.0}
    (line,) = caplog.messages
    assert line.startswith("weights: _extra_state, head.bias, head.weight start anew: 'first/best.ckpt' has none")


def test_weights_of_another_model_are_refused() -> None:
    with pytest.raises(UserError, match=r"^weights must fit the model; got 'a\.ckpt', none of whose 2 weights do$"):
        start_from(Net(), nn.Linear(7, 7).state_dict(), "a.ckpt")


class Frozen(L.LightningModule):
    """Leaves its backbone out of checkpoints, and keeps a number in them."""

    def __init__(self, value: float = 0.0, is_strict: bool = False) -> None:
        super().__init__()
        self.backbone, self.head, self.seen = nn.Linear(3, 4), nn.Linear(4, 2), 0
        self.strict_loading = is_strict
        for parameter in self.parameters():
            nn.init.constant_(parameter, value)

    def state_dict(self, *args: Any, **options: Any) -> Any:
        return {name: value for name, value in super().state_dict().items() if name.startswith("head")}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.seen = checkpoint["seen"]


def test_a_part_that_checkpoints_leave_out_stays_as_it_is() -> None:
    module = Frozen(value=5.0)
    load_weights(module, Frozen(value=1.0).state_dict())
    assert (means(module.backbone), means(module.head)) == ({5.0}, {1.0})
    start_from(module, Frozen(value=2.0).state_dict(), "here")
    assert (means(module.backbone), means(module.head)) == ({5.0}, {2.0})
    with pytest.raises(RuntimeError, match="Missing key"):
        load_weights(Frozen(is_strict=True), Frozen().state_dict())


def test_a_checkpoint_gives_back_what_the_learner_keeps_in_it() -> None:
    module = Frozen()
    load_checkpoint(module, {"state_dict": Frozen(value=1.0).state_dict(), "seen": 7})
    assert (means(module.head), module.seen) == ({1.0}, 7)


def test_the_weights_of_a_file(tmp_path: Path) -> None:
    torch.save({"state_dict": {"a": torch.ones(1)}}, tmp_path / "best.ckpt")
    weights: dict[str, Tensor] = read_weights(tmp_path / "best.ckpt")
    assert weights == {"a": torch.ones(1)}


@pytest.mark.parametrize("content", [None, b"", b"not a file of torch", b"root:x:0:0:root:/root", {"weights": {}}, [1]])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: object) -> None:
    path = tmp_path / "best.ckpt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=r"^weights must be a checkpoint that a run wrote; got '.*best\.ckpt'$"):
        read_weights(path)
