"""What Telegram is asked when we send, and what its answers mean."""

from typing import Any

import pytest

from tests.channels.fake_http import FakeHttp, said
from tests.channels.sending import file, message, send
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

ACCOUNT = ACCOUNTS["telegram"]
BOT = "https://api.telegram.org/bot7000000001:tg-bot-token"
LEILA = Identifier(kind="telegram", value="7301882")
CHAT = {"chat_id": "7301882"}


def taken(number: int) -> Any:
    chat = {"id": 7301882, "type": "private"}
    return said(200, {"ok": True, "result": {"message_id": number, "chat": chat, "date": 1}})


def refused(status: int, description: str, **more: Any) -> Any:
    return said(status, {"ok": False, "error_code": status, "description": description, **more})


ONCE = {"resize_keyboard": True, "one_time_keyboard": True}
LINK = QuickReplyKind.LINK


def tap(label: str, kind: QuickReplyKind = QuickReplyKind.REPLY, **more: Any) -> QuickReply:
    return QuickReply(kind=kind, text=label, **more)


REQUESTS: dict[str, tuple[OutboundMessage, list[tuple[str, dict[str, Any]]]]] = {
    "text": (message(LEILA, "حاضر 👍"), [("sendMessage", {"text": "حاضر 👍"})]),
    "text with markup in it": (message(LEILA, "a_b *c* [d]"), [("sendMessage", {"text": "a_b *c* [d]"})]),
    "answer to a message": (
        message(LEILA, "yes", reply_to="7301882:21"),
        [
            (
                "sendMessage",
                {"text": "yes", "reply_parameters": {"message_id": 21, "allow_sending_without_reply": True}},
            )
        ],
    ),
    "answer to a message of another chat": (
        message(LEILA, "yes", reply_to="99:21"),
        [("sendMessage", {"text": "yes"})],
    ),
    "long text": (
        message(LEILA, "word " * 900),
        [("sendMessage", {"text": ("word " * 819).strip()}), ("sendMessage", {"text": ("word " * 81).strip()})],
    ),
    "picture with a caption": (
        message(LEILA, "here", file("image")),
        [("sendPhoto", {"photo": "https://files.example/image?X-Sig=s3cr3t", "caption": "here"})],
    ),
    "answers to tap": (
        message(LEILA, "Now?", quick_replies=(tap("Yes"), tap("No"))),
        [
            (
                "sendMessage",
                {"text": "Now?", "reply_markup": {"keyboard": [[{"text": "Yes"}, {"text": "No"}]], **ONCE}},
            )
        ],
    ),
    "long answers below one another, under the last message": (
        message(
            LEILA,
            "Which?",
            file("image"),
            file("image"),
            quick_replies=(tap("the red one, please"), tap("the blue one, then")),
        ),
        [
            ("sendMessage", {"text": "Which?"}),
            ("sendPhoto", {"photo": "https://files.example/image?X-Sig=s3cr3t"}),
            (
                "sendPhoto",
                {
                    "photo": "https://files.example/image?X-Sig=s3cr3t",
                    "reply_markup": {
                        "keyboard": [[{"text": "the red one, please"}], [{"text": "the blue one, then"}]],
                        **ONCE,
                    },
                },
            ),
        ],
    ),
    "answers with descriptions are written out": (
        message(LEILA, "Which?", quick_replies=(tap("A", description="the first"), tap("B"))),
        [("sendMessage", {"text": "Which?\n\n1. A (the first)\n2. B"})],
    ),
    "links under a picture": (
        message(LEILA, "See", file("image"), quick_replies=(tap("Visit", LINK, url="https://a.example/1"),)),
        [
            (
                "sendPhoto",
                {
                    "photo": "https://files.example/image?X-Sig=s3cr3t",
                    "caption": "See",
                    "reply_markup": {"inline_keyboard": [[{"text": "Visit", "url": "https://a.example/1"}]]},
                },
            )
        ],
    ),
    "asking for a place": (
        message(LEILA, "Where?", quick_replies=(tap("Here I am", QuickReplyKind.LOCATION),)),
        [
            (
                "sendMessage",
                {
                    "text": "Where?",
                    "reply_markup": {"keyboard": [[{"text": "Here I am", "request_location": True}]], **ONCE},
                },
            )
        ],
    ),
    "a form that could be no Mini App is written out": (
        message(LEILA, "Please", quick_replies=(tap("Register", QuickReplyKind.FORM, url="http://a.example/f"),)),
        [("sendMessage", {"text": "Please\n\nRegister: http://a.example/f"})],
    ),
    "a form is a Mini App": (
        message(LEILA, "Please", quick_replies=(tap("Register", QuickReplyKind.FORM, url="https://a.example/f"),)),
        [
            (
                "sendMessage",
                {
                    "text": "Please",
                    "reply_markup": {
                        "keyboard": [[{"text": "Register", "web_app": {"url": "https://a.example/f"}}]],
                        **ONCE,
                    },
                },
            )
        ],
    ),
    "picture without text": (
        message(LEILA, None, file("image")),
        [("sendPhoto", {"photo": "https://files.example/image?X-Sig=s3cr3t"})],
    ),
    "picture with a text too long for a caption": (
        message(LEILA, "x" * 1025, file("image")),
        [
            ("sendMessage", {"text": "x" * 1025}),
            ("sendPhoto", {"photo": "https://files.example/image?X-Sig=s3cr3t"}),
        ],
    ),
    "several files": (
        message(LEILA, "both", file("document"), file("voice")),
        [
            ("sendMessage", {"text": "both"}),
            ("sendDocument", {"document": "https://files.example/document?X-Sig=s3cr3t"}),
            ("sendVoice", {"voice": "https://files.example/voice?X-Sig=s3cr3t"}),
        ],
    ),
    "film and sound": (
        message(LEILA, None, file("video"), file("audio")),
        [
            ("sendVideo", {"video": "https://files.example/video?X-Sig=s3cr3t"}),
            ("sendAudio", {"audio": "https://files.example/audio?X-Sig=s3cr3t"}),
        ],
    ),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_message_becomes_these_calls(case: str) -> None:
    outbound, expected = REQUESTS[case]
    http = FakeHttp(*(taken(100 + place) for place in range(len(expected))))
    receipt = send(ACCOUNT, outbound, http)
    assert [(f"{BOT}/{method}", {**CHAT, **payload}) for method, payload in expected] == [
        (asked.url, asked.json) for asked in http.asked
    ]
    assert {("POST", "application/json")} == {(asked.method, asked.headers["content-type"]) for asked in http.asked}
    assert tuple(f"7301882:{100 + place}" for place in range(len(expected))) == receipt.provider_ids


REFUSALS: dict[str, tuple[Any, type[Exception]]] = {
    "blocked": (refused(403, "Forbidden: bot was blocked by the user"), RecipientOptedOutError),
    "account deleted": (refused(403, "Forbidden: user is deactivated"), RecipientOptedOutError),
    "never started": (
        refused(403, "Forbidden: bot can't initiate conversation with a user"),
        ProviderRejectedError,
    ),
    "another ban": (refused(403, "Forbidden: something new"), ProviderRejectedError),
    "chat unknown": (refused(400, "Bad Request: chat not found"), ProviderRejectedError),
    "too long after all": (refused(400, "Bad Request: message is too long"), ProviderRejectedError),
    "file out of reach": (
        refused(400, "Bad Request: failed to get HTTP URL content"),
        UnsupportedContentError,
    ),
    "file of a kind it wants uploaded": (
        refused(400, "Bad Request: wrong type of the web page content"),
        UnsupportedContentError,
    ),
    "token revoked": (refused(401, "Unauthorized"), ConfigurationError),
    "token unknown": (refused(404, "Not Found"), ConfigurationError),
    "too fast": (refused(429, "Too Many Requests"), ProviderThrottledError),
    "down": (said(502, "<html>Bad Gateway</html>"), ProviderUnavailableError),
    "no connection": (ProviderUnavailableError("no connection"), ProviderUnavailableError),
    "no answer": (UnknownOutcomeError("no answer"), UnknownOutcomeError),
    "success that is none": (said(200, {"ok": False, "error_code": 400, "description": "?"}), ProviderRejectedError),
    "success in no words": (said(200, "<html>hello</html>"), UnknownOutcomeError),
    "message put off": (said(200, {"ok": True, "result": {"message_id": 0}}), UnknownOutcomeError),
    "message with an odd id": (said(200, {"ok": True, "result": {"message_id": []}}), UnknownOutcomeError),
    "message without id": (said(200, {"ok": True, "result": {}}), UnknownOutcomeError),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_answer_means_this(case: str) -> None:
    answer, expected = REFUSALS[case]
    with pytest.raises(expected):
        send(ACCOUNT, message(LEILA, "hi"), FakeHttp(answer))


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (refused(429, "Too Many Requests", parameters={"retry_after": 31}), 31.0),
        (said(429, "slow down", retry_after="7"), 7.0),
        (said(429, "slow down"), None),
        (refused(429, "Too Many Requests", parameters={"retry_after": 10**9}), 86_400.0),
    ],
)
def test_the_waiting_time_is_telegrams_own(answer: Any, seconds: float | None) -> None:
    with pytest.raises(ProviderThrottledError) as problem:
        send(ACCOUNT, message(LEILA, "hi"), FakeHttp(answer))
    assert seconds == problem.value.retry_after_s


