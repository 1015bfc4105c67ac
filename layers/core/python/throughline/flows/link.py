"""Several identifiers, one customer: claim them, and let their homes point to where the customer's conversation lives.

Only what a provider attests is linked here. A link is an edge: entries stay in their homes and are read together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from throughline.domain.conversations import ContactState, Expected, Head, Moved
from throughline.domain.customers import CustomerIdentifier
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.frames import conversation_frame, offer_ended_frame
from throughline.domain.identifiers import ConversationId, CustomerId, Home, Identifier, digest, home_of
from throughline.flows.assign import SECOND_LOOK_S, settle
from throughline.flows.notify import notify_agent, notify_holder
from throughline.flows.read_thread import find_live
from throughline.flows.record_state import record_state
from throughline.flows.requeue import find_head, held_at, with_past
from throughline.flows.visitor_ways import living_way
from throughline.ports import World

ATTESTED = "the provider attests both"
TRIES = 30


def home_key(world: World) -> bytes:
    """Return the key under which identifiers become homes; it is never rotated."""
    return world.secrets.get_secret("home-key").encode()


def link_identifiers(world: World, head: Head, identifiers: Sequence[Identifier]) -> Home:
    """Make every identifier the customer's, and return the home in which their conversation lives then.

    That is another one if nobody has been asked to take `head` yet, or if it is over, and an identifier leads to a
    conversation that is live: then this one joins that. Costs nothing for identifiers linked before.

    Raises:
        StoreUnavailableError: others kept changing the same homes. Repeat.
    """
    key = home_key(world)
    wanted = {home_of(identifier, key): identifier for identifier in identifiers}
    missing = {home: item for home, item in wanted.items() if home != head.home and home not in head.links}
    survivor = head.home
    for home, identifier in missing.items():
        survivor = _join(world, survivor, home)
        _claim(world, CustomerId(survivor), identifier, home)
    if missing and survivor == head.home:
        expected = Expected(conversation=head.conversation, turn=head.turn, states=(head.state,))
        world.threads.transition(head.home, expected, {"links": (*head.links, *missing)})
    return survivor


def link_pair(world: World, one: Identifier, other: Identifier) -> None:
    """Make two identifiers one customer's, whether or not a conversation of either is live. Safe to repeat.

    Of two conversations the one goes on that an agent has taken, or that is not over yet; of two alike the one in which
    the customer wrote last. Where none is live `one` joins `other` if we know a customer by that, else it is joined.

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
            done = link_identifiers(world, goes_on, (one, other)) == goes_on.home
        else:
            done = _link_quiet(world, homes, *(Home(customer) for customer, _ in found))
        if done:
            return
    raise StoreUnavailableError("the homes are changing too fast")


def _precedence(head: Head) -> tuple[int, str]:
    order = {ContactState.RESOLVED: 0, ContactState.QUEUED: 1, ContactState.OFFERED: 1}
    return order.get(head.state, len(order)), head.latest


def _link_quiet(world: World, homes: Mapping[Home, Identifier], one: Home, other: Home) -> bool:
    """Try to link where nothing is live; return whether it was done."""
    wish = other if world.customers.find_customer(CustomerId(other)) else one
    survivor = wish if one == other else _agreed(world, one, other, wish)
    if any(_join(world, survivor, home) != survivor for home in homes):
        return False  # somebody wrote in this instant
    if isinstance(world.threads.get_live(survivor), Moved):
        return False  # it has been joined itself meanwhile
    for home, identifier in homes.items():
        _claim(world, CustomerId(survivor), identifier, home)
    return True


def _claim(world: World, customer: CustomerId, identifier: Identifier, home: Home) -> None:
    known = CustomerIdentifier(identifier=identifier, home=home, since_ms=world.clock())
    world.customers.add_identifier(customer, known)
    if home != Home(customer):
        world.customers.record_link(customer, CustomerId(home), why=ATTESTED, at_ms=known.since_ms)


# ---------------------------------------------------------------- two homes, one conversation


def _join(world: World, survivor: Home, other: Home) -> Home:
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
            survivor, joined = _unite(world, survivor, there)
            if joined:
                break
    else:
        raise StoreUnavailableError("the homes are changing too fast")
    for home in passed:
        _adopt(world, CustomerId(survivor), CustomerId(home))
    return survivor


def _unite(world: World, survivor: Home, there: Head) -> tuple[Home, bool]:
    """Try to make one conversation of two; return where ours lives then, and whether it was done."""
    ours = world.threads.get_live(survivor)
    if isinstance(ours, Moved):
        return ours.to, False
    if ours is None:
        return there.home, world.threads.move_home(survivor, there.home, None)
    # Ours gives way while nobody has been asked to take it, or if it is over and theirs is not.
    gives_way = ours.turn == 1 or (ours.state is ContactState.RESOLVED and there.state is not ContactState.RESOLVED)
    into = _agreed(world, survivor, there.home, there.home if gives_way else survivor)
    done = _absorb(world, there if into == survivor else ours, into)
    return (into if done else survivor), done


def _agreed(world: World, one: Home, other: Home, wish: Home) -> Home:
    """Return which of two homes takes the other in: what the first to ask wished, for good.

    Else two who join them at the same instant could let each point to the other.
    """
    first, second = sorted((one, other))
    _, into = world.threads.remember_arrival(first, digest("join", first, second), world.clock(), wish)
    return Home(into)


def _absorb(world: World, head: Head, into: Home) -> bool:
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
    ahead = _make_room(world, head, into)
    world.threads.archive(over)
    work = {"kind": "joined", "conversation": head.conversation, "turn": head.turn, "into": into}
    world.timers.arm(work, delay_s=SECOND_LOOK_S)  # should this die behind the move
    if not world.threads.move_home(head.home, into, head):
        return False
    _finish(world, over, into)
    if ahead:
        notify_holder(world, ahead, conversation_frame(ahead))
    return True


def _operation(conversation: ConversationId, turn: int) -> str:
    return digest("join", conversation, str(turn))


def _make_room(world: World, head: Head, into: Home) -> Head | None:
    """Prepare what takes `head` in: return it if somebody's screens are to be told.

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
        expected = Expected(conversation=live.conversation, turn=live.turn, states=(live.state,), version=live.version)
        outcome = world.threads.transition(into, expected, changes)
        if outcome.won:
            return outcome.head if live.holder else None
    raise StoreUnavailableError("the conversation is changing too fast")


def finish_joining(world: World, conversation: ConversationId, turn: int, into: Home) -> None:
    """Do what follows the end of a conversation that joined another one, if it has come to that."""
    over = find_head(world, conversation)
    if over and over.why == _operation(conversation, turn):
        _finish(world, over, into)


def _finish(world: World, over: Head, into: Home) -> None:
    turn, customer, other = over.turn - 1, CustomerId(into), CustomerId(over.home)
    holder = held_at(over, turn)
    _adopt(world, customer, other)
    world.customers.record_link(customer, other, why=ATTESTED, at_ms=world.clock())
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
