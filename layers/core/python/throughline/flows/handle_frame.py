"""One frame of a known connection, carried out and answered."""

from collections.abc import Callable, Mapping

from throughline.domain.client_frames import (
    AddNote,
    AnswerOffer,
    Assign,
    ClientFrame,
    Close,
    ConversationFrame,
    Hello,
    Pause,
    SendMessage,
    SetPresence,
    TakeOver,
    Transfer,
    read_frame,
)
from throughline.domain.conversations import Entry, Head
from throughline.domain.errors import InvalidRequestError, UnauthenticatedError
from throughline.domain.frames import Frame, ack_frame, conversation_view, entry_view, read_by_frame, typing_frame
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.rights import Caller, Role, require_right
from throughline.domain.visitor_views import visitor_read_frame, visitor_typing_frame
from throughline.flows.authorize import authorize_on_conversation
from throughline.flows.conclude import close, pause, transfer, wrap_up
from throughline.flows.handle_visitor_frame import handle_visitor_frame
from throughline.flows.offers import accept_offer, reject_offer
from throughline.flows.presence import say_hello, set_presence
from throughline.flows.read_thread import read_conversation
from throughline.flows.reply import add_note, send_reply
from throughline.flows.show_visitor import tell_visitor
from throughline.flows.supervise import assign, take_over
from throughline.ports import Connection, World


def handle_frame(world: World, connection: Connection, text: str) -> Frame:
    """Return the answer to one frame: an ack, or the snapshot that answers `hello`.

    Raises:
        UnauthenticatedError: the connection's token has expired since.
        InvalidRequestError: this is no frame of the protocol.
        ForbiddenError: the caller may not do this, or not to this conversation.
        ThroughlineError: whatever carrying it out raises.
    """
    if connection.expires_ms <= world.clock():
        raise UnauthenticatedError("the token has expired; connect again with a new one")
    if connection.role == Role.VISITOR:
        return handle_visitor_frame(world, connection, text)
    frame = read_frame(text)
    caller = Caller(subject=connection.subject, role=Role(connection.role), expires_ms=connection.expires_ms)
    if isinstance(frame, ConversationFrame):
        head = authorize_on_conversation(world, caller, frame.action, frame.conversation)
        return ack_frame(frame.frame_id, **_act_on_conversation(world, connection, caller, head, frame))
    require_right(frame.action, caller.role)
    return _act(world, connection, frame)


def _act(world: World, connection: Connection, frame: ClientFrame) -> Frame:
    match frame:
        case Hello():
            return {**say_hello(world, connection, frame.resume), "id": frame.frame_id}
        case SetPresence():
            _require_hello(world, connection)
            set_presence(world, AgentId(connection.subject), frame.presence, frame.reason, after_work=frame.after_work)
    return ack_frame(frame.frame_id)


def _require_hello(world: World, connection: Connection) -> None:
    """An agent whom no work could be shown on this screen is not to ask for any."""
    agent = world.routing.find_agent(AgentId(connection.subject))
    if agent is None or connection.connection_id not in agent.sockets:
        raise InvalidRequestError("this connection is not in service; say hello first")


def _act_on_conversation(  # noqa: PLR0911 - one case an action
    world: World, connection: Connection, caller: Caller, head: Head, frame: ConversationFrame
) -> Frame:
    """Carry the frame out and return what its ack tells beyond the id."""
    agent, conversation = AgentId(connection.subject), frame.conversation
    match frame:
        case AnswerOffer(action="offer.accept"):
            return _taken(world, accept_offer(world, agent, conversation, frame.turn))
        case TakeOver() | Assign():
            return _supervise(world, caller, frame)
        case AnswerOffer():
            reject_offer(world, agent, conversation, frame.turn, frame.reason)
        case SendMessage():
            return _said(send_reply(world, agent, frame))
        case AddNote():
            return _said(add_note(world, agent, conversation, note_id=frame.note_id, text=frame.text))
        case Close():
            return _state(close(world, agent, conversation, frame.disposition, frame.version))
        case Transfer():
            transfer(
                world,
                agent,
                conversation,
                queue=frame.queue,
                to_agent=frame.to_agent,
                note=frame.note,
                note_id=frame.frame_id,
            )
        case Pause():
            return _state(pause(world, agent, conversation, frame.until_ms))
        case ConversationFrame(action="conversation.wrap_up"):
            return _state(wrap_up(world, agent, conversation))
        case _:
            _relay(world, connection, head, _SIGNS[frame.action](head, agent))
            _show_visitor(world, head, agent, frame.action)
    return {}


def _supervise(world: World, caller: Caller, frame: TakeOver | Assign) -> Frame:
    if isinstance(frame, TakeOver):
        return _taken(world, take_over(world, caller, frame.conversation, frame.turn))
    assign(world, caller, frame.conversation, frame.turn, frame.agent)
    return {}


def _taken(world: World, head: Head) -> Frame:
    """What somebody takes comes with all that was said, so that the agent can answer at once."""
    return {"conversation": {**conversation_view(head), "entries": read_conversation(world, head, None)}}


def _said(entry: Entry) -> Frame:
    return {"entry": entry_view(entry)}


def _state(head: Head) -> Frame:
    view = conversation_view(head)
    return {"conversation": {field: view[field] for field in ("conversation", "version", "turn", "state", "until")}}


_SIGNS: Mapping[str, Callable[[Head, AgentId], Frame]] = {"typing": typing_frame, "read": read_by_frame}


def _show_visitor(world: World, head: Head, agent: AgentId, action: str) -> None:
    """Show a passing sign to a customer who is there: whoever writes by web chat. 1 RRU for them."""
    profile = world.settings.find_agent_profile(agent)
    name = profile.name if profile else None
    typing = action == "typing"
    tell_visitor(world, head.last_via, visitor_typing_frame(name) if typing else visitor_read_frame(world.clock()))


def _relay(world: World, connection: Connection, head: Head, frame: Frame) -> None:
    """Show a passing sign on the agent's other screens. Nobody is told when it is lost."""
    for socket in head.sockets:
        if socket != connection.connection_id:
            world.sockets.post(ConnectionId(socket), frame)
