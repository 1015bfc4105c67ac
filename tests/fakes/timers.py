"""Timers in memory; nothing goes off by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmedTimer:
    """A timer as it was armed."""

    work: Mapping[str, Any]
    delay_s: float
    due_ms: int


class FakeTimers:
    """Timers that keep everything armed. `now_ms` is the clock they count from."""

    def __init__(self, now_ms: int = 0) -> None:
        self.now_ms = now_ms
        self.armed: list[ArmedTimer] = []
        self.postponed: list[tuple[str, float]] = []

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        """Keep a timer; what is in the past is due now."""
        due_ms = self.now_ms + round(max(0.0, delay_s) * 1000)
        self.armed.append(ArmedTimer(work=work, delay_s=delay_s, due_ms=due_ms))

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Remember what was put off, and for how long."""
        self.postponed.append((receipt, delay_s))

    def of_kind(self, kind: str) -> list[ArmedTimer]:
        """Return the timers of one kind of work."""
        return [timer for timer in self.armed if timer.work.get("kind") == kind]

    def take_due(self, now_ms: int) -> list[Mapping[str, Any]]:
        """Move the clock, and remove and return the work that is due, earliest first."""
        self.now_ms = now_ms
        due = sorted((timer for timer in self.armed if timer.due_ms <= now_ms), key=lambda timer: timer.due_ms)
        self.armed = [timer for timer in self.armed if timer.due_ms > now_ms]
        return [timer.work for timer in due]
