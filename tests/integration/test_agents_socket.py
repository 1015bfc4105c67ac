import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from tests.cloud import REGION, cloud
from tests.integration.center import EVA, TIM, Center, center
from tests.integration.people import HOUR_S
from tests.tables import connection, dynamo_stores, fake_stores, tables_of
from throughline.domain.conversations import ContactState
from throughline.domain.encodings import decode_outbound
from throughline.domain.frames import iso
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.messages import Echo
from throughline.domain.routing import Presence
from throughline.flows.deliver import deliver
from throughline.flows.receive import Arrival, receive

PROTOCOL = "throughline.v1"


@pytest.fixture(params=["fake", "dynamodb"])
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Center]:
    monkeypatch.setenv("AWS_REGION", REGION)
    if request.param == "fake":
        with center(fake_stores()) as made:
            yield made
        return
    with cloud(), center(dynamo_stores(tables_of(connection()))) as made:
        yield made


def offered(desk: Center, tab: str) -> dict[str, Any]:
    return dict(desk.sockets.to(tab, "offer")[-1])


def accepted(desk: Center, tab: str) -> str:
    """Accept the last offer; return the conversation."""
    offer = offered(desk, tab)
    assert desk.say(tab, "offer.accept", offer=offer["offer"])["event"] == "ack"
    return str(offer["conversation"])


# ---------------------------------------------------------------- connecting


def test_an_agent_with_a_token_is_let_in_and_the_protocol_is_echoed_without_the_token(desk: Center) -> None:
    answer = desk.connect("tab", f"{PROTOCOL}, {desk.token('ana')}")

    assert answer["statusCode"] == 200
    assert answer["headers"] == {"Sec-WebSocket-Protocol": PROTOCOL}


@pytest.mark.parametrize("case", ["missing", "alone", "other", "reversed", "three", "garbage", "expired"])
def test_who_proves_nothing_is_answered_401_and_not_remembered(desk: Center, case: str) -> None:
    token = desk.token("ana")
    protocol = {
        "missing": "",
        "alone": PROTOCOL,
        "other": f"graphql-ws, {token}",
        "reversed": f"{token}, {PROTOCOL}",
        "three": f"{PROTOCOL}, {token}, {token}",
        "garbage": f"{PROTOCOL}, abc",
        "expired": f"{PROTOCOL}, {desk.token('ana', exp=desk.clock.now_ms // 1000)}",
    }[case]

    answer = desk.connect("tab", protocol)
    assert answer["statusCode"] == 401
    assert json.loads(answer["body"]) == {"error": "unauthenticated"}
    desk.post("tab", '{"action": "ping", "id": "f1"}')
    assert desk.sockets.to("tab")[-1]["code"] == "unauthenticated"


def test_a_genuine_person_nobody_configured_is_answered_403(desk: Center) -> None:
    assert desk.connect("tab", f"{PROTOCOL}, {desk.token('stranger')}")["statusCode"] == 403


def test_an_issuer_that_is_away_is_answered_503_so_that_the_client_tries_again(desk: Center) -> None:
    desk.staff.reachable = False

    assert desk.connect("tab", f"{PROTOCOL}, {desk.token('ana')}")["statusCode"] == 503


# ---------------------------------------------------------------- frames


def test_a_frame_is_answered_with_its_own_id(desk: Center) -> None:
    tab = desk.sign_in("ana")

    assert desk.say(tab, "ping", id="f-7") == {"event": "ack", "id": "f-7"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        '{"action": "dance", "id": "f1"}',
        '{"action": "ping"}',
        '{"action": "ping", "id": "\\ud800"}',
    ],
)
def test_what_is_no_frame_is_answered_with_an_error_and_the_socket_stays(desk: Center, body: str) -> None:
    tab = desk.sign_in("ana")
    desk.post(tab, body)

    assert desk.sockets.to(tab)[-1]["event"] == "error"
    assert desk.sockets.to(tab)[-1]["code"] == "invalid_request"
    assert desk.say(tab, "ping")["event"] == "ack"


