"""A frame that is too large for a socket, as several."""

from collections.abc import Iterator, Mapping, Sequence

from throughline.domain.frames import Frame
from throughline.domain.json_fields import size_bytes

MAX_POST_BYTES = 120_000  # API Gateway posts up to 128 KB; the rest is for what stands around the entries


def frames_within(frame: Frame, max_bytes: int = MAX_POST_BYTES) -> list[Frame]:
    """Return `frame`, or, where it is too large, itself without entries and `entries` frames that bring them, in order.

    Its conversations then say ``"more": true``, and so does every `entries` frame but the last of a conversation. An
    entry that is too large alone comes without its content and says ``"withheld": true``; the desk's REST API has it.
    So does the entry of a `message`.
    """
    if size_bytes(frame) <= max_bytes:
        return [frame]
    if "conversations" in frame:
        conversations = frame["conversations"]
        bare: Frame = {**frame, "conversations": [_without_entries(item) for item in conversations]}
    elif isinstance(frame.get("conversation"), Mapping):
        conversations = [frame["conversation"]]
        bare = {**frame, "conversation": _without_entries(frame["conversation"])}
    elif frame.get("event") == "message":
        return [{**frame, "entry": _withheld(frame["entry"])}]
    else:
        return [frame]
    return [bare, *(part for item in conversations for part in _entries_frames(item, max_bytes))]


def _without_entries(conversation: Frame) -> Frame:
    return {**conversation, "entries": [], "more": bool(conversation["entries"])}


def _entries_frames(conversation: Frame, max_bytes: int) -> Iterator[Frame]:
    batches = list(_batches(conversation["entries"], max_bytes))
    for number, batch in enumerate(batches, start=1):
        yield {
            "event": "entries",
            "conversation": conversation["conversation"],
            "version": conversation["version"],
            "entries": batch,
            "more": number < len(batches),
        }


def _batches(entries: Sequence[Frame], max_bytes: int) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    size = 0
    for entry in entries:
        fitting = entry if size_bytes(entry) <= max_bytes else _withheld(entry)
        length = size_bytes(fitting) + 1
        if batch and size + length > max_bytes:
            yield batch
            batch, size = [], 0
        batch.append(fitting)
        size += length
    if batch:
        yield batch


def _withheld(entry: Frame) -> Frame:
    content = {"text", "details", "attachments", "location"}
    return {key: value for key, value in entry.items() if key not in content} | {"withheld": True}
