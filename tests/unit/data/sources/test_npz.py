"""The user's own arrays: what an npz file may hold, and a line for each that it may not."""

from __future__ import annotations

import pickle
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith.data.sources.npz import Npz
from tunesmith.errors import UserError


@pytest.mark.parametrize("mapped", [False, True])
def test_an_npz_without_inputs_is_refused(tmp_path: Path, mapped: bool) -> None:
    np.savez(tmp_path / "data.npz", targets=np.zeros(3), more=np.zeros(3))
    message = rf"^data\.path must hold inputs and targets; got {tmp_path}/data\.npz with 'targets', 'more'$"
    with pytest.raises(UserError, match=message):
        Npz(str(tmp_path / "data.npz"), mapped=mapped).load()


@pytest.mark.parametrize("mapped", [False, True])
def test_an_npz_without_targets_has_none(tmp_path: Path, mapped: bool) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((3, 2)))
    assert Npz(str(tmp_path / "data.npz"), mapped=mapped).load().target_shape == (0,)


def saved(**arrays: Any) -> bytes:
    file = BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def damaged() -> bytes:
    """Return a compressed npz of which a byte was flipped inside the compressed data."""
    file = BytesIO()
    np.savez_compressed(file, inputs=np.zeros((60, 50)), targets=np.zeros(60))
    content = bytearray(file.getvalue())
    content[80] ^= 0xFF
    return bytes(content)


def zipped(**texts: str) -> bytes:
    with zipfile.ZipFile(file := BytesIO(), "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return file.getvalue()


def one_array() -> bytes:
    file = BytesIO()
    np.save(file, np.zeros((4, 2)))
    return file.getvalue()


NO_NPZ: dict[str, bytes] = {
    "a text": b"x,y\n1,0\n",
    "a pickle": pickle.dumps([1, 2]),
    "an npy": one_array(),
    "an npz cut short": saved(inputs=np.zeros((4, 2)), targets=np.zeros(4))[:200],
    "an npz with a flipped bit": damaged(),
    "inputs of objects": saved(inputs=np.array([[1], [None]], dtype=object), targets=np.zeros(2)),
    "targets of objects": saved(inputs=np.zeros((2, 1)), targets=np.array(["a", None], dtype=object)),
}


@pytest.mark.parametrize("mapped", [False, True], ids=["read", "mapped"])
@pytest.mark.parametrize("content", NO_NPZ.values(), ids=NO_NPZ)
def test_a_file_is_refused_that_is(tmp_path: Path, content: bytes, mapped: bool) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^data\.path must be an npz file of plain arrays; got {path} \(.+\)$"):
        Npz(str(path), mapped=mapped).load()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(saved(inputs=np.array([["1"], ["2"]]), targets=np.zeros(2)), id="of texts"),
        pytest.param(saved(inputs=np.zeros((2, 1), complex), targets=np.zeros(2)), id="of complex numbers"),
        pytest.param(zipped(inputs="1", targets="2"), id="that are no arrays"),
    ],
)
def test_inputs_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^data\.path must hold inputs that are numbers; got {path} with "):
        Npz(str(path)).load()


NPZ_TARGETS: dict[str, tuple[Any, list[Any], tuple[str, ...]]] = {
    "whole numbers are classes": ([7, 3, 7], [1, 0, 1], ("3", "7")),
    "texts are classes": (["b", "a", "b"], [1, 0, 1], ("a", "b")),
    "truth values are classes": ([True, False, True], [1, 0, 1], ("False", "True")),
    "floats are numbers": ([1.0, 0.0, 1.0], [1, 0, 1], ()),
    "numbers keep their digits": ([1600000001.0, 0.1, 1.0], [1600000001, 0.1, 1], ()),
    "a column of whole numbers is classes": ([[7], [3], [7]], [1, 0, 1], ("3", "7")),
    "a column of texts is classes": ([["b"], ["a"], ["b"]], [1, 0, 1], ("a", "b")),
    "rows of whole numbers are class ids": ([[7, 3], [0, 3], [0, 0]], [[7, 3], [0, 3], [0, 0]], ()),
    "rows of floats are numbers": ([[0.5, 3], [0, 3], [0, 0]], [[0.5, 3], [0, 3], [0, 0]], ()),
    "rows of truth values are labels": ([[True, False]] * 3, [[1, 0]] * 3, ()),
}


