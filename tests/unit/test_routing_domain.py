from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.domain.configuration import ChannelAccount, Queue
from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.domain.requirements import requirement_after_transfer, requirement_for
from throughline.domain.routing import (
    WORK_CLASSES,
    Agent,
    Presence,
    Ready,
    Slot,
    able,
    able_classes,
    choose_candidate,
    fits,
    left_over,
    personal,
    rank_candidates,
    signature_of,
    skills_of,
    with_slot,
    with_stamps,
    without_slots,
)

ANA = Agent(
    agent_id=AgentId("ana"),
    signature="billing.4+en.5",
    presence=Presence.AVAILABLE,
    capacity={"voice": 1, "chat": 2, "email": 3},
    sockets=("s1",),
    seq=7,
    epoch=1,
)
SKILLS = st.dictionaries(st.sampled_from(["en", "id", "ar", "billing"]), st.integers(1, 5))


def ready(agent: str, signature: str, stamp: str) -> Ready:
    return Ready(work_class="chat", signature=signature, stamp=stamp, agent_id=AgentId(agent), epoch=1)


@pytest.mark.parametrize(
    ("expected", "change"),
    [
        (["voice", "chat", "email"], {}),
        ([], {"presence": Presence.NOT_READY}),
        ([], {"presence": Presence.OFFLINE}),
        ([], {"sockets": ()}),
        ([], {"load": {"voice": 1}}),
        (["chat", "email"], {"load": {"chat": 1}}),
        (["email"], {"load": {"chat": 2}}),
        (["voice", "chat"], {"load": {"email": 3}}),
        (["voice"], {"capacity": {"voice": 1}}),
        (["voice", "chat", "email"], {"load": {"paused": 9}}),
    ],
)
def test_an_agent_is_able_to_take(expected: list[str], change: dict[str, Any]) -> None:
    assert able_classes(replace(ANA, **change)) == expected


@pytest.mark.parametrize(
    ("expected", "requirement", "signature"),
    [
        (True, "", ""),
        (True, "en.1", "en.1"),
        (True, "en.3", "billing.4+en.5"),
        (False, "en.3", "en.2"),
        (False, "en.1+id.1", "en.5"),
        (False, "e.1", "en.5"),
    ],
)
def test_a_requirement_fits_who_has_every_skill_at_its_level(expected: bool, requirement: str, signature: str) -> None:
    assert fits(requirement, signature) is expected


def test_a_personal_requirement_fits_that_agent_alone() -> None:
    assert fits(personal(AgentId("ana")), "en.5", AgentId("ana"))
    assert not fits(personal(AgentId("ana")), "en.5", AgentId("anastasia"))
    assert not fits(personal(AgentId("ana")), "en.5")


@given(SKILLS)
def test_a_signature_tells_its_skills_back(skills: dict[str, int]) -> None:
    assert skills_of(signature_of(skills)) == skills


def test_the_more_proficient_goes_first_and_then_whoever_was_able_longest() -> None:
    ranked = rank_candidates(
        "en.1", [ready("new", "en.5", "3"), ready("weak", "en.2", "1"), ready("old", "billing.1+en.5", "2")]
    )
    assert [item.agent_id for item in ranked] == ["old", "new", "weak"]


@given(st.integers(min_value=0))
def test_only_equally_proficient_candidates_are_drawn_from(draw: int) -> None:
    ranked = rank_candidates("en.1", [ready("a", "en.5", "1"), ready("b", "en.5", "2"), ready("c", "en.4", "0")])
    assert choose_candidate("en.1", ranked, draw).agent_id in {"a", "b"}


def test_claims_of_the_same_instant_spread_over_three() -> None:
    ranked = rank_candidates("", [ready(name, "", name) for name in "abcde"])
    assert {choose_candidate("", ranked, draw).agent_id for draw in range(9)} == {"a", "b", "c"}


