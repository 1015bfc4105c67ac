"""Sending one message of ours as the several requests a provider needs."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from throughline.domain.errors import (
    ConfigurationError,
    PartlySentError,
    ProviderUnavailableError,
    ThroughlineError,
    UnsupportedContentError,
)
from throughline.domain.messages import Attachment, OutboundMessage

Part = TypeVar("Part")


def send_parts(message: OutboundMessage, parts: Sequence[Part], send_one: Callable[[Part], str]) -> tuple[str, ...]:
    """Send, in order, the parts that no earlier attempt got through, and return the provider's ids of all parts.

    `parts` must be the same at every attempt.

    Raises:
        PartlySentError: one or more parts are through, then a part failed; its `cause` says how. Credentials refused
            half-way count as the provider being away, so that the parts already sent are remembered; the next attempt
            finds the credentials wrong with nothing to lose.
        UnsupportedContentError: there is nothing to send.
    """
    if not parts:
        raise UnsupportedContentError("there is nothing to send")
    sent = list(message.parts_sent)
    for part in parts[len(sent) :]:
        try:
            sent.append(send_one(part))
        except ThroughlineError as problem:
            if not sent:
                raise
            raise PartlySentError(tuple(sent), problem) from None
        except ConfigurationError:
            if len(sent) == len(message.parts_sent):
                raise
            away = ProviderUnavailableError("our credentials were refused half-way")
            raise PartlySentError(tuple(sent), away) from None
    return tuple(sent)


def require_kind(message: OutboundMessage, kinds: Collection[str], channel: str) -> None:
    """Return if the channel can reach an identifier of this kind.

    Raises:
        UnsupportedContentError: it cannot.
    """
    if message.to.kind not in kinds:
        raise UnsupportedContentError(f"{channel} cannot reach an identifier of kind {message.to.kind}")


def link_to(attachment: Attachment) -> str:
    """Return the link the provider fetches the file from.

    Raises:
        UnsupportedContentError: no link was made.
    """
    if not attachment.url:
        raise UnsupportedContentError("an attachment has no link the provider could fetch it from")
    return attachment.url
