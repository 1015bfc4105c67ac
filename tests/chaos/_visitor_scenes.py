"""The paths of visitors of web chat, and what has to be true of their screens whenever all is at rest."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests.chaos._scenes import (
    Breaches,
    Expectation,
    Scene,
    Step,
    accepted,
    acked,
    here,
    instant,
    is_in,
    of_call,
    of_frame,
    of_record,
    replied,
    reply,
)
from tests.chaos._site import WEB_CHAT, Record, Site
from tests.promises import Standing
from throughline.domain.conversations import ContactState, Direction, Entry
from throughline.domain.messages import DeliveryStatus
from throughline.domain.visitors import SHOWN_KINDS
from throughline.flows.token_claims import unverified

MINA, USER = "mina", "u-77"
TAB, OTHER = "mina-1", "mina-2"


# ---------------------------------------------------------------- what has happened


def visiting(site: Site, *tabs: str) -> None:
    """Sign Mina in, and open her tabs."""
    assert site.sign_visitor_in(MINA)
    for tab in tabs:
        _open(site, tab)


def _open(site: Site, tab: str) -> Mapping[str, Any]:
    assert site.visits(MINA, tab)
    snapshot = site.say(tab, site.frame("hello"))
    assert snapshot
    assert snapshot["event"] == "snapshot", snapshot
    return snapshot


def _said(site: Site, text: str = "hello there") -> Mapping[str, Any]:
    """Return the frame of a message."""
    site.state.now_ms += 1
    message_id = UUID(int=site.state.now_ms << 80 | 7 << 76 | 2 << 62 | site.state.numbers)
    return site.frame("message.send", message_id=str(message_id), text=text)


def _wrote(site: Site, frame: Mapping[str, Any]) -> None:
    """Take note that a message was acknowledged."""
    written = (WEB_CHAT, f"{site.identifier_of(MINA)}/{frame['message_id']}")
    if written not in site.state.written:
        site.state.written.append(written)


def _write(site: Site) -> Mapping[str, Any]:
    """Have her write; what is to be filed stays on its queue."""
    frame = _said(site)
    acked(site, TAB, **{name: value for name, value in frame.items() if name != "id"})
    _wrote(site, frame)
    site.collect()
    return frame


def talking(site: Site, *tabs: str) -> str:
    """Let Ana be in a conversation with her, and return it."""
    here(site, "ana")
    visiting(site, TAB, *tabs)
    _write(site)
    site.run_due()
    accepted(site, site.identifier_of(MINA))
    return site.live(site.identifier_of(MINA)).conversation


def answered(site: Site) -> Entry:
    """Let Ana have answered her, and return the answer."""
    talking(site, OTHER)
    reply(site, site.identifier_of(MINA), "here you are")
    site.run_due()
    [entry] = [entry for entry in site.standing().entries if entry.direction is Direction.OUTBOUND]
    return entry


def _mina_is(site: Site, *states: ContactState) -> Expectation:
    return is_in(site.identifier_of(MINA), *states)


# ---------------------------------------------------------------- steps


def _of_message(site: Site, frame: Mapping[str, Any], expect: Expectation) -> Step:
    """Return the sending of a message, which counts as written once it is acknowledged."""
    step = of_frame(site, TAB, frame)

    def attempt(number: int) -> bool:
        done = step.attempt(number)
        if done:
            _wrote(site, frame)
        return done

    def repeat(receives: int, seconds: int) -> None:
        step.repeat(receives, seconds)
        _wrote(site, frame)

    return Step(attempt=attempt, repeat=repeat, expect=expect, socket=TAB)


def _sign_in(site: Site) -> Step:
    return of_call(site, lambda: site.sign_visitor_in(MINA), _is_let_in)


def _is_let_in(site: Site, _: Standing) -> Breaches:
    if MINA not in site.state.visitors or not site.visits(MINA, "mina-9"):
        yield "who was signed in is not let in"


def _connect(site: Site) -> Step:
    visiting(site)

    def expect(site: Site, standing: Standing) -> Breaches:
        del site
        if TAB not in standing.connections:
            yield "an open tab is not known"

    return of_call(site, lambda: site.visits(MINA, TAB), expect)


def _first_said(site: Site) -> Step:
    here(site, "ana", "budi")
    visiting(site, TAB)
    return _of_message(site, _said(site), _mina_is(site, ContactState.OFFERED))


def _said_while_held(site: Site) -> Step:
    talking(site)
    return _of_message(site, _said(site), _mina_is(site, ContactState.ACTIVE))


def _inbound(site: Site) -> Record:
    return site.take("INBOUND_QUEUE_URL")


def _first_filed(site: Site) -> Step:
    here(site, "ana", "budi")
    visiting(site, TAB, OTHER)
    _write(site)
    return of_record(site, _inbound(site), _mina_is(site, ContactState.OFFERED))


def _filed_while_held(site: Site) -> Step:
    talking(site, OTHER)
    _write(site)
    return of_record(site, _inbound(site), _mina_is(site, ContactState.ACTIVE))


def _said_again(site: Site) -> Step:
    """A page that was off-line repeats what was filed long ago: to the queue it is another record."""
    talking(site)
    _write(site)
    record = _inbound(site)
    assert site.deliver(record, 1)
    site.delete(record)
    site.run_due()
    return of_record(site, site.made_again(record), _mina_is(site, ContactState.ACTIVE))


def _reply(site: Site) -> Step:
    conversation = talking(site, OTHER)
    return of_frame(site, "ana-1", replied(site, conversation, "at once"), text="at once")


def _deliver(site: Site) -> Step:
    """Two tabs are open, and one more has gone without anybody having been told."""
    talking(site, OTHER, "mina-3")
    reply(site, site.identifier_of(MINA), "here you are")
    del site.state.sockets["mina-3"]
    return of_record(site, site.take("OUTBOUND_QUEUE_URL"))


def _seen(site: Site, action: str, status: DeliveryStatus) -> Step:
    entry = answered(site)
    return of_frame(site, TAB, site.frame(action, entries=[entry.entry_id]), _ours_are(status))


def _receipt(site: Site) -> Step:
    entry = answered(site)
    acked(site, TAB, "read", entries=[entry.entry_id])
    site.collect()
    return of_record(site, _inbound(site), _ours_are(DeliveryStatus.READ))


def _ours_are(status: DeliveryStatus) -> Expectation:
    def expect(_: Site, standing: Standing) -> Breaches:
        for entry in standing.entries:
            if entry.direction is Direction.OUTBOUND and entry.status is not status:
                yield f"an answer that was {status} is {entry.status}"

    return expect


def _hello(site: Site) -> Step:
    """She comes back, and was answered while she was away."""
    talking(site)
    site.hang_up(TAB)
    reply(site, site.identifier_of(MINA), "here you are")
    site.run_due()
    assert site.visits(MINA, OTHER)
    return of_frame(site, OTHER, site.frame("hello"), _is_in_service(OTHER))


def _is_in_service(tab: str) -> Expectation:
    def expect(site: Site, _: Standing) -> Breaches:
        if not site.is_told(tab):
            yield f"the open tab {tab} is told nothing"

    return expect


def _disconnect(site: Site) -> Step:
    """The end of a tab is told once. If that fails, whoever next rings there finds nobody."""
    talking(site, OTHER)

    def repeat(_receives: int, _seconds: int) -> None:
        reply(site, site.identifier_of(MINA), "are you there?")
        site.run_due()

    return Step(attempt=lambda _: site.hang_up(OTHER), repeat=repeat, expect=_is_forgotten)


def _is_forgotten(site: Site, standing: Standing) -> Breaches:
    if OTHER in standing.connections or OTHER in site.listeners(MINA):
        yield "a tab that has gone is still rung at"


def _turns_out_to_be(site: Site, identity: str) -> bool:
    """Let the page say that its user, who was Mina until now, is one of the company's."""
    return site.sign_visitor_in(MINA, visitor=site.state.proofs[MINA], identity=identity)


