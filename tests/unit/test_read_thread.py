from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.customers import FakeCustomers
from tests.fakes.threads import FakeThreads
from tests.tables import HOME, NOW_MS, OTHER_HOME, entry, opened, reference
from throughline.domain.conversations import Direction, Entry, EntryKind, Head
from throughline.domain.customers import Customer, CustomerIdentifier
from throughline.domain.errors import InvalidRequestError, NotFoundError, StoreUnavailableError
from throughline.domain.identifiers import CustomerId, Home, Identifier
from throughline.domain.messages import DeliveryStatus
from throughline.domain.rights import Role
from throughline.flows.read_thread import find_live, read_conversation, read_thread

if TYPE_CHECKING:
    from throughline.ports import World

EVA = CustomerId(HOME)
DAY_MS = 24 * 3600 * 1000


class Stage:
    """One customer with two homes: the one of their first identifier and another."""

    def __init__(self) -> None:
        self.threads, self.customers = FakeThreads(), FakeCustomers()
        self.customers.add_customer(Customer(customer_id=EVA, since_ms=NOW_MS))
        second = Identifier(kind="tel", value="+14155550100")
        self.customers.add_identifier(EVA, CustomerIdentifier(identifier=second, home=OTHER_HOME, since_ms=NOW_MS))
        self.world = cast("World", SimpleNamespace(threads=self.threads, customers=self.customers))

    def say(self, number: int, home: Home = HOME, **changed: Any) -> Entry:
        said = entry(number, home=home, text=f"text {number}", **changed)
        self.threads.add_entry(said)
        return said

    def page(self, before: str | None = None, limit: int = 100, role: Role = Role.AGENT) -> tuple[list[Any], Any]:
        page = read_thread(self.world, EVA, role, before=before, limit=limit)
        return [view["text"] for view in page.entries], page.before


@pytest.fixture
def stage() -> Stage:
    return Stage()


def head_of(stage: Stage, **changed: Any) -> Head:
    return opened(cast("Any", SimpleNamespace(threads=stage.threads)), **changed)


# ---------------------------------------------------------------- a thread, page by page


def test_what_was_said_on_all_channels_is_one_sequence(stage: Stage) -> None:
    for number, home in ((3, HOME), (1, OTHER_HOME), (2, HOME), (4, OTHER_HOME)):
        stage.say(number, home)

    assert stage.page() == (["text 1", "text 2", "text 3", "text 4"], None)


def test_pages_follow_one_another_backwards(stage: Stage) -> None:
    for number in range(1, 6):
        stage.say(number, HOME if number % 2 else OTHER_HOME)

    newest, before = stage.page(limit=2)
    middle, further = stage.page(before, limit=2)
    assert (newest, middle) == (["text 4", "text 5"], ["text 2", "text 3"])
    assert stage.page(further, limit=2) == (["text 1"], None)


@given(homes=st.lists(st.booleans(), max_size=12), limit=st.integers(1, 5))
def test_the_pages_together_are_the_whole_thread(homes: list[bool], limit: int) -> None:
    stage = Stage()
    for number, own in enumerate(homes):
        stage.say(number, HOME if own else OTHER_HOME)

    read: list[Any] = []
    before = None
    for _ in range(len(homes) + 1):
        texts, before = stage.page(before, limit=limit)
        assert len(texts) <= limit
        read = texts + read
        if before is None:
            break
    assert read == [f"text {number}" for number in range(len(homes))]


def test_a_page_that_is_exactly_full_says_that_nothing_stands_before_it(stage: Stage) -> None:
    stage.say(1)
    stage.say(2)

    assert stage.page(limit=2) == (["text 1", "text 2"], None)


def test_notes_are_shown_to_agents_and_withheld_from_visitors(stage: Stage) -> None:
    stage.say(1)
    stage.say(2, kind=EntryKind.NOTE, direction=Direction.INTERNAL)

    assert stage.page(role=Role.SUPERVISOR)[0] == ["text 1", "text 2"]
    assert stage.page(role=Role.VISITOR)[0] == ["text 1"]


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_1_to_100_entries(stage: Stage, limit: int) -> None:
    with pytest.raises(InvalidRequestError):
        stage.page(limit=limit)


@pytest.mark.parametrize("before", ["x", "h-1.2", "h-1.x.y"])
def test_a_page_begins_before_an_entry(stage: Stage, before: str) -> None:
    with pytest.raises(InvalidRequestError):
        stage.page(before)


def test_a_stranger_has_no_thread(stage: Stage) -> None:
    with pytest.raises(NotFoundError):
        read_thread(stage.world, CustomerId("h-unknown"), Role.AGENT, before=None, limit=1)


# ---------------------------------------------------------------- who a customer has become


def test_a_customer_is_followed_to_who_they_turned_out_to_be(stage: Stage) -> None:
    stage.threads.move_home(OTHER_HOME, HOME, None)
    head = head_of(stage)

    assert find_live(stage.world, CustomerId(OTHER_HOME)) == (EVA, head)
    assert find_live(stage.world, EVA) == (EVA, head)


def test_a_customer_without_a_live_conversation_is_still_somebody(stage: Stage) -> None:
    assert find_live(stage.world, EVA) == (EVA, None)


def test_homes_that_point_at_one_another_are_trouble_and_not_an_endless_search(stage: Stage) -> None:
    stage.threads.move_home(OTHER_HOME, HOME, None)
    stage.threads.move_home(HOME, OTHER_HOME, None)

    with pytest.raises(StoreUnavailableError):
        find_live(stage.world, EVA)


# ---------------------------------------------------------------- what a screen has missed


def read(stage: Stage, head: Head, since: int | None) -> list[Any]:
    return [view["text"] for view in read_conversation(stage.world, head, since)]


def test_a_screen_that_missed_something_gets_the_whole_conversation_late_ones_in_their_place(stage: Stage) -> None:
    head = head_of(stage)
    stage.say(5)
    stage.say(3, OTHER_HOME)
    stage.say(4)

    assert read(stage, head, head.version - 1) == ["text 3", "text 4", "text 5"]
    assert read(stage, head, None) == ["text 3", "text 4", "text 5"]


def test_a_week_before_the_opening_belongs_to_it_and_nothing_earlier(stage: Stage) -> None:
    head = head_of(stage)
    for number, at_ms in ((1, head.opened_ms - 7 * DAY_MS), (2, head.opened_ms - 7 * DAY_MS - 1)):
        stage.say(number, reference=reference(number, at_ms), sent_ms=at_ms)

    assert read(stage, head, None) == ["text 1"]


def test_a_screen_that_is_up_to_date_gets_only_our_own_last_messages_for_their_status(stage: Stage) -> None:
    head = head_of(stage)
    stage.say(1, direction=Direction.OUTBOUND, status=DeliveryStatus.READ)
    stage.say(2)
    stage.say(3, OTHER_HOME, direction=Direction.OUTBOUND, status=DeliveryStatus.SENT)

    assert read(stage, head, head.version) == ["text 1", "text 3"]


def test_homes_linked_a_moment_ago_are_read_too_though_the_card_does_not_know_them_yet(stage: Stage) -> None:
    linked = Home("h-55555555555555555555")
    head = head_of(stage)
    stage.say(1, linked)
    assert read(stage, replace(head, links=(linked,)), None) == ["text 1"]


def test_a_long_conversation_is_read_to_its_beginning(stage: Stage) -> None:
    head = head_of(stage)
    for number in range(1, 251):
        stage.say(number)

    assert read(stage, head, None) == [f"text {number}" for number in range(1, 251)]
