from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.folding import fold
from throughline.domain.identifiers import Home, digest, reference
from throughline.domain.messages import Attachment, DeliveryStatus, Location

HOME = Home("h-0011223344556677aabb")
ACCOUNT = "telegram/demo"
EVA = f"{ACCOUNT}|telegram:1"
BEN = f"{ACCOUNT}|telegram:2"


def entry(kind: EntryKind, name: str, at_ms: int, **changed: Any) -> Entry:
    first = Entry(
        home=HOME,
        reference=reference(ACCOUNT, name, at_ms),
        by="in-1",
        kind=kind,
        direction=Direction.INBOUND,
        channel="telegram",
        sent_ms=at_ms,
        received_ms=at_ms,
        via=EVA,
    )
    return replace(first, **changed)


def about(name: str) -> str:
    return digest(ACCOUNT, name)


QUESTION = entry(EntryKind.MESSAGE, "m1", 1_000, text="Were are you?", author="Eva")
EDIT = entry(EntryKind.EDIT, "m1/edit/2", 2_000, text="Where are you?", target=about("m1"))
LATER_EDIT = entry(EntryKind.EDIT, "m1/edit/3", 3_000, text="Where exactly are you?", target=about("m1"))
DELETION = entry(EntryKind.DELETION, "m1/deletion", 4_000, target=about("m1"))
ANSWER = entry(
    EntryKind.MESSAGE,
    "ours-1",
    5_000,
    text="Here",
    direction=Direction.OUTBOUND,
    status=DeliveryStatus.SENT,
    provider_ids=("m7", "m8"),
)


def views(*entries: Entry) -> list[dict[str, Any]]:
    return [dict(view) for view in fold(entries)]


def test_an_entry_nobody_speaks_of_is_shown_as_it_is() -> None:
    (view,) = views(QUESTION)

    assert view["text"] == "Were are you?"
    assert {"edited_at", "deleted", "reactions"}.isdisjoint(view)


def test_the_latest_edit_replaces_the_text_wherever_it_stands() -> None:
    for order in ([QUESTION, EDIT, LATER_EDIT], [LATER_EDIT, EDIT, QUESTION]):
        (view,) = views(*order)
        assert (view["text"], view["edited_at"]) == ("Where exactly are you?", "1970-01-01T00:00:03.000Z")
        assert view["sent_at"] == "1970-01-01T00:00:01.000Z"


def test_an_edit_with_files_replaces_the_files_and_one_without_keeps_them() -> None:
    photo = replace(QUESTION, attachments=(Attachment(kind="image", blob="a"),))
    new_photo = replace(EDIT, attachments=(Attachment(kind="image", blob="b"),))

    assert [item["id"] for item in views(photo, EDIT)[0]["attachments"]] == [f"{QUESTION.entry_id}.0"]
    assert [item["id"] for item in views(photo, new_photo)[0]["attachments"]] == [f"{EDIT.entry_id}.0"]


def test_a_deleted_message_keeps_its_place_and_nothing_of_what_was_said() -> None:
    said = replace(
        QUESTION,
        attachments=(Attachment(kind="image", name="passport.jpg"),),
        location=Location(latitude=1.0, longitude=2.0),
        details={"contact": "Eva Q"},
    )
    for order in ([said, EDIT, DELETION], [DELETION, EDIT, said]):
        (view,) = views(*order)
        assert view["deleted"] is True
        assert view["id"] == QUESTION.entry_id
        assert {"text", "attachments", "location", "details", "edited_at"}.isdisjoint(view)


def test_an_edit_that_comes_after_the_deletion_brings_nothing_back() -> None:
    late = replace(LATER_EDIT, reference=reference(ACCOUNT, "m1/edit/9", 9_000), sent_ms=9_000)

    (view,) = views(QUESTION, DELETION, late)
    assert view["deleted"] is True
    assert "text" not in view


def test_an_edit_of_a_deleted_message_that_is_not_in_the_read_says_nothing_either() -> None:
    shown = views(EDIT, DELETION)

    assert [view["kind"] for view in shown] == ["edit", "deletion"]
    assert "text" not in shown[0]
    assert shown[0]["deleted"] is True


def reaction(name: str, at_ms: int, emoji: str | None, via: str = EVA, target: str = "m1") -> Entry:
    return entry(EntryKind.REACTION, name, at_ms, emoji=emoji, via=via, target=about(target))


def test_each_person_has_one_reaction_their_latest() -> None:
    (view,) = views(
        QUESTION, reaction("r1", 2_000, "👍"), reaction("r2", 3_000, "🎉"), reaction("r3", 2_500, "🙏", via=BEN)
    )

    assert view["reactions"] == [{"emoji": "🎉", "by": "telegram:1"}, {"emoji": "🙏", "by": "telegram:2"}]


def test_a_reaction_taken_back_is_gone() -> None:
    (view,) = views(reaction("r2", 3_000, None), QUESTION, reaction("r1", 2_000, "👍"))

    assert "reactions" not in view


