"""Put a contact back into a queue: a new turn, the same age."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.conversations import ContactState, Expected, Head
from throughline.domain.frames import conversation_frame
from throughline.domain.identifiers import AgentId, ConversationId, digest, home_of_conversation
from throughline.domain.routing import able_classes, released
from throughline.flows.agents import change_agent
from throughline.flows.assign import place, policy_of, settle
from throughline.flows.notify import notify_agent, show_new_presence
from throughline.flows.record_state import record_state
from throughline.ports import World

PAST = 8  # how many former holders a head remembers


def find_head(world: World, conversation: ConversationId) -> Head | None:
    """Return the conversation as it stands now, live or closed, wherever its customer's live conversation has moved."""
    live = world.threads.get_live(home_of_conversation(conversation))
    if isinstance(live, Head) and live.conversation == conversation:
        return live
    return world.threads.find_archived(conversation)


def with_past(head: Head, agent: AgentId) -> tuple[str, ...]:
    """Return who held the contact up to now, the latest last."""
    return (*head.past, f"{head.turn}:{agent}")[-PAST:]


def held_at(head: Head, turn: int) -> AgentId | None:
    """Return who lost the contact at `turn`, if that is remembered."""
    for item in reversed(head.past):
        at, _, agent = item.partition(":")
        if int(at) == turn:
            return AgentId(agent)
    return None


def requeue(  # noqa: PLR0913 - each is one word of the change's record
    world: World,
    head: Head,
    states: tuple[ContactState, ...],
    *,
    why: str,
    by: str,
    excluded: tuple[AgentId, ...] = (),
    changes: Mapping[str, Any] | None = None,
    release: bool = False,
    repeated: bool = False,
    version: int | None = None,
    preview: str | None = None,
) -> bool:
    """Queue the contact that was read as `head` and bring it to an agent; False if it is no longer as read.

    A message that came since makes it another one only where `version` is given.

    Safe to repeat: its own earlier write is recognised by name, and the search for an agent runs again. `release` tells
    the holder's screens and frees their slot before the search, for a contact that may go back to them; else the caller
    does so afterwards.
    """
    operation = _operation(head.conversation, head.turn)
    fields: dict[str, Any] = {
        "state": ContactState.QUEUED,
        "turn": head.turn + 1,
        "why": operation,
        "excluded": excluded,
        "past": with_past(head, head.holder) if head.holder else head.past,
        "holder": None,
        "deadline_ms": None,
        "nonce": None,
        "sockets": None,
        "preferred": None,
        "until_ms": None,
        "closed_ms": None,
        **_general_again(head),
        **(changes or {}),
    }
    expected = Expected(conversation=head.conversation, turn=head.turn, states=states, version=version)
    outcome = world.threads.transition(head.home, expected, fields)
    now = outcome.head
    if now is None or not (outcome.won or is_own_requeue(now, head.conversation, head.turn)):
        return False
    able_again = release and head.holder is not None and _release(world, head, now, head.holder)
    again = repeated or not outcome.won
    finish_requeue(world, now, why=why, by=by, agent=head.holder, repeated=again, preview=preview)
    if able_again and head.holder:
        settle(world, head.holder, ensure=True)
    return True


def _release(world: World, head: Head, now: Head, holder: AgentId) -> bool:
    """Tell the holder and free their slot; return whether that made them able to take anything they could not before.

    The slot goes last: it proves that the telling is still owed.
    """
    notify_agent(world, holder, head.sockets, conversation_frame(now))
    drop = [(head.conversation, head.turn)]
    before, after = change_agent(world, holder, lambda agent: released(agent, drop))
    show_new_presence(world, before, after)
    return bool(before and after and able_classes(before) != able_classes(after))


def _general_again(head: Head) -> dict[str, Any]:
    """A contact that waited for one agent only goes back to where it came from."""
    return {"requirement": head.base_requirement} if head.requirement.startswith("@") else {}


def is_own_requeue(now: Head, conversation: ConversationId, turn: int) -> bool:
    """Return whether a contact is queued since it was put back at `turn`, and nothing has happened to it since."""
    same = now.conversation == conversation and now.why == _operation(conversation, turn)
    return same and now.turn == turn + 1 and now.state is ContactState.QUEUED


def _operation(conversation: ConversationId, turn: int) -> str:
    return digest("requeue", conversation, str(turn))


def finish_requeue(  # noqa: PLR0913 - each is one word of the change's record
    world: World,
    head: Head,
    *,
    why: str,
    by: str,
    agent: AgentId | None = None,
    repeated: bool = False,
    preview: str | None = None,
) -> None:
    """Do what follows the write that queued `head`: cool-down, record, search. An offer shows `preview`, if known."""
    if head.excluded:
        work = {"kind": "cool_down", "conversation": head.conversation, "turn": head.turn}
        world.timers.arm(work, delay_s=policy_of(world, head.queue).cool_down_s)
    record_state(world, head, why=why, by=by, agent=agent)
    place(world, head, preview or preview_of(world, head), repeated=repeated)


def preview_of(world: World, head: Head) -> str | None:
    """Return the text of the newest entry, for the offer; it may stand in another home of the customer."""
    for home in (head.home, *head.links) if head.latest else ():
        entry = world.threads.find_entry(home, head.latest)
        if entry:
            return entry.text
    return None


def look_again(world: World, conversation: ConversationId, turn: int) -> None:
    """Search once more for a contact that is still queued at `turn`."""
    head = find_head(world, conversation)
    if head and head.state is ContactState.QUEUED and head.turn == turn:
        place(world, head, preview_of(world, head), repeated=True)


def cool_down(world: World, conversation: ConversationId, turn: int, *, repeated: bool) -> None:
    """Ask again whoever let a still queued contact pass: a new turn with nobody excluded."""
    head = find_head(world, conversation)
    if head is None or head.state is not ContactState.QUEUED:
        return
    if head.turn == turn:
        old = head.waiting(None)
        if requeue(world, head, (ContactState.QUEUED,), why="cooled down", by="timer", repeated=repeated):
            world.routing.delete_waiting(old)
    elif is_own_requeue(head, conversation, turn):
        finish_requeue(world, head, why="cooled down", by="timer", repeated=True)
