"""Settings table: the whole configuration as one document, replaced as a whole, with every earlier version beside it.

`config` / `current` is the version in force, `config` / `version#<8 digits>` each version there ever was. The document
is compressed JSON of domain.configuration.Configuration. Readers leave out fields they do not know and fill in those
they miss, so functions and documents of different releases get along.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.errors import ConfigurationError, ConflictError, NotFoundError
from throughline.domain.identifiers import AgentId
from throughline.domain.templates import MessageTemplate
from throughline.store._expressions import Expression, path, value
from throughline.store._table import Table, starting
from throughline.store._values import Item

CACHE_MS = 10_000
MAX_DOCUMENT_BYTES = 380_000  # compressed; an item may have 400 KB

_PK = "config"
_CURRENT = "current"
_VERSION = "version#"

_CONTENT = [
    path("number").set(value("number", "N")),
    path("document").set(value("document", "B")),
    path("by").set(value("by")),
    path("at_ms").set(value("at_ms", "N")),
    path("comment").set(value("comment")),
]
_FIRST = Expression(*_CONTENT, condition=path("pk").does_not_exist())
_NEXT = Expression(*_CONTENT, condition=path("number") == value("after", "N"))
_ANNOUNCED = Expression(path("announced").set(value("number", "N")), condition=path("number") == value("number", "N"))

T = TypeVar("T", ChannelAccount, MessageTemplate, Queue, AgentProfile, Issuer, Answer)


class DynamoSettings:
    """Settings, read from the version in force and remembered for ten seconds. Safe to use from threads."""

    def __init__(self, table: Table, *, clock: Callable[[], int]) -> None:
        self._table = table
        self._clock = clock
        self._read: tuple[int, int, Configuration] | None = None  # when, which version, what it says

    def find_account(self, channel: str, name: str) -> ChannelAccount | None:
        """Return the channel account of a webhook URL; see `_configuration` for the cost."""
        return self._configuration().find_account(channel, name)

    def find_account_by_address(self, channel: str, address: str) -> ChannelAccount | None:
        """Return the account that the provider calls `address`, else the one that we call so."""
        return self._configuration().find_account_by_address(channel, address)

    def list_accounts(self) -> list[ChannelAccount]:
        """Return every channel account."""
        return list(self._configuration().accounts.values())

    def find_queue(self, name: str) -> Queue | None:
        """Return a queue."""
        return self._configuration().queues.get(name)

    def get_queue(self, name: str) -> Queue:
        """Return a queue; see ports.Settings."""
        return self._configuration().get_queue(name)

    def list_queues(self) -> list[Queue]:
        """Return every queue, by name: the document has no other order."""
        return list(self._configuration().queues.values())

    def find_agent_profile(self, agent: AgentId) -> AgentProfile | None:
        """Return what is configured of an agent."""
        return self._configuration().agents.get(agent)

    def list_answers(self) -> list[Answer]:
        """Return every canned answer, by name."""
        return list(self._configuration().answers.values())

    def list_not_ready_reasons(self) -> tuple[str, ...]:
        """Return what an agent who is not ready may give as reason."""
        return self._configuration().not_ready_reasons

    def list_issuers(self) -> list[Issuer]:
        """Return whose tokens are accepted."""
        return list(self._configuration().issuers.values())

    def _configuration(self) -> Configuration:
        """S1. Return the configuration in force: a GetItem in ten seconds, eventually consistent (.5 RRU for 4 KB)."""
        known, now_ms = self._read, self._clock()
        if known and now_ms - known[0] < CACHE_MS:
            return known[2]
        item = self._table.get(_PK, _CURRENT, strong=False)
        number = item["number"] if item else 0
        unchanged = known is not None and known[1] == number
        configuration = known[2] if known and unchanged else _configuration_from(item)
        self._read = (now_ms, number, configuration)
        return configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A configuration as it was applied. `announced` is the last version whose agents were told to routing."""

    number: int
    configuration: Configuration
    by: str
    at_ms: int
    comment: str = ""
    announced: int = 0


NO_VERSION = Version(number=0, configuration=Configuration(), by="", at_ms=0)


