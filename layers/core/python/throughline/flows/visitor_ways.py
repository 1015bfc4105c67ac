"""By which ways a visitor of web chat has written, and by which one they are reached now.

An anonymous visitor whom the company has signed in since is bound to that user (flows/hand_over.py): what they wrote is
the user's to see, who answers them answers the user, and their own tokens open nothing any more.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from throughline.domain.conversations import Entry
from throughline.domain.customers import CustomerIdentifier
from throughline.domain.errors import UnauthenticatedError
from throughline.domain.identifiers import Identifier
from throughline.domain.vias import Via
from throughline.domain.visitors import ANONYMOUS, IDENTIFIED, Visitor, is_for_visitors, is_of_webchat
from throughline.ports import World


def living_way(world: World, way: str) -> str:
    """Return the way by which whoever wrote by `way` is reached now. 1 RRU for an anonymous visitor's, else nothing."""
    if not is_of_webchat(way):
        return way
    via = Via.parse(way)
    owner = world.customers.find_owner(via.identifier) if via.identifier.kind == ANONYMOUS else None
    return str(replace(via, identifier=owner)) if owner else way


def living_ways(world: World, ways: Iterable[str]) -> Mapping[str, str]:
    """Return for each way the one by which whoever wrote by it is reached now."""
    return {way: living_way(world, way) for way in ways}


def bound_visitors(world: World, visitor: Visitor) -> list[CustomerIdentifier]:
    """Return the anonymous visitors whom a user has been. 1 RRU for a user, nothing for anybody else."""
    return world.customers.list_visitors(visitor.identifier) if visitor.identifier.kind == IDENTIFIED else []


def is_theirs(world: World, visitor: Visitor, entry: Entry) -> bool:
    """Return whether an entry is for this visitor to see. 1 RRU where it went by another anonymous way."""
    if not is_for_visitors(entry):
        return False
    return visitor.way == entry.via or visitor.way == living_way(world, str(entry.via))


def require_unbound(world: World, visitor: Identifier) -> None:
    """Return quietly unless this is an anonymous visitor who has signed in since. 1 RRU for an anonymous one.

    Raises:
        UnauthenticatedError: they are; what they wrote is the user's, and only the user's.
    """
    if visitor.kind == ANONYMOUS and world.customers.find_owner(visitor):
        raise UnauthenticatedError("this visitor has signed in since; begin anew without a proof")
