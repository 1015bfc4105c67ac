"""EventBridge: functions that are called every so often, the first time when that time has passed once."""

import threading
import time
import uuid
from contextlib import suppress

from infra.local import events
from infra.local.deployed import Schedule
from infra.local.invocation import FunctionError


class Metronome:
    """A thread that calls one scheduled function until it is told to stop."""

    def __init__(self, schedule: Schedule, region: str) -> None:
        self._schedule = schedule
        self._region = region
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=schedule.function.name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Call it no more. Returns at once; `join` waits."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait until the call under way is done."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.wait(self._schedule.every_s):
            event = events.schedule_event(
                self._schedule.function.name,
                event_id=str(uuid.uuid4()),
                region=self._region,
                now_ms=time.time_ns() // 1_000_000,
            )
            with suppress(FunctionError):  # it was logged; EventBridge does not care either
                self._schedule.function.call(event)
