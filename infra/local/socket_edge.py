"""API Gateway's WebSocket side: sockets in, events for three functions out, and the management API back to the sockets.

Limits: frame 32 KB, message 128 KB, 10 minutes idle, 2 hours in all, 29 s for a function
(docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html). The
HTTP server in front enforces the first two and closes with 1009.
"""

import asyncio
import base64
import json
import logging
import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from infra.local import events
from infra.local.deployed import Sockets
from infra.local.invocation import FunctionError, FunctionTimeoutError
from infra.local.open_connections import OpenConnections

MAX_FRAME_BYTES = 32 * 1024
MAX_MESSAGE_BYTES = 128 * 1024
GOING_AWAY = 1001
NO_BINARY = 1003
ABNORMAL = 1006

log = logging.getLogger("stack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a socket lives and a function may take. API Gateway's own by default."""

    idle_s: float = 600.0
    life_s: float = 7200.0
    integration_s: float = 29.0
    full_s: float = 1.0  # how long a client that does not read is waited for


@dataclass(slots=True, kw_only=True, eq=False)
class Connection:
    """One open socket."""

    peer: events.Peer
    socket: WebSocket
    opened_s: float
    active_ms: int
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    def seen(self) -> None:
        """Remember that something went over it just now: the idle limit begins anew."""
        self.active_ms = _now_ms()

    def patience_s(self, limits: Limits) -> float:
        """Return how long it may still stay open if nothing comes."""
        idle_s = limits.idle_s - (_now_ms() - self.active_ms) / 1000
        return min(idle_s, limits.life_s - (time.monotonic() - self.opened_s))


class SocketEdge:
    """The door for agents, and the way back to their screens."""

    def __init__(self, functions: Sockets, known: OpenConnections, *, limits: Limits | None = None) -> None:
        self._functions = functions
        self._known = known
        self._limits = limits or Limits()
        self._open: dict[str, Connection] = {}
        self._serving: set[asyncio.Task[Any] | None] = set()

    @property
    def connections(self) -> Collection[Connection]:
        """Return the sockets that are open now."""
        return self._open.values()

    # ------------------------------------------------------------ sockets

    async def serve(self, socket: WebSocket) -> None:
        """Carry one socket from its upgrade to its $disconnect."""
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            await self._serve(_connection(socket))
        finally:
            self._serving.discard(task)

    async def _serve(self, connection: Connection) -> None:
        if not await self._admitted(connection):
            return
        peer = connection.peer
        self._open[peer.connection_id] = connection
        code, reason = ABNORMAL, ""
        try:
            code, reason = await self._listen(connection)
        finally:
            del self._open[peer.connection_id]
            await self._gone(peer, code, reason)

    async def _admitted(self, connection: Connection) -> bool:
        """Ask $connect while the upgrade is pending. Nobody can post to the socket before it is open."""
        socket = connection.socket
        headers = [(_canonical(name.decode("latin-1")), value.decode("latin-1")) for name, value in socket.headers.raw]
        query = socket.scope["query_string"].decode("ascii")
        event = events.connect_event(connection.peer, headers, query, request_id=_request_id(), now_ms=_now_ms())
        status, subprotocol = await self._ask_connect(event)
        if status != HTTPStatus.OK:
            with suppress(WebSocketDisconnect, RuntimeError):  # the client may have left meanwhile
                await socket.send_denial_response(JSONResponse({"message": status.phrase}, status_code=status))
            return False
        # Before the client knows that it is open: from here on a crash owes its $disconnect.
        self._known.opened(connection.peer.connection_id, asdict(connection.peer))
        try:
            await socket.accept(subprotocol=subprotocol)
        except (WebSocketDisconnect, RuntimeError):
            await self._gone(connection.peer, ABNORMAL, "")
            return False
        return True

    async def _ask_connect(self, event: events.Event) -> tuple[HTTPStatus, str | None]:
        try:
            answer = await self._functions.connect.answer(event, within_s=self._limits.integration_s)
        except FunctionTimeoutError:
            return HTTPStatus.GATEWAY_TIMEOUT, None
        except FunctionError:
            return HTTPStatus.BAD_GATEWAY, None
        status = HTTPStatus(int((answer or {}).get("statusCode", HTTPStatus.BAD_GATEWAY)))
        if status not in range(200, 300):
            return status if status >= HTTPStatus.BAD_REQUEST else HTTPStatus.FORBIDDEN, None
        named = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
        return HTTPStatus.OK, named.get("sec-websocket-protocol")

    async def _listen(self, connection: Connection) -> tuple[int, str]:
        """Take messages until the socket is closed; return the code and the reason."""
        socket = connection.socket
        while True:
            try:
                frame = await asyncio.wait_for(socket.receive(), max(0.0, connection.patience_s(self._limits)))
            except TimeoutError:
                if connection.patience_s(self._limits) > 0:
                    continue  # something was posted to it meanwhile
                return await _close(connection, GOING_AWAY, "Going away")
            if frame["type"] == "websocket.disconnect":
                return int(frame.get("code") or ABNORMAL), str(frame.get("reason") or "")
            connection.seen()
            if frame.get("text") is None:
                return await _close(connection, NO_BINARY, "Binary is not supported")
            # API Gateway starts a function for each message and does not wait for the one before.
            task = asyncio.create_task(self._message(connection, frame["text"]))
            connection.tasks.add(task)
            task.add_done_callback(connection.tasks.discard)

    async def _message(self, connection: Connection, text: str) -> None:
        """Call the function for one message. What it returns goes nowhere: no route response is configured."""
        request_id = _request_id()
        event = events.message_event(
            connection.peer, text, message_id=_request_id(), request_id=request_id, now_ms=_now_ms()
        )
        try:
            await self._functions.message.answer(event, within_s=self._limits.integration_s)
        except FunctionError as error:
            late = isinstance(error, FunctionTimeoutError)
            message = "Endpoint request timed out" if late else "Internal server error"
            answer = {"message": message, "connectionId": connection.peer.connection_id, "requestId": request_id}
            with suppress(WebSocketDisconnect, RuntimeError):
                await connection.socket.send_text(json.dumps(answer))

    async def _gone(self, peer: events.Peer, code: int, reason: str) -> None:
        """Deliver $disconnect, once and as best it goes."""
        event = events.disconnect_event(peer, code, reason, request_id=_request_id(), now_ms=_now_ms())
        with suppress(FunctionError):
            await self._functions.disconnect.answer(event, within_s=self._limits.integration_s)
        self._known.closed(peer.connection_id)

    async def mourn(self) -> None:
        """Deliver $disconnect for the sockets that were open when this process's predecessor died."""
        for facts in list(self._known.abandoned.values()):
            await self._gone(events.Peer(**facts), ABNORMAL, "")

    async def close_all(self, *, within_s: float) -> None:
        """Close every socket and wait until their $disconnect was delivered, for a while."""
        for connection in list(self._open.values()):
            await _close(connection, GOING_AWAY, "Going away")
        waiting = [task for task in self._serving if task is not None and task is not asyncio.current_task()]
        if waiting:
            await asyncio.wait(waiting, timeout=within_s)

    # ------------------------------------------------------------ management API

    async def manage(self, request: Request) -> Response:
        """Answer `POST|GET|DELETE /socket/@connections/{id}` as the management API does."""
        if not request.headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            return _error(HTTPStatus.FORBIDDEN, "ForbiddenException", "Missing Authentication Token")
        connection = self._open.get(request.path_params["connection_id"])
        if connection is None:
            return _gone_answer()
        if request.method == "GET":
            return JSONResponse(_described(connection))
        if request.method == "DELETE":
            await _close(connection, 1000, "")
            return Response(status_code=HTTPStatus.NO_CONTENT)
        return await self._post(connection, await request.body())

    async def _post(self, connection: Connection, content: bytes) -> Response:
        if len(content) > MAX_MESSAGE_BYTES:
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLargeException", "Message too long")
        connection.seen()
        try:
            await asyncio.wait_for(connection.socket.send_text(content.decode(errors="replace")), self._limits.full_s)
        except TimeoutError:
            return _error(HTTPStatus.TOO_MANY_REQUESTS, "LimitExceededException", "Client-side buffer full")
        except (WebSocketDisconnect, RuntimeError):
            return _gone_answer()
        return Response(status_code=HTTPStatus.OK)


def _connection(socket: WebSocket) -> Connection:
    peer = events.Peer(
        connection_id=base64.urlsafe_b64encode(os.urandom(11)).decode(),  # as API Gateway's, it ends in "="
        connected_ms=_now_ms(),
        source_ip=socket.client.host if socket.client else "",
        user_agent=socket.headers.get("user-agent", ""),
        domain=socket.headers.get("host", ""),
    )
    return Connection(peer=peer, socket=socket, opened_s=time.monotonic(), active_ms=_now_ms())


def _canonical(name: str) -> str:
    """Return a header's name as browsers write it: our HTTP server has made it lower case."""
    return "-".join(part.capitalize() for part in name.split("-")).replace("Websocket", "WebSocket")


async def _close(connection: Connection, code: int, reason: str) -> tuple[int, str]:
    if connection.socket.application_state is WebSocketState.CONNECTED:
        with suppress(WebSocketDisconnect, RuntimeError):
            await connection.socket.close(code, reason)
    return code, reason


def _described(connection: Connection) -> Mapping[str, Any]:
    return {
        "connectedAt": _iso(connection.peer.connected_ms),
        "lastActiveAt": _iso(connection.active_ms),
        "identity": {"sourceIp": connection.peer.source_ip, "userAgent": connection.peer.user_agent},
    }


def _gone_answer() -> Response:
    return _error(HTTPStatus.GONE, "GoneException", None)


def _error(status: HTTPStatus, kind: str, message: str | None) -> Response:
    return JSONResponse({"message": message}, status_code=status, headers={"x-amzn-ErrorType": kind})


def _request_id() -> str:
    return base64.b64encode(os.urandom(11)).decode()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
