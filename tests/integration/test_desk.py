import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.api_documents import wrong_with_response
from tests.cloud import REGION, cloud
from tests.integration.center import TIM, Center, center
from tests.tables import connection, dynamo_stores, fake_stores, tables_of
from throughline.channels import CHANNELS
from throughline.domain.configuration import Answer, ChannelAccount
from throughline.domain.conversations import Expected, Head
from throughline.domain.frames import iso
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment
from throughline.domain.templates import MessageTemplate

EVAS_TELEGRAM = "telegram/48395|telegram:3527065"


class Desk:
    """A contact centre and its REST API, as somebody's screen asks it."""

    def __init__(self, made: Center) -> None:
        self.center = made

    def ask(
        self, person: str | None, path: str, body: Any = None, *, method: str | None = None
    ) -> tuple[int, dict[str, Any], Mapping[str, Any]]:
        token = self.center.token(person) if person else None
        return self.ask_with(f"Bearer {token}" if token else None, path, body, method=method)

    def ask_with(
        self, authorization: str | None, path: str, body: Any = None, *, method: str | None = None
    ) -> tuple[int, dict[str, Any], Mapping[str, Any]]:
        """Ask, and hold the answer against docs/openapi.json. `method` is GET, or POST if there is a body."""
        method = method or ("GET" if body is None else "POST")
        headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with Client(app) as client:
            answer = client.http.request(method, path, headers=headers, body=b"" if body is None else content)
        assert wrong_with_response(method, route_of(path), answer.status_code, answer.json_body) == []
        return answer.status_code, answer.json_body, answer.headers


def route_of(path: str) -> str:
    """Return the route that answers a path."""
    steps = path.partition("?")[0].split("/")
    for route in app.routes:
        told = route.split("/")
        if len(told) == len(steps) and all(t == s or t.startswith("{") for t, s in zip(told, steps, strict=True)):
            return str(route)
    raise AssertionError(f"nobody answers {path}")


@pytest.fixture(params=["fake", "dynamodb"])
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("AWS_REGION", REGION)
    if request.param == "fake":
        with center(fake_stores()) as made:
            yield Desk(made)
        return
    with cloud(), center(dynamo_stores(tables_of(connection()))) as made:
        yield Desk(made)


def held_by_ana(desk: Desk) -> Head:
    tab = desk.center.sign_in("ana")
    head = desk.center.customer_writes("My parcel is lost")
    desk.center.clock.now_ms += 2_000
    desk.center.say(tab, "offer.accept", offer=desk.center.sockets.to(tab, "offer")[-1]["offer"])
    return head


