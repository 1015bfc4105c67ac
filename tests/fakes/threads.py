"""Threads in memory."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, replace
from typing import Any

from throughline.domain.conversations import (
    ContactChange,
    ContactState,
    Entry,
    Expected,
    Head,
    Moved,
    Opening,
    Outcome,
)
from throughline.domain.identifiers import ConversationId, Home, home_of_conversation
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus

_FIELDS = {field.name: field for field in fields(Head)}


class FakeThreads:
    """What FakeRouting claims is in `lives`, under `lock`. `blocked` homes get no conversation."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.lives: dict[Home, Head] = {}
        self.moves: dict[Home, Home] = {}
        self.blocked: set[Home] = set()
        self.archived: dict[ConversationId, Head] = {}
        self.entries: dict[tuple[Home, str], Entry] = {}
        self.arrivals: dict[tuple[Home, str], tuple[int, str]] = {}
        self.changes: dict[tuple[ConversationId, int, ContactState], ContactChange] = {}

    def add_entry(self, entry: Entry) -> Entry | None:
        with self.lock:
            standing = self.entries.get((entry.home, entry.reference))
            if standing is None:
                self.entries[entry.home, entry.reference] = entry
            return standing

    def remember_arrival(self, home: Home, digest: str, arrival_ms: int, by: str) -> tuple[int, str]:
        with self.lock:
            return self.arrivals.setdefault((home, digest), (arrival_ms, by))

    def announce(self, home: Home, opening: Opening) -> Head | Moved | None:
        with self.lock:
            if home in self.blocked:
                return None
            if home in self.moves:
                return Moved(home=home, to=self.moves[home])
            head = self.lives.get(home) or _opened(home, opening)
            head = replace(head, version=head.version + 1, language=head.language or opening.language)
            self.lives[home] = _heard_from(head, opening)
            return self.lives[home]

    def announce_update(
        self, home: Home, conversation: ConversationId, *, sending: str | None = None, answered_by: str | None = None
    ) -> Head | None:
        with self.lock:
            head = self.lives.get(home)
            if head is None or head.conversation != conversation:
                return None
            head = replace(head, version=head.version + 1, sending=sending or head.sending)
            if answered_by is not None:
                head = replace(head, answered_by=answered_by, answered_version=head.version)
            self.lives[home] = head
            return head

    def get_live(self, home: Home) -> Head | Moved | None:
        with self.lock:
            if home in self.moves and home not in self.blocked:
                return Moved(home=home, to=self.moves[home])
            return self.lives.get(home)

    def transition(self, home: Home, expected: Expected, changes: Mapping[str, Any]) -> Outcome:
        with self.lock:
            head = self.lives.get(home)
            if head is None or not _is_as_expected(head, expected):
                return Outcome(won=False, head=head)
            kept = {name: _kept(_FIELDS[name], value) for name, value in changes.items()}
            self.lives[home] = replace(head, **(kept | {"vias": {**head.vias, **(changes.get("vias") or {})}}))
            return Outcome(won=True, head=self.lives[home])

    def move_home(self, home: Home, to: Home, head: Head | None) -> bool:
        with self.lock:
            if home in self.moves or self.lives.get(home) != head:
                return self.moves.get(home) == to
            self.lives.pop(home, None)
            self.moves[home] = to
            return True

    def shorten_move(self, home: Home, to: Home) -> None:
        with self.lock:
            if home in self.moves:
                self.moves[home] = to

    def archive(self, head: Head) -> None:
        with self.lock:
            self.archived[head.conversation] = head

    def find_archived(self, conversation: ConversationId) -> Head | None:
        home_of_conversation(conversation)
        with self.lock:
            return self.archived.get(conversation)

    def find_entry(self, home: Home, reference: str) -> Entry | None:
        with self.lock:
            return self.entries.get((home, reference))

    def list_entries(self, home: Home, *, before: str | None, since_ms: int, limit: int) -> list[Entry]:
        with self.lock:
            references = [reference for its_home, reference in self.entries if its_home == home]
            wanted = [item for item in references if f"{since_ms:013d}" <= item and (before is None or item < before)]
            return [self.entries[home, reference] for reference in sorted(wanted, reverse=True)[:limit]]

    def set_status(
        self,
        home: Home,
        reference: str,
        status: DeliveryStatus,
        *,
        reason: str | None = None,
        provider_ids: tuple[str, ...] = (),
    ) -> Entry | None:
        with self.lock:
            entry = self.entries.get((home, reference))
            if entry is None:
                return None
            entry = replace(entry, provider_ids=tuple(dict.fromkeys((*entry.provider_ids, *provider_ids))))
            higher = entry.status is None or DELIVERY_RANK[entry.status] < DELIVERY_RANK[status]
            self.entries[home, reference] = replace(entry, status=status, reason=reason) if higher else entry
            return self.entries[home, reference] if higher else None

    def mark_sending(self, home: Home, reference: str) -> Entry | None:
        with self.lock:
            entry = self.entries.get((home, reference))
            if entry is None or entry.status is None:
                return None
            if DELIVERY_RANK[entry.status] >= DELIVERY_RANK[DeliveryStatus.UNKNOWN]:
                return None
            self.entries[home, reference] = replace(entry, status=DeliveryStatus.SENDING, reason=None)
            return self.entries[home, reference]

    def set_attachment(self, home: Home, reference: str, index: int, attachment: Attachment) -> Entry | None:
        with self.lock:
            entry = self.entries.get((home, reference))
            if entry is None or index >= len(entry.attachments):
                return None
            attachments = (*entry.attachments[:index], attachment, *entry.attachments[index + 1 :])
            self.entries[home, reference] = replace(entry, attachments=attachments)
            return self.entries[home, reference]

    def record_change(self, change: ContactChange) -> None:
        with self.lock:
            self.changes.setdefault((change.conversation, change.turn, change.state), change)

    def list_changes(self, home: Home, conversation: ConversationId) -> list[ContactChange]:
        with self.lock:
            its_own = [item for item in self.changes.values() if (item.home, item.conversation) == (home, conversation)]
            return sorted(its_own, key=lambda change: (change.turn, change.at_ms))

    def list_live(self, homes: Sequence[Home]) -> list[Head]:
        with self.lock:
            return [self.lives[home] for home in dict.fromkeys(homes) if home in self.lives]

    def list_archived(self, home: Home) -> list[Head]:
        with self.lock:
            return [head for head in self.archived.values() if head.home == home]


