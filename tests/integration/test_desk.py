import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.cloud import REGION, cloud
from tests.integration.center import TIM, Center, center
from tests.tables import connection, dynamo_stores, fake_stores, tables_of
from throughline.domain.conversations import Head
from throughline.domain.messages import Attachment


class Desk:
    """A contact centre and its REST API, as somebody's screen asks it."""

    def __init__(self, made: Center) -> None:
        self.center = made

    def ask(self, person: str | None, path: str, body: Any = None) -> tuple[int, dict[str, Any], Mapping[str, Any]]:
        token = self.center.token(person) if person else None
        return self.ask_with(f"Bearer {token}" if token else None, path, body)

    def ask_with(
        self, authorization: str | None, path: str, body: Any = None
    ) -> tuple[int, dict[str, Any], Mapping[str, Any]]:
        headers = {"Content-Type": "application/json"} | ({"Authorization": authorization} if authorization else {})
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        with Client(app) as client:
            if body is None:
                answer = client.http.get(path, headers=headers)
            else:
                answer = client.http.post(path, headers=headers, body=content)
        return answer.status_code, answer.json_body, answer.headers


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


PATHS = ["/threads/h-1", "/conversations/h-1.2", "/customers/h-1", "/agents", "/queues", "/attachments/u-1"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer x.y.z", "Basic YTpi"])
def test_nobody_reads_without_a_token(desk: Desk, path: str, authorization: str | None) -> None:
    status, body, _ = desk.ask_with(authorization, path)

    assert (status, body) == (401, {"error": "unauthenticated"})


def test_nobody_uploads_without_a_token(desk: Desk) -> None:
    assert desk.ask(None, "/attachments", {"content_type": "image/png"})[0] == 401


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


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=-1", "before=x"])
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


def test_agents_are_listed_with_presence_and_load(desk: Desk) -> None:
    held_by_ana(desk)
    _, body, _ = desk.ask("ben", "/agents")

    (ana,) = body["agents"]
    assert (ana["agent"], ana["presence"], ana["load"]["chat"], ana["teams"]) == ("ana", "available", 1, ["first"])


def test_queues_tell_how_many_wait_and_since_when(desk: Desk) -> None:
    desk.center.customer_writes("Hello")
    desk.center.customer_writes("Hello", TIM)
    _, body, _ = desk.ask("ben", "/queues")

    support, sales = body["queues"]
    assert (support["queue"], support["waiting"]) == ("support", 2)
    assert support["oldest_since"] == "2025-11-22T08:26:40.001Z"
    assert (sales["waiting"], sales["oldest_since"]) == (0, None)
    assert sales["dispositions"] == ["sold", "lost"]


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