def test_a_message_that_stops_half_way_says_how_far_it_got_and_goes_on_from_there() -> None:
    outbound = message(LEILA, "both", file("image"), file("voice"))
    with pytest.raises(PartlySentError) as problem:
        send(ACCOUNT, outbound, FakeHttp(taken(1), refused(429, "Too Many Requests")))
    assert ("7301882:1",) == problem.value.provider_ids
    assert isinstance(problem.value.cause, ProviderThrottledError)

    http = FakeHttp(taken(2), taken(3))
    again = message(LEILA, "both", file("image"), file("voice"), parts_sent=problem.value.provider_ids)
    assert ("7301882:1", "7301882:2", "7301882:3") == send(ACCOUNT, again, http).provider_ids
    assert ["sendPhoto", "sendVoice"] == [asked.url.rpartition("/")[2] for asked in http.asked]


@pytest.mark.parametrize(
    ("outbound", "reason"),
    [
        (message(LEILA, "  "), "nothing to send"),
        (message(LEILA, None, Attachment(kind="hologram", url="https://files.example/x")), "hologram"),
        (message(LEILA, None, Attachment(kind="image")), "no link"),
        (message(Identifier(kind="tel", value="+14155550142"), "hi"), "kind tel"),
    ],
)
def test_what_cannot_be_carried_is_refused_before_any_request(outbound: OutboundMessage, reason: str) -> None:
    http = FakeHttp()
    with pytest.raises(UnsupportedContentError, match=reason):
        send(ACCOUNT, outbound, http)
    assert [] == http.asked


