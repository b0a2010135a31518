"""The samples with the largest losses: as pictures, or as rows of a table."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from tunesmith.insight.pages.figures import number
from tunesmith.insight.pages.page import Section, missing, sentence, table, text
from tunesmith.insight.pages.run_facts import RunFacts
from tunesmith.insight.part_outputs import CLASSES, LABELS, Floats, PartOutputs

_GRID = "display:flex;flex-wrap:wrap;gap:.8rem"
_FRAME = "margin:0;max-width:140px"
_PICTURE = "width:104px;image-rendering:pixelated;border:1px solid var(--line)"


def worst(facts: RunFacts) -> Section:
    """Show the samples of the validation part that the best weights get most wrong."""
    part = facts.val
    if part is None:
        return Section(
            "worst", "Worst samples", missing("No outputs of the validation part are kept, see Predictions.")
        )
    measure = "cross entropy" if part.kind in (CLASSES, LABELS) else "squared error"
    words = (
        f"The {len(part.worst)} samples of the validation part with the largest {measure}; a sample's number counts "
        "from 0 in the order in which the data are loaded."
    )
    if part.rows.size:
        words += " A missing cell shows what stands for it."
    names = facts.label_names(part.outputs.shape[1])
    body = _pictures(part, names) if part.pictures.ndim == 4 else _table(part, names)
    return Section("worst", "Worst samples", sentence(words) + body)


def as_picture(pixels: Floats) -> Floats:
    """Return an image as (height, width) or (height, width, 3), from 0 to 1; of other channels the first is shown.

    pixels: (channels, height, width), of any range.
    """
    low, high = np.nanmin(pixels), np.nanmax(pixels)
    unit = np.nan_to_num((pixels - low) / (high - low if high > low else 1))
    picture: Floats = unit.transpose(1, 2, 0) if len(pixels) == 3 else unit[0]
    return picture


def says(part: PartOutputs, position: int, labels: Sequence[str] = ()) -> tuple[str, str, str]:
    """Return what is true of a sample, what is predicted, and its probability or error; labels: their names."""
    output, target = part.outputs[position], part.targets[position]
    if part.kind == CLASSES:
        chosen = int(output.argmax())
        return str(part.classes[int(target)]), str(part.classes[chosen]), f"{output[chosen]:.1%}"
    if part.kind == LABELS:
        wrong = _labels((output > 0.5) != (target > 0.5), labels)
        return _labels(target > 0.5, labels), _labels(output > 0.5, labels), f"wrong: {wrong}"
    return _numbers(target), _numbers(output), _numbers(output - target)


def _labels(holds: NDArray[np.bool_], names: Sequence[str]) -> str:
    return ", ".join(name for name, does in zip(names, holds, strict=True) if does) or "none"


def _numbers(values: Floats) -> str:
    """Return up to three numbers of a sample."""
    shown = ", ".join(number(float(value)) for value in values[:3])
    return f"{shown}, ..." if len(values) > 3 else shown


def _pictures(part: PartOutputs, labels: Sequence[str]) -> str:
    pictures = (_picture(part, place, int(position), labels) for place, position in enumerate(part.worst))
    return f'<div style="{_GRID}">{"".join(pictures)}</div>'


def _picture(part: PartOutputs, place: int, position: int, labels: Sequence[str]) -> str:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray((as_picture(part.pictures[place]) * 255).round().astype(np.uint8)).save(stream, "png")
    source = f"data:image/png;base64,{b64encode(stream.getvalue()).decode()}"
    true, predicted, how = says(part, position, labels)
    name = f"sample {part.indices[position]}"
    words = f"{name}<br>true {text(true)}<br>predicted {text(predicted)}<br>{text(how)}"
    image = f'<img style="{_PICTURE}" src="{source}" alt="{name}">'
    return f'<figure style="{_FRAME}">{image}<figcaption class="note">{words}</figcaption></figure>'


def _table(part: PartOutputs, labels: Sequence[str]) -> str:
    last = "probability" if part.kind == CLASSES else "labels" if part.kind == LABELS else "error"
    rows: list[list[object]] = []
    for place, position in enumerate(part.worst):
        cells = part.rows[place].tolist() if part.rows.size else []
        loss = f"{part.losses[position]:.4g}"
        rows.append([int(part.indices[position]), *says(part, int(position), labels), loss, *cells])
    return table(("sample", "true", "predicted", last, "loss", *part.columns.tolist()), rows)
