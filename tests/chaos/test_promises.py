"""Each promise notices what it is there for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests import promises
from tests.promises import Promise, Standing, breaches
from tests.tables import ANNA, HOME, OTHER_HOME, agent, entry, ready, reference, waiting
from throughline.domain.conversations import ContactState, Head
from throughline.domain.identifiers import AgentId, ConversationId
from throughline.domain.routing import Slot

CONVERSATION = ConversationId(f"{HOME}.1")
SOCKETS = ("socket-of-anna",)
SLOT = Slot(home=HOME, turn=2, work_class="chat")
STAMPS = {"chat": "stamp", "voice": "stamp"}
FREE = agent(stamps=STAMPS)
FULL = replace(FREE, capacity={"chat": 1}, load={"chat": 1}, held={CONVERSATION: SLOT}, stamps={})


def head(state: ContactState, **changed: Any) -> Head:
    values: dict[str, Any] = {
        "home": HOME,
        "conversation": CONVERSATION,
        "version": 1,
        "state": state,
        "turn": 2,
        "work_class": "chat",
        "queue": "support",
        "requirement": "de.1",
        "base_requirement": "de.1",
        "score": 1,
        "opener": "opener",
        "opened_ms": 1,
    }
    return Head(**(values | changed))


OFFERED = head(ContactState.OFFERED, holder=ANNA, sockets=SOCKETS)
QUEUED = head(ContactState.QUEUED)
HINT = waiting(conversation=CONVERSATION, turn=2)
TIMER = {"kind": "offer_timeout", "conversation": CONVERSATION, "turn": 2}
DIRECTORY = {("chat", "req#de.1")}


def standing(**changed: Any) -> Standing:
    """Return a contact centre in which Anna has been offered a contact and has no room for another."""
    values: dict[str, Any] = {
        "agents": {ANNA: FULL},
        "lives": [OFFERED],
        "archived": [],
        "moves": {},
        "ready": [],
        "waiting": [],
        "directory": DIRECTORY,
        "timers": [TIMER],
        "connections": SOCKETS,
        "changes": [],
        "entries": [entry()],
    }
    return Standing(**(values | changed))


BROKEN: Mapping[str, tuple[Promise, Standing]] = {
    "more than one can take": (
        promises.load_is_what_is_held_and_within_capacity,
        standing(agents={ANNA: replace(FULL, capacity={"chat": 0})}),
    ),
    "a load that nothing explains": (
        promises.load_is_what_is_held_and_within_capacity,
        standing(agents={ANNA: replace(FULL, held={})}),
    ),
    "a slot of nothing": (promises.a_contact_and_its_slot_agree, standing(lives=[])),
    "a holder without a slot": (promises.a_contact_and_its_slot_agree, standing(agents={ANNA: FREE})),
    "two holders": (
        promises.a_contact_and_its_slot_agree,
        standing(agents={ANNA: FULL, AgentId("ben"): replace(FULL, agent_id=AgentId("ben"))}),
    ),
    "a screen that is not rung at": (
        promises.a_contact_and_its_slot_agree,
        standing(lives=[replace(OFFERED, sockets=())]),
    ),
    "waiting beside a free agent": (
        promises.nobody_waits_while_an_able_agent_is_free,
        standing(agents={ANNA: FREE}, lives=[QUEUED], waiting=[HINT]),
    ),
    "waiting where nobody looks": (
        promises.nobody_waits_while_an_able_agent_is_free,
        standing(agents={}, lives=[QUEUED], waiting=[replace(HINT, turn=1)]),
    ),
    "free and invisible": (promises.an_able_agent_can_be_found, standing(agents={ANNA: FREE}, lives=[])),
    "free under an old stamp": (
        promises.an_able_agent_can_be_found,
        standing(agents={ANNA: FREE}, lives=[], ready=[ready(stamp="older")]),
    ),
    "a requirement nobody knows": (
        promises.hints_stand_where_others_look,
        standing(lives=[QUEUED], waiting=[HINT], directory=set()),
    ),
    "an offer without end": (promises.whatever_has_an_end_has_a_timer, standing(timers=[])),
    "an exclusion without end": (
        promises.whatever_has_an_end_has_a_timer,
        standing(lives=[replace(QUEUED, excluded=(ANNA,))]),
    ),
    "an agent lost for good": (
        promises.a_lost_agent_has_a_grace_running,
        standing(agents={ANNA: replace(FULL, sockets=())}),
    ),
    "a screen that has gone": (promises.no_screen_is_open_that_has_gone, standing(connections=())),
    "homes in a circle": (
        promises.homes_lead_to_one_conversation,
        standing(moves={HOME: OTHER_HOME, OTHER_HOME: HOME}),
    ),
    "a message twice": (
        promises.a_message_is_one_entry,
        standing(entries=[entry(), entry(home=OTHER_HOME, reference=reference(1, 5))]),
    ),
    "a change nobody knows of": (promises.every_change_is_recorded, standing()),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_promise_that_is_broken_says_so(name: str) -> None:
    promise, broken = BROKEN[name]

    assert list(promise(broken)) != []


def test_where_all_is_well_nothing_is_said() -> None:
    assert breaches(standing()) == {}


def test_where_nobody_knows_the_timers_nothing_is_asked_of_them() -> None:
    assert breaches(standing(timers=None)) == {}


def test_breaches_are_told_by_promise() -> None:
    assert breaches(standing(timers=[])) == {
        "whatever_has_an_end_has_a_timer": [f"{CONVERSATION} is offered at turn 2 without offer_timeout"]
    }
