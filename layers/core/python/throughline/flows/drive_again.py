"""Drive what was kept through again, with the adapter and the configuration of today.

It was proven to be the provider's when it was kept, so no proof is asked for, and no limit counts. What it says is
filed as of when it came; what had been filed before is found by the provider's id and stays as it is.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from throughline.domain.encodings import decode_inbound, encode_inbound
from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import digest
from throughline.flows.accept_webhook import IncomingWebhook, Taken, as_request, find_webhook_account, group_of, take_in
from throughline.flows.accounts import open_account
from throughline.ports import World


def drive_again(world: World, kept: bytes) -> Taken:
    """Take in what `keep_webhook` or `keep_event` had written; safe to repeat.

    What is left over is kept again under the same key.

    Raises:
        MalformedPayloadError: this was not written by them.
        UnknownAccountError: its channel account is not configured, or there is no such channel.
        ConfigurationError: a secret of the account is missing.
        StoreUnavailableError: not everything is durable. Repeat it.
    """
    content = _read(kept)
    return _queue_job(world, content["job"]) if "job" in content else _take_in_webhook(world, content)


def _read(kept: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(kept)
    except ValueError:
        raise MalformedPayloadError("what was kept is not JSON") from None
    if not isinstance(content, dict):
        raise MalformedPayloadError("what was kept is no object")
    return content


def _queue_job(world: World, job: Mapping[str, Any]) -> Taken:
    kept = decode_inbound(job)
    world.inbound.put(encode_inbound(kept), group=group_of(world, kept.event), dedup=digest(kept.inbound, world.draw()))
    return Taken(queued=1, rest=())


def _take_in_webhook(world: World, content: Mapping[str, Any]) -> Taken:
    try:
        incoming = IncomingWebhook(
            channel=str(content["channel"]),
            account=str(content["account"]),
            method=str(content["method"]),
            query=str(content["url"]).partition("?")[2],
            headers={"content-type": content["content_type"]} if content["content_type"] else {},
            body=base64.b64decode(content["body"], validate=True),
        )
        received_ms = int(content["received_ms"])
    except (KeyError, TypeError, binascii.Error):
        raise MalformedPayloadError("what was kept is no webhook") from None
    channel, configured = find_webhook_account(world, incoming.channel, incoming.account)
    request = replace(as_request(world, incoming, received_ms), url=str(content["url"]))
    return take_in(world, channel, configured, open_account(world, configured), request, limited=False)
