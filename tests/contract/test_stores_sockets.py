"""Open sockets and far timers: the same promises in memory and on DynamoDB."""

from tests.tables import NOW_MS, Stores
from throughline.domain.identifiers import ConnectionId
from throughline.ports import Connection, DueTimer

SOCKET = Connection(connection_id=ConnectionId("L0SM9cOFvHcCIhw="), subject="anna", role="agent", expires_ms=NOW_MS)
MINUTE = NOW_MS // 60_000
MINUTE_MS = MINUTE * 60_000


def test_a_socket_is_known_until_it_is_forgotten(stores: Stores) -> None:
    stores.connections.add_connection(SOCKET)
    assert stores.connections.find_connection(SOCKET.connection_id) == SOCKET

    stores.connections.delete_connection(SOCKET.connection_id)
    stores.connections.delete_connection(SOCKET.connection_id)
    assert stores.connections.find_connection(SOCKET.connection_id) is None


def due(stores: Stores, minute: int) -> list[tuple[int, object]]:
    return [(timer.due_ms - MINUTE_MS, timer.work) for timer in stores.timers.list_due(minute)]


def test_timers_are_due_in_their_minute_earliest_first(stores: Stores) -> None:
    stores.timers.put({"kind": "late"}, MINUTE_MS + 59_999)
    stores.timers.put({"kind": "early", "turn": 2}, MINUTE_MS)
    stores.timers.put({"kind": "next"}, MINUTE_MS + 60_000)

    assert due(stores, MINUTE) == [(0, {"kind": "early", "turn": 2}), (59_999, {"kind": "late"})]
    assert due(stores, MINUTE + 1) == [(60_000, {"kind": "next"})]
    assert due(stores, MINUTE - 1) == []


def test_the_same_work_at_the_same_instant_is_one_timer(stores: Stores) -> None:
    stores.timers.put({"kind": "pause", "turn": 2}, MINUTE_MS)
    stores.timers.put({"turn": 2, "kind": "pause"}, MINUTE_MS)
    stores.timers.put({"kind": "pause", "turn": 3}, MINUTE_MS)

    assert sorted(timer.work["turn"] for timer in stores.timers.list_due(MINUTE)) == [2, 3]


def test_a_timer_that_was_handed_on_is_forgotten(stores: Stores) -> None:
    stores.timers.put({"kind": "pause", "turn": 2}, MINUTE_MS)
    stores.timers.put({"kind": "pause", "turn": 3}, MINUTE_MS)
    first: DueTimer = stores.timers.list_due(MINUTE)[0]

    stores.timers.delete(first)
    stores.timers.delete(first)

    assert [timer.work for timer in stores.timers.list_due(MINUTE)] != [first.work]
    assert len(stores.timers.list_due(MINUTE)) == 1


def test_the_cursor_goes_forward_only(stores: Stores) -> None:
    assert stores.timers.find_cursor() is None

    for minute in (MINUTE, MINUTE + 2, MINUTE + 1, MINUTE + 2):
        stores.timers.advance_cursor(minute)

    assert stores.timers.find_cursor() == MINUTE + 2
