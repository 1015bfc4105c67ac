"""Each cell of the table of rights, tried on real flows: what is allowed happens, what is not changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from functions._wiring import signing_keys
from tests.cloud import REGION
from tests.integration.center import Center, center
from tests.tables import fake_stores
from throughline.domain.client_frames import READERS
from throughline.domain.conversations import Direction, Entry, EntryKind, Head
from throughline.domain.errors import ForbiddenError
from throughline.domain.identifiers import AgentId, Home, offer_id
from throughline.domain.messages import Attachment
from throughline.domain.rights import RIGHTS, Caller, Ownership, Right, Role, may_see, ownership_of, right_of
from throughline.domain.visitor_frames import VISITOR_READERS
from throughline.flows.attach import link_attachment, offer_upload
from throughline.flows.authenticate import sign_in
from throughline.flows.authorize import standing
from throughline.flows.edit_card import edit_card
from throughline.flows.look_up import (
    view_accounts,
    view_agents,
    view_answers,
    view_conversation,
    view_customer,
    view_queues,
    view_thread,
    view_waiting,
)
from throughline.flows.read_visitor_thread import view_visitor_thread

PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"
ME = {Role.AGENT: "ana", Role.SUPERVISOR: "lea", Role.VISITOR: "ana"}
NONE = "\N{EN DASH}"
UNTIL = "2025-11-22T12:00:00Z"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Center]:
    monkeypatch.setenv("AWS_REGION", REGION)
    with center(fake_stores()) as made:
        yield made


def stage(desk: Center, person: str, ownership: Ownership) -> Head:
    """Bring a conversation about in which `person` has this part."""
    holder = {Ownership.TEAM: "ben", Ownership.WAITING: "ben", Ownership.OTHER: "max"}.get(ownership, person)
    tab = desk.sign_in(holder)
    head = desk.customer_writes("Hello")
    if ownership is Ownership.OFFERED:
        return desk.head(head.conversation)
    offer = desk.sockets.to(tab, "offer")[-1]["offer"]
    desk.say(tab, "offer.accept", offer=offer)
    if ownership is Ownership.PAUSED:
        desk.say(tab, "conversation.pause", conversation=head.conversation, until=UNTIL)
    if ownership is Ownership.KEEPER:
        desk.say(tab, "conversation.close", conversation=head.conversation)
    if ownership in {Ownership.PAST, Ownership.WAITING}:
        desk.say(tab, "conversation.transfer", conversation=head.conversation, to={"queue": "sales"})
        desk.pass_time()
    return desk.head(head.conversation)


def fields_of(action: str, head: Head) -> dict[str, Any]:
    about = {"conversation": head.conversation}
    fields: dict[str, dict[str, Any]] = {
        "ping": {},
        "hello": {},
        "presence.set": {"presence": "not_ready"},
        "offer.accept": {"offer": offer_id(head.conversation, head.turn)},
        "offer.reject": {"offer": offer_id(head.conversation, head.turn)},
        "message.send": {**about, "message_id": "m-1", "text": "Hi"},
        "note.add": {**about, "text": "VIP"},
        "typing": about,
        "read": about,
        "conversation.wrap_up": about,
        "conversation.close": about,
        "conversation.transfer": {**about, "to": {"queue": "sales"}},
        "conversation.pause": {**about, "until": UNTIL},
        "conversation.take_over": {**about, "turn": head.turn},
        "contact.assign": {**about, "turn": head.turn, "agent": head.holder or _last_holder(head)},
        "received": {"entries": []},
    }
    return fields[action]


def _last_holder(head: Head) -> str:
    return head.past[-1].partition(":")[2]


def visitor_fields_of(desk: Center, action: str, head: Head) -> dict[str, Any]:
    """Return a visitor's frame; for an action that is none of theirs, what those who work here would send."""
    said = desk.stores.threads.list_entries(head.home, before=None, since_ms=0, limit=1)[0]
    fields: dict[str, dict[str, Any]] = {
        "ping": {},
        "hello": {},
        "message.send": {"message_id": "m-1", "text": "Hi"},
        "typing": {},
        "received": {"entries": [said.entry_id]},
        "read": {"entries": [said.entry_id]},
    }
    return fields[action] if action in fields else fields_of(action, head)


