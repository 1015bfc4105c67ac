"""Every recorded update of Telegram, and the events it has to become."""

from dataclasses import replace
from typing import Any

import pytest

from tests.channels.reading import bare, events
from tests.http_fixtures import load, names
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.identifiers import Evidence, Identifier
from throughline.domain.messages import (
    Attachment,
    ChannelEvent,
    ConsentChanged,
    Location,
    MessageEdited,
    MessageReceived,
    NotUnderstood,
    Postback,
    Reaction,
)

OURS: dict[str, Any] = {"channel": "telegram", "account": "telegram/throughline_demo_bot"}
LEILA: dict[str, Any] = {
    "senders": (Identifier(kind="telegram", value="7301882"),),
    "name": "ليلى حداد",
    "language": "ar",
}
RENI: dict[str, Any] = {"senders": (Identifier(kind="telegram", value="5512340067"),), "name": "Reni", "language": "id"}


def leila(number: int, at_s: int, **content: Any) -> MessageReceived:
    name: dict[str, Any] = {"provider_id": f"7301882:{number}", "sequence": number}
    return MessageReceived(**OURS, **LEILA, **name, sent_ms=at_s * 1000, **content)


def reni(number: int, at_s: int, **content: Any) -> MessageReceived:
    name: dict[str, Any] = {"provider_id": f"5512340067:{number}", "sequence": number}
    return MessageReceived(**OURS, **RENI, **name, sent_ms=at_s * 1000, **content)


def kept(update: int, reason: str) -> NotUnderstood:
    return NotUnderstood(**OURS, provider_id=f"update:{update}", reason=reason)


LARGEST = Attachment(kind="image", source="AgACAgUAAxk-x", content_type="image/jpeg", size_bytes=88213)
SMALLEST = Attachment(kind="image", source="AgACAgUAAxk-s", content_type="image/jpeg", size_bytes=1311)
OWN_NUMBER = Identifier(kind="tel", value="+628125550177", evidence=Evidence.VERIFIED)
OWN_CONTACT: dict[str, Any] = {
    "type": "contact",
    "text": "Reni (628125550177)",
    "details": {"contact": {"name": "Reni", "phone": "628125550177"}},
}
REACTION: dict[str, Any] = {**OURS, **RENI, "sent_ms": 1762942800_000, "target": "5512340067:50"}

