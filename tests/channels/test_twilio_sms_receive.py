"""Every recorded form of Twilio, and the events it has to become."""

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest

from tests.channels.reading import bare, events
from tests.http_fixtures import ACCOUNTS, load, names, proof
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.errors import SignatureMismatchError
from throughline.domain.identifiers import Identifier, digest
from throughline.domain.messages import (
    Attachment,
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    MessageReceived,
    NotUnderstood,
    StatusReported,
)
from throughline.ports import WebhookRequest

ACCOUNT = "twilio_sms/+15005550006"
ENTRY = "h-0a1b2c3d4e5f60718293.1762941600000.9f86d081884c7d659a2fea"
MEDIA = "https://api.twilio.com/2010-04-01/Accounts/AC0f3c1d27a9b84e66a0c5d1e2f3a4b5c6/Messages"


def sid(name: str) -> str:
    request = load("twilio_sms", name).request
    return parse_qs(request.body.decode() or request.url.partition("?")[2])["MessageSid"][0]


def made_up(name: str) -> str:
    request = load("twilio_sms", name).request
    return digest(request.url, hashlib.sha256(request.body).hexdigest())


def tel(number: str) -> tuple[Identifier, ...]:
    return (Identifier(kind="tel", value=number),)


def sms(name: str, text: str | None, number: str = "+14155550142", **more: Any) -> MessageReceived:
    fields = {"account": ACCOUNT, "senders": tel(number), "type": "text", **more}
    return MessageReceived(channel="twilio_sms", provider_id=sid(name), text=text, **fields)


def consent(name: str, text: str, *, granted: bool, number: str = "+14155550142") -> ConsentChanged:
    return ConsentChanged(
        channel="twilio_sms",
        account=ACCOUNT,
        provider_id=f"{sid(name)}:{'opt_in' if granted else 'opt_out'}",
        senders=tel(number),
        granted=granted,
        text=text,
    )


def status(name: str, word: str, meaning: DeliveryStatus, **more: Any) -> StatusReported:
    fields = {"account": ACCOUNT, "senders": tel("+14155550142"), "entry": ENTRY, **more}
    message_id = sid(name)
    return StatusReported(
        channel="twilio_sms", provider_id=f"{message_id}:{word}", message_id=message_id, status=meaning, **fields
    )


def kept(provider_id: str, reason: str) -> NotUnderstood:
    return NotUnderstood(channel="twilio_sms", account=ACCOUNT, provider_id=provider_id, reason=reason)


def file(name: str, kind: str, content_type: str, part: str) -> Attachment:
    return Attachment(kind=kind, source=f"{MEDIA}/{sid(name)}/Media/{part}", content_type=content_type)


CASES: dict[str, list[ChannelEvent]] = {
    "sms": [sms("sms", "Where is my order? It's late.")],
    "sms_arabic_emoji": [sms("sms_arabic_emoji", "أين طلبي؟ 🙏", "+971505550142")],
    "sms_to_another_number_of_ours": [
        sms("sms_to_another_number_of_ours", "Hi", account="twilio_sms/+15005550009"),
    ],
    "sms_from_mexico_old_spelling": [sms("sms_from_mexico_old_spelling", "¿Dónde está mi pedido?", "+525512345678")],
    "sms_from_short_code": [
        sms(
            "sms_from_short_code",
            "Your code is 118 203",
            senders=(Identifier(kind="shortcode", value="72975"),),
        )
    ],
    "sms_to_short_code": [sms("sms_to_short_code", "JOIN", account="twilio_sms/20255")],
    "sms_in_base64": [
        sms(
            "sms_in_base64",
            "Hello, I ordered a lamp on Monday & it has not arrived. Please help — thanks!",
        )
    ],
    "sms_from_a_name": [kept(sid("sms_from_a_name"), "bad_sender")],
    "sms_without_sender": [kept(sid("sms_without_sender"), "no_sender")],
    "sms_over_get": [sms("sms_over_get", "Sent with GET & all")],
    "mms_two_files_with_text": [
        sms(
            "mms_two_files_with_text",
            "the broken one",
            type="media",
            attachments=(
                file("mms_two_files_with_text", "image", "image/jpeg", "ME01"),
                file("mms_two_files_with_text", "video", "video/mp4", "ME02"),
            ),
        )
    ],
    "mms_card_without_text": [
        sms(
            "mms_card_without_text",
            None,
            type="media",
            attachments=(file("mms_card_without_text", "document", "text/vcard", "ME03"),),
        )
    ],
    "mms_without_body_field": [
        sms(
            "mms_without_body_field",
            None,
            type="media",
            attachments=(file("mms_without_body_field", "audio", "audio/amr", "ME04"),),
        )
    ],
    "stop_keyword": [sms("stop_keyword", " stop \n"), consent("stop_keyword", " stop \n", granted=False)],
    "start_keyword": [sms("start_keyword", "START"), consent("start_keyword", "START", granted=True)],
    "stop_in_a_sentence": [sms("stop_in_a_sentence", "Please stop the delivery")],
    "opt_out_type_stop": [
        sms("opt_out_type_stop", "BERHENTI", "+628125550142"),
        consent("opt_out_type_stop", "BERHENTI", granted=False, number="+628125550142"),
    ],
    "opt_out_type_help": [sms("opt_out_type_help", "HELP")],
    "whatsapp_over_twilio": [kept(sid("whatsapp_over_twilio"), "not_an_sms")],
    "voice_call": [kept(made_up("voice_call"), "voice_call")],
    "repeated_fields": [kept(made_up("repeated_fields"), "unknown_form")],
    "json_body": [kept(made_up("json_body"), "not_a_form")],
    "status_queued": [status("status_queued", "queued", DeliveryStatus.SENT)],
    "status_sent": [status("status_sent", "sent", DeliveryStatus.SENT)],
    "status_delivered": [status("status_delivered", "delivered", DeliveryStatus.DELIVERED)],
    "status_undelivered": [
        status(
            "status_undelivered",
            "undelivered",
            DeliveryStatus.FAILED,
            reason="the phone is switched off or out of reach",
            error_code="30003",
        )
    ],
    "status_failed_for_a_new_reason": [
        status(
            "status_failed_for_a_new_reason",
            "failed",
            DeliveryStatus.FAILED,
            reason="Number … is odd, see …",
            error_code="39999",
        )
    ],
    "status_without_our_reference": [
        status("status_without_our_reference", "delivered", DeliveryStatus.DELIVERED, senders=(), entry=None)
    ],
    "status_from_a_name": [status("status_from_a_name", "delivered", DeliveryStatus.DELIVERED)],
    "status_of_a_pool_number": [
        status("status_of_a_pool_number", "delivered", DeliveryStatus.DELIVERED, account="twilio_sms/+15005550009")
    ],
    "status_unknown": [kept(f"{sid('status_unknown')}:teleported", "unknown_status")],
}


