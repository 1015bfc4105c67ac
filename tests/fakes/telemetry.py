"""Telemetry in memory."""

from collections import Counter


class FakeTelemetry:
    """Counts, by metric and dimensions."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self.alerts: list[str] = []

    def count(self, metric: str, **dimensions: str) -> None:
        """Add one."""
        self.counted[(metric, tuple(sorted(dimensions.items())))] += 1

    def alert(self, metric: str, error: Exception, **dimensions: str) -> None:
        """Count, and keep what the operator reads."""
        self.count(metric, **dimensions)
        self.alerts.append(str(error))

    def total(self, metric: str, **dimensions: str) -> int:
        """Return how often a metric was counted with (at least) these dimensions."""
        wanted = set(dimensions.items())
        return sum(times for (name, given), times in self.counted.items() if name == metric and wanted <= set(given))
