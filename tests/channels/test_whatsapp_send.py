"""What WhatsApp is asked when we send, and what its answers mean."""

from dataclasses import replace
from typing import Any

import pytest

from tests.channels.fake_http import FakeHttp, said
from tests.channels.sending import ENTRY, NOW_MS, file, message, send
from tests.http_fixtures import ACCOUNTS
from throughline.channels import CHANNELS
from throughline.domain.errors import (
    ConfigurationError,
    PartlySentError,
    ProviderRejectedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    UnknownOutcomeError,
    UnsupportedContentError,
    WindowClosedError,
)
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment, OutboundMessage
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.templates import FilledTemplate

ACCOUNT = ACCOUNTS["whatsapp"]
URL = "https://graph.facebook.com/v25.0/100000000000001/messages"
OMAR = Identifier(kind="tel", value="+971505550142")
DEWI = Identifier(kind="bsuid", value="ID.55918273640019283746")
DAY_MS = 24 * 60 * 60 * 1000
TO_OMAR = {"to": "971505550142"}


def taken(number: int, **more: Any) -> Any:
    return said(200, {"messaging_product": "whatsapp", "messages": [{"id": f"wamid.{number}"}], **more})


def refused(code: int, status: int = 400, **more: Any) -> Any:
    return said(status, {"error": {"message": f"(#{code}) no", "type": "OAuthException", "code": code, **more}})


def text(body: str, *, preview: bool = False) -> dict[str, Any]:
    return {"type": "text", "text": {"body": body, "preview_url": preview}}


def media(kind: str, of: str | None = None, **more: str) -> dict[str, Any]:
    return {"type": kind, kind: {"link": f"https://files.example/{of or kind}?X-Sig=s3cr3t", **more}}


def tap(label: str, description: str | None = None) -> QuickReply:
    return QuickReply(kind=QuickReplyKind.REPLY, text=label, description=description)


def opens(label: str, url: str) -> QuickReply:
    return QuickReply(kind=QuickReplyKind.LINK, text=label, url=url)


def form(label: str, of: Form) -> QuickReply:
    return QuickReply(kind=QuickReplyKind.FORM, text=label, form=of)


def button(number: int, title: str) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": str(number), "title": title}}


def interactive(kind: str, body: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, **more, "body": {"text": body}, "action": action}}


def flow(**more: Any) -> dict[str, Any]:
    return {"flow_message_version": "3", "flow_cta": "Book now", **more}


def template(*parameters: str) -> FilledTemplate:
    return FilledTemplate(name="still", provider_name="still_there", language="en_US", parameters=parameters)


def as_template(**more: Any) -> dict[str, Any]:
    language = {"policy": "deterministic", "code": "en_US"}
    return {"type": "template", "template": {"name": "still_there", "language": language, **more}}


