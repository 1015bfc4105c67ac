"""Moto, one call at a time. It has no locks: threads lose each other's updates and tear each other's transactions."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.botocore_stubber import BotocoreStubber
from moto.sqs.models import SQSBackend

_TURN = threading.Condition(threading.RLock())
_LOOK_AGAIN_S = 0.1  # a message becomes visible without anybody calling

WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


_installed = threading.Event()


def install() -> None:
    """Make every call to an in-process moto (`mock_aws`) atomic; safe to repeat, before or after `mock_aws`."""
    with _TURN:
        if not _installed.is_set():
            _installed.set()
            setattr(BotocoreStubber, "__call__", _one_at_a_time(BotocoreStubber.__call__))  # noqa: B010 - for mypy
            setattr(SQSBackend, "receive_message", _patient(SQSBackend.receive_message))  # noqa: B010


def serialised(application: WsgiApplication) -> WsgiApplication:
    """Make every request to moto's server atomic."""
    install()
    return _one_at_a_time(application)


def _one_at_a_time(call: Callable[..., Any]) -> Callable[..., Any]:
    def in_turn(*arguments: Any, **named: Any) -> Any:
        with _TURN:
            result = call(*arguments, **named)
            _TURN.notify_all()
            return result

    return in_turn


def _patient(receive: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """Wait for messages outside moto: inside, it would keep everybody out, and forget which groups are in flight."""

    def receive_message(
        backend: SQSBackend, queue_name: str, count: int, wait_seconds_timeout: int, *rest: Any, **named: Any
    ) -> list[Any]:
        deadline = time.monotonic() + wait_seconds_timeout
        with _TURN:
            while True:
                found = receive(backend, queue_name, count, 0, *rest, **named)
                remaining_s = deadline - time.monotonic()
                if found or remaining_s <= 0:
                    return found
                _TURN.wait(min(remaining_s, _LOOK_AGAIN_S))

    return receive_message
