import pytest

from throughline.domain.errors import ThrottledError
from throughline.flows import throttle
from throughline.flows.throttle import Limit, Throttle

LIMIT = Limit(burst=3, per_s=0.5)


class Clock:
    now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


def admitted(door: Throttle, caller: str = "one") -> int:
    """Return how many calls are taken before one is refused."""
    for count in range(10):
        try:
            door.admit(caller, LIMIT)
        except ThrottledError:
            return count
    return 10


def test_so_many_calls_come_at_once_and_then_no_more() -> None:
    assert admitted(Throttle(Clock())) == LIMIT.burst


def test_callers_have_buckets_of_their_own() -> None:
    door = Throttle(Clock())
    assert (admitted(door, "one"), admitted(door, "two")) == (3, 3)


@pytest.mark.parametrize(("later_s", "more"), [(1, 0), (2, 1), (5, 2), (6, 3), (10_000, 3)])
def test_time_fills_the_bucket_to_its_brim(later_s: int, more: int) -> None:
    clock = Clock()
    door = Throttle(clock)
    admitted(door)
    clock.now_ms += later_s * 1000
    assert admitted(door) == more


def test_who_is_refused_is_told_when_to_come_back() -> None:
    clock = Clock()
    door = Throttle(clock)
    admitted(door)
    clock.now_ms += 500
    with pytest.raises(ThrottledError) as refusal:
        door.admit("one", LIMIT)
    clock.now_ms += refusal.value.retry_after_s * 1000
    door.admit("one", LIMIT)


def test_the_callers_longest_unseen_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_CALLERS", 2)
    door = Throttle(Clock())
    for caller in ("one", "two", "three"):
        admitted(door, caller)
    assert (admitted(door, "three"), admitted(door, "one")) == (0, 3)
