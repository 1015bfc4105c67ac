"""Whatever arrives on a thread, in whatever order and how often: it reads as a naive model of it does.

Messages come late, early and again; edits, deletions and reactions before what they are about; persons turn out to be
one; our replies get their outcome and their receipts in any order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fakes.channel import FakeChannel
from tests.fakes.world import START_MS, Centre, agent_profile
from tests.promises import root
from tests.replies import a_reply
from tests.unit.ends import made_at
from throughline.domain.conversations import ContactState
from throughline.domain.encodings import decode_outbound
from throughline.domain.errors import (
    ProviderRejectedError,
    ProviderUnavailableError,
    RetryableError,
    ThroughlineError,
    UnknownOutcomeError,
)
from throughline.domain.frames import iso
from throughline.domain.identifiers import AgentId, CustomerId, Home, Identifier, digest, reference
from throughline.domain.messages import (
    DELIVERY_RANK,
    ChannelEvent,
    DeliveryStatus,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Reaction,
    StatusReported,
)
from throughline.domain.rights import Role
from throughline.flows.acknowledge import acknowledge
from throughline.flows.deliver import deliver
from throughline.flows.offers import accept_offer
from throughline.flows.read_thread import read_thread
from throughline.flows.reply import send_reply

ANA = AgentId("ana")
ACCOUNT = "telegram/demo"
SENDERS = ("telegram:1", "telegram:2", "tel:+14155550100")
WAYS = ((0,), (1,), (2,), (0, 1), (1, 2), (2, 0))  # who writes, by one identifier or by two of one person
MESSAGES = ("m0", "m1", "m2", "m3")
SETTLED = DELIVERY_RANK[DeliveryStatus.UNKNOWN]
OUTCOMES: Mapping[str, tuple[ThroughlineError | None, DeliveryStatus]] = {
    "taken": (None, DeliveryStatus.SENT),
    "refused": (ProviderRejectedError("no"), DeliveryStatus.FAILED),
    "not heard of": (UnknownOutcomeError("no answer"), DeliveryStatus.UNKNOWN),
    "away": (ProviderUnavailableError("later"), DeliveryStatus.RETRYING),
}
MAX_ATTEMPTS = 5

ways = st.sampled_from(WAYS)
names = st.sampled_from(MESSAGES)
instants = st.integers(0, 6)  # seconds; later ones may arrive earlier


@dataclass(frozen=True, kw_only=True)
class Said:
    """One thing on the naive thread; `about` is the name of the message it speaks of."""

    name: str
    at_ms: int
    sender: str
    kind: str = "message"
    text: str | None = None
    about: str | None = None
    emoji: str | None = None

    @property
    def place(self) -> str:
        return reference(ACCOUNT, self.name, self.at_ms)


@dataclass(kw_only=True)
class Reply:
    """One of our own messages, and what is known of it."""

    home: Home
    place: str
    text: str
    job: Any
    status: DeliveryStatus = DeliveryStatus.QUEUED
    attempts: int = 0
    names: set[str] = field(default_factory=set)

    def hears(self, status: DeliveryStatus) -> None:
        if DELIVERY_RANK[status] > DELIVERY_RANK[self.status]:
            self.status = status


class Thread(RuleBasedStateMachine):
    """Customers who may turn out to be one another, an agent who answers, a provider who tells things as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = Centre(agent_profile("ana", chats=9, en=5, id=5))
        self.channel = FakeChannel()
        self.centre.world = replace(self.centre.world, channels={"telegram": self.channel})
        self.centre.available("ana")
        self.persons = [{sender} for sender in SENDERS]
        self.said: dict[str, Said] = {}
        self.events: list[tuple[ChannelEvent, str]] = []
        self.replies: list[Reply] = []

    # ------------------------------------------------------------ customers

    @rule(way=ways, name=names, second=instants)
    def customer_writes(self, way: Sequence[int], name: str, second: int) -> None:
        if name in self.said:
            return  # a provider's id names one message
        senders = self.senders(way)
        said = Said(name=name, at_ms=START_MS + second * 1000, sender=senders[0], text=f"this is {name}")
        self.link(senders)
        self.arrives(said, MessageReceived(**self.source(said, senders), text=said.text))

    @rule(way=ways, second=instants)
    def customer_writes_something_nobody_speaks_of(self, way: Sequence[int], second: int) -> None:
        senders = self.senders(way)
        said = Said(name=self.fresh(), at_ms=START_MS + second * 1000, sender=senders[0], text="by the way")
        self.link(senders)
        self.arrives(said, MessageReceived(**self.source(said, senders), text=said.text))

    @rule(way=ways, about=names, second=instants)
    def customer_edits(self, way: Sequence[int], about: str, second: int) -> None:
        said = self.amendment("edit", way, about, second, text=f"rather {len(self.said)}")
        self.arrives(said, MessageEdited(**self.source(said, (said.sender,)), target=about, text=said.text))

    @rule(way=ways, about=names, second=instants)
    def customer_deletes(self, way: Sequence[int], about: str, second: int) -> None:
        said = self.amendment("deletion", way, about, second)
        self.arrives(said, MessageDeleted(**self.source(said, (said.sender,)), target=about))

    @rule(way=ways, about=names, second=instants, emoji=st.sampled_from(["👍", "🎉", None]))
    def customer_reacts(self, way: Sequence[int], about: str, second: int, emoji: str | None) -> None:
        said = self.amendment("reaction", way, about, second, emoji=emoji)
        self.arrives(said, Reaction(**self.source(said, (said.sender,)), target=about, emoji=emoji))

    @precondition(lambda self: self.replies)
    @rule(way=ways, number=st.integers(0, 9), second=instants)
    def customer_reacts_to_a_reply(self, way: Sequence[int], number: int, second: int) -> None:
        names = [name for reply in self.replies for name in sorted(reply.names)]
        if names:
            about = names[number % len(names)]
            said = self.amendment("reaction", way, about, second, emoji="👀")
            self.arrives(said, Reaction(**self.source(said, (said.sender,)), target=about, emoji="👀"))

    @precondition(lambda self: self.events)
    @rule(number=st.integers(0, 99), by_the_queue=st.booleans())
    def it_is_delivered_again(self, number: int, by_the_queue: bool) -> None:
        event, inbound = self.events[number % len(self.events)]
        if by_the_queue:
            self.centre.deliver(event, inbound=inbound, repeated=True)
        else:
            self.centre.deliver(event)
        self.take_offers()

    @rule(seconds=st.integers(1, 3))
    def time_passes(self, seconds: int) -> None:
        self.centre.pass_s(seconds)

    # ------------------------------------------------------------ us and the provider

    @rule(number=st.integers(0, 9))
    def agent_replies(self, number: int) -> None:
        heads = [head for head in self.centre.threads.lives.values() if head.state is ContactState.ACTIVE]
        if not heads or len(self.replies) > 5:
            return
        head = sorted(heads, key=lambda item: item.home)[number % len(heads)]
        text, message_id = f"answer {len(self.replies)}", made_at(self.centre.now_ms, len(self.replies) + 1)
        world = self.centre.world
        for _ in range(2):  # the client repeats what got no ack
            sent = send_reply(world, ANA, a_reply(head.conversation, message_id=message_id, text=text))
        (job,) = self.centre.outbound.take()
        self.replies.append(Reply(home=sent.home, place=sent.reference, text=text, job=decode_outbound(job)))

    @precondition(lambda self: self.replies)
    @rule(number=st.integers(0, 9), outcome=st.sampled_from([*OUTCOMES]))
    def reply_is_delivered(self, number: int, outcome: str) -> None:
        reply = self.replies[number % len(self.replies)]
        if reply.attempts == MAX_ATTEMPTS:
            return
        error, status = OUTCOMES[outcome]
        open_still = DELIVERY_RANK[reply.status] < SETTLED
        self.channel.outcomes = [error] if error and open_still else []
        reply.attempts += 1
        taken = len(self.channel.sent)
        try:
            deliver(self.centre.world, reply.job, receipt="r", receive_count=reply.attempts)
        except RetryableError:
            assert outcome == "away"
        assert len(self.channel.sent) - taken == open_still  # what has an outcome is not handed over again
        if open_still:
            reply.status = status
            reply.names |= {f"p{len(self.channel.sent)}"} if status is DeliveryStatus.SENT else set()

    @precondition(lambda self: self.replies)
    @rule(number=st.integers(0, 9), status=st.sampled_from(["sent", "delivered", "read", "failed"]))
    def receipt_comes(self, number: int, status: str) -> None:
        reply = self.replies[number % len(self.replies)]
        told = DeliveryStatus(status)
        name = f"r{self.replies.index(reply)}"
        acknowledge(
            self.centre.world,
            StatusReported(
                channel="telegram",
                account=ACCOUNT,
                provider_id=f"{name}:{status}",
                message_id=name,
                entry=f"{reply.home}.{reply.place.replace('#', '.')}",
                status=told,
            ),
            arrival_ms=self.centre.now_ms,
        )
        reply.hears(told)
        reply.names.add(name)

    @rule(status=st.sampled_from(["sent", "failed"]))
    def receipt_of_a_message_we_never_sent_comes(self, status: str) -> None:
        report = StatusReported(
            channel="telegram",
            account=ACCOUNT,
            provider_id=f"x:{status}",
            message_id="x",
            entry=f"{self.centre.home(SENDERS[0])}.{START_MS}.{'f' * 22}",
            status=DeliveryStatus(status),
        )
        acknowledge(self.centre.world, report, arrival_ms=self.centre.now_ms)

    # ------------------------------------------------------------ what that means

    def senders(self, way: Sequence[int]) -> list[str]:
        return [SENDERS[number] for number in way]

    def link(self, senders: Sequence[str]) -> None:
        together = [person for person in self.persons if person & set(senders)]
        self.persons = [person for person in self.persons if person not in together] + [set().union(*together)]

    def fresh(self) -> str:
        return f"x{len(self.said)}"

    def source(self, said: Said, senders: Sequence[str]) -> dict[str, Any]:
        return {
            "channel": "telegram",
            "account": ACCOUNT,
            "provider_id": said.name,
            "senders": tuple(Identifier.parse(sender) for sender in senders),
            "sent_ms": said.at_ms,
        }

    def amendment(self, kind: str, way: Sequence[int], about: str, second: int, **more: Any) -> Said:
        at_ms, sender = START_MS + second * 1000, SENDERS[way[0]]
        return Said(name=self.fresh(), at_ms=at_ms, sender=sender, kind=kind, about=about, **more)

    def arrives(self, said: Said, event: ChannelEvent) -> None:
        self.said[said.name] = said
        inbound = f"q{len(self.events)}"
        self.events.append((event, inbound))
        self.centre.deliver(event, inbound=inbound)
        self.take_offers()

    def take_offers(self) -> None:
        for head in list(self.centre.threads.lives.values()):
            if head.state is ContactState.OFFERED:
                accept_offer(self.centre.world, ANA, head.conversation, head.turn)

    # ------------------------------------------------------------ the naive thread

    def thread_of(self, person: set[str]) -> list[tuple[Any, ...]]:
        said = sorted((item for item in self.said.values() if item.sender in person), key=lambda item: item.place)
        homes = {self.centre.home(sender) for sender in person}
        ours = [reply for reply in self.replies if reply.home in homes]
        named = {item.name for item in said if item.kind == "message"} | {name for it in ours for name in it.names}
        rows = [(item.place, self.shown(item, said)) for item in said if item.about not in named]
        rows += [(reply.place, self.answered(reply, said)) for reply in ours]
        return [row for _, row in sorted(rows, key=lambda pair: pair[0])]

    def shown(self, item: Said, said: Sequence[Said]) -> tuple[Any, ...]:
        about = [other for other in said if other.about == item.name and item.kind == "message"]
        gone = {other.about for other in said if other.kind == "deletion"}
        if item.name in gone or (item.kind == "edit" and item.about in gone):
            return (item.kind, None, None, {}, True, None)
        edits = [other for other in about if other.kind == "edit"]
        text, edited = (edits[-1].text, iso(edits[-1].at_ms)) if edits else (item.text, None)
        return (item.kind, text, edited, _latest(about), False, None)

    def answered(self, reply: Reply, said: Sequence[Said]) -> tuple[Any, ...]:
        about = [other for other in said if other.about in reply.names]
        return ("message", reply.text, None, _latest(about), False, reply.status)

    # ------------------------------------------------------------ what must hold

    @invariant()
    def every_thread_reads_as_the_naive_one(self) -> None:
        for person in self.persons:
            if any(item.sender in person and item.kind == "message" for item in self.said.values()):
                assert self.read(person) == self.thread_of(person)

    def read(self, person: set[str]) -> list[tuple[Any, ...]]:
        moves = self.centre.threads.moves
        (customer,) = {root(moves, self.centre.home(sender)) for sender in person}
        page = read_thread(self.centre.world, CustomerId(str(customer)), Role.AGENT, before=None, limit=100)
        return [
            (
                view["kind"],
                view.get("text"),
                view.get("edited_at"),
                {item["by"]: item["emoji"] for item in view.get("reactions", [])},
                view.get("deleted", False),
                view.get("status"),
            )
            for view in page.entries
        ]

    @invariant()
    def every_message_is_one_entry(self) -> None:
        digests = sorted(entry.digest for entry in self.centre.threads.entries.values())
        assert len(set(digests)) == len(digests) == len(self.said) + len(self.replies)
        assert {digest(ACCOUNT, name) for name in self.said} <= set(digests)


def _latest(about: Sequence[Said]) -> dict[str, str]:
    latest = {item.sender: item.emoji for item in about if item.kind == "reaction"}
    return {sender: emoji for sender, emoji in latest.items() if emoji}


TestThread = Thread.TestCase
TestThread.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
