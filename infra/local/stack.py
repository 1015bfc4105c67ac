"""The whole contact centre in one process, with its engine as a child: started, served, stopped in the right order."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import boto3
from botocore.config import Config
from starlette.routing import BaseRoute

from infra.configuration.own_keys import JWKS_PATH
from infra.local.application import Health, application, edge_routes, local_routes
from infra.local.centre import Centre, read_centre
from infra.local.deployed import ROOT, Deployment, load_deployment
from infra.local.desk_files import DeskFiles
from infra.local.engine import start_engine
from infra.local.events import SOCKET_STAGE
from infra.local.http_edge import HttpEdge
from infra.local.open_connections import OpenConnections
from infra.local.options import STAGE, Options
from infra.local.pollers import QueuePollers
from infra.local.resources import create_resources
from infra.local.sandbox.doors import Sandbox, provider_bases
from infra.local.sandbox.journal import Journal
from infra.local.schedules import Metronome
from infra.local.seed import seed
from infra.local.server import LOOPBACK, PortTakenError, Server, bind, port_of
from infra.local.shop_page import shop_routes
from infra.local.sign_in import SignIn, desk_configuration
from infra.local.socket_edge import SocketEdge
from infra.local.start_page import render_start_page
from infra.local.tokens import TokenIssuer

THREADS = 32
STOP_S = 5.0

log = logging.getLogger("stack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this run is found."""

    local_url: str
    public_url: str
    engine_url: str


def run(options: Options, terminal: TextIO) -> None:
    """Serve until SIGINT or SIGTERM. Nothing acknowledged is lost however it ends; call it from the main thread.

    Where to find it is told on `terminal`.

    Raises:
        PortTakenError, EngineStartError, UnusableFileError: it cannot start; the message says what to do.
    """
    door = bind(options.port)
    with door, _engine(options) as engine_url:
        local_url = f"http://{LOOPBACK}:{port_of(door)}"
        place = Place(local_url=local_url, public_url=options.public_url or local_url, engine_url=engine_url)
        os.environ.update(_environment(options, place))
        seeded = seed(options.centre_file, local_url + JWKS_PATH)
        if seeded.kept:
            log.info("configuration version %d, applied by an operator, stays in force", seeded.version)
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="function")
        asyncio.run(_serve(options, place, load_deployment(pool, STAGE), door, terminal))
        pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _engine(options: Options) -> Iterator[str]:
    if options.engine_url:
        yield options.engine_url
        return
    state_dir = options.state_dir / "engine" if options.engine == "ministack" else None
    options.state_dir.mkdir(parents=True, exist_ok=True)
    kept, log = options.state_dir / "engine.port", options.state_dir / "engine.log"
    with start_engine(options.engine, state_dir, _free_again(kept), log_path=log) as engine:
        kept.write_text(engine.endpoint_url.rpartition(":")[2])
        yield engine.endpoint_url


def _free_again(kept: Path) -> int:
    """Return the port the engine had before, 0 if it is taken or never was: pages still open may fetch files there."""
    try:
        port = int(kept.read_text())
        bind(port).close()
    except (OSError, ValueError, PortTakenError):
        return 0
    return port


def _environment(options: Options, place: Place) -> Mapping[str, str]:
    """Return what the functions find in their environment, complete before the first of them is imported."""
    template = json.loads((ROOT / "infra/resources.json").read_text())
    os.environ.pop("AWS_PROFILE", None)  # a profile would bring credentials of its own
    return {
        **create_resources(place.engine_url, template, STAGE),
        "PUBLIC_URL": place.public_url,
        "LOG_LEVEL": options.functions_log_level,
        "QUEUE_VISIBILITY_S": str(options.polling.visibility_s),
        "SOCKETS_ENDPOINT": f"{place.local_url}/{SOCKET_STAGE}",
        "PROVIDER_BASES": options.provider_bases or json.dumps(provider_bases(place.local_url)),
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": f"{LOOPBACK},localhost",
    }


