"""What a person's screen reads over HTTP, for whoever ``Authorization: Bearer <jwt>`` says. See docs/protocol.md."""

from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, Response

from functions._edges import answers_screen, bearer_token, body_text, page_limit
from functions._wiring import signing_keys, world
from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import ConversationId, parse_customer_id
from throughline.domain.json_fields import decode_object
from throughline.domain.rights import Caller
from throughline.flows.attach import link_attachment, offer_upload
from throughline.flows.authenticate import sign_in
from throughline.flows.edit_card import edit_card
from throughline.flows.list_ways import view_ways
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

MAX_BODY_BYTES = 4096
PRIVATE = {"Cache-Control": "no-store"}

desk = Blueprint(__name__)


@desk.route("/threads/{customer}", methods=["GET"], cors=True)
@answers_screen
def get_thread(customer: str) -> Response:
    """Answer one page of what was said, oldest first."""
    view = view_thread(
        world(),
        _caller(),
        parse_customer_id(customer),
        closed=_closed(),
        before=_query("before"),
        limit=page_limit(_query("limit")),
    )
    return _answer(view)


@desk.route("/conversations/{conversation}", methods=["GET"], cors=True)
@answers_screen
def get_conversation(conversation: str) -> Response:
    """Answer a conversation with every change of its contact."""
    return _answer(view_conversation(world(), _caller(), ConversationId(conversation)))


@desk.route("/customers/{customer}", methods=["GET"], cors=True)
@answers_screen
def get_customer(customer: str) -> Response:
    """Answer a customer's card."""
    return _answer(view_customer(world(), _caller(), parse_customer_id(customer), _closed()))


@desk.route("/customers/{customer}", methods=["PATCH"], cors=True)
@answers_screen
def patch_customer(customer: str) -> Response:
    """Change a customer's card, and answer it."""
    caller, closed, known = _caller(), _closed(), parse_customer_id(customer)
    edit_card(world(), caller, known, closed, _body())
    return _answer(view_customer(world(), caller, known, closed))


@desk.route("/conversations/{conversation}/ways", methods=["GET"], cors=True)
@answers_screen
def get_ways(conversation: str) -> Response:
    """Answer how the customer can be answered right now."""
    return _answer(view_ways(world(), _caller(), ConversationId(conversation)))


@desk.route("/answers", methods=["GET"], cors=True)
@answers_screen
def get_answers() -> Response:
    """Answer the canned answers for a conversation."""
    caller, conversation = _caller(), _closed()
    if conversation is None:
        raise InvalidRequestError("conversation: is missing")
    return _answer(view_answers(world(), caller, conversation))


@desk.route("/accounts", methods=["GET"], cors=True)
@answers_screen
def get_accounts() -> Response:
    """Answer what our channel accounts are called."""
    return _answer(view_accounts(world(), _caller()))


@desk.route("/agents", methods=["GET"], cors=True)
@answers_screen
def get_agents() -> Response:
    """Answer who is there."""
    return _answer(view_agents(world(), _caller()))


@desk.route("/queues", methods=["GET"], cors=True)
@answers_screen
def get_queues() -> Response:
    """Answer how long the queues are."""
    return _answer(view_queues(world(), _caller()))


@desk.route("/queues/{queue}/waiting", methods=["GET"], cors=True)
@answers_screen
def get_waiting(queue: str) -> Response:
    """Answer who waits in a queue."""
    return _answer(view_waiting(world(), _caller(), queue))


@desk.route("/attachments", methods=["POST"], cors=True)
@answers_screen
def post_attachment() -> Response:
    """Answer where a file can be uploaded to."""
    caller = _caller()
    return _answer(offer_upload(world(), caller, _body()))


@desk.route("/attachments/{attachment}", methods=["GET"], cors=True)
@answers_screen
def get_attachment(attachment: str) -> Response:
    """Redirect to the file; or say where it is, to a page that asks for JSON: a script cannot read a redirect."""
    url = link_attachment(world(), _caller(), attachment, _closed())
    if "application/json" in desk.current_request.headers.get("accept", ""):
        return _answer({"url": url})
    return Response({"url": url}, status_code=302, headers={"Location": url, **PRIVATE})


def _answer(view: Mapping[str, Any]) -> Response:
    return Response(dict(view), headers={**PRIVATE})


def _caller() -> Caller:
    return sign_in(world(), signing_keys(), bearer_token(desk.current_request))


def _body() -> dict[str, Any]:
    return decode_object(body_text(desk.current_request), MAX_BODY_BYTES)


def _query(name: str) -> str | None:
    given: Mapping[str, str] = desk.current_request.query_params or {}
    return given.get(name)


def _closed() -> ConversationId | None:
    conversation = _query("conversation")
    return ConversationId(conversation) if conversation else None
