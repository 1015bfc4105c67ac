"""What Twilio is asked when we send, and what its answers mean."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from tests.channels.fake_http import FakeHttp, said
from tests.channels.sending import ENTRY, file, message, send
from tests.http_fixtures import ACCOUNTS
from throughline.channels import CHANNELS
from throughline.domain.errors import (
    ConfigurationError,
    PartlySentError,
    ProviderRejectedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RecipientOptedOutError,
    UnknownOutcomeError,
    UnsupportedContentError,
)
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment, OutboundMessage
from throughline.domain.quick_replies import QuickReply, QuickReplyKind
from throughline.domain.templates import FilledTemplate
from throughline.ports import Account

ACCOUNT = ACCOUNTS["twilio_sms"]
SID = ACCOUNT.setting("account_sid")
URL = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages.json"
ANA = Identifier(kind="tel", value="+14155550142")
TO, FROM = ("To", "+14155550142"), ("From", "+15005550006")
CALLBACK = ("StatusCallback", f"https://contact.example.com/webhooks/twilio_sms/demo?entry={ENTRY}")
POOL = replace(ACCOUNT, settings={**ACCOUNT.settings, "messaging_service_sid": "MG01"})
FRUGAL = replace(ACCOUNT, settings={**ACCOUNT.settings, "max_segments": 1})

Form = list[tuple[str, str]]


def link(kind: str) -> tuple[str, str]:
    return ("MediaUrl", f"https://files.example/{kind}?X-Sig=s3cr3t")


def tap(label: str) -> QuickReply:
    return QuickReply(kind=QuickReplyKind.REPLY, text=label)


def template(*parameters: str) -> FilledTemplate:
    return FilledTemplate(name="visit", provider_name="HX1", language="en", parameters=parameters)


REQUESTS: dict[str, tuple[Account, OutboundMessage, list[Form]]] = {
    "text": (ACCOUNT, message(ANA, "On its way ✓"), [[TO, FROM, ("Body", "On its way ✓"), CALLBACK]]),
    "text from a pool": (
        POOL,
        message(ANA, "hi"),
        [[TO, ("MessagingServiceSid", "MG01"), ("Body", "hi"), CALLBACK]],
    ),
    "text to a short code": (
        ACCOUNT,
        message(Identifier(kind="shortcode", value="72975"), "STOP"),
        [[("To", "72975"), FROM, ("Body", "STOP"), CALLBACK]],
    ),
    "text to Argentina": (
        ACCOUNT,
        message(Identifier(kind="tel", value="+541123456789"), "hola"),
        [[("To", "+5491123456789"), FROM, ("Body", "hola"), CALLBACK]],
    ),
    "an answer cannot be marked as one": (
        ACCOUNT,
        message(ANA, "hi", reply_to="SM1"),
        [[TO, FROM, ("Body", "hi"), CALLBACK]],
    ),
    "long text": (
        ACCOUNT,
        message(ANA, "word " * 400),
        [
            [TO, FROM, ("Body", ("word " * 320).strip()), CALLBACK],
            [TO, FROM, ("Body", ("word " * 80).strip()), CALLBACK],
        ],
    ),
    "text no longer than the operator pays for": (
        FRUGAL,
        message(ANA, "x" * 150 + " €€€€€€"),
        [[TO, FROM, ("Body", "x" * 150), CALLBACK], [TO, FROM, ("Body", "€€€€€€"), CALLBACK]],
    ),
    "files with text": (
        ACCOUNT,
        message(ANA, "both", file("image"), file("video")),
        [[TO, FROM, ("Body", "both"), link("image"), link("video"), CALLBACK]],
    ),
    "answers to tap are written out": (
        ACCOUNT,
        message(ANA, "Now?", quick_replies=(tap("Yes"), tap("No"))),
        [[TO, FROM, ("Body", "Now?\n\n1. Yes\n2. No"), CALLBACK]],
    ),
    "a template": (
        ACCOUNT,
        message(ANA, "Hi Ana", template=template("Ana", "10:00")),
        [[TO, FROM, ("ContentSid", "HX1"), ("ContentVariables", '{"1": "Ana", "2": "10:00"}'), CALLBACK]],
    ),
    "a template without parameters": (
        ACCOUNT,
        message(ANA, "Hi", template=template()),
        [[TO, FROM, ("ContentSid", "HX1"), CALLBACK]],
    ),
    "file without text": (ACCOUNT, message(ANA, None, file("image")), [[TO, FROM, link("image"), CALLBACK]]),
    "eleven files": (
        ACCOUNT,
        message(ANA, "all", *(file("image") for _ in range(11))),
        [
            [TO, FROM, ("Body", "all"), *([link("image")] * 10), CALLBACK],
            [TO, FROM, link("image"), CALLBACK],
        ],
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_message_becomes_these_posts(case: str) -> None:
    account, outbound, expected = REQUESTS[case]
    http = FakeHttp(*(said(201, {"sid": f"SM{place}"}) for place in range(len(expected))))
    receipt = send(account, outbound, http)
    assert expected == [asked.form for asked in http.asked]
    assert {("POST", URL)} == {(asked.method, asked.url) for asked in http.asked}
    basic = base64.b64encode(f"{SID}:twilio-auth-token-1".encode()).decode()
    assert f"Basic {basic}" == http.asked[0].headers["authorization"]
    assert tuple(f"SM{place}" for place in range(len(expected))) == receipt.provider_ids


def test_a_webhook_address_with_a_query_keeps_it() -> None:
    http = FakeHttp(said(201, {"sid": "SM1"}))
    send(replace(ACCOUNT, webhook_url="https://contact.example.com/w?stage=a"), message(ANA, "hi"), http)
    assert ("StatusCallback", f"https://contact.example.com/w?stage=a&entry={ENTRY}") in http.asked[0].form


REFUSALS: dict[str, tuple[Any, type[Exception]]] = {
    "opted out": (said(400, {"code": 21610, "message": "unsubscribed recipient"}), RecipientOptedOutError),
    "not a number": (said(400, {"code": 21211, "message": "Invalid 'To'"}), ProviderRejectedError),
    "too long": (said(400, {"code": 21617, "message": "too long"}), UnsupportedContentError),
    "a new code": (said(400, {"code": 29999, "message": "odd"}), ProviderRejectedError),
    "no code": (said(400, "<html>"), ProviderRejectedError),
    "wrong token": (said(401, {"code": 20003, "message": "Authenticate"}), ConfigurationError),
    "wrong token, no words": (said(401, ""), ConfigurationError),
    "too fast": (said(429, {"code": 20429, "message": "Too Many Requests"}), ProviderThrottledError),
    "down": (said(503, "<html>"), ProviderUnavailableError),
    "no answer": (UnknownOutcomeError("no answer"), UnknownOutcomeError),
    "taken without a name": (said(201, {}), UnknownOutcomeError),
    "taken in no words": (said(200, "<html>"), UnknownOutcomeError),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_answer_means_this(case: str) -> None:
    answer, expected = REFUSALS[case]
    with pytest.raises(expected):
        send(ACCOUNT, message(ANA, "hi"), FakeHttp(answer))


def test_the_code_goes_along_and_the_reason_is_ours() -> None:
    with pytest.raises(RecipientOptedOutError) as problem:
        send(ACCOUNT, message(ANA, "hi"), FakeHttp(said(400, {"code": 21610, "message": "unsubscribed recipient"})))
    assert ("21610", "the customer replied STOP to this number") == (problem.value.provider_code, problem.value.reason)


def test_a_reason_of_theirs_names_nobody() -> None:
    words = "The number +1 415-555-0142 cannot get https://files.example/image?X-Sig=s3cr3t"
    with pytest.raises(ProviderRejectedError) as problem:
        send(ACCOUNT, message(ANA, "hi"), FakeHttp(said(400, {"code": 29999, "message": words})))
    assert problem.value.reason == "Twilio answered 400 (29999): The number … cannot get …"


def test_a_message_that_stops_half_way_says_how_far_it_got() -> None:
    http = FakeHttp(said(201, {"sid": "SM0"}), UnknownOutcomeError("no answer"))
    with pytest.raises(PartlySentError) as problem:
        send(ACCOUNT, message(ANA, "word " * 400), http)
    assert ("SM0",) == problem.value.provider_ids
    assert isinstance(problem.value.cause, UnknownOutcomeError)


def test_credentials_refused_half_way_do_not_lose_what_was_sent() -> None:
    outbound = message(ANA, "word " * 400)
    wrong = said(401, {"code": 20003, "message": "Authenticate"})
    with pytest.raises(PartlySentError) as problem:
        send(ACCOUNT, outbound, FakeHttp(said(201, {"sid": "SM0"}), wrong))
    assert isinstance(problem.value.cause, ProviderUnavailableError)
    with pytest.raises(ConfigurationError):
        send(ACCOUNT, replace(outbound, parts_sent=problem.value.provider_ids), FakeHttp(wrong))


def test_a_message_that_was_wholly_sent_before_is_not_sent_again() -> None:
    http = FakeHttp()
    receipt = send(ACCOUNT, message(ANA, "hi", parts_sent=("SM0",)), http)
    assert (("SM0",), []) == (receipt.provider_ids, http.asked)


@pytest.mark.parametrize("limit", [0, -1, "2"])
def test_a_limit_that_is_none_is_told_to_the_operator(limit: object) -> None:
    account = replace(ACCOUNT, settings={**ACCOUNT.settings, "max_segments": limit})
    with pytest.raises(ConfigurationError, match="max_segments"):
        send(account, message(ANA, "hi"), FakeHttp())


# ---------------------------------------------------------------- files

MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"


def test_a_file_is_fetched_with_credentials_from_twilio_only() -> None:
    http = FakeHttp(said(200, b"GIF8", content_type="image/gif"))
    found = CHANNELS["twilio_sms"].fetch_media(Attachment(kind="image", source=MEDIA), ACCOUNT, http)
    assert (b"GIF8", "image/gif") == (found.content, found.content_type)
    assert (MEDIA, ("*.twilio.com", "*.twiliocdn.com")) == (http.asked[0].url, http.asked[0].hosts)
    assert http.asked[0].headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "source",
    [
        None,
        "cat.jpg",
        "http://api.twilio.com/x",
        "https://evil.example/x",
        "https://api.twilio.com.evil.example/x",
        "https://api.twilio.com@evil.example/x",
        "https://evil.example/.twilio.com/x",
        "https://media.twiliocdn.com/x",
    ],
)
def test_our_credentials_go_nowhere_else(source: str | None) -> None:
    http = FakeHttp()
    with pytest.raises(UnsupportedContentError):
        CHANNELS["twilio_sms"].fetch_media(Attachment(kind="image", source=source), ACCOUNT, http)
    assert [] == http.asked


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (said(404, ""), ProviderRejectedError),
        (said(401, ""), ConfigurationError),
        (said(500, ""), ProviderUnavailableError),
        (said(429, ""), ProviderThrottledError),
    ],
)
def test_a_file_that_does_not_come_says_why(answer: Any, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        CHANNELS["twilio_sms"].fetch_media(Attachment(kind="image", source=MEDIA), ACCOUNT, FakeHttp(answer))
