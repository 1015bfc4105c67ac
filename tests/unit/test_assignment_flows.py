from typing import Any

import pytest

from tests.fakes.world import START_MS, Centre, agent_profile, dies_at
from throughline.domain.conversations import ContactState, Head
from throughline.domain.errors import ConflictError, ForbiddenError, InvalidRequestError
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.routing import Presence
from throughline.flows.assign import GLANCE
from throughline.flows.conclude import close, pause, transfer, wrap_up
from throughline.flows.offers import accept_offer, reject_offer, time_out_offer
from throughline.flows.presence import configure_agent, lose_connection, set_presence

MAYA, RAKA, DEWI = "telegram:1", "telegram:2", "telegram:3"
ANA, BUDI, SARA = AgentId("ana"), AgentId("budi"), AgentId("sara")


@pytest.fixture
def centre() -> Centre:
    return Centre(
        agent_profile("ana", en=5, billing=3),
        agent_profile("budi", en=3, id=5),
        agent_profile("sara", chats=1, en=3, sales=2),
    )


def accepted(centre: Centre, agent: AgentId, head: Head) -> Head:
    return accept_offer(centre.world, agent, head.conversation, head.turn)


def why(centre: Centre, head: Head) -> list[tuple[str, str, str]]:
    return [
        (change.state.value, change.by, change.why)
        for change in centre.threads.list_changes(head.home, head.conversation)
    ]


# ---------------------------------------------------------------- offers


def test_an_opened_contact_is_offered_to_the_most_proficient_able_agent(centre: Centre) -> None:
    centre.available("budi", "ana")
    head = centre.write(MAYA, "my order has not come")
    assert (head.state, head.holder, head.deadline_ms) == (ContactState.OFFERED, ANA, START_MS + 20_000)
    [offer] = centre.offers("ana-1")
    assert offer["preview"] == "my order has not come"
    assert offer["customer"] == {"id": head.customer, "name": "Maya"}
    assert offer["expires_at"] == "2025-11-22T08:27:00.000Z"
    assert centre.offers("budi-1") == []


def test_the_language_of_the_message_decides_who_may_take_it(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA, "halo, saya mau tanya pesanan saya belum sampai juga")
    assert (head.requirement, head.holder) == ("id.1", BUDI)


def all_different(number: int) -> dict[str, Any]:
    """Return a skill that nobody else has: every agent is of a signature of their own."""
    return {f"skill{number}": 1}


def test_among_those_who_are_able_longest_the_most_proficient_goes_first() -> None:
    others = [
        agent_profile(f"a{number:02d}", en=1 + number % 4, **all_different(number)) for number in range(3 * GLANCE)
    ]
    centre = Centre(*others, agent_profile("zoe", en=5))
    centre.available(*(profile.agent_id for profile in others[: GLANCE - 1]), "zoe")
    centre.pass_s(1)
    centre.available(*(profile.agent_id for profile in others[GLANCE - 1 :]))
    assert centre.write(MAYA).holder == "zoe"


def test_a_crowd_that_may_not_take_a_contact_does_not_hide_the_one_who_may() -> None:
    others = [agent_profile(f"a{number:02d}", id=5, **all_different(number)) for number in range(3 * GLANCE)]
    centre = Centre(*others, agent_profile("zoe", en=1))
    centre.available(*(profile.agent_id for profile in others))
    assert centre.write(MAYA).state is ContactState.QUEUED
    centre.available("zoe")
    assert centre.live(MAYA).holder == "zoe"
    assert centre.write(RAKA).holder == "zoe"


def test_a_contact_nobody_can_take_waits_and_goes_to_whoever_comes_free(centre: Centre) -> None:
    head = centre.write(MAYA)
    assert head.state is ContactState.QUEUED
    centre.available("ana")
    assert centre.live(MAYA).holder == ANA
    assert [offer["preview"] for offer in centre.offers("ana-1")] == ["hello"]
    assert centre.routing.waiting == {}


def test_a_freed_agent_takes_the_contact_that_has_waited_longest(centre: Centre) -> None:
    heads = []
    for sender in (MAYA, RAKA, DEWI):
        heads.append(centre.write(sender))
        centre.pass_s(1)
    centre.available("ana")
    assert [centre.live(sender).holder for sender in (MAYA, RAKA, DEWI)] == [ANA, ANA, None]
    accepted(centre, ANA, centre.live(MAYA))
    close(centre.world, ANA, heads[0].conversation, "solved", None)
    assert centre.live(DEWI).holder == ANA