@pytest.mark.parametrize(("given", "expected", "names"), NPZ_TARGETS.values(), ids=NPZ_TARGETS)
def test_of_an_npz(tmp_path: Path, given: Any, expected: list[Any], names: tuple[str, ...]) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((3, 2)), targets=np.array(given))
    arrays = Npz(str(tmp_path / "data.npz")).load()
    assert (arrays.targets.tolist(), arrays.classes) == (expected, names)
    assert arrays.has_classes is not (np.array(given).dtype.kind == "f" or given == [[True, False]] * 3)


def test_rows_of_texts_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((2, 2)), targets=np.array([["a", "b"], ["c", "d"]]))
    with pytest.raises(UserError, match=r"^data\.path must hold targets of numbers or of one class; got .* with <U1$"):
        Npz(str(tmp_path / "data.npz")).load()


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_token_ids_stay_whole(tmp_path: Path, dtype: str) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.array([[3, 200], [0, 1]], dtype), targets=np.zeros(2))
    read = Npz(str(tmp_path / "data.npz"), tokens=True).load().inputs
    assert (read.dtype, read.tolist()) == (np.int64, [[3, 200], [0, 1]])


@pytest.mark.parametrize(
    ("inputs", "got"),
    [
        pytest.param(np.zeros((2, 3)), r"float64 of shape \(2, 3\)", id="floats"),
        pytest.param(np.zeros((2, 1, 4, 4), int), r"int64 of shape \(2, 1, 4, 4\)", id="images"),
    ],
)
def test_no_token_ids_are(tmp_path: Path, inputs: Any, got: str) -> None:
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=np.zeros(2))
    with pytest.raises(UserError, match=rf"^data\.tokens=true needs inputs of whole numbers, .*; got {got}$"):
        Npz(str(tmp_path / "data.npz"), tokens=True).load()


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        pytest.param((3, 1, 4, 4), (3, 1, 4, 4), id="images keep their shape"),
        pytest.param((3,), (3, 1), id="one number a sample becomes a column"),
    ],
)
def test_inputs_of_an_npz(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    inputs = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    np.savez(tmp_path / "data.npz", inputs=inputs, targets=np.zeros(3))
    read = Npz(str(tmp_path / "data.npz")).load().inputs
    assert (read.shape, read.dtype, read.ravel().tolist()) == (expected, np.float32, inputs.ravel().tolist())


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(
    ("task", "targets", "expected", "names"),
    [
        ("regression", np.array([2**24 + 1, 3, 7]), [2**24 + 1, 3, 7], ()),
        ("regression", np.array([True, False, True]), [1, 0, 1], ()),
        ("classification", np.array([1.0, 0.5, 1.0]), [1, 0, 1], ("0.5", "1")),
        ("classification", np.array(["b", "a", "b"]), [1, 0, 1], ("a", "b")),
        ("regression", np.array([[2**24 + 1, 3], [1, 2], [3, 4]]), [[2**24 + 1, 3], [1, 2], [3, 4]], ()),
        ("classification", np.array([[True, False]] * 3), [[1, 0]] * 3, ()),
    ],
)
def test_the_task_decides(
    tmp_path: Path, mapped: bool, task: str, targets: Any, expected: list[Any], names: tuple[str, ...]
) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((3, 2)), targets=targets)
    arrays = Npz(str(tmp_path / "data.npz"), mapped=mapped, task=task).load()
    assert (arrays.targets[:].tolist(), arrays.classes) == (expected, names)
    assert arrays.has_classes is (task == "classification")


@pytest.mark.parametrize(
    ("task", "targets", "message"),
    [
        ("regression", np.array(["b", "a"]), r"data\.path must hold targets of numbers; got .* with <U1$"),
        (
            "classification",
            np.array([[0.5, 1], [2, 3]]),
            r"data\.task=classification needs whole numbers if .*\(2, 2\)$",
        ),
    ],
)
def test_a_task_that_does_not_fit_is_refused(tmp_path: Path, task: str, targets: Any, message: str) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((2, 2)), targets=targets)
    with pytest.raises(UserError, match=f"^{message}"):
        Npz(str(tmp_path / "data.npz"), task=task).load()


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        (np.arange(30), "targets have 30 different whole numbers: classification, as they are integers"),
        (np.arange(30) % 2.0, "targets have 2 different whole numbers: regression, as they are floats"),
        (np.arange(30) % 2, None),
        (np.arange(30) / 2, None),
        (np.array(["a", "b"]), None),
    ],
)
def test_a_task_is_said_that_may_be_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, targets: Any, said: str | None
) -> None:
    np.savez(tmp_path / "data.npz", inputs=np.zeros((len(targets), 2)), targets=targets)
    Npz(str(tmp_path / "data.npz")).load()
    assert caplog.messages == ([] if said is None else [f"data: {said} (data.task sets it otherwise)"])
