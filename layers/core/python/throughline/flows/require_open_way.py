"""May we write to this customer this way now? Asked before an agent's reply is taken, and again before it leaves."""

from throughline.domain.errors import ConfigurationError, RecipientOptedOutError, WindowClosedError
from throughline.domain.identifiers import CustomerId
from throughline.domain.vias import Via
from throughline.ports import Channel, World

OPTED_OUT = "the customer does not want messages this way; another channel is the way on"
WINDOW_CLOSED = "the reply window has closed; the customer has to write first, or another channel is the way on"


def require_open_way(world: World, customer: CustomerId, via: Via, last_inbound_ms: int | None) -> Channel:
    """Return the channel, if the customer's last word was not no and its reply window is open. .5 RRU, eventually read.

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
    window_ms = channel.reply_window_ms
    if window_ms is not None and (last_inbound_ms is None or world.clock() - last_inbound_ms >= window_ms):
        raise WindowClosedError(WINDOW_CLOSED)
    return channel
