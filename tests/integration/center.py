"""A small contact centre: real functions and flows over one set of stores, two queues, four people, one account."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from functions import agents as socket
from functions._wiring import signing_keys, use_world
from functions.inbound import process_inbound
from functions.outbound import process_outbound
from tests.api_documents import (
    wrong_with_action,
    wrong_with_answer,
    wrong_with_event,
    wrong_with_visitor_action,
    wrong_with_visitor_event,
)
from tests.fakes.blobs import FakeBlobs
from tests.fakes.jobs import FakeJobs
from tests.fakes.secrets import FakeSecrets
from tests.fakes.settings import FakeSettings
from tests.fakes.sockets import FakeSockets
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.timers import FakeTimers
from tests.integration.people import IssuerAtWork, Signer, rsa_key
from tests.tables import Stores
from throughline.channels import CHANNELS
from throughline.domain.configuration import AgentProfile, ChannelAccount, Configuration, Queue
from throughline.domain.conversations import Head
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId, Identifier, home_of
from throughline.domain.messages import MessageReceived
from throughline.domain.rights import Role
from throughline.flows.receive import Arrival, receive
from throughline.flows.requeue import find_head
from throughline.flows.run_timer import run_timer
from throughline.flows.sign_visitor_in import PageRequest, sign_visitor_in
from throughline.ports import Channel, HttpResponse, World

KEY = rsa_key()
SECRETS = {
    "home-key": "a key that is never rotated",
    "webchat/shop/key": "the signing key of the shop's web chat",
    "webchat/club/key": "the signing key of the club's web chat",
    "webchat/identity": "what the company signs its own users with",
}
EVA = Identifier(kind="telegram", value="3527065")
TIM = Identifier(kind="telegram", value="9999999")


def _configuration(*issuers: IssuerAtWork) -> Configuration:
    people = {
        "ana": AgentProfile(agent_id=AgentId("ana"), name="Ana", capacity={"chat": 2}, teams=("first",)),
        "ben": AgentProfile(agent_id=AgentId("ben"), name="Ben", capacity={"chat": 2}, teams=("first",)),
        "lea": AgentProfile(agent_id=AgentId("lea"), name="Lea", capacity={"chat": 1}, teams=("first",)),
        "max": AgentProfile(agent_id=AgentId("max"), name="Max", capacity={"chat": 1}, teams=("second",)),
    }
    return Configuration(
        accounts={
            "telegram/demo": ChannelAccount(channel="telegram", name="demo", address="48395", queue="support"),
            **{f"webchat/{name}": _web_chat(name) for name in ("shop", "club")},
        },
        queues={"support": Queue(name="support"), "sales": Queue(name="sales", dispositions=("sold", "lost"))},
        agents={AgentId(name): profile for name, profile in people.items()},
        issuers={issuer.issuer: issuer.configured for issuer in issuers},
    )


def _web_chat(name: str) -> ChannelAccount:
    return ChannelAccount(
        channel="webchat",
        name=name,
        address=f"{name}-1",
        queue="support",
        secrets={"signing_key": (f"webchat/{name}/key",), "identity_secret": ("webchat/identity",)},
        settings={
            "origins": (f"https://{name}.example",),
            "title": "Ask us",
            "pre_chat": ("name", "phone", "order_number"),
            "required": ("name",) if name == "club" else (),
        },
    )


class IssuersOnly:
    """An internet of nothing but issuers and their keys."""

    def __init__(self, *issuers: IssuerAtWork) -> None:
        self._issuers = issuers

    def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        assert method == "GET"
        issuer = next(issuer for issuer in self._issuers if url.startswith(f"{issuer.issuer}/"))
        return HttpResponse(status=200, headers={}, body=issuer.fetch(url))

    def download(self, url: str, **_: Any) -> HttpResponse:
        raise AssertionError(f"nobody downloads {url}")


class CheckedSockets(FakeSockets):
    """Sockets that take no frame but those of docs/asyncapi.json; `visitors` are those of visitors."""

    def __init__(self) -> None:
        super().__init__()
        self.visitors: set[str] = set()

    def post(self, connection: ConnectionId, frame: Mapping[str, Any]) -> bool:
        """Keep one frame."""
        wrong_with = wrong_with_visitor_event if connection in self.visitors else wrong_with_event
        assert wrong_with(json.loads(json.dumps(frame))) == []
        return super().post(connection, frame)


class Center:
    """Everybody in it. `ana` and `ben` are agents of one team, `lea` supervises it, `max` supervises another."""

    def __init__(self, stores: Stores, channels: Mapping[str, Channel] = CHANNELS) -> None:
        self.stores, self.clock = stores, stores.clock
        self.staff = IssuerAtWork(signers=[Signer("k1", KEY)], now_ms=stores.clock.now_ms)
        self.visitors = IssuerAtWork(
            signers=[Signer("k1", KEY)], issuer="https://visitors.test", role="visitor", now_ms=stores.clock.now_ms
        )
        self.settings = FakeSettings(_configuration(self.staff, self.visitors))
        self.sockets, self.timers, self.blobs = CheckedSockets(), FakeTimers(stores.clock.now_ms), FakeBlobs()
        self.inbound, self.outbound, self.telemetry = FakeJobs(), FakeJobs(), FakeTelemetry()
        self._numbers = iter(range(1, 10_000))
        self.world = World(
            threads=stores.threads,
            customers=stores.customers,
            routing=stores.routing,
            connections=stores.connections,
            intake=stores.intake,
            settings=self.settings,
            timers=self.timers,
            inbound=self.inbound,
            outbound=self.outbound,
            media=FakeJobs(),
            sockets=self.sockets,
            blobs=self.blobs,
            secrets=FakeSecrets(SECRETS),
            telemetry=self.telemetry,
            channels=channels,
            http=IssuersOnly(self.staff, self.visitors),
            clock=self.clock,
            draw=lambda: f"{next(self._numbers):016x}",
            public_url="https://center.test",
        )

    # ------------------------------------------------------------ people

    def token(self, person: str, **changed: Any) -> str:
        groups = ["leads"] if person in {"lea", "max"} else []
        self.staff.now_ms = self.clock.now_ms
        return self.staff.token(person, **({"groups": groups} | changed))

    def connect(self, tab: str, protocol: str) -> dict[str, Any]:
        event = _event(tab, "CONNECT", headers={"Host": "center.test", "Sec-WebSocket-Protocol": protocol})
        answer = dict(socket.connect(event, None))
        opened = self.stores.connections.find_connection(ConnectionId(tab))
        if opened and opened.role == Role.VISITOR:
            self.sockets.visitors.add(tab)
        return answer

    def sign_in(self, person: str, tab: str | None = None, *, available: bool = True) -> str:
        """Connect, say hello, and be available; return the connection's id."""
        tab = tab or f"{person}-tab"
        answer = self.connect(tab, f"throughline.v1, {self.token(person)}")
        assert answer["statusCode"] == 200, answer
        self.say(tab, "hello")
        if available:
            self.say(tab, "presence.set", presence="available")
        return tab

    def say(self, tab: str, action: str, **fields: Any) -> dict[str, Any]:
        """Send a frame and return its answer (or the first part of it)."""
        frame_id = fields.pop("id", f"frame-{next(self._numbers)}")
        before = len(self.sockets.to(tab))
        frame = {"action": action, "id": frame_id, **fields}
        self.post(tab, json.dumps(frame))
        answers = [frame for frame in self.sockets.to(tab)[before:] if frame.get("id") == frame_id]
        assert len(answers) == 1, answers
        if tab in self.sockets.visitors:
            refused = answers[0].get("code") in {"invalid_request", "forbidden"}
            assert refused or wrong_with_visitor_action(frame) == []
        else:
            assert wrong_with_answer(action, answers[0]) == []
            assert answers[0].get("code") == "invalid_request" or wrong_with_action(frame) == []
        return dict(answers[0])

    def post(self, tab: str, body: str) -> None:
        assert socket.message(_event(tab, "MESSAGE", body=body), None) == {"statusCode": 200}

    def leave(self, tab: str) -> None:
        assert socket.disconnect(_event(tab, "DISCONNECT"), None) == {"statusCode": 200}

    # ------------------------------------------------------------ visitors

    def sign_visitor_in(self, account: str = "shop", **told: Any) -> dict[str, Any]:
        """Let a page of the account's site ask for a token."""
        page = PageRequest(account=account, origin=f"https://{account}.example", source="203.0.113.7")
        body = json.dumps(told)
        return dict(sign_visitor_in(self.world, page, signing_keys(), body, socket="wss://center.test"))

    def visit(self, tab: str, account: str = "shop", **told: Any) -> dict[str, Any]:
        """Sign a visitor in, connect, and say hello; return what the page was answered."""
        answer = self.sign_visitor_in(account, **told)
        assert self.connect(tab, f"throughline.v1, {answer['token']}")["statusCode"] == 200
        assert self.say(tab, "hello")["event"] == "snapshot"
        return answer

    def work(self) -> None:
        """Have the workers do what is queued: file what came in, send what goes out."""
        for _ in range(100):
            filed = [(process_inbound, job) for job in self.inbound.take(1)]
            sent = [(process_outbound, job) for job in self.outbound.take(1)]
            for function, job in (*filed, *sent):
                assert function(_queue_event(job, next(self._numbers)), None) == {"batchItemFailures": []}
            if not filed and not sent:
                return
        raise AssertionError("the queues do not get empty")

    # ------------------------------------------------------------ customers and time

    def customer_writes(self, text: str, customer: Identifier = EVA, **changed: Any) -> Head:
        number = next(self._numbers)
        self.clock.now_ms += 1
        fields: dict[str, Any] = {
            "channel": "telegram",
            "account": "telegram/48395",
            "provider_id": f"m{number}",
            "senders": (customer,),
            "sent_ms": self.clock.now_ms,
            "text": text,
            "name": "Eva",
        }
        event = MessageReceived(**(fields | changed))
        receive(self.world, event, Arrival(inbound=f"in-{number}", arrival_ms=self.clock.now_ms))
        found = self.stores.threads.get_live(home_of(customer, b"a key that is never rotated"))
        assert isinstance(found, Head)
        return found

    def head(self, conversation: str) -> Head:
        found = find_head(self.world, ConversationId(conversation))
        assert found is not None
        return found

    def pass_time(self, seconds: float = 0) -> None:
        """Let time pass and do what comes due."""
        self.clock.now_ms += round(seconds * 1000)
        while due := self.timers.take_due(self.clock.now_ms):
            for work in due:
                run_timer(self.world, work, repeated=False)


def _event(tab: str, kind: str, **fields: Any) -> dict[str, Any]:
    context = {
        "routeKey": "$default" if kind == "MESSAGE" else f"${kind.lower()}",
        "eventType": kind,
        "connectionId": tab,
        "apiId": "api",
        "stage": "api",
        "domainName": "center.test",
    }
    return {"requestContext": context, "isBase64Encoded": False, **fields}


def _queue_event(job: Mapping[str, Any], number: int) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "1", "MessageGroupId": "g"}
    record = {
        "messageId": f"m{number}",
        "receiptHandle": f"r{number}",
        "body": json.dumps(job),
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:000000000000:queue.fifo",
        "awsRegion": "eu-west-1",
    }
    return {"Records": [record]}


@contextmanager
def center(stores: Stores, channels: Mapping[str, Channel] = CHANNELS) -> Iterator[Center]:
    """Yield a contact centre whose functions work on these stores."""
    made = Center(stores, channels)
    use_world(made.world)
    try:
        yield made
    finally:
        use_world(None)
        signing_keys.cache_clear()
