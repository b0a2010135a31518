"""The user's own arrays in their files: what stays there, what is read, and a line for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tunesmith.data.arrays import Arrays
from tunesmith.data.mapped import Mapped
from tunesmith.data.sources.npy import Npy
from tunesmith.data.sources.npz import Npz
from tunesmith.errors import UserError

IMAGES = np.arange(48, dtype=np.uint8).reshape(3, 1, 4, 4)


def npy(folder: Path, inputs: NDArray[Any], targets: NDArray[Any], mapped: bool = True, **keys: Any) -> Arrays:
    np.save(folder / "x.npy", inputs)
    np.save(folder / "y.npy", targets)
    return Npy(str(folder / "x.npy"), str(folder / "y.npy"), **{"tokens": False, **keys}, mapped=mapped).load()


def npz(folder: Path, inputs: NDArray[Any], targets: NDArray[Any], mapped: bool = True, **keys: Any) -> Arrays:
    np.savez(folder / "data.npz", targets=targets, inputs=inputs)
    return Npz(str(folder / "data.npz"), **keys, mapped=mapped).load()


@pytest.mark.parametrize("read", [npy, npz])
@pytest.mark.parametrize(
    ("inputs", "targets", "keys"),
    [
        pytest.param(IMAGES, np.array([5, 7, 5]), {}, id="images and classes"),
        pytest.param(np.asfortranarray(IMAGES), np.array(["b", "a", "b"]), {}, id="in Fortran's order, and texts"),
        pytest.param(np.arange(3), np.array([0.5, 1, 2]), {}, id="one number a sample"),
        pytest.param(np.arange(6).reshape(3, 2), np.array([0, 1, 1]), {"tokens": True}, id="token ids"),
        pytest.param(IMAGES, IMAGES[:, 0] // 4, {}, id="masks"),
        pytest.param(IMAGES, IMAGES / 2, {}, id="images as targets"),
        pytest.param(IMAGES, IMAGES[:, 0, 0] > 2, {}, id="labels"),
        pytest.param(IMAGES, np.array([[1], [0], [1]]), {}, id="a column of classes"),
    ],
)
def test_what_stays_in_its_file_has_the_values_of_what_is_read(
    tmp_path: Path, read: Any, inputs: NDArray[Any], targets: NDArray[Any], keys: dict[str, Any]
) -> None:
    mapped, whole = read(tmp_path, inputs, targets, **keys), read(tmp_path, inputs, targets, mapped=False, **keys)
    assert isinstance(mapped.inputs, Mapped)
    assert isinstance(whole.inputs, np.ndarray)
    assert isinstance(mapped.targets, Mapped) is (len(whole.target_shape) > 0)
    for one, other in ((mapped.inputs, whole.inputs), (mapped.targets, whole.targets)):
        assert (one.shape, one[:].tolist()) == (other.shape, other.tolist())
    assert (mapped.num_classes, mapped.classes, mapped.has_classes) == (
        whole.num_classes,
        whole.classes,
        whole.has_classes,
    )


def test_a_compressed_array_is_read_whole_with_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.savez_compressed(tmp_path / "data.npz", inputs=IMAGES, targets=np.arange(3))
    arrays = Npz(str(tmp_path / "data.npz"), mapped=True).load()
    assert isinstance(arrays.inputs, np.ndarray)
    assert arrays.inputs.tolist() == IMAGES.tolist()
    start = f"data: inputs in {tmp_path}/data.npz is compressed: it is read whole "
    assert [message.startswith(start) for message in caplog.messages] == [True, False]


def test_inputs_that_are_their_own_targets_need_no_second_file(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", IMAGES)
    assert Npy(str(tmp_path / "x.npy"), None, tokens=False, mapped=True).load().target_shape == (0,)


def test_a_mask_with_a_negative_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^data\.source must return classes from 0; got -1$"):
        npy(tmp_path, IMAGES, np.full((3, 4, 4), -1))


REFUSED: dict[str, tuple[bytes | None, bytes | None, str]] = {
    "inputs that are not there": (None, b"", r"data\.path must be a file; got .*/x\.npy, which is not there"),
    "targets that are not there": (b"1", None, r"data\.targets_path must be a file; got .*/y\.npy, which is not there"),
    "inputs that are a text": (b"a,b\n", None, r"data\.path must be an npy file of a plain array; got .*x\.npy \(.+\)"),
    "targets that are a text": (
        b"1",
        b"a\n",
        r"data\.targets_path must be an npy file of a plain array; got .*y\.npy ",
    ),
}


@pytest.mark.parametrize("mapped", [False, True], ids=["read", "mapped"])
@pytest.mark.parametrize(("inputs", "targets", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_are(tmp_path: Path, inputs: bytes | None, targets: bytes | None, message: str, mapped: bool) -> None:
    for name, content in (("x.npy", inputs), ("y.npy", targets)):
        if content == b"1":
            np.save(tmp_path / name, IMAGES)
        elif content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"^{message}"):
        Npy(str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), tokens=False, mapped=mapped).load()


@pytest.mark.parametrize("content", [np.array(3), None], ids=["one number", "an npz"])
def test_a_file_without_samples_is_refused(tmp_path: Path, content: NDArray[Any] | None) -> None:
    if content is None:
        with (tmp_path / "x.npy").open("wb") as file:
            np.savez(file, inputs=IMAGES)
    else:
        np.save(tmp_path / "x.npy", content)
    with pytest.raises(UserError, match=r"^data\.path must be an npy file of one array of samples; got .*/x\.npy$"):
        Npy(str(tmp_path / "x.npy"), None, tokens=False, mapped=False).load()
