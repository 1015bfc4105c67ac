from typing import Any

import pytest

from tests.fakes.world import START_MS, Centre, agent_profile, dies_at
from throughline.domain.conversations import ContactState, Entry, EntryKind, Head
from throughline.domain.customers import Customer
from throughline.domain.frames import iso
from throughline.domain.identifiers import AgentId, Evidence, Identifier, digest
from throughline.domain.messages import (
    Attachment,
    ConsentChanged,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    Reaction,
)
from throughline.flows.conclude import close
from throughline.flows.offers import accept_offer

MAYA = "telegram:3527065"
PHONE = "tel:+14155550100"
BSUID = "bsuid:US.1349"
SOURCE: dict[str, Any] = {"channel": "telegram", "account": "telegram/demo", "senders": (Identifier.parse(MAYA),)}


@pytest.fixture
def centre() -> Centre:
    return Centre(agent_profile("ana", en=5), agent_profile("budi", id=5))


def entries(centre: Centre, kind: EntryKind = EntryKind.MESSAGE) -> list[Entry]:
    return sorted(
        (entry for entry in centre.threads.entries.values() if entry.kind is kind), key=lambda entry: entry.reference
    )


def opted_out(centre: Centre, head: Head, account: str) -> bool:
    known = centre.customers.find_identifier(head.customer, Identifier.parse(MAYA))
    return known is not None and known.opted_out(account)


def customer_of(centre: Centre, head: Head) -> Customer:
    customer = centre.customers.find_customer(head.customer)
    assert customer
    return customer


def serve(centre: Centre, agent: str, head: Head) -> Head:
    head = accept_offer(centre.world, AgentId(agent), head.conversation, head.turn)
    return close(centre.world, AgentId(agent), head.conversation, "solved", None)


def test_a_first_message_opens_one_conversation_and_makes_the_customer(centre: Centre) -> None:
    head = centre.write(MAYA, "hello there")
    assert (head.version, head.state, head.turn) == (1, ContactState.QUEUED, 1)
    customer = customer_of(centre, head)
    assert (customer.name, [str(item.identifier) for item in customer.identifiers]) == ("Maya", [MAYA])
    assert [(entry.text, entry.raw) for entry in entries(centre)] == [("hello there", {"text": "hello there"})]


def test_a_second_message_joins_the_conversation(centre: Centre) -> None:
    first = centre.write(MAYA)
    second = centre.write(MAYA)
    assert second.conversation == first.conversation
    assert second.version == 2
    assert len(centre.routing.waiting) == 1


def test_a_message_delivered_again_by_the_provider_is_still_one_entry_and_one_offer(centre: Centre) -> None:
    centre.available("ana")
    event = centre.message(MAYA)
    centre.deliver(event)
    centre.pass_s(7 * 24 * 3600 - 1, only=lambda work: work["kind"] != "offer_timeout")
    centre.deliver(event)
    assert len(entries(centre)) == 1
    assert centre.live(MAYA).version == 1
    assert len(centre.offers("ana-1")) == 1


def test_a_record_the_queue_delivers_again_does_the_rest_of_its_work(centre: Centre) -> None:
    event = centre.message(MAYA)
    with dies_at(centre.threads, "announce"):
        centre.deliver(event, inbound="one")
    centre.available("ana")
    centre.deliver(event, inbound="one", repeated=True)
    assert len(entries(centre)) == 1
    assert centre.live(MAYA).state is ContactState.OFFERED
    assert centre.customers.find_customer(centre.live(MAYA).customer) is not None


def test_a_record_delivered_again_after_its_offer_rings_once_more_and_claims_nothing(centre: Centre) -> None:
    centre.available("ana")
    event = centre.message(MAYA)
    centre.deliver(event, inbound="one")
    centre.deliver(event, inbound="one", repeated=True)
    assert len({frame["offer"] for frame in centre.offers("ana-1")}) == 1
    assert centre.routing.agents[AgentId("ana")].load["chat"] == 1


