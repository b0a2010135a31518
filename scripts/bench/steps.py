"""(a) and (k): what a training step costs in Lightning, in the lean engine and in a bare PyTorch loop."""

from functools import cache, partial
from statistics import median

from measuring import each, in_turn, ratio
from nets import Net, run, run_bare
from timed_learner import Timeline

USUAL = Net(32, 128, 2)
LIMITS = {USUAL: 0.5, Net(16, 256, 2): 0.65, Net(64, 64, 1): 0.65}
EPOCHS, ROUNDS = 20, 7


def compare_with_bare_loop() -> str:
    """Compare whole epochs, by CPU time: validation, callbacks, files and the logger are in that of each step."""
    whole = measure(USUAL)["whole"]
    ours, bare = whole["lightning"], whole["bare"]
    each_ratio = each([our / other for our, other in zip(ours, bare, strict=True)])
    return (
        f"{median(ours):.3f} ms of CPU a step, a bare loop {median(bare):.3f} ms: {ratio(ours, bare):.2f}x, median of "
        f"{each_ratio} (limit 2.2x); the lean engine {ratio(whole['lean'], bare):.2f}x"
    )


def compare_engines() -> str:
    """Compare the step alone, by CPU time, and print a line for each net."""
    found = []
    for net, limit in LIMITS.items():
        step, whole = measure(net)["step"], measure(net)["whole"]
        lightning, lean, bare = (step[side] for side in ("lightning", "lean", "bare"))
        print(
            f"    {net}: {median(lean):.3f} ms of CPU a step in the lean engine, {median(lightning):.3f} in Lightning, "
            f"{median(bare):.3f} in a bare loop ({ratio(lean, bare):.2f}x); "
            f"of whole epochs {ratio(whole['lean'], whole['lightning']):.2f} of Lightning's",
            flush=True,
        )
        found.append(f"{net} {ratio(lean, lightning):.2f} (limit {limit})")
    return f"a step of the lean engine, as a share of Lightning's: {', '.join(found)}"


@cache
def measure(net: Net) -> dict[str, dict[str, list[float]]]:
    """Return what -> side -> milliseconds of each round; what: `step`, alone, or `whole`, with all of the epoch."""
    timelines: dict[str, list[Timeline]] = {"lightning": [], "lean": [], "bare": []}

    def step_of(side: str) -> float:
        timelines[side].append(run_bare(net, EPOCHS) if side == "bare" else run(net, side, EPOCHS))
        return timelines[side][-1].step()

    step = in_turn({side: partial(step_of, side) for side in timelines}, ROUNDS)
    whole = {side: [timeline.whole_step() for timeline in found[-ROUNDS:]] for side, found in timelines.items()}
    return {"step": step, "whole": whole}
