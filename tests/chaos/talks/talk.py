"""The table of one provider."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from infra.local.centre import Account
from infra.local.webhooks import FORM, JSON, Sender, Webhook
from tests.chaos.mutations import Path

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of an album."""

    album: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider reports on a message of ours; `entry` is our reference, `query` what stands in the address."""

    payload: Payload
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a provider can be made to tell; what is None or empty, its webhooks do not have.

    A payload is what a body says before it is written: a JSON object, or the fields of a form. Instants (`at`) are
    seconds since 1970; whatever is given there is told as it is.
    """

    channel: str
    sender: Callable[[], Sender]
    say: Callable[[Account, Sender, str, int], Payload]
    content_type: str = JSON
    tells_time: bool = True
    # where the list of messages stands that a webhook may bring several of
    batch: Path | None = None
    # payload of a message, the new words, the instant → payload of its edit
    edit: Callable[[Payload, str, int], Payload] | None = None
    take_back: Callable[[Payload, int], Payload] | None = None
    show: Callable[[Account, Sender, Picture, int], Payload] | None = None
    # in the order in which they come; the last one stands in the end
    statuses: Sequence[str] = ()
    # account, sender, our reference, status, instant
    receipt: Callable[[Account, Sender, str, str, int], Receipt] | None = None
    # what the send API says with a 200 when it has not taken a message for good
    refusal_called_success: Mapping[str, Any] = field(default_factory=dict)
    # seconds → what a 429 says that asks for so much patience: sandbox rule's fields
    patience: Callable[[int], Mapping[str, Any]] = lambda seconds: {"headers": {"Retry-After": str(seconds)}}

    def written(self, payload: Payload) -> Webhook:
        """Return the body and its type. Half a surrogate pair is escaped in JSON, and cannot be had in a form."""
        if self.content_type == FORM:
            return Webhook(body=urlencode(payload, errors="replace").encode(), content_type=FORM)
        return Webhook(body=json.dumps(payload).encode(), content_type=self.content_type)
