"""Scenarios in the widget of web chat. What a step is called is how the client's tests ask for it."""

from typing import Any

from tests.integration.center import Center
from tests.integration.chats import Chat, identity
from tests.recordings.people import accepts, replies
from tests.recordings.tape import Scenario, Tape


def visit(desk: Center, tape: Tape) -> None:
    """Mina writes from a web site, Ana answers, and both see what the other does; then it is over, and begins anew."""
    tape.step("Ana is there and Mina opens the chat")
    desk.sign_in("ana", "ana")
    desk.visit("mina", name="Mina")
    tape.step("Mina writes")
    _writes(desk, "mina", "My router is dead")
    tape.step("Mina's browser did not hear the answer and sends it again")
    _writes(desk, "mina", "My router is dead")
    tape.step("Ana accepts")
    conversation = accepts(desk, "ana")
    tape.step("Ana reads and writes")
    desk.say("ana", "read", conversation=conversation)
    desk.say("ana", "typing", conversation=conversation)
    tape.step("Ana answers")
    answer = replies(desk, "ana", conversation, "Is its light on?")
    tape.step("It has arrived, and Mina looks at it")
    _sees(desk, "mina", "received", answer)
    _sees(desk, "mina", "read", answer)
    tape.step("Mina types")
    desk.say("mina", "typing")
    tape.step("Ana lays answers ready")
    choices = [{"kind": "reply", "text": "Yes"}, {"kind": "reply", "text": "No"}]
    replies(desk, "ana", conversation, "Is it on?", quick_replies=choices)
    tape.step("Mina answers the first question")
    _writes(desk, "mina", "It blinks", reply_to=answer)
    tape.step("Mina taps one, but the queue does not answer")
    desk.inbound.fail_at = 0
    _writes(desk, "mina", "Yes")
    tape.step("It is sent again, and taken")
    desk.inbound.fail_at = None
    _writes(desk, "mina", "Yes")
    tape.step("Ana closes")
    desk.say("ana", "conversation.close", conversation=conversation)
    tape.step("Mina writes once more")
    _writes(desk, "mina", "And off again")


def return_visit(desk: Center, tape: Tape) -> None:
    """Mina has two tabs, loses her connection, and comes back to what was said meanwhile."""
    tape.step("Ana is there and Mina opens the chat")
    desk.sign_in("ana", "ana")
    proof = desk.visit("mina", name="Mina")
    tape.step("Mina writes and Ana accepts")
    _writes(desk, "mina", "Hello")
    conversation = accepts(desk, "ana")
    tape.step("Mina opens a second tab")
    desk.visit("mina-2", visitor=proof["visitor"])
    tape.step("Ana answers, and the second tab shows it")
    answer = replies(desk, "ana", conversation, "Good morning")
    _sees(desk, "mina-2", "read", answer)
    tape.step("Mina's first connection breaks")
    desk.leave("mina")
    tape.step("Ana answers twice and notes something, and Mina writes in her second tab")
    replies(desk, "ana", conversation, "Are you there?")
    desk.clock.now_ms += 1_000
    desk.say("ana", "note.add", conversation=conversation, note_id="note-1", text="Perhaps she has left")
    _writes(desk, "mina-2", "In the other tab")
    replies(desk, "ana", conversation, "I see")
    tape.step("Mina's first tab is back and resumes from the last it had")
    token = desk.sign_visitor_in(visitor=proof["visitor"])["token"]
    desk.connect("mina-3", f"throughline.v1, {token}")
    desk.say("mina-3", "hello", resume=answer)
    tape.step("Ana says good bye and closes")
    replies(desk, "ana", conversation, "Good bye")
    desk.clock.now_ms += 1_000
    desk.say("ana", "conversation.close", conversation=conversation)


def sign_in(desk: Center, tape: Tape) -> None:
    """Mina, who wrote as a user before, writes as nobody and then signs in on the page: it becomes one conversation."""
    word = identity(Chat(desk))
    tape.step("Ana is there and Mina writes as a user")
    desk.sign_in("ana", "ana")
    desk.visit("mina-0", identity=word)
    _writes(desk, "mina-0", "As a user, yesterday")
    accepts(desk, "ana")
    tape.step("Mina opens the chat elsewhere, as nobody")
    proof = desk.visit("mina")["visitor"]
    tape.step("Mina writes, as nobody")
    _writes(desk, "mina", "My router is dead")
    tape.step("Mina signs in on that page")
    desk.visit("mina-2", visitor=proof, identity=word)
    desk.work()
    tape.step("Ana answers")
    (conversation,) = {frame["conversation"] for frame in desk.sockets.to("ana", "message")}
    replies(desk, "ana", conversation, "Is its light on?")


SCENARIOS: tuple[Scenario, ...] = (visit, return_visit, sign_in)


def _writes(desk: Center, tab: str, text: str, **fields: Any) -> None:
    """Let a visitor write, and a worker file it. What is written again goes under the id it had."""
    desk.clock.now_ms += 1_000
    name = f"mina: {text}"
    desk.say(tab, "message.send", id=name, message_id=name, text=text, **fields)
    desk.work()


def _sees(desk: Center, tab: str, action: str, entry: str) -> Any:
    desk.say(tab, action, entries=[entry])
    desk.work()
