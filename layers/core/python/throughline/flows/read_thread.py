"""Read what was said: a customer's thread page by page, and the live conversation as a reconnecting screen needs it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from throughline.domain.conversations import Entry, Head, Moved
from throughline.domain.errors import InvalidRequestError, NotFoundError, StoreUnavailableError
from throughline.domain.folding import fold
from throughline.domain.frames import Frame, entry_view
from throughline.domain.identifiers import CustomerId, EntryId, Home, parse_entry_id
from throughline.domain.rights import Role, may_see
from throughline.ports import World

MAX_PAGE = 100
BEFORE_OPENING_MS = 7 * 24 * 3600 * 1000  # a provider may deliver that late
MAX_RESUMED_ENTRIES = 1000
STATUS_PAGE = 20
HOPS = 20  # merges of merges: how far a customer is followed to where they are now


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries as a client sees them, oldest first. `before` asks for the page that stands before this one, if any."""

    customer: CustomerId
    entries: Sequence[Frame]
    before: EntryId | None


def find_live(world: World, customer: CustomerId) -> tuple[CustomerId, Head | None]:
    """Return who the customer has turned out to be by now, and their live conversation."""
    home = Home(customer)
    for _ in range(HOPS):
        live = world.threads.get_live(home)
        if not isinstance(live, Moved):
            return CustomerId(home), live
        home = live.to
    raise StoreUnavailableError("homes point at one another")


def read_thread(world: World, customer: CustomerId, role: Role, *, before: str | None, limit: int) -> Page:
    """Return one page of everything the customer and we ever said to one another, over all homes the customer has.

    Costs a query a home, 1 RRU per 4 KB.

    Raises:
        NotFoundError: there is no such customer.
        InvalidRequestError: `limit` is not 1 to 100, or `before` is no entry id.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequestError(f"limit: has to be 1 to {MAX_PAGE}")
    known = world.customers.find_customer(customer)
    if known is None:
        raise NotFoundError("no such customer")
    reference = parse_entry_id(before, field="before")[1] if before else None
    found = newest_entries(world, known.homes, before=reference, since_ms=0, limit=limit + 1)
    page = found[:limit]
    return Page(
        customer=customer,
        entries=fold(entry for entry in page if may_see(role, entry)),
        before=page[-1].entry_id if len(found) > limit else None,
    )


def read_conversation(world: World, head: Head, since_version: int | None) -> list[Frame]:
    """Return what a screen has missed of `head`'s conversation, oldest first.

    `head` must have been read before: then every entry counted in its version is found here. A screen that knows this
    version missed nothing but perhaps receipts, so it gets our messages among the last ones again, for their status.
    """
    if since_version == head.version:
        latest = newest_entries(world, _homes(world, head), before=None, since_ms=0, limit=STATUS_PAGE)
        return [entry_view(entry) for entry in reversed(latest) if entry.status is not None]
    since_ms = max(0, head.opened_ms - BEFORE_OPENING_MS)
    return fold(newest_entries(world, _homes(world, head), before=None, since_ms=since_ms, limit=MAX_RESUMED_ENTRIES))


def heard_since(world: World, head: Head, since_ms: int) -> bool:
    """Return whether, among the latest entries, the customer wrote something that came in after `since_ms`."""
    latest = newest_entries(world, _homes(world, head), before=None, since_ms=0, limit=STATUS_PAGE)
    return any(entry.is_written and entry.received_ms > since_ms for entry in latest)


def _homes(world: World, head: Head) -> Iterable[Home]:
    customer = world.customers.find_customer(head.customer)
    return dict.fromkeys((head.home, *head.links, *(customer.homes if customer else ())))


def newest_entries(
    world: World, homes: Iterable[Home], *, before: str | None, since_ms: int, limit: int
) -> list[Entry]:
    """Return up to `limit` entries of several homes, merged, newest first."""
    found = [entry for home in homes for entry in _of_home(world, home, before, since_ms, limit)]
    found.sort(key=lambda entry: (entry.reference, entry.home), reverse=True)
    return found[:limit]


def _of_home(world: World, home: Home, before: str | None, since_ms: int, limit: int) -> list[Entry]:
    found: list[Entry] = []
    while len(found) < limit:
        wanted = min(MAX_PAGE, limit - len(found))
        page = world.threads.list_entries(home, before=before, since_ms=since_ms, limit=wanted)
        found += page
        if len(page) < wanted:
            break
        before = page[-1].reference
    return found