def test_a_slot_taken_and_dropped_leaves_the_agent_as_before() -> None:
    slot = Slot(home=Home("h-1"), turn=4, work_class="chat")
    holding = with_slot(ANA, ConversationId("h-1.a"), slot)
    assert holding.load["chat"] == 1
    freed = without_slots(holding, [(ConversationId("h-1.a"), 4)])
    assert (freed.held, freed.load["chat"]) == ({}, 0)


def test_a_slot_of_another_turn_is_not_dropped() -> None:
    slot = Slot(home=Home("h-1"), turn=4, work_class="chat")
    holding = with_slot(ANA, ConversationId("h-1.a"), slot)
    assert without_slots(holding, [(ConversationId("h-1.a"), 3)]) == holding


@pytest.mark.parametrize(("expected", "turn"), [((("h-1.a", 4),), 5), ((("h-1.a", 4),), 9), ((), 4), ((), 3)], ids=str)
def test_a_slot_is_left_over_once_its_contact_has_come_to_a_later_turn(
    expected: tuple[tuple[str, int], ...], turn: int
) -> None:
    holding = with_slot(ANA, ConversationId("h-1.a"), Slot(home=Home("h-1"), turn=4, work_class="chat"))
    assert left_over(holding, ConversationId("h-1.a"), turn) == expected
    assert left_over(holding, ConversationId("h-1.b"), turn) == ()


@given(st.sampled_from(WORK_CLASSES), st.integers(0, 3), st.integers(0, 3), st.booleans())
def test_a_class_that_turns_able_gets_a_stamp_never_used_before(
    work_class: str, before: int, after: int, here: bool
) -> None:
    old = replace(ANA, load={work_class: before}, stamps={work_class: "0000000000001.00000001"})
    new = replace(old, load={work_class: after}, sockets=("s1",) if here else ())
    stamped = with_stamps(old, new, now_ms=1_700_000_000_000)
    if able(new, work_class) and not able(old, work_class):
        assert stamped.stamps[work_class] == "1700000000000.00000008"
    else:
        assert stamped.stamps[work_class] == old.stamps[work_class]


def test_a_new_epoch_mints_every_stamp_anew() -> None:
    old = replace(ANA, stamps={"chat": "x", "email": "y", "voice": "z"})
    stamped = with_stamps(old, replace(old, epoch=2), now_ms=5)
    assert set(stamped.stamps.values()) == {"0000000000005.00000008"}


SUPPORT = Queue(name="support", skills={"care": 2})


def account(**changes: Any) -> ChannelAccount:
    fields: dict[str, Any] = {"channel": "telegram", "name": "demo", "address": "demo", "queue": "support"} | changes
    return ChannelAccount(**fields)


@pytest.mark.parametrize(
    ("expected", "changes", "language"),
    [
        ("care.2", {}, None),
        ("care.2", {}, "id"),
        ("care.3", {"skills": {"care": 3}}, None),
        ("care.2", {"skills": {"care": 1}}, None),
        ("care.2+id.1", {"languages": ("en", "id")}, "id"),
        ("care.2+en.1", {"languages": ("en", "id")}, "fr"),
        ("care.2+en.1", {"languages": ("en",)}, None),
        ("care.2+id.4", {"languages": ("en", "id"), "skills": {"id": 4}}, "id"),
    ],
)
def test_a_requirement_comes_from_queue_account_and_language(
    expected: str, changes: dict[str, Any], language: str | None
) -> None:
    assert requirement_for(account(**changes), SUPPORT, language) == expected


@pytest.mark.parametrize(
    ("expected", "before", "language"),
    [("sales.1", "care.2", None), ("id.1+sales.1", "care.2+id.1", "id"), ("sales.1", "care.2", "id")],
)
def test_a_transfer_keeps_the_language_and_leaves_the_old_skills(
    expected: str, before: str, language: str | None
) -> None:
    assert requirement_after_transfer(Queue(name="sales", skills={"sales": 1}), before, language) == expected
