"""An anonymous visitor signs in on the company's page: one customer, one thread, and nobody else's to read."""

from collections.abc import Iterator
from typing import Any

import pytest

import functions.webchat
from tests.cloud import REGION
from tests.integration.center import SECRETS
from tests.integration.chats import Chat, identity, opened_chat
from throughline.domain.conversations import ContactState, Head
from throughline.domain.errors import UnauthenticatedError
from throughline.domain.identifiers import CustomerId, Home, Identifier, home_of
from throughline.flows.read_thread import find_live
from throughline.flows.visitor_tokens import SHORT_S

HOME_KEY = SECRETS["home-key"].encode()
USER = Identifier(kind="external-id", value="u-77")


@pytest.fixture(params=["fake", "dynamodb"])
def chat(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setattr(functions.webchat, "socket_url", lambda: "wss://center.test/api")
    with opened_chat(request.param) as opened:
        yield opened


def signs_in(chat: Chat, tab: str, proof: str | None, sub: str = "u-77") -> dict[str, Any]:
    """Let a page say who its user is, who was the anonymous visitor of this proof; return the first snapshot."""
    answer = chat.center.sign_visitor_in(visitor=proof, identity=identity(chat, sub))
    assert answer["visitor"] is None
    assert chat.center.connect(tab, f"throughline.v1, {answer['token']}")["statusCode"] == 200
    return chat.snapshot(tab)


def texts(snapshot: dict[str, Any]) -> list[str]:
    return [entry["text"] for entry in snapshot["entries"]]


def home_of_user(sub: str = "u-77") -> Home:
    return home_of(Identifier(kind="external-id", value=sub), HOME_KEY)


def customer_of(chat: Chat, sub: str = "u-77") -> tuple[CustomerId, Head | None]:
    return find_live(chat.center.world, CustomerId(home_of_user(sub)))


def bound(chat: Chat) -> int:
    return len(chat.center.stores.customers.list_visitors(USER))


# ---------------------------------------------------------------- one customer


def test_the_same_agent_goes_on_in_the_same_conversation_and_the_user_sees_all_of_it(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    anonymous = chat.center.visit("before")
    chat.writes("before", "My router is dead")
    conversation = chat.takes(ana)
    chat.answers(ana, conversation, "Which light blinks?")

    snapshot = signs_in(chat, "after", anonymous["visitor"])
    assert texts(snapshot) == ["My router is dead", "Which light blinks?"]
    chat.center.work()

    customer, live = customer_of(chat)
    assert live is not None
    assert (live.conversation, live.state, live.holder) == (conversation, ContactState.ACTIVE, "ana")
    assert chat.shown("after", "conversation")[-1] == {"event": "conversation", "state": "assigned", "agent": "Ana"}
    chat.writes("after", "The red one")
    assert chat.center.sockets.to(ana, "message")[-1]["entry"]["text"] == "The red one"
    assert len(chat.center.sockets.to(ana, "offer")) == 1
    known = chat.center.stores.customers.find_customer(customer)
    assert known is not None
    assert {item.identifier.kind for item in known.identifiers} == {"visitor", "external-id"}
    assert texts(chat.snapshot("after")) == ["My router is dead", "Which light blinks?", "The red one"]


def test_the_thread_says_for_agents_when_and_as_whom_the_visitor_signed_in(chat: Chat) -> None:
    ana, _ = signs_in_while_ana_talks(chat)

    [frame] = [frame for frame in chat.center.sockets.to(ana, "message") if frame["entry"]["kind"] == "identity"]
    assert frame["entry"]["details"] == {"to": "external-id:u-77"}
    assert [entry["kind"] for entry in chat.snapshot("after")["entries"]] == ["message"]


def test_whom_we_knew_already_is_joined_and_keeps_who_serves_them(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    chat.center.visit("phone", identity=identity(chat))
    chat.writes("phone", "About my bill")
    served = chat.takes(ana)
    anonymous = chat.center.visit("before")
    chat.writes("before", "Still about my bill")

    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()
    chat.center.pass_time(20)

    _, live = customer_of(chat)
    assert live is not None
    assert (live.conversation, live.holder) == (served, "ana")
    assert texts(chat.snapshot("after")) == ["About my bill", "Still about my bill"]
    assert chat.shown("phone")[-1]["text"] == "Still about my bill"
    agent = chat.center.stores.routing.find_agent(live.holder)  # type: ignore[arg-type]
    assert agent is not None
    assert list(agent.held) == [served]


@pytest.mark.parametrize("known", [False, True], ids=["a new user", "a user we know"])
def test_what_is_long_over_is_joined_too(chat: Chat, known: bool) -> None:
    ana = chat.center.sign_in("ana")
    if known:
        chat.center.visit("phone", identity=identity(chat))
        chat.writes("phone", "About my bill")
        chat.center.say(ana, "conversation.close", conversation=chat.takes(ana))
    anonymous = chat.center.visit("before")
    chat.writes("before", "My router is dead")
    chat.center.say(ana, "conversation.close", conversation=chat.takes(ana))
    chat.center.pass_time(90_000)

    snapshot = signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()

    assert texts(snapshot) == ["About my bill", "My router is dead"][not known :]
    assert texts(chat.snapshot("after")) == texts(snapshot)
    customer = chat.center.stores.customers.find_customer(customer_of(chat)[0])
    assert customer is not None
    assert len(customer.identifiers) == 2


def test_answers_to_the_anonymous_visitor_reach_the_user_and_agents_see_one_way(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    anonymous = chat.center.visit("before")
    chat.writes("before", "My router is dead")
    conversation = chat.takes(ana)
    head = chat.head(conversation)
    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()

    token = chat.center.token("ana")
    status, answer, _ = chat.ask("GET", f"/conversations/{conversation}/ways", token=token, origin=None)
    assert (status, [(way["identifier"], way["default"]) for way in answer["ways"]]) == (200, [(str(USER), True)])
    for number, via in enumerate((None, head.last_via, answer["ways"][0]["via"])):
        fields = {} if via is None else {"via": via}
        chat.center.clock.now_ms += 1
        ack = chat.center.say(
            ana,
            "message.send",
            conversation=conversation,
            message_id=f"way-{number}",
            text=f"Answer {number}",
            **fields,
        )
        assert ack["entry"]["via"] == answer["ways"][0]["via"]
    chat.center.work()
    assert chat.texts("after")[-3:] == ["Answer 0", "Answer 1", "Answer 2"]


def test_an_answer_that_was_on_its_way_when_the_visitor_signed_in_is_shown_and_its_receipt_counts(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    anonymous = chat.center.visit("before")
    chat.writes("before", "My router is dead")
    conversation = chat.takes(ana)
    ack = chat.center.say(ana, "message.send", conversation=conversation, message_id="r", text="Which light?")
    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()

    assert chat.texts("after")[-1] == "Which light?"
    chat.center.say("after", "read", entries=[ack["entry"]["id"]])
    chat.center.work()
    assert chat.shown("after", "message.status")[-1]["status"] == "read"
    chat.writes("after", "The red one", reply_to=ack["entry"]["id"])
    chat.writes("after", "I mean this", reply_to=chat.snapshot("after")["entries"][0]["id"])


def test_a_file_of_the_anonymous_visitor_is_the_users_to_open(chat: Chat) -> None:
    anonymous = chat.center.visit("before")
    asked = {"content_type": "image/png", "size_bytes": 9, "name": "a.png"}
    _, offered, _ = chat.ask("POST", "/attachments", asked, token=anonymous["token"])
    chat.writes("before", "See", attachments=[offered["id"]])
    snapshot = signs_in(chat, "after", anonymous["visitor"])
    file = snapshot["entries"][0]["attachments"][0]["id"]
    user = chat.center.sign_visitor_in(identity=identity(chat))["token"]
    other = chat.center.sign_visitor_in(identity=identity(chat, "u-78"))["token"]

    assert chat.ask("GET", f"/attachments/{file}", token=user)[0] == 302
    assert chat.ask("GET", f"/attachments/{file}", token=other)[0] == 403
    assert chat.ask("GET", f"/attachments/{file}", token=anonymous["token"])[0] == 401


def test_a_message_that_was_not_filed_yet_is_joined_and_shown_when_it_is(chat: Chat) -> None:
    anonymous = chat.center.visit("before")
    ack = chat.center.say("before", "message.send", message_id="m", text="Just before I signed in")
    assert ack["event"] == "ack"
    assert texts(signs_in(chat, "after", anonymous["visitor"])) == []

    chat.center.work()
    assert chat.texts("after") == ["Just before I signed in"]
    assert chat.shown("after", "conversation")[-1]["state"] == "waiting"
    assert bound(chat) == 1
    assert customer_of(chat)[1] is not None


# ---------------------------------------------------------------- and nobody else's


def test_who_uses_the_computer_next_reads_nothing_of_it(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    anonymous = chat.center.visit("before")
    chat.writes("before", "My router is dead")
    conversation = chat.takes(ana)
    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()
    chat.answers(ana, conversation, "For the user alone")

    assert "For the user alone" not in chat.texts("before")
    assert chat.ask("POST", "/webchat/shop/visitors", {"visitor": anonymous["visitor"]})[0] == 401
    assert chat.center.connect("next", f"throughline.v1, {anonymous['token']}")["statusCode"] == 401
    assert chat.ask("GET", "/webchat/shop/thread", token=anonymous["token"])[0] == 401
    fresh = chat.center.visit("next")
    assert texts(chat.snapshot("next")) == []
    assert fresh["visitor"]


@pytest.mark.parametrize("greeted", [True, False], ids=["in service", "only connected"])
def test_a_tab_that_is_still_open_is_told_that_it_has_to_begin_anew(chat: Chat, greeted: bool) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    tab = "before"
    if not greeted:
        tab = "silent"
        chat.center.connect(tab, f"throughline.v1, {anonymous['token']}")
    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()

    said = {"message_id": "late", "text": "Is this lost?"}
    read = {"entries": [entry["id"] for entry in chat.snapshot("after")["entries"]]}
    for action, fields in (("message.send", said), ("typing", {}), ("read", read), ("hello", {})):
        assert chat.center.say(tab, action, **fields)["code"] == "unauthenticated"
    chat.center.work()
    assert texts(chat.snapshot("after")) == ["Hello"]


def test_a_tab_that_says_hello_while_the_visitor_signs_in_is_left_out_of_service(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    chat.center.connect("racing", f"throughline.v1, {anonymous['token']}")
    connections, added = chat.center.stores.connections, chat.center.stores.connections.add_listener

    def add_behind(way: str, connection: Any) -> None:
        monkeypatch.setattr(connections, "add_listener", added)
        signs_in(chat, "after", anonymous["visitor"])
        added(way, connection)

    monkeypatch.setattr(connections, "add_listener", add_behind)
    assert chat.center.say("racing", "hello")["code"] == "unauthenticated"
    assert connections.list_listeners(f"webchat/shop-1|{_visitor_of(chat)}") == []


def signs_in_while_ana_talks(chat: Chat) -> tuple[str, str]:
    """Have an anonymous visitor write, Ana take it, and their page say who they are; return her tab and their proof."""
    ana = chat.center.sign_in("ana")
    proof = chat.center.visit("before")["visitor"]
    chat.writes("before", "My router is dead")
    chat.takes(ana)
    signs_in(chat, "after", proof)
    chat.center.work()
    return ana, proof


def _visitor_of(chat: Chat) -> Identifier:
    [visitor] = chat.center.stores.customers.list_visitors(USER)
    return visitor.identifier


def test_the_second_user_of_one_visitor_begins_on_their_own(chat: Chat) -> None:
    _, proof = signs_in_while_ana_talks(chat)

    assert texts(signs_in(chat, "other", proof, "u-78")) == []
    chat.center.work()
    chat.writes("other", "I am somebody else")
    assert texts(chat.snapshot("other")) == ["I am somebody else"]
    assert texts(chat.snapshot("after")) == ["My router is dead"]
    assert customer_of(chat)[0] != customer_of(chat, "u-78")[0]


def test_two_users_who_hand_over_one_visitor_at_the_same_instant_are_not_joined(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Whose is this?")
    customers, bind = chat.center.stores.customers, chat.center.stores.customers.bind_visitor

    def bind_second(*given: Any, **named: Any) -> Identifier:
        monkeypatch.setattr(customers, "bind_visitor", bind)
        signs_in(chat, "first", anonymous["visitor"])
        return bind(*given, **named)

    monkeypatch.setattr(customers, "bind_visitor", bind_second)
    second = signs_in(chat, "second", anonymous["visitor"], "u-78")
    chat.center.work()
    assert (texts(second), texts(chat.snapshot("second"))) == ([], [])
    assert texts(chat.snapshot("first")) == ["Whose is this?"]
    assert customer_of(chat)[0] != customer_of(chat, "u-78")[0]


# ---------------------------------------------------------------- what is written, and what is not


def test_a_visitor_who_never_wrote_leaves_no_trace_however_often_they_sign_in(chat: Chat) -> None:
    anonymous = chat.center.sign_visitor_in()
    for number in range(3):
        signs_in(chat, f"after-{number}", anonymous["visitor"])
        chat.center.work()
    assert bound(chat) == 0
    assert customer_of(chat) == (CustomerId(home_of_user()), None)
    assert chat.ask("POST", "/webchat/shop/visitors", {"visitor": anonymous["visitor"]})[0] == 200


def test_handing_over_again_and_again_has_one_effect(chat: Chat) -> None:
    ana = chat.center.sign_in("ana")
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    conversation = chat.takes(ana)
    for number in range(3):
        signs_in(chat, f"after-{number}", anonymous["visitor"])
        chat.center.work()
    _, live = customer_of(chat)
    assert live is not None
    assert (live.conversation, live.holder, bound(chat)) == (conversation, "ana", 1)
    told = [frame for frame in chat.center.sockets.to(ana, "message") if frame["entry"]["kind"] == "identity"]
    assert len(told) == 1


@pytest.mark.parametrize("case", ["other account", "short one", "garbage", "too old", "of the user"])
def test_a_proof_that_is_none_joins_nothing_and_keeps_nobody_out(chat: Chat, case: str) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    given = {
        "other account": chat.center.sign_visitor_in("club", name="Mina")["visitor"],
        "short one": anonymous["token"],
        "garbage": "abc",
        "of the user": identity(chat),
    }.get(case, anonymous["visitor"])
    if case == "too old":
        chat.center.clock.now_ms += 401 * 86400 * 1000

    assert texts(signs_in(chat, "after", given)) == []
    chat.center.work()
    assert bound(chat) == 0


def test_an_identity_that_proves_nothing_takes_nothing_over(chat: Chat) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    forged = identity(chat, secret="another secret, of the same length as usual")
    with pytest.raises(UnauthenticatedError):
        chat.center.sign_visitor_in(visitor=anonymous["visitor"], identity=forged)
    chat.center.work()
    assert bound(chat) == 0
    assert texts(chat.snapshot("before")) == ["Hello"]


def test_a_user_renews_without_the_proof_and_still_has_everything(chat: Chat) -> None:
    anonymous = chat.center.visit("before")
    chat.writes("before", "Hello")
    signs_in(chat, "after", anonymous["visitor"])
    chat.center.work()
    chat.center.clock.now_ms += SHORT_S * 1000
    assert texts(signs_in(chat, "later", None)) == ["Hello"]
