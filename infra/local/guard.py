"""Who may use what exists on this machine only: this machine, and no web page of somebody else's in its browser."""

from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

HOME = frozenset({"127.0.0.1", "localhost", "::1"})

Endpoint = Callable[[Request], Awaitable[Response]]


def only_here(endpoint: Endpoint) -> Endpoint:
    """Refuse with 403 what does not come from this machine, for this machine.

    A page elsewhere can make a browser send us requests: such a request names its Origin. It can also make its own host
    name resolve to 127.0.0.1 (DNS rebinding) and read the answers: such a request names its Host.
    """

    @wraps(endpoint)
    async def guarded(request: Request) -> Response:
        if not comes_from_here(request):
            return JSONResponse({"error": "forbidden"}, status_code=HTTPStatus.FORBIDDEN)
        return await endpoint(request)

    return guarded


def comes_from_here(request: Request) -> bool:
    """Return whether peer, Host and Origin all are this machine; the origin has to be this very server."""
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    peer = request.client.host if request.client else ""
    if peer not in HOME or _hostname(f"//{host}") not in HOME:
        return False
    return origin is None or (_hostname(origin) in HOME and urlsplit(origin).netloc.lower() == host.lower())


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
