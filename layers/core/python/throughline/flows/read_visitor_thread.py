"""Read what a visitor of web chat may see of their thread, page by page or since they were last here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from throughline.domain.conversations import Head
from throughline.domain.errors import ForbiddenError, InvalidRequestError
from throughline.domain.frames import Frame
from throughline.domain.identifiers import CustomerId, EntryId, Home, parse_entry_id
from throughline.domain.rights import Caller, require_right, require_visitor
from throughline.domain.visitor_views import authors, visitor_entries
from throughline.domain.visitors import Visitor
from throughline.flows.read_thread import MAX_PAGE, STATUS_PAGE, find_live, newest_entries
from throughline.flows.show_visitor import names_of
from throughline.flows.visitor_ways import bound_visitors
from throughline.ports import World

FIRST_PAGE = 50
MAX_RESUMED = 200
MAX_BYTES = 100_000  # a frame may have 128 KB
LATE_MS = 10 * 60 * 1000  # what is filed that late takes its place before what the client has


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorPage:
    """Entries as their visitor sees them, oldest first; `before` asks for the page before. `live`: the conversation."""

    entries: Sequence[Frame]
    before: EntryId | None
    live: Head | None


def view_visitor_thread(world: World, caller: Caller, account: str, *, before: str | None, limit: int) -> Frame:
    """Return one page of a visitor's own thread.

    Raises:
        ForbiddenError: the caller is no visitor of this account.
        InvalidRequestError: `limit` is not 1 to 100, or `before` is no entry id.
    """
    require_right("GET /webchat/thread", caller.role)
    visitor = require_visitor(caller.visitor)
    if visitor.account != account:
        raise ForbiddenError("this is not the visitor's web chat")
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequestError(f"limit: has to be 1 to {MAX_PAGE}")
    page = read_visitor_thread(world, visitor, before=before, limit=limit)
    return {"entries": page.entries, "before": page.before}


def read_visitor_thread(
    world: World,
    visitor: Visitor,
    *,
    before: str | None = None,
    resume: str | None = None,
    limit: int,
) -> VisitorPage:
    """Return what a visitor may see among the `limit` newest entries before `before`; with `resume` only of later ones.

    Later than that entry and ten minutes before it; the last twenty come in any case, for their status. Costs a query
    for each home the customer has, 1 RRU per 4 KB; and 1 RRU to know whom a user has been.

    Raises:
        InvalidRequestError: `before` or `resume` is no entry id.
    """
    reference = parse_entry_id(before, field="before")[1] if before else None
    since_ms = _made_ms(resume) - LATE_MS if resume else 0
    customer, live = find_live(world, CustomerId(visitor.home))
    known = world.customers.find_customer(customer)
    visitors = bound_visitors(world, visitor)
    own = (visitor.home, *(item.home for item in visitors))
    homes = dict.fromkeys((*own, Home(customer), *(known.homes if known else ())))
    found = newest_entries(world, homes, before=reference, since_ms=0, limit=limit + 1)
    page = [item for place, item in enumerate(found[:limit]) if place < STATUS_PAGE or item.sent_ms >= since_ms]
    ways = (visitor.way, *(str(replace(visitor.via, identifier=item.identifier)) for item in visitors))
    views = visitor_entries(page, ways, names_of(world, authors(page)))
    fitting = _newest_within(views, MAX_BYTES)
    oldest = EntryId(fitting[0]["id"]) if len(fitting) < len(views) else page[-1].entry_id if page else None
    more = len(fitting) < len(views) or len(found) > len(page)
    return VisitorPage(entries=fitting, before=oldest if more else None, live=live)


def _made_ms(entry: str) -> int:
    return int(parse_entry_id(entry, field="resume")[1].partition("#")[0])


def _newest_within(views: Sequence[Frame], max_bytes: int) -> Sequence[Frame]:
    """Return the last entries that fit into so many bytes, and one in any case."""
    left, first = max_bytes, len(views)
    for view in reversed(views):
        left -= len(json.dumps(view, ensure_ascii=False).encode())
        if left < 0 and first < len(views):
            break
        first -= 1
    return views[first:]
