"""Keep what came from a provider and became nothing here, so that it can be driven through again, and count it."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from throughline.domain.encodings import event_kind
from throughline.domain.messages import ChannelEvent
from throughline.ports import WebhookRequest, World


def keep_event(world: World, event: ChannelEvent, reason: str, received_ms: int) -> None:
    """Keep the raw part an event came from; a repetition on the same day overwrites it. One write to the bucket."""
    content = {
        "account": event.account,
        "provider_id": event.provider_id,
        "kind": event_kind(event),
        "reason": reason,
        "raw": event.raw,
    }
    _keep(world, event.channel, reason, content, received_ms)


def keep_webhook(world: World, channel: str, account: str, request: WebhookRequest, reason: str) -> None:
    """Keep a whole webhook: the exact body in Base64, and the query; no headers, because they may hold a secret."""
    content = {
        "account": account,
        "reason": reason,
        "method": request.method,
        "query": request.url.partition("?")[2],
        "content_type": request.headers.get("content-type"),
        "body": base64.b64encode(request.body).decode(),
    }
    _keep(world, channel, reason, content, request.received_ms)


def _keep(world: World, channel: str, reason: str, content: Mapping[str, Any], received_ms: int) -> None:
    written = json.dumps(content).encode()
    day = datetime.fromtimestamp(received_ms / 1000, tz=UTC).strftime("%Y/%m/%d")
    world.blobs.put(f"kept/{channel}/{day}/{sha256(written).hexdigest()[:32]}.json", written, "application/json")
    world.telemetry.count("webhook_kept", channel=channel, reason=reason)
