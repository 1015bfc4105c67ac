"""A client process of the races: real functions, flows and stores; clock, timers and screens are its parent's."""

import json
import os
import random
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.chaos._race_mishaps import Chances

if TYPE_CHECKING:
    from throughline.domain.configuration import Configuration
    from throughline.domain.identifiers import ConnectionId

HOME_KEY = "a key that is never rotated"
REGION = "us-east-1"
HELD_S = 0.4
WAIT_SHARE = 0.02  # of every wait between two tries, so that a run is made of requests and not of waiting
NEVER_MS = 10**13


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a client process is started with.

    Shared by all of them and the parent: `skew_ms`, by how much the clock is ahead; `shut`, one byte a socket; `ended`,
    which rises with every step that comes to its end.
    """

    environment: Mapping[str, str]
    configuration: "Configuration"
    seed: str
    skew_ms: Any
    shut: Any
    ended: Any


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One thing to be done by a client process: a queue's record, a client's frame, the end of a socket.

    `payload` is the body of a record or the text of a frame. `deliveries` counts from 1. `apart_s` is how long it waits
    behind what is done at the same instant. Before the request to the tables with the number `held_at` it holds its
    breath, until another one has taken its whole step.
    """

    kind: str
    payload: str
    connection: str = ""
    agent: str = ""
    deliveries: int = 0
    apart_s: float = 0.0
    held_at: int = 0
    number: int = field(default=0)


def number_of(connection: str) -> int:
    """Return which byte says whether a socket is shut."""
    return int(connection.rpartition("-")[2])


def work(pipe: Pipe, setup: Setup) -> None:
    """Do jobs until the pipe is closed. What happens on the way is told through it, each thing once and at once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update({**setup.environment, "POWERTOOLS_LOG_LEVEL": "CRITICAL"})
    doing = _Worker(pipe, setup)
    pipe.send(("ready",))
    while True:
        try:
            job, chances, start_s = pipe.recv()
        except EOFError:
            return
        pipe.send(doing.do(job, chances, start_s))


class _Timers:
    def __init__(self, pipe: Pipe, clock: Callable[[], int]) -> None:
        self._pipe = pipe
        self._clock = clock

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        """Hand a timer to the parent: durable when this returns, whatever becomes of this process."""
        self._pipe.send(("timer", dict(work), self._clock() + max(0, round(delay_s * 1000))))

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Nothing is handed out by a queue here."""
        raise AssertionError(f"nobody was given {receipt} to put off by {delay_s} s")


class _Records:
    """A queue that hands everything to the parent, which forgets at once what it had before: nothing is one job."""

    def __init__(self, pipe: Pipe, kind: str) -> None:
        self._pipe = pipe
        self._kind = kind

    def put(self, job: Mapping[str, Any], *, group: str, dedup: str) -> None:
        """Hand a job to the parent: durable when this returns."""
        del group, dedup
        self._pipe.send(("record", self._kind, dict(job)))

    def put_all(self, jobs: Sequence[tuple[Mapping[str, Any], str, str]]) -> None:
        """Hand over several."""
        for job, group, dedup in jobs:
            self.put(job, group=group, dedup=dedup)

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """No provider is away here."""
        raise AssertionError(f"nobody puts off {receipt} by {delay_s} s")


class _Screens:
    def __init__(self, pipe: Pipe, shut: Any) -> None:
        self._pipe = pipe
        self._shut = shut

    def post(self, connection: "ConnectionId", frame: Mapping[str, Any]) -> bool:
        """Hand a frame to the parent, who plays everybody at a screen."""
        if self._shut[number_of(connection)]:
            return False
        self._pipe.send(("frame", connection, json.loads(json.dumps(frame))))
        return True


