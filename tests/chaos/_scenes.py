"""Every path through the functions: what has happened before, and the step that is about to be taken."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.chaos._site import SMS, WHATSAPP, Record, Site
from tests.promises import Standing
from throughline.domain.conversations import ContactState, Direction
from throughline.domain.identifiers import entry_id, offer_id
from throughline.domain.messages import Attachment, DeliveryStatus, StatusReported

MAYA, RAKA, DEWI = "telegram:1", "telegram:2", "telegram:3"
PHONE, BSUID = "tel:+14155550100", "bsuid:US.1349"
SOLVED = "solved"
TRIES = 6
PASSING = {"internal", "store_unavailable"}  # what a client sends a frame again after

Breaches = Iterator[str]
Expectation = Callable[[Site, Standing], Breaches]


def _nothing_more(_site: Site, _standing: Standing) -> Breaches:
    return iter(())


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step that is about to be taken.

    `attempt` takes it, for the time of that number, and tells whether it is done. `repeat` is what becomes of a step
    that is not done: a queue delivers again (`queued`), a client sends again (by its `socket`). `hands_over`: the
    step hands a reply to a provider. Whoever dies in between cannot know whether it was taken; and it relies on its
    queue, which gives a record to no second worker before the first one's time is over (15 s of 90).
    """

    attempt: Callable[[int], bool]
    repeat: Callable[[int, int], object]  # receives so far, and seconds until the next
    expect: Expectation = _nothing_more
    queued: bool = False
    socket: str | None = None
    hands_over: bool = False


Scene = Callable[[Site], Step]


# ---------------------------------------------------------------- steps


def of_record(site: Site, record: Record, expect: Expectation = _nothing_more, *, hands_over: bool = False) -> Step:
    """Return the delivery of a queue record."""

    def attempt(receives: int) -> bool:
        done = site.deliver(record, receives)
        if done:
            site.delete(record)
        return done

    def repeat(receives: int, seconds: int) -> None:
        site.put_back(record, receives, seconds)

    return Step(attempt=attempt, repeat=repeat, expect=expect, queued=True, hands_over=hands_over)


def of_frame(
    site: Site, socket: str, frame: Mapping[str, Any], expect: Expectation = _nothing_more, *, text: str | None = None
) -> Step:
    """Return the sending of a client's frame; `text` is what the customer is to get."""

    def attempt(_: int) -> bool:
        answer = site.say(socket, frame)
        if answer is None or answer.get("code") in PASSING:
            return False
        if text and answer["event"] == "ack":
            site.state.replies.append(text)
        return True

    return Step(attempt=attempt, repeat=_again(site, attempt), expect=expect, socket=socket)


def of_call(site: Site, attempt: Callable[[], bool], expect: Expectation = _nothing_more) -> Step:
    """Return what somebody outside does again until it is taken."""
    return Step(attempt=lambda _: attempt(), repeat=_again(site, lambda _: attempt()), expect=expect)


def _again(site: Site, attempt: Callable[[int], bool]) -> Callable[[int, int], None]:
    def repeat(receives: int, _seconds: int) -> None:
        for number in range(TRIES):
            if attempt(receives + 1 + number):
                return
        site.state.stuck.append("a step is never taken, however often it is tried")

    return repeat


# ---------------------------------------------------------------- what has happened


def here(site: Site, *agents: str) -> None:
    """Sign agents in, and let them take work."""
    for agent in agents:
        arrive(site, agent)
        acked(site, f"{agent}-1", "presence.set", presence="available")
    site.run_due()


def arrive(site: Site, agent: str, number: int = 1) -> None:
    """Open a screen."""
    socket = f"{agent}-{number}"
    assert site.connect(agent, socket)
    answer = site.say(socket, site.frame("hello"))
    assert answer
    assert answer["event"] == "snapshot"


def acked(site: Site, socket: str, action: str, **fields: Any) -> None:
    """Send a frame, which has to be taken."""
    answer = site.say(socket, site.frame(action, **fields))
    assert answer, f"{action} was not answered"
    assert answer["event"] == "ack", answer


def accepted(site: Site, *senders: str) -> None:
    """Have whoever is offered them accept the contacts of these customers."""
    for sender in senders:
        head = site.live(sender)
        acked(site, f"{head.holder}-1", "offer.accept", offer=offer_id(head.conversation, head.turn))
    site.run_due()


def serving(site: Site, agent: str = "ana", sender: str = MAYA, **more: Any) -> str:
    """Let an agent be in a conversation, and return it."""
    here(site, agent)
    site.wrote(sender, **more)
    accepted(site, sender)
    return site.live(sender).conversation


