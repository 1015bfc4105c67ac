"""The agent at a terminal: where what they say goes, and what they are told when they are not let in."""

import pytest

from infra.local.agent import Desk, NotAdmittedError, refusal
from infra.local.agent_client import Frame


def event(conversation: str, state: str, version: int) -> Frame:
    return {"event": "conversation", "conversation": conversation, "state": state, "version": version}


def accepted(conversation: str) -> Frame:
    return {"event": "ack", "id": "1", "conversation": event(conversation, "active", 2) | {"entries": []}}


def closed(conversation: str) -> Frame:
    return {"event": "ack", "id": "2", "conversation": event(conversation, "resolved", 9)}


def desk(*frames: Frame) -> Desk:
    made = Desk()
    for frame in frames:
        made.take_in(frame)
    return made


def test_what_was_accepted_last_is_talked_in() -> None:
    assert desk(accepted("a"), accepted("b")).conversation == "b"


def test_an_offer_is_not_talked_in_before_it_is_accepted() -> None:
    offered = {"event": "offer", "offer": "b.1", "conversation": "b"}
    assert ("a", ["b.1"]) == (desk(accepted("a"), offered).conversation, desk(accepted("a"), offered).offers)


def test_of_several_offers_those_that_are_open_stay() -> None:
    first, second, third = ({"event": "offer", "offer": f"{name}.1", "conversation": name} for name in "abc")
    ended = {"event": "offer.ended", "offer": "c.1", "conversation": "c", "reason": "accepted"}
    assert desk(first, second, third, ended).offers == ["a.1", "b.1"]


@pytest.mark.parametrize("end", [closed("b"), event("b", "resolved", 9), event("b", "queued", 9)])
def test_after_a_conversation_is_over_another_open_one_is_talked_in(end: Frame) -> None:
    assert desk(accepted("a"), accepted("c"), accepted("b"), end).conversation == "c"


def test_after_the_last_one_is_over_nothing_is_talked_in_whatever_still_arrives() -> None:
    late = {"event": "message", "conversation": "a", "version": 10, "entry": {}}
    assert desk(accepted("a"), closed("a"), late, event("a", "active", 3)).conversation is None


def test_a_message_brings_its_conversation_before_the_agent() -> None:
    written = {"event": "message", "conversation": "a", "version": 3, "entry": {}}
    assert desk(accepted("a"), accepted("b"), written).conversation == "a"


def test_a_snapshot_brings_back_what_is_held_and_forgets_the_rest() -> None:
    snapshot = {"event": "snapshot", "me": {"agent": "ana"}, "offers": [], "conversations": [event("b", "active", 4)]}
    restored = desk(accepted("a"), accepted("b"), snapshot)
    assert (["b"], "b", 4) == (restored.held, restored.conversation, restored.versions["b"])


def test_what_somebody_else_holds_by_now_is_not_talked_in_any_more() -> None:
    snapshot = {"event": "snapshot", "me": {"agent": "ana"}, "offers": [], "conversations": []}
    taken_over = event("b", "active", 3) | {"holder": "lea"}
    mine = event("a", "wrapping", 3) | {"holder": "ana"}
    assert desk(snapshot, accepted("a"), accepted("b"), taken_over, mine).held == ["a"]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_agent_who_is_not_let_in_is_told_why_and_does_not_try_again(status: int) -> None:
    with pytest.raises(NotAdmittedError, match=f"^ana was refused with {status}: "):
        refusal("ana", status)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_of_the_stack_is_told_and_waited_for(status: int) -> None:
    assert refusal("ana", status).startswith(f"{status}: the stack is in trouble")
