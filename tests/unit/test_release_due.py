from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.due_timers import FakeDueTimers
from tests.fakes.timers import FakeTimers
from throughline.domain.errors import StoreUnavailableError
from throughline.flows.release_due import AHEAD_MINUTES, MINUTE_MS, MINUTES_A_RUN, release_due

NOW_MS = 30_000_000 * MINUTE_MS + 20_000


def later(minutes: float) -> int:
    return NOW_MS + round(minutes * MINUTE_MS)


def work(name: str) -> dict[str, str]:
    return {"kind": "resume", "conversation": name}


def test_timers_that_come_due_soon_go_to_the_queue_with_the_rest_of_their_delay() -> None:
    due, timers = FakeDueTimers(), FakeTimers(NOW_MS)
    due.put(work("a"), later(3))
    due.put(work("b"), later(AHEAD_MINUTES + 5))

    assert release_due(due, timers, NOW_MS) == 1
    assert [(timer.work, timer.delay_s) for timer in timers.armed] == [(work("a"), 180.0)]
    assert [timer.work for timer in due.timers.values()] == [work("b")]


def test_every_timer_is_handed_on_once_over_the_minutes() -> None:
    due, timers = FakeDueTimers(), FakeTimers(NOW_MS)
    release_due(due, timers, NOW_MS)
    for number in range(40):
        due.put(work(str(number)), later(16 + number * 0.7))
    for minute in range(1, 60):
        release_due(due, timers, later(minute))

    assert sorted(timer.work["conversation"] for timer in timers.armed) == sorted(str(number) for number in range(40))
    assert all(timer.delay_s >= 5 * 60 for timer in timers.armed)  # none came too late to be on time


def test_after_an_outage_what_is_overdue_goes_off_at_once() -> None:
    due, timers = FakeDueTimers(), FakeTimers(NOW_MS)
    release_due(due, timers, NOW_MS)
    due.put(work("a"), later(30))

    release_due(due, timers, later(600))
    assert [timer.delay_s for timer in timers.armed] == [0.0]


def test_the_first_run_ever_looks_a_little_back() -> None:
    due, timers = FakeDueTimers(), FakeTimers(NOW_MS)
    due.put(work("a"), later(-14))

    assert release_due(due, timers, NOW_MS) == 1


def test_a_long_outage_is_made_up_for_by_several_runs() -> None:
    due, timers = FakeDueTimers(), FakeTimers(NOW_MS)
    release_due(due, timers, NOW_MS)
    due.put(work("a"), later(MINUTES_A_RUN + 60))

    assert release_due(due, timers, later(10 * MINUTES_A_RUN)) == 0
    assert release_due(due, timers, later(10 * MINUTES_A_RUN + 1)) == 1


class BusyTimers(FakeTimers):
    """Timers that once, after the first, cannot be armed."""

    refused = False

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        if self.armed and not self.refused:
            self.refused = True
            raise StoreUnavailableError("throttled")
        super().arm(work, delay_s=delay_s)


def test_a_crash_half_way_loses_none() -> None:
    due, timers = FakeDueTimers(), BusyTimers()
    for name in ("a", "b", "c"):
        due.put(work(name), later(2))

    with pytest.raises(StoreUnavailableError):
        release_due(due, timers, NOW_MS)
    release_due(due, timers, NOW_MS)
    assert {timer.work["conversation"] for timer in timers.armed} == {"a", "b", "c"}
    assert due.timers == {}
