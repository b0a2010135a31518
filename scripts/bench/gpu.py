"""Steps a second on a GPU in Lightning, in the lean engine and in bare loops: python scripts/bench/gpu.py

Two nets (batch size/units/layers) on digits, all sides in turn, medians; under four minutes on an H100. The bare
captured loop replays one CUDA graph of forward, backward and fused Adam over input buffers, into which each step copies
its rows of the resident data; it neither validates nor keeps a record, and is what a step costs at least. Without a GPU
the script measures the other sides on the CPU.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from measuring import each, in_turn, machine, ratio
from nets import Net, parts_of, run, run_bare
from torch.nn.functional import cross_entropy

from tunesmith.data.batches import epoch_order

NETS = (Net(32, 128, 2), Net(64, 512, 3))
WARM_UP_STEPS = 3


def main() -> None:
    arguments = _arguments()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(machine(), flush=True)
    for net in NETS:
        steps = in_turn(sides(net, arguments.epochs, device), arguments.rounds)
        for side, milliseconds in steps.items():
            rates = [1e3 / value for value in milliseconds]
            share = ratio(steps["Lightning"], milliseconds)
            print(
                f"{net} {side}: {median(rates):.0f} steps a second, {share:.2f}x Lightning's; "
                f"median of {each(rates, '.0f')}",
                flush=True,
            )


def sides(net: Net, epochs: int, device: str) -> dict[str, Callable[[], float]]:
    """Return side -> a function that trains and returns the milliseconds of a step of whole epochs."""
    found: dict[str, Callable[[], float]] = {
        "Lightning": lambda: run(net, "lightning", epochs, device).whole_step(),
        "lean engine": lambda: run(net, "lean", epochs, device).whole_step(),
        "bare loop": lambda: run_bare(net, epochs, device).whole_step(),
    }
    if device == "cuda":
        found["bare captured loop"] = partial(captured_step, net, epochs)
    return found


def captured_step(net: Net, epochs: int) -> float:
    """Return the milliseconds of a step that is replayed; an epoch's rest, smaller than a batch, is left out."""
    data, model = parts_of(net, "cuda")
    part = data.splits.train.to("cuda")
    inputs, targets = part.inputs[:], part.targets[:]
    batch = inputs[: net.batch_size].clone(), targets[: net.batch_size].clone()
    graph = capture(model.train(), *batch)
    torch.cuda.synchronize()
    started, steps = time.perf_counter(), 0
    for epoch in range(epochs):
        order = epoch_order(len(inputs), seed=0, epoch=epoch).cuda()
        for rows in order.split(net.batch_size)[: len(order) // net.batch_size]:
            torch.index_select(inputs, 0, rows, out=batch[0])
            torch.index_select(targets, 0, rows, out=batch[1])
            graph.replay()
            steps += 1
    torch.cuda.synchronize()
    return (time.perf_counter() - started) / steps * 1e3


def capture(model: torch.nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.cuda.CUDAGraph:
    """Return a graph of a training step over these two buffers.

    Some steps come first, in another stream: https://docs.pytorch.org/docs/stable/notes/cuda.html#whole-network-capture
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=True)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(model(inputs), targets).backward()
        optimizer.step()

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP_STEPS):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    optimizer.zero_grad()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return graph


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30, help="of each training, at least three")
    parser.add_argument("--rounds", type=int, default=5, help="measured ones; another one comes before them")
    return parser.parse_args()


if __name__ == "__main__":
    main()
