"""What people do in scenarios, second by second."""

from typing import Any

from tests.integration.center import EVA, Center
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import MessageReceived, Source
from throughline.flows.receive import Arrival, receive

# ---------------------------------------------------------------- customers


def writes(desk: Center, text: str | None, provider_id: str, customer: Identifier = EVA, **fields: Any) -> None:
    """Let a customer write."""
    does(desk, MessageReceived, provider_id, customer, text=text, name="Eva", **fields)


def does(desk: Center, kind: type[Source], provider_id: str, customer: Identifier = EVA, **fields: Any) -> None:
    """Let a customer write, or do something about what was written."""
    desk.clock.now_ms += 1_000
    common = {"channel": "telegram", "account": "telegram/48395", "provider_id": provider_id, "senders": (customer,)}
    event: Any = kind(**{**common, "sent_ms": desk.clock.now_ms, **fields})
    receive(desk.world, event, Arrival(inbound=f"in-{provider_id}", arrival_ms=desk.clock.now_ms))


# ---------------------------------------------------------------- agents


def takes(desk: Center, tab: str) -> str:
    """Let Eva write for the first time, and an agent accept; return the conversation."""
    writes(desk, "Hello", "m1")
    return accepts(desk, tab)


def offered(desk: Center, tab: str) -> str:
    """Return the offer that a screen shows."""
    return str(desk.sockets.to(tab, "offer")[-1]["offer"])


def accepts(desk: Center, tab: str) -> str:
    """Let an agent accept what they are offered; return the conversation."""
    ack = desk.say(tab, "offer.accept", offer=offered(desk, tab))
    return str(ack["conversation"]["conversation"])


def sends(desk: Center, tab: str, conversation: str, text: str, **fields: Any) -> str:
    """Let an agent answer; return the entry. No worker hands it over yet."""
    desk.clock.now_ms += 1_000
    name = f"{tab}: {text}"
    ack = desk.say(tab, "message.send", id=name, conversation=conversation, message_id=name, text=text, **fields)
    return str(ack["entry"]["id"])


def replies(desk: Center, tab: str, conversation: str, text: str, **fields: Any) -> str:
    """Let an agent answer and a worker hand it over; return the entry."""
    entry = sends(desk, tab, conversation, text, **fields)
    desk.work()
    return entry


def notes(desk: Center, tab: str, conversation: str, text: str) -> None:
    """Let an agent write a note."""
    desk.clock.now_ms += 1_000
    desk.say(tab, "note.add", conversation=conversation, note_id=f"{tab}: {text}", text=text)


def hands_over(desk: Center, tab: str, conversation: str, to: dict[str, str], **fields: Any) -> None:
    """Let an agent transfer a conversation, and a worker do it."""
    desk.clock.now_ms += 1_000
    desk.say(tab, "conversation.transfer", conversation=conversation, to=to, **fields)
    desk.pass_time()


# ---------------------------------------------------------------- connections


def breaks(desk: Center, tab: str) -> None:
    """Let a connection break."""
    desk.sockets.gone.add(tab)
    desk.leave(tab)
    desk.pass_time()


def comes_back(desk: Center, person: str, tab: str, resume: dict[str, int]) -> None:
    """Let an agent connect anew and resume."""
    desk.connect(tab, f"throughline.v1, {desk.token(person)}")
    desk.say(tab, "hello", resume=resume)
