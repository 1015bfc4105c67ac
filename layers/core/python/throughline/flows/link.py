"""Several identifiers, one customer: claim them, and let their homes point to where the customer's conversation lives.

Only what is proven is linked here: a provider attests both, or both proofs came from one browser. A link is an edge
that says which: entries stay in their homes and are read together. A customer who waited goes on waiting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from throughline.domain.conversations import ContactState, Expected, Head, Moved
from throughline.domain.customers import CustomerIdentifier
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.frames import conversation_frame, offer_ended_frame
from throughline.domain.identifiers import ConversationId, CustomerId, Home, Identifier, digest, home_of
from throughline.flows.assign import SECOND_LOOK_S, settle
from throughline.flows.conclude import finish_letting_go
from throughline.flows.notify import notify_agent, notify_holder
from throughline.flows.read_thread import find_live
from throughline.flows.record_state import record_state
from throughline.flows.requeue import find_head, held_at, is_own_requeue, preview_of, requeue, with_past
from throughline.flows.visitor_ways import living_way
from throughline.ports import World

ATTESTED = "the provider attests both"
ONE_BROWSER = "both proofs came from one browser"
TRIES = 30

_SET_ASIDE = {ContactState.PAUSED, ContactState.WRAPPING, ContactState.RESOLVED}  # where nobody looks for a message
_EXPECTING = {ContactState.QUEUED, ContactState.OFFERED, ContactState.ACTIVE}  # the customer waits to hear from us
_RANKS = {
    ContactState.RESOLVED: 0,
    ContactState.QUEUED: 1,
    ContactState.OFFERED: 1,
    ContactState.PAUSED: 2,
    ContactState.WRAPPING: 2,
    ContactState.ACTIVE: 3,
}


@dataclass(frozen=True, slots=True)
class _Terms:
    """On what evidence two are joined, and whether the caller has a message that it announces where they live then."""

    why: str = ATTESTED
    announces: bool = False


def home_key(world: World) -> bytes:
    """Return the key under which identifiers become homes; it is never rotated."""
    return world.secrets.get_secret("home-key").encode()


def link_identifiers(
    world: World, head: Head, identifiers: Sequence[Identifier], *, why: str = ATTESTED, announces: bool = False
) -> Home:
    """Make every identifier the customer's, and return the home in which their conversation lives then.

    That is another one if an identifier leads to a conversation that has gone further with an agent, or is not over
    where `head` is. Who `announces` the message that opened `head` there, too, lets it join whatever is live while
    nobody has been asked to take it. Costs nothing for identifiers linked before.

    Raises:
        StoreUnavailableError: others kept changing the same homes. Repeat.
    """
    key, terms = home_key(world), _Terms(why, announces)
    wanted = {home_of(identifier, key): identifier for identifier in identifiers}
    missing = {home: item for home, item in wanted.items() if home != head.home and home not in head.links}
    survivor = head.home
    for home, identifier in missing.items():
        survivor = _join(world, survivor, home, terms)
        _claim(world, CustomerId(survivor), identifier, home, why)
    if missing and survivor == head.home:
        _keep_links(world, head, tuple(missing))
    return survivor


def _keep_links(world: World, head: Head, homes: tuple[Home, ...]) -> None:
    """Let the head know its customer's homes; one that has been queued or taken meanwhile, too."""
    now: Head | None = head
    for _ in range(TRIES):
        if now is None or now.conversation != head.conversation:
            return
        expected = Expected(conversation=now.conversation, turn=now.turn, states=(now.state,))
        outcome = world.threads.transition(now.home, expected, {"links": tuple(dict.fromkeys((*now.links, *homes)))})
        if outcome.won:
            return
        now = outcome.head


def link_pair(world: World, one: Identifier, other: Identifier, *, why: str) -> None:
    """Make two identifiers one customer's, whether or not a conversation of either is live. Safe to repeat.

    Of two conversations the one goes on in which an agent is talking, else that one has taken, else that is not over
    yet; of two that wait the one whose turn comes first, of others alike the one in which the customer wrote last.
    Where none is live `one` joins `other` if we know a customer by that, else it is joined.

    Raises:
        StoreUnavailableError: others kept changing the same homes. Repeat.
    """
    key = home_key(world)
    homes = {home_of(one, key): one, home_of(other, key): other}
    for _ in range(TRIES):
        found = [find_live(world, CustomerId(home)) for home in homes]
        lives = [head for _, head in found if head]
        if lives:
            goes_on = max(lives, key=_precedence)
            done = link_identifiers(world, goes_on, (one, other), why=why) == goes_on.home
        else:
            done = _link_quiet(world, homes, *(Home(customer) for customer, _ in found), why=why)
        if done:
            return
    raise StoreUnavailableError("the homes are changing too fast")


