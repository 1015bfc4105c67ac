"""The open sockets, in the routing table. N-numbers: docs/data-model.md."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.identifiers import ConnectionId, Home
from throughline.domain.vias import Via
from throughline.domain.visitors import Profile, Visitor
from throughline.ports import Connection
from throughline.store._table import Table, starting
from throughline.store._values import Item

_CONNECTION = "connection"
_LISTENER = "listener#"
# A socket lasts two hours at most; one whose end nobody told us of goes by itself.
_KEPT_S = 3 * 3600


class DynamoConnections:
    """Connections in DynamoDB."""

    def __init__(self, routing: Table) -> None:
        self._routing = routing

    def add_connection(self, connection: Connection) -> None:
        """N1. Remember who connected. One PutItem: 1 WRU."""
        self._routing.put(
            {
                "pk": _key(connection.connection_id),
                "sk": _CONNECTION,
                "subject": connection.subject,
                "role": connection.role,
                "expires_ms": connection.expires_ms,
                "expires_s": _forgotten_s(connection),
                **_visitor_attributes(connection.visitor),
            }
        )

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        """N2. Return who is at the other end. One GetItem, strong: 1 RRU."""
        item = self._routing.get(_key(connection_id), _CONNECTION)
        if item is None:
            return None
        return Connection(
            connection_id=connection_id,
            subject=item["subject"],
            role=item["role"],
            expires_ms=item["expires_ms"],
            visitor=_visitor_from(item),
        )

    def delete_connection(self, connection_id: ConnectionId) -> None:
        """N3. Forget a socket. One DeleteItem: 1 WRU."""
        self._routing.delete(_key(connection_id), _CONNECTION)

    def add_listener(self, way: str, connection: Connection) -> None:
        """N4. Let a visitor's socket be told what happens on the way they write by. One PutItem: 1 WRU."""
        expires_s = _forgotten_s(connection)
        self._routing.put({"pk": _way_key(way), "sk": f"{_LISTENER}{connection.connection_id}", "expires_s": expires_s})

    def list_listeners(self, way: str) -> list[ConnectionId]:
        """N5. Return the sockets that are told, those with the oldest tokens first. One Query, strong: 1 RRU."""
        items = sorted(self._routing.query(_way_key(way), starting(_LISTENER)), key=lambda item: item["expires_s"])
        return [ConnectionId(item["sk"].removeprefix(_LISTENER)) for item in items]

    def delete_listener(self, way: str, connection_id: ConnectionId) -> None:
        """N6. Tell a socket no longer. One DeleteItem: 1 WRU."""
        self._routing.delete(_way_key(way), f"{_LISTENER}{connection_id}")


def _key(connection_id: ConnectionId) -> str:
    return f"connection#{connection_id}"


def _way_key(way: str) -> str:
    return f"way#{way}"


def _forgotten_s(connection: Connection) -> int:
    return connection.expires_ms // 1000 + _KEPT_S


def _visitor_attributes(visitor: Visitor | None) -> Item:
    """Return what is kept of a visitor, with what they told of themselves; of anybody else nothing."""
    if visitor is None:
        return {}
    return {
        "account": visitor.account,
        "way": visitor.way,
        "home": visitor.home,
        "told": visitor.profile.written(),
    }


def _visitor_from(item: Mapping[str, Any]) -> Visitor | None:
    if "way" not in item:
        return None
    return Visitor(
        account=item["account"], via=Via.parse(item["way"]), home=Home(item["home"]), profile=Profile.read(item["told"])
    )
