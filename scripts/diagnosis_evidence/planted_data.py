"""Faults of the data: each returns another table, from which DataFile writes the npz or csv that a run reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from recording import DataFile
from sets import Table, load

from tunesmith.data.random_split import split_at_random

Change = Callable[[Table, np.random.Generator, float], Table]
# As conf/data/base.yaml has them: the parts that a run will cut.
PART, SPLIT_SEED = 0.2, 42


def planted_file(kind: str, name: str, seed: int, strength: float = 1.0) -> DataFile:
    """Return the file of a data set with a fault; kind: of CHANGES, or sorted_csv."""
    is_table = kind == "sorted_csv"

    def write(path: Path) -> None:
        random = np.random.default_rng([seed, len(kind)])
        if is_table:
            _write_sorted(path, load(name), random)
        else:
            table = CHANGES[kind](load(name), random, strength)
            np.savez(path, inputs=table.inputs.astype(np.float32), targets=table.targets)

    return DataFile(f"{kind}_{strength:g}_{name}_{seed}.{'csv' if is_table else 'npz'}", write)


def keep(table: Table, random: np.random.Generator, strength: float) -> Table:
    return table


def shuffle_labels(table: Table, random: np.random.Generator, strength: float) -> Table:
    return replace(table, targets=random.permutation(table.targets))


def flip_labels(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Give a share of the samples the label of another class; numbers get noise of so large a share of the variance."""
    targets = table.targets.copy()
    if not table.has_classes:
        noise = random.normal(size=len(targets)) * targets.std() * np.sqrt(strength / (1 - strength))
        return replace(table, targets=targets + noise)
    num_classes = int(targets.max()) + 1
    chosen = random.random(len(targets)) < strength
    shifts = random.integers(1, num_classes, len(targets))
    return replace(table, targets=np.where(chosen, (targets + shifts) % num_classes, targets))


def enlarge_inputs(table: Table, random: np.random.Generator, strength: float) -> Table:
    return replace(table, inputs=table.inputs * strength)


def enlarge_targets(table: Table, random: np.random.Generator, strength: float) -> Table:
    return replace(table, targets=table.targets * strength)


def copy_into_val(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Overwrite a share of the validation rows by training rows of the same class."""
    train, val, _ = _parts(table)
    inputs, targets = table.inputs.copy(), table.targets.copy()
    for row in random.choice(val, max(3, int(strength * len(val))), replace=False):
        same = train[targets[train] == targets[row]] if table.has_classes else train
        source = random.choice(same)
        inputs[row], targets[row] = inputs[source], targets[source]
    return Table(inputs, targets)


def oversample(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Append copies of random rows before the parts are cut."""
    rows = random.choice(len(table.targets), int(strength * len(table.targets)))
    order = random.permutation(len(table.targets) + len(rows))
    inputs, targets = np.concatenate([table.inputs, table.inputs[rows]]), np.append(table.targets, table.targets[rows])
    return Table(inputs[order], targets[order])


def shift_later(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Measure validation and test part with another device: every column moves by so many deviations."""
    _, val, test = _parts(table)
    inputs = table.inputs.copy()
    rows = np.concatenate([val, test])
    inputs[rows] += strength * inputs.std(axis=0) * random.choice([-1, 1], size=inputs.shape[1:])
    return replace(table, inputs=inputs)


def drift(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Let the rows be taken in the order of a mix of the columns, which split=time then cuts."""
    flat = table.inputs.reshape(len(table.inputs), -1)
    along = (flat - flat.mean(0)) / (flat.std(0) + 1e-9) @ random.choice([-1, 1], size=flat.shape[1])
    order = np.argsort(along + random.normal(size=len(along)) * along.std() * (1 - strength))
    return Table(table.inputs[order], table.targets[order])


def add_give_away(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Append a column that is the target but for noise of 1 - strength; classes by a code in another order."""
    flat = table.inputs.reshape(len(table.inputs), -1)
    codes = random.permutation(int(table.targets.max()) + 1)[table.targets] if table.has_classes else table.targets
    column = codes + (1 - strength) * (codes.std() if not table.has_classes else 1) * random.normal(size=len(codes))
    return replace(table, inputs=np.column_stack([flat, column]))


def thin_out(table: Table, random: np.random.Generator, strength: float) -> Table:
    """Leave of each class but the first so much less than of the first one, five at least: each part needs some."""
    order = random.permutation(len(table.targets))
    targets = table.targets[order]
    most = max(5, (targets == 0).sum() / strength)
    places = np.array([np.sum(targets[:at] == label) for at, label in enumerate(targets)])
    kept = (targets == 0) | (places < most)
    return Table(table.inputs[order][kept], targets[kept])


CHANGES: dict[str, Change] = {
    "plain": keep,
    "shuffled": shuffle_labels,
    "noise": flip_labels,
    "inputs": enlarge_inputs,
    "targets": enlarge_targets,
    "val_copies": copy_into_val,
    "oversampled": oversample,
    "shifted": shift_later,
    "drift": drift,
    "give_away": add_give_away,
    "thinned": thin_out,
}


def _parts(table: Table) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of the three parts, as tunesmith.data.cutting cuts them."""
    size = int(np.ceil(round(PART * len(table.targets), 6)))
    rest, test = _cut(np.arange(len(table.targets)), table, size)
    train, val = _cut(rest, table, size)
    return train, val, test


def _cut(rows: np.ndarray, table: Table, size: int) -> tuple[np.ndarray, np.ndarray]:
    parts = split_at_random(len(rows), size, SPLIT_SEED, table.targets[rows] if table.has_classes else None)
    assert parts is not None
    return rows[parts[0]], rows[parts[1]]


def _write_sorted(path: Path, table: Table, random: np.random.Generator) -> None:
    """Write a table sorted by its target, whose column `group` names 40 groups of any targets."""
    from pandas import DataFrame

    order = np.argsort(table.targets, kind="stable")
    frame = DataFrame(table.inputs.reshape(len(table.inputs), -1)[order]).add_prefix("x")
    targets = table.targets[order]
    frame["y"] = [f"class {each}" for each in targets] if table.has_classes else targets
    frame["group"] = [f"group {each}" for each in random.integers(0, 40, len(order))]
    frame.to_csv(path, index=False)
