"""Connections in memory."""

from throughline.domain.identifiers import ConnectionId
from throughline.ports import Connection


class FakeConnections:
    def __init__(self) -> None:
        self.connections: dict[ConnectionId, Connection] = {}

    def add_connection(self, connection: Connection) -> None:
        self.connections[connection.connection_id] = connection

    def find_connection(self, connection_id: ConnectionId) -> Connection | None:
        return self.connections.get(connection_id)

    def delete_connection(self, connection_id: ConnectionId) -> None:
        self.connections.pop(connection_id, None)
