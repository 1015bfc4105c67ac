"""A provider's webhook as API Gateway hands it to the application."""

from typing import Any

from infra.local.centre import Account
from infra.local.events import HttpRequest, rest_event
from infra.local.routes import Match
from infra.local.signing import signed_headers

_ROUTE = "/webhooks/{channel}/{account}"


def webhook_event(  # noqa: PLR0913 - what a request consists of
    app: Any, account: Account, public_url: str, body: bytes, content_type: str, *, request_id: str, now_ms: int
) -> dict[str, Any]:
    """Return the event of a webhook that the account's provider has signed, for the Chalice application `app`."""
    headers = signed_headers(account, public_url + account.webhook_path, body, content_type)
    request = HttpRequest(
        method="POST",
        path=account.webhook_path,
        query="",
        headers=list(headers.items()),
        body=body,
        source_ip="127.0.0.1",
    )
    match = Match(resource=_ROUTE, parameters={"channel": account.channel, "account": account.name})
    return rest_event(request, match, binary_types=app.api.binary_types, request_id=request_id, now_ms=now_ms)
