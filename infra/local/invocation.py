"""Calling a function the way Lambda does: JSON in, JSON out, a context, a time limit, and no error that escapes."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

MEMORY_MB = 512

log = logging.getLogger("stack")

Handler = Callable[[Any, Any], Any]


class FunctionError(Exception):
    """The function raised, or returned something that is no JSON."""


class FunctionTimeoutError(FunctionError):
    """The function did not come back in time."""


class Context:
    """What Lambda tells a function about its call."""

    function_version = "$LATEST"
    memory_limit_in_mb = MEMORY_MB
    log_stream_name = "local"

    def __init__(self, function_name: str, timeout_s: float) -> None:
        self.function_name = function_name
        self.invoked_function_arn = f"arn:aws:lambda:local:000000000000:function:{function_name}"
        self.log_group_name = f"/aws/lambda/{function_name}"
        self.aws_request_id = str(uuid.uuid4())
        self._deadline_s = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still take."""
        return max(0, int((self._deadline_s - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One deployed function, where it runs and how long it may take.

    A thread cannot be ended from outside: a call that overstays goes on unheard, as in a container that Lambda gave up.
    """

    name: str
    handler: Handler
    timeout_s: float
    pool: Executor

    def call(self, event: Any) -> Any:
        """Call it and wait.

        Raises:
            FunctionError: it raised, or took too long.
        """
        future = self.pool.submit(self._run, event)
        try:
            return future.result(self.timeout_s)
        except TimeoutError:
            raise self._too_late(self.timeout_s) from None

    async def answer(self, event: Any, *, within_s: float) -> Any:
        """Call it and wait on the event loop, no longer than the caller has time.

        Raises:
            FunctionError: it raised, or took too long.
        """
        patience_s = min(within_s, self.timeout_s)
        future = self.pool.submit(self._run, event)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), patience_s)
        except TimeoutError:
            raise self._too_late(patience_s) from None

    def _run(self, event: Any) -> Any:
        context = Context(self.name, self.timeout_s)
        try:
            return json.loads(json.dumps(self.handler(json.loads(json.dumps(event)), context)))
        except Exception as error:  # the runtime around a function has to survive whatever it raises
            log.exception("%s failed (request %s)", self.name, context.aws_request_id)
            raise FunctionError(f"{self.name}: {type(error).__name__}") from error

    def _too_late(self, patience_s: float) -> FunctionTimeoutError:
        log.error("%s did not come back within %g s", self.name, patience_s)
        return FunctionTimeoutError(self.name)
