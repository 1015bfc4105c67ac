"""What the command touches of a deployed stage: its settings table, its timers queue, its parameters."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import botocore.session

from throughline.aws.clients import Clients, translated
from throughline.aws.queues import SqsTimers
from throughline.domain.errors import ConfigurationError
from throughline.ports import Timers
from throughline.store._table import Table, connect
from throughline.store.due_timers import DynamoDueTimers
from throughline.store.settings import DynamoConfigurations

_AT_ONCE = 10  # names in one GetParameters


class SsmParameters:
    """The encrypted parameters of a stage. Values go in; they never come out here."""

    def __init__(self, clients: Clients, prefix: str) -> None:
        self._clients = clients
        self._prefix = prefix

    def put(self, name: str, value: str) -> None:
        """Set a value; functions see it within five minutes. One PutParameter."""
        with translated(f"writing parameter {self._prefix}/{name}"):
            self._clients.ssm.put_parameter(
                Name=f"{self._prefix}/{name}", Value=value, Type="SecureString", Overwrite=True
            )

    def put_first(self, name: str, value: str) -> bool:
        """Set a value unless there is one; return whether it was set. One PutParameter."""
        ssm = self._clients.ssm
        with translated(f"writing parameter {self._prefix}/{name}"):
            try:
                ssm.put_parameter(Name=f"{self._prefix}/{name}", Value=value, Type="SecureString", Overwrite=False)
            except ssm.exceptions.ParameterAlreadyExists:
                return False
            return True

    def missing(self, names: Iterable[str]) -> Sequence[str]:
        """Return those of `names` that have no value yet; one GetParameters for ten."""
        wanted = sorted({f"{self._prefix}/{name}" for name in names})
        unset = [name for part in _tens(wanted) for name in self._unset(part)]
        return [name.removeprefix(f"{self._prefix}/") for name in unset]

    def _unset(self, parameters: Sequence[str]) -> Sequence[str]:
        with translated("looking for parameters"):
            return self._clients.ssm.get_parameters(Names=list(parameters))["InvalidParameters"]


def _tens(names: Sequence[str]) -> Iterator[Sequence[str]]:
    yield from (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage as the command reaches it."""

    name: str
    configurations: DynamoConfigurations
    timers: Timers
    parameters: SsmParameters

    @classmethod
    def open(cls, name: str) -> Self:
        """Return the stage `name` in the account, region and endpoint that the environment names. One request.

        Raises:
            ConfigurationError: no region is named, or there is no such stage there.
        """
        clients = Clients(region=find_region(), endpoint_url=os.environ.get("AWS_ENDPOINT_URL", ""))
        with translated(f"looking for the queue of timers of stage {name}"):
            queue_url = clients.sqs.get_queue_url(QueueName=f"throughline-{name}-timers")["QueueUrl"]
        connection = connect()
        far = DynamoDueTimers(Table(connection, f"throughline-{name}-routing"))
        return cls(
            name=name,
            configurations=DynamoConfigurations(Table(connection, f"throughline-{name}-settings")),
            timers=SqsTimers(clients, queue_url, far=far.put, clock=now_ms),
            parameters=SsmParameters(clients, f"/throughline/{name}"),
        )


def find_region() -> str:
    """Return the region, and settle it: the tables' connection would fall back on a region of its own.

    Raises:
        ConfigurationError: none is named.
    """
    region = os.environ.get("AWS_REGION") or botocore.session.get_session().get_config_variable("region")
    if not region:
        raise ConfigurationError("no region is named; set AWS_REGION")
    return os.environ.setdefault("AWS_REGION", str(region))


def now_ms() -> int:
    """Return the time, in epoch milliseconds."""
    return time.time_ns() // 1_000_000