def tab_of(desk: Center, role: Role) -> str:
    tab = f"{role}-tab"
    if role is Role.VISITOR:
        desk.connect(tab, f"throughline.v1, {desk.sign_visitor_in()['token']}")
    else:
        desk.sign_in(ME[role], tab, available=False)
    return tab


def words_on(desk: Center, head: Head) -> list[str | None]:
    entries = desk.stores.threads.list_entries(head.home, before=None, since_ms=0, limit=100)
    return [entry.text for entry in entries]


CELLS = list(product(sorted({*READERS, *VISITOR_READERS}), Role, Ownership))


@pytest.mark.parametrize(("action", "role", "ownership"), CELLS)
def test_a_frame_does_what_its_cell_says(desk: Center, action: str, role: Role, ownership: Ownership) -> None:
    before = stage(desk, ME[role], ownership)
    said = words_on(desk, before)

    visits = role is Role.VISITOR
    fields = visitor_fields_of(desk, action, before) if visits else fields_of(action, before)
    answer = desk.say(tab_of(desk, role), action, **fields)
    right = right_of(action, role, ownership)
    if right is Right.YES:
        assert answer["event"] in {"ack", "snapshot"}
        if not visits:
            return
    if right is None:
        assert answer.get("code") == ("forbidden" if visits or action in READERS else "invalid_request")
    desk.pass_time()
    after = desk.head(before.conversation)
    assert (after.state, after.turn, after.holder) == (before.state, before.turn, before.holder)
    assert words_on(desk, before) == said
    assert desk.outbound.jobs == []


def _edited(desk: Center, caller: Caller, head: Head) -> object:
    edit_card(desk.world, caller, head.customer, None, {"tier": "gold"})
    return desk.stores.customers.find_customer(head.customer)


READS: dict[str, Callable[[Center, Caller, Head], object]] = {
    "GET /threads": lambda desk, caller, head: view_thread(
        desk.world, caller, head.customer, closed=None, before=None, limit=9
    ),
    "GET /conversations": lambda desk, caller, head: view_conversation(desk.world, caller, head.conversation),
    "GET /customers": lambda desk, caller, head: view_customer(desk.world, caller, head.customer, None),
    "PATCH /customers": _edited,
    "GET /answers": lambda desk, caller, head: view_answers(desk.world, caller, head.conversation),
    "GET /attachments": lambda desk, caller, head: link_attachment(
        desk.world, caller, _photo_of(desk, head, caller.visitor.way if caller.visitor else None)
    ),
    "POST /attachments": lambda desk, caller, _: offer_upload(
        desk.world, caller, {"content_type": "image/png", "size_bytes": 9, "name": "a.png"}
    ),
    "GET /accounts": lambda desk, caller, _: view_accounts(desk.world, caller),
    "GET /agents": lambda desk, caller, _: view_agents(desk.world, caller),
    "GET /queues": lambda desk, caller, _: view_queues(desk.world, caller),
    "GET /queues/waiting": lambda desk, caller, head: view_waiting(desk.world, caller, head.queue),
    "GET /webchat/thread": lambda desk, caller, _: view_visitor_thread(
        desk.world, caller, "shop", before=None, limit=9
    ),
}


def _photo_of(desk: Center, head: Head, via: str | None = None) -> str:
    photo = Attachment(kind="image", blob="media/photo.jpg")
    newest = desk.stores.threads.list_entries(head.home, before=None, since_ms=0, limit=1)[0]
    newest = replace(newest, via=via or newest.via)
    entry = replace(newest, reference=f"{newest.sent_ms + 1:013d}#{7:022x}", attachments=(photo,))
    desk.stores.threads.add_entry(entry)
    return f"{entry.entry_id}.0"