class _Worker:
    """Everything is imported here, in the child, once it knows where its tables are."""

    def __init__(self, pipe: Pipe, setup: Setup) -> None:
        from functions import agents, inbound, outbound, timers
        from functions._wiring import draw, use_world
        from tests.chaos._race_mishaps import Mishaps
        from tests.chaos._taken_out import take_out
        from tests.fakes.blobs import FakeBlobs
        from tests.fakes.intake import FakeIntake
        from tests.fakes.jobs import FakeJobs
        from tests.fakes.secrets import FakeSecrets
        from tests.fakes.settings import FakeSettings
        from tests.fakes.telemetry import FakeTelemetry
        from tests.fakes.world import NoHttp
        from tests.tables import tables_of
        from throughline.channels import CHANNELS
        from throughline.ports import World
        from throughline.store._table import ATTEMPTS, connect
        from throughline.store.connections import DynamoConnections
        from throughline.store.customers import DynamoCustomers
        from throughline.store.routing import DynamoRouting
        from throughline.store.threads import DynamoThreads

        self._take_out, self._undo = take_out, take_out("")
        self._pause = time.sleep
        patch("time.sleep", lambda seconds: self._pause(seconds * WAIT_SHARE)).start()
        self._setup = setup
        self._pipe = pipe
        connection = connect()
        draws = random.Random(setup.seed)
        self._mishaps = Mishaps(connection.client, draws, self._tell_mishap, tries=ATTEMPTS, pause=self._pause)
        self._mishaps.hold = self._hold
        tables = tables_of(connection, setup.environment["STAGE"])
        self.world = World(
            threads=DynamoThreads(tables.threads),
            customers=DynamoCustomers(tables.customers),
            routing=DynamoRouting(tables.routing, tables.threads, clock=self._now_ms),
            connections=DynamoConnections(tables.routing),
            intake=FakeIntake(),
            settings=FakeSettings(setup.configuration),
            timers=_Timers(pipe, self._now_ms),
            inbound=_Records(pipe, "inbound"),
            outbound=_Records(pipe, "outbound"),
            media=FakeJobs(),
            sockets=_Screens(pipe, setup.shut),
            blobs=FakeBlobs(),
            secrets=FakeSecrets({"home-key": HOME_KEY}),
            telemetry=FakeTelemetry(),
            channels=CHANNELS,
            http=NoHttp(),
            clock=self._now_ms,
            draw=draw,
            public_url="https://races.test",
        )
        use_world(self.world)
        self._watch_errors()
        self._do: Mapping[str, Callable[[Job], bool]] = {
            "inbound": lambda job: self._record(inbound.process_inbound, job),
            "outbound": lambda job: self._record(outbound.process_outbound, job),
            "timers": lambda job: self._record(timers.process_timers, job),
            "rule": self._work_without,
            "connect": self._connect,
            "message": lambda job: self._socket(agents.message, job),
            "disconnect": lambda job: self._socket(agents.disconnect, job),
        }

    def do(self, job: Job, chances: Chances, start_s: float) -> tuple[str, bool, list[str]]:
        """Return whether the job was done, and what was written on the way."""
        self._mishaps.chances, self._mishaps.history, self._mishaps.held_at = chances, [], job.held_at
        while (left_s := start_s + job.apart_s - time.monotonic()) > 0:
            self._pause(max(0.0, left_s - 0.001))
        well = self._is_done(job)
        self._setup.ended.value += 1
        return "done", well, self._mishaps.history

    def _is_done(self, job: Job) -> bool:
        """Do it; what opens and ends sockets has nobody to whom it could answer that a table is away."""
        from throughline.domain.errors import StoreUnavailableError

        try:
            return self._do[job.kind](job)
        except StoreUnavailableError:
            return False

    def _hold(self) -> None:
        """Hold one's breath until another one has taken its whole step, or there seems to be nobody else."""
        ended, end_s = self._setup.ended.value, time.monotonic() + HELD_S
        while self._setup.ended.value == ended and time.monotonic() < end_s:
            self._pause(0.001)

    def _work_without(self, job: Job) -> bool:
        self._undo.close()
        self._undo = self._take_out(job.payload)
        return True

    def _record(self, function: Callable[..., Any], job: Job) -> bool:
        from infra.local.events import queue_event

        message = {
            "MessageId": f"record-{job.number}",
            "ReceiptHandle": f"receipt-{job.number}-{job.deliveries}",
            "Body": job.payload,
            "MD5OfBody": "",
            "Attributes": {
                "ApproximateReceiveCount": str(job.deliveries),
                "SentTimestamp": str(self._now_ms()),
                "MessageGroupId": f"group-{job.number}",
            },
        }
        arn = f"arn:aws:sqs:{REGION}:000000000000:{job.kind}"
        return not function(queue_event([message], queue_arn=arn, region=REGION), None)["batchItemFailures"]

    def _connect(self, job: Job) -> bool:
        from tests.chaos._race_people import visitor
        from throughline.domain.identifiers import ConnectionId
        from throughline.domain.rights import Role
        from throughline.ports import Connection

        visits = visitor(job.agent) if job.agent.startswith("visitor:") else None
        self.world.connections.add_connection(
            Connection(
                connection_id=ConnectionId(job.connection),
                subject=job.agent,
                role=Role.VISITOR if visits else Role.AGENT,
                expires_ms=NEVER_MS,
                visitor=visits,
            )
        )
        return True

    def _socket(self, function: Callable[..., Any], job: Job) -> bool:
        from infra.local.events import Peer, disconnect_event, message_event

        peer = Peer(
            connection_id=job.connection,
            connected_ms=0,
            source_ip="127.0.0.1",
            user_agent="races",
            domain="races.test",
        )
        name, now_ms = f"{job.number}", self._now_ms()
        if job.kind == "message":
            event = message_event(peer, job.payload, message_id=name, request_id=name, now_ms=now_ms)
        else:
            event = disconnect_event(peer, 1001, "gone", request_id=name, now_ms=now_ms)
        return bool(function(event, None)["statusCode"] == 200)

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + int(self._setup.skew_ms.value)

    def _tell_mishap(self, kind: str, request: str) -> None:
        self._pipe.send(("mishap", kind, request))

    def _watch_errors(self) -> None:
        """Tell the parent of every error that nobody meant to raise; the functions would only log it."""
        from functions import _edges
        from throughline.domain.errors import ThroughlineError

        def log(error: Exception, **_: Any) -> None:
            if not isinstance(error, ThroughlineError):
                import traceback

                self._pipe.send(("error", "".join(traceback.format_exception(error)[-6:])))

        patch.object(_edges, "_log", log).start()
