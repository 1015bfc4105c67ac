"""Visitors of web chat and the agents they talk to, over the real functions."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jwt
import pytest

import functions.webchat
from tests.cloud import REGION
from tests.integration.center import SECRETS
from tests.integration.chats import SHOP, Chat, identity, opened_chat
from throughline.domain.configuration import DEFAULT_SENDER_LIMIT
from throughline.domain.conversations import ContactState
from throughline.domain.errors import UnknownAccountError
from throughline.domain.identifiers import CustomerId, Identifier, home_of
from throughline.domain.limits import WINDOW_MS
from throughline.flows.accept_webhook import IncomingWebhook, accept_webhook
from throughline.flows.handle_visitor_frame import TABS
from throughline.flows.sign_visitor_in import FROM_ONE_ADDRESS
from throughline.flows.visitor_tokens import SHORT_S

HOME_KEY = SECRETS["home-key"].encode()


@pytest.fixture(params=["fake", "dynamodb"])
def chat(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr(functions.webchat, "socket_url", lambda: "wss://center.test/api")
    with opened_chat(request.param) as opened:
        yield opened


# ---------------------------------------------------------------- a conversation


def test_what_a_visitor_writes_is_offered_answered_and_seen(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor", name="Mina")
    message_id = chat.writes("visitor", "My router is dead")

    offer = chat.center.sockets.to(ana, "offer")[-1]
    assert (offer["preview"], offer["channel"], offer["customer"]["name"]) == ("My router is dead", "webchat", "Mina")
    mine = chat.shown("visitor")[-1]
    assert (mine["text"], mine["message_id"], mine["direction"]) == ("My router is dead", message_id, "inbound")

    conversation = chat.takes(ana)
    entry = chat.answers(ana, conversation, "Is its light on?")
    theirs = chat.shown("visitor")[-1]
    assert (theirs["id"], theirs["text"], theirs["author"]) == (entry, "Is its light on?", "Ana")
    assert theirs["status"] == "sent"
    states = [(frame["state"], frame["agent"]) for frame in chat.shown("visitor", "conversation")]
    assert states == [("waiting", None), ("assigned", "Ana")]

    chat.center.say(ana, "conversation.close", conversation=conversation)
    assert chat.shown("visitor", "conversation")[-1]["state"] == "ended"
    chat.writes("visitor", "It is on again")
    assert chat.shown("visitor", "conversation")[-1]["state"] == "waiting"


def test_a_visitor_who_leaves_and_comes_back_has_everything(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    first = chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)
    chat.center.leave("visitor")
    chat.answers(ana, conversation, "Are you there?")
    chat.center.clock.now_ms += 30 * 86400 * 1000

    second = chat.center.sign_visitor_in(visitor=first["visitor"])
    chat.center.connect("later", f"throughline.v1, {second['token']}")
    snapshot = chat.snapshot("later")
    assert [entry["text"] for entry in snapshot["entries"]] == ["Hello", "Are you there?"]
    assert snapshot["conversation"] == {"state": "assigned", "agent": "Ana"}
    assert snapshot["before"] is None
    assert chat.shown("visitor") == chat.shown("visitor")[:1]


def test_two_tabs_both_get_everything_and_agree(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    answer = chat.center.visit("one")
    chat.center.visit("two", visitor=answer["visitor"])
    chat.writes("one", "Hello")
    entry = chat.answers(ana, chat.takes(ana), "Good morning")

    assert chat.texts("one") == chat.texts("two") == ["Hello", "Good morning"]
    assert chat.center.say("two", "read", entries=[entry])["event"] == "ack"
    chat.center.work()
    for tab in ("one", "two"):
        (status,) = chat.shown(tab, "message.status")
        assert (status["entry"], status["status"]) == (entry, "read")


def test_the_same_message_id_is_one_entry_for_good(chat: Chat) -> None:
    answer = chat.center.sign_visitor_in()
    for number, later_s in enumerate((0, 1, 400, 86400)):  # the queue forgets after five minutes
        chat.center.clock.now_ms += later_s * 1000
        chat.center.inbound.now_ms = chat.center.clock.now_ms
        answer = chat.center.visit(f"tab-{number}", visitor=answer["visitor"])
        chat.writes(f"tab-{number}", "Hello", message_id="0198c5b2-0000-7000-8000-000000000001")

    (entry,) = chat.snapshot("tab-3")["entries"]
    assert entry["sent_at"] == chat.shown("tab-0")[0]["sent_at"]


def test_one_id_from_two_visitors_is_two_messages(chat: Chat) -> None:
    chat.center.visit("one")
    chat.center.visit("two")
    chat.center.say("one", "message.send", message_id="m", text="I am one")
    chat.center.say("two", "message.send", message_id="m", text="I am two")
    chat.center.work()

    assert (chat.texts("one"), chat.texts("two")) == (["I am one"], ["I am two"])


def test_a_message_is_acknowledged_once_it_is_durable_and_not_before(chat: Chat) -> None:
    chat.center.visit("visitor")
    chat.center.inbound.fail_at = 0
    answer = chat.center.say("visitor", "message.send", message_id="m", text="Hello")
    assert (answer["event"], answer["code"]) == ("error", "store_unavailable")

    chat.center.inbound.fail_at = None
    assert chat.center.say("visitor", "message.send", message_id="m", text="Hello")["event"] == "ack"
    assert len(chat.center.inbound.jobs) == 1


def test_a_visitor_who_floods_is_asked_to_wait_and_nobody_else_is(chat: Chat) -> None:
    chat.center.clock.now_ms -= chat.center.clock.now_ms % WINDOW_MS
    chat.center.visit("flooding")
    chat.center.visit("other")
    answers = [
        chat.center.say("flooding", "message.send", message_id=f"f-{number}", text="Hello")
        for number in range(DEFAULT_SENDER_LIMIT + 30)
    ]
    refused = [answer for answer in answers if answer["event"] == "error"]
    assert 0 < len(refused) <= 30  # a process may take a little on top
    assert {answer["code"] for answer in refused} == {"too_many_requests"}
    assert len(chat.center.inbound.jobs) == len(answers) - len(refused)

    assert chat.center.say("other", "message.send", message_id="m", text="Hello")["event"] == "ack"
    chat.center.clock.now_ms += WINDOW_MS
    assert chat.center.say("flooding", "message.send", message_id="f-129", text="Hello")["event"] == "ack"


def test_a_long_thread_is_read_page_by_page(chat: Chat) -> None:
    answer = chat.center.visit("visitor")
    for number in range(60):
        chat.writes("visitor", f"line {number}")
    snapshot = chat.snapshot("visitor")
    assert [entry["text"] for entry in snapshot["entries"]] == [f"line {number}" for number in range(10, 60)]

    path = f"/webchat/shop/thread?limit=7&before={snapshot['before']}"
    _, page, _ = chat.ask("GET", path, token=answer["token"])
    assert [entry["text"] for entry in page["entries"]] == [f"line {number}" for number in range(3, 10)]
    _, page, _ = chat.ask("GET", f"/webchat/shop/thread?before={page['before']}", token=answer["token"])
    assert [entry["text"] for entry in page["entries"]] == ["line 0", "line 1", "line 2"]
    assert page["before"] is None


def test_who_resumes_gets_what_came_since_and_the_last_ones_for_their_status(chat: Chat) -> None:
    chat.center.visit("visitor")
    for number in range(30):
        chat.writes("visitor", f"line {number}")
    known = chat.shown("visitor")[-1]["id"]
    chat.center.clock.now_ms += 11 * 60_000
    chat.writes("visitor", "since")

    snapshot = chat.snapshot("visitor", resume=known)
    assert [entry["text"] for entry in snapshot["entries"]][-1] == "since"
    assert len(snapshot["entries"]) == 31  # ten minutes before the one that is known, too
    snapshot = chat.snapshot("visitor", resume=chat.shown("visitor")[-1]["id"])
    assert len(snapshot["entries"]) == 20
    assert snapshot["before"] == snapshot["entries"][0]["id"]


def test_a_snapshot_fits_into_a_frame(chat: Chat) -> None:
    chat.center.visit("visitor")
    for number in range(12):
        chat.writes("visitor", f"{number:02d}" + "x" * 15_900)
    snapshot = chat.snapshot("visitor")

    assert [entry["text"][:2] for entry in snapshot["entries"]] == ["06", "07", "08", "09", "10", "11"]
    assert snapshot["before"] == snapshot["entries"][0]["id"]


def test_which_message_a_visitor_answers_is_known_to_both_whoever_wrote_it(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor")
    chat.writes("visitor", "It is dead")
    mine = chat.shown("visitor")[-1]["id"]
    ours = chat.answers(ana, chat.takes(ana), "Which light blinks?")
    chat.writes("visitor", "The router, I mean", reply_to=mine)
    chat.writes("visitor", "The red one", reply_to=ours)

    answered = [mine.rpartition(".")[2], ours.rpartition(".")[2]]
    assert [entry.get("reply_to") for entry in chat.shown("visitor")[-2:]] == answered
    assert [frame["entry"].get("reply_to") for frame in chat.center.sockets.to(ana, "message")[-2:]] == answered
    assert [entry.get("reply_to") for entry in chat.snapshot("visitor")["entries"]] == [None, None, *answered]


# ---------------------------------------------------------------- signs and receipts


def test_both_see_the_other_write_and_read(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)

    chat.center.say(ana, "typing", conversation=conversation)
    chat.center.say(ana, "read", conversation=conversation)
    assert chat.shown("visitor", "typing") == [{"event": "typing", "from": "Ana"}]
    assert [set(frame) for frame in chat.shown("visitor", "read")] == [{"event", "until"}]

    chat.center.say("visitor", "typing")
    typing = chat.center.sockets.to(ana, "typing")
    assert typing == [{"event": "typing", "conversation": conversation, "from": "customer"}]
    entry = chat.answers(ana, conversation, "Hi")
    chat.center.say("visitor", "read", entries=[entry])
    chat.center.work()
    assert chat.center.sockets.to(ana, "read") == [{"event": "read", "conversation": conversation, "by": "customer"}]
    assert chat.center.sockets.to(ana, "message.status")[-1]["status"] == "read"


def test_a_status_only_rises(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    entry = chat.answers(ana, chat.takes(ana), "Hi")

    for action in ("read", "received", "read"):
        chat.center.say("visitor", action, entries=[entry])
        chat.center.work()
    assert [frame["status"] for frame in chat.shown("visitor", "message.status")] == ["read"]
    assert chat.snapshot("visitor")["entries"][-1]["status"] == "read"


def test_a_reply_that_was_handed_over_when_its_worker_died_is_shown_and_sent(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)
    ack = chat.center.say(ana, "message.send", conversation=conversation, message_id="r", text="Hi")
    home, reference = chat.head(conversation).home, ack["entry"]["id"].partition(".")[2].replace(".", "#")
    chat.center.stores.threads.announce_update(home, chat.head(conversation).conversation, sending=reference)
    chat.center.work()

    assert chat.texts("visitor") == ["Hello", "Hi"]
    assert chat.center.sockets.to(ana, "message.status")[-1]["status"] == "sent"


def test_a_socket_that_is_gone_or_deaf_is_forgotten_and_nobody_waits_for_it(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    answer = chat.center.visit("gone")
    for tab in ("deaf", "open"):
        chat.center.visit(tab, visitor=answer["visitor"])
    chat.center.sockets.gone.add("gone")
    chat.center.sockets.busy.add("deaf")
    chat.writes("open", "Hello")
    chat.answers(ana, chat.takes(ana), "Hi")

    assert chat.texts("open") == ["Hello", "Hi"]
    chat.center.sockets.busy.clear()
    assert chat.center.say("deaf", "ping")["code"] == "unauthenticated"
    assert chat.center.telemetry.total("visitor_not_told") == 1
    assert chat.texts("deaf") == []


def test_a_visitor_has_twenty_sockets_and_a_further_one_silences_the_oldest(chat: Chat) -> None:
    answer = chat.center.visit("tab-00")
    for number in range(1, TABS + 1):
        chat.center.clock.now_ms += 1000
        chat.center.visit(f"tab-{number:02d}", visitor=answer["visitor"])
    chat.writes(f"tab-{TABS:02d}", "Hello")

    assert chat.texts("tab-00") == []
    assert chat.texts("tab-01") == ["Hello"]
    assert chat.center.say("tab-00", "ping")["code"] == "unauthenticated"


def test_an_end_that_overtakes_hello_leaves_nobody_listening(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = chat.center.visit("visitor")
    connections = chat.center.stores.connections
    add = type(connections).add_listener

    def leave_first(self: Any, way: str, socket: Any) -> None:
        connections.delete_connection(socket.connection_id)
        add(self, way, socket)

    monkeypatch.setattr(type(connections), "add_listener", leave_first)
    chat.center.connect("late", f"throughline.v1, {answer['token']}")
    chat.snapshot("late")
    monkeypatch.undo()
    (way,) = {f"webchat/shop-1|{jwt.decode(answer['token'], options={'verify_signature': False})['sub']}"}
    assert connections.list_listeners(way) == ["visitor"]


def test_a_visitor_who_left_is_not_told(chat: Chat) -> None:
    chat.center.visit("visitor")
    chat.center.leave("visitor")

    assert chat.center.say("visitor", "ping")["code"] == "unauthenticated"


# ---------------------------------------------------------------- what is theirs


def test_notes_other_channels_and_failed_replies_are_not_for_visitors(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)
    chat.center.say(ana, "note.add", conversation=conversation, text="a difficult customer")
    home = chat.head(conversation).home
    entry = chat.center.stores.threads.list_entries(home, before=None, since_ms=0, limit=9)[-1]
    other = replace(entry, reference=f"{entry.sent_ms + 5:013d}#{9:022x}", via="telegram/48395|telegram:1", text="no")
    chat.center.stores.threads.add_entry(other)
    chat.center.say(ana, "message.send", conversation=conversation, message_id="r-1", text="this cannot be sent")
    chat.center.settings.configuration = replace(
        chat.center.settings.configuration,
        accounts={
            name: account
            for name, account in chat.center.settings.configuration.accounts.items()
            if name != "webchat/shop"
        },
    )
    chat.center.work()
    assert [frame["status"] for frame in chat.center.sockets.to(ana, "message.status")] == ["failed"]

    assert chat.texts("visitor") == ["Hello"]
    assert [item["text"] for item in chat.snapshot("visitor")["entries"]] == ["Hello"]
    everything = json.dumps(chat.center.sockets.to("visitor"))
    assert not [word for word in ("difficult", "ana", "support", "cannot be sent", "48395") if word in everything]


def test_a_visitor_sees_nothing_of_another(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("one")
    chat.writes("one", "My card number is …")
    entry = chat.answers(ana, chat.takes(ana), "Thank you")
    two = chat.center.visit("two")

    assert chat.snapshot("two")["entries"] == []
    assert chat.center.say("two", "message.send", message_id="m", text="x", reply_to=entry)["code"] == "invalid_request"
    assert chat.center.say("two", "read", entries=[entry])["event"] == "ack"
    chat.center.work()
    assert chat.snapshot("one")["entries"][-1]["status"] == "sent"
    _, page, _ = chat.ask("GET", f"/webchat/shop/thread?before={entry}", token=two["token"])
    assert page == {"entries": [], "before": None}


@pytest.mark.parametrize(
    "path", ["/threads/{home}", "/conversations/{conversation}", "/customers/{home}", "/agents", "/accounts", "/queues"]
)
def test_what_those_who_work_here_read_is_not_for_visitors(chat: Chat, path: str) -> None:
    ana = chat.center.sign_in("ana")
    answer = chat.center.visit("visitor")
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)
    path = path.format(home=chat.head(conversation).home, conversation=conversation)

    assert chat.ask("GET", path, token=answer["token"])[0] == 403


def test_a_visitor_is_no_agent_whatever_they_are_called(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("visitor", identity=identity(chat, "ana"))
    chat.writes("visitor", "Hello")
    conversation = chat.takes(ana)

    tried: dict[str, dict[str, Any]] = {
        "note.add": {"text": "I was here"},
        "conversation.close": {},
        "conversation.transfer": {"to": {"queue": "sales"}},
    }
    for action, fields in tried.items():
        assert chat.center.say("visitor", action, conversation=conversation, **fields)["code"] == "forbidden"
    assert chat.center.say("visitor", "presence.set", presence="available")["code"] == "forbidden"
    assert chat.head(conversation).state is ContactState.ACTIVE


def test_a_visitor_of_an_issuer_alone_may_ping_and_nothing_else(chat: Chat) -> None:
    chat.center.connect("visitor", f"throughline.v1, {chat.center.visitors.token('v-1')}")

    assert chat.center.say("visitor", "ping")["event"] == "ack"
    assert chat.center.say("visitor", "hello")["code"] == "forbidden"
    assert chat.center.say("visitor", "message.send", message_id="m", text="Hi")["code"] == "forbidden"


# ---------------------------------------------------------------- files


def test_files_of_visitors_come_by_a_form_and_are_read_by_both(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    answer = chat.center.visit("visitor")
    asked = {"content_type": "image/png", "size_bytes": 999, "name": "router.png"}
    status, upload, _ = chat.ask("POST", "/attachments", asked, token=answer["token"])
    assert status == 200
    assert upload["upload"]["fields"]["max_bytes"] == "999"
    chat.writes("visitor", "Look", attachments=[upload["id"]])

    (attachment,) = chat.shown("visitor")[-1]["attachments"]
    assert (attachment["name"], attachment["ready"], attachment["kind"]) == ("router.png", True, "image")
    chat.takes(ana)
    for token in (answer["token"], chat.center.token("ana")):
        status, body, _ = chat.ask("GET", f"/attachments/{attachment['id']}", token=token)
        assert (status, upload["id"] in body["url"]) == (302, True)
    other = chat.center.visit("other")
    assert chat.ask("GET", f"/attachments/{attachment['id']}", token=other["token"])[0] == 403
    assert chat.ask("GET", f"/attachments/{upload['id']}", token=other["token"])[0] == 404
    answer = chat.center.say("other", "message.send", message_id="m", attachments=[upload["id"]])
    assert answer["code"] == "not_found"


@pytest.mark.parametrize(
    "changed",
    [
        {"content_type": "text/html"},
        {"content_type": "image/svg+xml"},
        {"content_type": "application/x-msdownload"},
        {"size_bytes": 10 * 1024 * 1024 + 1},
        {"size_bytes": 0},
    ],
)
def test_files_that_could_do_harm_are_not_taken_from_visitors(chat: Chat, changed: dict[str, Any]) -> None:
    answer = chat.center.sign_visitor_in()
    asked = {"content_type": "image/png", "size_bytes": 9, "name": "a.png"} | changed

    assert chat.ask("POST", "/attachments", asked, token=answer["token"])[0] == 400


# ---------------------------------------------------------------- who they are


def test_what_a_visitor_claims_is_shown_and_joins_nobody(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    theirs = Identifier(kind="tel", value="+971505550142")
    chat.center.customer_writes("I am the owner of this number", theirs)
    chat.takes(ana)
    chat.center.visit("visitor", name="Mina", phone="+971 50 555 0142", fields={"order_number": "88213"})
    chat.writes("visitor", "Hello")
    chat.writes("visitor", "Still there?")
    conversation = chat.takes(ana)

    home = chat.head(conversation).home
    assert home != home_of(theirs, HOME_KEY)
    _, card, _ = chat.ask("GET", f"/customers/{home}", token=chat.center.token("ana"))
    evidence = {item["identifier"]: item["evidence"] for item in card["identifiers"]}
    assert evidence.pop("tel:+971505550142") == "claimed"
    assert list(evidence.values()) == ["attested"]
    _, thread, _ = chat.ask("GET", f"/threads/{home}", token=chat.center.token("ana"))
    assert [entry["text"] for entry in thread["entries"]] == ["Hello", "Still there?"]
    assert [entry.get("details") for entry in thread["entries"]] == [{"fields": {"order_number": "88213"}}, None]
    assert chat.center.stores.customers.find_customer(CustomerId(home_of(theirs, HOME_KEY))) is not None


def test_whom_the_company_signs_in_is_the_same_customer_on_every_device(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    first = chat.center.visit("phone", identity=identity(chat, email="mina@shop.example"))
    chat.writes("phone", "Hello")
    chat.answers(ana, chat.takes(ana), "Hi")
    second = chat.center.visit("laptop", identity=identity(chat))

    assert (first["visitor"], second["visitor"]) == (None, None)
    snapshot = chat.snapshot("laptop")
    assert [entry["text"] for entry in snapshot["entries"]] == ["Hello", "Hi"]
    assert snapshot["visitor"] == {"name": "Mina", "identified": True}
    home = home_of(Identifier(kind="external-id", value="u-77"), HOME_KEY)
    card = chat.center.stores.customers.find_customer(CustomerId(home))
    assert card is not None
    assert {str(item.identifier) for item in card.identifiers} == {"external-id:u-77", "email:mina@shop.example"}


def test_an_issuer_of_visitors_may_sign_users_in_and_one_of_agents_may_not(chat: Chat) -> None:
    chat.center.visitors.now_ms = chat.center.clock.now_ms
    chat.center.visit("visitor", identity=chat.center.visitors.token("u-9"))
    assert chat.snapshot("visitor")["visitor"]["identified"] is True

    status, body, _ = chat.ask("POST", "/webchat/shop/visitors", {"identity": chat.center.token("ana")})
    assert (status, body["error"]) == (401, "unauthenticated")


@pytest.mark.parametrize("case", ["other secret", "expired", "endless", "no sub", "odd sub", "long sub", "none", "own"])
def test_an_identity_that_proves_nothing_is_refused(chat: Chat, case: str) -> None:
    now_s = chat.center.clock.now_ms // 1000
    given = {
        "other secret": identity(chat, secret="another secret, of the same length as usual"),
        "expired": identity(chat, exp=now_s),
        "endless": identity(chat, exp=now_s + 86_401),
        "no sub": identity(chat, None),  # type: ignore[arg-type]
        "odd sub": identity(chat, "a b"),
        "long sub": identity(chat, "u" * 128),
        "none": jwt.encode({"sub": "u-77", "exp": now_s + 60}, "", "none"),
        "own": chat.center.sign_visitor_in()["token"],
    }[case]

    status, body, headers = chat.ask("POST", "/webchat/shop/visitors", {"identity": given})
    assert (status, body) == (401, {"error": "unauthenticated"})
    assert headers["Access-Control-Allow-Origin"] == SHOP


@pytest.mark.parametrize("case", ["other account", "short one", "garbage", "too old", "changed key"])
def test_a_proof_of_having_been_here_that_is_none_is_refused(chat: Chat, case: str) -> None:
    answer = chat.center.sign_visitor_in()
    given = {
        "other account": chat.center.sign_visitor_in("club", name="Mina")["visitor"],
        "short one": answer["token"],
        "garbage": "abc",
    }.get(case, answer["visitor"])
    if case == "too old":
        chat.center.clock.now_ms += 401 * 86400 * 1000
    if case == "changed key":
        chat.center.world.secrets.values["webchat/shop/key"] = "quite another key of the shop's web chat"  # type: ignore[attr-defined]

    assert chat.ask("POST", "/webchat/shop/visitors", {"visitor": given})[0] == 401


def test_a_lasting_proof_opens_no_socket_and_a_token_of_one_chat_reads_no_other(chat: Chat) -> None:
    answer = chat.center.sign_visitor_in()
    club = chat.center.sign_visitor_in("club", name="Mina")

    assert chat.center.connect("tab", f"throughline.v1, {answer['visitor']}")["statusCode"] == 401
    assert chat.ask("GET", "/webchat/shop/thread", token=club["token"])[0] == 403
    assert chat.ask("GET", "/webchat/shop/thread", token=chat.center.token("ana"))[0] == 403
    assert chat.ask("GET", "/webchat/shop/thread")[0] == 401


def test_a_token_lives_fifteen_minutes(chat: Chat) -> None:
    answer = chat.center.visit("visitor")
    chat.center.clock.now_ms += SHORT_S * 1000

    assert chat.center.say("visitor", "ping")["code"] == "unauthenticated"
    assert chat.center.connect("tab", f"throughline.v1, {answer['token']}")["statusCode"] == 401


def test_a_token_that_claims_another_role_is_a_visitors(chat: Chat) -> None:
    claims = jwt.decode(chat.center.sign_visitor_in()["token"], options={"verify_signature": False})
    forged = jwt.encode(claims | {"role": "agent", "groups": ["leads"]}, SECRETS["webchat/shop/key"], "HS256")
    assert chat.center.connect("tab", f"throughline.v1, {forged}")["statusCode"] == 200
    assert chat.center.say("tab", "presence.set", presence="available")["code"] == "forbidden"

    unsigned = jwt.encode(claims, "", "none")
    assert chat.center.connect("other", f"throughline.v1, {unsigned}")["statusCode"] == 401


def test_what_was_told_before_is_still_known_and_what_is_told_anew_counts(chat: Chat) -> None:
    first = chat.center.sign_visitor_in(name="Mina", fields={"order_number": "1"})
    second = chat.center.sign_visitor_in(visitor=first["visitor"], name="Mina Rahimi", language="ar")
    told = jwt.decode(second["token"], options={"verify_signature": False})["told"]

    assert told == {"name": "Mina Rahimi", "language": "ar", "fields": {"order_number": "1"}}


@pytest.mark.parametrize(
    ("account", "body", "field"),
    [
        ("club", {}, "name"),
        ("shop", {"name": ""}, "name"),
        ("shop", {"name": "x" * 201}, "name"),
        ("shop", {"language": "../en"}, "language"),
        ("shop", {"fields": {"salary": "1"}}, "a field too many"),
        ("shop", {"fields": []}, "fields"),
        ("shop", {"role": "agent"}, "a field too many"),
        ("shop", {"name": "\U0001f44b" * 200, "email": "\U0001f44b" * 200}, "fields"),
        ("shop", [], "JSON object"),
    ],
)
def test_a_form_that_is_not_as_it_has_to_be_is_refused(chat: Chat, account: str, body: Any, field: str) -> None:
    origin = f"https://{account}.example"
    status, answer, _ = chat.ask("POST", f"/webchat/{account}/visitors", body, origin=origin)

    assert (status, answer["error"]) == (400, "invalid_request")
    assert field in answer["message"]


# ---------------------------------------------------------------- pages


def test_a_page_of_the_account_is_answered_and_no_other(chat: Chat) -> None:
    status, _, headers = chat.ask("POST", "/webchat/shop/visitors", {})
    assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (200, SHOP, "Origin")
    assert headers["Cache-Control"] == "no-store"

    for origin in ("https://club.example", "https://shop.example.evil.test", "http://shop.example", "null"):
        for method, path in (
            ("POST", "/webchat/shop/visitors"),
            ("GET", "/webchat/shop"),
            ("OPTIONS", "/webchat/shop"),
        ):
            status, body, headers = chat.ask(method, path, {} if method == "POST" else None, origin=origin)
            assert (status, body) == (403, {"error": "forbidden"})
            assert "Access-Control-Allow-Origin" not in headers
            assert headers["Vary"] == "Origin"


def test_our_own_pages_may_have_it_too(chat: Chat) -> None:
    assert chat.ask("POST", "/webchat/shop/visitors", {}, origin="https://center.test")[0] == 200


def test_a_preflight_is_answered_without_an_effect(chat: Chat) -> None:
    for path in ("/webchat/shop", "/webchat/shop/visitors", "/webchat/shop/thread"):
        status, body, headers = chat.ask("OPTIONS", path)
        assert (status, body) == (204, None)
        assert headers["Access-Control-Allow-Origin"] == SHOP
        assert "Authorization" in headers["Access-Control-Allow-Headers"]


def test_who_is_no_page_has_to_say_who_their_user_is(chat: Chat) -> None:
    assert chat.ask("POST", "/webchat/shop/visitors", {}, origin=None)[0] == 403
    status, answer, headers = chat.ask("POST", "/webchat/shop/visitors", {"identity": identity(chat)}, origin=None)
    assert (status, answer["socket"]) == (200, "wss://center.test/api")
    assert "Access-Control-Allow-Origin" not in headers


def test_what_a_widget_shows_is_public_and_has_no_secret(chat: Chat) -> None:
    status, shown, headers = chat.ask("GET", "/webchat/shop", origin=None)

    assert status == 200
    assert shown["pre_chat"] == [
        {"field": "name", "required": False},
        {"field": "phone", "required": False},
        {"field": "order_number", "required": False},
    ]
    assert (shown["open"], shown["languages"], shown["title"]) == (True, [], "Ask us")
    assert headers["Cache-Control"] == "max-age=60"
    assert not [value for value in SECRETS.values() if value in json.dumps(shown)]
    assert chat.ask("GET", "/webchat/nobody", origin=None)[:2] == (404, {"error": "unknown_account"})


def test_nobody_posts_webhooks_for_it(chat: Chat) -> None:
    posted = IncomingWebhook(channel="webchat", account="shop", method="POST", query="", headers={}, body=b"{}")
    with pytest.raises(UnknownAccountError):
        accept_webhook(chat.center.world, posted, max_bytes=99)


def test_who_asks_too_often_is_told_when_to_come_back(chat: Chat) -> None:
    statuses = [chat.ask("POST", "/webchat/shop/visitors", {})[0] for _ in range(FROM_ONE_ADDRESS)]
    assert set(statuses) == {200}

    status, body, headers = chat.ask("POST", "/webchat/shop/visitors", {})
    assert (status, body) == (429, {"error": "too_many_requests"})
    assert int(headers["Retry-After"]) >= 1
    assert headers["Access-Control-Allow-Origin"] == SHOP


def test_nothing_a_visitor_says_is_logged(chat: Chat, capsys: pytest.CaptureFixture[str]) -> None:
    answer = chat.center.visit("visitor", name="Mina Rahimi", phone="+971505550142")
    chat.writes("visitor", "my own words")
    chat.center.say("visitor", "note.add", conversation="h-1.2", text="my own words")
    chat.ask("POST", "/webchat/shop/visitors", {"visitor": answer["visitor"], "identity": "x"})

    written = "".join(capsys.readouterr())
    assert not [word for word in ("my own", "Rahimi", "5550142", answer["token"], answer["visitor"]) if word in written]
