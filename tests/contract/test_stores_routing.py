"""Agents, claims and hints: the same promises in memory and on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.tables import ANNA, BEN, HOME, NOW_MS, OTHER_HOME, Stores, agent, offer, opened, ready, waiting
from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.domain.routing import Agent, Claim, NextPresence, Presence, Slot, with_slot, with_stamps, without_slots

NO_LOAD = {"voice": 0, "chat": 0, "email": 0}


def known(stores: Stores, given: Agent | None = None) -> Agent:
    """Add an agent and return them as they are stored."""
    given = given or agent()
    stores.routing.add_agent(given)
    return found(stores, given)


def found(stores: Stores, given: Agent) -> Agent:
    standing = stores.routing.find_agent(given.agent_id)
    assert standing is not None
    return standing


def live(stores: Stores, home: Home = HOME) -> Head:
    standing = stores.threads.get_live(home)
    assert isinstance(standing, Head)
    return standing


# ---------------------------------------------------------------- agents


def test_an_agent_is_found_as_added_with_a_load_for_every_class(stores: Stores) -> None:
    held = {ConversationId(f"{HOME}.1"): Slot(home=HOME, turn=2, work_class="chat")}
    held[ConversationId(f"{HOME}.2")] = Slot(home=OTHER_HOME, turn=4, work_class="chat")
    rich = agent(load={"chat": 2}, held=held, stamps={"voice": "1.2"}, reason="lunch", seq=7, epoch=3)

    assert stores.routing.add_agent(rich)

    assert stores.routing.find_agent(ANNA) == replace(rich, load=NO_LOAD | {"chat": 2})
    assert stores.routing.find_agent(BEN) is None


def test_a_bare_agent_is_found_as_added(stores: Stores) -> None:
    bare = Agent(agent_id=ANNA)

    assert known(stores, bare) == replace(bare, load=NO_LOAD)


def test_an_agent_is_added_once(stores: Stores) -> None:
    first = known(stores)

    assert not stores.routing.add_agent(agent(name="Other"))
    assert found(stores, first) == first


def test_an_agent_is_replaced_only_as_they_were_read(stores: Stores) -> None:
    read = known(stores)

    assert stores.routing.replace_agent(read, replace(read, presence=Presence.NOT_READY, reason="lunch"))
    assert not stores.routing.replace_agent(read, replace(read, presence=Presence.OFFLINE))

    assert found(stores, read) == replace(read, presence=Presence.NOT_READY, reason="lunch", seq=read.seq + 1)


def test_nobody_is_replaced_who_is_not_there(stores: Stores) -> None:
    assert not stores.routing.replace_agent(agent(), agent(name="Other"))
    assert stores.routing.find_agent(ANNA) is None


def test_one_of_many_replacements_at_once_is_made(stores: Stores) -> None:
    read = known(stores)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: stores.routing.replace_agent(read, replace(read, name=str(n))), range(16)))

    assert won.count(True) == 1
    assert found(stores, read).seq == read.seq + 1


def test_all_agents_are_listed(stores: Stores) -> None:
    ben, anna = known(stores, agent(BEN)), known(stores)

    assert stores.routing.list_agents() == [anna, ben]


# ---------------------------------------------------------------- claims


def test_a_claim_writes_both_sides(stores: Stores) -> None:
    before, head = known(stores), opened(stores)

    assert stores.routing.claim(offer(head)) == (Claim.WON, None)

    slot = Slot(home=HOME, turn=2, work_class="chat")
    assert found(stores, before) == replace(
        before, held={head.conversation: slot}, load=NO_LOAD | {"chat": 1}, seq=before.seq + 1
    )
    assert live(stores) == replace(
        head,
        state=ContactState.OFFERED,
        holder=ANNA,
        epoch=1,
        turn=2,
        deadline_ms=NOW_MS + 20_000,
        nonce="nonce-anna",
        sockets=("socket-of-anna",),
    )


def test_a_claim_that_is_repeated_after_a_lost_reply_is_one(stores: Stores) -> None:
    before, head = known(stores), opened(stores)
    stores.routing.claim(offer(head))

    assert stores.routing.claim(offer(head))[0] is Claim.WON
    assert found(stores, before).load == NO_LOAD | {"chat": 1}
    assert live(stores).turn == 2


def test_a_second_claim_of_a_contact_finds_it_gone(stores: Stores) -> None:
    before, other, head = known(stores), known(stores, agent(BEN)), opened(stores)
    stores.routing.claim(offer(head))

    assert stores.routing.claim(offer(head, BEN)) == (Claim.CONTACT_GONE, None)
    assert stores.routing.claim(offer(head, nonce="another")) == (Claim.CONTACT_GONE, found(stores, before))
    assert found(stores, other) == other
    assert live(stores).holder == ANNA


def test_an_agent_is_claimed_up_to_capacity(stores: Stores) -> None:
    before = known(stores)
    homes = [Home(f"h-{number:020x}") for number in range(3)]
    heads = [opened(stores, home) for home in homes]

    claims = [stores.routing.claim(offer(head, nonce=head.home)) for head in heads]

    assert claims == [(Claim.WON, None), (Claim.WON, None), (Claim.AGENT_UNABLE, found(stores, before))]
    assert found(stores, before).load == NO_LOAD | {"chat": 2}
    assert live(stores, homes[2]) == heads[2]


@pytest.mark.parametrize(
    "unable",
    [
        {"presence": Presence.NOT_READY},
        {"sockets": ()},
        {"epoch": 2},
        {"load": {"voice": 1}},
        {"load": {"chat": 2}},
        {"capacity": {"voice": 1}},
        {"held": {ConversationId(f"{HOME}.held"): Slot(home=HOME, turn=1, work_class="email")}},
    ],
)
def test_an_agent_who_is_unable_is_told_as_they_stand(stores: Stores, unable: dict[str, Any]) -> None:
    before, head = known(stores, agent(**unable)), opened(stores)
    if "held" in unable:
        expected = Expected(conversation=head.conversation, turn=1, states=())
        stores.threads.transition(HOME, expected, {"conversation": ConversationId(f"{HOME}.held")})
        head = live(stores)

    assert stores.routing.claim(offer(head)) == (Claim.AGENT_UNABLE, before)
    assert found(stores, before) == before
    assert live(stores) == head


def test_an_agent_who_chats_is_not_able_to_talk(stores: Stores) -> None:
    before = known(stores, agent(load={"chat": 1}))
    head = opened(stores, work_class="voice")

    assert stores.routing.claim(offer(head)) == (Claim.AGENT_UNABLE, before)


def test_an_agent_who_is_not_there_is_unable(stores: Stores) -> None:
    assert stores.routing.claim(offer(opened(stores))) == (Claim.AGENT_UNABLE, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"turn": 2},
        {"state": ContactState.ACTIVE},
        {"excluded": (BEN, ANNA)},
        {"conversation": ConversationId(f"{HOME}.other")},
    ],
)
def test_a_contact_that_moved_on_is_gone(stores: Stores, changed: dict[str, Any]) -> None:
    before, read = known(stores), opened(stores)
    expected = Expected(conversation=read.conversation, turn=1, states=())
    stores.threads.transition(HOME, expected, changed)
    standing = live(stores)

    assert stores.routing.claim(offer(read)) == (Claim.CONTACT_GONE, None)
    assert found(stores, before) == before
    assert live(stores) == standing


def test_the_agent_who_is_not_excluded_may_have_it(stores: Stores) -> None:
    known(stores)
    head = opened(stores)
    stores.threads.transition(HOME, Expected(conversation=head.conversation, turn=1, states=()), {"excluded": (BEN,)})

    assert stores.routing.claim(offer(head)) == (Claim.WON, None)


def test_a_conversation_that_is_not_there_is_gone(stores: Stores) -> None:
    known(stores)
    head = opened(stores)
    stores.threads.move_home(HOME, OTHER_HOME, head)

    assert stores.routing.claim(offer(head)) == (Claim.CONTACT_GONE, None)
    assert stores.routing.claim(offer(replace(head, home=Home("h-nobody")))) == (Claim.CONTACT_GONE, None)


def test_a_contact_gone_and_an_agent_unable_are_both_told(stores: Stores) -> None:
    before = known(stores, agent(presence=Presence.OFFLINE))
    head = opened(stores)
    stores.threads.move_home(HOME, OTHER_HOME, head)

    assert stores.routing.claim(offer(head)) == (Claim.CONTACT_GONE, before)


# ---------------------------------------------------------------- swaps


def swapped(stores: Stores, head: Head) -> tuple[Agent, Agent]:
    """Return an agent who holds one contact, and the same one with `head` in its stead."""
    finished = ConversationId(f"{OTHER_HOME}.1")
    busy = with_slot(agent(), finished, Slot(home=OTHER_HOME, turn=5, work_class="chat"))
    read = known(stores, busy)
    freed = without_slots(read, [(finished, 5)])
    slot = Slot(home=head.home, turn=head.turn + 1, work_class="chat")
    return read, with_stamps(read, with_slot(freed, head.conversation, slot), NOW_MS)


def test_a_swap_frees_and_claims_in_one(stores: Stores) -> None:
    head = opened(stores)
    read, new = swapped(stores, head)

    assert stores.routing.swap(read, new, offer(head)) is Claim.WON
    assert found(stores, read) == replace(new, seq=read.seq + 1)
    assert (live(stores).state, live(stores).holder, live(stores).turn) == (ContactState.OFFERED, ANNA, 2)


def test_a_swap_that_is_repeated_after_a_lost_reply_is_one(stores: Stores) -> None:
    head = opened(stores)
    read, new = swapped(stores, head)
    stores.routing.swap(read, new, offer(head))

    assert stores.routing.swap(read, new, offer(head)) is Claim.WON
    assert found(stores, read).seq == read.seq + 1


def test_a_swap_is_lost_if_somebody_wrote_the_agent_since(stores: Stores) -> None:
    head = opened(stores)
    read, new = swapped(stores, head)
    stores.routing.replace_agent(read, replace(read, reason="lunch"))

    assert stores.routing.swap(read, new, offer(head)) is Claim.AGENT_UNABLE
    assert found(stores, read) == replace(read, reason="lunch", seq=read.seq + 1)
    assert live(stores) == head


def test_a_swap_is_lost_if_the_contact_is_gone(stores: Stores) -> None:
    head = opened(stores)
    read, new = swapped(stores, head)
    known(stores, agent(BEN))
    stores.routing.claim(offer(head, BEN))

    assert stores.routing.swap(read, new, offer(head)) is Claim.CONTACT_GONE
    assert found(stores, read) == read


# ---------------------------------------------------------------- by hand


def taking(head: Head, nonce: str = "nonce-by-hand") -> dict[str, Any]:
    return {
        "state": ContactState.ACTIVE,
        "turn": head.turn + 1,
        "holder": BEN,
        "past": (f"{head.turn}:{ANNA}",),
        "excluded": (),
        "deadline_ms": None,
        "nonce": nonce,
    }


def holding(head: Head, read: Agent) -> Agent:
    slot = Slot(home=head.home, turn=head.turn + 1, work_class="chat")
    return with_stamps(read, with_slot(read, head.conversation, slot), NOW_MS)


def with_anna(stores: Stores) -> Head:
    """Return a conversation that is offered to Anna."""
    head = opened(stores)
    known(stores, agent())
    assert stores.routing.claim(offer(head))[0] is Claim.WON
    return live(stores)


def test_a_contact_is_taken_by_hand_in_one_whoever_has_it(stores: Stores) -> None:
    head = with_anna(stores)
    read = known(stores, agent(BEN, presence=Presence.NOT_READY))

    assert stores.routing.take_over(read, holding(head, read), head, taking(head)) is Claim.WON
    now = live(stores)
    assert (now.state, now.holder, now.turn, now.deadline_ms) == (ContactState.ACTIVE, BEN, head.turn + 1, 0)
    assert now.past == (f"{head.turn}:{ANNA}",)
    assert found(stores, read) == replace(holding(head, read), seq=read.seq + 1)


def test_taking_by_hand_that_is_repeated_after_a_lost_reply_is_one(stores: Stores) -> None:
    head = with_anna(stores)
    read = known(stores, agent(BEN))
    stores.routing.take_over(read, holding(head, read), head, taking(head))

    assert stores.routing.take_over(read, holding(head, read), head, taking(head)) is Claim.WON
    assert found(stores, read).seq == read.seq + 1


def test_taking_by_hand_is_lost_if_the_contact_has_moved_on(stores: Stores) -> None:
    head = with_anna(stores)
    read = known(stores, agent(BEN))
    before = replace(head, turn=head.turn - 1)

    assert stores.routing.take_over(read, holding(before, read), before, taking(before)) is Claim.CONTACT_GONE
    assert (found(stores, read), live(stores)) == (read, head)


def test_taking_by_hand_is_lost_if_somebody_wrote_the_agent_since(stores: Stores) -> None:
    head = with_anna(stores)
    read = known(stores, agent(BEN))
    stores.routing.replace_agent(read, replace(read, reason="lunch"))

    assert stores.routing.take_over(read, holding(head, read), head, taking(head)) is Claim.AGENT_UNABLE
    assert live(stores) == head


def test_an_agent_stands_there_with_their_next_presence(stores: Stores) -> None:
    for following in (
        NextPresence(presence=Presence.OFFLINE),
        NextPresence(presence=Presence.NOT_READY, reason="lunch"),
    ):
        read = known(stores, agent(AgentId(f"anna-{following.presence}"), next=following, since_ms=NOW_MS))

        assert (read.next, read.since_ms, read.routable) == (following, NOW_MS, False)


def test_who_is_about_to_leave_is_not_claimed_for(stores: Stores) -> None:
    head = opened(stores)
    known(stores, agent(next=NextPresence(presence=Presence.OFFLINE)))

    assert stores.routing.claim(offer(head))[0] is Claim.AGENT_UNABLE
    assert live(stores) == head


# ---------------------------------------------------------------- hints


def test_those_who_became_able_first_stand_first(stores: Stores) -> None:
    later = ready(ANNA, stamp=f"{NOW_MS + 1:013d}.00000002")
    first = ready(BEN, stamp=f"{NOW_MS:013d}.00000009", signature="de.5", sockets=())
    for item in (later, first, ready(BEN, work_class="email")):
        stores.routing.put_ready(item)

    for strong in (True, False):
        assert stores.routing.list_ready("chat", limit=4, strong=strong) == [first, later]
        assert stores.routing.list_ready("chat", limit=1, strong=strong) == [first]
    assert stores.routing.list_ready("voice", limit=4, strong=True) == []


def test_taking_away_an_old_hint_leaves_a_newer_one(stores: Stores) -> None:
    old, new = ready(stamp=f"{NOW_MS:013d}.00000001"), ready(stamp=f"{NOW_MS:013d}.00000002")
    stores.routing.put_ready(old)
    stores.routing.put_ready(new)

    stores.routing.delete_ready(old)
    stores.routing.delete_ready(old)

    assert stores.routing.list_ready("chat", limit=4, strong=True) == [new]


def test_an_agent_without_skills_stands_ready_too(stores: Stores) -> None:
    stores.routing.put_ready(ready(signature=""))

    assert stores.routing.list_ready("chat", limit=4, strong=True) == [ready(signature="")]


def test_the_oldest_contact_stands_first_with_all_that_an_offer_shows(stores: Stores) -> None:
    rich = waiting(
        9, score=5, excluded=(ANNA, BEN), preferred=BEN, name="Ada", via="telegram/demo|telegram:1", preview="Hi"
    )
    for item in (waiting(7), waiting(8), rich, waiting(1, requirement="@anna"), waiting(2, work_class="voice")):
        stores.routing.put_waiting(item)

    assert stores.routing.list_waiting("chat", "de.1", limit=9, strong=True) == [rich, waiting(7), waiting(8)]
    assert stores.routing.list_waiting("chat", "de.1", limit=1, strong=True) == [rich]
    assert stores.routing.list_waiting("chat", "@anna", limit=9, strong=True) == [waiting(1, requirement="@anna")]


def test_taking_away_the_hint_of_an_earlier_turn_leaves_the_later_one(stores: Stores) -> None:
    stores.routing.put_waiting(waiting(turn=1))
    stores.routing.put_waiting(waiting(turn=2))

    stores.routing.delete_waiting(waiting(turn=1))
    stores.routing.delete_waiting(waiting(turn=1))

    assert stores.routing.list_waiting("chat", "de.1", limit=9, strong=True) == [waiting(turn=2)]


def test_a_hint_is_put_twice_as_one(stores: Stores) -> None:
    stores.routing.put_waiting(waiting())
    stores.routing.put_waiting(waiting())

    assert stores.routing.list_waiting("chat", "de.1", limit=9, strong=True) == [waiting()]


# ---------------------------------------------------------------- the directory


def test_what_was_added_to_the_directory_is_listed_at_once(stores: Stores) -> None:
    assert stores.routing.list_requirements("chat") == []

    for requirement in ("de.1", "", "billing.3+de.1"):
        assert stores.routing.add_requirement("chat", requirement)
    assert stores.routing.add_requirement("voice", "it.1")

    assert stores.routing.list_requirements("chat") == ["", "billing.3+de.1", "de.1"]
    assert stores.routing.list_requirements("voice") == ["it.1"]


def test_what_was_added_long_ago_is_known(stores: Stores) -> None:
    stores.routing.add_requirement("chat", "de.1")
    stores.clock.now_ms += 60_000

    assert not stores.routing.add_requirement("chat", "de.1")
    assert stores.routing.add_requirement("voice", "de.1")


# ---------------------------------------------------------------- at once


def test_claims_at_once_never_exceed_capacity(stores: Stores) -> None:
    before = known(stores)
    heads = [opened(stores, Home(f"h-{number:020x}")) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda head: stores.routing.claim(offer(head, nonce=head.home))[0], heads))

    assert sorted(claims) == [Claim.AGENT_UNABLE] * 6 + [Claim.WON] * 2
    assert found(stores, before).load == NO_LOAD | {"chat": 2}
    assert len(found(stores, before).held) == 2


def test_claims_at_once_give_a_contact_one_holder(stores: Stores) -> None:
    agents = [known(stores, agent(BEN.__class__(f"agent-{number}"))) for number in range(8)]
    head = opened(stores)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda each: stores.routing.claim(offer(head, each.agent_id))[0], agents))

    assert sorted(claims) == [Claim.CONTACT_GONE] * 7 + [Claim.WON]
    assert [each.agent_id for each in stores.routing.list_agents() if each.held] == [live(stores).holder]
