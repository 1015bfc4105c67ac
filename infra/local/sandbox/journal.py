"""Everything the providers were asked, in a file that outlives a crash. Credentials are not in it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.sandbox.calls import Call, Reply

_BOT = re.compile(r"bot\d+:[\w-]+")
_MASK = "***"
_SHOWN_HEADERS = ("content-type", "authorization", "user-agent")

Record = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of fetching a file that a message links to."""

    status: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request to a provider and its answer. `base` is the provider's own address, `at` the instant in ISO 8601."""

    channel: str
    base: str
    call: Call
    reply: Reply
    at: str
    fetched: Sequence[Fetched] = ()


class Journal:
    """The requests to all providers, oldest first. Without a path they are kept in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._records = _read(path) if path is not None else []

    def add(self, exchange: Exchange) -> None:
        """Keep one request with its answer."""
        record = _record(exchange)
        self._records.append(record)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")

    def list_records(self, channel: str | None) -> list[Record]:
        """Return the requests, of one channel or of all."""
        return [record for record in self._records if channel in (None, record["channel"])]

    def clear(self) -> None:
        """Forget everything."""
        self._records = []
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def masked(text: str) -> str:
    """Return a URL or path without a bot's token."""
    return _BOT.sub(f"bot{_MASK}", text)


def _read(path: Path) -> list[Record]:
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue  # torn by a crash
    return records


def _record(exchange: Exchange) -> Record:
    call, reply, fetched = exchange.call, exchange.reply, exchange.fetched
    record: Record = {
        "at": exchange.at,
        "channel": exchange.channel,
        "method": call.method,
        "url": masked(exchange.base + call.path + (f"?{call.query}" if call.query else "")),
        "headers": {name: _shown(name, call.headers) for name in _SHOWN_HEADERS if name in call.headers},
        "body": call.fields,
        "status": int(reply.status),
        "answer": reply.body if not isinstance(reply.body, bytes) else f"{len(reply.body)} bytes",
    }
    if reply.message is not None:
        record["message"] = {"id": reply.message.message_id, "to": reply.message.to, "text": reply.message.text}
    if fetched:
        record["fetched"] = [{"status": file.status, "size_bytes": file.size_bytes} for file in fetched]
    return record


def _shown(name: str, headers: Mapping[str, str]) -> str:
    value = headers[name]
    return f"{value.partition(' ')[0]} {_MASK}" if name == "authorization" else value
