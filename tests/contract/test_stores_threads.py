"""The live conversation of a home: the same promises in memory and on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from tests.tables import ANNA, BEN, HOME, NOW_MS, OTHER_HOME, VIA, Stores, opened, opening, reference
from throughline.domain.conversations import RECENT_MS, ContactChange, ContactState, Expected, Head, Moved
from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import ConversationId, Home


def live(stores: Stores, home: Home = HOME) -> Head:
    found = stores.threads.get_live(home)
    assert isinstance(found, Head)
    return found


def expected(head: Head, *states: ContactState, **more: Any) -> Expected:
    return Expected(conversation=head.conversation, turn=head.turn, states=states or (head.state,), **more)


# ---------------------------------------------------------------- announcing


def test_the_first_message_opens_a_conversation(stores: Stores) -> None:
    first = opening(1, priority_s=30, name="Ada", language="de")

    found = stores.threads.announce(HOME, first)

    assert found == Head(
        home=HOME,
        conversation=first.conversation,
        version=1,
        state=ContactState.QUEUED,
        turn=1,
        work_class="chat",
        queue="support",
        requirement="de.1",
        base_requirement="de.1",
        score=NOW_MS + 1 - 30_000,
        opener=first.reference,
        opened_ms=NOW_MS + 1,
        last_via=VIA,
        vias={VIA: NOW_MS + 1},
        latest=first.reference,
        name="Ada",
        language="de",
    )
    assert stores.threads.get_live(HOME) == found


def test_the_next_message_joins_it_by_whatever_way_it_came(stores: Stores) -> None:
    before = opened(stores, name="Ada", language="de")
    second = opening(2, queue="sales", requirement="it.1", work_class="email", via="twilio_sms/+1|tel:+2", name="A.")

    assert stores.threads.announce(HOME, second) == replace(
        before,
        version=2,
        latest=second.reference,
        last_via="twilio_sms/+1|tel:+2",
        vias={VIA: NOW_MS + 1, "twilio_sms/+1|tel:+2": NOW_MS + 2},
        name="A.",
    )


def test_a_late_message_raises_the_version_and_leaves_what_tells_of_the_latest(stores: Stores) -> None:
    stores.threads.announce(HOME, opening(5, name="Ada"))
    before = live(stores)

    late = opening(3, name="Old", via="other/1|x:2", language="de", arrival_ms=NOW_MS + RECENT_MS + 3)
    found = stores.threads.announce(HOME, late)

    assert found == replace(before, version=2, vias={VIA: NOW_MS + 5, "other/1|x:2": NOW_MS + 3}, language="de")
    assert found.latest > opening(3).reference


def test_a_late_message_that_was_sent_just_now_tells_which_way_the_customer_writes(stores: Stores) -> None:
    stores.threads.announce(HOME, opening(5))

    stores.threads.announce(HOME, opening(3, via="other/1|x:2"))

    assert live(stores).last_via == "other/1|x:2"


def test_a_late_message_does_not_shorten_a_reply_window(stores: Stores) -> None:
    stores.threads.announce(HOME, opening(5))

    stores.threads.announce(HOME, opening(3))

    assert live(stores).vias == {VIA: NOW_MS + 5}


def test_the_same_message_announced_again_only_raises_the_version(stores: Stores) -> None:
    before = opened(stores)

    assert stores.threads.announce(HOME, opening(1)) == replace(before, version=2)


def test_two_first_messages_at_once_open_one_conversation(stores: Stores) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: stores.threads.announce(HOME, opening(number)), range(1, 17)))

    heads = [head for head in found if isinstance(head, Head)]
    assert {head.conversation for head in heads} == {live(stores).conversation}
    assert sorted(head.version for head in heads) == list(range(1, 17))


def test_a_blocked_home_opens_nothing(stores: Stores) -> None:
    stores.block(HOME)

    assert stores.threads.announce(HOME, opening()) is None
    assert stores.threads.get_live(HOME) is None


def test_a_home_that_moved_says_where_to(stores: Stores) -> None:
    assert stores.threads.move_home(HOME, OTHER_HOME, None)

    assert stores.threads.announce(HOME, opening()) == Moved(home=HOME, to=OTHER_HOME)
    assert stores.threads.get_live(HOME) == Moved(home=HOME, to=OTHER_HOME)


def test_nothing_is_live_before_the_first_message(stores: Stores) -> None:
    assert stores.threads.get_live(HOME) is None


def test_an_update_is_announced_in_the_live_conversation_only(stores: Stores) -> None:
    before = opened(stores)

    assert stores.threads.announce_update(HOME, before.conversation) == replace(before, version=2)
    assert stores.threads.announce_update(HOME, ConversationId(f"{HOME}.0")) is None
    assert stores.threads.announce_update(OTHER_HOME, before.conversation) is None


def test_an_update_remembers_the_reply_that_is_being_sent(stores: Stores) -> None:
    before = opened(stores)

    after = stores.threads.announce_update(HOME, before.conversation, sending=reference(7))

    assert after == replace(before, version=2, sending=reference(7))
    assert stores.threads.announce_update(HOME, before.conversation) == replace(after, version=3)


def test_an_update_remembers_whose_reply_it_counted_and_at_which_version(stores: Stores) -> None:
    before = opened(stores)

    after = stores.threads.announce_update(HOME, before.conversation, sending=reference(7), answered_by="ben")
    again = stores.threads.announce_update(HOME, before.conversation)

    assert after == replace(before, version=2, sending=reference(7), answered_by="ben", answered_version=2)
    assert again == replace(after, version=3)
    assert stores.threads.get_live(HOME) == again


# ---------------------------------------------------------------- for people's eyes


def test_what_is_live_in_several_homes_is_found_at_once_and_each_once(stores: Stores) -> None:
    one, other = opened(stores), opened(stores, OTHER_HOME)

    found = stores.threads.list_live([HOME, OTHER_HOME, HOME, Home("h-nobody")])

    assert sorted(found, key=lambda head: head.home) == sorted([one, other], key=lambda head: head.home)
    assert stores.threads.list_live([]) == []


def test_a_home_that_moved_has_nothing_live(stores: Stores) -> None:
    stores.threads.move_home(HOME, OTHER_HOME, None)

    assert stores.threads.list_live([HOME]) == []


def test_every_closed_conversation_of_a_home_is_listed_and_none_of_another(stores: Stores) -> None:
    head = opened(stores)
    earlier = replace(head, conversation=ConversationId(f"{HOME}.1"), closed_ms=NOW_MS, disposition="solved")
    for item in (head, earlier, replace(head, home=OTHER_HOME, conversation=ConversationId(f"{OTHER_HOME}.1"))):
        stores.threads.archive(item)

    found = stores.threads.list_archived(HOME)

    assert sorted(found, key=lambda item: item.conversation) == sorted(
        [earlier, head], key=lambda item: item.conversation
    )


# ---------------------------------------------------------------- changing


def test_a_change_is_made_if_all_is_as_expected(stores: Stores) -> None:
    before = opened(stores)

    outcome = stores.threads.transition(
        HOME,
        expected(before, ContactState.QUEUED, ContactState.OFFERED, version=1),
        {
            "state": ContactState.ACTIVE,
            "turn": 2,
            "holder": ANNA,
            "excluded": (BEN,),
            "past": ("1:ben",),
            "sockets": ("a=", "b="),
            "links": (OTHER_HOME,),
            "deadline_ms": 17,
            "why": "test",
        },
    )

    assert outcome.won
    assert outcome.head == stores.threads.get_live(HOME)
    assert outcome.head == replace(
        before,
        state=ContactState.ACTIVE,
        turn=2,
        holder=ANNA,
        excluded=(BEN,),
        past=("1:ben",),
        sockets=("a=", "b="),
        links=(OTHER_HOME,),
        deadline_ms=17,
        why="test",
    )


def test_none_takes_a_field_back_to_what_it_is_by_default(stores: Stores) -> None:
    before = opened(stores, name="Ada")
    values = {"holder": ANNA, "epoch": 3, "sockets": ("a=",), "excluded": (BEN,), "until_ms": 9, "nonce": "n"}
    stores.threads.transition(HOME, expected(before), values)

    nothing = dict.fromkeys((*values, "name"))
    outcome = stores.threads.transition(HOME, expected(before), nothing | {"excluded": (), "sockets": ()})

    assert outcome.head == replace(before, name=None)


@pytest.mark.parametrize(
    "other",
    [
        {"conversation": ConversationId(f"{HOME}.0")},
        {"turn": 2},
        {"states": (ContactState.OFFERED, ContactState.ACTIVE)},
        {"holder": ANNA},
        {"version": 2},
    ],
)
def test_a_change_that_comes_too_late_is_lost_and_told_what_stands(stores: Stores, other: dict[str, Any]) -> None:
    before = opened(stores)

    outcome = stores.threads.transition(
        HOME,
        replace(expected(before), **other),
        {"state": ContactState.RESOLVED},
    )

    assert not outcome.won
    assert outcome.head == before
    assert stores.threads.get_live(HOME) == before


def test_a_change_expects_its_holder(stores: Stores) -> None:
    before = opened(stores)
    stores.threads.transition(HOME, expected(before), {"holder": ANNA})

    assert not stores.threads.transition(HOME, expected(before, holder=BEN), {"state": ContactState.ACTIVE}).won
    assert stores.threads.transition(HOME, expected(before, holder=ANNA), {"state": ContactState.ACTIVE}).won


def test_a_change_of_what_is_not_there_is_lost_to_nobody(stores: Stores) -> None:
    gone = expected(opened(stores, OTHER_HOME))

    assert stores.threads.transition(HOME, gone, {"state": ContactState.ACTIVE}).head is None
    stores.threads.move_home(HOME, OTHER_HOME, None)
    assert stores.threads.transition(HOME, gone, {"state": ContactState.ACTIVE}).head is None


def test_without_states_any_will_do(stores: Stores) -> None:
    before = opened(stores)

    any_state = Expected(conversation=before.conversation, turn=1, states=())
    assert stores.threads.transition(HOME, any_state, {"why": "test"}).won


def test_ways_to_the_customer_are_added_to_those_that_are_known(stores: Stores) -> None:
    before = opened(stores)

    outcome = stores.threads.transition(HOME, expected(before), {"vias": {"line/1|line:[2]": 5}})

    assert outcome.head == replace(before, vias={VIA: NOW_MS + 1, "line/1|line:[2]": 5})


def test_nothing_to_change_is_a_look_under_a_condition(stores: Stores) -> None:
    before = opened(stores)

    assert stores.threads.transition(HOME, expected(before), {}).won
    assert not stores.threads.transition(HOME, expected(before, version=9), {}).won


# ---------------------------------------------------------------- moving and closing


def test_a_live_conversation_moves_away_only_as_it_was_read(stores: Stores) -> None:
    read = opened(stores, name="Ada")
    stores.threads.announce(HOME, opening(2))

    assert not stores.threads.move_home(HOME, OTHER_HOME, None)
    assert not stores.threads.move_home(HOME, OTHER_HOME, read)
    assert stores.threads.move_home(HOME, OTHER_HOME, live(stores))
    assert stores.threads.get_live(HOME) == Moved(home=HOME, to=OTHER_HOME)


def test_a_change_without_a_new_version_also_keeps_a_conversation_from_moving(stores: Stores) -> None:
    read = opened(stores)
    stores.threads.transition(HOME, expected(read), {"sockets": ("new=",)})

    assert not stores.threads.move_home(HOME, OTHER_HOME, read)


def test_what_customers_call_themselves_is_never_taken_for_ours(stores: Stores) -> None:
    odd = opening(1, name="<to>", via="email/desk|email:<conv>[0]", queue="<to>")
    stores.threads.announce(HOME, odd)
    read = live(stores)
    assert (read.name, read.last_via, read.queue) == ("<to>", odd.via, "<to>")

    assert not stores.threads.move_home(HOME, OTHER_HOME, replace(read, name="<conv>"))
    assert stores.threads.transition(HOME, expected(read), {"name": "<conv>"}).won
    assert stores.threads.move_home(HOME, OTHER_HOME, replace(read, name="<conv>"))


def test_a_move_that_is_repeated_has_succeeded(stores: Stores) -> None:
    read = opened(stores)
    stores.threads.move_home(HOME, OTHER_HOME, read)

    assert stores.threads.move_home(HOME, OTHER_HOME, read)
    assert stores.threads.move_home(HOME, OTHER_HOME, None)
    assert not stores.threads.move_home(HOME, Home("h-elsewhere"), read)


def test_a_home_that_points_somewhere_points_straight_to_where_that_leads(stores: Stores) -> None:
    stores.threads.move_home(HOME, OTHER_HOME, None)
    stores.threads.shorten_move(HOME, Home("h-elsewhere"))

    assert stores.threads.get_live(HOME) == Moved(home=HOME, to=Home("h-elsewhere"))


def test_a_home_that_points_nowhere_has_nothing_to_shorten(stores: Stores) -> None:
    read = opened(stores)
    for home in (HOME, OTHER_HOME):
        stores.threads.shorten_move(home, Home("h-elsewhere"))

    assert (stores.threads.get_live(HOME), stores.threads.get_live(OTHER_HOME)) == (read, None)


def test_a_home_that_points_somewhere_is_not_pointed_elsewhere(stores: Stores) -> None:
    assert stores.threads.move_home(HOME, OTHER_HOME, None)

    assert not stores.threads.move_home(HOME, Home("h-elsewhere"), None)
    assert stores.threads.get_live(HOME) == Moved(home=HOME, to=OTHER_HOME)


def test_a_closed_conversation_is_found_as_it_was_last_kept(stores: Stores) -> None:
    head = opened(stores)
    stores.threads.archive(head)
    stores.threads.archive(replace(head, state=ContactState.RESOLVED, disposition="solved", past=("1:ben", "2:anna")))

    assert stores.threads.find_archived(head.conversation) == replace(
        head, state=ContactState.RESOLVED, disposition="solved", past=("1:ben", "2:anna")
    )
    assert stores.threads.find_archived(ConversationId(f"{HOME}.0")) is None


def test_what_is_no_conversation_id_is_told_so(stores: Stores) -> None:
    with pytest.raises(InvalidRequestError):
        stores.threads.find_archived(ConversationId("no-id"))


def test_the_next_conversation_takes_the_place_of_a_resolved_one(stores: Stores) -> None:
    head = opened(stores)
    resolved = stores.threads.transition(HOME, expected(head), {"state": ContactState.RESOLVED, "holder": ANNA}).head
    assert resolved is not None
    changes = {"conversation": ConversationId(f"{HOME}.2"), "state": ContactState.QUEUED, "turn": 2, "holder": None}

    outcome = stores.threads.transition(HOME, expected(resolved), changes)

    assert outcome.head == replace(head, conversation=ConversationId(f"{HOME}.2"), turn=2)
    assert not stores.threads.transition(HOME, expected(resolved), changes).won


# ---------------------------------------------------------------- history


def change(turn: int, state: ContactState, at_ms: int, **more: Any) -> ContactChange:
    conversation = ConversationId(f"{HOME}.1")
    values: dict[str, Any] = {"by": "routing", "why": "chosen"} | more
    return ContactChange(home=HOME, conversation=conversation, turn=turn, state=state, at_ms=at_ms, **values)


def test_changes_are_told_oldest_first(stores: Stores) -> None:
    decision = {"candidates": ["anna", "ben"], "excluded": {"ben": "let it pass"}, "weight": 0.5, "none": None}
    told = [
        change(1, ContactState.QUEUED, 10, by="customer", why="wrote"),
        change(2, ContactState.OFFERED, 20, agent=ANNA, decision=decision),
        change(2, ContactState.ACTIVE, 30, by="agent:anna", why="accepted", agent=ANNA),
        change(11, ContactState.QUEUED, 40),
    ]
    for item in reversed(told):
        stores.threads.record_change(item)

    assert stores.threads.list_changes(HOME, ConversationId(f"{HOME}.1")) == told
    assert stores.threads.list_changes(HOME, ConversationId(f"{HOME}.10")) == []


def test_the_first_record_of_a_change_stays(stores: Stores) -> None:
    first = change(2, ContactState.OFFERED, 20)
    stores.threads.record_change(first)

    stores.threads.record_change(change(2, ContactState.OFFERED, 99, why="again"))

    assert stores.threads.list_changes(HOME, ConversationId(f"{HOME}.1")) == [first]
