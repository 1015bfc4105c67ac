"""Webhooks in: what a provider posts is durable before it is answered 2xx. See docs/webhooks.md."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from chalice.app import Blueprint, Response

from functions._edges import answers_http
from functions._wiring import max_webhook_bytes, world
from throughline.flows.accept_webhook import IncomingWebhook, accept_webhook

webhooks = Blueprint(__name__)


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

    It is written as an HTML form would be, which is how providers write (and sign) what they append to a URL. Our own
    callbacks have only ``entry``, in which nothing needs an escape.
    """
    values = {name: list(given) for name, given in decoded.items()}
    return urlencode(values, doseq=True, safe="*").replace("~", "%7E")
