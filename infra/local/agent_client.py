"""An agent's side of the WebSocket protocol, for the terminal, the demo and tests."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = "throughline.v1"
PATIENCE_S = 30.0

Frame = dict[str, Any]


class RefusedFrameError(Exception):
    """The stack answered a frame with an error; the message is its code and what it says."""


class StayedAwayError(Exception):
    """A frame that was waited for did not come."""


class AgentClient:
    """One screen of one agent. Every frame that came is in `frames`, oldest first; more may come while `is_open`."""

    def __init__(self, name: str, socket: ClientConnection) -> None:
        self.name = name
        self.is_open = True
        self.frames: list[Frame] = []
        self._socket = socket
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, name: str, token: str) -> Self:
        """Connect to the stack at `url` (its HTTP address)."""
        return await cls.open_socket(url.replace("http", "ws", 1) + "/socket", name, token)

    @classmethod
    async def open_socket(cls, address: str, name: str, token: str) -> Self:
        """Connect to a deployment's WebSocket API."""
        protocols = [Subprotocol(PROTOCOL), Subprotocol(token)]
        return cls(name, await connect(address, subprotocols=protocols, compression=None, ping_interval=None))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the screen."""
        await self._socket.close()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def send(self, action: str, *, frame_id: str | None = None, **fields: Any) -> Frame:
        """Send a frame and return its answer. A frame that got none is sent again with the same `frame_id`.

        Raises:
            RefusedFrameError: the answer is an error.
            StayedAwayError: no answer came.
        """
        frame_id = frame_id or str(uuid.uuid4())
        await self._socket.send(json.dumps({"action": action, "id": frame_id, **fields}))
        answer = await self.wait_for(f"the answer to {action}", lambda frame: frame.get("id") == frame_id)
        if answer["event"] == "error":
            raise RefusedFrameError(f"{answer['code']}: {answer['message']}")
        return answer

    async def wait_for(
        self, what: str, wanted: Callable[[Frame], Any], *, since: int = 0, patience_s: float = PATIENCE_S
    ) -> Frame:
        """Return the first frame from number `since` on that is wanted, waiting for it if need be.

        Raises:
            StayedAwayError: it did not come in time.
        """

        def found() -> Frame | None:
            return next((frame for frame in self.frames[since:] if wanted(frame)), None)

        async with self._changed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: found() is not None or not self.is_open), patience_s
                )
        frame = found()
        if frame is None:
            # The gateway has frames of its own, which say in `message` what went wrong.
            events = [str(seen.get("event") or seen.get("message")) for seen in self.frames]
            raise StayedAwayError(f"{self.name} waited for {what} and got {', '.join(events) or 'nothing'}")
        return frame

    async def changed(self, count: int) -> None:
        """Return once more than `count` frames came, or no more will."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.frames) > count or not self.is_open)

    async def wait_for_event(self, event: str, *, since: int = 0, **fields: Any) -> Frame:
        """Return the first frame from number `since` on of that event and with those fields."""
        told = " ".join([event, *(f"{name}={value}" for name, value in fields.items())])
        return await self.wait_for(
            told,
            lambda frame: (
                frame.get("event") == event and all(frame.get(name) == value for name, value in fields.items())
            ),
            since=since,
        )

    async def _read(self) -> None:
        try:
            async for text in self._socket:
                async with self._changed:
                    self.frames.append(json.loads(text))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.is_open = False
            async with self._changed:
                self._changed.notify_all()
