"""Web chat: visitors of a company's own sites and apps. No provider: their frames arrive over our own socket.

A reply is sent by being visible on the thread; flows/show_visitor.py posts it to whoever listens. Sending it again
shows the same entry again. Files of visitors are uploaded to our own bucket before they are sent.
Settings and secrets are those of the sign-in, flows/sign_visitor_in.py.
"""

import re
from typing import Any

from throughline.channels._parts import require_kind
from throughline.channels._phones import tel
from throughline.domain.errors import UnsupportedContentError
from throughline.domain.identifiers import Evidence, Identifier
from throughline.domain.messages import (
    ATTACHMENT_KINDS,
    Attachment,
    ChannelEvent,
    MessageReceived,
    OutboundMessage,
    SendReceipt,
)
from throughline.domain.visitors import ANONYMOUS, IDENTIFIED, TAPPED, WEBCHAT, Profile, Visitor, VisitorMessage
from throughline.ports import Account, HttpClient, MediaFile

__all__ = ["EVENT_KINDS", "Webchat"]

EVENT_KINDS: frozenset[type[ChannelEvent]] = frozenset({MessageReceived})
TEXT_LIMIT = 16_000  # what a frame may carry

_EMAIL = re.compile(r"[^@\s|#]+@[^@\s|#]+\.[^@\s|#]+")


class Webchat:
    """Web chat as a VisitorChannel."""

    name = WEBCHAT
    identifier_kinds = frozenset({ANONYMOUS, IDENTIFIED})
    text_limit = TEXT_LIMIT
    reply_window_ms = None
    attachment_kinds = frozenset(ATTACHMENT_KINDS)
    counts_segments = False
    repeats_safely = True
    quick_reply_kinds = TAPPED
    has_templates = False

    def said(self, visitor: Visitor, message: VisitorMessage) -> MessageReceived:
        """See VisitorChannel.said; what they told of themselves comes with the message that introduces them.

        Without a time: the client's clock proves nothing, so the first arrival counts.
        """
        profile = Profile(name=visitor.profile.name) if message.introduced else visitor.profile
        return MessageReceived(
            channel=WEBCHAT,
            account=visitor.via.account,
            provider_id=f"{visitor.identifier}/{message.message_id}",
            senders=(visitor.identifier, *_claimed(profile)),
            raw=_raw(message, profile),
            name=profile.name,
            language=visitor.profile.language,
            type="media" if message.files else "text",
            text=message.text,
            attachments=message.files,
            reply_to_entry=message.reply_to,
            details={"fields": dict(profile.fields)} if profile.fields else {},
        )

    def send(self, message: OutboundMessage, account: Account, http: HttpClient) -> SendReceipt:
        """See Channel.send; the entry is its own proof, and its id the provider's."""
        del account, http
        require_kind(message, self.identifier_kinds, "web chat")
        return SendReceipt(provider_ids=(message.entry,))

    def fetch_media(self, attachment: Attachment, account: Account, http: HttpClient) -> MediaFile:
        """See Channel.fetch_media; there is nowhere to fetch from."""
        del attachment, account, http
        raise UnsupportedContentError("web chat keeps its files here")


def _claimed(profile: Profile) -> list[Identifier]:
    """Return what the visitor says they are reached by: nobody has proven it, so it joins nothing."""
    number = tel(profile.phone, Evidence.CLAIMED)
    address = (profile.email or "").strip().lower()
    mailbox = Identifier(kind="email", value=address, evidence=Evidence.CLAIMED) if _EMAIL.fullmatch(address) else None
    return [identifier for identifier in (number, mailbox) if identifier]


def _raw(message: VisitorMessage, profile: Profile) -> dict[str, Any]:
    given = {
        "message_id": message.message_id,
        "text": message.text,
        "attachments": [item.blob for item in message.files],
        "reply_to": message.reply_to,
        "phone": profile.phone,
        "email": profile.email,
        "fields": dict(profile.fields),
    }
    return {name: value for name, value in given.items() if value}