CASES: dict[str, list[ChannelEvent]] = {
    "text_arabic_emoji": [leila(21, 1762941600, text="السلام عليكم، أين طلبي؟ 📦🙏")],
    "text_unescaped": [reni(22, 1762941660, text="Halo, pesanan saya belum sampai 😕")],
    "reply": [reni(23, 1762941720, text="Yang ini", reply_to="5512340067:19")],
    "command_start_with_payload": [
        reni(
            1,
            1762940000,
            type="command",
            text="/start order-88213",
            details={"command": "start", "argument": "order-88213"},
        )
    ],
    "slash_that_is_no_command": [reni(24, 1762941780, text="/ 2 hari lagi?")],
    "photo_with_caption": [leila(25, 1762941840, type="photo", text="هكذا وصلت العلبة", attachments=(LARGEST,))],
    "album_item": [reni(26, 1762941900, type="photo", attachments=(SMALLEST,), album="13998712240017")],
    "voice_note": [
        leila(
            27,
            1762941960,
            type="voice",
            attachments=(Attachment(kind="voice", source="AwACAgQAAxk-v", content_type="audio/ogg", size_bytes=29117),),
        )
    ],
    "document": [
        reni(
            28,
            1762942020,
            type="document",
            attachments=(
                Attachment(
                    kind="document",
                    source="BQACAgUAAxk-d",
                    content_type="application/pdf",
                    name="faktur 0912.pdf",
                    size_bytes=204811,
                ),
            ),
        )
    ],
    "animation": [
        reni(
            29,
            1762942080,
            type="animation",
            attachments=(
                Attachment(
                    kind="video", source="CgACAgQAAxk-g", content_type="video/mp4", name="lol.mp4", size_bytes=98711
                ),
            ),
        )
    ],
    "sticker": [
        leila(
            30,
            1762942140,
            type="sticker",
            attachments=(
                Attachment(kind="sticker", source="CAACAgIAAxk-k", content_type="image/webp", size_bytes=21874),
            ),
        )
    ],
    "location": [reni(31, 1762942200, type="location", location=Location(latitude=-6.200113, longitude=106.816666))],
    "venue": [
        reni(
            32,
            1762942260,
            type="venue",
            location=Location(latitude=-6.1754, longitude=106.8272, name="Monas", address="Gambir, Jakarta Pusat"),
        )
    ],
    "contact_of_somebody_else": [
        reni(
            33,
            1762942320,
            type="contact",
            text="Dewi Larasati (+62 812 5550 142)",
            details={"contact": {"name": "Dewi Larasati", "phone": "+62 812 5550 142"}},
        )
    ],
    "contact_of_their_own": [
        MessageReceived(
            **OURS,
            **{**RENI, "senders": (*RENI["senders"], OWN_NUMBER)},
            provider_id="5512340067:34",
            sequence=34,
            sent_ms=1762942380_000,
            **OWN_CONTACT,
        )
    ],
    "contact_of_their_own_forwarded": [
        reni(35, 1762942390, **{**OWN_CONTACT, "details": {**OWN_CONTACT["details"], "forwarded": "once"}})
    ],
    "mini_app_answer": [reni(36, 1762942440, type="web_app_data", text="Beri nilai", details={"data": '{"rating":4}'})],
    "forwarded": [reni(37, 1762942500, text="Promo berakhir malam ini", details={"forwarded": "once"})],
    "poll": [reni(38, 1762942560, type="unsupported")],
    "pinned_by_the_customer": [kept(310500120, "service_message")],
    "from_a_bot": [kept(310500121, "from_a_bot")],
    "message_without_date": [kept(310500122, "unreadable_item")],
    "edited_text": [
        MessageEdited(
            **OURS,
            **RENI,
            provider_id="5512340067:22:edit:310500123",
            sent_ms=1762941700_000,
            target="5512340067:22",
            text="Halo, pesanan 88213 belum sampai 😕",
        )
    ],
    "edited_caption": [
        MessageEdited(
            **OURS,
            **LEILA,
            provider_id="7301882:25:edit:310500124",
            sent_ms=1762942000_000,
            target="7301882:25",
            type="photo",
            text="هكذا وصلت العلبة اليوم",
            attachments=(LARGEST,),
        )
    ],
    "live_location_moved": [kept(310500125, "live_location")],
    "button_pressed": [
        Postback(
            **OURS, **RENI, provider_id="callback:31408210034", data="confirm:88213", text="Ya", target="5512340067:50"
        )
    ],
    "game_button_pressed": [kept(310500127, "callback_without_data")],
    "reaction_added": [Reaction(**REACTION, provider_id="5512340067:50:reaction:310500128:0", emoji="👍")],
    "reaction_two_emojis": [
        Reaction(**REACTION, provider_id="5512340067:50:reaction:310500129:0", emoji="❤"),
        Reaction(**REACTION, provider_id="5512340067:50:reaction:310500129:1", emoji="🔥"),
    ],
    "reaction_removed": [Reaction(**REACTION, provider_id="5512340067:50:reaction:310500130:0", emoji=None)],
    "reaction_custom": [kept(310500131, "custom_reaction")],
    "bot_blocked": [
        ConsentChanged(**OURS, **RENI, provider_id="update:310500132", sent_ms=1762942900_000, granted=False)
    ],
    "bot_unblocked": [
        ConsentChanged(**OURS, **RENI, provider_id="update:310500133", sent_ms=1762942900_000, granted=True)
    ],
    "bot_restricted": [kept(310500134, "unknown_membership")],
    "group_message": [kept(310500135, "group_message")],
    "channel_post": [kept(310500136, "group_message")],
    "poll_answer": [kept(310500137, "unknown_update")],
}


@pytest.mark.parametrize("name", names("telegram"))
def test_an_update_becomes_these_events(name: str) -> None:
    assert CASES[name] == [bare(event) for event in events("telegram", name)]


def test_a_person_is_no_bot_because_of_a_word() -> None:
    """``"False"`` has been seen in place of false."""
    hook = load("telegram", "text_unescaped")
    body = hook.request.body.replace(b'"is_bot":false', b'"is_bot":"False"')
    found = WEBHOOK_CHANNELS["telegram"].parse(replace(hook.request, body=body), hook.account)
    assert CASES["text_unescaped"] == [bare(event) for event in found]


def test_no_case_has_lost_its_fixture() -> None:
    assert set(names("telegram")) == set(CASES)
