"""Answers that do not come to their end."""

import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset, and throw away what was not sent


class ResetConnection(Response):
    """Nothing is answered: the connection is reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Reset it."""
        transport = _transport(receive)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()
        await _ended(receive)


class CutAnswer(Response):
    """Half of an answer; the connection is closed in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Promise all of it, send half, close."""
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        _transport(receive).close()
        await _ended(receive)


def _transport(receive: Receive) -> Any:
    """Return the connection, which uvicorn keeps beside the way we receive by."""
    return receive.__self__.transport  # type: ignore[attr-defined]


async def _ended(receive: Receive) -> None:
    """Return once uvicorn knows, and takes an unfinished answer for no mistake of ours."""
    while (await receive())["type"] != "http.disconnect":
        pass