REQUESTS: dict[str, tuple[OutboundMessage, list[dict[str, Any]]]] = {
    "text": (message(OMAR, "حاضر 👍"), [{**TO_OMAR, **text("حاضر 👍")}]),
    "text with a link": (message(OMAR, "see http://x.io"), [{**TO_OMAR, **text("see http://x.io", preview=True)}]),
    "to somebody without a number": (message(DEWI, "hi"), [{"recipient": DEWI.value, **text("hi")}]),
    "answer to a message": (
        message(OMAR, "yes", reply_to="wamid.theirs"),
        [{**TO_OMAR, **text("yes"), "context": {"message_id": "wamid.theirs"}}],
    ),
    "long text": (
        message(OMAR, "word " * 900, reply_to="wamid.theirs"),
        [
            {**TO_OMAR, **text(("word " * 819).strip()), "context": {"message_id": "wamid.theirs"}},
            {**TO_OMAR, **text(("word " * 81).strip())},
        ],
    ),
    "picture with a caption": (message(OMAR, "here", file("image")), [{**TO_OMAR, **media("image", caption="here")}]),
    "picture without text": (message(OMAR, None, file("image")), [{**TO_OMAR, **media("image")}]),
    "picture with a text too long for a caption": (
        message(OMAR, "x" * 1025, file("image")),
        [{**TO_OMAR, **media("image")}, {**TO_OMAR, **text("x" * 1025)}],
    ),
    "document by its name": (
        message(OMAR, None, file("document", "Invoice 7.pdf")),
        [{**TO_OMAR, **media("document", filename="Invoice 7.pdf")}],
    ),
    "document without a name": (
        message(OMAR, None, file("document")),
        [{**TO_OMAR, **media("document", filename="document")}],
    ),
    "sound cannot carry text": (
        message(OMAR, "listen", file("voice")),
        [{**TO_OMAR, **media("audio", "voice")}, {**TO_OMAR, **text("listen")}],
    ),
    "several files": (
        message(OMAR, "both", file("image"), file("video")),
        [{**TO_OMAR, **media("image")}, {**TO_OMAR, **media("video")}, {**TO_OMAR, **text("both")}],
    ),
    "two answers to tap": (
        message(OMAR, "Now?", quick_replies=(tap("Yes"), tap("No"))),
        [{**TO_OMAR, **interactive("button", "Now?", {"buttons": [button(0, "Yes"), button(1, "No")]})}],
    ),
    "answers under a picture": (
        message(OMAR, "This one?", file("image"), quick_replies=(tap("Yes"),)),
        [
            {
                **TO_OMAR,
                **interactive("button", "This one?", {"buttons": [button(0, "Yes")]}, header=media("image")),
            }
        ],
    ),
    "four answers are a list": (
        message(OMAR, "Which?", quick_replies=(tap("A"), tap("B"), tap("C"), tap("D", "the best one")), language="ar"),
        [
            {
                **TO_OMAR,
                **interactive(
                    "list",
                    "Which?",
                    {
                        "button": "القائمة",
                        "sections": [
                            {
                                "rows": [
                                    {"id": "0", "title": "A"},
                                    {"id": "1", "title": "B"},
                                    {"id": "2", "title": "C"},
                                    {"id": "3", "title": "D", "description": "the best one"},
                                ]
                            }
                        ],
                    },
                ),
            }
        ],
    ),
    "a list has no room for a picture": (
        message(OMAR, "Which?", file("image"), quick_replies=(tap("A", "the first"),)),
        [
            {**TO_OMAR, **media("image")},
            {
                **TO_OMAR,
                **interactive(
                    "list",
                    "Which?",
                    {
                        "button": "Menu",
                        "sections": [{"rows": [{"id": "0", "title": "A", "description": "the first"}]}],
                    },
                ),
            },
        ],
    ),
    "answers that no list has room for are written out": (
        message(OMAR, "Which?", quick_replies=(tap("The one I saw in your shop"), tap("Another"))),
        [{**TO_OMAR, **text("Which?\n\n1. The one I saw in your shop\n2. Another")}],
    ),
    "a text too long to tap under": (
        message(OMAR, "word " * 300, quick_replies=(tap("Yes"),)),
        [
            {**TO_OMAR, **text(("word " * 205).strip())},
            {**TO_OMAR, **interactive("button", ("word " * 95).strip(), {"buttons": [button(0, "Yes")]})},
        ],
    ),
    "a link to open": (
        message(OMAR, "Here:", quick_replies=(opens("Pay", "https://pay.example/7"),)),
        [
            {
                **TO_OMAR,
                **interactive(
                    "cta_url",
                    "Here:",
                    {"name": "cta_url", "parameters": {"display_text": "Pay", "url": "https://pay.example/7"}},
                ),
            }
        ],
    ),
    "several links are written out": (
        message(
            OMAR, "Here:", quick_replies=(opens("Pay", "https://a.example/1"), opens("See", "https://a.example/2"))
        ),
        [{**TO_OMAR, **text("Here:\n\nPay: https://a.example/1\nSee: https://a.example/2", preview=True)}],
    ),
    "a form": (
        message(OMAR, "Book:", quick_replies=(form("Book now", Form(form_id="123456")),)),
        [{**TO_OMAR, **interactive("flow", "Book:", {"name": "flow", "parameters": flow(flow_id="123456")})}],
    ),
    "a form with a screen to begin with": (
        message(
            OMAR,
            "Book:",
            quick_replies=(
                form("Book now", Form(form_id="1", screen="DATES", values={"name": "Bob & Ann"}, token="session=1")),
            ),
        ),
        [
            {
                **TO_OMAR,
                **interactive(
                    "flow",
                    "Book:",
                    {
                        "name": "flow",
                        "parameters": flow(
                            flow_id="1",
                            flow_action="navigate",
                            flow_action_payload={"screen": "DATES", "data": {"name": "Bob & Ann"}},
                            flow_token="session=1",
                        ),
                    },
                ),
            }
        ],
    ),
    "asking for a place": (
        message(OMAR, "Where are you?", quick_replies=(QuickReply(kind=QuickReplyKind.LOCATION, text="Here"),)),
        [{**TO_OMAR, **interactive("location_request_message", "Where are you?", {"name": "send_location"})}],
    ),
    "a template without parameters": (
        message(OMAR, "Are you still there?", template=template()),
        [{**TO_OMAR, **as_template()}],
    ),
    "a template with a picture and parameters, outside the window": (
        message(OMAR, "Hi Omar", file("image"), template=template("Omar", "today"), last_inbound_ms=None),
        [
            {
                **TO_OMAR,
                **as_template(
                    components=[
                        {"type": "header", "parameters": [media("image")]},
                        {
                            "type": "body",
                            "parameters": [{"type": "text", "text": "Omar"}, {"type": "text", "text": "today"}],
                        },
                    ]
                ),
            }
        ],
    ),
    "sticker": (message(OMAR, None, file("sticker")), [{**TO_OMAR, **media("sticker")}]),
}
ENVELOPE = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "biz_opaque_callback_data": ENTRY,
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_message_becomes_these_posts(case: str) -> None:
    outbound, expected = REQUESTS[case]
    http = FakeHttp(*(taken(place) for place in range(len(expected))))
    receipt = send(ACCOUNT, outbound, http)
    assert [{**ENVELOPE, **body} for body in expected] == [asked.json for asked in http.asked]
    assert {("POST", URL, "Bearer wa-access-token-1")} == {
        (asked.method, asked.url, asked.headers["authorization"]) for asked in http.asked
    }
    assert tuple(f"wamid.{place}" for place in range(len(expected))) == receipt.provider_ids


