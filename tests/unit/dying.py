"""Processes that die, and steps that come between: at any request to AWS that a step makes."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from throughline.ports import World

PORTS = ("threads", "routing", "customers", "timers", "connections", "inbound", "media", "sockets")


class DiedError(BaseException):
    """The process was killed."""


class Fate:
    """What becomes of the requests a world makes; nothing, until one of the methods is used. `requests` names them."""

    def __init__(self, world: World) -> None:
        self.requests: list[str] = []
        self._watching = False
        self._at: int | None = None
        self._before: Callable[[], object] | None = None
        self._after: Callable[[], object] | None = None
        for port in PORTS:
            object.__setattr__(world, port, _Mortal(getattr(world, port), self))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count the requests."""
        with self._watch(None):
            yield

    @contextmanager
    def dying(self, at: int, *, after: bool) -> Iterator[None]:
        """Die at the request of that number, the first being 1: before it took effect, or `after`."""
        with self._watch(at, **{"after" if after else "before": _die}):
            yield

    @contextmanager
    def interrupted(self, at: int, other: Callable[[], object]) -> Iterator[None]:
        """Let `other` happen just before the request of that number."""
        with self._watch(at, before=other):
            yield

    @contextmanager
    def losing_reply(self, at: int) -> Iterator[None]:
        """Lose the reply to the request of that number, so that the SDK makes it a second time."""
        with self._watch(at, after=None):
            yield

    @contextmanager
    def _watch(
        self, at: int | None, *, before: Callable[[], object] | None = None, after: Callable[[], object] | None = None
    ) -> Iterator[None]:
        self.requests, self._at, self._before, self._after, self._watching = [], at, before, after, True
        try:
            yield
        finally:
            self._watching = False

    def meet(self, name: str, use: Callable[[], Any]) -> Any:
        """Make one request."""
        if not self._watching:
            return use()
        self.requests.append(name)
        if len(self.requests) != self._at:
            return use()
        self._watching = False
        if self._before:
            self._before()
            return use()
        result = use()
        if self._after:
            self._after()
            return result
        return use()


def _die() -> None:
    raise DiedError


class _Mortal:
    """A port whose every use meets its fate."""

    def __init__(self, port: Any, fate: Fate) -> None:
        self._port = port
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        if not callable(attribute):
            return attribute
        return lambda *arguments, **named: self._fate.meet(name, lambda: attribute(*arguments, **named))