PATHS = [
    "/threads/h-1",
    "/conversations/h-1.2",
    "/conversations/h-1.2/ways",
    "/customers/h-1",
    "/answers?conversation=h-1.2",
    "/agents",
    "/accounts",
    "/queues",
    "/queues/support/waiting",
    "/attachments/u-1",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi"])
def test_nobody_reads_without_a_token(desk: Desk, path: str, authorization: str | None) -> None:
    status, body, _ = desk.ask_with(authorization, path)

    assert (status, body) == (401, {"error": "unauthenticated"})


def test_nobody_uploads_without_a_token(desk: Desk) -> None:
    assert desk.ask(None, "/attachments", {"content_type": "image/png"})[0] == 401


@pytest.mark.parametrize("name", ["h-" + "x" * 3_000, "h-1." + "9" * 3_000 + ".x", "%C3%A9" * 1_100])
@pytest.mark.parametrize(
    "path",
    ["/threads/{}", "/threads/h-1?conversation={}", "/conversations/{}", "/customers/{}"],
)
def test_a_name_that_no_table_could_have_is_refused(desk: Desk, path: str, name: str) -> None:
    status, body, _ = desk.ask("lea", path.format(name))

    assert (status, body["error"]) == (400, "invalid_request"), body


@pytest.mark.parametrize("path", PATHS)
def test_visitors_read_nothing_here(desk: Desk, path: str) -> None:
    head = held_by_ana(desk)
    path = path.replace("h-1.2", head.conversation).replace("h-1", head.customer)
    status, body, _ = desk.ask_with(f"Bearer {desk.center.visitors.token('ana')}", path)

    assert status in {403, 404}, body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("groups", [[], ["leads"]])
def test_who_is_genuine_and_not_configured_reads_nothing_here(desk: Desk, path: str, groups: list[str]) -> None:
    token = desk.center.token("stranger", groups=groups)

    assert desk.ask_with(f"Bearer {token}", path)[:2] == (403, {"error": "forbidden"})


def refused_for(answer: tuple[int, dict[str, Any], Mapping[str, Any]]) -> str:
    """Return the field that a refusal names."""
    status, body, _ = answer
    assert (status, body["error"]) == (400, "invalid_request")
    return str(body["message"]).partition(":")[0]


def test_the_holder_reads_the_thread(desk: Desk) -> None:
    head = held_by_ana(desk)
    status, body, headers = desk.ask("ana", f"/threads/{head.customer}")

    assert status == 200
    assert body["customer"] == head.customer
    assert [entry["text"] for entry in body["entries"]] == ["My parcel is lost"]
    assert body["before"] is None
    assert headers["Cache-Control"] == "no-store"


def test_pages_are_asked_for_by_limit_and_before(desk: Desk) -> None:
    head = held_by_ana(desk)
    for text in ("Two", "Three"):
        desk.center.customer_writes(text)

    _, last, _ = desk.ask("ana", f"/threads/{head.customer}?limit=2")
    assert [entry["text"] for entry in last["entries"]] == ["Two", "Three"]
    _, first, _ = desk.ask("ana", f"/threads/{head.customer}?limit=2&before={last['before']}")
    assert [entry["text"] for entry in first["entries"]] == ["My parcel is lost"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "limit=" + "9" * 5000, "before=x"])
def test_a_query_that_is_not_as_the_page_says_is_refused(desk: Desk, query: str) -> None:
    head = held_by_ana(desk)

    assert refused_for(desk.ask("ana", f"/threads/{head.customer}?{query}")) == query.partition("=")[0]


def test_colleagues_read_no_customer_of_others_and_supervisors_read_all(desk: Desk) -> None:
    head = held_by_ana(desk)
    for path in (f"/threads/{head.customer}", f"/customers/{head.customer}", f"/conversations/{head.conversation}"):
        assert desk.ask("ben", path)[:2] == (403, {"error": "forbidden"})
        assert desk.ask("max", path)[0] == 200


def test_what_is_not_there_is_not_found_for_supervisors_and_forbidden_to_agents(desk: Desk) -> None:
    held_by_ana(desk)
    for path in ("/threads/h-unknown", "/customers/h-unknown"):
        assert desk.ask("lea", path)[:2] == (404, {"error": "not_found"})
        assert desk.ask("ana", path)[:2] == (403, {"error": "forbidden"})
    assert desk.ask("ana", "/conversations/h-unknown.1")[:2] == (404, {"error": "not_found"})
    assert refused_for(desk.ask("ana", "/conversations/nonsense")) == "conversation"


def test_who_took_part_in_a_closed_conversation_reads_by_naming_it_and_only_that_customer(desk: Desk) -> None:
    head = held_by_ana(desk)
    desk.center.say("ana-tab", "conversation.close", conversation=head.conversation)
    desk.center.say("ana-tab", "presence.set", presence="offline")
    desk.center.clock.now_ms += 25 * 3600 * 1000
    desk.center.customer_writes("Something else")  # after the reopen window: the next conversation
    other = desk.center.customer_writes("Hello", TIM)

    assert desk.ask("ana", f"/threads/{head.customer}")[0] == 403
    assert desk.ask("ana", f"/threads/{head.customer}?conversation={head.conversation}")[0] == 200
    assert desk.ask("ana", f"/threads/{other.customer}?conversation={head.conversation}")[0] == 403
    assert desk.ask("ben", f"/threads/{head.customer}?conversation={head.conversation}")[0] == 403