async def _serve(options: Options, place: Place, deployment: Deployment, door: socket.socket, terminal: TextIO) -> None:
    centre = read_centre(options.centre_file)
    sockets = SocketEdge(deployment.sockets, OpenConnections(options.state_dir / "connections.log"))
    journal = Journal(None if options.engine == "moto" else options.state_dir / "sandbox.log")
    sandbox = Sandbox(
        centre,
        journal,
        public_url=place.public_url,
        local_url=place.local_url,
        pace_s=options.receipts_pace_s,
    )
    workers = _workers(deployment, options, place)
    health = Health(public_url=place.public_url, engine=options.engine, engine_url=place.engine_url, stage=STAGE)
    routes = [*_local(options, place, centre, health), *sandbox.routes(), *edge_routes(HttpEdge(deployment), sockets)]

    async def begin() -> None:
        await sockets.mourn()
        for worker in workers:
            worker.start()
        health.ready = True
        print(_announcement(place, options), file=terminal, flush=True)

    server = Server(application(routes), begin)
    stopping = _on_signal()
    serving = asyncio.create_task(server.serve(sockets=[door]))
    await asyncio.wait([serving, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED)
    health.ready = False
    sandbox.close()
    await _finish(workers, sockets)
    server.should_exit = True
    await serving


async def _finish(workers: list[QueuePollers | Metronome], sockets: SocketEdge) -> None:
    """Take no more work, tell the agents, and let what is under way come to its end; the functions still answer."""
    for worker in workers:
        worker.stop()
    await sockets.close_all(within_s=STOP_S)
    await asyncio.to_thread(_join, workers)


def _local(options: Options, place: Place, centre: Centre, health: Health) -> list[BaseRoute]:
    tokens = TokenIssuer(centre.issuer, options.state_dir / "token-key.pem") if centre.issuer else None
    engine = f"{options.engine} at {place.engine_url}"
    page = render_start_page(centre, local_url=place.local_url, public_url=place.public_url, engine=engine)
    sign_in = SignIn(centre, centre.issuer, tokens).routes() if centre.issuer and tokens else []
    desk = DeskFiles(ROOT / "desk/dist", desk_configuration(centre.issuer), files_origin=place.engine_url)
    shop = shop_routes(centre, files_origin=place.engine_url)
    return [*local_routes(health, tokens, page), *sign_in, *desk.routes(), *shop]


def _workers(deployment: Deployment, options: Options, place: Place) -> list[QueuePollers | Metronome]:
    region = os.environ["AWS_REGION"]
    config = Config(max_pool_connections=64)
    sqs = boto3.client("sqs", endpoint_url=place.engine_url, region_name=region, config=config)
    return [
        *(QueuePollers(sqs, source, region, options.polling) for source in deployment.queues),
        *(Metronome(schedule, region) for schedule in deployment.schedules),
    ]


def _join(workers: list[QueuePollers | Metronome]) -> None:
    for worker in workers:
        worker.join(STOP_S)


def _on_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


def _announcement(place: Place, options: Options) -> str:
    keeps = f"everything is kept in {options.state_dir}" if options.engine == "ministack" else "nothing is kept"
    return (
        f"Throughline is ready at {place.local_url} (engine {options.engine}; {keeps})\n"
        f"  start page   {place.local_url}/\n"
        f"  desk         {place.local_url}/desk/\n"
        f"  web chat     {place.local_url}/shop/\n"
        f"  webhooks     {place.public_url}/webhooks/<channel>/<account>\n"
        f"  agents       {place.local_url.replace('http', 'ws', 1)}/{SOCKET_STAGE}\n"
        f"  sandbox      {place.local_url}/sandbox/sent\n"
        f"  AWS engine   {place.engine_url}\n"
        f"  functions    {options.functions_log or 'standard output'}\n"
        "Ctrl-C stops it."
    )
