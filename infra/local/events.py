"""The events Lambda functions are called with, made from what arrives on this machine. Ids and the clock are arguments.

Shapes are those of API Gateway's REST proxy integration (payload format 1.0), of its WebSocket APIs, of SQS event
source mappings and of EventBridge schedules. Headers arrive lower-cased from our HTTP server; API Gateway passes them
on as sent, so whoever reads them must not care about case anyway.
"""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from infra.local.routes import Match

API_ID = "local"
REST_STAGE = "api"
SOCKET_STAGE = "socket"
ACCOUNT_ID = "000000000000"

Event = dict[str, Any]
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One HTTP request. `path` and `query` are as sent, still percent-encoded; `headers` in order, names may repeat."""

    method: str
    path: str
    query: str
    headers: Pairs
    body: bytes
    source_ip: str

    def header(self, name: str) -> str:
        """Return the last value of a header, or nothing."""
        return dict(self.headers).get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The other end of a socket, as every event about it names it."""

    connection_id: str
    connected_ms: int
    source_ip: str
    user_agent: str
    domain: str


def rest_event(
    request: HttpRequest, match: Match, *, binary_types: Sequence[str], request_id: str, now_ms: int
) -> Event:
    """Return the proxy event of a request, as behind a custom domain: no stage in the path."""
    headers = [*request.headers, *_forwarded(request)]
    query = parse_qsl(request.query, keep_blank_values=True)
    body, encoded = _body(request, binary_types)
    return {
        "resource": match.resource,
        "path": request.path,
        "httpMethod": request.method,
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "queryStringParameters": dict(query) or None,
        "multiValueQueryStringParameters": _grouped(query) or None,
        "pathParameters": dict(match.parameters) or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": API_ID,
            "domainName": request.header("host"),
            "domainPrefix": request.header("host").partition(".")[0],
            "extendedRequestId": request_id,
            "httpMethod": request.method,
            "identity": {"sourceIp": request.source_ip, "userAgent": request.header("user-agent")},
            "path": request.path,
            "protocol": "HTTP/1.1",
            "requestId": request_id,
            "requestTime": _request_time(now_ms),
            "requestTimeEpoch": now_ms,
            "resourceId": "local",
            "resourcePath": match.resource,
            "stage": REST_STAGE,
        },
        "body": body,
        "isBase64Encoded": encoded,
    }


def is_binary(content_type: str, binary_types: Sequence[str]) -> bool:
    """Return whether a media type is one of those that travel as base64; parameters such as a charset do not count."""
    return content_type.partition(";")[0].strip().lower() in binary_types


def connect_event(peer: Peer, headers: Pairs, query: str, *, request_id: str, now_ms: int) -> Event:
    """Return the event of a socket that wants to open: the only one with the client's headers and query string."""
    pairs = parse_qsl(query, keep_blank_values=True)
    event: Event = {
        "headers": dict(headers),
        "multiValueHeaders": _grouped(headers),
        "requestContext": _socket_context(peer, "$connect", "CONNECT", request_id, now_ms),
        "isBase64Encoded": False,
    }
    if pairs:
        event |= {"queryStringParameters": dict(pairs), "multiValueQueryStringParameters": _grouped(pairs)}
    return event


def message_event(peer: Peer, text: str, *, message_id: str, request_id: str, now_ms: int) -> Event:
    """Return the event of one message. Chalice makes no route but the default one."""
    context = _socket_context(peer, "$default", "MESSAGE", request_id, now_ms) | {"messageId": message_id}
    return {"requestContext": context, "body": text, "isBase64Encoded": False}


def disconnect_event(peer: Peer, code: int, reason: str, *, request_id: str, now_ms: int) -> Event:
    """Return the event of a socket that is closed."""
    headers = {"Host": peer.domain, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    context = _socket_context(peer, "$disconnect", "DISCONNECT", request_id, now_ms)
    return {
        "headers": headers,
        "multiValueHeaders": _grouped(list(headers.items())),
        "requestContext": context | {"disconnectStatusCode": code, "disconnectReason": reason},
        "isBase64Encoded": False,
    }


def queue_event(messages: Sequence[Mapping[str, Any]], *, queue_arn: str, region: str) -> Event:
    """Return the event of a batch, from what ReceiveMessage returned."""
    return {"Records": [_record(message, queue_arn, region) for message in messages]}


def schedule_event(name: str, *, event_id: str, region: str, now_ms: int) -> Event:
    """Return the event of a rule that fires."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_ms / 1000)),
        "region": region,
        "resources": [f"arn:aws:events:{region}:{ACCOUNT_ID}:rule/{name}"],
        "detail": {},
    }


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _forwarded(request: HttpRequest) -> Pairs:
    port = request.header("host").rpartition(":")[2]
    return [
        ("X-Forwarded-For", request.source_ip),
        ("X-Forwarded-Port", port if port.isdigit() else "80"),
        ("X-Forwarded-Proto", "http"),
    ]


def _body(request: HttpRequest, binary_types: Sequence[str]) -> tuple[str | None, bool]:
    if is_binary(request.header("content-type"), binary_types):
        return base64.b64encode(request.body).decode(), True
    # What is not declared binary is text to API Gateway: bytes that are not UTF-8 are lost here as they are there.
    return request.body.decode(errors="replace") or None, False


def _socket_context(peer: Peer, route: str, kind: str, request_id: str, now_ms: int) -> Event:
    return {
        "routeKey": route,
        "eventType": kind,
        "extendedRequestId": request_id,
        "requestTime": _request_time(now_ms),
        "messageDirection": "IN",
        "stage": SOCKET_STAGE,
        "connectedAt": peer.connected_ms,
        "requestTimeEpoch": now_ms,
        "identity": {"userAgent": peer.user_agent, "sourceIp": peer.source_ip},
        "requestId": request_id,
        "domainName": peer.domain,
        "connectionId": peer.connection_id,
        "apiId": API_ID,
    }


def _request_time(now_ms: int) -> str:
    return time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now_ms / 1000))


def _record(message: Mapping[str, Any], queue_arn: str, region: str) -> Event:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: {key[:1].lower() + key[1:]: value for key, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": region,
    }
