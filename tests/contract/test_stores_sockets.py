"""Open sockets and far timers: the same promises in memory and on DynamoDB."""

from dataclasses import replace

from tests.tables import HOME, NOW_MS, Stores
from throughline.domain.identifiers import ConnectionId, Identifier
from throughline.domain.vias import Via
from throughline.domain.visitors import Profile, Visitor
from throughline.ports import Connection, DueTimer

SOCKET = Connection(connection_id=ConnectionId("L0SM9cOFvHcCIhw="), subject="anna", role="agent", expires_ms=NOW_MS)
VISITOR = Visitor(
    account="shop",
    via=Via(account="webchat/shop", identifier=Identifier(kind="external-id", value="u:7|x")),
    home=HOME,
    profile=Profile(name="Mina", phone="+971 50 555 0142", language="ar", fields={"order": "88213"}),
)
VISITOR_SOCKET = Connection(
    connection_id=ConnectionId("aaaa"), subject="external-id:u:7|x", role="visitor", expires_ms=NOW_MS, visitor=VISITOR
)
MINUTE = NOW_MS // 60_000
MINUTE_MS = MINUTE * 60_000


def test_a_socket_is_known_until_it_is_forgotten(stores: Stores) -> None:
    stores.connections.add_connection(SOCKET)
    assert stores.connections.find_connection(SOCKET.connection_id) == SOCKET

    stores.connections.delete_connection(SOCKET.connection_id)
    stores.connections.delete_connection(SOCKET.connection_id)
    assert stores.connections.find_connection(SOCKET.connection_id) is None


def test_a_visitors_socket_tells_who_they_are_and_what_they_told(stores: Stores) -> None:
    stores.connections.add_connection(VISITOR_SOCKET)
    assert stores.connections.find_connection(VISITOR_SOCKET.connection_id) == VISITOR_SOCKET

    silent = replace(VISITOR_SOCKET, visitor=replace(VISITOR, profile=Profile()))
    stores.connections.add_connection(silent)
    assert stores.connections.find_connection(VISITOR_SOCKET.connection_id) == silent


def test_the_sockets_that_listen_on_a_way_are_those_that_came_and_did_not_go(stores: Stores) -> None:
    older = replace(VISITOR_SOCKET, connection_id=ConnectionId("zzzz"), expires_ms=NOW_MS - 60_000)
    assert stores.connections.list_listeners(VISITOR.way) == []

    for socket in (VISITOR_SOCKET, older, VISITOR_SOCKET):
        stores.connections.add_listener(VISITOR.way, socket)
    stores.connections.add_listener("webchat/shop|external-id:u:7", replace(older, connection_id=ConnectionId("b")))
    assert stores.connections.list_listeners(VISITOR.way) == ["zzzz", "aaaa"]

    stores.connections.delete_listener(VISITOR.way, older.connection_id)
    stores.connections.delete_listener(VISITOR.way, older.connection_id)
    assert stores.connections.list_listeners(VISITOR.way) == ["aaaa"]


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
