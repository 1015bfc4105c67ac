"""The threads table: what has been said, and the one live conversation of each home. T-numbers: docs/data-model.md."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from throughline.domain.conversations import ContactChange, Entry, Expected, Head, Moved, Opening, Outcome
from throughline.domain.identifiers import ConversationId, Home, home_of_conversation
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus
from throughline.store._changes import change_from, change_item, change_prefix
from throughline.store._entries import ATTRIBUTES as ENTRY
from throughline.store._entries import RANK, attachment_map, entry_from, entry_item, entry_key
from throughline.store._expressions import ABSENT, Expression, path, value
from throughline.store._head_writes import SHORTENED, announced, changed, moved, updated
from throughline.store._heads import LIVE, archived_key, conversation_in, head_from, head_item, moved_in
from throughline.store._table import Table, starting
from throughline.store._values import to_attribute

_LAST_KEY = "~"  # behind every reference


_provider_ids = path(ENTRY["provider_ids"])
_append_provider_ids = _provider_ids.set((_provider_ids | to_attribute([])).append(value("ids", "L")))
_ADD_PROVIDER_IDS = Expression(_append_provider_ids, condition=path("pk").exists())

_MARK_SENDING = Expression(
    path(ENTRY["status"]).set(value("status")),
    path(RANK).set(value("rank")),
    path(ENTRY["reason"]).remove(),
    condition=path(RANK) < to_attribute(DELIVERY_RANK[DeliveryStatus.UNKNOWN]),
)


@cache
def _set_status(*, explained: bool, named: bool) -> Expression:
    reason = path(ENTRY["reason"])
    actions = [
        path(ENTRY["status"]).set(value("status")),
        path(RANK).set(value("rank")),
        reason.set(value("reason")) if explained else reason.remove(),
        *([_append_provider_ids] if named else []),
    ]
    ranks_higher = path(RANK).does_not_exist() | (path(RANK) < value("rank"))
    return Expression(*actions, condition=path("pk").exists() & ranks_higher)


@cache
def _set_attachment(index: int) -> Expression:
    place = path(ENTRY["attachments"])[index]
    return Expression(place.set(value("attachment")), condition=place.exists())


class DynamoThreads:
    """Threads in DynamoDB."""

    def __init__(self, threads: Table) -> None:
        self._threads = threads

    def add_entry(self, entry: Entry) -> Entry | None:
        """T1. Put `entry` unless its reference is taken; return the entry that has it, None when this one was written.

        One PutItem: 1 WRU up to 1 KB, also when it is refused.
        """
        standing = self._threads.put(entry_item(entry), ABSENT)
        return None if standing is None else entry_from(standing)

    def remember_arrival(self, home: Home, digest: str, arrival_ms: int, by: str) -> tuple[int, str]:
        """T2. Remember when a message without a time first arrived; return the time and the `by` that hold.

        One PutItem: 1 WRU.
        """
        standing = self._threads.put({"pk": home, "sk": f"seen#{digest}", "t": arrival_ms, "by": by}, ABSENT)
        return (arrival_ms, by) if standing is None else (standing["t"], standing["by"])

    def announce(self, home: Home, opening: Opening) -> Head | Moved | None:
        """T3. Raise the version of the live conversation, opening one if none is live; None when the home is blocked.

        One UpdateItem: 1 WRU. A message older than the latest takes a second one, which leaves `latest`, `last_via` and
        the name alone.
        """
        won, item = self._threads.update(home, LIVE, *announced(opening, late=False))
        if not won and "conv" in item:
            won, item = self._threads.update(home, LIVE, *announced(opening, late=True))
        return head_from(item) if won else moved_in(item)

    def announce_update(
        self, home: Home, conversation: ConversationId, *, sending: str | None = None, answered_by: str | None = None
    ) -> Head | None:
        """T4. Raise the version because something known changed; None when that conversation is no longer the live one.

        `sending` and `answered_by` are remembered in the head. One UpdateItem: 1 WRU.
        """
        won, item = self._threads.update(home, LIVE, *updated(conversation, sending, answered_by))
        return head_from(item) if won else None

    def get_live(self, home: Home) -> Head | Moved | None:
        """T5. Return what stands as live in `home`. One GetItem, strong: 1 RRU."""
        item = self._threads.get(home, LIVE) or {}
        return moved_in(item) or conversation_in(item)

    def transition(self, home: Home, expected: Expected, changes: Mapping[str, Any]) -> Outcome:
        """T6. Change fields of the live conversation if it is as `expected`; None, or a field's default, removes it.

        Of `vias` those given are set and the others stay. One UpdateItem: 1 WRU, also when it is lost.
        """
        won, item = self._threads.update(home, LIVE, *changed(expected, changes))
        return Outcome(won=won, head=conversation_in(item))

    def move_home(self, home: Home, to: Home, head: Head | None) -> bool:
        """T7. Let `home` point to `to`: if nothing is live there (`head` None), or if what is live is exactly `head`.

        True as well if it points there already. One UpdateItem: 1 WRU.
        """
        won, item = self._threads.update(home, LIVE, *moved(head, to))
        return won or item.get("moved") == to

    def shorten_move(self, home: Home, to: Home) -> None:
        """T19. Let a home that points somewhere point straight to `to`. One UpdateItem: 1 WRU."""
        self._threads.update(home, LIVE, SHORTENED, {"to": to})

    def archive(self, head: Head) -> None:
        """T8. Keep the last state of a conversation that is over. Overwrites. One PutItem: 1 WRU."""
        self._threads.put(head_item(head, archived_key(head.conversation)))

    def find_archived(self, conversation: ConversationId) -> Head | None:
        """T9. Return the last state of a closed conversation. One GetItem, strong: 1 RRU."""
        item = self._threads.get(home_of_conversation(conversation), archived_key(conversation))
        return head_from(item) if item else None

    def find_entry(self, home: Home, reference: str) -> Entry | None:
        """T10. Return one entry. One GetItem, strong: 1 RRU."""
        item = self._threads.get(home, entry_key(reference))
        return entry_from(item) if item else None

    def list_entries(self, home: Home, *, before: str | None, since_ms: int, limit: int) -> list[Entry]:
        """T11. Return up to `limit` entries, newest first, that stand before `before` and not earlier than `since_ms`.

        One Query, strong: 1 RRU for every 4 KB, so about 1 for five entries.
        """
        keys = entry_key(f"{since_ms:013d}"), entry_key(before or _LAST_KEY)
        if keys[0] > keys[1]:  # DynamoDB refuses a range that ends before it begins
            return []
        # A range includes its ends: one more is read, for the case that `before` stands here itself.
        items = self._threads.query(home, keys, limit=limit + (before is not None), newest_first=True)
        return [entry_from(item) for item in items if item["sk"] != keys[1]][:limit]

    def set_status(
        self,
        home: Home,
        reference: str,
        status: DeliveryStatus,
        *,
        reason: str | None = None,
        provider_ids: tuple[str, ...] = (),
    ) -> Entry | None:
        """T12. Raise an entry's delivery status if the new one ranks higher; return the entry then, else None.

        One UpdateItem: 1 WRU, 2 if the entry is larger than 1 KB. Provider ids that come with a status which ranks no
        higher are kept nevertheless, by a second one.
        """
        parameters = {"status": status, "rank": DELIVERY_RANK[status], "reason": reason, "ids": list(provider_ids)}
        shape = _set_status(explained=reason is not None, named=bool(provider_ids))
        won, item = self._threads.update(home, entry_key(reference), shape, parameters)
        if won:
            return entry_from(item)
        if item and not set(provider_ids) <= set(item.get(ENTRY["provider_ids"], ())):
            self._threads.update(home, entry_key(reference), _ADD_PROVIDER_IDS, parameters)
        return None

    def mark_sending(self, home: Home, reference: str) -> Entry | None:
        """T13. Let an entry that is queued, sending or retrying be `sending`; return it, None if its outcome is known.

        One UpdateItem: 1 WRU, 2 if the entry is larger than 1 KB.
        """
        sending = DeliveryStatus.SENDING
        parameters = {"status": sending, "rank": DELIVERY_RANK[sending]}
        won, item = self._threads.update(home, entry_key(reference), _MARK_SENDING, parameters)
        return entry_from(item) if won else None

    def set_attachment(self, home: Home, reference: str, index: int, attachment: Attachment) -> Entry | None:
        """T14. Replace one attachment of an entry; return the entry, None when there is no such entry or attachment.

        One UpdateItem: 1 WRU, 2 if the entry is larger than 1 KB.
        """
        parameters = {"attachment": attachment_map(attachment)}
        won, item = self._threads.update(home, entry_key(reference), _set_attachment(index), parameters)
        return entry_from(item) if won else None

    def record_change(self, change: ContactChange) -> None:
        """T15. Keep who changed a contact, when and why. The first record of a turn and state stays.

        One PutItem: 1 WRU.
        """
        self._threads.put(change_item(change), ABSENT)

    def list_changes(self, home: Home, conversation: ConversationId) -> list[ContactChange]:
        """T16. Return every recorded change of a conversation's contact, oldest first.

        One Query, strong: 1 RRU for every 4 KB.
        """
        items = self._threads.query(home, starting(change_prefix(conversation)))
        changes = [change_from(home, conversation, item) for item in items]
        return sorted(changes, key=lambda change: (change.turn, change.at_ms))

    def list_live(self, homes: Sequence[Home]) -> list[Head]:
        """T17. Return what is live in these homes, in no order; what has moved is left out. For people's eyes.

        A BatchGetItem for a hundred homes, eventually consistent: .5 RRU each.
        """
        items = self._threads.get_all([(home, LIVE) for home in dict.fromkeys(homes)])
        return [head for item in items if (head := conversation_in(item))]

    def list_archived(self, home: Home) -> list[Head]:
        """T18. Return the last state of every closed conversation of a home, in no order. For people's eyes.

        One Query, eventually consistent: .5 RRU for every 4 KB, so about 1 for fifteen conversations.
        """
        items = self._threads.query(home, starting(archived_key("")), strong=False)
        return [head_from(item) for item in items]
