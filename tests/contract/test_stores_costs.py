"""What each access pattern costs, counted at the client, against docs/data-model.md; and how large items become."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.benchmarks.meter import Bill, Meter, item_bytes
from tests.cloud import REGION, cloud
from tests.contract.test_stores_sockets import MINUTE, MINUTE_MS, SOCKET, VISITOR, VISITOR_SOCKET
from tests.tables import (
    ANNA,
    BEN,
    HOME,
    NOW_MS,
    OTHER_HOME,
    VIA,
    Stores,
    agent,
    connection,
    dynamo_stores,
    entry,
    offer,
    opened,
    opening,
    ready,
    tables_of,
    waiting,
)
from throughline.domain.conversations import ContactChange, ContactState, Entry, Expected, Head
from throughline.domain.customers import CardChange, Customer, CustomerIdentifier
from throughline.domain.identifiers import AgentId, ConversationId, CustomerId, Home, Identifier
from throughline.domain.messages import Attachment, DeliveryStatus
from throughline.domain.routing import Agent, Claim, NextPresence, Presence, Slot, with_slot
from throughline.store._agents import agent_item
from throughline.store._entries import entry_item
from throughline.store._heads import head_item
from throughline.store._values import Item, to_attributes

KB = 1024
ADA, PHONE = CustomerId(HOME), Identifier(kind="tel", value="+14155550100")
KNOWN = CustomerIdentifier(identifier=PHONE, home=HOME, since_ms=NOW_MS)
ROW = re.compile(r"^\| ([TCRNFI]\d+) \|[^|]+\| ([^|]+) \|[^|]+\| ([\d.]+) \| ([\d.]+) \|", re.MULTILINE)
DOCUMENTED = {
    row[0]: (re.findall(r"[A-Z]\w+Items?\b|Query", row[1]), float(row[2]), float(row[3]))
    for row in ROW.findall((Path(__file__).parents[2] / "docs" / "data-model.md").read_text(encoding="utf-8"))
}


@pytest.fixture
def stores() -> Iterator[Stores]:
    with cloud():
        yield dynamo_stores(tables_of(connection()))


@cache
def meter() -> Meter:
    return Meter(boto3.client("dynamodb", region_name=REGION))


def bill_of(step: Callable[[], object]) -> Bill:
    events = connection().client.meta.events
    handlers: dict[str, Any] = {
        "provide-client-params.dynamodb.*": meter()._asked,
        "after-call.dynamodb.*": meter()._answered,
    }
    for event, handler in handlers.items():
        events.register(event, handler)
    try:
        with meter().reading() as bill:
            step()
    finally:
        for event, handler in handlers.items():
            events.unregister(event, handler)
    return bill


# ---------------------------------------------------------------- requests and units

Prepare = Callable[[Stores], object]
Step = Callable[[Stores], object]


def nothing(_: Stores) -> None:
    """Need nothing to stand there."""


def a_head(stores: Stores) -> None:
    opened(stores, name="Ada", language="de")


def an_entry(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.QUEUED, attachments=(Attachment(kind="image", source="1"),)))


def a_customer(stores: Stores) -> None:
    stores.customers.add_customer(Customer(customer_id=ADA, name="Ada"))
    stores.customers.add_identifier(ADA, KNOWN)


def an_agent(stores: Stores) -> None:
    stores.routing.add_agent(agent())


def a_listener(stores: Stores) -> None:
    stores.connections.add_listener(VISITOR.way, VISITOR_SOCKET)


def a_bound_visitor(stores: Stores) -> None:
    stores.customers.bind_visitor(_VISITOR, PHONE)


def both(stores: Stores) -> None:
    a_head(stores)
    an_agent(stores)


def _live(stores: Stores) -> Head:
    found = stores.threads.get_live(HOME)
    assert isinstance(found, Head)
    return found


def _anna(stores: Stores) -> Agent:
    found = stores.routing.find_agent(ANNA)
    assert found is not None
    return found


_REF = entry().reference
_VISITOR = CustomerIdentifier(identifier=Identifier(kind="visitor", value="00ff"), home=HOME, since_ms=NOW_MS)
_CHANGE = ContactChange(
    home=HOME, conversation=ConversationId(f"{HOME}.1"), turn=1, state=ContactState.QUEUED, at_ms=1, by="x", why="y"
)
_TURN_1 = Expected(conversation=opening().conversation, turn=1, states=(ContactState.QUEUED,))
_BY_ANNA = CardChange(by=ANNA, at_ms=NOW_MS)
_AS_OPENED = opening(name="Ada", language="de")

PATTERNS: dict[str, tuple[Prepare, Step]] = {
    "T1": (nothing, lambda s: s.threads.add_entry(entry())),
    "T2": (nothing, lambda s: s.threads.remember_arrival(HOME, "aa", NOW_MS, "inbound-1")),
    "T3": (a_head, lambda s: s.threads.announce(HOME, opening(2))),
    "T4": (a_head, lambda s: s.threads.announce_update(HOME, opening().conversation)),
    "T5": (a_head, lambda s: s.threads.get_live(HOME)),
    "T6": (a_head, lambda s: s.threads.transition(HOME, _TURN_1, {"state": ContactState.ACTIVE})),
    "T7": (nothing, lambda s: s.threads.move_home(HOME, OTHER_HOME, None)),
    "T9": (nothing, lambda s: s.threads.find_archived(opening().conversation)),
    "T10": (an_entry, lambda s: s.threads.find_entry(HOME, _REF)),
    "T11": (an_entry, lambda s: s.threads.list_entries(HOME, before=None, since_ms=0, limit=20)),
    "T12": (an_entry, lambda s: s.threads.set_status(HOME, _REF, DeliveryStatus.SENT, provider_ids=("p1",))),
    "T13": (an_entry, lambda s: s.threads.mark_sending(HOME, _REF)),
    "T14": (an_entry, lambda s: s.threads.set_attachment(HOME, _REF, 0, Attachment(kind="image", blob="b"))),
    "T15": (nothing, lambda s: s.threads.record_change(_CHANGE)),
    "T16": (nothing, lambda s: s.threads.list_changes(HOME, _CHANGE.conversation)),
    "T17": (a_head, lambda s: s.threads.list_live([HOME])),
    "T18": (lambda s: s.threads.archive(opened(s)), lambda s: s.threads.list_archived(HOME)),
    "T19": (nothing, lambda s: s.threads.shorten_move(HOME, OTHER_HOME)),
    "C1": (nothing, lambda s: s.customers.add_customer(Customer(customer_id=ADA, name="Ada", identifiers=(KNOWN,)))),
    "C2": (nothing, lambda s: s.customers.add_identifier(ADA, KNOWN)),
    "C3": (a_customer, lambda s: s.customers.find_customer(ADA)),
    "C4": (a_customer, lambda s: s.customers.find_identifier(ADA, PHONE)),
    "C5": (a_customer, lambda s: s.customers.set_consent(ADA, PHONE, "a/1", granted=False, at_ms=1)),
    "C6": (nothing, lambda s: s.customers.record_link(ADA, CustomerId(OTHER_HOME), why="w", at_ms=1)),
    "C7": (a_customer, lambda s: s.customers.change_card(ADA, {"tier": "gold", "name": None}, _BY_ANNA)),
    "C8": (nothing, lambda s: s.customers.bind_visitor(_VISITOR, PHONE)),
    "C9": (a_bound_visitor, lambda s: s.customers.find_owner(_VISITOR.identifier)),
    "C10": (a_bound_visitor, lambda s: s.customers.list_visitors(PHONE)),
    "C11": (a_customer, lambda s: s.customers.complete_card(ADA, Customer(customer_id=ADA, name="A.", tier="gold"))),
    "R1": (an_agent, lambda s: s.routing.find_agent(ANNA)),
    "R2": (nothing, lambda s: s.routing.add_agent(agent())),
    "R7": (nothing, lambda s: s.routing.put_ready(ready())),
    "R8": (nothing, lambda s: s.routing.delete_ready(ready())),
    "R9": (nothing, lambda s: s.routing.list_ready("chat", limit=4, strong=True)),
    "R10": (nothing, lambda s: s.routing.put_waiting(waiting())),
    "R11": (nothing, lambda s: s.routing.delete_waiting(waiting())),
    "R12": (nothing, lambda s: s.routing.list_waiting("chat", "de.1", limit=4, strong=True)),
    "R13": (nothing, lambda s: [s.routing.add_requirement("chat", "de.5") for _ in range(3)]),
    "R14": (nothing, lambda s: [s.routing.list_requirements("chat") for _ in range(3)]),
    "N1": (nothing, lambda s: s.connections.add_connection(SOCKET)),
    "N2": (nothing, lambda s: s.connections.find_connection(SOCKET.connection_id)),
    "N3": (nothing, lambda s: s.connections.delete_connection(SOCKET.connection_id)),
    "N4": (nothing, lambda s: s.connections.add_listener(VISITOR.way, VISITOR_SOCKET)),
    "N5": (a_listener, lambda s: s.connections.list_listeners(VISITOR.way)),
    "N6": (a_listener, lambda s: s.connections.delete_listener(VISITOR.way, VISITOR_SOCKET.connection_id)),
    "I1": (nothing, lambda s: [s.intake.take("telegram/demo", limit=1600, at_ms=NOW_MS) for _ in range(120)]),
    "F1": (nothing, lambda s: s.timers.put({"kind": "pause"}, MINUTE_MS)),
    "F2": (nothing, lambda s: s.timers.list_due(MINUTE)),
    "F4": (nothing, lambda s: s.timers.find_cursor()),
    "F5": (nothing, lambda s: s.timers.advance_cursor(MINUTE)),
}


def check(pattern: str, bill: Bill) -> None:
    calls = [call.removeprefix("dynamodb.") for call in bill.calls]
    assert (calls, bill.write_units, bill.read_units) == DOCUMENTED[pattern]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_an_access_pattern_costs_what_is_documented(stores: Stores, pattern: str) -> None:
    prepare, step = PATTERNS[pattern]
    prepare(stores)

    check(pattern, bill_of(lambda: step(stores)))


def test_patterns_that_need_what_was_read_cost_what_is_documented(stores: Stores) -> None:
    both(stores)
    stores.routing.add_agent(agent(BEN))
    head, anna = _live(stores), _anna(stores)
    check("R3", bill_of(lambda: stores.routing.replace_agent(anna, replace(anna, reason="lunch"))))
    check("R4", bill_of(stores.routing.list_agents))
    check("R5", bill_of(lambda: stores.routing.claim(offer(head))))
    check("T8", bill_of(lambda: stores.threads.archive(head)))
    other, anna = opened(stores, OTHER_HOME), _anna(stores)
    slot = Slot(home=OTHER_HOME, turn=2, work_class="chat")
    holding = with_slot(anna, other.conversation, slot)
    check("R6", bill_of(lambda: stores.routing.swap(anna, holding, offer(other))))
    anna, head = _anna(stores), _live(stores)
    taking = {"state": ContactState.ACTIVE, "turn": head.turn + 1, "nonce": "n"}
    check("R15", bill_of(lambda: stores.routing.take_over(anna, anna, head, taking)))
    stores.timers.put({"kind": "pause"}, MINUTE_MS)
    timer = stores.timers.list_due(MINUTE)[0]
    check("F3", bill_of(lambda: stores.timers.delete(timer)))


def test_every_documented_pattern_was_counted() -> None:
    assert {*PATTERNS, "R3", "R4", "R5", "R6", "R15", "T8", "F3"} == set(DOCUMENTED)


def test_a_lost_claim_costs_as_much_as_one_that_is_won(stores: Stores) -> None:
    both(stores)
    head = _live(stores)
    stores.routing.claim(offer(head))

    bill = bill_of(lambda: stores.routing.claim(offer(head, nonce="another")))

    assert (bill.calls, bill.write_units) == (["dynamodb.TransactWriteItems"], 4)


def test_a_late_message_costs_one_unit_more(stores: Stores) -> None:
    stores.threads.announce(HOME, opening(5))

    bill = bill_of(lambda: stores.threads.announce(HOME, opening(3)))

    assert (bill.calls, bill.write_units) == (["dynamodb.UpdateItem"] * 2, 2)


def test_a_repeated_receipt_costs_one_unit(stores: Stores) -> None:
    stores.threads.add_entry(entry(status=DeliveryStatus.READ, provider_ids=("p1",)))

    bill = bill_of(lambda: stores.threads.set_status(HOME, _REF, DeliveryStatus.SENT, provider_ids=("p1",)))

    assert bill.calls == ["dynamodb.UpdateItem"]


def test_no_request_asks_for_consumed_capacity_or_describes_a_table(stores: Stores) -> None:
    asked: list[tuple[str, Any]] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        asked.append((model.name, params.get("ReturnConsumedCapacity")))

    events = connection().client.meta.events
    events.register("provide-client-params.dynamodb.*", note)
    both(stores)
    stores.routing.claim(offer(_live(stores)))
    stores.routing.list_agents()
    events.unregister("provide-client-params.dynamodb.*", note)

    assert {capacity for _, capacity in asked} == {"NONE"}
    assert "DescribeTable" not in {operation for operation, _ in asked}


# ---------------------------------------------------------------- sizes

TEXT = (
    "Hello, I ordered the blue kettle nine days ago and it has not come yet. The tracking page has said label created "
    "since Monday. Could somebody find out where it is, or send another one? Thank you, Ada."
)
TELEGRAM = {
    "update_id": 482_910_377,
    "message": {
        "message_id": 8817,
        "from": {
            "id": 5_120_448_311,
            "is_bot": False,
            "first_name": "Ada",
            "last_name": "Lindqvist",
            "username": "ada_lindqvist",
            "language_code": "sv",
        },
        "chat": {
            "id": 5_120_448_311,
            "first_name": "Ada",
            "last_name": "Lindqvist",
            "username": "ada_lindqvist",
            "type": "private",
        },
        "date": 1_763_800_000,
        "text": TEXT,
        "entities": [{"offset": 20, "length": 11, "type": "bold"}, {"offset": 73, "length": 13, "type": "italic"}],
    },
}
TWILIO = {
    "form": {
        "ToCountry": "SE",
        "ToState": "",
        "SmsMessageSid": "SM4f0c1d7be29a4c53a8e2b6a9d0c7e114",
        "NumMedia": "0",
        "ToCity": "",
        "FromZip": "94107",
        "SmsSid": "SM4f0c1d7be29a4c53a8e2b6a9d0c7e114",
        "FromState": "CA",
        "SmsStatus": "received",
        "FromCity": "SAN FRANCISCO",
        "Body": TEXT,
        "FromCountry": "US",
        "To": "+46700100200",
        "MessagingServiceSid": "MG0b6e5a4f3c2d1e0f9a8b7c6d5e4f3a2b",
        "ToZip": "",
        "NumSegments": "2",
        "MessageSid": "SM4f0c1d7be29a4c53a8e2b6a9d0c7e114",
        "AccountSid": "AC9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a",
        "From": "+14155550100",
        "ApiVersion": "2010-04-01",
    }
}
WHATSAPP = {
    "account": "318204417702215",
    "metadata": {"display_phone_number": "46700100200", "phone_number_id": "204417702215318"},
    "contact": {"profile": {"name": "Ada Lindqvist"}, "wa_id": "14155550100", "user_id": "US.49210038817264551"},
    "message": {
        "from": "14155550100",
        "from_user_id": "US.49210038817264551",
        "id": "wamid.HBgLMTQxNTU1NTAxMDAVAgASGBQzQTdFMDlCQzVGMkQ4MTRBNjM5RQA=",
        "timestamp": "1763800000",
        "context": {"from": "46700100200", "id": "wamid.HBgLMTQxNTU1NTAxMDAVAgARGBI5QjE0QUY3MzAyRTVDODZEMTcA"},
        "type": "text",
        "text": {"body": TEXT},
    },
}
BY = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def message(channel: str, via: str, raw: Any) -> Entry:
    return entry(by=BY, channel=channel, via=via, text=TEXT, author="Ada Lindqvist", reply_to="8801", raw=raw)


def size(item: Item) -> int:
    return item_bytes(to_attributes(item))


@pytest.mark.parametrize(
    "kept",
    [
        message("telegram", "telegram/7311905562|telegram:5120448311", TELEGRAM),
        message("twilio_sms", "twilio_sms/+46700100200|tel:+14155550100", TWILIO),
        message("whatsapp", "whatsapp/204417702215318|bsuid:US.49210038817264551", WHATSAPP),
    ],
    ids=lambda kept: kept.channel,
)
def test_a_message_of_200_characters_with_its_raw_part_is_one_write_unit(kept: Entry) -> None:
    assert len(TEXT) == 200
    assert size(entry_item(kept)) <= KB - 256  # room for delivery status and provider ids


def test_a_head_in_the_midst_of_its_life_is_one_write_unit(stores: Stores) -> None:
    head = opened(stores, name="Ada Lindqvist", language="sv", requirement="billing.3+sv.1", queue="customer-care")
    busy = replace(
        head,
        state=ContactState.OFFERED,
        past=("2:anna.svensson", "4:ben.okafor", "6:carla.rossi"),
        excluded=(AgentId("ben.okafor"), AgentId("carla.rossi")),
        holder=AgentId("anna.svensson"),
        preferred=AgentId("anna.svensson"),
        epoch=12,
        deadline_ms=NOW_MS,
        nonce="0123456789abcdef",
        why="0123456789abcdef012345",
        sockets=("L0SM9cOFvHcCIhw=", "L0SM9cOFvHcCIhx="),
        vias={VIA: NOW_MS, "whatsapp/204417702215318|bsuid:US.49210038817264551": NOW_MS},
        links=(OTHER_HOME,),
        sending=head.opener,
        answered_by="ben.okafor",
        answered_version=4711,
        until_ms=NOW_MS,
    )

    assert size(head_item(head, "live")) <= KB // 2
    assert size(head_item(busy, "live")) <= KB


def test_an_agent_with_twelve_contacts_is_one_write_unit(stores: Stores) -> None:
    busy = agent(
        AgentId("anna.svensson"),
        name="Anna Svensson",
        signature="billing.3+de.2+en.5+orders.4+sv.5",
        teams=("customer-care",),
        capacity={"chat": 12, "email": 10, "voice": 1},
        since_ms=NOW_MS,
        next=NextPresence(presence=Presence.NOT_READY, reason="lunch"),
        stamps=dict.fromkeys(("voice", "chat", "email"), f"{NOW_MS:013d}.00004711"),
        sockets=("L0SM9cOFvHcCIhw=", "L0SM9cOFvHcCIhx="),
        seq=4711,
        epoch=12,
    )
    for number in range(12):
        home = Home(f"h-{number:020x}")
        slot = Slot(home=home, turn=12, work_class="chat")
        busy = with_slot(busy, ConversationId(f"{home}.0123456789"), slot)

    assert size(agent_item(busy)) <= KB
    head = opened(stores)
    stores.routing.add_agent(busy)
    assert stores.routing.claim(offer(head, busy.agent_id, epoch=12))[0] is Claim.AGENT_UNABLE
