"""TensorBoard's events file of a run, written by the thread that trains: no thread, and no import of torch's writer."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from struct import pack

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tunesmith.machine_faults import writing
from tunesmith.training.summaries import scalars

# Of the files that this process has made, as in the names of TensorBoard's own writer; it counts its own, and may begin
# one in the same second, so our names have a further part.
_numbers = itertools.count()


class EventFile:
    """A logger that writes one events file, which TensorBoard shows as it does those of Lightning's TensorBoardLogger.

    Each call hands its event to the system: if the process is killed, no epoch before that moment is lost. An epoch
    takes 30 us with 5 metrics. A run that goes on makes another file in the same folder, and TensorBoard joins them.
    """

    def __init__(self, folder: Path) -> None:
        """folder: of the run, which exists; the file is made by the first event."""
        self._folder = folder
        self._file: FileIO | None = None

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Write a point of each metric's curve, in one event."""
        self.add_summary(scalars(metrics), step)

    def add_summary(self, summary: Summary, global_step: int | None = None) -> None:
        self._write(Event(wall_time=time.time(), step=global_step or 0, summary=summary))

    def save(self) -> None:
        """Do nothing: no event waits to be written."""

    def finalize(self, status: str) -> None:
        """Close the file: nothing more can be logged."""
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        """Close the file of a run that was built and not begun."""
        self.finalize("failed")

    def _write(self, event: Event) -> None:
        if self._file is None:
            self._file = self._open()
            self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        record = memoryview(_as_record(event.SerializeToString()))
        with writing(self._folder):
            while record:  # a disk that is nearly full takes a part, and raises at the next one
                record = record[self._file.write(record) :]

    def _open(self) -> FileIO:
        ids = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        with writing(self._folder):
            return FileIO(self._folder / f"events.out.tfevents.{ids}.tunesmith", "x")


def _as_record(data: bytes) -> bytes:
    """Return TensorFlow's record: the length (8 bytes) and its checksum (4), the data and their checksum (4).

    https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
    """
    length = pack("<Q", len(data))
    return b"".join((length, pack("<I", _masked_crc(length)), data, pack("<I", _masked_crc(data))))


def _masked_crc(data: bytes) -> int:
    """Return the CRC-32C of some bytes, rotated by 15 bits and moved; tensorboard's own takes three times as long."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[crc & 0xFF ^ byte] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_of_byte(crc: int) -> int:
    for _ in range(8):
        crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)  # the polynomial of CRC-32C, its bits reversed
    return crc


_CRC_TABLE = tuple(map(_crc_of_byte, range(256)))
