"""One HTTP server for everything, on the loopback interface.

uvicorn speaks HTTP and WebSocket on one port, holds a WebSocket upgrade until the application has answered it, and lets
us refuse it with any status. Its WebSocket side is the `websockets` library without I/O of its own, which takes two
limits at once: for a message and for a frame, as API Gateway has them.
"""

import contextlib
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette

from infra.local.socket_edge import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

LOOPBACK = "127.0.0.1"


class PortTakenError(Exception):
    """Somebody else listens there; the message says what to do."""


def bind(port: int) -> socket.socket:
    """Reserve a port on the loopback interface, 0 for any. Until the server listens, connections are refused.

    Raises:
        PortTakenError: the port is in use.
    """
    door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((LOOPBACK, port))
    except OSError as error:
        door.close()
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
        advice = f"stop what listens there, or choose another: PORT={port + 1} make run"
        raise PortTakenError(f"port {port} {why}; {advice}") from None
    return door


def port_of(door: socket.socket) -> int:
    """Return the port that was reserved."""
    return int(door.getsockname()[1])


class Server(uvicorn.Server):
    """Calls back once it listens, and leaves signals to whoever runs it."""

    def __init__(self, application: Starlette, on_listening: Callable[[], Awaitable[None]]) -> None:
        super().__init__(_config(application))
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then call back."""
        await super().startup(sockets)
        await self._on_listening()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def _config(application: Starlette) -> uvicorn.Config:
    limits: Any = (MAX_MESSAGE_BYTES, MAX_FRAME_BYTES)  # uvicorn hands it on as it is; it only expects one number
    return uvicorn.Config(
        application,
        ws="websockets-sansio",
        ws_max_size=limits,
        ws_ping_interval=None,  # API Gateway sends no pings: an idle socket is closed, whatever the client thinks of it
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_keep_alive=65,
        timeout_graceful_shutdown=3,
    )