def busy(site: Site) -> str:
    """Let Omar, who takes one chat at a time, be in one, and two more wait."""
    conversation = serving(site, "omar")
    site.wrote(RAKA)
    site.wrote(DEWI)
    return conversation


def replied(site: Site, conversation: str, text: str) -> Mapping[str, Any]:
    """Return the frame of a reply."""
    made = site.state.now_ms << 80 | 7 << 76 | 2 << 62 | site.state.numbers
    return site.frame("message.send", conversation=conversation, message_id=str(UUID(int=made)), text=text)


def reply(site: Site, sender: str, text: str) -> None:
    """Have the holder answer; what is to be delivered stays on its queue."""
    head = site.live(sender)
    socket = f"{head.holder}-1"
    answer = site.say(socket, replied(site, head.conversation, text))
    assert answer
    assert answer["event"] == "ack", answer
    site.state.replies.append(text)
    site.collect()


def is_in(sender: str, *states: ContactState) -> Expectation:
    """Expect a customer's conversation to be in one of these states."""

    def expect(site: Site, _: Standing) -> Breaches:
        head = site.live(sender)
        if head.state not in states:
            yield f"the conversation is {head.state} and should be {' or '.join(states)}"

    return expect


# ---------------------------------------------------------------- customers


def _first_message(site: Site) -> Step:
    here(site, "ana", "budi")
    return of_record(site, site.inbound_record(site.message(MAYA)), is_in(MAYA, ContactState.OFFERED))


def _message_nobody_there(site: Site) -> Step:
    return of_record(site, site.inbound_record(site.message(MAYA)), is_in(MAYA, ContactState.QUEUED))


def _held(site: Site) -> Step:
    serving(site)
    return of_record(site, site.inbound_record(site.message(MAYA)), is_in(MAYA, ContactState.ACTIVE))


def _untimed(site: Site) -> Step:
    serving(site, sender=PHONE, account=SMS)
    event = replace(site.message(PHONE, account=SMS), sent_ms=None)
    return of_record(site, site.inbound_record(event))


def _one_conversation(site: Site, _: Standing) -> Breaches:
    if len({site.live(sender).conversation for sender in (PHONE, BSUID)}) > 1:
        yield "one person has two conversations"


def _two_waiting(site: Site) -> Step:
    site.wrote(PHONE, account=SMS)
    site.wrote(BSUID, account=WHATSAPP)
    return of_record(site, site.inbound_record(site.message(PHONE, BSUID, account=WHATSAPP)), _one_conversation)


def _two_served(site: Site) -> Step:
    serving(site, "ana", PHONE, account=SMS)
    serving(site, "budi", BSUID, account=WHATSAPP)
    return of_record(site, site.inbound_record(site.message(PHONE, BSUID, account=WHATSAPP)), _one_conversation)


def _first_with_two(site: Site) -> Step:
    here(site, "ana")
    return of_record(site, site.inbound_record(site.message(PHONE, BSUID, account=WHATSAPP)), _one_conversation)


def _paused_message(site: Site) -> Step:
    conversation = serving(site)
    acked(site, "ana-1", "conversation.pause", conversation=conversation, until=instant(site, 600))
    site.run_due()
    return of_record(site, site.inbound_record(site.message(MAYA)))


def _reopened(site: Site) -> Step:
    conversation = serving(site)
    acked(site, "ana-1", "conversation.close", conversation=conversation, disposition=SOLVED)
    site.run_due()
    return of_record(site, site.inbound_record(site.message(MAYA)))


