"""What test.yaml says, as lines for people: metrics with standard errors, the calibration, the report's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith.insight.calibration import NUM_BINS
from tunesmith.insight.means import share_se
from tunesmith.run_folder import TEST_FACTS, TEST_FILE, TEST_REPORT_FILE, read_yaml


def evaluation_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield label and text of each line that an evaluation prints; folder: of the run."""
    test = read_yaml(folder / TEST_FILE)
    for name, value in test.items():
        if name not in TEST_FACTS:
            error = standard_error(test, name)
            yield name, f"{value:.4g}" + ("" if error is None else f" +- {error:.2g}")
    if "samples" in test:
        yield "samples", f"{test['samples']} (+- is one standard error)"
    if "ece" in test:
        yield "calibration", _calibration(test)
    yield from _report_row(folder)
    yield "written to", str(folder / TEST_FILE)


def chance_rows(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines that a sweep prints beside the test metrics; what is no number in test.yaml is left out."""
    test = read_yaml(folder / TEST_FILE) if (folder / TEST_FILE).is_file() else {}
    errors = [(name, error) for name in test if (error := standard_error(test, name)) is not None]
    shown = [f"{name} {error:.2g}" for name, error in errors]
    if shown:
        yield "test +-", "  ".join([*shown, f"(one standard error, {test.get('samples')} samples)"])
    if isinstance(test.get("ece"), float):
        yield "calibration", _calibration(test)
    yield from _report_row(folder)


def standard_error(test: Mapping[str, Any], name: str) -> float | None:
    """Return the standard error of a metric, such as test/acc, None if it is not known.

    It is as the evaluation has found it; an older one has counted the samples, which tell the error of an accuracy.

    test: the content of test.yaml.
    """
    error, value, samples = test.get(f"{str(name).removeprefix('test/')}_se"), test.get(name), test.get("samples")
    if isinstance(error, float):
        return error
    if name != "test/acc" or not isinstance(value, float) or not isinstance(samples, int) or samples < 1:
        return None
    return share_se(value, samples) if 0 <= value <= 1 else None


def _report_row(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the place of the report on each class, if there is one."""
    if (folder / TEST_REPORT_FILE).is_file():
        yield "per class", str(folder / TEST_REPORT_FILE)


def _calibration(test: Mapping[str, Any]) -> str:
    return f"ece {test['ece']:.2g} (expected calibration error, {NUM_BINS} equal bins of confidence)"
