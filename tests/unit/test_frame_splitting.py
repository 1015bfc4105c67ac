import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from throughline.domain.frame_splitting import frames_within

ENTRIES = st.lists(st.text(max_size=60), max_size=12).map(
    lambda texts: [{"id": f"e{number}", "text": text} for number, text in enumerate(texts)]
)


def snapshot(*conversations: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "event": "snapshot",
        "offers": [],
        "conversations": [
            {"conversation": f"c{number}", "version": number, "entries": entries}
            for number, entries in enumerate(conversations)
        ],
    }


def compact_size(value: Any) -> int:
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def test_a_frame_that_fits_is_left_alone() -> None:
    frame = snapshot([{"id": "e1", "text": "Hi"}])

    assert frames_within(frame, 1_000) == [frame]


def test_a_frame_without_entries_is_left_alone_whatever_its_event() -> None:
    assert frames_within({"event": "ack", "id": "f1"}, 1_000) == [{"event": "ack", "id": "f1"}]


def test_entries_that_do_not_fit_follow_in_frames_of_their_own() -> None:
    first, second, third = ({"id": f"e{number}", "text": "x" * 40} for number in range(3))

    head, *rest = frames_within(snapshot([first, second, third], []), 150)
    assert [(item["entries"], item["more"]) for item in head["conversations"]] == [([], True), ([], False)]
    assert rest == [
        {"event": "entries", "conversation": "c0", "version": 0, "entries": [first, second], "more": True},
        {"event": "entries", "conversation": "c0", "version": 0, "entries": [third], "more": False},
    ]


def test_the_ack_of_an_accepted_offer_is_split_the_same_way() -> None:
    entries = [{"id": "e1", "text": "x" * 80}, {"id": "e2", "text": "y" * 80}]
    ack = {"event": "ack", "id": "f1", "conversation": {"conversation": "c0", "version": 3, "entries": entries}}

    first, *rest = frames_within(ack, 150)
    assert first == {
        "event": "ack",
        "id": "f1",
        "conversation": {"conversation": "c0", "version": 3, "entries": [], "more": True},
    }
    assert [frame["entries"] for frame in rest] == [[entries[0]], [entries[1]]]


def test_what_carries_no_entries_is_never_split() -> None:
    ack = {"event": "ack", "id": "f1", "entry": {"id": "e1", "text": "x" * 500}}

    assert frames_within(ack, 200) == [ack]


def test_a_message_too_large_for_a_frame_comes_without_its_content() -> None:
    message = {"event": "message", "version": 7, "entry": {"id": "e1", "kind": "message", "text": "x" * 500}}

    assert frames_within(message, 200) == [
        {"event": "message", "version": 7, "entry": {"id": "e1", "kind": "message", "withheld": True}}
    ]


def test_an_entry_too_large_for_any_frame_comes_without_its_content() -> None:
    huge = {"id": "e1", "kind": "message", "text": "x" * 500, "details": {"a": "b"}}

    assert frames_within(snapshot([huge]), 200)[1]["entries"] == [{"id": "e1", "kind": "message", "withheld": True}]


def test_size_is_counted_in_bytes_and_not_in_characters() -> None:
    entries = [{"id": f"e{number}", "text": "é" * 60} for number in range(2)]

    assert [len(frame["entries"]) for frame in frames_within(snapshot(entries), 250)[1:]] == [1, 1]


@given(conversations=st.lists(ENTRIES, max_size=3), max_bytes=st.integers(200, 600))
def test_nothing_is_lost_doubled_or_out_of_order(conversations: list[list[dict[str, Any]]], max_bytes: int) -> None:
    frames = frames_within(snapshot(*conversations), max_bytes)

    carried: dict[str, list[Any]] = {f"c{number}": [] for number in range(len(conversations))}
    for item in [*frames[0]["conversations"], *frames[1:]]:
        carried[item["conversation"]] += item["entries"]
    assert carried == {f"c{number}": entries for number, entries in enumerate(conversations)}
    assert all(compact_size(frame["entries"]) <= max_bytes + 1 for frame in frames[1:])