def test_a_conversation_tells_who_changed_what_when_and_why(desk: Desk) -> None:
    head = held_by_ana(desk)
    _, body, _ = desk.ask("ana", f"/conversations/{head.conversation}")

    assert (body["state"], body["holder"]) == ("active", "ana")
    assert [(change["state"], change["by"]) for change in body["changes"][-2:]] == [
        ("offered", "routing"),
        ("active", "agent:ana"),
    ]
    assert body["changes"][-2]["decision"]["candidates"] == ["ana"]


def test_a_customers_card_has_identifiers_and_the_live_conversation(desk: Desk) -> None:
    head = held_by_ana(desk)
    _, body, _ = desk.ask("ana", f"/customers/{head.customer}")

    assert body["name"] == "Eva"
    assert [item["identifier"] for item in body["identifiers"]] == ["telegram:3527065"]
    assert body["conversation"]["conversation"] == head.conversation


def test_colleagues_are_listed_with_what_it_takes_to_choose_one(desk: Desk) -> None:
    held_by_ana(desk)
    _, body, _ = desk.ask("ben", "/agents")

    assert body["agents"] == [
        {
            "agent": "ana",
            "name": "Ana",
            "teams": ["first"],
            "presence": "available",
            "connected": True,
            "work_classes": ["chat"],
        }
    ]


def test_a_supervisor_sees_since_when_and_what_each_of_their_teams_holds(desk: Desk) -> None:
    began = desk.center.clock.now_ms
    head = held_by_ana(desk)
    desk.center.sign_in("max", available=False)
    _, body, _ = desk.ask("lea", "/agents")

    ana, other = body["agents"]
    assert (ana["agent"], ana["since"], ana["next"], ana["load"]["chat"]) == ("ana", iso(began), None, 1)
    assert [(item["conversation"], item["state"], item["customer"]["name"]) for item in ana["holds"]] == [
        (head.conversation, "active", "Eva")
    ]
    assert (other["agent"], "holds" in other, "load" in other) == ("max", False, False)
    assert "holds" not in desk.ask("max", "/agents")[1]["agents"][0]


def test_a_supervisor_sees_who_waits_whoever_is_next_first(desk: Desk) -> None:
    first = desk.center.customer_writes("Where is my parcel?")
    second = desk.center.customer_writes("Hello", TIM)
    status, body, _ = desk.ask("lea", "/queues/support/waiting")

    assert status == 200
    assert [item["conversation"] for item in body["waiting"]] == [first.conversation, second.conversation]
    assert (body["waiting"][0]["preview"], body["waiting"][0]["turn"]) == ("Where is my parcel?", 1)
    assert body["waiting"][0]["waiting_since"] == iso(first.waiting_since_ms)
    assert desk.ask("lea", "/queues/sales/waiting")[1] == {"queue": "sales", "waiting": []}
    assert desk.ask("lea", "/queues/nowhere/waiting")[:2] == (404, {"error": "not_found"})
    assert desk.ask("ana", "/queues/support/waiting")[:2] == (403, {"error": "forbidden"})


def test_a_hint_that_is_left_over_is_nobody_who_waits(desk: Desk) -> None:
    head = desk.center.customer_writes("Hello")
    hint = head.waiting("Hello")
    desk.center.sign_in("ana")
    desk.center.stores.routing.put_waiting(hint)

    assert desk.center.head(head.conversation).holder == "ana"
    assert desk.ask("lea", "/queues/support/waiting")[1]["waiting"] == []


# ---------------------------------------------------------------- ways


def ways_of(desk: Desk, head: Head) -> dict[str, dict[str, Any]]:
    status, body, _ = desk.ask("ana", f"/conversations/{head.conversation}/ways")
    assert status == 200
    return {way["via"]: way for way in body["ways"]}


def with_ways(desk: Desk, head: Head, **vias: int) -> None:
    """Let the customer have written by further ways."""
    expected = Expected(conversation=head.conversation, turn=head.turn, states=())
    assert desk.center.stores.threads.transition(head.home, expected, {"vias": vias}).won


