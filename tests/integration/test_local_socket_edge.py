"""The WebSocket door and the management API: what local clients and functions meet is what they will meet on AWS."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from infra.local.open_connections import OpenConnections
from infra.local.socket_edge import Limits, SocketEdge
from tests.integration.local_edges import WAIT_S, Edge

HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    return Edge(tmp_path)


@pytest.fixture
def url(edge: Edge) -> Iterator[str]:
    with edge.open() as url:
        yield url


def _dial(url: str, **options: Any) -> ClientConnection:
    address = url.replace("http", "ws", 1) + "/socket"
    socket: ClientConnection = connect(address, compression=None, open_timeout=WAIT_S, **options)
    return socket


def _management(url: str) -> Any:
    return boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"{url}/socket",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
    )


def _connection_id(edge: Edge) -> str:
    return str(edge.connect.wait(1)[-1]["requestContext"]["connectionId"])


def _closed(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(WAIT_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


# ------------------------------------------------------------ sockets


def test_connect_gets_the_clients_headers_and_query_and_its_subprotocol_is_echoed(edge: Edge, url: str) -> None:
    edge.connect.answers = lambda _: {"statusCode": 200, "headers": {"sec-websocket-protocol": "throughline.v1"}}
    address = url.replace("http", "ws", 1) + "/socket?desk=1&desk=2"
    with connect(address, subprotocols=["throughline.v1", "token"], user_agent_header="desk/1") as socket:  # type: ignore[list-item]
        assert socket.subprotocol == "throughline.v1"
    event = edge.connect.wait(1)[0]
    context = event["requestContext"]
    assert event["headers"]["Sec-WebSocket-Protocol"] == "throughline.v1, token"
    assert event["queryStringParameters"] == {"desk": "2"}
    assert event["multiValueQueryStringParameters"] == {"desk": ["1", "2"]}
    assert (context["routeKey"], context["eventType"], context["stage"]) == ("$connect", "CONNECT", "socket")
    assert context["connectionId"].endswith("=")
    assert context["identity"] == {"userAgent": "desk/1", "sourceIp": "127.0.0.1"}


def test_each_message_is_an_event_without_headers_and_what_the_handler_returns_is_not_sent(
    edge: Edge, url: str
) -> None:
    edge.message.answers = lambda _: {"statusCode": 200, "body": "never sent"}
    with _dial(url) as socket:
        socket.send('{"action": "ping"}')
        event = edge.message.wait(1)[0]
        _management(url).post_to_connection(ConnectionId=_connection_id(edge), Data=b"pushed")
        assert socket.recv(WAIT_S) == "pushed"
    context = event["requestContext"]
    assert {"requestContext", "body", "isBase64Encoded"} == set(event)
    assert (event["body"], context["routeKey"], context["eventType"]) == ('{"action": "ping"}', "$default", "MESSAGE")
    assert context["connectionId"] == _connection_id(edge)
    assert context["messageId"]


def test_disconnect_tells_the_code_after_the_socket_is_gone(edge: Edge, url: str) -> None:
    with _dial(url) as socket:
        socket.close(4001, "lunch")
    context = edge.disconnect.wait(1)[0]["requestContext"]
    assert (context["eventType"], context["disconnectStatusCode"], context["disconnectReason"]) == (
        "DISCONNECT",
        4001,
        "lunch",
    )
    with pytest.raises(ClientError, match="GoneException"):
        _management(url).post_to_connection(ConnectionId=_connection_id(edge), Data=b"late")


def _raise(_: Any) -> None:
    raise RuntimeError("inside")


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (lambda _: {"statusCode": 401}, 401),
        (lambda _: {"statusCode": 403}, 403),
        (lambda _: {"statusCode": 301}, 403),
        (_raise, 502),
        (lambda _: {}, 502),
    ],
)
def test_a_refused_connect_opens_no_socket(edge: Edge, url: str, answers: Callable[[Any], Any], status: int) -> None:
    edge.connect.answers = answers
    with pytest.raises(InvalidStatus) as refused:
        _dial(url)
    assert status == refused.value.response.status_code
    assert edge.disconnect.events == []


def test_nothing_can_be_posted_from_inside_connect(edge: Edge, url: str) -> None:
    outcome: list[str] = []

    def post(event: Any) -> Any:
        connection = event["requestContext"]["connectionId"]
        try:
            _management(url).post_to_connection(ConnectionId=connection, Data=b"too early")
        except ClientError as error:
            outcome.append(error.response["Error"]["Code"])
        return {"statusCode": 200}

    edge.connect.answers = post
    with _dial(url):
        pass
    assert outcome == ["GoneException"]


def test_messages_of_one_socket_run_at_the_same_time(edge: Edge, url: str) -> None:
    together = threading.Barrier(3, timeout=WAIT_S)
    edge.message.answers = lambda _: together.wait()
    with _dial(url) as socket:
        socket.send("one")
        socket.send("two")
        together.wait()


def test_a_handler_that_fails_tells_the_client_and_not_why(edge: Edge, url: str) -> None:
    edge.message.answers = _raise
    with _dial(url) as socket:
        socket.send("hello")
        answer = json.loads(socket.recv(WAIT_S))
    assert answer.pop("requestId")
    assert {"message": "Internal server error", "connectionId": _connection_id(edge)} == answer


def test_a_handler_that_takes_too_long_tells_the_client(tmp_path: Path) -> None:
    edge = Edge(tmp_path, integration_s=0.3)
    release = threading.Event()
    edge.message.answers = lambda _: release.wait(WAIT_S)
    with edge.open() as url, _dial(url) as socket:
        socket.send("hello")
        answer = json.loads(socket.recv(WAIT_S))
        release.set()
    assert answer["message"] == "Endpoint request timed out"


@pytest.mark.parametrize(("size", "code"), [(32 * 1024, None), (32 * 1024 + 1, 1009)])
def test_a_frame_may_have_32_kb(edge: Edge, url: str, size: int, code: int | None) -> None:
    with _dial(url) as socket:
        socket.send("x" * size)
        if code is None:
            assert len(edge.message.wait(1)[0]["body"]) == size
        else:
            assert _closed(socket)[0] == code
            assert edge.disconnect.wait(1)[0]["requestContext"]["disconnectStatusCode"] == code


@pytest.mark.parametrize(("pieces", "code"), [(16, None), (17, 1009)])
def test_a_message_may_have_128_kb_in_frames(edge: Edge, url: str, pieces: int, code: int | None) -> None:
    with _dial(url) as socket:
        socket.send(["x" * 8192] * pieces)
        if code is None:
            assert len(edge.message.wait(1)[0]["body"]) == pieces * 8192
        else:
            assert _closed(socket)[0] == code


def test_a_binary_frame_closes_the_socket(edge: Edge, url: str) -> None:
    with _dial(url) as socket:
        socket.send(b"\x00")
        assert _closed(socket)[0] == 1003
    assert edge.message.events == []


@pytest.mark.parametrize("limit", ["idle_s", "life_s"])
def test_an_idle_or_old_socket_is_sent_away(tmp_path: Path, limit: str) -> None:
    edge = Edge(tmp_path, **{limit: 0.3})
    with edge.open() as url, _dial(url) as socket:
        assert _closed(socket) == (1001, "Going away")
        assert edge.disconnect.wait(1)[0]["requestContext"]["disconnectStatusCode"] == 1001


def test_whatever_goes_over_a_socket_begins_its_idle_time_anew_and_not_its_life(edge: Edge, url: str) -> None:
    with _dial(url) as socket:
        connection = next(iter(edge.edge.connections))
        connection.active_ms -= 600_000
        assert connection.patience_s(Limits()) <= 0
        socket.send("ping")
        edge.message.wait(1)
        assert connection.patience_s(Limits()) > 0
        connection.active_ms -= 600_000
        _management(url).post_to_connection(ConnectionId=_connection_id(edge), Data=b"news")
        assert connection.patience_s(Limits()) > 0
        connection.opened_s -= 7200
        assert connection.patience_s(Limits()) <= 0


def test_only_the_stage_is_a_socket(edge: Edge, url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(url.replace("http", "ws", 1) + "/elsewhere")
    assert refused.value.response.status_code == 403
    assert edge.connect.events == []


def test_sockets_open_at_a_crash_are_mourned_by_the_next_life(tmp_path: Path) -> None:
    first = Edge(tmp_path)
    with first.open() as url, _dial(url):
        lost = _connection_id(first)
        left_behind = first.file.read_text()
    closed_in_time = first.file.read_text()
    assert len(first.disconnect.wait(1)) == 1
    for written, expected in ((left_behind + '["torn', [lost]), (closed_in_time, [])):
        second = Edge(tmp_path)
        second.file.write_text(written)
        _mourn(second)
        events = second.disconnect.events
        assert expected == [event["requestContext"]["connectionId"] for event in events]
        third = Edge(tmp_path)
        _mourn(third)
        assert third.disconnect.events == []


def _mourn(edge: Edge) -> None:
    known = OpenConnections(edge.file)
    asyncio.run(SocketEdge(edge.sockets(), known).mourn())
    known.close()
    edge.pool.shutdown()


# ------------------------------------------------------------ management API


def test_a_socket_can_be_looked_at_and_closed(edge: Edge, url: str) -> None:
    with _dial(url, user_agent_header="desk/1") as socket:
        facts = _management(url).get_connection(ConnectionId=_connection_id(edge))
        assert facts["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "desk/1"}
        assert facts["ConnectedAt"] <= facts["LastActiveAt"]
        _management(url).delete_connection(ConnectionId=_connection_id(edge))
        assert _closed(socket)[0] == 1000


@pytest.mark.parametrize(("size", "error"), [(131_072, None), (131_073, "PayloadTooLargeException")])
def test_a_post_may_have_128_kb(edge: Edge, url: str, size: int, error: str | None) -> None:
    with _dial(url) as socket:
        if error is None:
            _management(url).post_to_connection(ConnectionId=_connection_id(edge), Data=b"x" * size)
            assert len(socket.recv(WAIT_S)) == size
        else:
            with pytest.raises(ClientError, match=error):
                _management(url).post_to_connection(ConnectionId=_connection_id(edge), Data=b"x" * size)


def test_a_post_to_nobody_is_gone(url: str) -> None:
    with pytest.raises(ClientError) as refused:
        _management(url).post_to_connection(ConnectionId="Nobody1234567890=", Data=b"x")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410
    assert refused.value.response["Error"]["Code"] == "GoneException"


def test_a_request_without_a_signature_is_refused(edge: Edge, url: str) -> None:
    with _dial(url):
        response = HTTP.request("POST", f"{url}/socket/@connections/{_connection_id(edge)}", body=b"forged")
    assert response.status == 403