@pytest.mark.parametrize(("action", "role", "ownership"), list(product(READS, Role, Ownership)))
def test_a_request_does_what_its_cell_says(desk: Center, action: str, role: Role, ownership: Ownership) -> None:
    head = stage(desk, ME[role], ownership)
    caller = Caller(subject=ME[role], role=role, expires_ms=desk.clock.now_ms + 1)
    if role is Role.VISITOR:
        caller = sign_in(desk.world, signing_keys(), desk.sign_visitor_in()["token"])

    if right_of(action, role, ownership):
        assert READS[action](desk, caller, head)
    else:
        with pytest.raises(ForbiddenError):
            READS[action](desk, caller, head)


def test_the_table_has_a_row_for_every_action_and_every_request_and_no_other() -> None:
    assert set(RIGHTS) == {*READERS, *VISITOR_READERS, *READS}


@pytest.mark.parametrize("ownership", Ownership)
def test_each_part_is_staged_as_it_is_called(desk: Center, ownership: Ownership) -> None:
    head = stage(desk, "lea", ownership)
    lea = Caller(subject="lea", role=Role.SUPERVISOR, expires_ms=0)

    assert standing(desk.world, lea, head) is ownership


@pytest.mark.parametrize("ownership", [Ownership.TEAM, Ownership.WAITING, Ownership.OTHER])
def test_colleagues_of_a_team_stand_to_a_conversation_like_anybody_else(desk: Center, ownership: Ownership) -> None:
    head = stage(desk, "ana", ownership)

    assert standing(desk.world, Caller(subject="ana", role=Role.AGENT, expires_ms=0), head) is Ownership.OTHER


def test_an_agent_whose_name_ends_like_anothers_did_not_hold_what_the_other_held(desk: Center) -> None:
    head = replace(stage(desk, "ana", Ownership.PAST), past=("3:diana", "5:a:ana"))

    assert ownership_of(head, AgentId("ana")) is Ownership.OTHER
    assert ownership_of(head, AgentId("a:ana")) is Ownership.PAST


def test_who_was_to_have_it_first_does_not_keep_what_somebody_else_holds(desk: Center) -> None:
    head = replace(stage(desk, "ben", Ownership.PAUSED), preferred=AgentId("ana"))

    assert ownership_of(head, AgentId("ana")) is Ownership.OTHER
    assert ownership_of(replace(head, holder=None), AgentId("ana")) is Ownership.KEEPER


def test_notes_are_not_for_visitors_and_messages_are() -> None:
    def said(kind: EntryKind, direction: Direction) -> Entry:
        return Entry(
            home=Home("h-1"),
            reference="1#2",
            by="x",
            kind=kind,
            direction=direction,
            channel="webchat",
            sent_ms=1,
            received_ms=1,
        )

    assert not may_see(Role.VISITOR, said(EntryKind.NOTE, Direction.INTERNAL))
    assert may_see(Role.VISITOR, said(EntryKind.MESSAGE, Direction.OUTBOUND))
    assert may_see(Role.AGENT, said(EntryKind.NOTE, Direction.INTERNAL))


# ---------------------------------------------------------------- the page


def _cell(action: str, ownership: Ownership) -> str:
    agent, supervisor = (right_of(action, role, ownership) for role in (Role.AGENT, Role.SUPERVISOR))
    if agent is supervisor:
        return agent or NONE
    assert (agent, supervisor) == (None, Right.YES)
    return "supervisor"


def _row(action: str) -> str:
    visitors = {right_of(action, Role.VISITOR, ownership) for ownership in Ownership}
    cells = [_cell(action, ownership) for ownership in Ownership]
    return f"| `{action}` | {' | '.join(cells)} | {'yes' if visitors == {Right.YES} else NONE} |"


def test_the_page_shows_this_very_table() -> None:
    section = PROTOCOL.read_text(encoding="utf-8").partition("\n## Rights\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]

    assert table[0] == f"| action | {' | '.join(Ownership)} | visitors |"
    assert table[2:] == [_row(action) for action in RIGHTS]