class DynamoConfigurations:
    """The versions of the configuration, for the operator's command."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get_current(self) -> Version:
        """S2. Return the version in force, strongly consistent (1 RRU for 4 KB); number 0 if there never was one."""
        item = self._table.get(_PK, _CURRENT)
        return _version_from(item) if item else NO_VERSION

    def write(self, version: Version) -> None:
        """S3. Put `version` in force, if the one before it still is.

        One TransactWriteItems of two updates (4 WRU for each KB of the document).

        Raises:
            ConflictError: somebody else applied a version meanwhile. Look at it before applying again.
            ConfigurationError: the document is too large for an item.
        """
        content = _content(version)
        token = hashlib.sha256(content["document"] + str(version.number).encode()).hexdigest()[:32]
        in_force = _FIRST if version.number == 1 else _NEXT
        refused = self._table.transact(
            token,
            [
                self._table.part(_PK, _version_key(version.number), _FIRST, content),
                self._table.part(_PK, _CURRENT, in_force, content),
            ],
        )
        if refused:
            raise ConflictError(f"version {version.number} of the configuration exists already")

    def get_version(self, number: int) -> Version:
        """S4. Return one version (1 RRU for 4 KB).

        Raises:
            NotFoundError: there is none of that number.
        """
        item = self._table.get(_PK, _version_key(number))
        if item is None:
            raise NotFoundError(f"the configuration has no version {number}")
        return _version_from(item)

    def list_versions(self, *, limit: int) -> list[Version]:
        """S5. Return the last versions, newest first: one Query (1 RRU for 4 KB of all of them)."""
        items = self._table.query(_PK, starting(_VERSION), limit=limit, newest_first=True)
        return [_version_from(item) for item in items]

    def mark_announced(self, number: int) -> None:
        """S6. Remember that routing knows the agents of version `number`, if it is in force (1 WRU for each KB)."""
        self._table.update(_PK, _CURRENT, _ANNOUNCED, {"number": number})


def _version_key(number: int) -> str:
    return f"{_VERSION}{number:08d}"


def _content(version: Version) -> dict[str, Any]:
    document = to_document(version.configuration)
    if len(document) > MAX_DOCUMENT_BYTES:
        raise ConfigurationError(f"the configuration has {len(document)} bytes compressed; {MAX_DOCUMENT_BYTES} fit")
    return {
        "number": version.number,
        "after": version.number - 1,
        "document": document,
        "by": version.by,
        "at_ms": version.at_ms,
        "comment": version.comment,
    }


def _version_from(item: Item) -> Version:
    return Version(
        number=item["number"],
        configuration=_configuration_from(item),
        by=item["by"],
        at_ms=item["at_ms"],
        comment=item["comment"],
        announced=item.get("announced", 0),
    )


def _configuration_from(item: Item | None) -> Configuration:
    return from_document(item["document"]) if item else Configuration()


def to_document(configuration: Configuration) -> bytes:
    """Return a configuration as compressed JSON; equal configurations are equal documents."""
    text = json.dumps(asdict(configuration), separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return zlib.compress(text.encode(), 9)


def from_document(document: bytes) -> Configuration:
    """Return the configuration in a document."""
    parts: Mapping[str, Mapping[str, Any]] = json.loads(zlib.decompress(document))
    return Configuration(
        accounts={
            name: _templated(account) for name, account in _built(ChannelAccount, parts.get("accounts", {})).items()
        },
        queues=_built(Queue, parts.get("queues", {})),
        skills=parts.get("skills", {}),
        agents={AgentId(name): agent for name, agent in _built(AgentProfile, parts.get("agents", {})).items()},
        issuers=_built(Issuer, parts.get("issuers", {})),
        answers=_built(Answer, parts.get("answers", {})),
        not_ready_reasons=tuple(parts.get("not_ready_reasons", ())),
    )


def _templated(account: ChannelAccount) -> ChannelAccount:
    raw: Mapping[str, Any] = account.templates
    return replace(account, templates=_built(MessageTemplate, raw)) if raw else account


def _built(kind: type[T], part: Mapping[str, Mapping[str, Any]]) -> dict[str, T]:
    known = [item.name for item in fields(kind)]
    return {name: kind(**{field: _frozen(raw[field]) for field in known if field in raw}) for name, raw in part.items()}


def _frozen(raw: Any) -> Any:
    if isinstance(raw, list):
        return tuple(_frozen(item) for item in raw)
    return {name: _frozen(item) for name, item in raw.items()} if isinstance(raw, dict) else raw
