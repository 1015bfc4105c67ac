"""Connections in memory."""

from throughline.domain.identifiers import ConnectionId
from throughline.ports import Connection


class FakeConnections:
    def __init__(self) -> None:
        self.connections: dict[ConnectionId, Connection] = {}
        self.listeners: dict[str, dict[ConnectionId, int]] = {}

    def add_connection(self, connection: Connection) -> None:
        self.connections[connection.connection_id] = connection

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        return self.connections.get(connection_id)

    def delete_connection(self, connection_id: ConnectionId) -> None:
        self.connections.pop(connection_id, None)

    def add_listener(self, way: str, connection: Connection) -> None:
        self.listeners.setdefault(way, {})[connection.connection_id] = connection.expires_ms // 1000

    def list_listeners(self, way: str) -> list[ConnectionId]:
        listeners = self.listeners.get(way, {})
        return sorted(sorted(listeners), key=lambda connection_id: listeners[connection_id])

    def delete_listener(self, way: str, connection_id: ConnectionId) -> None:
        self.listeners.get(way, {}).pop(connection_id, None)
