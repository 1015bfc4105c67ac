"""May we write to this customer this way now? Asked before an agent's reply is taken, and again before it leaves."""

from collections.abc import Sequence

from throughline.domain.errors import (
    ConfigurationError,
    InvalidRequestError,
    RecipientOptedOutError,
    WindowClosedError,
)
from throughline.domain.identifiers import CustomerId
from throughline.domain.quick_replies import QuickReply, QuickReplyKind
from throughline.domain.vias import Via
from throughline.ports import Channel, World

OPTED_OUT = "the customer does not want messages this way; another channel is the way on"
WINDOW_CLOSED = "the reply window has closed; a template, another channel or the customer's next message is the way on"


def require_open_way(
    world: World, customer: CustomerId, via: Via, last_inbound_ms: int | None, *, templated: bool
) -> Channel:
    """Return the channel, if the customer's last word was not no and its reply window is open. .5 RRU, eventually read.

    A template (`templated`) needs no open window.

    Raises:
        RecipientOptedOutError, WindowClosedError: the provider would refuse it, or the customer does.
        ConfigurationError: we no longer speak this channel.
    """
    channel = world.channels.get(via.channel)
    if channel is None:
        raise ConfigurationError(f"no channel is called {via.channel}")
    known = world.customers.find_identifier(customer, via.identifier)
    if known and known.opted_out(via.account):
        raise RecipientOptedOutError(OPTED_OUT)
    closes_ms = window_closes_ms(channel, last_inbound_ms)
    if closes_ms is not None and not templated and world.clock() >= closes_ms:
        raise WindowClosedError(WINDOW_CLOSED)
    return channel


def window_closes_ms(channel: Channel, last_inbound_ms: int | None) -> int | None:
    """Return when the provider's reply window closes; None if it has none, 0 if the customer never wrote this way."""
    if channel.reply_window_ms is None:
        return None
    return 0 if last_inbound_ms is None else last_inbound_ms + channel.reply_window_ms


def require_shown(channel: Channel, quick_replies: Sequence[QuickReply]) -> None:
    """Return if the channel shows these quick replies, as buttons or written out in the text.

    Raises:
        InvalidRequestError: a form that lives at another provider cannot be written out.
    """
    for reply in quick_replies:
        written = reply.kind is not QuickReplyKind.FORM or reply.url is not None
        if not written and reply.kind not in channel.quick_reply_kinds:
            raise InvalidRequestError("quick_replies: this channel has no forms; give the form a url")
