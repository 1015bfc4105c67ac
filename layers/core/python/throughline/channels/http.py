"""HTTP to providers over urllib3: no retries, no redirects of its own, every byte and every second counted.

Errors name the host alone. A path may hold a secret (Telegram's holds the bot token), so nothing that urllib3 says of a
request is passed on or chained.
"""

import logging
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from throughline.domain.errors import ProviderUnavailableError, UnknownOutcomeError, UnsupportedContentError
from throughline.ports import HttpResponse

MAX_ANSWER_BYTES = 1 << 20
MAX_REDIRECTS = 5
_CHUNK_BYTES = 1 << 16
_CONNECT_TIMEOUT_S = 3.0
_IDLE_S = 20.0
_SHORTEST_S = 0.1
_HTTPS_PORT = 443
_REDIRECTS = frozenset({301, 302, 303, 307, 308})

logging.getLogger("urllib3.connectionpool").setLevel(logging.CRITICAL)  # its lines tell the path


class _TooLargeError(HTTPError):
    """The body does not end where it may."""


class UrllibHttp:
    """HttpClient over urllib3.

    `rewrites` maps an API base (``https://api.telegram.org``) to what stands in for it; only the local wiring has any.
    `clock_s` tells how long connections have been idle.
    """

    def __init__(self, *, rewrites: Mapping[str, str] | None = None, clock_s: Callable[[], float] = time.time) -> None:
        self._rewrites = {base.rstrip("/"): other.rstrip("/") for base, other in (rewrites or {}).items()}
        self._clock_s = clock_s
        self._used_s = clock_s()
        self._pool = urllib3.PoolManager(maxsize=4, retries=False)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout_s: float = 8.0,
    ) -> HttpResponse:
        """See HttpClient.request."""
        deadline_s = time.monotonic() + timeout_s
        host = urlsplit(url).hostname
        try:
            response = self._open(method, url, headers=headers or {}, body=body, timeout_s=timeout_s)
            return _whole(response, MAX_ANSWER_BYTES, deadline_s)
        except (HTTPError, OSError) as problem:
            if _never_left(problem):
                raise ProviderUnavailableError(f"no connection to {host}") from None
            raise UnknownOutcomeError(f"no whole answer from {host}") from None

    def download(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        hosts: Sequence[str],
        max_bytes: int,
        timeout_s: float = 10.0,
    ) -> HttpResponse:
        """See HttpClient.download; `timeout_s` is for all hops together. A rewritten base may be plain HTTP."""
        deadline_s = time.monotonic() + timeout_s
        first = None
        for _ in range(MAX_REDIRECTS + 1):
            host = self._allowed_host(url, hosts)
            first = first or host
            answer = self._fetch(url, headers or {} if host == first else {}, max_bytes, deadline_s)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not location:
                return answer
            url = _redirected(self._rewritten(url), location)
        raise UnsupportedContentError("the file is redirected too often")

    def _fetch(self, url: str, headers: Mapping[str, str], max_bytes: int, deadline_s: float) -> HttpResponse:
        timeout_s = max(deadline_s - time.monotonic(), _SHORTEST_S)
        try:
            response = self._open("GET", url, headers=headers, body=None, timeout_s=timeout_s)
            return _whole(response, max_bytes, deadline_s)
        except _TooLargeError:
            raise UnsupportedContentError(f"the file is larger than {max_bytes} bytes") from None
        except (HTTPError, OSError):
            raise ProviderUnavailableError(f"no file from {urlsplit(url).hostname}") from None

    def _open(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> urllib3.BaseHTTPResponse:
        self._drop_idle_connections()
        return self._pool.urlopen(
            method,
            self._rewritten(url),
            body=body,
            headers=dict(headers),
            redirect=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=min(timeout_s, _CONNECT_TIMEOUT_S), read=timeout_s),
        )

    def _drop_idle_connections(self) -> None:
        """Forget connections from before a pause: a frozen Lambda wakes up with sockets that only look alive."""
        now_s = self._clock_s()
        if now_s - self._used_s > _IDLE_S:
            self._pool.clear()
        self._used_s = now_s

    def _rewritten(self, url: str) -> str:
        for base, other in self._rewrites.items():
            if _under(url, base):
                return other + url.removeprefix(base)
        return url

    def _allowed_host(self, url: str, hosts: Sequence[str]) -> str:
        """Return the host and port of `url`, which is HTTPS on one of `hosts`, or on what stands in for one."""
        try:
            parts = urlsplit(url)
            proper = parts.scheme == "https" and not parts.username and parts.port in {None, _HTTPS_PORT}
        except ValueError:
            raise UnsupportedContentError("the file's address is no URL") from None
        stand_in = any(_under(url, other) for other in self._rewrites.values())
        if not stand_in and not (proper and any(_matches(parts.hostname or "", pattern) for pattern in hosts)):
            raise UnsupportedContentError("the file is not on the provider's own hosts")
        return parts.netloc


def _whole(response: urllib3.BaseHTTPResponse, max_bytes: int, deadline_s: float) -> HttpResponse:
    """Return the answer with its body, and the connection to the pool only if the body was read to its end."""
    try:
        content = _read(response, max_bytes, deadline_s)
    except (HTTPError, OSError):
        response.close()
        raise
    response.release_conn()
    names = {name.lower(): value for name, value in response.headers.items()}
    return HttpResponse(status=response.status, headers=names, body=content)


def _read(response: urllib3.BaseHTTPResponse, max_bytes: int, deadline_s: float) -> bytes:
    """Return the body, read against one deadline: a server that drips would outlast any timeout of a single read."""
    content = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        content += chunk
        if len(content) > max_bytes:
            raise _TooLargeError
        if time.monotonic() > deadline_s:
            raise TimeoutError
    return bytes(content)


def _never_left(problem: Exception) -> bool:
    """Return whether the request surely stayed here: no connection was made, or no certificate was believed."""
    if isinstance(problem, SSLError):
        return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in (problem.__context__, *problem.args))
    return isinstance(problem, NewConnectionError | ConnectTimeoutError)


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        raise UnsupportedContentError("the file is redirected to what is no URL") from None


def _under(url: str, base: str) -> bool:
    return url == base or url.startswith((base + "/", base + "?"))


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern
