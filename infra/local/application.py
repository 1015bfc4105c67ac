"""Everything that is served on the one port."""

import logging
import time
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.configuration.own_keys import JWKS_PATH
from infra.local import events
from infra.local.guard import only_here
from infra.local.http_edge import HttpEdge
from infra.local.page import POLICY
from infra.local.sandbox.journal import masked
from infra.local.socket_edge import SocketEdge
from infra.local.tokens import TokenIssuer

ANY_METHOD = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
MANAGEMENT = f"/{events.SOCKET_STAGE}/@connections"
QUIET = ("/health", JWKS_PATH, MANAGEMENT)

log = logging.getLogger("stack")


class Health:
    """Whether the stack is ready, and what it is."""

    def __init__(self, **facts: str) -> None:
        self.ready = False
        self._facts = facts

    async def show(self, request: Request) -> Response:  # noqa: ARG002
        """Answer 200 when everything works, 503 before and while it stops."""
        status = HTTPStatus.OK if self.ready else HTTPStatus.SERVICE_UNAVAILABLE
        facts = {"stack": "throughline", "status": "ready" if self.ready else "not ready", **self._facts}
        return JSONResponse(facts, status_code=status)


def edge_routes(http: HttpEdge, sockets: SocketEdge) -> list[BaseRoute]:
    """Return the doors that exist on AWS as well: WebSocket API, its management API, and REST for all the rest."""
    return [
        WebSocketRoute(f"/{events.SOCKET_STAGE}", sockets.serve),
        Route(f"{MANAGEMENT}/{{connection_id:path}}", sockets.manage, methods=["GET", "POST", "DELETE"]),
        Route("/{path:path}", http.serve, methods=ANY_METHOD),
    ]


def local_routes(health: Health, issuer: TokenIssuer | None, page: str) -> list[BaseRoute]:
    """Return what exists on this machine only."""

    async def start_page(request: Request) -> Response:  # noqa: ARG001
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"})

    async def jwks(request: Request) -> Response:  # noqa: ARG001
        return JSONResponse(issuer.jwks() if issuer else {"keys": []})

    async def token(request: Request) -> Response:
        return await _issue(request, issuer)

    return [
        Route("/", only_here(start_page), methods=["GET"]),
        Route("/health", health.show, methods=["GET"]),
        Route(JWKS_PATH, only_here(jwks), methods=["GET"]),
        Route("/local/token", only_here(token), methods=["POST"]),
    ]


async def _issue(request: Request, issuer: TokenIssuer | None) -> Response:
    if issuer is None:
        return _refused("the configuration has no issuer with its keys at /local/jwks.json")
    try:
        said: Any = await request.json()
        return JSONResponse({"token": issuer.token(str(said["sub"]), str(said.get("role", "agent")))})
    except ValueError as error:
        return _refused(str(error))
    except (KeyError, TypeError, AttributeError):
        return _refused('send {"sub": …, "role": …}')


def _refused(message: str) -> Response:
    return JSONResponse({"error": "invalid_request", "message": message}, status_code=HTTPStatus.BAD_REQUEST)


def application(routes: list[BaseRoute]) -> Starlette:
    """Return the application, with one log line a request."""
    served = Starlette(routes=routes)
    served.router.redirect_slashes = False  # API Gateway does not redirect
    served.add_middleware(OneLineARequest)
    return served


class OneLineARequest:
    """Logs method, path and status of a request; never a query string, a header or a body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and say how it went."""
        if scope["type"] != "http" or scope["path"].startswith(QUIET):
            await self._app(scope, receive, send)
            return
        began_s, status = time.monotonic(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            took_ms = (time.monotonic() - began_s) * 1000
            log.info("%s %s %s %.0f ms", scope["method"], masked(scope["path"]), status or "-", took_ms)