def test_a_connection_outlives_its_token_but_no_frame_does(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.clock.now_ms += HOUR_S * 1000

    assert desk.say(tab, "ping")["code"] == "unauthenticated"


def test_who_has_not_said_hello_is_not_offered_work_that_no_screen_would_show(desk: Center) -> None:
    desk.sign_in("ana", available=False)
    desk.connect("second", f"{PROTOCOL}, {desk.token('ana')}")

    answer = desk.say("second", "presence.set", presence="available")
    assert (answer["code"], "hello" in answer["message"]) == ("invalid_request", True)
    agent = desk.stores.routing.find_agent(AgentId("ana"))
    assert agent is not None
    assert agent.presence is Presence.OFFLINE
    desk.say("second", "hello")
    assert desk.say("second", "presence.set", presence="available")["event"] == "ack"


def test_an_agent_who_was_never_here_says_hello_first(desk: Center) -> None:
    desk.connect("tab", f"{PROTOCOL}, {desk.token('ben')}")

    assert desk.say("tab", "presence.set", presence="available")["code"] == "invalid_request"


def test_visitors_may_ping_and_nothing_else(desk: Center) -> None:
    desk.connect("visitor", f"{PROTOCOL}, {desk.visitors.token('v-1', groups=['leads'])}")

    assert desk.say("visitor", "ping")["event"] == "ack"
    for action in ("hello", "presence.set"):
        answer = desk.say("visitor", action, **({"presence": "available"} if action == "presence.set" else {}))
        assert answer["code"] == "forbidden"


def test_a_visitor_named_like_an_agent_is_still_a_visitor(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    desk.connect("visitor", f"{PROTOCOL}, {desk.visitors.token('ana')}")

    answer = desk.say("visitor", "note.add", conversation=conversation, text="I was here")
    assert answer["code"] == "forbidden"


def test_an_unexpected_error_is_told_without_its_words(desk: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    tab = desk.sign_in("ana")

    def broken(*_: object) -> None:
        raise KeyError("the customer's secret words")

    monkeypatch.setattr(type(desk.stores.connections), "find_connection", broken)
    desk.post(tab, '{"action": "ping", "id": "f1"}')

    answer = desk.sockets.to(tab)[-1]
    assert (answer["event"], answer["id"], answer["code"]) == ("error", "f1", "internal")
    assert "secret words" not in json.dumps(answer)


# ---------------------------------------------------------------- a day's work


def test_an_offer_is_shown_accepted_and_comes_with_all_that_was_said(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("My parcel is lost")
    offer = offered(desk, tab)
    assert (offer["preview"], offer["channel"]) == ("My parcel is lost", "telegram")

    ack = desk.say(tab, "offer.accept", offer=offer["offer"])
    assert ack["event"] == "ack"
    assert ack["conversation"]["state"] == "active"
    assert [entry["text"] for entry in ack["conversation"]["entries"]] == ["My parcel is lost"]


def test_accepting_twice_is_accepting_once_and_too_late_is_a_conflict(desk: Center) -> None:
    ana, ben = desk.sign_in("ana"), desk.sign_in("ben", available=False)
    desk.customer_writes("Hello")
    offer = offered(desk, ana)["offer"]

    assert desk.say(ana, "offer.accept", offer=offer)["event"] == "ack"
    assert desk.say(ana, "offer.accept", offer=offer)["event"] == "ack"
    assert desk.say(ben, "offer.accept", offer=offer)["code"] == "forbidden"


def test_a_late_accept_of_a_lost_offer_is_a_conflict(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    offer = offered(desk, ana)["offer"]
    desk.say(ana, "offer.reject", offer=offer, reason="busy")

    assert desk.say(ana, "offer.accept", offer=offer)["code"] == "conflict"
    assert desk.say(ana, "offer.reject", offer=offer)["event"] == "ack"


def test_a_reply_is_acknowledged_once_durable_and_twice_is_one(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    reply = {"conversation": conversation, "message_id": "m-1", "text": "How can I help?"}

    first = desk.say(tab, "message.send", **reply)
    again = desk.say(tab, "message.send", **reply)
    assert first["entry"]["id"] == again["entry"]["id"]
    assert first["entry"]["status"] == "queued"
    assert len(desk.outbound.jobs) == 1


def test_an_id_that_is_used_for_other_words_is_a_conflict_and_not_a_lost_message(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    desk.say(tab, "note.add", id="1", conversation=conversation, text="VIP")

    assert desk.say(tab, "note.add", id="1", conversation=conversation, text="VIP")["event"] == "ack"
    shown = len(desk.sockets.to(tab, "message"))
    assert desk.say(tab, "note.add", id="1", conversation=conversation, text="Angry")["code"] == "conflict"
    assert len(desk.sockets.to(tab, "message")) == shown


def test_another_customers_address_is_no_way_to_reply(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello", TIM)
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)

    answer = desk.say(
        tab,
        "message.send",
        conversation=conversation,
        message_id="m-1",
        text="Hi",
        via="telegram/48395|telegram:9999999",
    )
    assert answer["code"] == "invalid_request"
    assert desk.outbound.jobs == []


def test_wrap_up_and_close_are_acknowledged_with_the_state_and_free_the_agent(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)

    assert desk.say(tab, "conversation.wrap_up", conversation=conversation)["conversation"]["state"] == "wrapping"
    assert desk.say(tab, "conversation.close", conversation=conversation)["conversation"]["state"] == "resolved"
    assert desk.say(tab, "conversation.close", conversation=conversation)["event"] == "ack"
    agent = desk.stores.routing.find_agent(AgentId("ana"))
    assert agent is not None
    assert dict(agent.held) == {}


def newest(frames: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the one that a screen shows in the end, by the rule of docs/protocol.md."""
    known: Mapping[str, Any] = {}
    for frame in frames:
        lower = known and frame["turn"] < known["turn"]
        older = known and frame["turn"] == known["turn"] and _step(frame) < _step(known)
        known = known if lower or older else frame
    return known


def _step(frame: Mapping[str, Any]) -> int:
    return ["queued", "resolved", "offered", "active", "wrapping", "paused"].index(frame["state"])


def test_changes_of_state_raise_no_version_and_end_up_right_in_whatever_order_they_come(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    version = desk.head(conversation).version
    desk.say(tab, "conversation.wrap_up", conversation=conversation)
    paused = desk.say(tab, "conversation.pause", conversation=conversation, until="2025-11-22T12:00:00Z")[
        "conversation"
    ]
    changes = desk.sockets.to(tab, "conversation")

    assert [frame["state"] for frame in changes][-2:] == ["wrapping", "paused"]
    assert {frame["version"] for frame in changes} == {version}
    assert (paused["turn"], paused["state"]) == (changes[-1]["turn"], "paused")
    for frames in permutations(changes):
        assert newest(frames)["state"] == "paused"

    desk.customer_writes("Back again")
    desk.say(tab, "offer.accept", offer=offered(desk, tab)["offer"])
    desk.say(tab, "conversation.close", conversation=conversation)
    changes = desk.sockets.to(tab, "conversation")
    for frames in permutations(changes):
        assert newest(frames)["state"] == "resolved"


def test_a_close_that_has_not_seen_the_last_word_is_a_conflict(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    seen = desk.head(conversation).version
    desk.customer_writes("One more thing")

    assert desk.say(tab, "conversation.close", conversation=conversation, version=seen)["code"] == "conflict"
    assert desk.head(conversation).state is ContactState.ACTIVE


def test_a_transfer_reaches_the_colleague_once_however_often_its_frame_comes(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    ben = desk.sign_in("ben")

    transfer = {"conversation": conversation, "to": {"agent": "ben"}}
    assert desk.say(ana, "conversation.transfer", **transfer)["event"] == "ack"
    assert desk.say(ana, "conversation.transfer", **transfer)["event"] == "ack"
    desk.pass_time()
    assert [offer["conversation"] for offer in desk.sockets.to(ben, "offer")] == [conversation]


def test_a_transfer_to_a_queue_where_nobody_is_waits_there_and_its_repetition_is_acknowledged(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)

    transfer = {"conversation": conversation, "to": {"queue": "sales"}}
    assert desk.say(ana, "conversation.transfer", **transfer)["event"] == "ack"
    desk.pass_time()
    assert desk.head(conversation).queue == "sales"
    assert desk.say(ana, "conversation.transfer", **transfer)["event"] == "ack"


def test_a_pause_frees_the_agent_and_keeps_the_conversation_theirs(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)

    until = "2099-01-01T00:00:00Z"
    assert desk.say(tab, "conversation.pause", conversation=conversation, until=until)["code"] == "invalid_request"
    soon = "2025-11-22T12:00:00Z"
    answer = desk.say(tab, "conversation.pause", conversation=conversation, until=soon)
    assert answer["conversation"]["state"] == "paused"


def test_a_transfer_brings_its_note_once_and_before_the_colleague_sees_it(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    ben = desk.sign_in("ben")
    transfer = {"conversation": conversation, "to": {"agent": "ben"}, "note": "wants a refund"}

    for _ in range(2):
        assert desk.say(ana, "conversation.transfer", id="t-1", **transfer)["event"] == "ack"
    desk.pass_time()
    assert desk.say(ana, "conversation.transfer", id="t-1", **transfer)["event"] == "ack"
    ack = desk.say(ben, "offer.accept", offer=offered(desk, ben)["offer"])
    notes = [entry for entry in ack["conversation"]["entries"] if entry["kind"] == "note"]
    assert [(note["text"], note["author"], note["direction"]) for note in notes] == [
        ("wants a refund", "ana", "internal")
    ]


def test_a_transfer_that_cannot_be_leaves_no_note(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    version = desk.head(conversation).version

    answer = desk.say(ana, "conversation.transfer", conversation=conversation, to={"agent": "ben"}, note="to Ben")
    assert answer["code"] == "invalid_request"
    assert desk.head(conversation).version == version


def test_leaving_after_work_is_shown_and_comes_with_the_last_close(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)

    assert desk.say(tab, "presence.set", presence="not_ready", reason="lunch", after_work=True)["event"] == "ack"
    told = desk.sockets.to(tab, "presence")[-1]
    assert (told["presence"], told["next"]) == ("available", {"presence": "not_ready", "reason": "lunch"})
    desk.say(tab, "conversation.close", conversation=conversation)
    told = desk.sockets.to(tab, "presence")[-1]
    assert (told["presence"], told["reason"], told["next"]) == ("not_ready", "lunch", None)


def test_a_wrap_up_tells_its_end(desk: Center) -> None:
    configuration = desk.settings.configuration
    support = replace(configuration.queues["support"], wrap_up_s=60)
    desk.settings.configuration = replace(configuration, queues={**configuration.queues, "support": support})
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    desk.clock.now_ms += 5_000

    told = desk.say(tab, "conversation.wrap_up", conversation=conversation)["conversation"]
    assert told["until"] == iso(desk.clock.now_ms + 60_000)
    desk.pass_time(60)
    closed = desk.sockets.to(tab, "conversation")[-1]
    assert (closed["state"], closed["disposition"]) == ("resolved", "none given")


def test_the_snapshot_says_who_i_am(desk: Center) -> None:
    desk.settings.configuration = replace(desk.settings.configuration, not_ready_reasons=("lunch",))
    desk.sign_in("lea", available=False)

    me = desk.say("lea-tab", "hello")["me"]
    assert (me["agent"], me["name"], me["role"], me["teams"]) == ("lea", "Lea", "supervisor", ["first"])
    assert (me["language"], me["not_ready_reasons"]) == (None, ["lunch"])
    refused = desk.say("lea-tab", "presence.set", presence="not_ready", reason="bored")
    assert (refused["code"], "lunch" in refused["message"]) == ("invalid_request", True)


# ---------------------------------------------------------------- two who answer


def test_a_colleagues_answer_shows_before_one_sends_a_blind_one(desk: Center) -> None:
    ana, lea = desk.sign_in("ana"), desk.sign_in("lea", available=False)
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    seen = desk.head(conversation).version
    desk.say(lea, "conversation.take_over", conversation=conversation, turn=desk.head(conversation).turn)
    desk.say(lea, "message.send", conversation=conversation, message_id="m-1", text="It is on its way")
    sent_by_worker(desk)
    desk.say(lea, "conversation.transfer", conversation=conversation, to={"agent": "ana"})
    desk.pass_time()
    desk.say(ana, "offer.accept", offer=offered(desk, ana)["offer"])
    blind = {"conversation": conversation, "message_id": "m-2", "text": "It is lost"}

    refused = desk.say(ana, "message.send", **blind, seen_version=seen)
    assert (refused["code"], refused["version"]) == ("conflict", desk.head(conversation).version)
    assert desk.say(ana, "message.send", **blind, seen_version=refused["version"])["event"] == "ack"


def test_my_own_answer_the_customers_words_and_notes_refuse_nothing(desk: Center) -> None:
    ana = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    seen = desk.head(conversation).version
    desk.say(ana, "message.send", conversation=conversation, message_id="m-1", text="Hi", seen_version=seen)
    sent_by_worker(desk)
    desk.say(ana, "note.add", conversation=conversation, text="VIP")
    desk.customer_writes("Are you there?")

    answer = desk.say(ana, "message.send", conversation=conversation, message_id="m-2", text="Yes", seen_version=seen)
    assert answer["event"] == "ack"


def test_an_answer_from_outside_counts_as_somebody_elses(desk: Center) -> None:
    ana = desk.sign_in("ana")
    head = desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    seen = desk.head(conversation).version
    echo = Echo(
        channel="telegram",
        account="telegram/48395",
        provider_id="e1",
        senders=(EVA,),
        sent_ms=desk.clock.now_ms,
        text="Hi from the phone",
    )
    receive(desk.world, echo, Arrival(inbound="in-echo", arrival_ms=desk.clock.now_ms))
    assert desk.head(conversation).version > head.version

    answer = desk.say(ana, "message.send", conversation=conversation, message_id="m-1", text="Hi", seen_version=seen)
    assert (answer["code"], answer["version"]) == ("conflict", desk.head(conversation).version)


def sent_by_worker(desk: Center) -> None:
    """Let the outbound worker announce what is in its queue; whether the provider takes it is another matter."""
    for job in desk.outbound.take():
        deliver(desk.world, decode_outbound(job), receipt="r-1", receive_count=1)


# ---------------------------------------------------------------- supervisors


def test_a_takeover_comes_with_all_that_was_said_and_ends_it_for_the_holder(desk: Center) -> None:
    ana, lea = desk.sign_in("ana"), desk.sign_in("lea", available=False)
    desk.customer_writes("My parcel is lost")
    conversation = accepted(desk, ana)

    ack = desk.say(lea, "conversation.take_over", conversation=conversation, turn=desk.head(conversation).turn)
    assert (ack["conversation"]["state"], ack["conversation"]["holder"]) == ("active", "lea")
    assert [entry["text"] for entry in ack["conversation"]["entries"]] == ["My parcel is lost"]
    assert desk.sockets.to(ana, "conversation")[-1]["holder"] == "lea"
    refused = desk.say(ana, "message.send", conversation=conversation, message_id="m-1", text="Hi")
    assert refused["code"] == "forbidden"


def test_an_assigned_contact_rings_at_its_agent_alone(desk: Center) -> None:
    ana, ben, lea = desk.sign_in("ana"), desk.sign_in("ben", available=False), desk.sign_in("lea", available=False)
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    desk.say(ben, "presence.set", presence="available")

    ack = desk.say(lea, "contact.assign", conversation=conversation, turn=desk.head(conversation).turn, agent="ben")
    assert ack["event"] == "ack"
    desk.pass_time()
    assert (offered(desk, ben)["conversation"], offered(desk, ben)["requirement"]) == (conversation, "@ben")
    assert desk.say(ben, "offer.accept", offer=offered(desk, ben)["offer"])["event"] == "ack"


def test_supervisors_of_other_teams_and_agents_decide_nothing(desk: Center) -> None:
    ana, ben = desk.sign_in("ana"), desk.sign_in("ben", available=False)
    other = desk.sign_in("max", available=False)
    desk.customer_writes("Hello")
    conversation = accepted(desk, ana)
    turn = desk.head(conversation).turn

    for tab in (ben, other):
        for action, more in (("conversation.take_over", {}), ("contact.assign", {"agent": "ben"})):
            assert desk.say(tab, action, conversation=conversation, turn=turn, **more)["code"] == "forbidden"


# ---------------------------------------------------------------- tabs and reconnects


def test_two_tabs_of_one_agent_agree(desk: Center) -> None:
    first, second = desk.sign_in("ana", "first"), desk.sign_in("ana", "second")
    assert desk.sockets.to(first, "presence")[-1]["presence"] == "available"
    assert desk.sockets.to(second, "presence")[-1]["presence"] == "available"
    desk.customer_writes("Hello")
    offer = offered(desk, second)
    assert offer == offered(desk, first)

    desk.say(second, "offer.accept", offer=offer["offer"])
    assert desk.sockets.to(first, "offer.ended")[-1]["reason"] == "accepted"
    desk.customer_writes("Are you there?")
    assert desk.sockets.to(first, "message")[-1] == desk.sockets.to(second, "message")[-1]


def test_typing_and_read_show_on_the_agents_other_screens_only(desk: Center) -> None:
    first, second = desk.sign_in("ana", "first"), desk.sign_in("ana", "second")
    desk.customer_writes("Hello")
    conversation = accepted(desk, first)
    assert desk.say(first, "typing", conversation=conversation)["event"] == "ack"
    assert desk.say(first, "read", conversation=conversation)["event"] == "ack"

    assert desk.sockets.to(second, "typing") == [{"event": "typing", "conversation": conversation, "from": "ana"}]
    assert desk.sockets.to(second, "read") == [{"event": "read", "conversation": conversation, "by": "ana"}]
    assert desk.sockets.to(first, "typing") == []


def test_after_a_reconnect_the_agent_has_everything_in_order(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("One")
    conversation = accepted(desk, tab)
    seen = desk.head(conversation).version
    desk.sockets.gone.add(tab)
    desk.leave(tab)
    late_ms = desk.clock.now_ms - 1
    desk.customer_writes("Three")
    desk.customer_writes("Two, late", sent_ms=late_ms + 1)
    desk.connect("new", f"{PROTOCOL}, {desk.token('ana')}")

    snapshot = desk.say("new", "hello", resume={conversation: seen})
    assert snapshot["event"] == "snapshot"
    (view,) = snapshot["conversations"]
    assert [entry["text"] for entry in view["entries"]] == ["One", "Two, late", "Three"]
    assert view["version"] == desk.head(conversation).version


def test_a_screen_that_missed_nothing_gets_no_words_again_but_what_became_of_ours(desk: Center) -> None:
    tab = desk.sign_in("ana")
    desk.customer_writes("Hello")
    conversation = accepted(desk, tab)
    desk.say(tab, "message.send", conversation=conversation, message_id="m-1", text="Hi")
    desk.connect("new", f"{PROTOCOL}, {desk.token('ana')}")

    snapshot = desk.say("new", "hello", resume={conversation: desk.head(conversation).version})
    assert [entry["text"] for entry in snapshot["conversations"][0]["entries"]] == ["Hi"]


def test_a_long_conversation_comes_in_several_frames_none_too_large_and_nothing_missing(desk: Center) -> None:
    tab = desk.sign_in("ana")
    texts = [f"{number:03d} " + "x" * 4_000 for number in range(45)]
    desk.customer_writes(texts[0])
    conversation = accepted(desk, tab)
    for text in texts[1:]:
        desk.customer_writes(text)
    desk.connect("new", f"{PROTOCOL}, {desk.token('ana')}")

    snapshot = desk.say("new", "hello")
    assert (snapshot["conversations"][0]["entries"], snapshot["conversations"][0]["more"]) == ([], True)
    parts = desk.sockets.to("new", "entries")
    assert [part["more"] for part in parts] == [True] * (len(parts) - 1) + [False]
    assert [entry["text"] for part in parts for entry in part["entries"]] == texts
    assert {part["conversation"] for part in parts} == {conversation}


# ---------------------------------------------------------------- leaving


def test_leaving_is_a_workers_business_and_returns_offers_at_once(desk: Center) -> None:
    tab = desk.sign_in("ana")
    head = desk.customer_writes("Hello")
    desk.leave(tab)
    assert [timer.work for timer in desk.timers.of_kind("vanish")] == [
        {"kind": "vanish", "agent": "ana", "connection": tab}
    ]

    desk.pass_time()
    assert desk.head(head.conversation).state is ContactState.QUEUED
    assert desk.stores.connections.find_connection(ConnectionId(tab)) is None


def test_a_visitor_who_leaves_is_forgotten_and_a_stranger_is_nobodys_business(desk: Center) -> None:
    desk.connect("visitor", f"{PROTOCOL}, {desk.visitors.token('v-1')}")
    desk.leave("visitor")
    desk.leave("never-seen")

    assert desk.stores.connections.find_connection(ConnectionId("visitor")) is None
    assert desk.timers.armed == []