@pytest.mark.parametrize(
    ("last_inbound_ms", "open_"),
    [(None, False), (NOW_MS - DAY_MS, False), (NOW_MS - DAY_MS + 1, True), (NOW_MS, True), (NOW_MS + 5_000, True)],
)
def test_outside_the_reply_window_nothing_leaves(last_inbound_ms: int | None, *, open_: bool) -> None:
    outbound, http = message(OMAR, "hi", last_inbound_ms=last_inbound_ms), FakeHttp(taken(1))
    if open_:
        send(ACCOUNT, outbound, http)
    else:
        with pytest.raises(WindowClosedError):
            send(ACCOUNT, outbound, http)
    assert open_ == bool(http.asked)


@pytest.mark.parametrize(
    ("contact", "learnt"),
    [
        ({"input": "971505550142", "wa_id": "971505550142", "user_id": "AE.1"}, ("bsuid:AE.1",)),
        ({"input": "971505550142", "wa_id": "971505550142"}, ()),
        ({"input": "x", "user_id": "foo_bar"}, ()),
        ({"input": "x", "wa_id": "971505550199"}, ("tel:+971505550199",)),
    ],
)
def test_the_answer_tells_who_else_the_customer_is(contact: dict[str, str], learnt: tuple[str, ...]) -> None:
    receipt = send(ACCOUNT, message(OMAR, "hi"), FakeHttp(taken(1, contacts=[contact])))
    assert learnt == tuple(str(identifier) for identifier in receipt.identifiers)


