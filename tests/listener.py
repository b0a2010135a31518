"""A reporter that notes what a run tells and asks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Listener:
    """Says that the run should stop once the step stop_at was reported, None: never."""

    stop_at: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    is_retry: bool = False
    heard: list[tuple[int, float]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    asked: int = 0
    polls: int = 0
    checks: int = 0
    digests: list[str] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def report_data(self, digest: str) -> None:
        self.digests.append(digest)

    def report(self, step: int, value: float, epochs: int = 1) -> None:
        self.heard.append((step, value))
        self.epochs.append(epochs)

    def report_metrics(self, metrics: Mapping[str, float]) -> None:
        self.metrics |= metrics

    def report_findings(self, names: Sequence[str]) -> None:
        self.findings += names

    def should_stop(self) -> bool:
        self.asked += 1
        return self.stop_at is not None and self.heard[-1][0] >= self.stop_at

    def poll(self) -> None:
        self.polls += 1

    def check(self) -> None:
        self.checks += 1
