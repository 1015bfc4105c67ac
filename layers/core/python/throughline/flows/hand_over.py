"""An anonymous visitor turns out to be a user whom the company signs in: what they wrote is the user's from then on.

The page hands over both proofs at once: ours of the visitor, the company's of the user. The joining of their customers
is durable on the inbound queue, behind what the visitor wrote, before anything is bound; whatever dies then, the worker
binds and joins. Bound for good by the first word: whoever comes with the same visitor and is somebody else joins
nobody. Where the visitor never wrote there is nothing to hand over, and nothing is written. docs/decisions/0013.
"""

from typing import TypeGuard

from throughline.domain.customers import CustomerIdentifier
from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.identifiers import Identifier, home_of
from throughline.domain.messages import ChannelEvent, IdentityChanged
from throughline.domain.vias import Via
from throughline.domain.visitors import ANONYMOUS, WEBCHAT
from throughline.flows.link import home_key
from throughline.flows.show_visitor import drop_listener
from throughline.ports import Account, World

MAX_VISITORS = 50  # whom one user has been


def hand_over(world: World, account: Account, visitor: Identifier, owner: Identifier) -> None:
    """Let what an anonymous visitor wrote be `owner`'s to see at once, and have a worker join their customers.

    Safe to repeat. One write to the queue and 1 RRU; 2 WRU and 2 RRU more where there is something to hand over.

    Raises:
        StoreUnavailableError: it is not durable. Repeat.
    """
    event = IdentityChanged(
        channel=WEBCHAT,
        account=account.account_id,
        provider_id=f"{visitor}/{owner}",
        senders=(visitor,),
        previous=visitor,
        current=owner,
    )
    job = encode_inbound(InboundJob(inbound=world.draw(), arrival_ms=world.clock(), event=event))
    # Each time anew: one that came before the visitor's first message had no effect. The thread knows a repetition.
    world.inbound.put(job, group=home_of(visitor, home_key(world)), dedup=world.draw())
    bind(world, event)


def is_hand_over(event: ChannelEvent) -> TypeGuard[IdentityChanged]:
    """Return whether an event says that an anonymous visitor has signed in."""
    return event.channel == WEBCHAT and isinstance(event, IdentityChanged) and event.previous.kind == ANONYMOUS


def bind(world: World, event: IdentityChanged) -> bool:
    """Bind an anonymous visitor to a user; return False if they never wrote, or are somebody else's already.

    Or if the user has been too many visitors already: each is one more home to read whenever somebody looks.

    Their sockets are told nothing from then on. One that is being taken into service meanwhile looks for the bond last.
    """
    home = home_of(event.previous, home_key(world))
    if not world.threads.list_entries(home, before=None, since_ms=0, limit=1) or _has_been_many(world, event):
        return False
    visitor = CustomerIdentifier(identifier=event.previous, home=home, since_ms=world.clock())
    if world.customers.bind_visitor(visitor, event.current) != event.current:
        return False
    way = str(Via(account=event.account, identifier=event.previous))
    for connection in world.connections.list_listeners(way):
        drop_listener(world, way, connection)
    return True


def _has_been_many(world: World, event: IdentityChanged) -> bool:
    visitors = world.customers.list_visitors(event.current)
    return len(visitors) >= MAX_VISITORS and world.customers.find_owner(event.previous) != event.current
