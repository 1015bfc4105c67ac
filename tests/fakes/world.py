"""A contact centre in memory: every port a fake, the clock in hand, and the steps people and providers take."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from tests.fakes.blobs import FakeBlobs
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
from throughline.channels import CHANNELS
from throughline.domain.configuration import AgentProfile, ChannelAccount, Configuration, Queue
from throughline.domain.conversations import Head
from throughline.domain.identifiers import AgentId, ConnectionId, Home, Identifier, home_of
from throughline.domain.messages import ChannelEvent, IdentityChanged, MessageReceived
from throughline.domain.routing import Presence
from throughline.flows.presence import say_hello, set_presence
from throughline.flows.receive import Arrival, receive
from throughline.flows.run_timer import run_timer
from throughline.ports import Connection, HttpResponse, World

START_MS = 1_763_800_000_000
HOME_KEY = "a-home-key"
NEVER_MS = START_MS + 10**12


class NoHttp:
    """A provider that no test has set up."""

    def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        raise AssertionError(f"nobody expected {method} {url}")

    def download(self, url: str, **_: Any) -> HttpResponse:
        raise AssertionError(f"nobody expected a download of {url}")


def agent_profile(agent: str, *, chats: int = 2, teams: tuple[str, ...] = (), **skills: int) -> AgentProfile:
    return AgentProfile(
        agent_id=AgentId(agent), name=agent.title(), skills=skills, capacity={"chat": chats}, teams=teams
    )


def demo_configuration(*agents: AgentProfile) -> Configuration:
    accounts = [
        ChannelAccount(channel="telegram", name="demo", address="demo", queue="support", languages=("en", "id")),
        ChannelAccount(channel="twilio_sms", name="main", address="+15005550006", queue="support"),
        ChannelAccount(channel="webchat", name="shop", address="shop-1", queue="support"),
        ChannelAccount(channel="whatsapp", name="main", address="1001", queue="support"),
        ChannelAccount(channel="whatsapp", name="sales", address="1002", queue="sales"),
    ]
    queues = [Queue(name="support", dispositions=("solved", "spam")), Queue(name="sales", skills={"sales": 2})]
    return Configuration(
        accounts={f"{account.channel}/{account.name}": account for account in accounts},
        queues={queue.name: queue for queue in queues},
        agents={profile.agent_id: profile for profile in agents},
    )


class KilledError(Exception):
    """The process died here."""


@contextmanager
def dies_at(store: object, *methods: str) -> Iterator[None]:
    """Kill whoever uses one of these methods inside the block, before it has an effect."""

    def die(*_: object, **__: object) -> NoReturn:
        raise KilledError

    originals = {method: getattr(store, method) for method in methods}
    for method in methods:
        setattr(store, method, die)
    try:
        with pytest.raises(KilledError):
            yield
    finally:
        for method, original in originals.items():
            setattr(store, method, original)


class Centre:
    """A running contact centre. Times are START_MS plus what `pass_s` let go by."""

    def __init__(self, *agents: AgentProfile) -> None:
        self.now_ms = START_MS
        self.threads = FakeThreads()
        self.routing = FakeRouting(self.threads)
        self.sockets = FakeSockets()
        self.timers = FakeTimers(START_MS)
        self.customers = FakeCustomers()
        self.settings = FakeSettings(demo_configuration(*agents))
        self.inbound = FakeJobs()
        self.outbound = FakeJobs()
        self.media = FakeJobs()
        self.connections = FakeConnections()
        self._connected: set[ConnectionId] = set()
        self._drawn = 0
        self._messages = 0
        self.world = World(
            threads=self.threads,
            customers=self.customers,
            routing=self.routing,
            connections=self.connections,
            intake=FakeIntake(),
            settings=self.settings,
            timers=self.timers,
            inbound=self.inbound,
            outbound=self.outbound,
            media=self.media,
            sockets=self.sockets,
            blobs=FakeBlobs(),
            secrets=FakeSecrets({"home-key": HOME_KEY}),
            telemetry=FakeTelemetry(),
            channels=CHANNELS,
            http=NoHttp(),
            clock=lambda: self.now_ms,
            draw=self._draw,
            public_url="https://cc.example.com",
        )

    def _draw(self) -> str:
        self._drawn += 1
        return f"{self._drawn:016x}"

    def end_wrap_ups_after(self, seconds: int) -> None:
        """Let contacts in wrap-up close by themselves, in every queue."""
        configuration = self.settings.configuration
        queues = {name: replace(queue, wrap_up_s=seconds) for name, queue in configuration.queues.items()}
        self.settings.configuration = replace(configuration, queues=queues)

    # ------------------------------------------------------------ customers

    def message(self, sender: str | Sequence[str], text: str | None = "hello", **changes: Any) -> MessageReceived:
        """Return a message as an adapter would parse it, sent now."""
        self._messages += 1
        senders = [sender] if isinstance(sender, str) else sender
        fields: dict[str, Any] = {
            "channel": "telegram",
            "account": "telegram/demo",
            "provider_id": f"m{self._messages}",
            "senders": tuple(Identifier.parse(item) for item in senders),
            "sent_ms": self.now_ms,
            "text": text,
            "name": "Maya",
            "raw": {"text": text},
        }
        return MessageReceived(**(fields | changes))

    def signed_in(self, visitor: str, user: str, account: str = "webchat/shop-1") -> IdentityChanged:
        """Return what says that an anonymous visitor of a web chat has turned out to be one of its company's users."""
        previous, current = Identifier.parse(visitor), Identifier.parse(user)
        return IdentityChanged(
            channel="webchat",
            account=account,
            provider_id=f"{visitor}/{user}",
            senders=(previous,),
            previous=previous,
            current=current,
        )

    def deliver(self, event: ChannelEvent, *, inbound: str | None = None, repeated: bool = False) -> None:
        """Hand an event to the inbound flow, as a queue record of its own unless `inbound` names an earlier one."""
        arrival = Arrival(inbound=inbound or self._draw(), arrival_ms=self.now_ms, repeated=repeated)
        receive(self.world, event, arrival)

    def write(self, sender: str | Sequence[str], text: str = "hello", **changes: Any) -> Head:
        """Have a customer write, and return the conversation it is in."""
        event = self.message(sender, text, **changes)
        self.deliver(event)
        return self.live(str(event.senders[0]))

    def live(self, sender: str) -> Head:
        """Return the live conversation of a customer."""
        home = self.home(sender)
        while home in self.threads.moves:
            home = self.threads.moves[home]
        return self.threads.lives[home]

    @staticmethod
    def home(sender: str) -> Home:
        """Return the home of an identifier."""
        return home_of(Identifier.parse(sender), HOME_KEY.encode())

    # ------------------------------------------------------------ agents

    def connection(self, agent: str, socket: str | None = None) -> Connection:
        """Return a signed-in socket of an agent."""
        connection_id = ConnectionId(socket or f"{agent}-1")
        return Connection(connection_id=connection_id, subject=agent, role="agent", expires_ms=NEVER_MS)

    def hello(self, agent: str, socket: str | None = None, **resume: int) -> Mapping[str, Any]:
        """Connect an agent's screen, unless it was before, and return its snapshot."""
        connection = self.connection(agent, socket)
        if connection.connection_id not in self._connected:
            self._connected.add(connection.connection_id)
            self.connections.add_connection(connection)
        return say_hello(self.world, connection, dict(resume))  # type: ignore[arg-type]

    def available(self, *agents: str) -> None:
        """Sign agents in and let them take work."""
        for agent in agents:
            self.hello(agent)
            set_presence(self.world, AgentId(agent), Presence.AVAILABLE, None)

    def offers(self, socket: str) -> list[Mapping[str, Any]]:
        """Return the offers a screen was shown."""
        return self.sockets.to(socket, "offer")

    # ------------------------------------------------------------ time

    def pass_s(self, seconds: float, *, only: Callable[[Mapping[str, Any]], bool] = lambda _: True) -> None:
        """Let time go by and do what comes due, earliest first, including what that arms for the same time."""
        end_ms = self.now_ms + round(seconds * 1000)
        while due := [timer for timer in self.timers.armed if timer.due_ms <= end_ms]:
            first = min(due, key=lambda timer: timer.due_ms)
            self.timers.armed.remove(first)
            self.now_ms = self.timers.now_ms = max(self.now_ms, first.due_ms)
            if only(first.work):
                run_timer(self.world, first.work, repeated=False)
        self.now_ms = self.timers.now_ms = end_ms
