"""Scenarios at agents' desks. What a step is called is how the client's tests ask for it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

from tests.fakes.channel import FakeChannel
from tests.integration.center import EVA, Center
from tests.recordings.people import (
    accepts,
    breaks,
    comes_back,
    does,
    hands_over,
    notes,
    offered,
    replies,
    sends,
    takes,
    writes,
)
from tests.recordings.tape import Scenario, Tape
from throughline.domain.encodings import decode_outbound
from throughline.domain.errors import ProviderRejectedError, ProviderUnavailableError, RetryableError
from throughline.domain.frame_splitting import frames_within
from throughline.domain.frames import iso
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import (
    DeliveryStatus,
    Echo,
    IdentityChanged,
    MessageDeleted,
    MessageEdited,
    Reaction,
    StatusReported,
)
from throughline.flows.acknowledge import acknowledge
from throughline.flows.deliver import deliver

PHONE = Identifier(kind="tel", value="+14155550142")
SMALL_FRAME_BYTES = 1_000


def sign_on(desk: Center, tape: Tape) -> None:
    """Ana signs on in two tabs, says what she is now, and what she will be after her work."""
    reasons = ("lunch", "training")
    desk.settings.configuration = replace(desk.settings.configuration, not_ready_reasons=reasons)
    tape.step("Ana signs on")
    desk.sign_in("ana", "ana", available=False)
    tape.step("Ana is available")
    desk.say("ana", "presence.set", presence="available")
    tape.step("Ana opens a second tab")
    desk.sign_in("ana", "ana-2", available=False)
    tape.step("Ana goes to lunch, says her second tab")
    desk.say("ana-2", "presence.set", presence="not_ready", reason="lunch")
    tape.step("Ana gives a reason nobody knows")
    desk.say("ana", "presence.set", presence="not_ready", reason="boredom")
    tape.step("Ana comes back and takes a conversation")
    desk.say("ana", "presence.set", presence="available")
    conversation = takes(desk, "ana")
    tape.step("Ana will leave after her work")
    desk.say("ana", "presence.set", presence="offline", after_work=True)
    tape.step("Ana closes her last conversation")
    desk.say("ana", "conversation.close", conversation=conversation)


def words(desk: Center, tape: Tape) -> None:
    """What Eva writes, in time and late, and what she says about what was written; some of it overtakes the rest."""
    tape.step("Ana signs on")
    desk.sign_in("ana", "ana")
    tape.step("Eva writes twice before anybody takes it")
    writes(desk, "One", "m1")
    writes(desk, "Two", "m2")
    tape.step("Ana accepts")
    conversation = accepts(desk, "ana")
    tape.step("Eva writes on")
    desk.clock.now_ms += 5_000
    writes(desk, "Five", "m5")
    writes(desk, "Six", "m6")
    tape.step("What Eva wrote between comes late")
    writes(desk, "Four", "m4", sent_ms=desk.clock.now_ms - 3_000)
    writes(desk, "Three", "m3", sent_ms=desk.clock.now_ms - 5_000)
    tape.step("Two messages of one instant come in the wrong order")
    at_ms = desk.clock.now_ms + 1_000
    writes(desk, "Eight", "m8", sent_ms=at_ms, sequence=8)
    writes(desk, "Seven", "m7", sent_ms=at_ms, sequence=7)
    tape.step("Eva edits one")
    does(desk, MessageEdited, "e1", target="m1", text="One, better")
    tape.step("Eva edits it twice more, and the last edit overtakes the other")
    edited_ms = desk.clock.now_ms
    does(desk, MessageEdited, "e3", target="m1", text="One, best", sent_ms=edited_ms + 2_000)
    does(desk, MessageEdited, "e2", target="m1", text="One, again", sent_ms=edited_ms + 1_000)
    tape.step("Eva likes one, and another way")
    does(desk, Reaction, "r1", target="m2", emoji="👍")
    does(desk, Reaction, "r2", target="m2", emoji="🎉")
    tape.step("Eva likes another, and takes it away")
    does(desk, Reaction, "r3", target="m5", emoji="👍")
    does(desk, Reaction, "r4", target="m5", emoji=None)
    tape.step("Eva edits and likes one more")
    does(desk, MessageEdited, "e6", target="m6", text="Six, better")
    does(desk, Reaction, "r6", target="m6", emoji="👍")
    tape.step("Eva takes it back")
    does(desk, MessageDeleted, "d6", target="m6")
    tape.step("Eva edits and takes back what nobody here has seen")
    does(desk, MessageEdited, "e0", target="m0", text="Nought")
    does(desk, MessageDeleted, "d0", target="m0")
    tape.step("An edit comes before its message")
    does(desk, MessageEdited, "e9", target="m9", text="Nine, better")
    tape.step("The message it is about comes")
    writes(desk, "Nine", "m9", sent_ms=desk.clock.now_ms - 1_500)
    _is_answered(desk, tape, conversation)
    tape.step("Eva sends what nobody knows")
    writes(desk, None, "m11", type="unsupported", details={"kind": "dice"})


def _is_answered(desk: Center, tape: Tape, conversation: str) -> None:
    tape.step("Ana answers")
    replies(desk, "ana", conversation, "Ten")
    tape.step("Eva likes the answer")
    does(desk, Reaction, "r5", target="p1", emoji="❤")
    tape.step("Eva answers the answer")
    writes(desk, "Twelve", "m12", reply_to="p1")


def answers(desk: Center, tape: Tape) -> None:
    """Ana answers: what becomes of it, what she sends twice, and who else writes meanwhile."""
    tape.step("Ana and Lea, her supervisor, sign on")
    desk.sign_in("ana", "ana")
    desk.sign_in("lea", "lea", available=False)
    tape.step("Ana takes a conversation")
    conversation = takes(desk, "ana")
    tape.step("Ana answers")
    entry = sends(desk, "ana", conversation, "Good morning")
    tape.step("Ana's tab did not hear that it was taken and sends it again")
    sends(desk, "ana", conversation, "Good morning")
    tape.step("It is sent")
    desk.work()
    tape.step("It is read, and only then delivered")
    _reports(desk, entry, DeliveryStatus.READ)
    _reports(desk, entry, DeliveryStatus.DELIVERED)
    tape.step("The provider is away for the next one")
    second, job = _sends_in_vain(desk, conversation, "Are you there?")
    tape.step("The provider takes it after all")
    _attempt(desk, job, 2)
    tape.step("It cannot be delivered, and then it was delivered after all")
    _reports(desk, second, DeliveryStatus.FAILED, reason="the phone was off")
    _reports(desk, second, DeliveryStatus.DELIVERED)
    tape.step("The provider refuses one for good")
    _outcome(desk, ProviderRejectedError("too long for this provider"))
    replies(desk, "ana", conversation, "This one does not go")
    tape.step("Lea notes something")
    notes(desk, "lea", conversation, "A good customer")
    tape.step("Ana notes something")
    notes(desk, "ana", conversation, "I know")
    tape.step("Somebody answers from the shop's phone")
    seen = desk.head(conversation).version
    does(desk, Echo, "x1", text="We are open until six")
    tape.step("Ana has not seen that and is held back")
    blind = {"conversation": conversation, "message_id": "blind", "text": "We are open until seven"}
    desk.clock.now_ms += 1_000
    refused = desk.say("ana", "message.send", id="blind", **blind, seen_version=seen)
    tape.step("Ana sends it all the same")
    desk.say("ana", "message.send", id="blind", **blind, seen_version=refused["version"])
    desk.work()
    tape.step("Ana lays answers ready")
    choices = [{"kind": "reply", "text": "Yes"}, {"kind": "reply", "text": "No"}]
    replies(desk, "ana", conversation, "Shall we call you?", quick_replies=choices)
    tape.step("Eva answers")
    writes(desk, "Yes", "m2")


def two_tabs(desk: Center, tape: Tape) -> None:
    """Ana works in two tabs, which agree about everything."""
    tape.step("Ana opens both")
    desk.sign_in("ana", "ana")
    desk.sign_in("ana", "ana-2", available=False)
    tape.step("Eva writes")
    writes(desk, "Hello", "m1")
    tape.step("The second tab accepts")
    conversation = accepts(desk, "ana-2")
    tape.step("Eva writes again")
    writes(desk, "Are you there?", "m2")
    tape.step("The first tab shows that Ana reads and writes")
    desk.say("ana", "read", conversation=conversation)
    desk.say("ana", "typing", conversation=conversation)
    tape.step("The first tab answers")
    replies(desk, "ana", conversation, "Yes")
    tape.step("The second tab wraps up")
    desk.clock.now_ms += 5_000
    desk.say("ana-2", "conversation.wrap_up", conversation=conversation)
    tape.step("The first tab closes")
    desk.say("ana", "conversation.close", conversation=conversation)


def reconnections(desk: Center, tape: Tape) -> None:
    """Ana's connection breaks again and again; each time she resumes from another version."""
    tape.step("Ana takes a conversation")
    desk.sign_in("ana", "ana")
    conversation = takes(desk, "ana")
    tape.step("Ana answers")
    replies(desk, "ana", conversation, "Good morning")
    seen = desk.head(conversation).version
    tape.step("Ana's connection breaks")
    breaks(desk, "ana")
    tape.step("Eva writes while nobody hears")
    writes(desk, "Four", "m4")
    writes(desk, "Three, late", "m3", sent_ms=desk.clock.now_ms - 500)
    tape.step("Ana resumes from what she had")
    comes_back(desk, "ana", "ana-2", {conversation: seen})
    tape.step("Eva writes on")
    writes(desk, "Five", "m5")
    tape.step("Ana resumes and has missed nothing")
    breaks(desk, "ana-2")
    comes_back(desk, "ana", "ana-3", {conversation: desk.head(conversation).version})
    tape.step("Ana resumes from long ago")
    breaks(desk, "ana-3")
    comes_back(desk, "ana", "ana-4", {conversation: 1})
    tape.step("Ana begins anew, and all of it does not fit into a frame")
    breaks(desk, "ana-4")
    with _small_frames():
        comes_back(desk, "ana", "ana-5", {})
    tape.step("Eva writes once more")
    writes(desk, "Six", "m6")
    tape.step("Ana's connection breaks for longer than a minute")
    breaks(desk, "ana-5")
    desk.pass_time(61)
    tape.step("Ana resumes what is hers no more")
    comes_back(desk, "ana", "ana-6", {conversation: desk.head(conversation).version})