def _precedence(head: Head) -> tuple[int, int, str]:
    waits = head.state in {ContactState.QUEUED, ContactState.OFFERED}
    return _RANKS[head.state], -head.score if waits else 0, head.latest


def _link_quiet(world: World, homes: Mapping[Home, Identifier], one: Home, other: Home, *, why: str) -> bool:
    """Try to link where nothing is live; return whether it was done."""
    wish = other if world.customers.find_customer(CustomerId(other)) else one
    survivor = wish if one == other else _agreed(world, one, other, wish)
    if any(_join(world, survivor, home, _Terms(why)) != survivor for home in homes):
        return False  # somebody wrote in this instant
    if isinstance(world.threads.get_live(survivor), Moved):
        return False  # it has been joined itself meanwhile
    for home, identifier in homes.items():
        _claim(world, CustomerId(survivor), identifier, home, why)
    return True


def _claim(world: World, customer: CustomerId, identifier: Identifier, home: Home, why: str) -> None:
    known = CustomerIdentifier(identifier=identifier, home=home, since_ms=world.clock())
    world.customers.add_identifier(customer, known)
    if home != Home(customer):
        world.customers.record_link(customer, CustomerId(home), why=why, at_ms=known.since_ms)


# ---------------------------------------------------------------- two homes, one conversation


def _join(world: World, survivor: Home, other: Home, terms: _Terms) -> Home:
    """Let `other` and `survivor` lead to one live conversation; return where that is."""
    passed = []
    for _ in range(TRIES):
        if other == survivor:
            break
        there = world.threads.get_live(other)
        if isinstance(there, Moved):
            passed.append(other)
            other = there.to
        elif there is None:
            if world.threads.move_home(other, survivor, None):
                passed.append(other)
                break
        else:
            survivor, joined = _unite(world, survivor, there, terms)
            if joined:
                break
    else:
        raise StoreUnavailableError("the homes are changing too fast")
    for home in passed:
        _adopt(world, CustomerId(survivor), CustomerId(home))
    return survivor


def _unite(world: World, survivor: Home, there: Head, terms: _Terms) -> tuple[Home, bool]:
    """Try to make one conversation of two; return where ours lives then, and whether it was done."""
    ours = world.threads.get_live(survivor)
    if isinstance(ours, Moved):
        return ours.to, False
    if ours is None:
        return there.home, world.threads.move_home(survivor, there.home, None)
    into = _agreed(world, survivor, there.home, there.home if _gives_way(ours, there, terms) else survivor)
    done = _absorb(world, there if into == survivor else ours, into, terms)
    return (into if done else survivor), done


def _gives_way(ours: Head, there: Head, terms: _Terms) -> bool:
    if terms.announces:  # even to one that is over: the message brings it back
        over = ours.state is ContactState.RESOLVED and there.state is not ContactState.RESOLVED
        return ours.turn == 1 or over
    return _RANKS[there.state] > _RANKS[ours.state]


def _agreed(world: World, one: Home, other: Home, wish: Home) -> Home:
    """Return which of two homes takes the other in: what the first to ask wished, for good.

    Else two who join them at the same instant could let each point to the other.
    """
    first, second = sorted((one, other))
    _, into = world.threads.remember_arrival(first, digest("join", first, second), world.clock(), wish)
    return Home(into)


def _absorb(world: World, head: Head, into: Home, terms: _Terms) -> bool:
    """End `head` in favour of what lives in `into`: its last state is kept, its agent freed, its home points there."""
    over = replace(
        head,
        state=ContactState.RESOLVED,
        turn=head.turn + 1,
        why=_operation(head.conversation, head.turn),
        past=with_past(head, head.holder) if head.holder else head.past,
        holder=None,
        sockets=(),
        closed_ms=world.clock(),
    )
    ahead = _make_room(world, head, into, terms)
    world.threads.archive(over)
    work = {"kind": "joined", "conversation": head.conversation, "turn": head.turn, "into": into, "why": terms.why}
    world.timers.arm(work, delay_s=SECOND_LOOK_S)  # should this die behind the move
    if not world.threads.move_home(head.home, into, head):
        return False
    _finish(world, over, into, terms.why)
    if ahead:
        notify_holder(world, ahead, conversation_frame(ahead))
    return True


def _operation(conversation: ConversationId, turn: int) -> str:
    return digest("join", conversation, str(turn))