def test_load_never_exceeds_capacity(centre: Centre) -> None:
    centre.available("ana", "budi", "sara")
    for number in range(9):
        centre.write(f"telegram:{number}")
    loads = {agent.agent_id: agent.load["chat"] for agent in centre.routing.agents.values()}
    assert loads == {"ana": 2, "budi": 2, "sara": 1}
    assert len(centre.routing.waiting) == 4


def test_an_offer_accepted_twice_is_one_assignment(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA)
    assert accepted(centre, ANA, head).state is ContactState.ACTIVE
    assert accepted(centre, ANA, head).state is ContactState.ACTIVE
    assert centre.routing.agents[ANA].load["chat"] == 1


def test_both_tabs_of_an_agent_see_the_offer_and_its_end(centre: Centre) -> None:
    centre.available("ana")
    snapshot = centre.hello("ana", "ana-2")
    assert snapshot["agent"]["presence"] == "available"
    head = centre.write(MAYA)
    assert len(centre.offers("ana-1")) == len(centre.offers("ana-2")) == 1
    accepted(centre, ANA, head)
    for tab in ("ana-1", "ana-2"):
        assert [frame["reason"] for frame in centre.sockets.to(tab, "offer.ended")] == ["accepted"]


def test_another_agents_offer_cannot_be_accepted(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA)
    with pytest.raises(ConflictError):
        accepted(centre, BUDI, head)


def test_a_rejected_contact_goes_to_the_next_with_its_age_and_not_back_at_once(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA)
    centre.pass_s(5)
    reject_offer(centre.world, ANA, head.conversation, head.turn, "busy")
    again = centre.live(MAYA)
    assert (again.holder, again.score, again.excluded) == (BUDI, head.score, (ANA,))
    reject_offer(centre.world, BUDI, again.conversation, again.turn, None)
    assert centre.live(MAYA).state is ContactState.QUEUED
    assert set(centre.live(MAYA).excluded) == {ANA, BUDI}


def test_who_let_it_pass_is_asked_again_after_the_cool_down(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA)
    reject_offer(centre.world, ANA, head.conversation, head.turn, None)
    centre.pass_s(29)
    assert centre.live(MAYA).state is ContactState.QUEUED
    centre.pass_s(2)
    assert centre.live(MAYA).holder == ANA


def test_rejecting_twice_gives_the_contact_back_once(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA)
    reject_offer(centre.world, ANA, head.conversation, head.turn, None)
    reject_offer(centre.world, ANA, head.conversation, head.turn, None)
    assert centre.live(MAYA).holder == BUDI
    assert centre.routing.agents[ANA].load["chat"] == 0


def test_an_offer_that_runs_out_goes_on_and_its_agent_is_not_ready(centre: Centre) -> None:
    centre.available("ana", "budi")
    centre.write(MAYA)
    centre.pass_s(20)
    assert centre.live(MAYA).holder == BUDI
    ana = centre.routing.agents[ANA]
    assert (ana.presence, ana.reason, ana.load["chat"]) == (Presence.NOT_READY, "no_answer", 0)
    assert [frame["reason"] for frame in centre.sockets.to("ana-1", "offer.ended")] == ["timed_out"]


def test_a_deadline_does_nothing_to_an_accepted_contact(centre: Centre) -> None:
    centre.available("ana")
    accepted(centre, ANA, centre.write(MAYA))
    centre.pass_s(60)
    assert centre.live(MAYA).state is ContactState.ACTIVE
    assert centre.routing.agents[ANA].presence is Presence.AVAILABLE


def test_an_accept_after_the_deadline_was_carried_out_is_too_late(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA)
    centre.pass_s(20)
    with pytest.raises(ConflictError):
        accepted(centre, ANA, head)
    assert centre.live(MAYA).holder == BUDI


