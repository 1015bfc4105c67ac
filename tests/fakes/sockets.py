"""Sockets in memory."""

import json
from collections.abc import Mapping
from typing import Any

from throughline.domain.errors import PayloadTooLargeError, StoreUnavailableError
from throughline.domain.identifiers import ConnectionId

MAX_FRAME_BYTES = 128 * 1024


class FakeSockets:
    """Sockets that keep every frame by connection. All are open except those in `gone`; `busy` ones cannot be told."""

    def __init__(self) -> None:
        self.frames: dict[str, list[Mapping[str, Any]]] = {}
        self.gone: set[str] = set()
        self.busy: set[str] = set()

    def post(self, connection: ConnectionId, frame: Mapping[str, Any]) -> bool:
        """Keep one frame, as the JSON it is."""
        content = json.dumps(frame)
        if connection in self.gone:
            return False
        if connection in self.busy:
            raise StoreUnavailableError("posting to a socket: LimitExceededException")
        if len(content.encode()) > MAX_FRAME_BYTES:
            raise PayloadTooLargeError("posting to a socket: PayloadTooLargeException")
        self.frames.setdefault(connection, []).append(json.loads(content))
        return True

    def to(self, connection: str, event: str | None = None) -> list[Mapping[str, Any]]:
        """Return the frames a connection got, all or those of one event."""
        return [frame for frame in self.frames.get(connection, []) if event in (None, frame.get("event"))]