def _webhook(site: Site) -> Step:
    here(site, "ana")
    who = {"id": 1, "is_bot": False, "first_name": "Maya", "language_code": "en"}
    message = {"message_id": 77, "from": who, "chat": {"id": 1, "first_name": "Maya", "type": "private"}}
    message |= {"date": site.state.now_ms // 1000, "text": "hello there"}
    body = json.dumps({"update_id": 7, "message": message}).encode()

    def attempt() -> bool:
        taken = site.post(body) == 200
        if taken and not site.state.written:
            site.state.written.append(("telegram/throughline_demo_bot", "1:77"))
        return taken

    return of_call(site, attempt)


# ---------------------------------------------------------------- agents


def _available(site: Site) -> Step:
    site.wrote(MAYA)
    site.wrote(RAKA)
    arrive(site, "ana")
    frame = site.frame("presence.set", presence="available")
    return of_frame(site, "ana-1", frame, is_in(RAKA, ContactState.OFFERED))


def _offered(site: Site, *agents: str) -> tuple[str, str]:
    here(site, *agents)
    site.wrote(MAYA)
    head = site.live(MAYA)
    return f"{head.holder}-1", offer_id(head.conversation, head.turn)


def _accept(site: Site) -> Step:
    socket, offer = _offered(site, "ana", "budi")
    return of_frame(site, socket, site.frame("offer.accept", offer=offer), is_in(MAYA, ContactState.ACTIVE))


def _reject(site: Site) -> Step:
    socket, offer = _offered(site, "ana", "budi")
    return of_frame(site, socket, site.frame("offer.reject", offer=offer), is_in(MAYA, ContactState.OFFERED))


def _time_out(site: Site) -> Step:
    _offered(site, "ana", "budi")
    head = site.live(MAYA)
    return of_record(site, site.timer_record(kind="offer_timeout", turn=head.turn))


def _cool_down(site: Site) -> Step:
    socket, offer = _offered(site, "ana")
    acked(site, socket, "offer.reject", offer=offer)
    site.run_due()
    return of_record(site, site.timer_record(kind="cool_down"), is_in(MAYA, ContactState.OFFERED))


def _wrap_up(site: Site) -> Step:
    conversation = serving(site)
    frame = site.frame("conversation.wrap_up", conversation=conversation)
    return of_frame(site, "ana-1", frame, is_in(MAYA, ContactState.WRAPPING))


def _close(site: Site) -> Step:
    frame = site.frame("conversation.close", conversation=busy(site), disposition=SOLVED)
    return of_frame(site, "omar-1", frame, is_in(MAYA, ContactState.RESOLVED))


def _pause(site: Site) -> Step:
    frame = site.frame("conversation.pause", conversation=busy(site), until=instant(site, 600))
    return of_frame(site, "omar-1", frame, is_in(MAYA, ContactState.PAUSED))


def _pause_long(site: Site) -> Step:
    frame = site.frame("conversation.pause", conversation=serving(site), until=instant(site, 3600))
    return of_frame(site, "ana-1", frame, is_in(MAYA, ContactState.PAUSED))


def _resume(site: Site) -> Step:
    conversation = serving(site)
    acked(site, "ana-1", "conversation.pause", conversation=conversation, until=instant(site, 600))
    site.run_due()
    return of_record(site, site.timer_record(kind="resume"))


def _transfer(site: Site) -> Step:
    conversation = serving(site)
    here(site, "omar")
    return of_frame(
        site, "ana-1", site.frame("conversation.transfer", conversation=conversation, to={"queue": "sales"})
    )


def _transferred(site: Site, to: Mapping[str, str]) -> Step:
    conversation = serving(site)
    here(site, "omar")
    acked(site, "ana-1", "conversation.transfer", conversation=conversation, to=to)
    site.collect()
    return of_record(site, site.timer_record(kind="transfer"), _with("omar"))


def _with(agent: str) -> Expectation:
    def expect(site: Site, _: Standing) -> Breaches:
        head = site.live(MAYA)
        if head.state is not ContactState.QUEUED and head.holder != agent:
            yield f"the conversation is with {head.holder} and should be with {agent}"

    return expect


def _connect(site: Site) -> Step:
    return of_call(site, lambda: site.connect("ana"), _is_known("ana-1"))


def _is_known(socket: str) -> Expectation:
    def expect(_: Site, standing: Standing) -> Breaches:
        if socket not in standing.connections:
            yield f"the open screen {socket} is not known"

    return expect


def _hello(site: Site) -> Step:
    serving(site)
    site.hang_up("ana-1")
    site.run_due()
    site.wrote(RAKA)
    assert site.connect("ana", "ana-2")
    return of_frame(site, "ana-2", site.frame("hello"), is_in(RAKA, ContactState.OFFERED))


def _disconnect(site: Site) -> Step:
    """The end of a socket is told once. If that fails, whoever next rings there finds nobody, and tells."""
    serving(site)

    def attempt(_: int) -> bool:
        return site.hang_up("ana-1")

    def repeat(_receives: int, _seconds: int) -> None:
        site.wrote(MAYA)

    return Step(attempt=attempt, repeat=repeat, expect=_has_gone)


def _has_gone(_: Site, standing: Standing) -> Breaches:
    if any(agent.sockets for agent in standing.agents.values()):
        yield "a screen that has gone is still rung at"


def _vanish(site: Site) -> Step:
    serving(site)
    site.wrote(RAKA)
    here(site, "budi")
    site.hang_up("ana-1")
    site.collect()
    return of_record(site, site.timer_record(kind="vanish"))


def _grace(site: Site) -> Step:
    serving(site)
    here(site, "budi")
    site.hang_up("ana-1")
    site.run_due()
    return of_record(site, site.timer_record(kind="grace"), is_in(MAYA, ContactState.OFFERED, ContactState.QUEUED))


# ---------------------------------------------------------------- replies


def _reply(site: Site) -> Step:
    conversation = serving(site)
    return of_frame(site, "ana-1", replied(site, conversation, "at once"), text="at once")


def _outbound(site: Site) -> Record:
    return site.take("OUTBOUND_QUEUE_URL")


def _deliver(site: Site) -> Step:
    serving(site)
    reply(site, MAYA, "here you are")
    return of_record(site, _outbound(site), hands_over=True)


def _deliver_away(site: Site) -> Step:
    serving(site)
    reply(site, MAYA, "here you are")
    site.state.away = 1
    return of_record(site, _outbound(site), hands_over=True)


def _receipt(site: Site) -> Step:
    serving(site, sender=PHONE, account=SMS)
    reply(site, PHONE, "here you are")
    site.run_due()
    [entry] = [entry for entry in site.standing().entries if entry.direction is Direction.OUTBOUND]
    report = StatusReported(
        channel="twilio_sms",
        account=SMS,
        provider_id="delivered",
        senders=(),
        sent_ms=site.state.now_ms,
        entry=entry_id(entry.home, entry.reference),
        message_id=entry.provider_ids[0],
        status=DeliveryStatus.DELIVERED,
    )
    return of_record(site, site.inbound_record(report), _is_delivered)


def _is_delivered(_: Site, standing: Standing) -> Breaches:
    for entry in standing.entries:
        if entry.direction is Direction.OUTBOUND and entry.status is not DeliveryStatus.DELIVERED:
            yield f"a reply that was delivered is {entry.status}"


def _media(site: Site) -> Step:
    serving(site)
    assert site.deliver(site.inbound_record(site.message(MAYA, attachments=(PICTURE,))), 1)
    return of_record(site, site.take("MEDIA_QUEUE_URL"), _is_copied)


def _is_copied(_: Site, standing: Standing) -> Breaches:
    for entry in standing.entries:
        if any(attachment.blob is None for attachment in entry.attachments):
            yield "a customer's file was not copied"


PICTURE = Attachment(kind="image", source="file-1", content_type="image/jpeg")

# ---------------------------------------------------------------- time and operators


def _release(site: Site) -> Step:
    conversation = serving(site)
    acked(site, "ana-1", "conversation.pause", conversation=conversation, until=instant(site, 1200))
    site.run_due(900)
    return of_call(site, site.release_due, _is_handed_on)


def _is_handed_on(site: Site, _: Standing) -> Breaches:
    if not any(work["kind"] == "resume" for work in site.near_timers()):
        yield "a far timer that comes due was not handed on"


def _configured(site: Site) -> Step:
    """Ana may have three chats by now; as she was signed in she might have one, and had other skills."""
    arrive(site, "ana")
    site.change_agent("ana", capacity={"chat": 1}, signature="en.1")
    acked(site, "ana-1", "presence.set", presence="available")
    site.run_due()
    for sender in (MAYA, RAKA, DEWI):
        site.wrote(sender)
    accepted(site, MAYA)
    site.arm(kind="agent_configured", agent="ana")
    return of_record(site, site.timer_record(kind="agent_configured"), is_in(DEWI, ContactState.OFFERED))


def instant(site: Site, seconds: int) -> str:
    at = datetime.fromtimestamp(site.state.now_ms / 1000 + seconds, tz=UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


SCENES: Mapping[str, Scene] = {
    "webhook": _webhook,
    "receive: first message": _first_message,
    "receive: nobody there": _message_nobody_there,
    "receive: held conversation": _held,
    "receive: no provider time": _untimed,
    "receive: two identifiers": _first_with_two,
    "receive: links two waiting": _two_waiting,
    "receive: links two served": _two_served,
    "receive: paused conversation": _paused_message,
    "receive: within reopen window": _reopened,
    "assign: available": _available,
    "accept": _accept,
    "reject": _reject,
    "time out": _time_out,
    "cool down": _cool_down,
    "reply": _reply,
    "deliver": _deliver,
    "deliver: provider away": _deliver_away,
    "receipt": _receipt,
    "wrap up": _wrap_up,
    "close": _close,
    "pause": _pause,
    "pause: for long": _pause_long,
    "resume": _resume,
    "transfer": _transfer,
    "transfer: carried out": lambda site: _transferred(site, {"queue": "sales"}),
    "transfer: to a colleague": lambda site: _transferred(site, {"agent": "omar"}),
    "connect": _connect,
    "hello": _hello,
    "disconnect": _disconnect,
    "vanish": _vanish,
    "grace": _grace,
    "media copy": _media,
    "release due timers": _release,
    "configure agent": _configured,
}