def offers(desk: Center, tape: Tape) -> None:
    """What becomes of offers: let pass, rejected, gone, assigned by hand."""
    tape.step("Ana and Lea, her supervisor, sign on")
    desk.sign_in("ana", "ana")
    desk.sign_in("lea", "lea", available=False)
    tape.step("Eva writes")
    writes(desk, "Hello", "m1")
    conversation = str(desk.sockets.to("ana", "offer")[-1]["conversation"])
    tape.step("Ana lets it pass")
    desk.pass_time(30)
    tape.step("Ana is available again and, after a while, offered it once more")
    desk.say("ana", "presence.set", presence="available")
    desk.pass_time(60)
    tape.step("Ana rejects it, and Ben is there")
    desk.sign_in("ben", "ben")
    desk.say("ana", "offer.reject", offer=offered(desk, "ana"), reason="not mine")
    tape.step("Lea assigns it to Ana")
    turn = desk.head(conversation).turn
    desk.say("lea", "contact.assign", conversation=conversation, turn=turn, agent="ana")
    desk.pass_time()
    tape.step("Ana goes offline while it rings")
    desk.say("ana", "presence.set", presence="offline")


def leavings(desk: Center, tape: Tape) -> None:
    """A conversation leaves Ana in every way there is, and comes back."""
    tape.step("Ana signs on, and Lea, who supervises her")
    desk.sign_in("ana", "ana")
    desk.sign_in("lea", "lea", available=False)
    tape.step("Ana takes a conversation")
    conversation = takes(desk, "ana")
    desk.sign_in("ben", "ben")
    tape.step("Ana hands it to Ben with a note")
    hands_over(desk, "ana", conversation, {"agent": "ben"}, note="wants a refund")
    tape.step("Ben accepts, answers and hands it back")
    accepts(desk, "ben")
    replies(desk, "ben", conversation, "You will get it")
    hands_over(desk, "ben", conversation, {"agent": "ana"})
    tape.step("Ana has it again")
    accepts(desk, "ana")
    tape.step("Ana sets it aside for half a minute")
    until = iso(desk.clock.now_ms + 30_000)
    desk.say("ana", "conversation.pause", conversation=conversation, until=until)
    tape.step("The half minute is over")
    desk.pass_time(30)
    tape.step("Ana lets it pass, and Ben has it")
    desk.pass_time(30)
    accepts(desk, "ben")
    tape.step("Lea takes it over and gives it to Ana")
    desk.say("ana", "presence.set", presence="available")
    desk.say("lea", "conversation.take_over", conversation=conversation, turn=desk.head(conversation).turn)
    hands_over(desk, "lea", conversation, {"agent": "ana"})
    accepts(desk, "ana")
    tape.step("Lea takes it from Ana")
    desk.say("lea", "conversation.take_over", conversation=conversation, turn=desk.head(conversation).turn)
    tape.step("Lea gives it back and Ana accepts")
    hands_over(desk, "lea", conversation, {"agent": "ana"})
    accepts(desk, "ana")
    tape.step("Ana wraps up")
    desk.clock.now_ms += 5_000
    desk.say("ana", "conversation.wrap_up", conversation=conversation)
    tape.step("Ana closes it")
    desk.say("ana", "conversation.close", conversation=conversation)
    tape.step("Eva comes back and Ana has it once more")
    writes(desk, "One more thing", "m2")
    accepts(desk, "ana")
    tape.step("Ana sends it to the queue for sales")
    hands_over(desk, "ana", conversation, {"queue": "sales"})


