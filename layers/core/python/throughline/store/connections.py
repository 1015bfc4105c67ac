"""The open sockets, in the routing table. N-numbers: docs/data-model.md."""

from throughline.domain.identifiers import ConnectionId
from throughline.ports import Connection
from throughline.store._table import Table

_CONNECTION = "connection"
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
                "expires_s": connection.expires_ms // 1000 + _KEPT_S,
            }
        )

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        """N2. Return who is at the other end. One GetItem, strong: 1 RRU."""
        item = self._routing.get(_key(connection_id), _CONNECTION)
        if item is None:
            return None
        return Connection(
            connection_id=connection_id, subject=item["subject"], role=item["role"], expires_ms=item["expires_ms"]
        )

    def delete_connection(self, connection_id: ConnectionId) -> None:
        """N3. Forget a socket. One DeleteItem: 1 WRU."""
        self._routing.delete(_key(connection_id), _CONNECTION)


def _key(connection_id: ConnectionId) -> str:
    return f"connection#{connection_id}"
