"""The doors of the local stack over stand-in functions, served for real on a loopback port."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from infra.local.application import application, edge_routes
from infra.local.deployed import Deployment, Sockets
from infra.local.http_edge import HttpEdge
from infra.local.invocation import Function, Handler
from infra.local.open_connections import OpenConnections
from infra.local.server import LOOPBACK, Server, bind, port_of
from infra.local.socket_edge import Limits, SocketEdge

WAIT_S = 30.0


@contextmanager
def served(routes: Sequence[BaseRoute], before_stop: Callable[[], Any] | None = None) -> Iterator[str]:
    """Serve routes from a thread of its own; yields the address."""
    door = bind(0)
    listening, stopping = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())

        async def begin() -> None:
            listening.set()

        server = Server(application(list(routes)), begin)
        serving = asyncio.create_task(server.serve(sockets=[door]))
        await stopping.wait()
        if before_stop is not None:
            await before_stop()
        server.should_exit = True
        await serving

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert listening.wait(WAIT_S)
    try:
        yield f"http://{LOOPBACK}:{port_of(door)}"
    finally:
        loops[0].call_soon_threadsafe(stopping.set)
        thread.join(WAIT_S)
        door.close()


@dataclass
class Seen:
    """A stand-in function that remembers its events and answers as it is told."""

    answers: Callable[[Mapping[str, Any]], Any] = lambda _: {"statusCode": 200}
    events: list[Any] = field(default_factory=list)
    happened: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, event: Any, _context: Any) -> Any:
        with self.happened:
            self.events.append(event)
            self.happened.notify_all()
        return self.answers(event)

    def wait(self, count: int) -> list[Any]:
        """Return the events, once there are so many."""
        with self.happened:
            assert self.happened.wait_for(lambda: len(self.events) >= count, WAIT_S), f"{len(self.events)} of {count}"
            return list(self.events)


class Edge:
    """HTTP and WebSocket door over three stand-ins for sockets and one for HTTP."""

    def __init__(self, state_dir: Path, **limits: float) -> None:
        self.pool = ThreadPoolExecutor(16)
        self.http, self.connect, self.message, self.disconnect = Seen(), Seen(), Seen(), Seen()
        self.timeout_s = limits.pop("function_s", 20.0)
        self.file = state_dir / "connections.log"
        self.limits = Limits(**limits)
        self.routes: dict[str, frozenset[str]] = {}
        self.binary_types: list[str] = []

    def function(self, name: str, handler: Handler) -> Function:
        return Function(name=name, handler=handler, timeout_s=self.timeout_s, pool=self.pool)

    def deployment(self) -> Deployment:
        return Deployment(
            http=self.function("api_handler", self.http),
            routes=self.routes,
            preflight={},
            binary_types=self.binary_types,
            sockets=self.sockets(),
            queues=(),
            schedules=(),
        )

    def sockets(self) -> Sockets:
        return Sockets(
            connect=self.function("connect", self.connect),
            message=self.function("message", self.message),
            disconnect=self.function("disconnect", self.disconnect),
        )

    @contextmanager
    def open(self) -> Iterator[str]:
        """Serve it; yields the address."""
        http = HttpEdge(self.deployment(), timeout_s=self.limits.integration_s)
        with closing(OpenConnections(self.file)) as known:
            self.edge = SocketEdge(self.sockets(), known, limits=self.limits)
            with served(edge_routes(http, self.edge), before_stop=partial(self.edge.close_all, within_s=WAIT_S)) as url:
                yield url
        self.pool.shutdown(cancel_futures=True)
