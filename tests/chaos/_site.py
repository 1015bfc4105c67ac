"""A contact centre on the local engine: real functions, real stores, real ports; time and the world outside are played.

Every near timer is a real message on the real queue. Its delay alone is taken out on the way and kept here, so that
hours pass in an instant. Lambda's part (what it receives, how often, what it deletes) is played as AWS documents it.
"""

import copy
import io
import json
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import jwt
from botocore.config import Config

from functions import _wiring
from infra.local.centre import read_centre
from infra.local.engine import start_engine
from infra.local.events import (
    HttpRequest,
    Peer,
    connect_event,
    disconnect_event,
    message_event,
    queue_event,
    rest_event,
    schedule_event,
)
from infra.local.resources import create_resources
from infra.local.routes import Match
from tests.chaos._aws_answers import response
from tests.chaos._injection import Injector
from tests.chaos.standing import scan, standing_in
from tests.fakes.telemetry import FakeTelemetry
from tests.integration.people import IssuerAtWork, Signer, ec_key
from tests.posted import webhook_event
from tests.promises import Standing
from throughline.aws.clients import Clients
from throughline.domain.conversations import Head, Moved
from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.errors import ProviderUnavailableError, ThroughlineError
from throughline.domain.identifiers import AgentId, ConnectionId, Home, Identifier, home_of
from throughline.domain.messages import ChannelEvent, MessageReceived
from throughline.domain.routing import Agent
from throughline.flows.token_claims import unverified
from throughline.ports import HttpResponse
from throughline.telemetry import logger

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "infra/local/demo.yaml"
STAGE = "local"
PUBLIC_URL = "https://centre.example.com"
START_MS = 4_000_000_000_000  # ahead of any real clock: the engine takes away what has expired by its own
LOCAL_ISSUER, ISSUER = "http://localhost/local", "https://issuer.example.com/local"
VISIBILITY_S = 90
MAX_RECEIVES = 8
MOST_AT_ONCE = 10
BOUND = 400  # records one drain may take: more is a loop
TELEGRAM, SMS, WHATSAPP = "telegram/throughline_demo_bot", "twilio_sms/+15005550006", "whatsapp/100000000000001"
WEB_CHAT = "webchat/demo"
TABLES = ("THREADS_TABLE", "ROUTING_TABLE", "CUSTOMERS_TABLE")

Row = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A message on a queue, and how often it was received."""

    queue: str
    message: Mapping[str, Any]
    due_ms: int
    number: int
    receives: int = 0

    @property
    def work(self) -> dict[str, Any]:
        """Return the body."""
        found: dict[str, Any] = json.loads(self.message["Body"])
        return found


@dataclass
class State:
    """What is neither in the tables nor in the code: the queues as Lambda sees them, the people, the providers."""

    now_ms: int = START_MS
    numbers: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    records: list[Record] = field(default_factory=list)
    sockets: dict[str, str] = field(default_factory=dict)  # open ones → whose
    frames: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    written: list[tuple[str, str]] = field(default_factory=list)  # account, provider id
    replies: list[str] = field(default_factory=list)  # texts of what agents were told is taken
    sends: Counter[str] = field(default_factory=Counter)  # text → how often a provider took it
    visitors: dict[str, str] = field(default_factory=dict)  # name → token
    proofs: dict[str, str] = field(default_factory=dict)  # name → proof of having been here
    away: int = 0  # how many requests the providers do not answer
    stuck: list[str] = field(default_factory=list)
    allowed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything, at one instant."""

    tables: Mapping[str, Mapping[Key, Row]]
    state: State