def _make_room(world: World, head: Head, into: Home, terms: _Terms) -> Head | None:
    """Prepare what takes `head` in: return it if somebody's screens are to be told.

    What was set aside or over is queued again if the customer waits in `head`, as a message of theirs would do. That
    comes before the move: whatever dies until then is repeated, and finishes it.

    The customer can still be answered the ways they wrote to `head`; in web chat by the one that is theirs now, so that
    whoever comes as a new visitor each time does not fill a head with ways. And a version that leaps by two makes the
    screens of its holder ask for what they miss: the messages that join theirs.
    """
    ways = {living_way(world, via): at_ms for via, at_ms in sorted(head.vias.items(), key=lambda item: item[1])}
    for _ in range(TRIES):
        live = world.threads.get_live(into)
        if not isinstance(live, Head):
            return None
        new = {via: at_ms for via, at_ms in ways.items() if via not in live.vias}
        changes: dict[str, Any] = {"vias": new} | ({"version": live.version + 2} if live.holder else {})
        if head.latest > live.latest:
            changes |= {"latest": head.latest, "last_via": head.last_via}
        if head.state in _EXPECTING and not terms.announces:
            if live.state in _SET_ASIDE:
                if _bring_back(world, live, head, changes):
                    return None
                continue
            _finish_bringing_back(world, live)
        expected = Expected(conversation=live.conversation, turn=live.turn, states=(live.state,), version=live.version)
        outcome = world.threads.transition(into, expected, changes)
        if outcome.won:
            return outcome.head if live.holder else None
    raise StoreUnavailableError("the conversation is changing too fast")


_WAITED = "customer waited in a conversation that joins this one"


def _bring_back(world: World, live: Head, head: Head, changes: Mapping[str, Any]) -> bool:
    """Queue `live` for the customer who waits in `head`, first for whom they know; False if it has changed."""
    changes = {
        **changes,
        **(_reopened(head) if live.state is ContactState.RESOLVED else {}),
        "opener": head.opener,
        "preferred": live.holder or live.preferred,
    }
    return requeue(
        world,
        live,
        (live.state,),
        why=_WAITED,
        by="routing",
        changes=changes,
        release=True,
        version=live.version,
        preview=preview_of(world, head),  # where it stands is no home of this customer's yet
    )


def _reopened(head: Head) -> dict[str, Any]:
    """Return what a conversation that was over has of the one that joins it: it waits in its place and queue."""
    return {
        "queue": head.queue,
        "work_class": head.work_class,
        "requirement": head.base_requirement,
        "base_requirement": head.base_requirement,
        "score": head.score,
        "disposition": None,
        "reopened_ms": head.waiting_since_ms,
    }


def _finish_bringing_back(world: World, live: Head) -> None:
    """Go on where an earlier attempt died; whatever else has queued it is only looked at once more."""
    if is_own_requeue(live, live.conversation, live.turn - 1):
        finish_letting_go(world, live, live.turn - 1, why=_WAITED, by="routing")


def finish_joining(world: World, conversation: ConversationId, turn: int, into: Home, why: str) -> None:
    """Do what follows the end of a conversation that joined another one, if it has come to that."""
    over = find_head(world, conversation)
    if over and over.why == _operation(conversation, turn):
        _finish(world, over, into, why)


def _finish(world: World, over: Head, into: Home, why: str) -> None:
    turn, customer, other = over.turn - 1, CustomerId(into), CustomerId(over.home)
    holder = held_at(over, turn)
    _adopt(world, customer, other)
    world.customers.record_link(customer, other, why=why, at_ms=world.clock())
    record_state(world, over, by="routing", why="joined another conversation of the customer", agent=holder)
    world.routing.delete_waiting(replace(over, turn=turn).waiting(None))
    agent = world.routing.find_agent(holder) if holder else None
    if agent and agent.held.get(over.conversation):
        notify_agent(world, agent.agent_id, agent.sockets, offer_ended_frame(over.conversation, turn, "gone"))
        notify_agent(world, agent.agent_id, agent.sockets, conversation_frame(over))
    if agent:
        settle(world, agent.agent_id, [(over.conversation, turn)], ensure=True)


def _adopt(world: World, customer: CustomerId, other: CustomerId) -> None:
    """Let a customer have what is known of another one: card, identifiers with their homes, every word about consent.

    Those homes point straight to the customer's then: however often somebody is joined, nobody's way becomes long.
    """
    known = world.customers.find_customer(other)
    if known:
        world.customers.complete_card(customer, known)
    for home in dict.fromkeys(item.home for item in known.identifiers) if known else ():
        if home != Home(customer):
            world.threads.shorten_move(home, Home(customer))
    for item in known.identifiers if known else ():
        world.customers.add_identifier(customer, item)
        for account, word in item.consents.items():
            granted, at_ms = word.startswith("+"), int(word[1:])
            world.customers.set_consent(customer, item.identifier, account, granted=granted, at_ms=at_ms)
