"""Every recorded webhook of WhatsApp, and the events it has to become."""

import base64
from typing import Any

import pytest

from tests.channels.reading import bare, events
from tests.http_fixtures import names
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import (
    Attachment,
    CallReported,
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    Echo,
    IdentityChanged,
    Location,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Reaction,
    StatusReported,
)

OURS: dict[str, Any] = {"channel": "whatsapp", "account": "whatsapp/100000000000001"}
OTHER_NUMBER: dict[str, Any] = {"channel": "whatsapp", "account": "whatsapp/100000000000002"}
AT = 1762941600_000
THEIRS = "wamid.dGhlaXJz"  # a message of the customer's
SENT = "wamid.b3Vycw=="  # a message of ours
ENTRY = "h-0a1b2c3d4e5f60718293.1762941600000.9f86d081884c7d659a2fea"


def wamid(number: int) -> str:
    return "wamid." + base64.b64encode(f"fixture message {number:03d}".encode()).decode()


def tel(number: str) -> Identifier:
    return Identifier(kind="tel", value=number)


def bsuid(value: str) -> Identifier:
    return Identifier(kind="bsuid", value=value)


def parent(value: str) -> Identifier:
    return Identifier(kind="bsuid_parent", value=value)


OMAR_TEL = tel("+971505550142")
OMAR: dict[str, Any] = {"senders": (OMAR_TEL,), "name": "Omar Said"}
PHOTO = Attachment(kind="image", source="1908647269898587", content_type="image/jpeg")


def omar(number: int, **content: Any) -> MessageReceived:
    return MessageReceived(**{**OURS, **OMAR, "provider_id": wamid(number), "sent_ms": AT, **content})


def media(kind: str, number: int, content_type: str, **more: Any) -> Attachment:
    return Attachment(kind=kind, source=str(1908647269898572 + number), content_type=content_type, **more)


def status(word: str, meaning: DeliveryStatus, **more: Any) -> StatusReported:
    fields = {"senders": (OMAR_TEL,), "entry": ENTRY, "sent_ms": 1762941660_000, **more}
    return StatusReported(**OURS, provider_id=f"{SENT}:{word}", message_id=SENT, status=meaning, **fields)


def kept(provider_id: str, reason: str, **more: Any) -> NotUnderstood:
    return NotUnderstood(**{**OURS, **more}, provider_id=provider_id, reason=reason)


def echo(number: int, **content: Any) -> Echo:
    return Echo(**{**OURS, "senders": (OMAR_TEL,), "provider_id": wamid(number), "sent_ms": AT, **content})


def call(word: str, event: str, **more: Any) -> CallReported:
    fields = {**OURS, **OMAR, "provider_id": f"wacid.ZmljdGl0aW91cw==:{word}", "sent_ms": AT, **more}
    return CallReported(**fields, event=event)


def changed(provider_id: str, senders: tuple[Identifier, ...], old: Identifier, new: Identifier) -> IdentityChanged:
    return IdentityChanged(**OURS, provider_id=provider_id, senders=senders, sent_ms=AT, previous=old, current=new)


OLD_NUMBER, NEW_NUMBER = OMAR_TEL, tel("+971505550199")
ADVERTISEMENT = {
    "source_url": "https://fb.me/1abc",
    "source_id": "120210",
    "source_type": "ad",
    "headline": "Lamps",
    "body": "-20%",
    "media_type": "image",
    "image_url": "https://scontent.example/i.jpg",
    "ctwa_clid": "ARAk",
}
LAMPS = [{"product_retailer_id": "lamp-1", "quantity": 2, "item_price": 30, "currency": "AED"}]

