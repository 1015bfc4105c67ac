"""What agents say: replies that leave for the customer, and notes that stay here.

A reply is durable in the queue, with all of itself, before its entry is written and before it is acknowledged: whatever
dies in between, the worker writes the entry and sends. The same `message_id` twice is one entry and one send, because
the entry's reference follows from it. docs/delivery.md tells how.
"""

from throughline.domain.client_frames import SendMessage, TemplateAsked
from throughline.domain.conversations import ContactState, Direction, Entry, EntryKind, Head
from throughline.domain.encodings import OutboundJob, encode_outbound
from throughline.domain.errors import (
    ConflictError,
    DeliveryError,
    ForbiddenError,
    InvalidRequestError,
    NoChannelError,
    NotFoundError,
    RejectedError,
)
from throughline.domain.identifiers import AgentId, ConversationId, Home, digest, home_of_conversation, reference
from throughline.domain.message_ids import require_recent, time_within
from throughline.domain.messages import DeliveryStatus
from throughline.domain.vias import Via, choose_via
from throughline.flows.announce import announce_entry
from throughline.flows.attach import get_upload
from throughline.flows.require_open_way import require_open_way, require_shown
from throughline.flows.templates import get_template
from throughline.flows.visitor_ways import living_ways
from throughline.ports import World

MAX_TEXT_CHARACTERS = 16_000
ANOTHER = "something else was sent under this id; send it under a new one"

_WITH_AGENT = (ContactState.ACTIVE, ContactState.WRAPPING, ContactState.PAUSED)


def send_reply(world: World, agent: AgentId, reply: SendMessage) -> Entry:
    """Hand a reply to the outbound queue, write its entry and return it; where it is refused, nothing is written.

    Safe to repeat with the same `message_id`. 1 WRU where that is a version 7 UUID, which carries its time; 2 for any
    other id, whose first arrival has to be remembered. `attachments` are ids of the agent's uploads; those of a
    template are its header.

    Raises:
        ForbiddenError: the conversation is not with this agent.
        InvalidRequestError: nothing to send, too long, a way the customer never used, a template that the way does not
            have or that is filled in wrongly, quick replies it cannot show in any form, or an id that is too old.
        NotFoundError: the agent has no such upload.
        ConflictError: other words stand under this id already, or somebody else has answered after `seen_version`.
        RecipientOptedOutError, WindowClosedError, NoChannelError: it is known beforehand that this would not be
            delivered.
    """
    home, author = home_of_conversation(reply.conversation), f"agent/{agent}"
    try:
        head = _held(world, home, reply.conversation, agent)
        _require_unanswered(head, agent, reply.seen_version)
        chosen = _choose_way(world, head, reply.via)
        _require_configured(world, chosen)
        files = tuple(get_upload(world, agent, attachment) for attachment in reply.attachments)
        template = get_template(world, chosen, reply.template, files) if reply.template else None
        words = template.text if template else _words(reply.text, needed=not files)
        channel = require_open_way(
            world, head.customer, chosen, head.vias.get(str(chosen)), templated=template is not None
        )
        require_shown(channel, reply.quick_replies)
        sent_ms = _first_sent(world, home, author, reply.message_id)
    except (RejectedError, NotFoundError, DeliveryError, ConflictError):
        known = _find_sent(world, home, author, reply.message_id)
        if known is None:
            raise
        return _same_reply(known, reply)
    entry = Entry(
        home=home,
        reference=reference(author, reply.message_id, sent_ms),
        by=author,
        kind=EntryKind.MESSAGE,
        direction=Direction.OUTBOUND,
        channel=chosen.channel,
        sent_ms=sent_ms,
        received_ms=world.clock(),
        via=str(chosen),
        type="media" if files else "text",
        text=words,
        author=agent,
        attachments=files,
        quick_replies=reply.quick_replies,
        template=template.filled if template else None,
        status=DeliveryStatus.QUEUED,
    )
    job = encode_outbound(OutboundJob(conversation=reply.conversation, entry=entry))
    world.outbound.put(job, group=home, dedup=entry.entry_id)
    return _same_reply(world.threads.add_entry(entry) or entry, reply)