def test_a_way_says_what_the_channel_carries(desk: Desk) -> None:
    head = held_by_ana(desk)
    (way,) = ways_of(desk, head).values()

    telegram = CHANNELS["telegram"]
    assert (way["via"], way["default"], way["open"], way["closed_because"]) == (EVAS_TELEGRAM, True, True, None)
    assert (way["channel"], way["account"], way["identifier"]) == ("telegram", "48395", "telegram:3527065")
    assert (way["text_limit"], way["segments"], way["window_closes_at"]) == (telegram.text_limit, False, None)
    assert set(way["attachments"]) == telegram.attachment_kinds


def test_a_way_that_is_closed_says_why(desk: Desk) -> None:
    head = held_by_ana(desk)
    now = desk.center.clock.now_ms
    day_ms = 24 * 3600 * 1000
    configured(desk, "whatsapp", "1001")
    open_way, closed_way, unknown = "whatsapp/1001|tel:+1", "whatsapp/1001|tel:+2", "twilio_sms/+1|tel:+1"
    with_ways(desk, head, **{open_way: now - 1, closed_way: now - day_ms, unknown: now - 2})
    desk.center.stores.customers.set_consent(
        head.customer, Identifier(kind="telegram", value="3527065"), "telegram/48395", granted=False, at_ms=now
    )
    ways = ways_of(desk, head)

    assert list(ways) == [EVAS_TELEGRAM, open_way, unknown, closed_way]
    assert {via: (way["open"], way["closed_because"], way["opted_out"]) for via, way in ways.items()} == {
        EVAS_TELEGRAM: (False, "opted_out", True),
        open_way: (True, None, False),
        unknown: (False, "no_channel", False),
        closed_way: (False, "window_closed", False),
    }
    assert ways[open_way]["window_closes_at"] == iso(now - 1 + day_ms)
    assert (ways[unknown]["text_limit"], ways[unknown]["attachments"]) == (None, [])


def test_a_way_says_what_can_be_laid_ready_on_it_and_which_templates_it_has(desk: Desk) -> None:
    head = held_by_ana(desk)
    visit = MessageTemplate(name="visit", language="en", text="Until {{1}}, {{2}}", header="image")
    configured(desk, "whatsapp", "1001", templates={"visit": visit})
    with_ways(desk, head, **{"whatsapp/1001|tel:+1": desk.center.clock.now_ms})
    telegram, whatsapp = (ways_of(desk, head)[via] for via in (EVAS_TELEGRAM, "whatsapp/1001|tel:+1"))

    assert set(telegram["quick_replies"]) == CHANNELS["telegram"].quick_reply_kinds
    assert telegram["templates"] == []
    assert whatsapp["templates"] == [
        {"name": "visit", "language": "en", "text": "Until {{1}}, {{2}}", "parameters": 2, "header": "image"}
    ]


def configured(desk: Desk, channel: str, address: str, **more: Any) -> None:
    settings = desk.center.settings
    account = ChannelAccount(channel=channel, name="more", address=address, queue="support", **more)
    accounts = {**settings.configuration.accounts, f"{channel}/more": account}
    settings.configuration = replace(settings.configuration, accounts=accounts)


def test_a_way_that_is_open_is_one_that_a_reply_is_taken_by(desk: Desk) -> None:
    head = held_by_ana(desk)
    now = desk.center.clock.now_ms
    configured(desk, "whatsapp", "1001")
    old, gone = now - 24 * 3600 * 1000, "twilio_sms/+1|tel:+1"
    with_ways(desk, head, **{"whatsapp/1001|tel:+1": now - 1, "whatsapp/1001|tel:+2": old, gone: now - 2})

    for number, (via, way) in enumerate(ways_of(desk, head).items()):
        fields = {"conversation": head.conversation, "message_id": f"m-{number}", "text": "Hi", "via": via}
        answer = desk.center.say("ana-tab", "message.send", **fields)
        assert (answer["event"] == "ack", answer.get("code")) == (way["open"], way["closed_because"])


# ---------------------------------------------------------------- canned answers


