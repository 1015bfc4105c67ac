"""Webhooks in: what a provider posts is durable before it is answered 2xx. See docs/webhooks.md."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from chalice.app import Blueprint, Response

from functions._edges import answers_http
from functions._wiring import max_webhook_bytes, world
from throughline.flows.accept_webhook import IncomingWebhook, accept_webhook

webhooks = Blueprint(__name__)

# What may stand in a query as it is (RFC 3986) apart from what separates its parts.
_PLAIN = "!$'()*,-./:;?@_~"


@webhooks.route("/webhooks/{channel}/{account}", methods=["GET", "POST"], content_types=["*/*"])
@answers_http
def receive_webhook(channel: str, account: str) -> Response:
    """Take in one webhook, whatever its content type: what counts is who signed it."""
    request = webhooks.current_request
    body = request.raw_body
    incoming = IncomingWebhook(
        channel=channel,
        account=account,
        method=request.method,
        query=written_query(request.to_original_event().get("multiValueQueryStringParameters") or {}),
        headers=dict(request.headers),
        body=body if isinstance(body, bytes) else body.encode(),
    )
    answer = accept_webhook(world(), incoming, max_bytes=max_webhook_bytes())
    return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.content_type})


def written_query(decoded: Mapping[str, Sequence[str]]) -> str:
    """Return the query string that API Gateway decoded; a REST API hands over no raw one.

    What needs no percent-encoding is written plainly, a space as ``%20``. For our own callbacks, which have only
    ``entry``, that is exactly what was signed.
    """
    pairs = ((name, value) for name, values in decoded.items() for value in values)
    return "&".join(f"{quote(name, safe=_PLAIN)}={quote(value, safe=_PLAIN)}" for name, value in pairs)
