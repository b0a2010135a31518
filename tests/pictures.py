"""Pictures that a test looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

Picture = NDArray[np.float32]  # (height, width, 4), values in 0..1
# Pixels of one panel.
WIDTH, HEIGHT = 672, 504


def columns(picture: Picture, color: Any) -> NDArray[np.int64]:
    """Return the columns in which a picture has pixels of a colour."""
    return np.flatnonzero(has_color(picture, color).any(axis=0))


def has_color(picture: Picture, color: Any) -> NDArray[np.bool_]:
    is_close: NDArray[np.bool_] = np.abs(picture[:, :, :3] - np.array(to_rgb(color), np.float32)) < 0.01
    return is_close.all(axis=2)


def size_in_panels(picture: Picture) -> tuple[float, float]:
    height, width, _ = picture.shape
    return width / WIDTH, height / HEIGHT
