"""Augmentation: each image is turned, shifted, sized and mirrored by no more than it says."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tunesmith.data.augmentation import Augmentation

NUM = 300
NONE = {"rotation": 0.0, "shift": 0.0, "scale": 0.0, "flip": 0.0}
SIZE = 65  # pixels, height and width
RIGHT, DOWN = (8.0, 0.0), (0.0, 8.0)  # pixels from the centre


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def augmentation(**changes: float) -> Augmentation:
    return Augmentation(**{**NONE, **changes})


def coordinates(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Pixels right of the centre and below it, (1, width) and (height, 1)."""
    return torch.arange(width)[None] - (width - 1) / 2, torch.arange(height)[:, None] - (height - 1) / 2


def spots(x: float, y: float, height: int = SIZE, width: int = SIZE) -> Tensor:
    """The same image NUM times: a round spot x right of the centre and y below it."""
    right, down = coordinates(height, width)
    image = torch.exp(-((right - x) ** 2 + (down - y) ** 2) / 8)
    return image.expand(NUM, 1, height, width)


def found(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return where the spots are."""
    right, down = coordinates(*images.shape[-2:])
    sums = images.sum((1, 2, 3))
    return (images * right).sum((1, 2, 3)) / sums, (images * down).sum((1, 2, 3)) / sums


def test_zeros_change_nothing_and_are_false() -> None:
    assert not augmentation()
    torch.testing.assert_close(augmentation()(spots(*RIGHT)), spots(*RIGHT), rtol=0, atol=1e-5)


@pytest.mark.parametrize("key", NONE)
def test_any_change_is_true(key: str) -> None:
    assert augmentation(**{key: 0.1})


@pytest.mark.parametrize(
    ("degrees", "height", "width"),
    [
        pytest.param(10, SIZE, SIZE, id="a little"),
        pytest.param(90, SIZE, SIZE, id="a quarter"),
        pytest.param(180, SIZE, SIZE, id="any"),
        pytest.param(90, 49, 99, id="a wide image"),
        pytest.param(90, 99, 49, id="a tall image"),
    ],
)
def test_a_rotation_turns_either_way_up_to_its_degrees(degrees: int, height: int, width: int) -> None:
    x, y = found(augmentation(rotation=degrees)(spots(*RIGHT, height, width)))
    angles = torch.atan2(y, x).rad2deg()
    assert torch.hypot(x, y).sub(8).abs().max() < 0.1  # nothing is sheared
    assert -degrees - 0.5 < angles.min() < -0.95 * degrees
    assert 0.95 * degrees < angles.max() < degrees + 0.5


def test_a_shift_moves_either_way_up_to_a_fraction_of_height_and_width() -> None:
    x, y = found(augmentation(shift=0.2)(spots(0, 0, height=40, width=80)))
    reach = [x.min().item(), x.max().item(), y.min().item(), y.max().item()]
    assert reach == pytest.approx([-16, 16, -8, 8], rel=0.05)
    assert torch.corrcoef(torch.stack((x, y)))[0, 1].abs() < 0.2


def test_a_scale_makes_larger_and_smaller_up_to_a_fraction() -> None:
    x, y = found(augmentation(scale=0.3)(spots(*DOWN)))
    assert x.abs().max() < 0.1
    assert [y.min().item() / 8, y.max().item() / 8] == pytest.approx([0.7, 1.3], rel=0.03)


@pytest.mark.parametrize(("flip", "mirrored"), [(1.0, (NUM, NUM)), (0.5, (0.4 * NUM, 0.6 * NUM))], ids=str)
def test_a_flip_mirrors_left_and_right_with_its_probability(flip: float, mirrored: tuple[float, float]) -> None:
    x, y = found(augmentation(flip=flip)(spots(8, 4)))
    torch.testing.assert_close(x.abs(), torch.full((NUM,), 8.0), rtol=0, atol=0.05)
    torch.testing.assert_close(y, torch.full((NUM,), 4.0), rtol=0, atol=0.05)
    assert mirrored[0] <= (x < 0).sum() <= mirrored[1]


def test_a_small_image_is_mirrored_exactly() -> None:
    image = torch.tensor([[1.0, 2, 3], [4, 5, 6]]).reshape(1, 1, 2, 3)
    torch.testing.assert_close(augmentation(flip=1)(image), image.flip(-1))


def test_what_comes_in_from_outside_is_the_nearest_border() -> None:
    white = torch.ones(NUM, 1, 8, 8)
    torch.testing.assert_close(augmentation(rotation=180, shift=0.5, scale=0.5)(white), white)


def test_channels_are_changed_alike() -> None:
    images = augmentation(rotation=90, shift=0.2, flip=0.5)(torch.rand(5, 1, 8, 8).expand(5, 3, 8, 8))
    assert torch.equal(images[:, 0], images[:, 1])