def test_a_timeout_that_died_after_giving_the_contact_back_still_frees_the_agent(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA)
    with dies_at(centre.routing, "replace_agent"):
        time_out_offer(centre.world, head.conversation, head.turn, repeated=False)
    assert centre.routing.agents[ANA].load["chat"] == 1
    time_out_offer(centre.world, head.conversation, head.turn, repeated=True)
    assert centre.routing.agents[ANA].load["chat"] == 0
    assert centre.live(MAYA).holder == BUDI


def test_the_deadline_is_armed_before_the_claim(centre: Centre) -> None:
    centre.available("ana")
    with dies_at(centre.routing, "claim"):
        centre.write(MAYA)
    assert [timer.work["turn"] for timer in centre.timers.of_kind("offer_timeout")] == [2]


def test_every_change_says_who_when_and_why_and_an_offer_who_was_passed_over(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = centre.write(MAYA)
    reject_offer(centre.world, ANA, head.conversation, head.turn, "lunch")
    accepted(centre, BUDI, centre.live(MAYA))
    close(centre.world, BUDI, head.conversation, "solved", None)
    assert why(centre, head) == [
        ("offered", "routing", "chosen"),
        ("queued", "agent:ana", "lunch"),
        ("offered", "routing", "chosen"),
        ("active", "agent:budi", "accepted"),
        ("resolved", "agent:budi", "solved"),
    ]
    changes = centre.threads.list_changes(head.home, head.conversation)
    assert changes[0].decision["candidates"] == ["ana", "budi"]
    assert changes[2].decision["excluded"] == {"ana": "let it pass"}
    assert all(change.at_ms >= START_MS for change in changes)


# ---------------------------------------------------------------- presence and connections


def test_offers_return_at_once_when_the_last_socket_closes(centre: Centre) -> None:
    centre.available("ana", "budi")
    centre.write(MAYA)
    lose_connection(centre.world, ANA, ConnectionId("ana-1"), repeated=False)
    assert centre.live(MAYA).holder == BUDI
    assert centre.routing.agents[ANA].load["chat"] == 0


def test_a_closed_tab_takes_nothing_from_the_other(centre: Centre) -> None:
    centre.available("ana")
    centre.hello("ana", "ana-2")
    accepted(centre, ANA, centre.write(MAYA))
    lose_connection(centre.world, ANA, ConnectionId("ana-1"), repeated=False)
    centre.pass_s(300)
    assert centre.live(MAYA).holder == ANA
    centre.write(MAYA, "are you there?")
    assert centre.sockets.to("ana-2", "message")[-1]["entry"]["text"] == "are you there?"


def test_an_active_contact_stays_with_an_agent_who_is_back_within_the_grace(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = accepted(centre, ANA, centre.write(MAYA))
    lose_connection(centre.world, ANA, ConnectionId("ana-1"), repeated=False)
    centre.pass_s(30)
    centre.write(MAYA, "hello?")
    snapshot = centre.hello("ana", "ana-9")
    centre.pass_s(300)
    assert centre.live(MAYA).holder == ANA
    [conversation] = snapshot["conversations"]
    assert [entry["text"] for entry in conversation["entries"]] == ["hello", "hello?"]
    assert conversation["version"] > head.version


def test_an_active_contact_goes_to_somebody_else_after_the_grace(centre: Centre) -> None:
    centre.available("ana", "budi")
    accepted(centre, ANA, centre.write(MAYA))
    lose_connection(centre.world, ANA, ConnectionId("ana-1"), repeated=False)
    centre.pass_s(60)
    assert centre.live(MAYA).holder == BUDI
    ana = centre.routing.agents[ANA]
    assert (ana.presence, dict(ana.held)) == (Presence.OFFLINE, {})


def test_a_screen_that_answers_gone_while_it_is_offered_loses_the_offer(centre: Centre) -> None:
    centre.available("ana", "budi")
    centre.sockets.gone.add("ana-1")
    centre.write(MAYA)
    centre.pass_s(0)
    assert centre.live(MAYA).holder == BUDI


def test_a_late_disconnect_of_an_older_socket_changes_nothing(centre: Centre) -> None:
    centre.available("ana")
    lose_connection(centre.world, ANA, ConnectionId("ana-0"), repeated=False)
    assert centre.routing.agents[ANA].routable
    assert centre.timers.of_kind("grace") == []


def test_an_agent_who_is_not_ready_gets_nothing_new(centre: Centre) -> None:
    centre.available("ana")
    set_presence(centre.world, ANA, Presence.NOT_READY, "lunch")
    assert centre.write(MAYA).state is ContactState.QUEUED
    assert centre.routing.ready == {}
    set_presence(centre.world, ANA, Presence.AVAILABLE, None)
    assert centre.live(MAYA).holder == ANA


def test_both_tabs_are_told_the_presence(centre: Centre) -> None:
    centre.available("ana")
    centre.hello("ana", "ana-2")
    set_presence(centre.world, ANA, Presence.NOT_READY, "lunch")
    assert centre.sockets.to("ana-1", "presence")[-1]["reason"] == "lunch"
    assert centre.sockets.to("ana-2", "presence")[-1]["reason"] == "lunch"


def test_going_offline_gives_a_pending_offer_back(centre: Centre) -> None:
    centre.available("ana", "budi")
    centre.write(MAYA)
    set_presence(centre.world, ANA, Presence.OFFLINE, None)
    assert centre.live(MAYA).holder == BUDI


def test_nobody_signs_in_whom_nobody_configured(centre: Centre) -> None:
    with pytest.raises(ForbiddenError):
        centre.hello("mallory")


def test_hello_with_the_version_of_now_brings_no_entry_again(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    snapshot = centre.hello("ana", "ana-2", **{head.conversation: head.version})
    assert snapshot["conversations"][0]["entries"] == []


def test_a_new_skill_counts_at_once(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA, "halo, saya mau tanya pesanan saya belum sampai juga")
    assert head.state is ContactState.QUEUED
    configure_agent(centre.world, ANA, agent_profile("ana", en=5, id=1))
    assert centre.live(MAYA).holder == ANA


def test_a_skill_taken_away_counts_at_once(centre: Centre) -> None:
    centre.available("budi")
    configure_agent(centre.world, BUDI, agent_profile("budi", en=3))
    head = centre.write(MAYA, "halo, saya mau tanya pesanan saya belum sampai juga")
    assert head.state is ContactState.QUEUED


def test_an_agent_taken_out_of_the_configuration_gets_nothing_new(centre: Centre) -> None:
    centre.available("ana")
    configure_agent(centre.world, ANA, None)
    assert centre.write(MAYA).state is ContactState.QUEUED


# ---------------------------------------------------------------- letting go


def test_wrap_up_keeps_the_capacity_until_the_close(centre: Centre) -> None:
    centre.available("sara")
    head = accepted(centre, SARA, centre.write(MAYA))
    assert wrap_up(centre.world, SARA, head.conversation).state is ContactState.WRAPPING
    assert centre.write(RAKA).state is ContactState.QUEUED
    close(centre.world, SARA, head.conversation, "solved", None)
    assert centre.live(RAKA).holder == SARA


def test_a_close_needs_a_disposition_the_queue_knows(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    with pytest.raises(InvalidRequestError, match="solved, spam"):
        close(centre.world, ANA, head.conversation, "whatever", None)


def test_a_close_that_has_not_seen_the_last_message_is_refused(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    centre.write(MAYA, "wait!")
    with pytest.raises(ConflictError):
        close(centre.world, ANA, head.conversation, "solved", head.version)
    assert centre.live(MAYA).state is ContactState.ACTIVE


def test_closing_twice_is_closing_once(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    first = close(centre.world, ANA, head.conversation, "solved", None)
    assert close(centre.world, ANA, head.conversation, "solved", None).turn == first.turn
    assert centre.routing.agents[ANA].load["chat"] == 0


def test_what_comes_after_a_close_is_refused(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    close(centre.world, ANA, head.conversation, "solved", None)
    with pytest.raises(ForbiddenError):
        transfer(centre.world, ANA, head.conversation, queue="sales", to_agent=None)
    with pytest.raises(ConflictError):
        close(centre.world, ANA, head.conversation, "spam", None)


def test_a_transfer_to_a_queue_finds_who_has_its_skills(centre: Centre) -> None:
    centre.available("ana", "sara")
    head = accepted(centre, ANA, centre.write(MAYA))
    transfer(centre.world, ANA, head.conversation, queue="sales", to_agent=None)
    centre.pass_s(0)
    moved = centre.live(MAYA)
    assert (moved.holder, moved.queue, moved.requirement) == (SARA, "sales", "en.1+sales.2")
    assert centre.routing.agents[ANA].load["chat"] == 0
    assert centre.sockets.to("ana-1", "conversation")[-1]["holder"] == "sara"


def test_a_transfer_to_a_colleague_is_offered_to_nobody_else(centre: Centre) -> None:
    centre.available("ana", "budi", "sara")
    head = accepted(centre, ANA, centre.write(MAYA))
    transfer(centre.world, ANA, head.conversation, queue=None, to_agent=BUDI)
    centre.pass_s(0)
    assert centre.live(MAYA).holder == BUDI


def test_a_transfer_to_a_busy_colleague_waits_for_them(centre: Centre) -> None:
    centre.available("ana", "sara")
    busy = centre.write(RAKA, account="whatsapp/1002", channel="whatsapp")
    assert busy.holder == SARA
    accepted(centre, SARA, busy)
    head = accepted(centre, ANA, centre.write(MAYA))
    transfer(centre.world, ANA, head.conversation, queue=None, to_agent=SARA)
    centre.pass_s(0)
    assert centre.live(MAYA).state is ContactState.QUEUED
    close(centre.world, SARA, busy.conversation, None, None)
    assert centre.live(MAYA).holder == SARA


def test_a_contact_waiting_for_a_colleague_who_leaves_goes_back_to_the_queue(centre: Centre) -> None:
    centre.available("ana", "sara")
    accepted(centre, SARA, centre.write(RAKA, account="whatsapp/1002", channel="whatsapp"))
    head = accepted(centre, ANA, centre.write(MAYA))
    transfer(centre.world, ANA, head.conversation, queue=None, to_agent=SARA)
    centre.pass_s(0)
    lose_connection(centre.world, SARA, ConnectionId("sara-1"), repeated=False)
    centre.pass_s(60)
    assert centre.live(MAYA).holder == ANA


def test_a_colleague_who_declines_a_transfer_sends_it_back_to_the_queue(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = accepted(centre, ANA, centre.write(MAYA))
    transfer(centre.world, ANA, head.conversation, queue=None, to_agent=BUDI)
    centre.pass_s(0)
    offered = centre.live(MAYA)
    reject_offer(centre.world, BUDI, offered.conversation, offered.turn, None)
    assert (centre.live(MAYA).holder, centre.live(MAYA).requirement) == (ANA, "en.1")


@pytest.mark.parametrize("target", [{"queue": "nowhere", "to_agent": None}, {"queue": None, "to_agent": BUDI}])
def test_a_transfer_to_nowhere_is_refused(centre: Centre, target: dict[str, Any]) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    with pytest.raises(InvalidRequestError):
        transfer(centre.world, ANA, head.conversation, **target)


def test_a_paused_contact_frees_its_capacity_and_comes_back_when_the_customer_writes(centre: Centre) -> None:
    centre.available("sara")
    head = accepted(centre, SARA, centre.write(MAYA))
    pause(centre.world, SARA, head.conversation, centre.now_ms + 3_600_000)
    other = centre.write(RAKA)
    assert other.holder == SARA
    centre.write(MAYA, "any news?")
    assert centre.live(MAYA).state is ContactState.QUEUED
    accepted(centre, SARA, other)
    close(centre.world, SARA, other.conversation, "solved", None)
    assert centre.live(MAYA).holder == SARA


def test_a_paused_contact_comes_back_at_its_time_to_its_agent(centre: Centre) -> None:
    centre.available("ana", "budi")
    head = accepted(centre, ANA, centre.write(MAYA))
    pause(centre.world, ANA, head.conversation, centre.now_ms + 3_600_000)
    assert centre.hello("ana", "ana-2")["conversations"][0]["state"] == "paused"
    centre.pass_s(3600)
    assert centre.live(MAYA).holder == ANA
    assert centre.routing.agents[ANA].load["paused"] == 0


def test_a_pause_set_anew_outlives_the_first_timer(centre: Centre) -> None:
    centre.available("ana")
    head = accepted(centre, ANA, centre.write(MAYA))
    pause(centre.world, ANA, head.conversation, centre.now_ms + 60_000)
    pause(centre.world, ANA, head.conversation, centre.now_ms + 600_000)
    centre.pass_s(61)
    assert centre.live(MAYA).state is ContactState.PAUSED
