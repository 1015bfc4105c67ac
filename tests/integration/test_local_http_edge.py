"""The REST door: events have the shape API Gateway gives them, and its limits hold."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local.http_edge import MAX_BODY_BYTES
from infra.local.routes import match_resource
from tests.integration.local_edges import Edge

HTTP = urllib3.PoolManager(retries=False)


@pytest.fixture
def edge(tmp_path: Path) -> Edge:
    made = Edge(tmp_path, integration_s=20.0)
    made.routes = {
        "/webhooks/{channel}/{account}": frozenset({"GET", "POST"}),
        "/threads/{customer}": frozenset({"GET"}),
        "/threads/all": frozenset({"GET"}),
        "/files/{path+}": frozenset({"GET"}),
    }
    made.binary_types = ["application/octet-stream"]
    made.http.answers = lambda event: {"statusCode": 200, "body": json.dumps(event)}
    return made


@pytest.fixture
def url(edge: Edge) -> Iterator[str]:
    with edge.open() as url:
        yield url


def _event(method: str, url: str, **request: Any) -> Any:
    return HTTP.request(method, url, **request).json()


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/threads/all", "/threads/all", {}),
        ("/threads/h-1", "/threads/{customer}", {"customer": "h-1"}),
        ("/threads/h-1/", "/threads/{customer}", {"customer": "h-1"}),
        ("/threads/tel:%2B1", "/threads/{customer}", {"customer": "tel:%2B1"}),
        ("/files/a/b", "/files/{path+}", {"path": "a/b"}),
        ("/threads", None, {}),
        ("/threads/a/b", None, {}),
        ("/", None, {}),
    ],
)
def test_a_path_means_the_most_literal_resource(path: str, resource: str | None, parameters: dict[str, str]) -> None:
    resources = ["/threads/{customer}", "/threads/all", "/files/{path+}"]
    match = match_resource(resources, path)
    assert resource == (match.resource if match else None)
    assert parameters == (match.parameters if match else {})


def test_a_request_becomes_the_event_of_a_rest_proxy(url: str) -> None:
    headers = urllib3.HTTPHeaderDict([("X-Two", "1"), ("X-Two", "2"), ("Content-Type", "application/json")])
    body = '{"text": "é"}'.encode()
    event = _event("POST", f"{url}/webhooks/telegram/demo?a=1&a=2&b=%20x&empty=", headers=headers, body=body)
    context = event.pop("requestContext")
    assert {
        "resource": "/webhooks/{channel}/{account}",
        "path": "/webhooks/telegram/demo",
        "httpMethod": "POST",
        "queryStringParameters": {"a": "2", "b": " x", "empty": ""},
        "multiValueQueryStringParameters": {"a": ["1", "2"], "b": [" x"], "empty": [""]},
        "pathParameters": {"channel": "telegram", "account": "demo"},
        "stageVariables": None,
        "body": body.decode(),
        "isBase64Encoded": False,
    } == {key: value for key, value in event.items() if "eaders" not in key}
    assert event["headers"]["x-two"] == "2"
    assert event["multiValueHeaders"]["x-two"] == ["1", "2"]
    assert event["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert context["resourcePath"] == "/webhooks/{channel}/{account}"
    assert context["httpMethod"] == "POST"
    assert context["identity"]["sourceIp"] == "127.0.0.1"
    assert context["stage"] == "api"
    assert context["requestId"]
    assert context["domainName"] in url


def test_what_is_absent_is_null(url: str) -> None:
    event = _event("GET", f"{url}/threads/all")
    absent = ["queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "body"]
    assert [None] * len(absent) == [event[name] for name in absent]


def test_a_binary_body_travels_as_base64(url: str) -> None:
    content = bytes(range(256))
    event = _event(
        "POST", f"{url}/webhooks/x/y", body=content, headers={"Content-Type": "Application/Octet-Stream; v=1"}
    )
    assert event["isBase64Encoded"] is True
    assert content == base64.b64decode(event["body"])


def test_bytes_of_a_type_that_is_not_declared_binary_are_mangled(url: str) -> None:
    event = _event("POST", f"{url}/webhooks/x/y", body=b"caf\xe9", headers={"Content-Type": "text/plain"})
    assert event["body"] == "caf�"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nowhere"), ("DELETE", "/threads/all")])
def test_what_no_resource_answers_is_refused_as_api_gateway_does(edge: Edge, url: str, method: str, path: str) -> None:
    response = HTTP.request(method, url + path)
    assert (response.status, response.json()) == (403, {"message": "Missing Authentication Token"})
    assert edge.http.events == []


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 6 * 1024 * 1024])
def test_a_body_over_the_limit_of_gateway_or_function_is_413(edge: Edge, url: str, size: int) -> None:
    response = HTTP.request("POST", f"{url}/webhooks/x/y", body=b"x" * size)
    assert (response.status, response.json()) == (413, {"message": "Request Too Long"})
    assert edge.http.events == []


def test_the_answer_is_passed_on_with_all_its_headers(edge: Edge, url: str) -> None:
    edge.http.answers = lambda _: {
        "statusCode": 202,
        "headers": {"X-One": "1", "Content-Length": "999"},
        "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]},
        "body": "<Response/>",
    }
    response = HTTP.request("GET", f"{url}/threads/all")
    assert (response.status, response.data) == (202, b"<Response/>")
    assert response.headers.getlist("set-cookie") == ["a=1", "b=2"]
    assert response.headers["x-one"] == "1"
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize(("accept", "content"), [("application/octet-stream", b"\x00\xff"), ("*/*", b"AP8=")])
def test_a_binary_answer_is_decoded_only_for_who_accepts_it(edge: Edge, url: str, accept: str, content: bytes) -> None:
    edge.http.answers = lambda _: {"statusCode": 200, "body": "AP8=", "isBase64Encoded": True}
    assert content == HTTP.request("GET", f"{url}/threads/all", headers={"Accept": accept}).data


@pytest.mark.parametrize("answer", [None, {}, {"statusCode": "none"}, {"statusCode": 200, "headers": 7}, "text"])
def test_an_answer_that_is_none_is_502(edge: Edge, url: str, answer: Any) -> None:
    edge.http.answers = lambda _: answer
    response = HTTP.request("GET", f"{url}/threads/all")
    assert (response.status, response.json()) == (502, {"message": "Internal server error"})


def test_a_function_that_raises_is_502_and_its_words_stay_inside(edge: Edge, url: str) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("secret words")

    edge.http.answers = fail
    response = HTTP.request("GET", f"{url}/threads/all")
    assert (response.status, b"secret" in response.data) == (502, False)


def test_a_function_that_takes_too_long_is_504(tmp_path: Path) -> None:
    edge = Edge(tmp_path, integration_s=0.2)
    edge.routes = {"/slow": frozenset({"GET"})}
    release = threading.Event()
    edge.http.answers = lambda _: release.wait(20) and {"statusCode": 200}
    with edge.open() as url:
        response = HTTP.request("GET", f"{url}/slow")
        release.set()
    assert (response.status, response.json()) == (504, {"message": "Endpoint request timed out"})