def _is_user_of(conversation: str, *states: ContactState) -> Expectation:
    def expect(site: Site, standing: Standing) -> Breaches:
        if site.identifier_of(MINA) != f"external-id:{USER}":
            yield "who signed in is not the company's user"
        elif (now := site.live(site.identifier_of(MINA))).conversation != conversation or now.state not in states:
            yield f"the user's conversation is {now.conversation}, {now.state}"
        if len([head for head in standing.lives if head.state is not ContactState.RESOLVED]) != 1:
            yield "one customer has several conversations"
        if site.sign_visitor_in("somebody", visitor=site.state.proofs[MINA]):
            yield "the proof of who they were still opens something"
        if any(site.is_told_of(tab, f"{WEB_CHAT}|{_anonymous(site)}") for tab in (TAB, OTHER)):
            yield "a tab of who they were is still told what happens"

    return expect


def _anonymous(site: Site) -> str:
    return str(unverified(site.state.proofs[MINA])[1]["sub"])


def _signs_in_as_a_user(site: Site) -> Step:
    conversation = talking(site, OTHER)
    reply(site, site.identifier_of(MINA), "here you are")
    identity = site.identity(USER)
    return of_call(site, lambda: _turns_out_to_be(site, identity), _is_user_of(conversation, ContactState.ACTIVE))


