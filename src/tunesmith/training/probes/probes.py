"""The probes of one training: what is measured of it, at which epochs, and where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn
from torch.optim import Optimizer

from tunesmith.run_folder import LAYERS_FILE, PROBES_FILE, read_table
from tunesmith.training.loggers import RunLogger, log_scalars
from tunesmith.training.probes.forward import Seen
from tunesmith.training.probes.norms import LayerNorms, NamedWeight, StepNorms, named_weights
from tunesmith.training.probes.tables import Row, append_rows, rewrite
from tunesmith.training.record import RunRecord

# Looks at the learner; the argument: whether an epoch of its training has just ended, whose losses count, too.
Look = Callable[[bool], Seen]


@dataclass
class Probes:
    """Measures one training, whoever trains it, into layers.csv and probes.csv of its folder.

    A training calls start, then before_step at its first step and at the last one of each epoch, end_epoch when the
    record has the epoch, and end when best.ckpt is written. Epoch 0 is the training's begin.

    is_each_epoch: whether each epoch is kept; else the first, the best and the last one.
    look: puts training samples through the learner, see forward.look; None: nobody can tell how.
    """

    record: RunRecord
    is_each_epoch: bool = True
    loggers: Sequence[RunLogger] = ()
    _num_starting: int = field(default=0, init=False)
    _look: Look | None = field(default=None, init=False)
    _first: StepNorms = field(default_factory=lambda: StepNorms(is_start=True), init=False)
    _last: StepNorms = field(default_factory=StepNorms, init=False)
    _weights: Sequence[NamedWeight] = field(default=(), init=False)
    _seen_at_start: Seen = field(default_factory=Seen, init=False)

    def start(self, look: Look | None, num_optimizers: int = 1) -> None:
        """Look at the learner before its first step, unless the run goes on; num_optimizers: each has a first step."""
        self._look = look
        if self.record.epoch == 0:
            self._num_starting = num_optimizers
            self._seen_at_start = self._see(0)

    @property
    def is_starting(self) -> bool:
        """Whether a first step is still to come."""
        return self._num_starting > 0

    def before_step(self, learner: nn.Module, optimizer: Optimizer | None = None, is_last: bool = False) -> None:
        """Take the gradients of a step before they are clipped, and the weights.

        optimizer: the one that steps, None if the learner keeps one optimizer of the same weights all the time.
        is_last: whether the step is the epoch's last one.
        """
        if optimizer is None and not self._weights:
            self._weights = list(named_weights(learner))  # which takes as long as all norms of a small net
        if self.is_starting:
            self._first.take(learner, optimizer, self._weights)
            self._num_starting -= 1
        if is_last:
            self._last.take(learner, optimizer, self._weights)

    def end_epoch(self, epoch: int, is_last: bool, step: int | None = None) -> None:
        """Write what was measured of an epoch (from 1); step: where loggers show it, if not at the epoch."""
        first, last = self._first, self._last
        self._first, self._last = StepNorms(is_start=True), StepNorms()
        if first:
            self._write(0, first.read(), self._seen_at_start)
        if not (self.is_each_epoch or is_last or epoch == 1 or epoch == self.record.best.epoch):
            return
        norms = last.read()
        is_seen = is_last or epoch == 1 or (self.is_each_epoch and _is_spaced(epoch))
        self._write(epoch, norms, self._see(epoch, is_trained=True) if is_seen else Seen())
        if norms and self.loggers:
            log_scalars(self.loggers, _as_metrics(norms), epoch if step is None else step)

    def end(self, load_best: Callable[[], None] = lambda: None) -> None:
        """Look at the best weights if their epoch was not looked at, and tidy layers.csv.

        load_best: gives them to the learner, if it has not got them already.
        """
        best, path = self.record.best.epoch, self.record.folder / LAYERS_FILE
        looked = [row["epoch"] for row in read_table(self.record.folder / PROBES_FILE)]
        seen = Seen()
        if self._look is not None and best > 0 and str(best) not in looked:
            load_best()
            seen = self._see(best)
        kept = {"0", "1", str(best), str(self.record.epoch)}
        if path.exists() and (seen.dead_shares or not self.is_each_epoch):
            rewrite(path, lambda row: _ended(row, best, seen) if self.is_each_epoch or row["epoch"] in kept else None)

    def _see(self, epoch: int, is_trained: bool = False) -> Seen:
        """Look at the learner, and write what is not of a layer; is_trained: it has just been trained for the epoch."""
        seen = Seen() if self._look is None else self._look(is_trained)
        if seen.numbers:
            append_rows(self.record.folder / PROBES_FILE, [{"epoch": epoch, **seen.numbers}])
        return seen

    def _write(self, epoch: int, norms: Mapping[str, LayerNorms], seen: Seen) -> None:
        rows = [_layer_row(epoch, name, of_layer, seen) for name, of_layer in norms.items()]
        if rows:
            append_rows(self.record.folder / LAYERS_FILE, rows)


def _is_spaced(epoch: int) -> bool:
    """Whether an epoch is one of 1 2 3 5 8 13 21 ...: little happens late, and a look costs a few steps."""
    low, high = 0, 1
    while high < epoch:
        low, high = high, low + high
    return epoch in (low, high)


def _layer_row(epoch: int, name: str, norms: LayerNorms, seen: Seen) -> Row:
    return {
        "epoch": epoch,
        "layer": name,
        "grad_norm": norms.grad,
        "weight_norm": norms.weight,
        "update_ratio": norms.update_ratio,
        **_shares(seen, name),
    }


def _shares(seen: Seen, name: str) -> Row:
    return {"dead_share": seen.dead_shares.get(name), "blocked_share": seen.blocked_shares.get(name)}


def _ended(row: Mapping[str, str], best: int, seen: Seen) -> Row:
    """Return a row of layers.csv with what the best weights have shown."""
    is_seen = row["epoch"] == str(best) and row["layer"] in seen.dead_shares
    return {**row, **_shares(seen, row["layer"])} if is_seen else row


def _as_metrics(norms: Mapping[str, LayerNorms]) -> dict[str, float]:
    # TensorBoard's HPARAMS shows the first five tags as columns: these sort behind those of the metrics.
    named = {f"weights/{name}/grad_norm": each.grad for name, each in norms.items()}
    named |= {f"weights/{name}/update_ratio": each.update_ratio for name, each in norms.items()}
    return {name: value for name, value in named.items() if value is not None}
