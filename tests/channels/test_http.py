"""The HTTP client against servers on this machine that misbehave."""

import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from throughline.channels.http import MAX_ANSWER_BYTES, UrllibHttp
from throughline.domain.errors import ProviderUnavailableError, UnknownOutcomeError, UnsupportedContentError

API = "https://api.provider.example"
FILES = "https://files.provider.example"
ELSEWHERE = "https://evil.example"
BOT = "123:" + "bot-token"  # put together here, for a traceback shows the lines of this file too
KEY = "t0" + "ken"
WORDS = b"their" + b"words"
HOSTS = ("files.provider.example", "*.cdn.example")

Answer = Callable[[BaseHTTPRequestHandler], None]


def reply(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


class Server:
    """Answers each path as the test says and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.released = threading.Event()

    def stall(self, handler: BaseHTTPRequestHandler) -> None:
        self.released.wait(5)
        hang_up(handler)


@contextmanager
def serving(server: Server) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            server.asked.append((self.command, self.path, headers, body))
            server.answers[self.path](self)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}"
    finally:
        server.released.set()
        listener.shutdown()
        thread.join()
        listener.server_close()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def base(server: Server) -> Iterator[str]:
    with serving(server) as address:
        yield address


@pytest.fixture
def http(base: str) -> Iterator[UrllibHttp]:
    client = UrllibHttp(rewrites={API: base, FILES: f"{base}/files"})
    yield client
    client._pool.clear()


def everything_shown(problem: pytest.ExceptionInfo[BaseException]) -> str:
    return "".join(traceback.format_exception(problem.value))


def test_an_answer_comes_back_whatever_its_status(server: Server, http: UrllibHttp) -> None:
    server.answers["/send"] = reply(429, b'{"no":1}', Retry_After="3")
    answer = http.request("POST", f"{API}/send", headers={"x-key": "k"}, body=b"hello")
    assert (429, b'{"no":1}', "3") == (answer.status, answer.body, answer.headers["retry-after"])
    assert [("POST", "/send", "k", b"hello")] == [
        (method, path, headers["x-key"], body) for method, path, headers, body in server.asked
    ]


def test_a_send_is_never_repeated_and_a_redirect_never_followed(server: Server, http: UrllibHttp) -> None:
    server.answers["/send"] = reply(307, Location="/again")
    assert http.request("POST", f"{API}/send", body=b"x").status == 307
    server.answers["/send"] = reply(503)
    assert http.request("POST", f"{API}/send", body=b"x").status == 503
    assert len(server.asked) == 2


def test_a_stand_in_takes_the_place_of_whole_hosts_only(http: UrllibHttp) -> None:
    for url in (f"{API}.evil.example/x", f"{API}x/y"):
        with pytest.raises(ProviderUnavailableError):
            http.request("GET", url)


def test_no_connection_means_that_nothing_was_taken() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        client = UrllibHttp(rewrites={API: f"http://127.0.0.1:{unheard.getsockname()[1]}"})
        with pytest.raises(ProviderUnavailableError):
            client.request("POST", f"{API}/bot{BOT}/send", body=b"x")


UNKNOWN: dict[str, Answer] = {
    "hung up": hang_up,
    "half an answer": reply(200, b"half", Content_Length="400"),
    "an endless answer": reply(200, b"x" * (MAX_ANSWER_BYTES + 1)),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_without_a_whole_answer_nobody_knows(case: str, server: Server, http: UrllibHttp) -> None:
    server.answers["/send"] = UNKNOWN[case]
    with pytest.raises(UnknownOutcomeError):
        http.request("POST", f"{API}/send", body=b"x")
    assert len(server.asked) == 1


def test_a_silent_provider_is_not_waited_for(server: Server, http: UrllibHttp) -> None:
    server.answers["/send"] = server.stall
    with pytest.raises(UnknownOutcomeError):
        http.request("POST", f"{API}/send", body=b"x", timeout_s=0.1)


def test_a_dripping_provider_is_not_waited_for_either(server: Server, http: UrllibHttp) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        while not server.released.wait(0.02):
            handler.wfile.write(b".")
            handler.wfile.flush()

    server.answers["/send"] = drip
    with pytest.raises(UnknownOutcomeError):
        http.request("POST", f"{API}/send", timeout_s=0.2)
    server.released.set()


@pytest.mark.parametrize("answer", [hang_up, reply(200, b"half", Content_Length="400")])
def test_no_error_shows_the_path(answer: Answer, server: Server, http: UrllibHttp) -> None:
    server.answers[f"/bot{BOT}/send"] = answer
    with pytest.raises(UnknownOutcomeError) as problem:
        http.request("POST", f"{API}/bot{BOT}/send", headers={"authorization": KEY}, body=WORDS)
    shown = everything_shown(problem)
    assert "api.provider.example" in shown
    assert not [secret for secret in (BOT, KEY, WORDS.decode()) if secret in shown]


def test_no_log_line_shows_the_path(server: Server, http: UrllibHttp, caplog: pytest.LogCaptureFixture) -> None:
    server.answers[f"/bot{BOT}/send"] = reply(200)
    with caplog.at_level(logging.DEBUG):
        http.request("POST", f"{API}/bot{BOT}/send")
    assert BOT not in caplog.text


def test_a_client_that_slept_opens_a_new_connection(server: Server, base: str) -> None:
    now_s = [1000.0]
    client = UrllibHttp(rewrites={API: base}, clock_s=lambda: now_s[0])
    callers: list[object] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        callers.append(handler.client_address)
        reply(200)(handler)

    server.answers["/send"] = note
    for pause_s in (0.0, 5.0, 60.0):
        now_s[0] += pause_s
        client.request("POST", f"{API}/send")
    client._pool.clear()
    assert callers[0] == callers[1] != callers[2]


# ---------------------------------------------------------------- files


def download(http: UrllibHttp, url: str = f"{FILES}/a", max_bytes: int = 10, **more: Any) -> Any:
    return http.download(url, headers={"authorization": KEY}, hosts=HOSTS, max_bytes=max_bytes, **more)


def test_a_file_comes_with_the_credentials_of_its_host(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(200, b"0123456789", Content_Type="image/png")
    answer = download(http)
    assert (b"0123456789", "image/png") == (answer.body, answer.headers["content-type"])
    assert server.asked[0][2]["authorization"] == KEY


def test_a_redirect_is_followed_and_the_credentials_stay_behind(server: Server, http: UrllibHttp, base: str) -> None:
    server.answers["/files/a"] = reply(302, Location=f"{base}/files/b")
    server.answers["/files/b"] = reply(200, b"file")
    assert download(http).body == b"file"
    assert [KEY, None] == [headers.get("authorization") for _, _, headers, _ in server.asked]


def test_a_relative_redirect_is_followed(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(301, Location="b")
    server.answers["/files/b"] = reply(200, b"file")
    assert download(http).body == b"file"


@pytest.mark.parametrize(
    "location",
    [
        f"{ELSEWHERE}/a",
        "http://files.provider.example/a",
        "https://files.provider.example:8443/a",
        "https://files.provider.example.evil.example/a",
        "https://user@files.provider.example/a",
        "https://cdn.example/a",
        "https://xcdn.example/a",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://files.provider.example/a",
        "//evil.example/a",
        "https://[::1/a",
        "https://files.provider.example:port/a",
    ],
)
def test_no_hop_leaves_the_providers_hosts(location: str, server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(302, Location=location)
    with pytest.raises(UnsupportedContentError):
        download(http)
    with pytest.raises(UnsupportedContentError):
        download(http, location)


def test_a_host_with_a_star_allows_names_below_it() -> None:
    with pytest.raises(ProviderUnavailableError):
        UrllibHttp().download("https://a.cdn.invalid/x", hosts=("*.cdn.invalid",), max_bytes=1, timeout_s=1)


def test_redirects_come_to_an_end(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(302, Location="a")
    with pytest.raises(UnsupportedContentError, match="too often"):
        download(http)
    assert len(server.asked) == 6


def test_a_file_that_is_too_large_is_not_read_to_its_end(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(200, b"x" * 11)
    with pytest.raises(UnsupportedContentError, match="larger"):
        download(http)


def test_a_file_of_exactly_the_limit_is_taken(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(200, b"x" * 10)
    assert len(download(http).body) == 10


@pytest.mark.parametrize("answer", [hang_up, reply(200, b"half", Content_Length="9")])
def test_a_file_that_breaks_off_may_be_asked_for_again(answer: Answer, server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = answer
    with pytest.raises(ProviderUnavailableError) as problem:
        download(http)
    assert KEY not in everything_shown(problem)


def test_an_error_is_handed_on_with_its_status(server: Server, http: UrllibHttp) -> None:
    server.answers["/files/a"] = reply(404, b"gone")
    assert download(http).status == 404
