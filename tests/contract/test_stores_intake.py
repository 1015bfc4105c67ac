"""What is taken in, against its limits: the same promises in memory and on DynamoDB; and what counting costs."""

from collections.abc import Iterator

import pytest

from tests.cloud import cloud
from tests.contract.test_stores_costs import bill_of
from tests.tables import NOW_MS, Stores, connection, tables_of
from throughline.domain.limits import WINDOW_MS, free_of
from throughline.store._table import Table
from throughline.store.intake import DynamoIntake

ACCOUNT = "telegram/demo"
LIMITS = [1, 2, 7, 8, 15, 100, 333, 2000]


def taken(stores: Stores, times: int, *, subject: str = ACCOUNT, limit: int, at_ms: int = NOW_MS) -> int:
    return sum(stores.intake.take(subject, limit=limit, at_ms=at_ms) for _ in range(times))


@pytest.mark.parametrize("limit", LIMITS)
def test_one_process_takes_exactly_the_limit_of_a_window(stores: Stores, limit: int) -> None:
    assert taken(stores, limit + 50, limit=limit) == limit
    assert taken(stores, 5, limit=limit, at_ms=NOW_MS + WINDOW_MS - 1) == 0


def test_the_next_ten_seconds_begin_anew(stores: Stores) -> None:
    assert taken(stores, 30, limit=20) == 20
    assert taken(stores, 30, limit=20, at_ms=NOW_MS + WINDOW_MS) == 20


def test_everybody_has_a_limit_of_their_own(stores: Stores) -> None:
    assert taken(stores, 30, limit=20) == 20
    assert taken(stores, 30, limit=20, subject=f"{ACCOUNT}|h-1") == 20


@pytest.fixture
def routing() -> Iterator[Table]:
    with cloud():
        yield tables_of(connection()).routing


@pytest.mark.parametrize("limit", LIMITS)
def test_many_processes_together_take_the_limit_and_no_more_than_their_free_parts_on_top(
    routing: Table, limit: int
) -> None:
    processes = [DynamoIntake(routing) for _ in range(5)]
    total = sum(process.take(ACCOUNT, limit=limit, at_ms=NOW_MS) for _ in range(limit + 20) for process in processes)
    assert limit <= total <= limit + len(processes) * free_of(limit)


def test_normal_traffic_is_counted_for_nothing(routing: Table) -> None:
    intake = DynamoIntake(routing)
    bill = bill_of(lambda: [intake.take(ACCOUNT, limit=2000, at_ms=NOW_MS) for _ in range(20)])
    assert bill.calls == []


def test_a_flood_costs_a_write_for_each_lease_and_one_to_learn_that_the_limit_is_reached(routing: Table) -> None:
    processes = [DynamoIntake(routing) for _ in range(4)]
    bill = bill_of(
        lambda: [process.take(ACCOUNT, limit=2000, at_ms=NOW_MS) for _ in range(5000) for process in processes]
    )
    assert len(bill.calls) <= 17 + len(processes)
    assert bill.write_units == len(bill.calls)


def test_what_a_window_has_used_goes_by_itself(routing: Table) -> None:
    intake = DynamoIntake(routing)
    for _ in range(3):
        intake.take(ACCOUNT, limit=1, at_ms=NOW_MS)
    (item,) = routing.query(f"intake#{ACCOUNT}")
    assert item["expires_s"] == NOW_MS // WINDOW_MS * 10 + 10 + 3600