CASES: dict[str, list[ChannelEvent]] = {
    "text": [omar(1, text="Where is my order? See https://shop.example/o/88213")],
    "text_arabic_emoji": [omar(2, name="عمر سعيد", text="أين طلبي؟ 😕📦", sent_ms=1762941601_000)],
    "text_phone_bsuid_and_parent": [
        omar(
            3,
            text="hi",
            senders=(OMAR_TEL, bsuid("AE.13491208655302741918"), parent("AE.ENT.11815799212886844830")),
        )
    ],
    "text_bsuid_only_in_contact": [omar(4, text="hi", senders=(OMAR_TEL, bsuid("AE.13491208655302741918")))],
    "text_username_without_phone": [
        omar(
            5,
            name="Dewi",
            senders=(bsuid("ID.55918273640019283746"),),
            text="no number here",
            details={"username": "dewi.l"},
        )
    ],
    "text_malformed_bsuid": [omar(6, text="hi")],
    "text_contact_of_somebody_else": [omar(7, name=None, text="hi")],
    "text_mexican_number": [omar(8, name="Ana", senders=(tel("+525512345678"),), text="hola")],
    "text_brazilian_number": [omar(9, name="Bia", senders=(tel("+5531984561234"),), text="oi")],
    "reply": [omar(10, text="this one", reply_to=SENT)],
    "forwarded": [omar(11, text="look", details={"forwarded": "once"})],
    "forwarded_often": [omar(12, text="look", details={"forwarded": "frequently"})],
    "from_an_advertisement": [omar(13, text="Is it still on offer?", details={"referral": ADVERTISEMENT})],
    "image_with_caption": [omar(14, type="image", text="تالف", attachments=(PHOTO,))],
    "image_with_link": [omar(15, type="image", attachments=(media("image", 16, "image/jpeg"),))],
    "voice_note": [omar(16, type="audio", attachments=(media("voice", 17, "audio/ogg; codecs=opus"),))],
    "video": [omar(17, type="video", attachments=(media("video", 18, "video/mp4"),))],
    "document": [
        omar(18, type="document", attachments=(media("document", 19, "application/pdf", name="invoice.pdf"),))
    ],
    "sticker": [omar(19, type="sticker", attachments=(media("sticker", 20, "image/webp"),))],
    "location": [
        omar(
            20,
            type="location",
            location=Location(
                latitude=25.197197,
                longitude=55.2743764,
                name="Burj Khalifa",
                address="1 Sheikh Mohammed bin Rashid Blvd",
            ),
        )
    ],
    "contacts": [
        omar(
            21,
            type="contacts",
            text="Dewi Larasati (+62 812-5550-142, +62 21 555 0142)\nInfo",
            details={
                "contacts": [
                    {"name": "Dewi Larasati", "phones": ["+62 812-5550-142", "+62 21 555 0142"]},
                    {"name": "Info", "phones": []},
                ]
            },
        )
    ],
    "button_reply": [
        omar(22, type="button", text="Yes", reply_to=SENT, details={"data": "yes-88213", "description": None})
    ],
    "list_reply": [
        omar(23, type="list", text="Tuesday", details={"data": "slot-2", "description": "9 to 12"}),
    ],
    "flow_reply": [omar(24, type="flow", text="Sent", details={"response": {"flow_token": "t", "size": "L"}})],
    "flow_reply_of_no_object": [omar(25, type="flow", text="Sent")],
    "interactive_of_a_new_kind": [
        omar(26, type="unsupported", details={"provider_type": "interactive.call_permission_reply"})
    ],
    "template_button": [omar(27, type="button", text="Not interested", details={"data": "UNSUBSCRIBE"})],
    "order": [
        omar(
            28,
            type="order",
            text="as soon as possible",
            details={"catalog": "194836987003835", "products": LAMPS},
        )
    ],
    "reaction": [Reaction(**OURS, **OMAR, provider_id=wamid(29), sent_ms=AT, target=SENT, emoji="❤️")],
    "reaction_removed": [Reaction(**OURS, **OMAR, provider_id=wamid(30), sent_ms=AT, target=SENT, emoji=None)],
    "reaction_emptied": [Reaction(**OURS, **OMAR, provider_id=wamid(31), sent_ms=AT, target=SENT, emoji=None)],
    "edited_text": [
        MessageEdited(**OURS, **OMAR, provider_id=wamid(32), sent_ms=AT, target=THEIRS, text="Where is order 88213?")
    ],
    "edited_caption": [
        MessageEdited(
            **OURS,
            **OMAR,
            provider_id=wamid(33),
            sent_ms=AT,
            target=THEIRS,
            type="image",
            text="damaged",
            attachments=(media("image", 21, "image/jpeg"),),
        )
    ],
    "revoked": [MessageDeleted(**OURS, **OMAR, provider_id=wamid(34), sent_ms=AT, target=THEIRS)],
    "unsupported": [
        omar(35, type="unsupported", details={"provider_type": "poll_creation", "error_code": "131051"}),
    ],
    "type_nobody_knows_yet": [
        omar(36, type="unsupported", details={"provider_type": "hologram", "error_code": None}),
    ],
    "text_without_body": [kept(wamid(37), "unreadable_item")],
    "time_that_is_none": [kept(wamid(38), "unreadable_item")],
    "group_message": [kept(wamid(39), "group_message")],
    "sender_missing": [kept(wamid(40), "no_sender")],
    "sender_malformed": [kept(wamid(41), "bad_sender")],
    "changed_number": [changed(wamid(42), (OLD_NUMBER, NEW_NUMBER), OLD_NUMBER, NEW_NUMBER)],
    "changed_number_and_user_id": [
        changed(wamid(43), (OLD_NUMBER, bsuid("AE.1"), NEW_NUMBER, bsuid("AE.2")), OLD_NUMBER, NEW_NUMBER),
        changed(wamid(43) + ":1", (OLD_NUMBER, bsuid("AE.1"), NEW_NUMBER, bsuid("AE.2")), bsuid("AE.1"), bsuid("AE.2")),
    ],
    "changed_user_id": [changed(wamid(44), (bsuid("AE.1"), bsuid("AE.2")), bsuid("AE.1"), bsuid("AE.2"))],
    "changed_user_id_told_only_in_words": [kept(wamid(45), "system_message")],
    "security_code_changed": [kept(wamid(46), "system_message")],
    "status_sent": [status("sent", DeliveryStatus.SENT)],
    "status_delivered_with_user_id": [
        status("delivered", DeliveryStatus.DELIVERED, senders=(OMAR_TEL, bsuid("AE.1")), name="Omar Said")
    ],
    "status_read_without_our_reference": [status("read", DeliveryStatus.READ, entry=None)],
    "status_played": [status("played", DeliveryStatus.READ)],
    "status_failed_window": [
        status(
            "failed",
            DeliveryStatus.FAILED,
            reason="more than 24 hours have passed since the customer last wrote",
            error_code="131047",
        )
    ],
    "status_failed_for_a_new_reason": [
        status("failed", DeliveryStatus.FAILED, reason="Could not fetch … for …", error_code="139999")
    ],
    "status_deleted": [kept(f"{SENT}:deleted", "deleted")],
    "status_nobody_knows_yet": [kept(f"{SENT}:in_orbit", "unknown_status")],
    "status_of_a_group": [kept(f"{SENT}:read", "group_message")],
    "call_started": [call("connect", "started")],
    "call_ended": [call("terminate", "ended", sent_ms=1762941690_000)],
    "call_of_ours": [call("connect", "started", name=None, senders=(OMAR_TEL, bsuid("AE.1")))],
    "call_of_ours_rings": [call("RINGING", "ringing", name=None, sent_ms=1762941601_000)],
    "echo_text": [echo(47, text="Sent from the shop's phone")],
    "echo_edit": [echo(48, type="edit", text="Sent from our phone", target=SENT)],
    "echo_revoke": [echo(49, type="revoke", target=SENT)],
    "echo_reaction": [echo(50, type="reaction", text="👍", target=THEIRS)],
    "echo_to_ourselves": [echo(51, senders=(), text="note")],
    "messages_that_are_no_list": [omar(52, text="alone")],
    "batch_of_two_numbers": [
        omar(54, name="Dewi", senders=(tel("+628125550142"),), text="first"),
        omar(55, **OTHER_NUMBER, sent_ms=1762941640_000, text="to the other number"),
        status("delivered", DeliveryStatus.DELIVERED, sent_ms=1762941650_000),
        omar(53, sent_ms=1762941700_000, text="second"),
    ],
    "batch_with_a_message_twice": [omar(59, text="twice"), omar(59, text="twice")],
    "no_entries": [],
}
# what has no id of its own gets one made from what it says
UNNAMED: dict[str, tuple[str, list[ChannelEvent]]] = {
    "account_error": ("error", [kept("", "account_error")]),
    "field_without_a_number": ("change", [kept("", "unknown_field")]),
    "entry_of_another_kind": ("entry", [kept("", "unknown_entry")]),
    "preference_stop": (
        "preference",
        [ConsentChanged(**OURS, **OMAR, provider_id="", sent_ms=AT, granted=False, scope="marketing_messages")],
    ),
    "preference_resume": (
        "preference",
        [ConsentChanged(**OURS, **OMAR, provider_id="", sent_ms=AT, granted=True, scope="marketing_messages")],
    ),
    "preference_of_a_new_kind": ("preference", [kept("", "unknown_preference")]),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_webhook_becomes_these_events(name: str) -> None:
    assert CASES[name] == [bare(event) for event in events("whatsapp", name)]


@pytest.mark.parametrize("name", sorted(UNNAMED))
def test_an_item_without_an_id_gets_one(name: str) -> None:
    prefix, expected = UNNAMED[name]
    found = [bare(event) for event in events("whatsapp", name)]
    assert [event.provider_id.partition(":")[0] for event in found] == [prefix]
    assert [event.provider_id for event in found] == [event.provider_id for event in events("whatsapp", name)]
    assert expected == [event.__class__(**{**_fields(event), "provider_id": ""}) for event in found]


def test_a_changed_user_id_links_both_and_their_parents() -> None:
    found = events("whatsapp", "user_id_update")
    expected = [(bsuid("AE.1"), bsuid("AE.2")), (parent("AE.ENT.1"), parent("AE.ENT.2"))]
    assert expected == [(event.previous, event.current) for event in found if isinstance(event, IdentityChanged)]
    assert OMAR_TEL == found[0].senders[0]
    assert len({event.provider_id for event in found}) == 2


def test_one_bad_item_loses_nothing_else() -> None:
    found = events("whatsapp", "batch_with_one_bad_item")
    assert ["good", "also good"] == [event.text for event in found if isinstance(event, MessageReceived)]
    assert [DeliveryStatus.READ] == [event.status for event in found if isinstance(event, StatusReported)]
    reasons = sorted(event.reason for event in found if isinstance(event, NotUnderstood))
    assert ["unknown_field", "unknown_status", "unreadable_item", "unreadable_item"] == reasons


def test_no_case_has_lost_its_fixture() -> None:
    elsewhere = {"user_id_update", "batch_with_one_bad_item", "handshake"}
    assert set(names("whatsapp")) == set(CASES) | set(UNNAMED) | elsewhere


def _fields(event: ChannelEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
