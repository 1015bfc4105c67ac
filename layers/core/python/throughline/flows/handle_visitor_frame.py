"""One frame of a visitor, carried out and answered. They have one thread, their own, and no say about anything else."""

from throughline.domain.client_frames import ClientFrame
from throughline.domain.conversations import ContactState, Entry
from throughline.domain.errors import ConfigurationError, InvalidRequestError, UnauthenticatedError
from throughline.domain.frames import Frame, ack_frame, read_by_frame, typing_frame
from throughline.domain.identifiers import CustomerId, EntryId, parse_entry_id
from throughline.domain.messages import DELIVERY_RANK, DeliveryStatus, StatusReported
from throughline.domain.rights import Role, require_right, require_visitor
from throughline.domain.visitor_frames import Say, Seen, Typing, VisitorHello, read_visitor_frame
from throughline.domain.visitor_views import visitor_snapshot_frame
from throughline.domain.visitors import WEBCHAT, Visitor, VisitorMessage
from throughline.flows.attach import get_upload
from throughline.flows.limit_intake import charge, require_room
from throughline.flows.notify import notify_holder
from throughline.flows.queue_events import queue_events
from throughline.flows.read_thread import find_live
from throughline.flows.read_visitor_thread import FIRST_PAGE, MAX_RESUMED, read_visitor_thread
from throughline.flows.show_visitor import drop_listener, view_state
from throughline.flows.visitor_ways import is_theirs, require_unbound
from throughline.ports import Connection, VisitorChannel, World

TABS = 20  # sockets one visitor may have in service; the oldest go

_BECOMES = {"received": DeliveryStatus.DELIVERED, "read": DeliveryStatus.READ}


def handle_visitor_frame(world: World, connection: Connection, text: str) -> Frame:
    """Return the answer to one frame: an ack, or the snapshot that answers `hello`.

    Raises:
        ForbiddenError: the action is for those who work here, or the visitor came through no web chat of ours.
        UnauthenticatedError: the visitor was anonymous here, and has signed in since.
        InvalidRequestError: this is no frame of the protocol.
        ThroughlineError: whatever carrying it out raises.
    """
    frame = read_visitor_frame(text)
    require_right(frame.action, Role.VISITOR)
    if frame.action == "ping":
        return ack_frame(frame.frame_id)
    visitor = require_visitor(connection.visitor)
    require_unbound(world, visitor.identifier)
    return _act(world, connection, visitor, frame)


def _act(world: World, connection: Connection, visitor: Visitor, frame: ClientFrame) -> Frame:
    match frame:
        case VisitorHello():
            return {**_hello(world, connection, visitor, frame.resume), "id": frame.frame_id}
        case Say():
            _say(world, visitor, frame)
            return ack_frame(frame.frame_id, message_id=frame.message_id)
        case Seen():
            _see(world, visitor, frame)
        case Typing():
            _show_typing(world, visitor)
    return ack_frame(frame.frame_id)


def _hello(world: World, connection: Connection, visitor: Visitor, resume: str | None) -> Frame:
    """Take the socket into service, then read: whatever is written after that read is posted to it.

    Raises:
        UnauthenticatedError: the visitor has signed in just now. Who binds looks for sockets afterwards.
    """
    world.connections.add_listener(visitor.way, connection)
    try:
        require_unbound(world, visitor.identifier)
    except UnauthenticatedError:
        drop_listener(world, visitor.way, connection.connection_id)
        raise
    if world.connections.find_connection(connection.connection_id) is None:
        # Its end overtook this frame, and found nothing to end.
        world.connections.delete_listener(visitor.way, connection.connection_id)
    for oldest in world.connections.list_listeners(visitor.way)[:-TABS]:
        drop_listener(world, visitor.way, oldest)
    page = read_visitor_thread(world, visitor, resume=resume, limit=MAX_RESUMED if resume else FIRST_PAGE)
    return visitor_snapshot_frame(visitor, view_state(world, page.live), page.entries, page.before)


# ---------------------------------------------------------------- writing


def _say(world: World, visitor: Visitor, frame: Say) -> None:
    """Make a message durable on the way all channels' messages take; a worker files it, once for good.

    One write to the inbound queue, and 1 RRU. What the visitor told of themselves comes with what opens a conversation.

    Raises:
        NotFoundError: an attachment is no upload of this visitor's.
        InvalidRequestError: `reply_to` is nothing they can see.
        TooManyRequestsError: they, or all visitors of the account together, write too much; nothing was taken.
    """
    channel = world.channels.get(WEBCHAT)
    if not isinstance(channel, VisitorChannel):
        raise ConfigurationError("no channel takes what visitors say")
    files = tuple(get_upload(world, str(visitor.identifier), upload) for upload in frame.attachments)
    _, live = find_live(world, CustomerId(visitor.home))
    message = VisitorMessage(
        message_id=frame.message_id,
        text=frame.text,
        files=files,
        reply_to=_answered(world, visitor, frame.reply_to) if frame.reply_to else None,
        introduced=live is not None and live.state is not ContactState.RESOLVED and visitor.way in live.vias,
    )
    said, at_ms = channel.said(visitor, message), world.clock()
    account = world.settings.find_account(WEBCHAT, visitor.account)
    if account:
        require_room([charge(world, account, at_ms, sender=visitor.home)], at_ms)
    queue_events(world, [(said, visitor.home)], at_ms)


def _answered(world: World, visitor: Visitor, entry_id: str) -> EntryId:
    entry = _find_shown(world, visitor, entry_id)
    if entry is None:
        raise InvalidRequestError("reply_to: is no message of this chat")
    return entry.entry_id


def _find_shown(world: World, visitor: Visitor, entry_id: str) -> Entry | None:
    entry = world.threads.find_entry(*parse_entry_id(entry_id))
    return entry if entry and is_theirs(world, visitor, entry) else None


# ---------------------------------------------------------------- reading


def _see(world: World, visitor: Visitor, frame: Seen) -> None:
    """Report what the visitor has of ours, as a provider would; what is not theirs to see, or known, is left out."""
    status = _BECOMES[frame.action]
    seen = [_find_shown(world, visitor, entry_id) for entry_id in frame.entries]
    news = [entry for entry in seen if entry and entry.status and DELIVERY_RANK[entry.status] < DELIVERY_RANK[status]]
    reports = [(_report(visitor, entry.entry_id, status, world.clock()), entry.home) for entry in news]
    queue_events(world, reports, world.clock())
    if news and status is DeliveryStatus.READ:
        _, live = find_live(world, CustomerId(visitor.home))
        if live:
            notify_holder(world, live, read_by_frame(live, None))


def _report(visitor: Visitor, entry: EntryId, status: DeliveryStatus, at_ms: int) -> StatusReported:
    return StatusReported(
        channel=WEBCHAT,
        account=visitor.via.account,
        provider_id=f"{entry}:{status}",
        senders=(visitor.identifier,),
        sent_ms=at_ms,
        message_id=entry,
        entry=entry,
        status=status,
    )


def _show_typing(world: World, visitor: Visitor) -> None:
    _, live = find_live(world, CustomerId(visitor.home))
    if live:
        notify_holder(world, live, typing_frame(live, None))
