"""Keep a customer's word about consent where it is looked for, also while customers are being joined."""

from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import CustomerId, Identifier
from throughline.flows.read_thread import HOPS, find_live
from throughline.ports import World


def remember_consent(  # noqa: PLR0913 - each is one word of what was said
    world: World, customer: CustomerId, identifier: Identifier, account: str, *, granted: bool, at_ms: int
) -> None:
    """Keep an opt-in or opt-out with `customer`, or with whom they have become part of. 1 WRU and 1 RRU as a rule.

    Written, then looked at again: a joining that comes in between has carried over what it saw.

    Raises:
        StoreUnavailableError: customers are being joined too fast. Repeat.
    """
    for _ in range(HOPS):
        world.customers.set_consent(customer, identifier, account, granted=granted, at_ms=at_ms)
        found, _ = find_live(world, customer)
        if found == customer:
            return
        customer = found
    raise StoreUnavailableError("customers are being joined too fast")
