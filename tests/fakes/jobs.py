"""A queue of jobs in memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from throughline.domain.errors import StoreUnavailableError

DEDUP_MS = 5 * 60 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PutJob:
    """A job as it was put."""

    job: Mapping[str, Any]
    group: str
    dedup: str


class FakeJobs:
    """Jobs that keep all that was put, in order. `now_ms` moves the window of deduplication, `fail_at` refuses one."""

    def __init__(self) -> None:
        self.accepted: list[PutJob] = []
        self.postponed: list[tuple[str, float]] = []
        self.now_ms = 0
        self.fail_at: int | None = None
        self._seen: dict[str, int] = {}

    @property
    def jobs(self) -> list[Mapping[str, Any]]:
        """Return the jobs alone."""
        return [item.job for item in self.accepted]

    def put(self, job: Mapping[str, Any], *, group: str, dedup: str) -> None:
        """Add one job."""
        if self.fail_at is not None and len(self.accepted) >= self.fail_at:
            raise StoreUnavailableError("a queue refused a message")
        seen_ms = self._seen.get(dedup)
        if seen_ms is None or self.now_ms - seen_ms >= DEDUP_MS:
            self._seen[dedup] = self.now_ms
            self.accepted.append(PutJob(job=job, group=group, dedup=dedup))

    def put_all(self, jobs: Sequence[tuple[Mapping[str, Any], str, str]]) -> None:
        """Add several; those before a refused one stay."""
        for job, group, dedup in jobs:
            self.put(job, group=group, dedup=dedup)

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Remember what was put off, and for how long."""
        self.postponed.append((receipt, delay_s))

    def take(self, limit: int = 10) -> list[Mapping[str, Any]]:
        """Remove and return the oldest jobs."""
        taken, self.accepted = self.accepted[:limit], self.accepted[limit:]
        return [item.job for item in taken]