def joined(desk: Center, tape: Tape) -> None:
    """Ana talks to Eva on two identifiers until the provider says that they are one person."""
    tape.step("Ana talks to both")
    desk.sign_in("ana", "ana")
    talks = [takes(desk, "ana")]
    writes(desk, "Hello from the phone", "s1", PHONE)
    talks.append(accepts(desk, "ana"))
    tape.step("Ana answers both")
    for conversation, text in zip(talks, ("One", "Two"), strict=True):
        replies(desk, "ana", conversation, text)
    tape.step("They are one person")
    does(desk, IdentityChanged, "i1", previous=EVA, current=PHONE)
    tape.step("Eva writes on both")
    writes(desk, "It is me", "m2")
    writes(desk, "Me too", "s2", PHONE)


SCENARIOS: tuple[Scenario, ...] = (sign_on, words, answers, two_tabs, reconnections, offers, leavings, joined)


# ---------------------------------------------------------------- what the provider does


def _reports(desk: Center, entry: str, status: DeliveryStatus, **fields: Any) -> None:
    """Let the provider say what became of a reply."""
    report = StatusReported(
        channel="telegram",
        account="telegram/48395",
        provider_id=f"{entry}:{status}",
        senders=(EVA,),
        message_id="p1",
        status=status,
        entry=entry,
        **fields,
    )
    acknowledge(desk.world, report, arrival_ms=desk.clock.now_ms)


def _outcome(desk: Center, outcome: Exception) -> None:
    channel = desk.world.channels["telegram"]
    assert isinstance(channel, FakeChannel)
    channel.outcomes.append(outcome)


def _sends_in_vain(desk: Center, conversation: str, text: str) -> tuple[str, Mapping[str, Any]]:
    """Let Ana answer while the provider is away; return the entry and the job that stays on the queue."""
    _outcome(desk, ProviderUnavailableError("away"))
    entry = sends(desk, "ana", conversation, text)
    (job,) = desk.outbound.take()
    with suppress(RetryableError):
        _attempt(desk, job, 1)
    return entry, job


def _attempt(desk: Center, job: Mapping[str, Any], count: int) -> None:
    deliver(desk.world, decode_outbound(job), receipt=f"receipt-{count}", receive_count=count)


@contextmanager
def _small_frames() -> Iterator[None]:
    """Let sockets take little at a time, so that a recording of a large answer is not large itself."""
    with patch("functions.agents.frames_within", partial(frames_within, max_bytes=SMALL_FRAME_BYTES)):
        yield
