"""Mends a journal: damaged records are set aside, and what stands in for them takes the same bytes.

Bytes behind a mended line stay where they are, so that no living process loses its place. Records are set aside before
the journal changes: a mender that is killed leaves damage that the next one finds.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tunesmith.search.storage.gaps import fill_gaps
from tunesmith.search.storage.journal import cut_torn_tail, lock
from tunesmith.search.storage.lines import Edit, read_lines, to_edits
from tunesmith.search.storage.lost_facts import put_back_facts
from tunesmith.search.storage.stand_ins import StudyNamed

# How many damaged lines are named one by one.
NUM_SHOWN = 5


def damaged_file(path: Path) -> Path:
    """Return the file beside a journal that keeps what was damaged."""
    return path.with_name(f"{path.name}.damaged")


def mend(path: Path, study: StudyNamed | None = None) -> None:
    """Mend a journal under its lock, and say what was set aside; a journal that another one has mended stays as it is.

    study: what a command knows of its study.

    Raises:
        UserError: the record that names the study is damaged, and no command knows it.
    """
    with lock(path) as file:
        cut_torn_tail(file)
        lines = read_lines(os.pread(file, os.fstat(file).st_size, 0))
        put_back_facts(path.parent, lines, fill_gaps(path, lines, study))
        edits = to_edits(lines)
        if not edits:
            return
        _set_aside(path, edits)
        for edit in edits:
            os.pwrite(file, edit.new, edit.start)
        last = edits[-1]
        if len(last.new) < len(last.old):  # at the end of the file
            os.ftruncate(file, last.start + len(last.new))
        os.fsync(file)
    for edit in edits[:NUM_SHOWN]:
        print(f"{path}: {_where(edit)} is damaged: set aside in {damaged_file(path).name}", flush=True)
    if len(edits) > NUM_SHOWN:
        print(f"{path}: {len(edits) - NUM_SHOWN} further lines are damaged, too", flush=True)


def _set_aside(path: Path, edits: Sequence[Edit]) -> None:
    """Keep the bytes that the edits replace; two menders, of which one was killed, may keep them twice."""
    with damaged_file(path).open("ab") as file:
        for edit in edits:
            file.write(f"{_where(edit)}, {len(edit.old)} bytes:\n".encode() + edit.old + b"\n")
        file.flush()
        os.fsync(file.fileno())


def _where(edit: Edit) -> str:
    return f"line {edit.line} at byte {edit.start}"
