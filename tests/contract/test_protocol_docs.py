"""docs/protocol.md and docs/errors.md say what the code does."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions._edges import INTERNAL, INTERNAL_STATUS
from tests.contract.test_stores_sockets import VISITOR
from tests.tables import agent, entry, fake_stores, opened
from tests.unit.test_client_frames import READ
from tests.unit.test_visitor_frames import VISITOR_READ
from throughline.domain import client_frames, frame_splitting, frames, visitor_frames, visitor_views
from throughline.domain.client_frames import MAX_FRAME_BYTES, MAX_TEXT_CHARACTERS, READERS
from throughline.domain.configuration import AgentProfile
from throughline.domain.conversations import NONE_GIVEN, ContactState, Direction, EntryKind
from throughline.domain.errors import ThroughlineError
from throughline.domain.identifiers import AgentId
from throughline.domain.json_fields import Fields
from throughline.domain.message_ids import MAX_AGE_MS
from throughline.domain.messages import DELIVERY_RANK, Attachment, DeliveryStatus, Location
from throughline.domain.rights import Role
from throughline.domain.visitor_frames import VISITOR_READERS
from throughline.flows import attach, edit_card, look_up, read_thread, read_visitor_thread, visitor_tokens
from throughline.flows.presence import TABS

Reader = Callable[[Fields, str, str], object]

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "protocol.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())


def section(title: str) -> str:
    return TEXT.partition(f"# {title}\n")[2].partition("\n#")[0]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table in `text`, without its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


ACTIONS = {names(row[0])[0]: names(row[1]) for row in rows(section("What a client sends"))}
EVENTS = {names(row[0])[0]: names(row[1]) for row in rows(section("What the server sends"))}


class RecordingFields(Fields):
    """Fields that tell which of them had to be there."""

    @property
    def asked(self) -> set[str]:
        return set(self._asked)


VISITOR_ACTIONS = {names(row[0])[0]: names(row[1]) for row in rows(section("What a visitor sends"))}
VISITOR_EVENTS = {names(row[0])[0]: names(row[1]) for row in rows(section("What a visitor is sent"))}


def test_every_action_is_on_the_page_and_no_other() -> None:
    assert set(ACTIONS) == set(READERS)
    assert set(VISITOR_ACTIONS) == set(VISITOR_READERS)


# What each action's row says, how it is read, and a frame of it with every field.
TOLD: dict[str, tuple[list[str], Reader, dict[str, Any]]] = {
    **{f"agent {action}": (ACTIONS[action], READERS[action], READ[action][0]) for action in READERS},
    **{
        f"visitor {action}": (VISITOR_ACTIONS[action], VISITOR_READERS[action], VISITOR_READ[action])
        for action in VISITOR_READERS
    },
}
each_action = pytest.mark.parametrize("action", TOLD)


@each_action
def test_the_fields_of_an_action_are_those_its_reader_asks_for(action: str) -> None:
    told, read, given = TOLD[action]
    fields = RecordingFields(given)
    read(fields, action.partition(" ")[2], "f1")

    assert {name.removesuffix("?") for name in told} == fields.asked


@each_action
def test_a_field_with_a_question_mark_may_be_left_out_and_the_others_may_not(action: str) -> None:
    told, read, given = TOLD[action]
    for name in told:
        fewer = {key: value for key, value in given.items() if key != name.removesuffix("?")}
        if name.endswith("?"):
            read(Fields(fewer), action.partition(" ")[2], "f1")
        else:
            with pytest.raises(ThroughlineError):
                read(Fields(fewer), action.partition(" ")[2], "f1")


def me() -> frames.Frame:
    return frames.me_view(AgentProfile(agent_id=AgentId("anna"), name="Anna"), Role.AGENT, ["lunch"])


def test_who_i_am_has_the_fields_that_are_told() -> None:
    described = section("Who I am")

    assert set(me()) <= set(names(described))


def sample_frames() -> Iterator[dict[str, Any]]:
    head, said = opened(fake_stores()), entry()
    waiting, snapshot = head.waiting("Hello"), frames.snapshot_frame(me(), agent(), [], [])
    yield {**snapshot, "id": "f1"}
    yield dict(frames.offer_frame(waiting, 2, 1))
    yield dict(frames.offer_ended_frame(head.conversation, 2, "gone"))
    yield dict(frames.message_frame(head, said))
    yield dict(frames.status_frame(head, replace(said, status=DeliveryStatus.SENT)))
    yield dict(frames.conversation_frame(head))
    yield dict(frames.presence_frame(agent()))
    yield dict(frames.typing_frame(head, None))
    yield dict(frames.read_by_frame(head, agent().agent_id))
    yield dict(frames.ack_frame("f1"))
    yield dict(frames.error_frame("f1", "conflict", "look again", 7))
    view = {**frames.conversation_view(head), "entries": [frames.entry_view(entry(text="x" * 300))]}
    yield dict(frame_splitting.frames_within(frames.ack_frame("f1", conversation=view), 200)[1])


SAMPLES = {frame["event"]: set(frame) - {"event"} for frame in sample_frames()}


def test_every_event_is_on_the_page_and_no_other() -> None:
    makers = [name for name in vars(frames) if name.endswith("_frame")]

    assert set(EVENTS) == set(SAMPLES)
    assert len(SAMPLES) == len(makers) + 1  # and `entries`, which splitting makes


@pytest.mark.parametrize("event", SAMPLES)
def test_the_fields_of_an_event_are_those_it_has(event: str) -> None:
    assert {name.removesuffix("?") for name in EVENTS[event]} == SAMPLES[event]


def visitor_samples() -> Iterator[dict[str, Any]]:
    head, said = opened(fake_stores()), entry()
    state = visitor_views.visitor_state(head, {})
    yield {**visitor_views.visitor_snapshot_frame(VISITOR, state, [], None), "id": "f1"}
    yield dict(visitor_views.visitor_message_frame(said, {}))
    yield dict(visitor_views.visitor_status_frame(replace(said, status=DeliveryStatus.READ)))
    yield dict(visitor_views.visitor_conversation_frame(state))
    yield dict(visitor_views.visitor_typing_frame("Ana"))
    yield dict(visitor_views.visitor_read_frame(1))
    yield dict(frames.ack_frame("f1"))
    yield dict(frames.error_frame("f1", "conflict", "look again"))


VISITOR_SAMPLES = {frame["event"]: set(frame) - {"event"} for frame in visitor_samples()}


def test_every_event_for_visitors_is_on_the_page_and_no_other() -> None:
    makers = [name for name in vars(visitor_views) if name.startswith("visitor_") and name.endswith("_frame")]

    assert set(VISITOR_EVENTS) == set(VISITOR_SAMPLES)
    assert len(VISITOR_SAMPLES) == len(makers) + 2  # and the answers that agents get, too


@pytest.mark.parametrize("event", VISITOR_SAMPLES)
def test_the_fields_of_an_event_for_visitors_are_those_it_has(event: str) -> None:
    assert set(VISITOR_EVENTS[event]) == VISITOR_SAMPLES[event]


def test_the_states_a_visitor_is_told_of_are_those_there_are() -> None:
    head = opened(fake_stores())
    (told,) = [row[2] for row in rows(section("What a visitor is sent")) if names(row[0]) == ["conversation"]]
    states = {visitor_views.visitor_state(replace(head, state=state), {})["state"] for state in ContactState}

    assert states | {visitor_views.visitor_state(None, {})["state"]} == set(names(told)) - {"agent"}


def test_a_visitors_entry_has_the_fields_that_are_described() -> None:
    full = entry(
        via=VISITOR.way,
        author="Mina",
        attachments=(Attachment(kind="image"),),
        location=Location(latitude=1, longitude=2),
        reply_to="a",
        target="b",
        emoji="👍",
        details={"a": 1},
        raw={"message_id": "m-1"},
    )
    ours = replace(full, direction=Direction.OUTBOUND, status=DeliveryStatus.SENT, reason="x", author="ana")
    described = " ".join(section("What a visitor is sent").split()).partition("A visitor's entry has")[2]
    shown = set(visitor_views.visitor_entry(full, {})) | set(visitor_views.visitor_entry(ours, {}))

    assert shown <= set(names(described))
    assert not {"via", "channel", "details", "reason", "received_at"} & shown


def test_the_fields_of_an_entry_are_those_it_has() -> None:
    full = entry(
        author="Eva",
        status=DeliveryStatus.SENT,
        reason="x",
        attachments=(Attachment(kind="image"),),
        location=Location(latitude=1, longitude=2),
        reply_to="a",
        target="b",
        emoji="👍",
        details={"a": 1},
    )
    described = section("An entry")
    view = frames.entry_view(full)

    assert set(view) <= set(names(described))
    assert set(view["attachments"][0]) <= set(names(described))
    assert {"edited_at", "deleted", "reactions"} <= set(names(described))
    assert {f"`{kind}`" for kind in EntryKind} <= set(re.findall(r"`[^`]+`", described))


def test_the_states_and_statuses_are_those_there_are() -> None:
    states = re.search(r"States of a conversation: ([^.]+)\.", WORDS)
    assert states
    assert names(states.group(1)) == [state.value for state in ContactState]
    ranked = sorted(DELIVERY_RANK, key=lambda status: DELIVERY_RANK[status])
    assert ", ".join(f"`{status}`" for status in ranked) in WORDS


@pytest.mark.parametrize(
    "said",
    [
        f"at most {MAX_FRAME_BYTES // 1024} KB",
        f"up to {MAX_TEXT_CHARACTERS:,} characters",
        f"up to {client_frames.MAX_ATTACHMENTS} attachments",
        f"1 to {client_frames.MAX_ID_CHARACTERS} characters",
        f"up to {read_thread.MAX_RESUMED_ENTRIES:,} entries",
        f"1 to {read_thread.MAX_PAGE}",
        f"up to {attach.MAX_UPLOAD_BYTES // 1024**2} MB",
        f"within {attach.UPLOAD_S // 60} minutes",
        f"up to {look_up.MAX_COUNTED} for each requirement",
        f"the latest first, up to {look_up.MAX_PAST}",
        f"up to {edit_card.MAX_CARD_CHARACTERS} characters, `tier` up to {edit_card.MAX_TIER_CHARACTERS}",
        f"the disposition `{NONE_GIVEN}`",
        f"up to {attach.MAX_VISITOR_BYTES // 1024**2} MB, of the content types",
        f"(ids, up to {visitor_frames.MAX_SEEN})",
        f"the last {read_visitor_thread.FIRST_PAGE}, oldest first",
        f"at most {read_visitor_thread.MAX_RESUMED}, and in any case the last twenty",
        f"({visitor_tokens.SHORT_S // 60} minutes later)",
        f"good for {visitor_tokens.LASTING_S // 86400} days",
    ],
)
def test_a_limit_is_the_one_in_force(said: str) -> None:
    assert said in WORDS


def test_numbers_told_in_words_are_the_ones_in_force() -> None:
    assert (TABS, "at most eight; a ninth" in WORDS) == (8, True)
    assert (MAX_AGE_MS, "until two minutes after" in WORDS) == (120_000, True)
    assert (attach.LINK_S, "for five minutes" in WORDS) == (300, True)
    assert (read_thread.STATUS_PAGE, "among the last twenty" in WORDS) == (20, True)


# ---------------------------------------------------------------- errors


def classes(base: type[ThroughlineError] = ThroughlineError) -> Iterator[type[ThroughlineError]]:
    yield base
    for below in base.__subclasses__():
        yield from classes(below)


ERRORS = {names(row[0])[0]: row for row in rows((DOCS / "errors.md").read_text(encoding="utf-8")) if len(row) == 5}


def test_every_error_is_on_its_page_and_no_other() -> None:
    assert set(ERRORS) == {error.code for error in classes()} | {INTERNAL}


@pytest.mark.parametrize("error", list(classes()))
def test_an_error_is_described_as_it_is(error: type[ThroughlineError]) -> None:
    _, name, status, meaning, todo = ERRORS[error.code]

    assert (names(name), status) == ([error.__name__], str(error.http_status))
    assert meaning
    assert todo
    assert error.retryable == ("repeat" in todo and "do not" not in todo and status in {"429", "503"})


def test_what_nobody_expected_is_described_too() -> None:
    assert ERRORS[INTERNAL][2] == str(INTERNAL_STATUS)
