"""What the four events cost, from real requests: C1 and C2 (units), C3 (duplicates), C4 and D3 (serial calls).

A: a message on a conversation that has its agent. B: a message that opens a conversation and is offered. C: one reply
of an agent, its provider's acceptance included. D: an agent comes free while a contact waits.
"""

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.meter import Bill
from tests.benchmarks.stack import Stack, sms, telegram_message
from tests.replies import a_reply
from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.encodings import decode_inbound
from throughline.domain.identifiers import AgentId, ConnectionId, Identifier, home_of
from throughline.domain.routing import Presence
from throughline.flows.conclude import close
from throughline.flows.offers import accept_offer
from throughline.flows.presence import say_hello, set_presence
from throughline.flows.receive import Arrival, receive
from throughline.flows.reply import send_reply
from throughline.ports import Connection

TEXT = ("Good morning, I ordered a pair of shoes two weeks ago and the parcel still has not arrived. " * 3)[:200]
DELAY_S = 0.25  # far above what this machine's own work takes
POST = "apigatewaymanagementapi.PostToConnection"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the bench; `note` says in words what was counted. `goal` None: reported, nothing to reach."""

    id: str
    value: float
    unit: str
    goal: float | None
    textbook: float | None
    note: str


def measure(desk: "Desk") -> Iterator[Figure]:
    """Play the four events on a fresh contact centre and yield their figures; nobody is able afterwards."""
    depth_b = _depth(desk, [_known_customer(desk), _known_customer(desk)])
    known = _known_customer(desk)
    b = desk.counted(lambda: desk.message(known))
    assert desk.live(known).state is ContactState.OFFERED, "nobody was offered the contact"
    new = desk.counted(lambda: desk.message(desk.stranger()))
    desk.accept(known)
    a = desk.counted(lambda: desk.message(known))
    depth_a = _depth(desk, [known, known])
    a_untimed = _untimed(desk)
    c = desk.counted(lambda: desk.reply(known))
    duplicate, redelivered = _duplicates(desk, known)
    freed, closed = _freed(desk)
    held = "a message on a conversation that has its agent"
    opens = "a message that opens a conversation and is offered"
    comes_free = "an agent becomes available while contacts wait"
    yield Figure("C1.A", a.write_units, "WRU", 2, 8, held)
    yield Figure("C1.A.untimed", a_untimed.write_units, "WRU", 3, None, "the same where the provider sends no time")
    yield Figure("C1.B", b.write_units, "WRU", 9, 16, opens)
    yield Figure("C1.B.new", new.write_units, "WRU", 13, None, "the same of a customer nobody knows yet")
    yield Figure("C1.C", c.write_units, "WRU", 3, 6, "a reply, with its provider's acceptance")
    yield Figure("C1.D", freed.write_units, "WRU", 7, 10, comes_free)
    yield Figure(
        "C1.D.close", closed.write_units, "WRU", 7, None, "an agent closes one contact and is offered the next"
    )
    yield Figure("C2.A", a.read_units, "RRU", 1, 2, held)
    yield Figure("C2.B", b.read_units, "RRU", 2.5, 6, opens)
    yield Figure("C2.D", freed.read_units, "RRU", 2.5, 5, comes_free)
    yield Figure("C3.provider", duplicate.write_units, "WRU", 2, None, "a duplicate delivered by the provider")
    yield Figure("C3.queue", redelivered.write_units, "WRU", 2, None, "a duplicate delivered by the queue")
    yield Figure("C3.entries", desk.doubled, "entries", 0, None, "entries, offers and sends that a duplicate added")
    yield Figure("C4.A", depth_a, "calls", 6, None, "serial calls from webhook to frame, by delaying each: as C1.A")
    yield Figure("C4.B", depth_b, "calls", 8, None, "the same to the offer: as C1.B")
    yield Figure("D3", _serial_calls(freed), "calls", 4, None, 'calls from "agent is free" to "next contact offered"')


class Desk:
    """The people of the bench: customers who write, agents who answer."""

    def __init__(self, stack: Stack) -> None:
        from functions._wiring import world

        self.stack = stack
        self.world = world()
        self.doubled = 0
        self._customers = 7_000_000
        self._second = int(time.time()) - 3600
        self._begin()

    def counted(self, step: Any) -> Bill:
        """Do a step, with all that the queues then do, and return what it asked of AWS."""
        with self.stack.meter.reading() as bill:
            step()
        return bill

    def warm_up(self) -> None:
        """Let configuration and directory be known, as a function at work knows them: each is good for ten seconds."""
        with self.stack.meter.paused():
            self.world.routing.list_requirements("chat")
            self.world.settings.list_queues()

    def _begin(self) -> None:
        """Let the secrets be known, and what there is be used once: a function stays warm for hours."""
        self.sign_in("ana", Presence.AVAILABLE)
        first = self.stranger()
        self.message(first)
        self.accept(first)
        self.close(first)

    def stranger(self) -> int:
        """Return a customer nobody knows."""
        self._customers += 1
        return self._customers

    def message(self, customer: int, **fields: Any) -> bytes:
        """Have a customer write, and file it."""
        self._second += 1  # the provider's clock counts seconds; two in one would be in no order
        body = telegram_message(customer, TEXT, at_s=self._second, **fields)
        self.post("telegram", body, "application/json")
        return body

    def post(self, channel: str, body: bytes, content_type: str) -> None:
        """Post a webhook and let the inbound function work."""
        status = self.stack.post(channel, body, content_type)
        assert status == 200, f"the webhook was answered {status}"
        self.stack.drain("INBOUND_QUEUE_URL")

    def live(self, customer: int) -> Head:
        """Return a customer's conversation, uncounted."""
        with self.stack.meter.paused():
            key = self.world.secrets.get_secret("home-key").encode()
            head = self.world.threads.get_live(home_of(Identifier(kind="telegram", value=str(customer)), key))
        assert isinstance(head, Head)
        return head

    def sign_in(self, agent: str, presence: Presence) -> None:
        """Connect an agent's screen and set their presence."""
        connection = Connection(
            connection_id=ConnectionId(f"{agent}-socket="), subject=agent, role="agent", expires_ms=2**53
        )
        self.world.connections.add_connection(connection)
        say_hello(self.world, connection, {})
        set_presence(self.world, AgentId(agent), presence, None)

    def accept(self, customer: int) -> None:
        """Have the agent who is offered the customer's contact accept."""
        head = self.live(customer)
        assert head.holder, "nobody holds the contact"
        accept_offer(self.world, head.holder, head.conversation, head.turn)

    def close(self, customer: int) -> None:
        """Have the holder close the customer's conversation."""
        head = self.live(customer)
        assert head.holder, "nobody holds the contact"
        close(self.world, head.holder, head.conversation, "solved", None)

    def reply(self, customer: int) -> None:
        """Have the holder answer, and the provider take it."""
        head = self.live(customer)
        assert head.holder, "nobody holds the contact"
        send_reply(self.world, head.holder, a_reply(head.conversation, message_id=_uuid7(), text=TEXT))
        self.stack.drain("OUTBOUND_QUEUE_URL")


