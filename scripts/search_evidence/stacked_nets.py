"""Trains many small nets of one width and batch size at once: each tensor holds all of them.

The nets are Mlp's of two hidden layers (linear, batch norm, ReLU, dropout), the batches those of tunesmith.data, the
optimizer is torch's Adam with a constant learning rate. Only the draws of dropout differ from a run of train.py.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from tunesmith.data.batches import batch_sizes, epoch_order
from tunesmith.data.splits import Split
from tunesmith.models.mlp import Mlp

NUM_CLASSES, NUM_LAYERS = 10, 2


class StackedNets:
    """One net per (learning rate, dropout, seed), in this order; num is their number."""

    def __init__(self, width: int, lrs: Sequence[float], dropouts: Sequence[float], seeds: Sequence[int]) -> None:
        nets = [_seeded(seed, width) for seed in seeds]
        copies = len(lrs) * len(dropouts)
        self.num, self.width, self.copies = copies * len(seeds), width, copies
        self.weights = {
            name: torch.stack([dict(net.named_parameters())[name].detach() for net in nets] * copies).requires_grad_()
            for name, _ in nets[0].named_parameters()
        }
        self.running = [[torch.zeros(self.num * width), torch.ones(self.num * width)] for _ in range(NUM_LAYERS)]
        rates = torch.tensor(dropouts).repeat_interleave(len(seeds)).repeat(len(lrs))
        self.keep = (1 - rates)[:, None]
        self.optimizer = _adam(list(self.weights.values()), lrs)

    def step(self, inputs: Tensor, targets: Tensor) -> None:
        """Train on a batch of each seed; inputs: (seeds, batch, features), targets: (seeds, batch)."""
        logits = self._forward(inputs.repeat(self.copies, 1, 1), is_training=True)
        losses = functional.cross_entropy(logits.flatten(0, 1), targets.repeat(self.copies, 1).flatten())
        (losses * self.num).backward()  # the mean over all nets, times their number: each net has its own gradient
        self.optimizer.step()
        for weight in self.weights.values():
            assert weight.grad is not None
            weight.grad.zero_()

    @torch.no_grad()
    def evaluate(self, split: Split) -> tuple[Tensor, Tensor]:
        """Return cross-entropy and number of right answers of each net: (num,) each."""
        logits = self._forward(split.inputs.flatten(1).expand(self.num, -1, -1), is_training=False)
        targets = split.targets.expand(self.num, -1)
        losses = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return losses.view(self.num, -1).mean(1), (logits.argmax(2) == targets).sum(1)

    def _forward(self, inputs: Tensor, is_training: bool) -> Tensor:
        """inputs: (num, batch, features) -> (num, batch, classes)."""
        layers = iter(self.weights.values())
        for running in self.running:
            sums = torch.bmm(inputs, next(layers).transpose(1, 2)).transpose(0, 1).flatten(1)  # (batch, num * width)
            scale, shift = next(layers).flatten(), next(layers).flatten()
            normed = functional.batch_norm(sums, *running, scale, shift, is_training)
            outputs = functional.relu(normed).view(-1, self.num, self.width)
            if is_training:
                outputs = outputs * torch.rand_like(outputs).lt_(self.keep).div_(self.keep)
            inputs = outputs.transpose(0, 1)
        return torch.baddbmm(layers_bias(self.weights), inputs, self.weights["output.weight"].transpose(1, 2))


def layers_bias(weights: dict[str, Tensor]) -> Tensor:
    return weights["output.bias"][:, None, :]


def _seeded(seed: int, width: int) -> Mlp:
    torch.manual_seed(seed)
    return Mlp((64,), NUM_CLASSES, NUM_LAYERS, width, "constant", "relu", 0.0, 0.0, True, "torch")


def _adam(weights: list[Tensor], lrs: Sequence[float]) -> torch.optim.Adam:
    """Return an Adam with a group per learning rate, whose parameters are parts of the stacked ones."""
    groups: list[dict[str, object]] = [{"params": [], "lr": lr} for lr in lrs]
    for weight in weights:
        weight.grad = torch.zeros_like(weight)
        parts = zip(weight.detach().chunk(len(lrs)), weight.grad.chunk(len(lrs)), groups, strict=True)
        for part, grad, group in parts:
            parameter = nn.Parameter(part)
            parameter.grad = grad
            group["params"].append(parameter)  # type: ignore[attr-defined]
    return torch.optim.Adam(groups, fused=True)


def batches(split: Split, batch_size: int, seeds: Sequence[int], epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield an epoch's batches of each seed: (seeds, batch, features), (seeds, batch)."""
    order = torch.stack([epoch_order(len(split), seed, epoch) for seed in seeds])
    for index in order.split(batch_sizes(len(split), batch_size), dim=1):
        yield split.inputs[index].flatten(2), split.targets[index]