def test_canned_answers_are_those_for_the_queue_and_the_language(desk: Desk) -> None:
    settings = desk.center.settings
    given = [
        Answer(name="any", text="Hello {customer_name}"),
        Answer(name="sales", text="Buy", queues=("sales",)),
        Answer(name="support", text="Help", queues=("support",), languages=("en", "id"), shortcut="/help"),
        Answer(name="german", text="Hallo", languages=("de",)),
    ]
    settings.configuration = replace(settings.configuration, answers={answer.name: answer for answer in given})
    head = held_by_ana(desk)
    desk.center.stores.threads.transition(
        head.home, Expected(conversation=head.conversation, turn=2, states=()), {"language": "en"}
    )
    status, body, _ = desk.ask("ana", f"/answers?conversation={head.conversation}")

    assert status == 200
    assert [answer["name"] for answer in body["answers"]] == ["any", "support"]
    assert body["answers"][1]["shortcut"] == "/help"
    assert refused_for(desk.ask("ana", "/answers")) == "conversation"
    assert desk.ask("ben", f"/answers?conversation={head.conversation}")[0] == 403


# ---------------------------------------------------------------- the card


def edited(desk: Desk, person: str, head: Head, body: Any) -> tuple[int, dict[str, Any], Mapping[str, Any]]:
    return desk.ask(person, f"/customers/{head.customer}", body, method="PATCH")