def _uuid7() -> str:
    """Return an id with its time inside, as a desk makes them (RFC 9562)."""
    random = uuid.uuid4().int & ((1 << 76) - 1)
    value = (time.time_ns() // 1_000_000) << 80 | 7 << 76 | random
    return str(uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62))


def _known_customer(desk: Desk) -> int:
    """Return a customer whose conversation is over, beyond the reopen window."""
    customer = desk.stranger()
    desk.message(customer)
    desk.accept(customer)
    desk.close(customer)
    head = desk.live(customer)
    with desk.stack.meter.paused():
        expected = Expected(conversation=head.conversation, turn=head.turn, states=(head.state,))
        desk.world.threads.transition(head.home, expected, {"until_ms": 1})
    return customer


def _untimed(desk: Desk) -> Bill:
    """A: over a channel whose webhooks carry no message time, on a conversation that has its agent."""
    sender, ours = "+14155550199", desk.stack.centre.account("twilio_sms").address
    form = "application/x-www-form-urlencoded"
    desk.post("twilio_sms", sms(sender, TEXT, ours), form)
    return desk.counted(lambda: desk.post("twilio_sms", sms(sender, TEXT, ours), form))


def _duplicates(desk: Desk, customer: int) -> tuple[Bill, Bill]:
    """C3: the same webhook days later (the queue's deduplication has forgotten it), and the same queue record again."""
    stack = desk.stack
    with stack.meter.paused():
        stack.post("telegram", telegram_message(customer, TEXT, at_s=int(time.time())), "application/json")
        url = stack.environment["INBOUND_QUEUE_URL"]
        [record] = stack.receive(url)
        stack.delete(url, record)
        job = decode_inbound(json.loads(record["Body"]))
        receive(desk.world, job.event, Arrival(inbound=job.inbound, arrival_ms=job.arrival_ms))
        before = stack.count_items()
    other = Arrival(inbound=f"{job.inbound}-again", arrival_ms=job.arrival_ms + 6 * 60_000)
    duplicate = desk.counted(lambda: receive(desk.world, job.event, other))
    again = Arrival(inbound=job.inbound, arrival_ms=job.arrival_ms, repeated=True)
    redelivered = desk.counted(lambda: receive(desk.world, job.event, again))
    with stack.meter.paused():
        desk.doubled = stack.count_items() - before
    return duplicate, redelivered