def add_note(world: World, agent: AgentId, conversation: ConversationId, *, note_id: str, text: str) -> Entry:
    """Write a note that never leaves us and show it to whoever holds the conversation. Who may, the caller has asked.

    Safe to repeat with the same `note_id`. 2 WRU where that is a version 7 UUID, 3 for any other id.

    Raises:
        InvalidRequestError: an empty note, one that is too long, or an id that is too old.
        ConflictError: other words stand under this id already; nobody is told anything.
    """
    home, author = home_of_conversation(conversation), f"note/{agent}"
    words = _words(text, needed=True)
    try:
        sent_ms = _first_sent(world, home, author, note_id)
    except InvalidRequestError:
        known = _find_sent(world, home, author, note_id)
        if known is None:
            raise
        return _unchanged(known, text)
    note = Entry(
        home=home,
        reference=reference(author, note_id, sent_ms),
        by=author,
        kind=EntryKind.NOTE,
        direction=Direction.INTERNAL,
        channel="note",
        sent_ms=sent_ms,
        received_ms=world.clock(),
        text=words,
        author=agent,
    )
    entry = _unchanged(world.threads.add_entry(note) or note, text)
    announce_entry(world, entry, conversation=conversation)
    return entry


def _held(world: World, home: Home, conversation: ConversationId, agent: AgentId) -> Head:
    live = world.threads.get_live(home)
    if isinstance(live, Head) and live.conversation == conversation and _is_with(agent, live):
        return live
    raise ForbiddenError("the conversation is not with this agent")


def _is_with(agent: AgentId, head: Head) -> bool:
    return head.holder == agent and head.state in _WITH_AGENT


def _choose_way(world: World, head: Head, wanted: str | None) -> Via:
    """Return the way a reply goes: an anonymous visitor is answered as whom they have turned out to be."""
    living = living_ways(world, head.vias)
    chosen = str(choose_via(wanted, head.last_via, {*living, *living.values()}))
    return Via.parse(living.get(chosen, chosen))


def _require_unanswered(head: Head, agent: AgentId, seen_version: int | None) -> None:
    if seen_version is not None and head.answered_version > seen_version and head.answered_by != agent:
        raise ConflictError("somebody else has answered meanwhile; look at it, then send again", version=head.version)


def _require_configured(world: World, via: Via) -> None:
    account = world.settings.find_account_by_address(via.channel, via.address)
    if account is None or via.channel not in world.channels:
        raise NoChannelError("this channel account is no longer configured; another channel is the way on")


def _words(text: str | None, *, needed: bool) -> str | None:
    if text is not None and len(text) > MAX_TEXT_CHARACTERS:
        raise InvalidRequestError(f"text: at most {MAX_TEXT_CHARACTERS} characters are taken")
    if text is None or not text.strip():
        if needed:
            raise InvalidRequestError("text: is empty, and nothing is attached")
        return None
    return text


# ---------------------------------------------------------------- the same id twice


def _first_sent(world: World, home: Home, author: str, message_id: str) -> int:
    """Return the time of a message that is the same in every repetition of its frame.

    It is the time inside the id, where that is recent; an id without a time has the instant it first arrived.
    """
    made_ms = time_within(message_id)
    if made_ms is not None:
        require_recent(made_ms, world.clock())
        return made_ms
    first_ms, _ = world.threads.remember_arrival(home, digest(author, message_id), world.clock(), author)
    return first_ms


def _find_sent(world: World, home: Home, author: str, message_id: str) -> Entry | None:
    """Return the entry an earlier frame of this id made, where the id itself tells its place.

    So a frame that was repeated because its ack was lost is acknowledged, whatever has changed since.
    """
    made_ms = time_within(message_id)
    return world.threads.find_entry(home, reference(author, message_id, made_ms)) if made_ms is not None else None


def _same_reply(entry: Entry, reply: SendMessage) -> Entry:
    """As `_unchanged`, for a reply; of a template the words are the configuration's, its name and parameters ours."""
    used = entry.template and TemplateAsked(name=entry.template.name, parameters=entry.template.parameters)
    if used != reply.template or entry.quick_replies != reply.quick_replies:
        raise ConflictError(ANOTHER)
    return entry if used else _unchanged(entry, reply.text)


def _unchanged(entry: Entry, text: str | None) -> Entry:
    """Return what stands under an id; used again for other words, the id would lose them without a sound."""
    if (entry.text or "").strip() != (text or "").strip():
        raise ConflictError(ANOTHER)
    return entry
