"""API Gateway's REST side: any HTTP request becomes an event for the HTTP function, its answer a response.

Limits: body 10 MB, event and answer 6 MB (Lambda), 29 s
(docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html).
"""

import base64
import binascii
import json
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from infra.local import events
from infra.local.deployed import Deployment
from infra.local.invocation import FunctionError, FunctionTimeoutError
from infra.local.routes import match_resource

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_EVENT_BYTES = 6 * 1024 * 1024
INTEGRATION_TIMEOUT_S = 29.0


class HttpEdge:
    """The door for webhooks and for everything else that speaks HTTP to the contact centre."""

    def __init__(self, deployment: Deployment, *, timeout_s: float = INTEGRATION_TIMEOUT_S) -> None:
        self._deployment = deployment
        self._timeout_s = timeout_s

    async def serve(self, request: Request) -> Response:
        """Answer one request as API Gateway would."""
        path = request.scope["raw_path"].decode("ascii")
        match = match_resource(self._deployment.routes, path)
        if match is not None and request.method == "OPTIONS" and match.resource in self._deployment.preflight:
            return Response(headers=dict(self._deployment.preflight[match.resource]))
        if match is None or request.method not in self._deployment.routes[match.resource]:
            return _refusal(HTTPStatus.FORBIDDEN, "Missing Authentication Token")
        try:
            body = await _read_body(request)
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is left to read it
        if body is None:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        event = events.rest_event(
            _as_sent(request, path, body),
            match,
            binary_types=self._deployment.binary_types,
            request_id=str(uuid.uuid4()),
            now_ms=time.time_ns() // 1_000_000,
        )
        return await self._ask(event)

    async def _ask(self, event: events.Event) -> Response:
        if len(json.dumps(event)) > MAX_EVENT_BYTES:
            return _refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Too Long")
        try:
            answer = await self._deployment.http.answer(event, within_s=self._timeout_s)
        except FunctionTimeoutError:
            return _refusal(HTTPStatus.GATEWAY_TIMEOUT, "Endpoint request timed out")
        except FunctionError:
            return _refusal(HTTPStatus.BAD_GATEWAY, "Internal server error")
        accept = dict(event["headers"]).get("accept", "")
        return _response(answer, wants_binary=events.is_binary(accept.split(",")[0], self._deployment.binary_types))


def _refusal(status: HTTPStatus, message: str) -> Response:
    return JSONResponse({"message": message}, status_code=status)


async def _read_body(request: Request) -> bytes | None:
    """Return the body, or None as soon as it is over the limit."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _as_sent(request: Request, path: str, body: bytes) -> events.HttpRequest:
    return events.HttpRequest(
        method=request.method,
        path=path,
        query=request.scope["query_string"].decode("ascii"),
        headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw],
        body=body,
        source_ip=request.client.host if request.client else "",
    )


def _response(answer: Any, *, wants_binary: bool) -> Response:
    """Return the response a proxy answer describes; whatever has not that shape is a 502, and so is one over 6 MB."""
    try:
        status, body = int(answer["statusCode"]), str(answer.get("body") or "")
        content = _decoded(body) if answer.get("isBase64Encoded") and wants_binary else body.encode()
        headers = _headers(answer)
    except (TypeError, KeyError, ValueError, AttributeError):
        return _refusal(HTTPStatus.BAD_GATEWAY, "Internal server error")
    if len(json.dumps(answer)) > MAX_EVENT_BYTES:
        return _refusal(HTTPStatus.BAD_GATEWAY, "Internal server error")
    response = Response(content, status_code=status, media_type=None)
    response.raw_headers.extend((name.lower().encode(), value.encode()) for name, value in headers)
    if not any(name.lower() == "content-type" for name, _ in headers):
        response.raw_headers.append((b"content-type", b"application/json"))
    return response


def _decoded(body: str) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise ValueError(body) from error


def _headers(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    many: Mapping[str, list[Any]] = answer.get("multiValueHeaders") or {}
    named = {name.lower() for name in many}
    single = [(name, value) for name, value in (answer.get("headers") or {}).items() if name.lower() not in named]
    headers = [*single, *((name, value) for name, values in many.items() for value in values)]
    return [(name, str(value)) for name, value in headers if name.lower() != "content-length"]
