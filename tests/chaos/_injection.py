"""What can go wrong with one request to AWS, made to happen inside the SDK, where the real thing happens.

botocore tells of every call before it makes it (`before-call`), and of every attempt to send it (`before-send`). A
fault is injected into every attempt of one call, so that the SDK's own retries take part and still our code meets it;
only `LOST_ONCE` is healed by the SDK, which then makes the call a second time. No client waits between its attempts.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS
from botocore.httpsession import URLLib3Session

from tests.chaos._aws_answers import TRANSACTION, conflicting, throttled


class Fault(StrEnum):
    """What becomes of one call, or (`TWICE`, `REDRIVEN`) of a whole delivery. The value is its name in a sentence."""

    REFUSED = "throttled"
    LOST = "answer lost"
    LOST_ONCE = "answer lost once"
    CONFLICT = "transaction conflict"
    CONFLICT_ONCE = "transaction conflict once"
    IN_PROGRESS = "transaction in progress"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    KILLED_FORGOTTEN = "killed after, redriven"
    KILLED_ALONE = "killed after, client gone"
    BESIDE = "another worker just before"
    TWICE = "delivered twice"
    REDRIVEN = "delivered twice, redriven"


KILLS = {Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.KILLED_FORGOTTEN, Fault.KILLED_ALONE}
DELIVERIES = {Fault.TWICE, Fault.REDRIVEN}  # of the whole: there is no call they belong to
_ONCE = {Fault.LOST_ONCE, Fault.CONFLICT_ONCE}
_CONFLICTS = {Fault.CONFLICT, Fault.CONFLICT_ONCE, Fault.IN_PROGRESS}
_LASTING = {Fault.CONFLICT, Fault.IN_PROGRESS}
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


class KilledError(BaseException):
    """The process was killed: nothing in it runs on, and nothing in it may catch this."""


def applies(fault: Fault, call: str) -> bool:
    """Return whether a fault can befall a call, written ``service.Operation``."""
    operation = call.partition(".")[2]
    if fault is Fault.IN_PROGRESS:
        return operation == TRANSACTION
    if fault in _CONFLICTS:
        return operation == TRANSACTION or operation in _WRITES
    return fault not in DELIVERIES


class Injector:
    """Listens to every call of every botocore client made inside `attached`.

    `answer` may answer a request in place of AWS (service, request → response or None), `rewrite` may change a call's
    parameters (call, parameters → parameters), `told` hears of every attempt that reached AWS.
    """

    def __init__(
        self,
        *,
        answer: Callable[[str, Any], AWSResponse | None],
        rewrite: Callable[[str, dict[str, Any]], dict[str, Any]],
        told: Callable[[str], None],
    ) -> None:
        self._answer, self._rewrite, self._told = answer, rewrite, told
        self._session = URLLib3Session()
        self._watching = False
        self._at = 0
        self._fault: Fault | None = None
        self._other: Callable[[], object] | None = None
        self._attempts = 0
        self._met = False
        self.calls: list[str] = []
        self.dead = False
        self.injected = 0

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Listen to the clients that are made inside the block, and let nobody in it wait between attempts."""
        handlers: list[Any] = [
            ("provide-client-params.*.*", self._parameters),
            ("before-call.*.*", self._called),
            ("before-send.*.*", self._sent),
        ]
        BUILTIN_HANDLERS.extend(handlers)
        impatient = SimpleNamespace(time=time.time, sleep=lambda _: None)
        try:
            with (
                patch.object(botocore.endpoint, "time", impatient),
                patch("throughline.store._table._wait", lambda: None),
            ):
                yield
        finally:
            for handler in handlers:
                BUILTIN_HANDLERS.remove(handler)

    @contextmanager
    def watching(
        self, at: int = 0, fault: Fault | None = None, other: Callable[[], object] | None = None
    ) -> Iterator[None]:
        """List the calls of one process in `calls`; let `fault` befall the one of that number, the first being 1.

        `other` is what happens `BESIDE`. The process may die inside the block: it ends quietly, with `dead` set.
        """
        self.calls, self._at, self._fault, self._other = [], at, fault, other
        self.dead, self._met, self._watching = False, False, True
        try:
            yield
        except KilledError:
            self.dead = True
        finally:
            self._watching = False

    def require_alive(self) -> None:
        """Let a dead process do nothing more: its `finally` blocks never run."""
        if self._watching and self.dead:
            raise KilledError

    # ------------------------------------------------------------ what botocore tells

    def _parameters(self, params: dict[str, Any], model: Any, **_: Any) -> dict[str, Any]:
        return self._rewrite(_name(model), params)

    def _called(self, model: Any, **_: Any) -> None:
        self.require_alive()
        if not self._watching:
            return
        self.calls.append(_name(model))
        self._attempts = 0
        if not self._is_the_one():
            return
        if self._fault is Fault.KILLED_BEFORE:
            self._die()
        if self._fault is Fault.BESIDE and self._other:
            self._count()
            self._watching = False
            self._other()
            self._watching = True

    def _sent(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        service, operation = event_name.split(".")[1:]
        if not self._watching or not self._is_the_one() or self._fault is Fault.BESIDE:
            self._told(self._call(service, operation))
            return self._answer(service, request)
        self._attempts += 1
        if self._attempts > 1 and self._fault in _ONCE:
            self._told(self._call(service, operation))
            return self._answer(service, request)
        return self._befall(service, operation, request)

    def _befall(self, service: str, operation: str, request: Any) -> AWSResponse | None:
        fault = self._fault
        if fault is Fault.REFUSED:
            self._count()
            return throttled(service)
        if fault in _CONFLICTS:
            self._count()
            return conflicting(operation, in_progress=fault is Fault.IN_PROGRESS)
        self._told(self._call(service, operation))
        response = self._answer(service, request) or self._session.send(request)
        if fault in KILLS:
            self._die()
        del response
        self._count()
        raise ReadTimeoutError(endpoint_url=request.url)

    def _is_the_one(self) -> bool:
        if self._fault in _LASTING and len(self.calls) > self._at:
            return len(set(self.calls[self._at - 1 :])) == 1  # the store tries again, by a new call
        return self._fault is not None and len(self.calls) == self._at

    def _die(self) -> None:
        self._count()
        self.dead = True
        raise KilledError

    def _count(self) -> None:
        self.injected += not self._met
        self._met = True

    @staticmethod
    def _call(service: str, operation: str) -> str:
        return f"{service}.{operation}"


def _name(model: Any) -> str:
    return f"{model.service_model.service_name}.{model.name}"
