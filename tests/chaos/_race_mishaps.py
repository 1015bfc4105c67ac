"""What goes wrong on the way between a client process and the tables, drawn for every request."""

import json
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from tests.chaos._aws_answers import conflicting, throttled

WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
MAX_WORDS = 260  # characters of a request that are kept for the history


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """How often a request meets what, each from 0 to 1; together they stay well below 1.

    `killed` ends the process with SIGKILL, half of the times before the request and half of them after it took effect.
    `lost` is the reply to a request that took effect. `conflict` is TransactionConflict, to writes. `throttled` is the
    table that refuses. `away` is a table that does not answer for all the tries of one request, so that a step fails.
    `slow` is a request that is long on its way, up to `SLOW_S`: no mishap, but what brings others in between.
    """

    killed: float = 0.0
    lost: float = 0.0
    conflict: float = 0.0
    throttled: float = 0.0
    away: float = 0.0
    slow: float = 0.0


NOTHING = Chances()
SLOW_S = 0.04


class Mishaps:
    """Stands between a DynamoDB client and the network. `chances` may be changed at any time.

    `tell` is given the kind of each mishap before it happens. `history` has what was written, and how it ended.
    """

    def __init__(
        self,
        client: Any,
        draws: random.Random,
        tell: Callable[[str, str], None],
        *,
        tries: int,
        pause: Callable[[float], None],
    ) -> None:
        self.chances = NOTHING
        self.history: list[str] = []
        self.held_at = 0  # the number of the request before which `hold` is called; 0 is none
        self.hold: Callable[[], None] = lambda: None
        self._send = client._endpoint.http_session.send
        self._draws = draws
        self._tell = tell
        self._tries = tries
        self._pause = pause
        self._away = 0
        self._words = ""
        client.meta.events.register("before-send.dynamodb", self._meet)
        client.meta.events.register("response-received.dynamodb", self._note)

    def _meet(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        operation = event_name.rpartition(".")[2]
        self._words = _words(operation, request.body) if operation in WRITES else ""
        self.held_at -= 1
        if self.held_at == 0:
            self.hold()
        elif self._draws.random() < self.chances.slow:
            self._pause(self._draws.random() * SLOW_S)
        kind = self._kind(operation)
        if kind is None:
            return None
        self._tell(kind, f"{operation} {self._words}")
        match kind:
            case "killed before":
                os.kill(os.getpid(), signal.SIGKILL)
            case "killed after":
                self._send(request)
                os.kill(os.getpid(), signal.SIGKILL)
            case "lost":
                self._send(request)
                raise ConnectionClosedError(endpoint_url=request.url)
            case "away":
                raise ConnectionClosedError(endpoint_url=request.url)
            case "conflict":
                parts = len(json.loads(request.body).get("TransactItems", ()))
                return conflicting(operation, parts=parts)
        return throttled("dynamodb")

    def _kind(self, operation: str) -> str | None:
        if self._away:
            self._away -= 1
            return "away"
        chances, drawn = self.chances, self._draws.random()
        for kind, chance in self._scale(operation, chances):
            drawn -= chance
            if drawn < 0:
                self._away = self._tries - 1 if kind == "away" else 0
                return kind
        return None

    @staticmethod
    def _scale(operation: str, chances: Chances) -> Iterator[tuple[str, float]]:
        yield "killed before", chances.killed / 2
        yield "killed after", chances.killed / 2
        yield "lost", chances.lost
        yield "throttled", chances.throttled
        yield "away", chances.away
        if operation in WRITES:
            yield "conflict", chances.conflict

    def _note(self, parsed_response: Any, exception: Any, **_: Any) -> None:
        if self._words:
            code = (parsed_response or {}).get("Error", {}).get("Code") or ("lost" if exception else "done")
            self.history.append(f"{code}: {self._words}")


def _words(operation: str, body: bytes) -> str:
    """Return what a request writes, in few words."""
    asked = json.loads(body)
    parts = [part for item in asked.get("TransactItems", [{"": asked}]) for part in item.values()]
    return f"{operation} " + " AND ".join(_part(part) for part in parts)[:MAX_WORDS]


def _part(part: dict[str, Any]) -> str:
    item = {**part.get("Key", {}), **part.get("Item", {})}
    place = "/".join(next(iter(item.pop(name).values())) for name in ("pk", "sk"))
    values = {**item, **part.get("ExpressionAttributeValues", {})}
    plain = [str(next(iter(value.values()))) for value in values.values()]
    return f"{place} ({', '.join(plain)})"