def test_a_message_without_a_time_keeps_the_time_it_first_arrived(centre: Centre) -> None:
    event = centre.message("tel:+14155550100", account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    centre.deliver(event, inbound="one")
    centre.pass_s(600)
    centre.deliver(event, inbound="two")
    centre.deliver(event, inbound="one", repeated=True)
    assert [entry.sent_ms for entry in entries(centre)] == [START_MS]


def test_entries_stand_in_the_order_of_the_providers_time_and_a_late_one_is_announced_as_late(centre: Centre) -> None:
    centre.available("ana")
    centre.write(MAYA, "second")
    centre.write(MAYA, "first", sent_ms=START_MS - 60_000)
    centre.write(MAYA, "third", sent_ms=START_MS + 1)
    assert [entry.text for entry in entries(centre)] == ["first", "second", "third"]
    frames = centre.sockets.to("ana-1", "message")
    assert [(frame["entry"]["text"], frame["entry"]["late"]) for frame in frames] == [("first", True), ("third", False)]
    assert [frame["version"] for frame in frames] == [2, 3]


def test_of_two_messages_of_one_instant_none_is_late(centre: Centre) -> None:
    centre.available("ana")
    for number in range(8):
        centre.write(MAYA, f"message {number}", sent_ms=START_MS)
    frames = centre.sockets.to("ana-1", "message")
    assert [frame["entry"]["late"] for frame in frames] == [False] * 7


def test_an_sms_and_a_whatsapp_message_of_one_number_are_one_conversation(centre: Centre) -> None:
    sms = centre.write(PHONE, account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    whatsapp = centre.write([PHONE, BSUID], account="whatsapp/1001", channel="whatsapp")
    assert whatsapp.conversation == sms.conversation
    assert set(whatsapp.vias) == {f"twilio_sms/+15005550006|{PHONE}", f"whatsapp/1001|{PHONE}"}


def test_a_message_with_only_the_second_identifier_joins_the_customer(centre: Centre) -> None:
    first = centre.write([PHONE, BSUID], account="whatsapp/1001", channel="whatsapp")
    second = centre.write(BSUID, account="whatsapp/1001", channel="whatsapp")
    assert second.conversation == first.conversation
    customer = customer_of(centre, first)
    assert {str(item.identifier) for item in customer.identifiers} == {PHONE, BSUID}
    assert centre.home(BSUID) in customer.homes


def test_a_number_that_shows_up_later_joins_the_conversation_known_by_user_id(centre: Centre) -> None:
    first = centre.write(BSUID, account="whatsapp/1001", channel="whatsapp")
    second = centre.write([PHONE, BSUID], account="whatsapp/1001", channel="whatsapp")
    third = centre.write(PHONE, account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    assert first.conversation == second.conversation == third.conversation
    customer = customer_of(centre, first)
    assert {centre.home(PHONE), centre.home(BSUID)} <= set(customer.homes)
    waiting = [item.conversation for item in centre.routing.waiting.values()]
    assert waiting == [first.conversation]


def test_two_live_conversations_become_one_when_the_provider_attests_both_identifiers(centre: Centre) -> None:
    centre.available("ana")
    by_id = centre.write(BSUID, account="whatsapp/1001", channel="whatsapp")
    by_phone = centre.write(PHONE, account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    assert by_id.conversation != by_phone.conversation
    assert centre.routing.agents[AgentId("ana")].load["chat"] == 2
    joined = centre.write([PHONE, BSUID], account="whatsapp/1001", channel="whatsapp")
    assert joined.conversation == by_phone.conversation
    assert centre.live(BSUID).conversation == by_phone.conversation
    assert list(centre.routing.agents[AgentId("ana")].held) == [by_phone.conversation]


def test_a_changed_user_id_leads_to_the_same_conversation(centre: Centre) -> None:
    first = centre.write(BSUID, account="whatsapp/1001", channel="whatsapp")
    changed = IdentityChanged(
        channel="whatsapp",
        account="whatsapp/1001",
        provider_id="u1",
        senders=(Identifier.parse(BSUID),),
        sent_ms=START_MS,
        previous=Identifier.parse(BSUID),
        current=Identifier(kind="bsuid", value="US.2481", evidence=Evidence.ATTESTED),
    )
    centre.deliver(changed)
    assert centre.write("bsuid:US.2481", account="whatsapp/1001", channel="whatsapp").conversation == first.conversation


def test_edits_deletions_and_reactions_are_entries_that_open_nothing(centre: Centre) -> None:
    centre.deliver(Reaction(**SOURCE, provider_id="r1", sent_ms=START_MS, target="m1", emoji="👍"))
    assert centre.threads.lives == {}
    centre.available("ana")
    head = centre.write(MAYA, "helo", provider_id="m1")
    accept_offer(centre.world, AgentId("ana"), head.conversation, head.turn)
    centre.deliver(MessageEdited(**SOURCE, provider_id="e1", sent_ms=START_MS + 1, target="m1", text="hello"))
    centre.deliver(MessageDeleted(**SOURCE, provider_id="d1", sent_ms=START_MS + 2, target="m1"))
    [edit, deletion] = entries(centre, EntryKind.EDIT) + entries(centre, EntryKind.DELETION)
    assert edit.target == deletion.target == digest("telegram/demo", "m1")
    kinds = [frame["entry"]["kind"] for frame in centre.sockets.to("ana-1", "message")]
    assert kinds == ["edit", "deletion"]


def test_an_opt_out_is_remembered_for_its_account_until_a_later_opt_in(centre: Centre) -> None:
    head = centre.write(MAYA)
    centre.deliver(ConsentChanged(**SOURCE, provider_id="c1", sent_ms=START_MS, granted=False))
    assert (opted_out(centre, head, "telegram/demo"), opted_out(centre, head, "telegram/other")) == (True, False)
    centre.deliver(ConsentChanged(**SOURCE, provider_id="c2", sent_ms=START_MS + 9, granted=True))
    assert not opted_out(centre, head, "telegram/demo")


def test_media_is_queued_to_be_copied_once_for_each_file(centre: Centre) -> None:
    photo = Attachment(kind="image", source="file-1")
    event = centre.message(MAYA, None, attachments=(photo, photo))
    centre.deliver(event, inbound="one")
    centre.deliver(event, inbound="one", repeated=True)
    assert [job["index"] for job in centre.media.jobs] == [0, 1]


def test_a_message_within_the_reopen_window_brings_the_conversation_back_to_its_agent(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA)
    closed = serve(centre, "ana", head)
    assert closed.state is ContactState.RESOLVED
    centre.pass_s(600)
    again = centre.write(MAYA, "one more thing")
    assert (again.conversation, again.state, again.holder) == (head.conversation, ContactState.OFFERED, "ana")
    assert again.turn > closed.turn
    assert (again.opened_ms, again.waiting_since_ms) == (head.opened_ms, head.opened_ms + 600_000)
    assert centre.offers("ana-1")[-1]["waiting_since"] == iso(again.waiting_since_ms)


def test_a_message_after_the_reopen_window_opens_the_next_conversation_of_the_same_thread(centre: Centre) -> None:
    centre.available("ana")
    head = centre.write(MAYA)
    serve(centre, "ana", head)
    centre.pass_s(24 * 3600 + 1)
    again = centre.write(MAYA, "hello again")
    assert again.conversation != head.conversation
    assert again.home == head.home
    archived = centre.threads.find_archived(head.conversation)
    assert archived
    assert archived.disposition == "solved"
    assert again.state is ContactState.OFFERED


def test_a_reopening_that_died_half_way_is_finished_by_its_record(centre: Centre) -> None:
    centre.available("ana")
    serve(centre, "ana", centre.write(MAYA))
    event = centre.message(MAYA, "one more thing")
    with dies_at(centre.routing, "find_agent", "list_ready"):
        centre.deliver(event, inbound="one")
    assert centre.live(MAYA).state is ContactState.QUEUED
    centre.deliver(event, inbound="one", repeated=True)
    assert centre.live(MAYA).state is ContactState.OFFERED


def test_a_blocked_home_keeps_the_message_and_rings_nowhere(centre: Centre) -> None:
    centre.available("ana")
    centre.threads.blocked.add(centre.home(MAYA))
    centre.deliver(centre.message(MAYA))
    assert len(entries(centre)) == 1
    assert centre.offers("ana-1") == []


def test_messages_of_one_second_stand_in_the_order_the_provider_numbered_them(centre: Centre) -> None:
    for number in (3, 12, 1, 2):
        centre.write(MAYA, str(number), sequence=number)
    assert [entry.text for entry in entries(centre)] == ["1", "2", "3", "12"]


def test_who_wants_no_advertising_still_gets_answers(centre: Centre) -> None:
    head = centre.write(MAYA)
    centre.deliver(
        ConsentChanged(**SOURCE, provider_id="c1", sent_ms=START_MS, granted=False, scope="marketing_messages")
    )
    assert [entry.type for entry in entries(centre, EntryKind.CONSENT)] == ["opt_out"]
    assert not opted_out(centre, head, "telegram/demo")


def test_who_wrote_last_on_another_channel_is_answered_there_though_its_clock_counts_whole_seconds(
    centre: Centre,
) -> None:
    centre.pass_s(0.527)
    centre.write(PHONE, account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    head = centre.write(PHONE, account="whatsapp/1001", channel="whatsapp", sent_ms=START_MS)
    assert head.last_via == f"whatsapp/1001|{PHONE}"


def test_a_message_that_is_days_late_does_not_change_where_the_customer_is_answered(centre: Centre) -> None:
    centre.write(PHONE, account="twilio_sms/+15005550006", channel="twilio_sms", sent_ms=None)
    head = centre.write(PHONE, account="whatsapp/1001", channel="whatsapp", sent_ms=START_MS - 86_400_000)
    assert head.last_via == f"twilio_sms/+15005550006|{PHONE}"
