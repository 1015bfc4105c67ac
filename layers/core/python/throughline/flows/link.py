"""Several identifiers, one customer: claim them, and let their homes point to where the customer's conversation lives.

Only what a provider attests is linked here. A link is an edge: entries stay in their homes and are read together.
"""

from collections.abc import Sequence

from throughline.domain.conversations import Expected, Head, Moved
from throughline.domain.customers import CustomerIdentifier
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import CustomerId, Home, Identifier, home_of
from throughline.flows.assign import settle
from throughline.ports import World

TRIES = 10


def home_key(world: World) -> bytes:
    """Return the key under which identifiers become homes; it is never rotated."""
    return world.secrets.get_secret("home-key").encode()


def link_identifiers(world: World, head: Head, identifiers: Sequence[Identifier]) -> Home:
    """Make every identifier the customer's, and return the home in which their conversation lives then.

    That is another one only if `head` has just been opened by this message and an identifier leads to a conversation
    that was live before: the older conversation stays, the new one joins it. Costs nothing for identifiers linked
    before.

    Raises:
        StoreUnavailableError: others kept changing the same homes. Repeat.
    """
    key = home_key(world)
    wanted = {home_of(identifier, key): identifier for identifier in identifiers}
    missing = {home: item for home, item in wanted.items() if home != head.home and home not in head.links}
    survivor = head.home
    for home, identifier in missing.items():
        survivor = _join(world, head, survivor, home)
        _claim(world, CustomerId(survivor), identifier, home)
    if missing and survivor == head.home:
        expected = Expected(conversation=head.conversation, turn=head.turn, states=(head.state,))
        world.threads.transition(head.home, expected, {"links": (*head.links, *missing)})
    return survivor


def _claim(world: World, customer: CustomerId, identifier: Identifier, home: Home) -> None:
    since_ms = world.clock()
    added = world.customers.add_identifier(
        customer, CustomerIdentifier(identifier=identifier, home=home, since_ms=since_ms)
    )
    if added and home != Home(customer):
        world.customers.record_link(customer, CustomerId(home), why="the provider attests both", at_ms=since_ms)


def _join(world: World, head: Head, survivor: Home, other: Home) -> Home:
    """Let `other` and `survivor` lead to one live conversation; return where that is."""
    for _ in range(TRIES):
        there = world.threads.get_live(other)
        if isinstance(there, Moved):
            if there.to == survivor:
                return survivor
            other = there.to
        elif there is None:
            if world.threads.move_home(other, survivor, None):
                return survivor
        elif head.version == 1 and survivor == head.home:
            # Ours is a moment old and belongs to nobody yet: it gives way.
            if _absorb(world, _live(world, head), there.home):
                world.customers.record_link(
                    CustomerId(there.home), CustomerId(head.home), why="the provider attests both", at_ms=world.clock()
                )
                return there.home
        elif _absorb(world, there, survivor):
            return survivor
    raise StoreUnavailableError("the homes are changing too fast")


def _live(world: World, head: Head) -> Head:
    now = world.threads.get_live(head.home)
    return now if isinstance(now, Head) else head


def _absorb(world: World, head: Head, into: Home) -> bool:
    """End `head` in favour of what lives in `into`: its last state is kept, its agent freed, its home points there."""
    world.threads.archive(head)
    if not world.threads.move_home(head.home, into, head):
        return False
    world.routing.delete_waiting(head.waiting(None))
    if head.holder:
        settle(world, head.holder, [(head.conversation, head.turn)], ensure=True)
    return True