# ---------------------------------------------------------------- files

PHOTO = Attachment(kind="image", source="AgAC-x", content_type="image/jpeg")


def test_a_file_is_asked_for_and_then_fetched() -> None:
    http = FakeHttp(
        said(200, {"ok": True, "result": {"file_id": "AgAC-x", "file_path": "photos/file 7.jpg"}}),
        said(200, b"\xff\xd8", content_type="application/octet-stream"),
    )
    found = CHANNELS["telegram"].fetch_media(PHOTO, ACCOUNT, http)
    assert (b"\xff\xd8", "image/jpeg", "file 7.jpg") == (found.content, found.content_type, found.name)
    assert [f"{BOT}/getFile", "https://api.telegram.org/file/bot7000000001:tg-bot-token/photos/file%207.jpg"] == [
        asked.url for asked in http.asked
    ]
    assert (("api.telegram.org",), 20 << 20) == (http.asked[1].hosts, http.asked[1].max_bytes)


FILE_REFUSALS: dict[str, tuple[list[Any], type[Exception]]] = {
    "too big": ([refused(400, "Bad Request: file is too big")], UnsupportedContentError),
    "unknown": ([refused(400, "Bad Request: wrong file_id")], ProviderRejectedError),
    "without a path": ([said(200, {"ok": True, "result": {}})], ProviderRejectedError),
    "busy": ([said(500, "")], ProviderUnavailableError),
    "no answer to a question that may be repeated": ([UnknownOutcomeError("x")], ProviderUnavailableError),
    "gone": ([said(200, {"ok": True, "result": {"file_path": "p"}}), said(404, "")], ProviderRejectedError),
    "down": ([said(200, {"ok": True, "result": {"file_path": "p"}}), said(503, "")], ProviderUnavailableError),
}


@pytest.mark.parametrize("case", FILE_REFUSALS)
def test_a_file_that_does_not_come_says_why(case: str) -> None:
    answers, expected = FILE_REFUSALS[case]
    with pytest.raises(expected):
        CHANNELS["telegram"].fetch_media(PHOTO, ACCOUNT, FakeHttp(*answers))