class Site:
    """A contact centre with the demo's configuration."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        from app import app
        from functions import agents, inbound, media, outbound, timers

        self.environment = environment
        self.state = State()
        self.points = 0
        self.injector = Injector(answer=self._answer, rewrite=self._rewrite, told=self._told)
        self.issuer = IssuerAtWork(
            signers=[Signer("k1", ec_key(_curve()), "ES256")], issuer=ISSUER, audience="throughline", now_ms=START_MS
        )
        self.http = _Providers(self)
        self._app, self._agents, self._timers = app, agents, timers
        self._workers: Mapping[str, Callable[..., Any]] = {
            environment["INBOUND_QUEUE_URL"]: inbound.process_inbound,
            environment["OUTBOUND_QUEUE_URL"]: outbound.process_outbound,
            environment["TIMERS_QUEUE_URL"]: timers.process_timers,
            environment["MEDIA_QUEUE_URL"]: media.process_media,
        }
        self._dirty: set[str] = set()  # queues to which something was sent
        self._postponed: dict[str, int] = {}  # receipt → when it may come again
        self._stale = True  # the tables were written since they were read
        self._standing: dict[str, dict[Key, Row]] = {}
        config = Config(retries={"total_max_attempts": 1})
        make = boto3.session.Session(region_name=environment["AWS_REGION"]).client
        self.dynamodb = make("dynamodb", endpoint_url=environment["AWS_ENDPOINT_URL"], config=config)
        self._sqs = make("sqs", endpoint_url=environment["AWS_ENDPOINT_URL"], config=config)
        self.empty = self.keep()

    # ------------------------------------------------------------ processes

    def new_process(self) -> None:
        """Forget everything that only the memory of a process knows."""
        _wiring.use_world(None)
        _wiring._deployed.cache_clear()
        _wiring._due_timers.cache_clear()

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Let what happens inside the block happen in another process, while this one is in the middle of a call."""
        world = _wiring.world()
        self.new_process()
        try:
            yield
        finally:
            _wiring.use_world(world)

    # ------------------------------------------------------------ queues, as Lambda sees them

    def deliver(self, record: Record, receives: int) -> bool:
        """Hand a record to its function for the time of that number; return whether it is done with."""
        message = {
            **record.message,
            "Attributes": {
                "ApproximateReceiveCount": str(receives),
                "SentTimestamp": str(record.due_ms),
                **_group(record.message),
            },
        }
        name = record.queue.rpartition("/")[2]
        event = queue_event([message], queue_arn=f"arn:aws:sqs:us-east-1:000000000000:{name}", region="us-east-1")
        return not self._quietly(self._workers[record.queue], event)["batchItemFailures"]

    def run_due(self, seconds: float = 0) -> None:
        """Let time pass and do what is due, first things first; what keeps failing ends up in `stuck`."""
        end_ms = self.state.now_ms + round(seconds * 1000)
        for _ in range(BOUND):
            self.collect()
            due = [record for record in self.state.records if record.due_ms <= end_ms]
            if not due:
                self.state.now_ms = end_ms
                return
            self._take(min(due, key=lambda record: (record.due_ms, record.number)))
        self.state.stuck.append("the queues do not come to rest")

    def _take(self, record: Record) -> None:
        state = self.state
        state.now_ms = max(state.now_ms, record.due_ms)
        state.records.remove(record)
        receives = record.receives + 1
        if self.deliver(record, receives):
            self.delete(record)
        elif receives < MAX_RECEIVES:
            again_ms = self._postponed.pop(record.message["ReceiptHandle"], state.now_ms + VISIBILITY_S * 1000)
            state.records.append(replace(record, receives=receives, due_ms=again_ms))
        else:
            state.stuck.append(f"a record of {record.queue.rpartition('/')[2]} keeps failing")

    def delete(self, record: Record) -> None:
        """Take a message off its queue."""
        with suppress(self._sqs.exceptions.ReceiptHandleIsInvalid):  # made here, or deleted at an earlier point
            self._sqs.delete_message(QueueUrl=record.queue, ReceiptHandle=record.message["ReceiptHandle"])
        if record.queue.endswith(".fifo"):
            self._dirty.add(record.queue)  # the next one of its group may come

    def collect(self) -> None:
        """Receive what has been sent."""
        while self._dirty:
            queue = self._dirty.pop()
            found = self._received(queue)
            self.state.records += [self._record(queue, message) for message in found]
            if len(found) == MOST_AT_ONCE:
                self._dirty.add(queue)

    def _received(self, queue: str) -> list[Any]:
        answer = self._sqs.receive_message(
            QueueUrl=queue,
            MaxNumberOfMessages=MOST_AT_ONCE,
            VisibilityTimeout=43_200,
            AttributeNames=["MessageGroupId"],
            MessageAttributeNames=["All"],
            WaitTimeSeconds=0,
        )
        return list(answer.get("Messages", []))

    def _record(self, queue: str, message: Mapping[str, Any]) -> Record:
        due = message.get("MessageAttributes", {}).get("due_ms")
        self.state.numbers += 1
        return Record(
            queue=queue,
            message={name: given for name, given in message.items() if name != "MessageAttributes"},
            due_ms=int(due["StringValue"]) if due else self.state.now_ms,
            number=self.state.numbers,
        )

    def put_back(self, record: Record, receives: int, seconds: int) -> None:
        """Let a record that was received so often come again after a while."""
        due_ms = self.state.now_ms + seconds * 1000
        self.state.records.append(replace(record, receives=receives, due_ms=due_ms))

    def take(self, queue: str) -> Record:
        """Return the one record of a queue, which is about to be delivered."""
        self.collect()
        [record] = [record for record in self.state.records if record.queue == self.environment[queue]]
        self.state.records.remove(record)
        return record

    def made_again(self, record: Record) -> Record:
        """Return another record of the same event, as a second arrival long after the first."""
        self.state.numbers += 1
        body = {**record.work, "inbound": f"in{self.state.numbers}", "arrival_ms": self.state.now_ms}
        return self._made("INBOUND_QUEUE_URL", body)

    def arm(self, **work: Any) -> None:
        """Arm a timer that is due now."""
        _wiring.world().timers.arm(work, delay_s=0)
        self.collect()

    def near_timers(self) -> list[dict[str, Any]]:
        """Return the work that is armed on the timers' queue."""
        timers = self.environment["TIMERS_QUEUE_URL"]
        return [record.work for record in self.state.records if record.queue == timers]

    # ------------------------------------------------------------ what people and providers do

    def inbound_record(self, event: ChannelEvent) -> Record:
        """Return the record of an event that a provider's webhook brought."""
        self.state.numbers += 1
        job = InboundJob(inbound=f"in{self.state.numbers}", arrival_ms=self.state.now_ms, event=event)
        return self._made("INBOUND_QUEUE_URL", encode_inbound(job))

    def timer_record(self, **work: Any) -> Record:
        """Return the record of a timer that goes off now; it is not armed any more."""
        timers = [record for record in self.state.records if record.queue == self.environment["TIMERS_QUEUE_URL"]]
        armed = [record for record in timers if work.items() <= record.work.items()]
        if not armed:
            raise LookupError(f"no timer is armed for {work}")
        self.state.records.remove(armed[0])
        self.state.now_ms = max(self.state.now_ms, armed[0].due_ms)
        return armed[0]

    def _made(self, queue: str, body: Mapping[str, Any]) -> Record:
        number = self.state.numbers
        message = {
            "MessageId": f"m{number}",
            "ReceiptHandle": f"r{number}",
            "Body": json.dumps(body),
            "MD5OfBody": "",
            "Attributes": {"MessageGroupId": f"g{number}"},
        }
        return Record(queue=self.environment[queue], message=message, due_ms=self.state.now_ms, number=number)

    def message(
        self, *senders: str, text: str = "hello there", account: str = TELEGRAM, **more: Any
    ) -> MessageReceived:
        """Return a message as an adapter would parse it, sent now."""
        self.state.numbers += 1
        self.state.now_ms += 1000  # a provider's clock counts seconds
        event = MessageReceived(
            channel=account.partition("/")[0],
            account=account,
            provider_id=f"p{self.state.numbers}",
            senders=tuple(Identifier.parse(sender) for sender in senders),
            sent_ms=self.state.now_ms,
            text=text,
            name="Maya",
            raw={"text": text},
            **more,
        )
        self.state.written.append((event.account, event.provider_id))
        return event

    def wrote(self, *senders: str, **more: Any) -> None:
        """Have a customer write, and do all that follows at once."""
        self.state.records.append(self.inbound_record(self.message(*senders, **more)))
        self.run_due()

    def post(self, body: bytes) -> int:
        """Post a webhook of Telegram's and return the status."""
        account = read_centre(DEMO).account("telegram")
        kind, now_ms = "application/json", self.state.now_ms
        event = webhook_event(self._app, account, PUBLIC_URL, body, kind, request_id="request", now_ms=now_ms)
        return int(self._quietly(self._app, event)["statusCode"])

    def connect(self, agent: str, socket: str | None = None) -> bool:
        """Open a socket; return whether it was let in."""
        self.issuer.now_ms = self.state.now_ms
        return self._open(socket or f"{agent}-1", self.issuer.token(agent))

    def _open(self, socket: str, token: str) -> bool:
        headers = [("Host", "centre"), ("Sec-WebSocket-Protocol", f"throughline.v1, {token}")]
        event = connect_event(_peer(socket), headers, "", request_id="request", now_ms=self.state.now_ms)
        if self._quietly(self._agents.connect, event)["statusCode"] != 200:
            return False
        self.state.sockets[socket] = socket.partition("-")[0]
        return True

    def sign_visitor_in(self, name: str, **told: str) -> bool:
        """Have a page ask for a visitor's token; return whether it got one. `told` are fields of the request."""
        request = HttpRequest(
            method="POST",
            path=f"/{WEB_CHAT}/visitors",
            query="",
            headers=[("Origin", PUBLIC_URL), ("Content-Type", "application/json")],
            body=json.dumps({"name": name, **told}).encode(),
            source_ip="127.0.0.1",
        )
        match = Match(resource="/webchat/{account}/visitors", parameters={"account": "demo"})
        kinds, now_ms = self._app.api.binary_types, self.state.now_ms
        event = rest_event(request, match, binary_types=kinds, request_id="request", now_ms=now_ms)
        answer = self._quietly(self._app, event)
        if answer["statusCode"] != 200:
            return False
        given = json.loads(answer["body"])
        self.state.visitors[name] = given["token"]
        if given["visitor"]:
            self.state.proofs[name] = given["visitor"]
        return True

    def identity(self, sub: str) -> str:
        """Return what the company's back end signs of its user."""
        secret = _wiring.world().secrets.get_secret(f"{WEB_CHAT}/identity_secret")
        return jwt.encode({"sub": sub, "exp": self.state.now_ms // 1000 + 600}, secret, "HS256")

    def visits(self, name: str, tab: str) -> bool:
        """Open a tab of a visitor who was signed in; return whether it was let in."""
        return self._open(tab, self.state.visitors[name])

    def identifier_of(self, name: str) -> str:
        """Return who a visitor is."""
        return str(unverified(self.state.visitors[name])[1]["sub"])

    def is_told(self, tab: str) -> bool:
        """Return whether a visitor's open tab is in service: known, and told what happens."""
        return self.is_told_of(tab, f"{WEB_CHAT}|{self.identifier_of(tab.partition('-')[0])}")

    def is_told_of(self, tab: str, way: str) -> bool:
        """Return whether an open tab is known, and told what happens on a way."""
        connections = _wiring.world().connections
        known = connections.find_connection(ConnectionId(tab))
        return tab in self.state.sockets and known is not None and tab in connections.list_listeners(way)

    def listeners(self, name: str) -> list[ConnectionId]:
        """Return the tabs that are told what happens to a visitor."""
        return _wiring.world().connections.list_listeners(f"{WEB_CHAT}|{self.identifier_of(name)}")

    def frame(self, action: str, **fields: Any) -> dict[str, Any]:
        """Return a frame with an id of its own."""
        self.state.numbers += 1
        return {"action": action, "id": f"f{self.state.numbers}", **fields}

    def say(self, socket: str, frame: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Send a frame; return its answer, None where there came none."""
        before = len(self.state.frames)
        event = message_event(
            _peer(socket), json.dumps(frame), message_id="message", request_id="request", now_ms=self.state.now_ms
        )
        with suppress(ThroughlineError):  # as a function that fails: nothing is sent back
            self._quietly(self._agents.message, event)
        answers = [said for to, said in self.state.frames[before:] if to == socket and said.get("id") == frame["id"]]
        return answers[-1] if answers else None

    def hang_up(self, socket: str) -> bool:
        """Close a socket, and tell its function; return whether that heard it out."""
        self.state.sockets.pop(socket, None)
        event = disconnect_event(_peer(socket), 1001, "gone", request_id="request", now_ms=self.state.now_ms)
        with suppress(ThroughlineError):
            self._quietly(self._agents.disconnect, event)
            return True
        return False

    def release_due(self) -> bool:
        """Let the schedule fire; return whether its function did all it had to."""
        event = schedule_event("release", event_id="event", region="us-east-1", now_ms=self.state.now_ms)
        with suppress(ThroughlineError):
            self._quietly(self._timers.release_due, event)
            return True
        return False

    def _quietly(self, function: Callable[..., Any], event: Mapping[str, Any]) -> Any:
        with redirect_stdout(io.StringIO()):
            return function(event, None)

    # ------------------------------------------------------------ what stands

    def live(self, sender: str) -> Head:
        """Return the live conversation of a customer, which has to be there."""
        key = _wiring.world().secrets.get_secret("home-key").encode()
        home = home_of(Identifier.parse(sender), key)
        for _ in range(20):
            found = _wiring.world().threads.get_live(home)
            if isinstance(found, Head):
                return found
            if not isinstance(found, Moved):
                break
            home = Home(found.to)
        raise LookupError(f"nothing is live of {sender}")

    def change_agent(self, agent: str, **fields: Any) -> None:
        """Rewrite an agent's item, as an earlier configuration would have left it."""
        routing = _wiring.world().routing
        standing = routing.find_agent(AgentId(agent))
        assert isinstance(standing, Agent)
        assert routing.replace_agent(standing, replace(standing, **fields))

    def standing(self) -> Standing:
        """Return what stands in the tables and timers now."""
        tables = self._read()
        threads, routing = (list(tables[name].values()) for name in ("THREADS_TABLE", "ROUTING_TABLE"))
        return standing_in(threads, routing, timers=self.near_timers(), allowed=self.state.allowed)

    def _read(self) -> dict[str, dict[Key, Row]]:
        if self._stale:
            self._standing = {
                name: {_key(item): item for item in scan(self.dynamodb, self.environment[name])} for name in TABLES
            }
            self._stale = False
        return self._standing

    def keep(self) -> Snapshot:
        """Return everything as it is now."""
        self.collect()
        tables = {name: dict(rows) for name, rows in self._read().items()}
        return Snapshot(tables=tables, state=copy.deepcopy(self.state))

    def restore(self, snapshot: Snapshot) -> None:
        """Let everything be again as it was."""
        self.collect()
        for record in self.state.records:
            self.delete(record)
        self.collect()
        self.points += 1
        for name, wanted in snapshot.tables.items():
            self._rewrite_table(self.environment[name], self._read()[name], wanted)
        self._standing, self._stale = {name: dict(rows) for name, rows in snapshot.tables.items()}, False
        self.state = copy.deepcopy(snapshot.state)
        self._postponed.clear()
        self.new_process()

    def _rewrite_table(self, table: str, standing: Mapping[Key, Row], wanted: Mapping[Key, Row]) -> None:
        requests: list[Any] = [
            {"DeleteRequest": {"Key": {"pk": row["pk"], "sk": row["sk"]}}}
            for key, row in standing.items()
            if key not in wanted
        ]
        requests += [{"PutRequest": {"Item": row}} for key, row in wanted.items() if standing.get(key) != row]
        for start in range(0, len(requests), 25):
            answer = self.dynamodb.batch_write_item(RequestItems={table: requests[start : start + 25]})
            assert not answer.get("UnprocessedItems")

    # ------------------------------------------------------------ what the injector asks

    def _answer(self, service: str, request: Any) -> Any:
        if service != "apigatewaymanagementapi":
            return None
        socket = unquote(urlsplit(request.url).path.rpartition("/")[2])
        if socket not in self.state.sockets:
            return response(410, b"{}", x_amzn_errortype="GoneException")
        self.state.frames.append((socket, json.loads(request.body)))
        return response(200)

    def _rewrite(self, call: str, params: dict[str, Any]) -> dict[str, Any]:
        # What AWS remembers of a name for some minutes, another point must not meet.
        if call.startswith("sqs.Send"):
            self._dirty.add(params["QueueUrl"])
        match call:
            case "dynamodb.TransactWriteItems":
                return {**params, "ClientRequestToken": f"{params['ClientRequestToken']}-{self.points}"}
            case "sqs.SendMessage":
                due_ms = self.state.now_ms + params.get("DelaySeconds", 0) * 1000
                due = {"due_ms": {"DataType": "Number", "StringValue": str(due_ms)}}
                return {**params, "DelaySeconds": 0, "MessageAttributes": due}
            case "sqs.SendMessageBatch":
                return {**params, "Entries": [self._salted(entry) for entry in params["Entries"]]}
            case "sqs.ChangeMessageVisibility":
                due_ms = self.state.now_ms + params["VisibilityTimeout"] * 1000
                self._postponed[params["ReceiptHandle"]] = due_ms
                return {**params, "VisibilityTimeout": 43_200}
        return params

    def _salted(self, entry: dict[str, Any]) -> dict[str, Any]:
        name = "MessageDeduplicationId"
        return {**entry, name: f"{entry[name]}-{self.points}"} if name in entry else entry

    def _told(self, call: str) -> None:
        service, _, operation = call.partition(".")
        if service == "dynamodb" and operation not in {"GetItem", "Query", "BatchGetItem"}:
            self._stale = True


class _Providers:
    """The send APIs, the files and the issuer: every one of them takes what it is given."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def request(self, method: str, url: str, *, body: bytes | None = None, **_: Any) -> HttpResponse:
        """Answer as the provider of that host."""
        self._site.injector.require_alive()
        if url.startswith(ISSUER):
            return HttpResponse(status=200, headers={}, body=self._site.issuer.fetch(url))
        state = self._site.state
        if state.away:
            state.away -= 1
            raise ProviderUnavailableError("nobody answers")
        if url.endswith("/getFile"):
            return _json({"ok": True, "result": {"file_path": "photos/file.jpg"}})
        text, answer = _sent(url, body or b"", sum(state.sends.values()) + 1)
        state.sends[text] += 1
        del method
        return _json(answer)

    def download(self, url: str, **_: Any) -> HttpResponse:
        """Return a picture."""
        self._site.injector.require_alive()
        del url
        return HttpResponse(status=200, headers={"content-type": "image/jpeg"}, body=b"\xff\xd8\xff\xe0 a picture")


def _sent(url: str, body: bytes, number: int) -> tuple[str, Mapping[str, Any]]:
    if "api.telegram.org" in url:
        return json.loads(body)["text"], {"ok": True, "result": {"message_id": number}}
    return parse_qs(body.decode())["Body"][0], {"sid": f"SM{number:032x}"}


def _json(answer: Mapping[str, Any]) -> HttpResponse:
    return HttpResponse(status=200, headers={"content-type": "application/json"}, body=json.dumps(answer).encode())


def _group(message: Mapping[str, Any]) -> Mapping[str, str]:
    attributes: Mapping[str, str] = message.get("Attributes", {})
    return {"MessageGroupId": attributes["MessageGroupId"]} if "MessageGroupId" in attributes else {}


def _peer(socket: str) -> Peer:
    return Peer(connection_id=socket, connected_ms=START_MS, source_ip="127.0.0.1", user_agent="chaos", domain="centre")


def _key(item: Row) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _curve() -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.SECP256R1()


@contextmanager
def running_site() -> Iterator[Site]:
    """Start an engine, set the demo up on it, and yield its site. One at a time in a process."""
    template = json.loads((ROOT / "infra/resources.json").read_text(encoding="utf-8"))
    with ExitStack() as stack:
        engine = stack.enter_context(start_engine("ministack", None))
        environment = create_resources(engine.endpoint_url, template, STAGE) | {
            "PUBLIC_URL": PUBLIC_URL,
            "SOCKETS_ENDPOINT": "https://sockets.example.com",
            "STAGE": STAGE,
        }
        stack.enter_context(patch.dict("os.environ", environment))
        _apply_demo()
        site = Site(environment)
        stack.enter_context(site.injector.attached())
        stack.enter_context(_played(site, environment))
        level = logger.log_level
        logger.setLevel(logging.CRITICAL)
        stack.callback(logger.setLevel, level)
        site.new_process()
        stack.callback(_leave, site)
        yield site


def _leave(site: Site) -> None:
    site.new_process()
    for made in (_wiring._environment, _wiring._connection):
        made.cache_clear()


@contextmanager
def _played(site: Site, environment: Mapping[str, str]) -> Iterator[None]:
    """Let the real composition root take our clock, our chance and our providers; all processes share SDK clients."""
    for made in (_wiring._environment, _wiring._connection):
        made.cache_clear()
    clients = Clients(
        region=environment["AWS_REGION"],
        sockets_endpoint=environment["SOCKETS_ENDPOINT"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
    )
    with (
        patch.object(_wiring, "now_ms", lambda: site.state.now_ms),
        patch.object(_wiring, "draw", lambda: f"{site.state.chance.getrandbits(64):016x}"),
        patch("throughline.aws.clients.Clients", lambda **_: clients),
        patch("throughline.channels.http.UrllibHttp", lambda **_: site.http),
        patch("throughline.telemetry.PowertoolsTelemetry", lambda *_: FakeTelemetry()),
    ):
        yield


def _apply_demo() -> None:
    """Apply the demo's configuration; only keys behind https are fetched outside `make run`."""
    from infra.configure import main

    with TemporaryDirectory() as directory, redirect_stdout(io.StringIO()):
        configuration = Path(directory) / "demo.yaml"
        configuration.write_text(DEMO.read_text(encoding="utf-8").replace(LOCAL_ISSUER, ISSUER), encoding="utf-8")
        refused = main(["apply", str(configuration), "--stage", STAGE])
    if refused:
        raise RuntimeError("the demo's configuration was refused")
