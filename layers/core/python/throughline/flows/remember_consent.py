"""Remember what a customer says about being written to, whoever they turn out to be meanwhile."""

from throughline.domain.identifiers import CustomerId, Identifier
from throughline.flows.read_thread import find_live
from throughline.ports import World


def remember_consent(  # noqa: PLR0913 - who says what, about which way, and when
    world: World, customer: CustomerId, identifier: Identifier, account: str, *, granted: bool, at_ms: int
) -> None:
    """Keep a word about consent with whoever `customer` has turned out to be. Safe to repeat; 1 WRU and 2 RRU.

    Written, then looked at again: a merge that came in between has carried over only what it saw.
    """
    known, customer = None, find_live(world, customer)[0]
    while known != customer:
        world.customers.set_consent(customer, identifier, account, granted=granted, at_ms=at_ms)
        known, customer = customer, find_live(world, customer)[0]