def _opened(home: Home, opening: Opening) -> Head:
    return Head(
        home=home,
        conversation=opening.conversation,
        version=0,
        state=ContactState.QUEUED,
        turn=1,
        work_class=opening.work_class,
        queue=opening.queue,
        requirement=opening.requirement,
        base_requirement=opening.requirement,
        score=opening.arrival_ms - opening.priority_s * 1000,
        opener=opening.reference,
        opened_ms=opening.arrival_ms,
    )


def _heard_from(head: Head, opening: Opening) -> Head:
    """Note what the message tells; a late one only fills in what nothing was known of."""
    if head.latest <= opening.reference:
        return replace(
            head,
            latest=opening.reference,
            last_via=opening.via,
            name=opening.name or head.name,
            vias={**head.vias, opening.via: opening.via_ms},
        )
    return replace(
        head,
        last_via=opening.via if opening.recent else head.last_via or opening.via,
        name=head.name or opening.name,
        vias={opening.via: opening.via_ms, **head.vias},
    )


def _is_as_expected(head: Head, expected: Expected) -> bool:
    return (
        (head.conversation, head.turn) == (expected.conversation, expected.turn)
        and (not expected.states or head.state in expected.states)
        and expected.holder in {None, head.holder}
        and expected.version in {None, head.version}
    )


def _kept(field: Field[Any], value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return field.default if value is None and field.default is not MISSING else value
