"""Damage to the bytes of a journal, each without a change of its length, while others read and write it."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

# A record that was being written when its process was killed.
TORN = b'{"op_code": 8, "worker_id": "4c6b7a52-", "trial_id": 3, "user_attr": {"own'


def flip_bit(line: bytes, source: random.Random) -> bytes:
    """Flip the highest bit of a byte: that of another one may leave a record that merely says something else."""
    at = source.randrange(len(line) - 1)
    return line[:at] + bytes([line[at] ^ 0x80]) + line[at + 1 :]


def put_nuls(line: bytes, source: random.Random) -> bytes:
    """NULs as a file system leaves that lost its power: up to the end of the record."""
    at = source.randrange(len(line) - 1)
    return line[:at] + bytes(len(line) - 1 - at) + b"\n"


def halve(line: bytes, source: random.Random) -> bytes:
    """Blanks in place of the second half."""
    at = len(line) // 2
    return line[:at].ljust(len(line) - 1) + b"\n"


def join_next(line: bytes, source: random.Random) -> bytes:
    """No newline: two records in one line."""
    return line[:-1] + b" "


DAMAGE: tuple[Callable[[bytes, random.Random], bytes], ...] = (flip_bit, put_nuls, halve, join_next)


def damage_journal(journal: Path, source: random.Random) -> str:
    """Damage one line before the last one; return what was done."""
    lines = journal.read_bytes().splitlines(keepends=True)
    number = source.randrange(len(lines) - 1)
    kind = source.choice(DAMAGE)
    start = sum(map(len, lines[:number]))
    with journal.open("r+b") as file:
        os.pwrite(file.fileno(), kind(lines[number], source), start)
    return f"{kind.__name__} in line {number + 1}: {lines[number][:60].decode()}"


def tear_journal(journal: Path) -> None:
    """Append half a record, as a killed writer leaves it."""
    with journal.open("ab") as file:
        file.write(TORN)