def _freed(desk: Desk) -> tuple[Bill, Bill]:
    """D: ana is full, two contacts wait, sara comes; then ana closes one while another waits."""
    with desk.stack.meter.paused():
        set_presence(desk.world, AgentId("ana"), Presence.NOT_READY, "training")
        waiting = [desk.stranger() for _ in range(2)]
        for customer in waiting:
            desk.message(customer)
        omar = Connection(connection_id=ConnectionId("omar-socket="), subject="omar", role="agent", expires_ms=2**53)
        desk.world.connections.add_connection(omar)
        say_hello(desk.world, omar, {})
    desk.warm_up()
    freed = desk.counted(lambda: set_presence(desk.world, AgentId("omar"), Presence.AVAILABLE, None))
    desk.accept(waiting[0])
    assert desk.live(waiting[1]).state is ContactState.QUEUED, "omar takes one chat at a time"
    closed = desk.counted(lambda: desk.close(waiting[0]))
    assert desk.live(waiting[1]).state is ContactState.OFFERED, "the waiting contact was not offered"
    return freed, closed


def _depth(desk: Desk, customers: Sequence[int]) -> int:
    """Return how many AWS calls stand one behind the other from a webhook to its frame: what a delay in each adds.

    Two customers write, one without the delay and one with it; whoever was opened by it is closed again.
    """
    seconds = [
        _seconds_to_frame(desk, customer, delay_s) for customer, delay_s in zip(customers, (0, DELAY_S), strict=True)
    ]
    for customer in customers:
        if desk.live(customer).state is ContactState.OFFERED:
            desk.accept(customer)
            desk.close(customer)
    return round((seconds[1] - seconds[0]) / DELAY_S)


def _seconds_to_frame(desk: Desk, customer: int, delay_s: float) -> float:
    desk.warm_up()
    with desk.stack.meter.delaying(delay_s):
        begun = time.monotonic()
        bill = desk.counted(lambda: desk.message(customer))
    return bill.sent_s[bill.calls.index(POST)] - begun


def _serial_calls(bill: Bill) -> int:
    """Return the calls after the one write that made the agent free, up to the offer on the socket, included."""
    return bill.calls.index(POST) - bill.calls.index("dynamodb.PutItem")
