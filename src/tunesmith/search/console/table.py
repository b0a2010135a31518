"""A running sweep as a table for a terminal, and as one line for a pipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from tunesmith.config.changes import show_value
from tunesmith.errors import printable
from tunesmith.footer import clock
from tunesmith.search.console.overview import Overview, RunningTrial, TimeLeft
from tunesmith.search.study.owner import Owner

_BOLD, _DIM, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"
_GAP = "  "
# Running trials that one line names.
NUM_NAMED = 4
# Lines of the terminal that are left to what is printed above.
NUM_ABOVE = 6


def to_lines(overview: Overview, width: int, height: int) -> list[str]:
    """Return the lines of a terminal of this size: the running trials, then the sweep as a whole."""
    state = [_cut(line, width) for line in (*_stage(overview), _state(overview), _times(overview))]
    table = [_cut(line, width) for line in _table(overview.running, max(1, height - NUM_ABOVE))]
    head = [f"{_DIM}{line}{_PLAIN}" for line in table[:1]]
    return [*head, *table[1:], *(f"{_BOLD}{line}{_PLAIN}" for line in state)]


def to_line(overview: Overview) -> str:
    """Return what runs as one line."""
    named = [_in_words(trial) for trial in overview.running[:NUM_NAMED]]
    more = len(overview.running) - len(named)
    running = "; ".join(named) + (f"; and {more} more" if more else "")
    return _GAP.join([*_stage(overview), _state(overview), f"running: {running or 'no trial yet'}"])


def _in_words(trial: RunningTrial) -> str:
    value = f" value {_number(trial.value)}" if trial.value is not None else ""
    return f"trial {trial.number} epoch {_epochs(trial)}{value}"


def _table(running: Sequence[RunningTrial], num_rows: int) -> list[str]:
    if not running:
        return []
    shown = running[: num_rows if len(running) <= num_rows else num_rows - 1]
    keys = short_keys(dict.fromkeys(key for trial in running for key in trial.params))
    head = ("trial", "worker", "epoch", "value", "best (epoch)", "parameters")
    rows = [head, *(_row(trial, keys) for trial in shown)]
    if not any(row[1] for row in rows[1:]):
        rows = [row[:1] + row[2:] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    more = [f"and {len(running) - len(shown)} more"] if len(shown) < len(running) else []
    return [*(_joined(row, widths) for row in rows), *more]


def _joined(row: Sequence[str], widths: Sequence[int]) -> str:
    """Return a row whose columns end below each other, but for the last, which begins so."""
    cells = [" " * (width - cell_len(cell)) + cell for cell, width in zip(row[:-1], widths[:-1], strict=True)]
    return _GAP.join([*cells, row[-1]])


def _row(trial: RunningTrial, keys: Mapping[str, str]) -> tuple[str, ...]:
    params = " ".join(f"{keys[key]}={_short(value)}" for key, value in trial.params.items())
    best = "" if trial.best is None else f"{_number(trial.best)} ({trial.best_at})"
    return str(trial.number), _worker(trial.owner), _epochs(trial), _number(trial.value), best, printable(params)


def _worker(owner: Owner | None) -> str:
    return "" if owner is None or owner.worker is None else str(owner.worker)


def _epochs(trial: RunningTrial) -> str:
    return f"{trial.epochs}/{trial.planned}" if trial.planned and trial.epochs <= trial.planned else str(trial.epochs)


def short_keys(keys: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    """Return each key by its last word, if no other key has the same one."""
    words = Counter(key.rpartition(".")[2] for key in keys)
    return {key: word if words[word := key.rpartition(".")[2]] == 1 else key for key in keys}


def _stage(overview: Overview) -> list[str]:
    if overview.stage is None:
        return []
    name, done, n_trials = overview.stage
    return [f"stage {printable(name)} {done}/{n_trials}"]


def _state(overview: Overview) -> str:
    counts = overview.counts
    ended = f"{counts.pruned} pruned{_GAP}{counts.failed} failed"
    return f"trials {overview.done}/{overview.n_trials}{_GAP}{ended}{_GAP}{_best(overview)}"


def _best(overview: Overview) -> str:
    if overview.num_front is not None:
        return f"front {overview.num_front} trial{'s' * (overview.num_front != 1)}"
    return f"best {_number(overview.best[0])} (trial {overview.best[1]})" if overview.best else "best none"


def _times(overview: Overview) -> str:
    elapsed = f"elapsed {clock(overview.elapsed)}"
    return elapsed if _is_over(overview) else f"{elapsed}{_GAP}{_left(overview.left)}"


def _is_over(overview: Overview) -> bool:
    """Whether nothing is left, neither of the sweep nor of a stage that does not count as its trials."""
    _, done, n_trials = overview.stage or (None, 0, 0)
    return overview.done >= overview.n_trials and done >= n_trials


def _left(left: TimeLeft | None) -> str:
    if left is None:
        return "left: not known yet"
    mean = f"{left.mean_seconds:.1f}" if left.mean_seconds < 10 else f"{left.mean_seconds:.0f}"
    rule = f"{left.num_left} trial{'s' * (left.num_left != 1)} of {mean} s on average, {left.num_at_once} at once"
    return f"left about {clock(left.seconds)} ({rule})"


def _cut(line: str, width: int) -> str:
    return line if cell_len(line) <= width else set_cell_size(line, width - 2) + ".."


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else show_value(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
