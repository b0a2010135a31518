"""The lines of a journal as a mender sees them: what each holds, and what is to stand in its place."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tunesmith.search.storage.records import NOTHING, Record, is_sound, read_line, to_line

_BEGIN = '{"op_code":'


@dataclass
class Line:
    """A line, or several damaged ones in a row. number: of the first, from 1; start: its byte, from 0.

    records: what is known of its content; is_changed: whether the bytes say something else.
    """

    number: int
    start: int
    raw: bytes
    records: list[Record] = field(default_factory=list)
    is_changed: bool = False


def read_lines(content: bytes) -> list[Line]:
    """Split a journal's content; whole records within damaged lines are found, such as two that lost their newline."""
    lines: list[Line] = []
    start = 0
    for number, raw in enumerate(io.BytesIO(content), start=1):  # splitlines would split at a damaged byte, too
        record = read_line(raw)
        if record is None and lines and lines[-1].is_changed:
            lines[-1].raw += raw
        else:
            lines.append(Line(number, start, raw, [] if record is None else [record], record is None))
        start += len(raw)
    for line in lines:
        if line.is_changed:
            line.records = list(_whole_records(line.raw))
    return lines


def _whole_records(damaged: bytes) -> Iterator[Record]:
    text = damaged.replace(b"\n", b"").decode("latin-1")
    place = text.find(_BEGIN)
    while place >= 0:
        end = place + 1
        try:
            record, end = json.JSONDecoder().raw_decode(text, place)
        except (ValueError, RecursionError):
            record = None
        if is_sound(record):
            yield record
        place = text.find(_BEGIN, end)


@dataclass(frozen=True)
class Edit:
    """Bytes of a journal that are replaced; all but those at its end keep their number."""

    line: int
    start: int
    old: bytes
    new: bytes


def to_edits(lines: Sequence[Line]) -> list[Edit]:
    """Return what has to be written; whatever needs room takes it from the lines behind it."""
    edits: list[Edit] = []
    first = 0
    while first < len(lines):
        end = first + 1
        if lines[first].is_changed:
            while (new := _fill(lines[first:end])) is None and end < len(lines):
                end += 1
            edits.append(_edit(lines[first:end], new))
        first = end
    return edits


def _edit(lines: Sequence[Line], new: bytes | None) -> Edit:
    """new: None at the end of the file, which becomes as long as it has to be."""
    records = [record for line in lines for record in line.records]
    old = b"".join(line.raw for line in lines)
    return Edit(lines[0].number, lines[0].start, old, b"".join(map(to_line, records)) if new is None else new)


def _fill(lines: Sequence[Line]) -> bytes | None:
    """Return the records of some lines in as many bytes as the lines have, None if there is no room for them.

    A record may go without the name of its writer, who has read it long ago.
    """
    room = sum(len(line.raw) for line in lines)
    records = [record for line in lines for record in line.records] or [NOTHING]
    written = [to_line(record) for record in records]
    for place, record in enumerate(records):
        if sum(map(len, written)) > room and "worker_id" in record:
            written[place] = to_line({**record, "worker_id": ""})
    spaces = room - sum(map(len, written))
    return None if spaces < 0 else b"".join(written)[:-1] + b" " * spaces + b"\n"