REFUSALS: dict[str, tuple[Any, type[Exception]]] = {
    "window": (refused(131047), WindowClosedError),
    "opted out of marketing": (refused(131050), ProviderRejectedError),
    "unreachable": (refused(131026), ProviderRejectedError),
    "blocked for policy": (refused(368, 403), ProviderRejectedError),
    "a new code": (refused(139999), ProviderRejectedError),
    "no words": (said(403, "bad json"), ProviderRejectedError),
    "token expired": (refused(190, 401), ConfigurationError),
    "permission missing": (refused(10, 403), ConfigurationError),
    "permission revoked": (refused(200, 403), ConfigurationError),
    "app too fast": (refused(4), ProviderThrottledError),
    "number too fast": (refused(130429), ProviderThrottledError),
    "spam limit": (refused(131048), ProviderThrottledError),
    "one customer too fast": (refused(131056), ProviderThrottledError),
    "429": (refused(613, 429), ProviderThrottledError),
    "file not fetched": (refused(131053), ProviderUnavailableError),
    "temporary": (refused(2, 500), ProviderUnavailableError),
    "said to be temporary": (refused(139998, is_transient=True), ProviderUnavailableError),
    "down": (said(502, "Bad Gateway"), ProviderUnavailableError),
    "error in a success": (refused(131047, 200), WindowClosedError),
    "no answer": (UnknownOutcomeError("no answer"), UnknownOutcomeError),
    "taken without a name": (said(200, {"messages": []}), UnknownOutcomeError),
    "taken in no words": (said(200, ""), UnknownOutcomeError),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_an_answer_means_this(case: str) -> None:
    answer, expected = REFUSALS[case]
    with pytest.raises(expected):
        send(ACCOUNT, message(OMAR, "hi"), FakeHttp(answer))


def test_a_message_that_stops_half_way_goes_on_from_there() -> None:
    outbound = message(OMAR, "both", file("image"), file("video"))
    with pytest.raises(PartlySentError) as problem:
        send(ACCOUNT, outbound, FakeHttp(taken(0), taken(1), refused(131056)))
    assert ("wamid.0", "wamid.1") == problem.value.provider_ids
    assert isinstance(problem.value.cause, ProviderThrottledError)
    http = FakeHttp(taken(2))
    receipt = send(ACCOUNT, replace(outbound, parts_sent=problem.value.provider_ids), http)
    assert ("wamid.0", "wamid.1", "wamid.2") == receipt.provider_ids
    assert ["text"] == [asked.json["type"] for asked in http.asked]


def test_a_token_that_the_answer_quotes_does_not_get_out() -> None:
    answer = said(401, {"error": {"message": "Malformed access token wa-access-token-1", "code": 190}})
    with pytest.raises(ConfigurationError) as problem:
        send(ACCOUNT, message(OMAR, "hi"), FakeHttp(answer))
    assert "wa-access-token-1" not in str(problem.value)


@pytest.mark.parametrize(
    "outbound",
    [
        message(OMAR, ""),
        message(OMAR, None, Attachment(kind="hologram", url="https://files.example/x")),
        message(OMAR, None, Attachment(kind="image")),
        message(Identifier(kind="bsuid_parent", value="AE.ENT.1"), "hi"),
    ],
)
def test_what_cannot_be_carried_is_refused_before_any_request(outbound: OutboundMessage) -> None:
    http = FakeHttp()
    with pytest.raises(UnsupportedContentError):
        send(ACCOUNT, outbound, http)
    assert [] == http.asked


# ---------------------------------------------------------------- files

LINK = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=19"
PHOTO = Attachment(kind="image", source="1908647269898587", content_type="image/jpeg")


def test_a_file_is_asked_for_by_its_id_and_then_fetched() -> None:
    http = FakeHttp(said(200, {"url": LINK, "mime_type": "image/jpeg"}), said(200, b"\xff\xd8"))
    found = CHANNELS["whatsapp"].fetch_media(PHOTO, ACCOUNT, http)
    assert (b"\xff\xd8", "image/jpeg") == (found.content, found.content_type)
    asked = "https://graph.facebook.com/v25.0/1908647269898587?phone_number_id=100000000000001"
    assert [asked, LINK] == [request.url for request in http.asked]
    assert {"Bearer wa-access-token-1"} == {request.headers["authorization"] for request in http.asked}
    assert ("lookaside.fbsbx.com",) == http.asked[1].hosts


def test_a_file_with_only_a_link_is_fetched_from_it() -> None:
    http = FakeHttp(said(200, b"\xff\xd8"))
    CHANNELS["whatsapp"].fetch_media(replace(PHOTO, source=LINK), ACCOUNT, http)
    assert [LINK] == [request.url for request in http.asked]


FILE_REFUSALS: dict[str, tuple[list[Any], type[Exception]]] = {
    "id unknown": ([refused(100, 400)], ProviderRejectedError),
    "token expired": ([refused(190, 401)], ConfigurationError),
    "without a link": ([said(200, {"id": "1"})], ProviderRejectedError),
    "busy": ([said(500, "")], ProviderUnavailableError),
    "no answer to a question that may be repeated": ([UnknownOutcomeError("x")], ProviderUnavailableError),
    "gone": ([said(200, {"url": LINK}), said(404, "")], ProviderRejectedError),
}


@pytest.mark.parametrize("case", FILE_REFUSALS)
def test_a_file_that_does_not_come_says_why(case: str) -> None:
    answers, expected = FILE_REFUSALS[case]
    with pytest.raises(expected):
        CHANNELS["whatsapp"].fetch_media(PHOTO, ACCOUNT, FakeHttp(*answers))


@pytest.mark.parametrize(
    "said_by_us",
    [
        {"template": template("Omar Nasser Saleh")},
        {"text": "Omar Nasser Saleh", "quick_replies": (tap("Yes"),)},
    ],
)
def test_an_error_that_quotes_us_is_not_repeated(said_by_us: dict[str, Any]) -> None:
    http = FakeHttp(said(400, {"error": {"message": "Cannot use Omar Nasser Saleh here", "code": 139999}}))
    fields = {"text": "a template", **said_by_us}
    with pytest.raises(ProviderRejectedError) as refusal:
        send(ACCOUNT, message(OMAR, fields.pop("text"), **fields), http)
    assert "Omar" not in refusal.value.reason
