"""What pages with web chat on them ask over HTTP. See docs/protocol.md, *Visitors*."""

from collections.abc import Callable, Mapping
from typing import Any

from chalice.app import Blueprint, Response

from functions._edges import answers_screen, bearer_token, body_text, page_limit
from functions._wiring import signing_keys, socket_url, world
from throughline.flows.authenticate import sign_in
from throughline.flows.read_visitor_thread import view_visitor_thread
from throughline.flows.sign_visitor_in import PageRequest, cross_origin_headers, sign_visitor_in, view_web_chat

webchat = Blueprint(__name__)


@webchat.route("/webchat/{account}", methods=["GET", "OPTIONS"])
def get_web_chat(account: str) -> Response:
    """Answer what a widget shows."""
    page = _page(account)
    return _answered(page, lambda: view_web_chat(world(), page), {"Cache-Control": "max-age=60"})


@webchat.route("/webchat/{account}/visitors", methods=["POST", "OPTIONS"])
def post_visitor(account: str) -> Response:
    """Answer a token for a visitor."""
    page, told = _page(account), (signing_keys(), body_text(webchat.current_request))
    return _answered(page, lambda: sign_visitor_in(world(), page, *told, socket=socket_url()))


@webchat.route("/webchat/{account}/thread", methods=["GET", "OPTIONS"])
def get_visitor_thread(account: str) -> Response:
    """Answer one page of the visitor's own thread, oldest first."""
    return _answered(_page(account), lambda: _thread(account, webchat.current_request.query_params or {}))


def _thread(account: str, query: Mapping[str, str]) -> Mapping[str, Any]:
    caller = sign_in(world(), signing_keys(), bearer_token(webchat.current_request))
    before, limit = query.get("before"), page_limit(query.get("limit"))
    return view_visitor_thread(world(), caller, account, before=before, limit=limit)


def _page(account: str) -> PageRequest:
    request = webchat.current_request
    source = (request.context.get("identity") or {}).get("sourceIp") or ""
    return PageRequest(account=account, origin=request.headers.get("origin"), source=source)


def _answered(page: PageRequest, answer: Callable[[], Mapping[str, Any]], caching: Mapping[str, str] = {}) -> Response:
    """Answer to pages of the account's origins, refusals too, and to no other page; a preflight with nothing."""
    given = answers_screen(lambda: cross_origin_headers(world(), page))()
    if isinstance(given, Response):
        response, given = given, {}
    else:
        preflight = webchat.current_request.method == "OPTIONS"
        response = Response("", status_code=204) if preflight else answers_screen(answer)()
    if not isinstance(response, Response):
        response = Response(dict(response), headers={"Cache-Control": "no-store", **caching})
    response.headers.update({**given, "Vary": "Origin"})
    return response
