"""The WebSocket of agents and visitors: who connects, what they say, when they are gone."""

from chalice.app import Blueprint, Response, WebsocketAPI, WebsocketEvent

from functions._edges import answer_frame, answers_http
from functions._wiring import signing_keys, world
from throughline.domain.client_frames import frame_id_of
from throughline.domain.errors import UnauthenticatedError
from throughline.domain.frame_splitting import frames_within
from throughline.domain.frames import Frame
from throughline.domain.identifiers import ConnectionId
from throughline.domain.rights import Role
from throughline.flows.authenticate import PROTOCOL, admit, token_among
from throughline.flows.handle_frame import handle_frame
from throughline.flows.show_visitor import forget_visitor

agents = Blueprint(__name__)
agents.websocket_api = WebsocketAPI()  # Chalice leaves it None on a Blueprint, and then does not wrap the handlers


@agents.on_ws_connect()
@answers_http
def connect(event: WebsocketEvent) -> Response:
    """Open the socket to whom the token is for; refusals are answered, because a raised one would become a 5xx."""
    headers = {name.lower(): value for name, value in event.to_dict()["headers"].items()}
    token = token_among(headers.get("sec-websocket-protocol", ""))
    admit(world(), signing_keys(), token, ConnectionId(event.connection_id))
    return Response("", status_code=200, headers={"Sec-WebSocket-Protocol": PROTOCOL})


@agents.on_ws_message()
def message(event: WebsocketEvent) -> None:
    """Carry out a frame and post the answer: API Gateway does not send what a handler returns."""
    connection_id = ConnectionId(event.connection_id)
    answer = answer_frame(frame_id_of(event.body), lambda: _carried_out(connection_id, event.body))
    for frame in frames_within(answer):
        world().sockets.post(connection_id, frame)


def _carried_out(connection_id: ConnectionId, text: str) -> Frame:
    connection = world().connections.find_connection(connection_id)
    if connection is None:
        raise UnauthenticatedError("this connection is not known; connect again")
    return handle_frame(world(), connection, text)


@agents.on_ws_disconnect()
def disconnect(event: WebsocketEvent) -> None:
    """Have a worker do what follows: a socket function may die together with its client."""
    connection = world().connections.find_connection(ConnectionId(event.connection_id))
    if connection and connection.role == Role.VISITOR:
        forget_visitor(world(), connection)
    elif connection:
        work = {"kind": "vanish", "agent": connection.subject, "connection": connection.connection_id}
        world().timers.arm(work, delay_s=0)