@pytest.mark.parametrize("name", names("twilio_sms"))
def test_a_form_becomes_these_events(name: str) -> None:
    assert CASES[name] == [bare(event) for event in events("twilio_sms", name)]


def test_no_case_has_lost_its_fixture() -> None:
    assert set(names("twilio_sms")) == set(CASES)


@pytest.mark.parametrize("name", ["sms", "mms_two_files_with_text", "voice_call", "json_body"])
def test_a_message_is_answered_with_an_empty_response(name: str) -> None:
    answer = WEBHOOK_CHANNELS["twilio_sms"].accepted(load("twilio_sms", name).request)
    expected = (200, "text/xml", '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    assert expected == (answer.status, answer.content_type, answer.body)


def test_a_status_is_answered_with_nothing() -> None:
    answer = WEBHOOK_CHANNELS["twilio_sms"].accepted(load("twilio_sms", "status_sent").request)
    assert (204, "") == (answer.status, answer.body)


def test_what_is_no_form_is_answered_too() -> None:
    request = WebhookRequest(
        method="POST",
        url=ACCOUNTS["twilio_sms"].webhook_url,
        headers={},
        query={},
        body=b"\xff",
        received_ms=0,
    )
    assert WEBHOOK_CHANNELS["twilio_sms"].accepted(request).status == 200


# ---------------------------------------------------------------- the URL that was signed

BODY = b"From=%2B14155550142&MessageSid=SM1&To=%2B15005550006"
JSON = b'{"a":1}'


def signed(url: str, *, known_as: str, body: bytes = BODY) -> WebhookRequest:
    """Return a webhook Twilio signed for `url`, as it reaches us under the address we know."""
    request = WebhookRequest(
        method="POST",
        url=url,
        headers={},
        query=dict(parse_qsl(url.partition("?")[2])),
        body=body,
        received_ms=0,
    )
    token = ACCOUNTS["twilio_sms"].secret("auth_token")
    return replace(request, url=known_as, headers={"x-twilio-signature": proof("twilio_sms", token, request)})


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("https://c.example/w", "https://c.example/w"),
        ("https://c.example/w", "https://c.example:8443/w"),
        ("https://c.example:443/w", "https://c.example/w"),
        ("https://c.example/w", "https://c.example:443/w"),
        ("http://c.example:80/w", "http://c.example/w"),
        ("https://user:pass@c.example:443/w", "https://user:pass@c.example/w"),
        ("https://c.example/w?q=it%27s", "https://c.example/w?q=it's"),
        ("https://c.example:443/w?q=it%27s", "https://c.example/w?q=it's"),
    ],
)
def test_the_ways_twilio_writes_an_address_are_one(theirs: str, ours: str) -> None:
    WEBHOOK_CHANNELS["twilio_sms"].verify(signed(theirs, known_as=ours), ACCOUNTS["twilio_sms"])


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("https://c.example/w", "http://c.example/w"),
        ("https://c.example/w", "https://c.example/W"),
        ("https://c.example/w", "https://c.example/w/"),
        ("https://c.example/w", "https://c.example.evil/w"),
        ("https://c.example/w?a=1", "https://c.example/w"),
        ("https://c.example:80/w", "https://c.example/w"),
    ],
)
def test_another_address_is_another_address(theirs: str, ours: str) -> None:
    with pytest.raises(SignatureMismatchError):
        WEBHOOK_CHANNELS["twilio_sms"].verify(signed(theirs, known_as=ours), ACCOUNTS["twilio_sms"])


def test_a_body_nobody_signed_is_not_believed_for_its_address() -> None:
    """The signature of a request without fields covers the URL alone; a JSON body under it could be anybody's."""
    url = "https://c.example/w"
    request = replace(signed(url, known_as=url, body=b""), body=JSON, headers={"content-type": "application/json"})
    bare_url = signed(url, known_as=url, body=b"").headers["x-twilio-signature"]
    with pytest.raises(SignatureMismatchError):
        WEBHOOK_CHANNELS["twilio_sms"].verify(
            replace(request, headers={**request.headers, "x-twilio-signature": bare_url}), ACCOUNTS["twilio_sms"]
        )
