"""Keep what came from a provider and became nothing here, so that it can be driven through again, and count it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from throughline.domain.encodings import InboundJob, encode_inbound, event_kind
from throughline.domain.messages import ChannelEvent
from throughline.ports import Account, WebhookRequest, World

KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """Something in a webhook that nobody here has a use for: why, and which event it was, if it is one."""

    reason: str
    account: str | None = None
    provider_id: str | None = None
    kind: str | None = None


def left_over(event: ChannelEvent, reason: str) -> LeftOver:
    """Return what names an event that is kept for `reason`."""
    return LeftOver(reason=reason, account=event.account, provider_id=event.provider_id, kind=event_kind(event))


def keep_webhook(world: World, account: Account, request: WebhookRequest, rest: Sequence[LeftOver]) -> None:
    """Keep a whole webhook for what is left over of it. One write to the bucket; a repetition overwrites it that day.

    The exact body in Base64, and its URL; no headers, because they may hold a secret.
    """
    whole = {
        "account": account.name,
        "method": request.method,
        "url": request.url,
        "content_type": request.headers.get("content-type"),
        "body": base64.b64encode(request.body).decode(),
    }
    _keep(world, account.channel, whole, rest, request.received_ms)


def keep_event(world: World, event: ChannelEvent, reason: str, received_ms: int) -> None:
    """Keep an event whose webhook is long gone, as the job it was; a repetition on the same day overwrites it."""
    job = InboundJob(inbound=f"again-{event.provider_id}", arrival_ms=received_ms, event=event)
    _keep(world, event.channel, {"job": encode_inbound(job)}, [left_over(event, reason)], received_ms)


def _keep(world: World, channel: str, whole: Mapping[str, Any], rest: Sequence[LeftOver], received_ms: int) -> None:
    name = sha256(json.dumps(_same_every_time(whole)).encode()).hexdigest()[:32]
    day = datetime.fromtimestamp(received_ms / 1000, tz=UTC).strftime("%Y/%m/%d")
    content = {
        "channel": channel,
        "received_ms": received_ms,
        "left_over": [{name: value for name, value in asdict(item).items() if value is not None} for item in rest],
        **whole,
    }
    world.blobs.put(f"{KEPT}/{channel}/{day}/{name}.json", json.dumps(content).encode(), "application/json")
    for item in rest:
        world.telemetry.count("webhook_kept", channel=channel, reason=item.reason)


def _same_every_time(whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a repetition has in common with the first delivery: not when it arrived."""
    if "job" not in whole:
        return whole
    return {"job": {name: value for name, value in whole["job"].items() if name != "arrival_ms"}}