@pytest.mark.parametrize("part", ["m7", "m8"])
def test_our_own_message_is_known_by_any_of_the_providers_ids(part: str) -> None:
    (view,) = views(ANSWER, reaction("r1", 6_000, "👍", target=part))

    assert view["reactions"] == [{"emoji": "👍", "by": "telegram:1"}]
    assert view["status"] == "sent"


def test_the_same_provider_id_in_another_account_is_another_message() -> None:
    elsewhere = replace(ANSWER, via="telegram/other|telegram:1")

    assert [view["kind"] for view in views(elsewhere, reaction("r1", 6_000, "👍", target="m7"))] == [
        "message",
        "reaction",
    ]


def test_what_is_about_a_message_outside_the_read_stays_an_entry() -> None:
    shown = views(EDIT, reaction("r1", 3_000, "👍"))

    assert [view["kind"] for view in shown] == ["edit", "reaction"]
    assert [view["target"] for view in shown] == [about("m1"), about("m1")]


def test_entries_come_oldest_first_and_each_once() -> None:
    note = entry(EntryKind.NOTE, "n1", 3_500, text="VIP", direction=Direction.INTERNAL)

    assert [view["id"] for view in views(ANSWER, note, QUESTION, note)] == [
        QUESTION.entry_id,
        note.entry_id,
        ANSWER.entry_id,
    ]


@st.composite
def threads(draw: st.DrawFn) -> list[Entry]:
    """Messages, and edits, deletions and reactions about them or about nothing, many at the same instant."""
    moments = st.integers(1, 4)
    names = st.sampled_from(["m1", "m2", "m7", "nowhere"])
    entries = [QUESTION, ANSWER, entry(EntryKind.MESSAGE, "m2", draw(moments), text="two")]
    for number in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from([EntryKind.EDIT, EntryKind.DELETION, EntryKind.REACTION]))
        changed = {
            "target": about(draw(names)),
            "via": draw(st.sampled_from([EVA, BEN])),
            "text": f"text {number}" if kind is EntryKind.EDIT else None,
            "emoji": draw(st.sampled_from(["👍", "🎉", None])) if kind is EntryKind.REACTION else None,
        }
        entries.append(entry(kind, f"x{number}", draw(moments), **changed))
    return entries


@given(data=st.data(), entries=threads())
def test_the_order_of_arrival_makes_no_difference(data: st.DataObject, entries: list[Entry]) -> None:
    shuffled = data.draw(st.permutations(entries))

    assert fold(shuffled) == fold(entries)


@given(entries=threads())
def test_no_word_of_a_deleted_message_is_shown(entries: list[Entry]) -> None:
    deleted = {item.target for item in entries if item.kind is EntryKind.DELETION}
    for view in fold(entries):
        if view.get("target") in deleted or view["id"].rpartition(".")[2] in deleted:
            assert "text" not in view


def test_what_came_in_after_something_newer_is_late_and_stays_so() -> None:
    came_ms = {"a": 9_000, "b": 2_000, "c": 9_500, "d": 3_000, "e": 10_000}
    entries = [entry(EntryKind.MESSAGE, name, at_ms) for at_ms, name in enumerate("abcde", start=1_000)]
    said = [replace(item, received_ms=came_ms[name]) for item, name in zip(entries, "abcde", strict=True)]

    assert [view["late"] for view in views(*said)] == [True, False, True, False, False]


def test_what_one_instant_brings_is_not_late_and_neither_is_what_our_own_people_say() -> None:
    twins = [entry(EntryKind.MESSAGE, name, 1_000, received_ms=came) for name, came in (("a", 9_000), ("b", 2_000))]
    ours = replace(ANSWER, author="ana", sent_ms=500, received_ms=8_000, reference=reference("ana", "m", 500))
    fast = replace(ours, sent_ms=20_000, received_ms=100, reference=reference("ana", "n", 20_000))

    assert [view["late"] for view in views(*twins, ours, fast)] == [False] * 4


def test_nothing_is_late_against_what_nobody_waits_for() -> None:
    echo = entry(EntryKind.MESSAGE, "phone", 2_000, direction=Direction.OUTBOUND, received_ms=2_000)
    call = entry(EntryKind.CALL, "call", 3_000, received_ms=3_000)

    assert [view["late"] for view in views(replace(QUESTION, received_ms=9_000), echo, call)] == [False] * 3


def test_within_one_instant_the_providers_own_number_says_what_is_late() -> None:
    def numbered(number: int, came_ms: int) -> Entry:
        place = reference(ACCOUNT, f"m{number}", 1_000, number)
        return entry(EntryKind.MESSAGE, f"m{number}", 1_000, reference=place, received_ms=came_ms)

    assert [view["late"] for view in views(numbered(7, 30), numbered(8, 20), numbered(9, 25))] == [True, False, False]
