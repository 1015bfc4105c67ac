"""What reaches a provider and what it answers, before any of it is HTTP."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a provider. `path` begins with a slash, header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def fields(self) -> dict[str, Json]:
        """Return what a JSON object or a form says; nothing if it is neither. What a form repeats is a list."""
        if "json" not in self.headers.get("content-type", ""):
            return _form(parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True))
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


def _form(pairs: Sequence[tuple[str, str]]) -> dict[str, Json]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return {name: values if len(values) > 1 else values[0] for name, values in grouped.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A webhook the provider will post to us by itself. It is signed when it goes out."""

    after_s: float
    channel: str
    url: str
    content_type: str
    body: bytes
    retried: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a provider took to deliver. `links` are files it has to fetch before."""

    message_id: str
    to: str
    text: str | None
    links: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a provider answers; `body` is JSON, or the bytes of a file."""

    status: int = HTTPStatus.OK
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    message: Message | None = None
    receipts: Sequence[Receipt] = ()


class Provider(Protocol):
    """One provider as it is played here."""

    @property
    def channel(self) -> str:
        """Return the name of its channel."""
        ...

    def sends(self, call: Call) -> bool:
        """Return whether this call is one that sends a message."""
        ...

    def answer(self, call: Call) -> Reply:
        """Return what the provider answers."""
        ...

    def failure(self, status: int) -> Json:
        """Return the body the provider sends with an error of this status."""
        ...