def test_whoever_holds_the_conversation_changes_the_card_and_is_named(desk: Desk) -> None:
    head = held_by_ana(desk)
    status, body, _ = edited(desk, "ana", head, {"name": "Eva Lim", "tier": "gold", "value": 1200, "language": "en"})

    assert status == 200
    assert (body["name"], body["tier"], body["value"], body["language"]) == ("Eva Lim", "gold", 1200, "en")
    assert body["changed"] == {"by": "ana", "at": iso(desk.center.clock.now_ms)}
    _, body, _ = edited(desk, "lea", head, {"tier": None})
    assert (body["name"], body["tier"], body["changed"]["by"]) == ("Eva Lim", None, "lea")
    assert edited(desk, "ben", head, {"tier": "gold"})[:2] == (403, {"error": "forbidden"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "one of name, language, tier and value has to be there"),
        ({"tier": "x" * 41}, "tier"),
        ({"value": -1}, "value"),
        ({"value": "7"}, "value"),
        ({"language": "english please"}, "language"),
        ({"name": ""}, "name"),
        ({"since": 1}, "there is a field too many; known are name, language, tier, value"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused_and_nothing_changes(desk: Desk, body: Any, field: str) -> None:
    head = held_by_ana(desk)

    assert refused_for(edited(desk, "ana", head, body)) == field
    assert desk.ask("ana", f"/customers/{head.customer}")[1]["changed"] is None


def test_the_card_shows_how_we_know_the_customer_and_how_earlier_conversations_ended(desk: Desk) -> None:
    head = held_by_ana(desk)
    desk.center.clock.now_ms += 60_000
    closed_ms = desk.center.clock.now_ms
    desk.center.say("ana-tab", "conversation.close", conversation=head.conversation, disposition="solved")
    desk.center.clock.now_ms += 2 * 24 * 3600 * 1000
    again = desk.center.customer_writes("Hello again")
    assert again.conversation != head.conversation
    _, body, _ = desk.ask("lea", f"/customers/{head.customer}")

    assert body["conversation"]["conversation"] == again.conversation
    assert body["conversations"] == [
        {
            "conversation": head.conversation,
            "opened_at": iso(head.opened_ms),
            "closed_at": iso(closed_ms),
            "queue": "support",
            "channels": ["telegram"],
            "agent": "ana",
            "disposition": "solved",
        }
    ]
    (identifier,) = body["identifiers"]
    assert (identifier["evidence"], identifier["opted_out"], identifier["consents"]) == ("attested", False, {})


def test_queues_tell_how_many_wait_and_since_when(desk: Desk) -> None:
    desk.center.customer_writes("Hello")
    desk.center.customer_writes("Hello", TIM)
    _, body, _ = desk.ask("ben", "/queues")

    support, sales = body["queues"]
    assert (support["queue"], support["waiting"]) == ("support", 2)
    assert support["oldest_since"] == "2025-11-22T08:26:40.001Z"
    assert (sales["waiting"], sales["oldest_since"]) == (0, None)
    assert sales["dispositions"] == ["sold", "lost"]


def test_accounts_tell_what_a_way_is_called_here(desk: Desk) -> None:
    configured(desk, "whatsapp", "1001")
    _, body, _ = desk.ask("ana", "/accounts")

    assert {"channel": "whatsapp", "account": "1001", "name": "more"} in body["accounts"]
    named = [(item["channel"], item["name"]) for item in body["accounts"]]
    assert named == sorted(named)


def photo_of(desk: Desk, head: Head, **changed: Any) -> str:
    """Put an entry with a picture on the thread; return the picture's id."""
    newest = desk.center.stores.threads.list_entries(head.home, before=None, since_ms=0, limit=1)[0]
    attachment = replace(Attachment(kind="image", name="a b.jpg", blob="media/photo"), **changed)
    entry = replace(newest, reference=f"{newest.sent_ms + 1:013d}#{7:022x}", attachments=(attachment,))
    assert desk.center.stores.threads.add_entry(entry) is None
    return f"{entry.entry_id}.0"


def test_a_file_is_handed_out_by_a_link_of_five_minutes(desk: Desk) -> None:
    photo = photo_of(desk, held_by_ana(desk))
    status, body, headers = desk.ask("ana", f"/attachments/{photo}")

    assert status == 302
    assert headers["Location"] == body["url"] == "https://blobs.test/media/photo?seconds=300&name=a b.jpg"


def test_a_page_is_told_where_the_file_is_because_it_cannot_read_a_redirect(desk: Desk) -> None:
    photo = photo_of(desk, held_by_ana(desk))
    authorization = f"Bearer {desk.center.token('ana')}"
    with Client(app) as client:
        headers = {"Authorization": authorization, "Accept": "application/json"}
        answer = client.http.get(f"/attachments/{photo}", headers=headers)

    assert wrong_with_response("GET", route_of(f"/attachments/{photo}"), 200, answer.json_body) == []
    assert (answer.status_code, answer.json_body["url"].partition("?")[0]) == (200, "https://blobs.test/media/photo")
    assert "Location" not in answer.headers


def test_a_file_of_anothers_customer_is_forbidden_and_one_that_is_not_here_is_not_found(desk: Desk) -> None:
    head = held_by_ana(desk)
    photo = photo_of(desk, head, blob=None, source="provider-id")

    assert desk.ask("ben", f"/attachments/{photo}")[:2] == (403, {"error": "forbidden"})
    assert desk.ask("ana", f"/attachments/{photo}")[:2] == (404, {"error": "not_found"})
    assert desk.ask("ana", f"/attachments/{photo[:-1]}7")[0] == 404
    assert desk.ask("ana", f"/attachments/{photo[:-1]}x")[0] == 404
    assert refused_for(desk.ask("ana", "/attachments/nonsense")) == "attachment"


def test_an_upload_is_offered_and_can_be_sent(desk: Desk) -> None:
    head = held_by_ana(desk)
    upload = {"content_type": "image/png", "size_bytes": 9, "name": "label.png"}
    status, body, _ = desk.ask("ana", "/attachments", upload)
    assert status == 200
    assert body["upload"]["fields"]["Content-Type"] == "image/png"

    sent = desk.center.say(
        "ana-tab", "message.send", conversation=head.conversation, message_id="m-1", attachments=[body["id"]]
    )
    assert [item["name"] for item in sent["entry"]["attachments"]] == ["label.png"]


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"\xff", b"{}", b'{"content_type": 1}', b" " * 5_000 + b"{}"])
def test_an_upload_that_cannot_be_read_is_refused(desk: Desk, body: bytes) -> None:
    status, answer, _ = desk.ask("ana", "/attachments", body)

    assert (status, answer["error"]) == (400, "invalid_request")
    assert answer["message"]


def test_when_the_world_is_busy_it_says_so(desk: Desk) -> None:
    desk.center.staff.reachable = False

    assert desk.ask("ana", "/agents")[:2] == (503, {"error": "provider_unavailable"})
