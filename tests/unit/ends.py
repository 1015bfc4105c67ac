"""A world with one channel account, one agent and one customer: the two ends of a message."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from tests.channels.fake_http import FakeHttp
from tests.fakes.blobs import FakeBlobs
from tests.fakes.channel import FakeChannel
from tests.fakes.connections import FakeConnections
from tests.fakes.customers import FakeCustomers
from tests.fakes.intake import FakeIntake
from tests.fakes.jobs import FakeJobs
from tests.fakes.routing import FakeRouting
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.sockets import FakeSockets
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.threads import FakeThreads
from tests.fakes.timers import FakeTimers
from throughline.domain.configuration import ChannelAccount, Configuration, Queue
from throughline.domain.conversations import ContactState, Entry, Expected, Head, Opening
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import AgentId, Home, Identifier, conversation_id, home_of, reference
from throughline.ports import World

NOW_MS = 1_763_800_000_000
HOME_KEY = "a key that is never rotated"
AGENT = AgentId("ada")
SOCKET = "socket-of-ada"
CUSTOMER = Identifier(kind="telegram", value="3527065")
ACCOUNT_ID = "telegram/demo_bot"
VIA = f"{ACCOUNT_ID}|{CUSTOMER}"
HOME = home_of(CUSTOMER, HOME_KEY.encode())
ACCOUNT = ChannelAccount(
    channel="telegram",
    name="demo",
    address="demo_bot",
    queue="first-line",
    secrets={"proof": ("telegram/proof", "telegram/proof-before")},
)


@dataclass
class Scene:
    """The fakes by their own types, and the world made of them. `now_ms` is the clock."""

    channel: FakeChannel = field(default_factory=FakeChannel)
    now_ms: int = NOW_MS
    threads: FakeThreads = field(default_factory=FakeThreads)
    customers: FakeCustomers = field(default_factory=FakeCustomers)
    inbound: FakeJobs = field(default_factory=FakeJobs)
    outbound: FakeJobs = field(default_factory=FakeJobs)
    media: FakeJobs = field(default_factory=FakeJobs)
    sockets: FakeSockets = field(default_factory=FakeSockets)
    blobs: FakeBlobs = field(default_factory=FakeBlobs)
    telemetry: FakeTelemetry = field(default_factory=FakeTelemetry)
    settings: FakeSettings = field(default_factory=FakeSettings)
    secrets: FakeSecrets = field(default_factory=FakeSecrets)
    intake: FakeIntake = field(default_factory=FakeIntake)

    def __post_init__(self) -> None:
        self.settings.configuration = Configuration(
            accounts={"telegram/demo": ACCOUNT}, queues={"first-line": Queue(name="first-line")}
        )
        self.secrets.values = {
            "home-key": HOME_KEY,
            "telegram/proof": "proof-now",
            "telegram/proof-before": "proof-before",
        }
        drawn = count(1)
        threads: Any = self.threads
        self.world = World(
            threads=threads,
            customers=self.customers,
            routing=FakeRouting(self.threads),
            connections=FakeConnections(),
            intake=self.intake,
            settings=self.settings,
            timers=FakeTimers(),
            inbound=self.inbound,
            outbound=self.outbound,
            media=self.media,
            sockets=self.sockets,
            blobs=self.blobs,
            secrets=self.secrets,
            telemetry=self.telemetry,
            channels={self.channel.name: self.channel},
            http=FakeHttp(),
            clock=lambda: self.now_ms,
            draw=lambda: f"{next(drawn):016x}",
            public_url="https://contact.example.com",
        )

    def live(self, home: Home = HOME) -> Head:
        """Return the live conversation, which has to be there."""
        head = self.threads.get_live(home)
        assert isinstance(head, Head)
        return head

    def the_entry(self) -> Entry:
        """Return the one entry there is."""
        (entry,) = self.threads.entries.values()
        return entry

    def told(self, event: str | None = None) -> list[Mapping[str, Any]]:
        """Return what the agent's screen was told."""
        return self.sockets.to(SOCKET, event)

    def later(self, seconds: float) -> None:
        """Move the clocks."""
        self.now_ms += round(seconds * 1000)
        for jobs in (self.inbound, self.outbound, self.media):
            jobs.now_ms = self.now_ms


def scene_with_agent(channel: FakeChannel | None = None) -> Scene:
    """Return a scene in which the customer wrote a minute ago and the agent has accepted."""
    scene = Scene(channel=channel or FakeChannel())
    scene.outbound.now_ms = scene.now_ms
    converse(scene)
    return scene


def converse(scene: Scene, home: Home = HOME, via: str = VIA) -> Head:
    """Let the customer have written a minute ago, and the agent have accepted."""
    wrote_ms = scene.now_ms - 60_000
    opener = reference(ACCOUNT_ID, "m1", wrote_ms)
    opening = Opening(
        reference=opener,
        conversation=conversation_id(home, opener),
        work_class="chat",
        queue="first-line",
        requirement="",
        arrival_ms=wrote_ms,
        priority_s=0,
        via=via,
        via_ms=wrote_ms,
        channel="telegram",
        name="Nic",
        language=None,
    )
    scene.threads.announce(home, opening)
    return change(scene, scene.live(home), state=ContactState.ACTIVE, holder=AGENT, sockets=(SOCKET,))


def change(scene: Scene, head: Head, **changes: Any) -> Head:
    """Change what stands in the head."""
    outcome = scene.threads.transition(
        head.home, Expected(conversation=head.conversation, turn=head.turn, states=()), changes
    )
    assert outcome.won
    assert outcome.head
    return outcome.head


def close(scene: Scene, head: Head) -> None:
    """Let the conversation be over and archived."""
    now = replace(scene.live(head.home), state=ContactState.RESOLVED, holder=None)
    scene.threads.archive(now)
    del scene.threads.lives[head.home]


@contextmanager
def broken(port: object, operation: str) -> Iterator[None]:
    """Let an operation of a port fail as if AWS did not answer."""

    def fails(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError("no answer")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(port, operation, fails)
        yield


def made_at(at_ms: int, number: int = 1) -> str:
    """Return a version 7 UUID with this time in it."""
    return str(UUID(int=(at_ms << 80) | (7 << 76) | (2 << 62) | number))
