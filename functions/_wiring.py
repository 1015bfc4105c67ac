"""The composition root: introduces the flows to AWS, once in the life of a process, when they are first asked for.

Everything is imported where it is needed, so that importing a function's module stays cheap.
"""

import json
import os
import secrets
import time
from functools import cache
from typing import TYPE_CHECKING

from throughline.flows.signing_keys import SigningKeys, fetch_keys_over
from throughline.ports import World

if TYPE_CHECKING:
    from pynamodb.connection.base import Connection

    from throughline.settings import Environment
    from throughline.store._table import Table
    from throughline.store.due_timers import DynamoDueTimers

_chosen: list[World] = []


def world() -> World:
    """Return the world of this process.

    Raises:
        ConfigurationError: an environment variable is missing.
    """
    return _chosen[0] if _chosen else _deployed()


def use_world(chosen: World | None) -> None:
    """Let every function of this process work on `chosen`, or on AWS again. For tests."""
    _chosen[:] = [chosen] if chosen else []
    signing_keys.cache_clear()


@cache
def signing_keys() -> SigningKeys:
    """Return the keys of those whose tokens we accept, as this process knows them."""
    return SigningKeys(fetch_keys_over(world().http), world().clock)


def socket_url() -> str:
    """Return the address at which the WebSocket is opened."""
    return _environment().sockets_endpoint.replace("http", "ws", 1)


def max_webhook_bytes() -> int:
    """Return how many bytes the body of a webhook may have."""
    return _environment().max_webhook_bytes


def apart_s() -> int:
    """Return after how many seconds a record comes back surely later than the others of its batch."""
    return 2 * _environment().queue_visibility_s


def release_due_timers() -> None:
    """Hand the far timers that come due within minutes on to the queue."""
    from throughline.flows.release_due import release_due

    release_due(_due_timers(), world().timers, world().clock())


def now_ms() -> int:
    """Return the present instant in epoch milliseconds."""
    return time.time_ns() // 1_000_000


def draw() -> str:
    """Return 16 random hex digits."""
    return secrets.token_hex(8)


@cache
def _environment() -> "Environment":
    from throughline.settings import Environment

    return Environment.read(os.environ)


@cache
def _connection() -> "Connection":
    from throughline.store._table import connect

    return connect()


def _table(name: str) -> "Table":
    from throughline.store._table import Table

    return Table(_connection(), name)


@cache
def _due_timers() -> "DynamoDueTimers":
    from throughline.store.due_timers import DynamoDueTimers

    return DynamoDueTimers(_table(_environment().routing_table))


@cache
def _deployed() -> World:
    return world_of(_environment())


def world_of(stage: "Environment") -> World:
    """Return the world of a stage; nothing in it is asked before it is used."""
    from throughline.aws.blobs import S3Blobs
    from throughline.aws.clients import Clients
    from throughline.aws.queues import SqsJobs, SqsTimers
    from throughline.aws.secrets import SsmSecrets
    from throughline.aws.sockets import ApiGatewaySockets
    from throughline.channels import CHANNELS
    from throughline.channels.http import UrllibHttp
    from throughline.store.connections import DynamoConnections
    from throughline.store.customers import DynamoCustomers
    from throughline.store.due_timers import DynamoDueTimers
    from throughline.store.intake import DynamoIntake
    from throughline.store.routing import DynamoRouting
    from throughline.store.settings import DynamoSettings
    from throughline.store.threads import DynamoThreads
    from throughline.telemetry import PowertoolsTelemetry

    clients = Clients(
        region=stage.aws_region, sockets_endpoint=stage.sockets_endpoint, endpoint_url=stage.aws_endpoint_url
    )
    threads, routing = _table(stage.threads_table), _table(stage.routing_table)
    blobs = S3Blobs(clients, stage.blobs_bucket)
    return World(
        threads=DynamoThreads(threads),
        customers=DynamoCustomers(_table(stage.customers_table)),
        routing=DynamoRouting(routing, threads, clock=now_ms),
        connections=DynamoConnections(routing),
        intake=DynamoIntake(routing),
        settings=DynamoSettings(_table(stage.settings_table), clock=now_ms),
        timers=SqsTimers(clients, stage.timers_queue_url, far=DynamoDueTimers(routing).put, clock=now_ms),
        inbound=SqsJobs(clients, stage.inbound_queue_url, blobs),
        outbound=SqsJobs(clients, stage.outbound_queue_url, blobs),
        media=SqsJobs(clients, stage.media_queue_url, blobs),
        sockets=ApiGatewaySockets(clients),
        blobs=blobs,
        secrets=SsmSecrets(clients, stage.secrets_prefix, clock=now_ms),
        telemetry=PowertoolsTelemetry(stage.metrics_namespace),
        channels=CHANNELS,
        # Only the stack on one machine has stand-ins for the providers.
        http=UrllibHttp(rewrites=json.loads(os.environ.get("PROVIDER_BASES") or "{}")),
        clock=now_ms,
        draw=draw,
        public_url=stage.public_url,
    )
