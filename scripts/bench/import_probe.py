"""Runs a script and notes what it imports: python import_probe.py REPORT END SCRIPT ARGUMENT...

REPORT gets a JSON list: for each module the names of the modules under way, it itself last, and the CPU seconds of its
own code. What is imported when the file END is there is left out. -X importtime tells wall clock, and no end.
"""

import json
import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any


class Probe:
    """Stands around importlib's function that runs a module's code."""

    def __init__(self, end: Path, load: Any) -> None:
        self.found: list[tuple[list[str], float]] = []
        self._end, self._load = end, load
        self._under_way: list[str] = []
        self._inner = [0.0]
        self._is_over = False

    def __call__(self, spec: Any) -> Any:
        if self._is_over or (not self._under_way and self._end.exists()):
            self._is_over = True
            return self._load(spec)
        self._under_way.append(spec.name)
        self._inner.append(0.0)
        begin = time.process_time()
        try:
            return self._load(spec)
        finally:
            whole = time.process_time() - begin
            self.found.append((list(self._under_way), whole - self._inner.pop()))
            self._inner[-1] += whole
            self._under_way.pop()


def main() -> None:
    report, end, *command = sys.argv[1:]
    importlib: Any = sys.modules["_frozen_importlib"]
    probe = importlib._load_unlocked = Probe(Path(end).absolute(), importlib._load_unlocked)
    report = os.path.abspath(report)
    sys.argv = command
    sys.path[0] = os.path.dirname(command[0])
    try:
        runpy.run_path(command[0], run_name="__main__")
    finally:
        Path(report).write_text(json.dumps(probe.found))


if __name__ == "__main__":
    main()