def _signing_in_is_filed(site: Site) -> Step:
    """The user has written before, and was answered; their new tab has said hello before it is filed."""
    assert site.sign_visitor_in("known", identity=site.identity(USER))
    assert site.visits("known", "known-1")
    acked(site, "known-1", "message.send", message_id=str(UUID(int=9)), text="an earlier matter")
    site.run_due()
    conversation = talking(site, OTHER)
    assert _turns_out_to_be(site, site.identity(USER))
    site.collect()
    _open(site, "mina-3")
    return of_record(site, _inbound(site), _is_user_of(conversation, ContactState.ACTIVE))


def _signing_in_is_filed_behind_a_message(site: Site) -> Step:
    """The message was not filed yet when the user's tab said hello."""
    here(site, "ana")
    visiting(site, TAB, OTHER)
    _write(site)
    message = _inbound(site)
    assert _turns_out_to_be(site, site.identity(USER))
    site.collect()
    _open(site, "mina-3")
    assert site.deliver(message, 1)
    site.delete(message)
    conversation = site.live(_anonymous(site)).conversation
    return of_record(site, _inbound(site), _is_user_of(conversation, ContactState.OFFERED))


def _signing_in_is_filed_where_a_matter_is_set_aside(site: Site) -> Step:
    """What the user wrote was set aside for long; what they wrote anonymously is offered."""
    assert site.sign_visitor_in("known", identity=site.identity(USER))
    assert site.visits("known", "known-1")
    here(site, "ana")
    acked(site, "known-1", "message.send", message_id=str(UUID(int=9)), text="an earlier matter")
    site.run_due()
    user = f"external-id:{USER}"
    accepted(site, user)
    conversation = site.live(user).conversation
    acked(site, "ana-1", "conversation.pause", conversation=conversation, until=instant(site, 3600))
    site.run_due()
    visiting(site, TAB, OTHER)
    _write(site)
    site.run_due()
    site.state.now_ms += 1000
    assert _turns_out_to_be(site, site.identity(USER))
    site.collect()
    return of_record(site, _inbound(site), _is_user_of(conversation, ContactState.OFFERED))


VISITOR_SCENES: Mapping[str, Scene] = {
    "visitor: sign-in": _sign_in,
    "visitor: connect": _connect,
    "visitor: says the first": _first_said,
    "visitor: says more": _said_while_held,
    "visitor: the first is filed": _first_filed,
    "visitor: more is filed": _filed_while_held,
    "visitor: says it again": _said_again,
    "visitor: is answered": _reply,
    "visitor: is shown the answer": _deliver,
    "visitor: received": lambda site: _seen(site, "received", DeliveryStatus.DELIVERED),
    "visitor: read": lambda site: _seen(site, "read", DeliveryStatus.READ),
    "visitor: receipt is filed": _receipt,
    "visitor: hello": _hello,
    "visitor: disconnect": _disconnect,
    "visitor: signs in as a user": _signs_in_as_a_user,
    "visitor: the user is filed": _signing_in_is_filed,
    "visitor: the user is filed, whose matter is set aside": _signing_in_is_filed_where_a_matter_is_set_aside,
    "visitor: the user is filed behind a message": _signing_in_is_filed_behind_a_message,
}


# ---------------------------------------------------------------- whenever all is at rest


def what_visitors_miss(site: Site, standing: Standing) -> Breaches:
    """Tell what the next hello of a visitor leaves out or shows twice, and what an open tab was never told."""
    if MINA not in site.state.visitors:
        return
    entries = [entry for entry in standing.entries if entry.channel == "webchat" and entry.kind in SHOWN_KINDS]
    told = _told(site)
    for tab in [tab for tab in (TAB, OTHER, "mina-3") if site.is_told(tab)]:
        for entry in entries:
            if entry.entry_id not in told[tab]:
                yield f"lost: the open tab {tab} was never shown '{entry.text}'"
    shown = _open(site, "mina-look")["entries"]
    site.hang_up("mina-look")
    yield from _differences(Counter(view["id"] for view in shown), {str(entry.entry_id) for entry in entries})
    said = Counter(view.get("message_id") for view in shown)
    for account, provider_id in site.state.written:
        message_id = provider_id.rpartition("/")[2]
        if account == WEB_CHAT and said[message_id] != 1:
            yield f"lost: the next hello has the message {message_id} {said[message_id]} times"


def _told(site: Site) -> Mapping[str, set[str]]:
    told: dict[str, set[str]] = {tab: set() for tab, _ in site.state.frames}
    for tab, frame in site.state.frames:
        if frame.get("event") in {"message", "snapshot"} and tab.startswith(MINA):
            told[tab] |= {entry["id"] for entry in frame.get("entries", [frame.get("entry")])}
    return told


def _differences(shown: Counter[str], wanted: set[str]) -> Breaches:
    yield from (f"lost: the next hello leaves out {entry}" for entry in wanted - shown.keys())
    yield from (f"the next hello shows {entry}, which nobody said" for entry in shown.keys() - wanted)
    yield from (f"doubled: the next hello shows {entry} {count} times" for entry, count in shown.items() if count > 1)
