"""Entries of a thread: the same promises in memory and on DynamoDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from tests.tables import HOME, NOW_MS, OTHER_HOME, Stores, entry, reference
from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus, Location, MessageReceived
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.sizes import cut_to_size, fits
from throughline.domain.templates import FilledTemplate

RICH = entry(
    kind=EntryKind.REACTION,
    direction=Direction.OUTBOUND,
    type="image",
    text="Grüße 👋",
    author="anna",
    attachments=(
        Attachment(kind="image", source="wamid.1", content_type="image/png", name="a.png", size_bytes=17),
        Attachment(kind="voice", blob="h/1/voice.ogg", failed="gone"),
    ),
    quick_replies=(
        QuickReply(kind=QuickReplyKind.REPLY, text="Ja", description="heute"),
        QuickReply(kind=QuickReplyKind.FORM, text="Buchen", form=Form(form_id="1", values={"name": "Anna"})),
    ),
    template=FilledTemplate(name="visit", provider_name="HX1", language="de", parameters=("Anna", "10:00")),
    location=Location(latitude=52.52, longitude=-13.0, name="Berlin"),
    reply_to="17",
    target="00aa",
    emoji="👍",
    details={"buttons": [{"id": 1, "title": "Ja"}], "weight": 0.25, "nothing": None},
    status=DeliveryStatus.QUEUED,
    reason="because",
    provider_ids=("p1", "p2"),
    raw={"message": {"text": "Grüße 👋", "date": 1_763_800_000, "deep": [{"x": [None, True, 1.5]}]}},
)


@pytest.mark.parametrize("kept", [entry(), RICH, entry(text=None), entry(text="", raw=["a", 1]), entry(raw="text")])
def test_an_entry_is_found_as_it_was_put(stores: Stores, kept: Entry) -> None:
    assert stores.threads.add_entry(kept) is None

    assert stores.threads.find_entry(HOME, kept.reference) == kept
    assert stores.threads.list_entries(HOME, before=None, since_ms=0, limit=5) == [kept]


def test_a_second_delivery_is_told_who_wrote_the_entry(stores: Stores) -> None:
    first = entry(by="inbound-1")
    stores.threads.add_entry(first)

    assert stores.threads.add_entry(replace(first, by="inbound-2", text="forged")) == first
    assert stores.threads.add_entry(first) == first
    assert stores.threads.find_entry(HOME, first.reference) == first


def test_one_of_many_deliveries_at_once_writes_the_entry(stores: Stores) -> None:
    deliveries = [entry(by=f"inbound-{number}") for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        standing = list(pool.map(stores.threads.add_entry, deliveries))

    winner = stores.threads.find_entry(HOME, deliveries[0].reference)
    assert standing.count(None) == 1
    assert [item for item in standing if item is not None] == [winner] * 15


def test_no_entry_is_found_where_none_is(stores: Stores) -> None:
    stores.threads.add_entry(entry(home=OTHER_HOME))

    assert stores.threads.find_entry(HOME, entry().reference) is None


def test_the_first_arrival_of_a_message_without_a_time_stays(stores: Stores) -> None:
    assert stores.threads.remember_arrival(HOME, "aa", NOW_MS, "inbound-1") == (NOW_MS, "inbound-1")

    assert stores.threads.remember_arrival(HOME, "aa", NOW_MS + 9, "inbound-2") == (NOW_MS, "inbound-1")
    assert stores.threads.remember_arrival(HOME, "bb", NOW_MS + 9, "inbound-2") == (NOW_MS + 9, "inbound-2")
    assert stores.threads.remember_arrival(OTHER_HOME, "aa", 5, "inbound-3") == (5, "inbound-3")


# ---------------------------------------------------------------- pages


def put(stores: Stores, *numbers: int) -> None:
    for number in numbers:
        stores.threads.add_entry(entry(number))


def page(stores: Stores, before: str | None = None, since_ms: int = 0, limit: int = 10) -> list[int]:
    found = stores.threads.list_entries(HOME, before=before, since_ms=since_ms, limit=limit)
    return [item.sent_ms - NOW_MS for item in found]


def test_entries_are_listed_newest_first_in_whatever_order_they_came(stores: Stores) -> None:
    put(stores, 3, 1, 4, 2)
    stores.threads.add_entry(entry(9, home=OTHER_HOME))

    assert page(stores) == [4, 3, 2, 1]
    assert page(stores, limit=2) == [4, 3]


def test_pages_follow_one_another_without_gap_or_overlap(stores: Stores) -> None:
    put(stores, *range(1, 8))
    seen: list[int] = []
    before: str | None = None
    while found := stores.threads.list_entries(HOME, before=before, since_ms=0, limit=3):
        seen += [item.sent_ms - NOW_MS for item in found]
        before = found[-1].reference

    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_a_page_may_begin_before_an_entry_that_stands_in_another_home(stores: Stores) -> None:
    put(stores, 1, 2, 4, 5)

    assert page(stores, before=reference(3, NOW_MS + 3), limit=1) == [2]
    assert page(stores, before=reference(99, NOW_MS + 99), limit=1) == [5]


def test_a_page_ends_at_an_instant_and_includes_it(stores: Stores) -> None:
    put(stores, 1, 2, 3)

    assert page(stores, since_ms=NOW_MS + 2) == [3, 2]
    assert page(stores, before=entry(3).reference, since_ms=NOW_MS + 2) == [2]
    assert page(stores, since_ms=NOW_MS + 4) == []
    assert page(stores, before=entry(1).reference, since_ms=NOW_MS + 2) == []


def test_only_entries_are_listed(stores: Stores) -> None:
    put(stores, 1)
    stores.threads.remember_arrival(HOME, "aa", NOW_MS, "inbound-1")

    assert page(stores) == [1]


def test_a_page_of_more_than_a_megabyte_is_whole(stores: Stores) -> None:
    for number in range(1, 5):
        stores.threads.add_entry(entry(number, text=str(number) * 350_000))

    assert page(stores) == [4, 3, 2, 1]
    assert page(stores, before=entry(4).reference, limit=3) == [3, 2, 1]


# ---------------------------------------------------------------- delivery


@pytest.mark.parametrize("start", [DeliveryStatus.SENDING, DeliveryStatus.UNKNOWN])
def test_a_status_never_moves_backwards_in_whatever_order_receipts_come(stores: Stores, start: DeliveryStatus) -> None:
    receipts = (DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED, DeliveryStatus.READ)
    for number, order in enumerate(permutations(receipts), 1):
        told = entry(number, status=start)
        stores.threads.add_entry(told)
        rank = DELIVERY_RANK[start]
        for status in order:
            moved = stores.threads.set_status(HOME, told.reference, status)
            assert (moved is not None) == (DELIVERY_RANK[status] > rank)
            assert moved is None or moved.status is status
            rank = max(rank, DELIVERY_RANK[status])
        found = stores.threads.find_entry(HOME, told.reference)
        assert found is not None
        assert found.status is DeliveryStatus.READ


def test_receipts_at_once_leave_the_highest(stores: Stores) -> None:
    told = entry(status=DeliveryStatus.QUEUED)
    stores.threads.add_entry(told)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda status: stores.threads.set_status(HOME, told.reference, status), list(DeliveryStatus) * 3))

    found = stores.threads.find_entry(HOME, told.reference)
    assert found is not None
    assert found.status is DeliveryStatus.READ


def test_a_repeated_receipt_moves_nothing(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.SENT))

    assert stores.threads.set_status(HOME, entry().reference, DeliveryStatus.SENT) is None


def test_a_receipt_for_what_is_not_there_makes_no_entry(stores: Stores) -> None:
    assert stores.threads.set_status(HOME, entry().reference, DeliveryStatus.SENT, provider_ids=("p1",)) is None
    assert stores.threads.find_entry(HOME, entry().reference) is None


def test_an_entry_that_had_no_status_gets_one(stores: Stores) -> None:
    stores.threads.add_entry(entry())

    assert stores.threads.set_status(HOME, entry().reference, DeliveryStatus.QUEUED) == entry(
        status=DeliveryStatus.QUEUED
    )


def test_a_reason_goes_with_the_status_it_was_given_for(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.SENDING))

    failed = stores.threads.set_status(HOME, entry().reference, DeliveryStatus.FAILED, reason="no such number")
    assert failed == entry(status=DeliveryStatus.FAILED, reason="no such number")
    late_truth = stores.threads.set_status(HOME, entry().reference, DeliveryStatus.DELIVERED)
    assert late_truth == entry(status=DeliveryStatus.DELIVERED)


def test_provider_ids_are_merged_in_the_order_of_the_parts(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.SENDING))
    stores.threads.set_status(HOME, entry().reference, DeliveryStatus.RETRYING, provider_ids=("p1",))

    sent = stores.threads.set_status(HOME, entry().reference, DeliveryStatus.SENT, provider_ids=("p1", "p2"))

    assert sent == entry(status=DeliveryStatus.SENT, provider_ids=("p1", "p2"))


def test_provider_ids_are_kept_even_if_the_status_does_not_move(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.DELIVERED, provider_ids=("p1",)))

    assert stores.threads.set_status(HOME, entry().reference, DeliveryStatus.SENT, provider_ids=("p1", "p2")) is None
    assert stores.threads.find_entry(HOME, entry().reference) == entry(
        status=DeliveryStatus.DELIVERED, provider_ids=("p1", "p2")
    )


@pytest.mark.parametrize("status", [DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.RETRYING])
def test_a_reply_whose_outcome_is_open_may_be_sent(stores: Stores, status: DeliveryStatus) -> None:
    stores.threads.add_entry(entry(status=status, reason="throttled"))

    assert stores.threads.mark_sending(HOME, entry().reference) == entry(status=DeliveryStatus.SENDING)


@pytest.mark.parametrize(
    "status",
    [None, *(status for status in DeliveryStatus if DELIVERY_RANK[status] >= DELIVERY_RANK[DeliveryStatus.UNKNOWN])],
)
def test_a_reply_whose_outcome_is_known_is_not_sent_again(stores: Stores, status: DeliveryStatus | None) -> None:
    stores.threads.add_entry(entry(status=status))

    assert stores.threads.mark_sending(HOME, entry().reference) is None
    assert stores.threads.find_entry(HOME, entry().reference) == entry(status=status)


def test_what_is_not_there_is_not_sent(stores: Stores) -> None:
    assert stores.threads.mark_sending(HOME, entry().reference) is None
    assert stores.threads.find_entry(HOME, entry().reference) is None


# ---------------------------------------------------------------- attachments


def test_an_attachment_is_replaced_in_its_place(stores: Stores) -> None:
    stores.threads.add_entry(RICH)
    copied = Attachment(kind="image", blob="h/1/a.png", size_bytes=17)

    after = stores.threads.set_attachment(HOME, RICH.reference, 0, copied)

    assert after == replace(RICH, attachments=(copied, RICH.attachments[1]))
    assert stores.threads.find_entry(HOME, RICH.reference) == after


def test_an_attachment_that_is_not_there_is_not_made(stores: Stores) -> None:
    stores.threads.add_entry(RICH)
    stores.threads.add_entry(entry(2))

    assert stores.threads.set_attachment(HOME, RICH.reference, 2, Attachment(kind="image")) is None
    assert stores.threads.set_attachment(HOME, entry(2).reference, 0, Attachment(kind="image")) is None
    assert stores.threads.set_attachment(HOME, entry(3).reference, 0, Attachment(kind="image")) is None
    assert stores.threads.find_entry(HOME, RICH.reference) == RICH


@pytest.mark.parametrize("letter", ["x", "漢"])
def test_the_largest_event_that_is_let_in_fits_into_an_item(stores: Stores, letter: str) -> None:
    chance = Random(1)
    noise = "".join(chr(chance.randrange(0x4E00, 0x9FFF)) for _ in range(40_000))
    event = MessageReceived(
        channel="telegram",
        account="telegram/1",
        provider_id="m1",
        text=letter * 400_000,
        raw={"noise": noise},
        attachments=(Attachment(kind="image", source="1", size_bytes=10**400),),
        location=Location(latitude=1e300, longitude=0.0),
    )
    cut = cut_to_size(event)
    assert isinstance(cut, MessageReceived)
    assert fits(cut)
    kept = entry(text=cut.text, attachments=cut.attachments, location=cut.location, details=cut.details, raw=cut.raw)
    stores.threads.add_entry(kept)
    assert stores.threads.find_entry(HOME, kept.reference) == kept
