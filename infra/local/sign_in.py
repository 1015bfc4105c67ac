"""The stack as its own OIDC provider: the code flow with PKCE, with a page on which one chooses who to be.

For this machine only. There are no passwords: whoever sits here may be anybody of the demo.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.centre import Agent, Centre, Issuer
from infra.local.guard import only_here
from infra.local.page import FORM_POLICY, render_page
from infra.local.tokens import TokenIssuer

DISCOVERY_PATH = "/local/.well-known/openid-configuration"
AUTHORIZE_PATH = "/local/authorize"
TOKEN_PATH = "/local/oidc/token"  # noqa: S105 - an address
DESK_PATH = "/desk/"
CODE_S = 60
TOKEN_S = 3600
MAX_BODY_BYTES = 16 * 1024
CARRIED = ("client_id", "redirect_uri", "state", "nonce", "code_challenge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a code stands for until it is redeemed."""

    subject: str
    role: str
    nonce: str
    challenge: str
    redirect_uri: str
    expires_s: float


class SignIn:
    """Hands out codes to whoever chooses a name on the page, and tokens for codes: each once, within a minute."""

    def __init__(self, centre: Centre, issuer: Issuer, tokens: TokenIssuer) -> None:
        self._agents = centre.agents
        self._issuer = issuer
        self._tokens = tokens
        self._grants: dict[str, Grant] = {}

    def routes(self) -> list[BaseRoute]:
        """Return the endpoints; none serves anybody but this machine."""
        return [
            Route(DISCOVERY_PATH, only_here(self._describe), methods=["GET"]),
            Route(AUTHORIZE_PATH, only_here(self._choose), methods=["GET"]),
            Route(AUTHORIZE_PATH, only_here(self._chosen), methods=["POST"]),
            Route(TOKEN_PATH, only_here(self._redeem), methods=["POST"]),
        ]

    async def _describe(self, request: Request) -> Response:
        base = _base(request)
        return JSONResponse(
            {
                "issuer": self._issuer.name,
                "authorization_endpoint": base + AUTHORIZE_PATH,
                "token_endpoint": base + TOKEN_PATH,
                "jwks_uri": f"{base}/local/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _choose(self, request: Request) -> Response:
        asked = dict(request.query_params)
        refusal = self._refusal(request, asked)
        if refusal:
            return _said(refusal)
        return _page(_choice(self._agents, asked, supervisors=self._issuer.supervisor_group is not None))

    async def _chosen(self, request: Request) -> Response:
        form = await _form(request)
        refusal = self._refusal(request, form | {"response_type": "code", "code_challenge_method": "S256"})
        if refusal or form.get("sub") not in {agent.agent_id for agent in self._agents}:
            return _said(refusal or "sub is none of the agents")
        self._forget_expired()
        code = secrets.token_urlsafe(24)
        self._grants[code] = Grant(
            subject=form["sub"],
            role=form.get("role", "agent"),
            nonce=form.get("nonce", ""),
            challenge=form["code_challenge"],
            redirect_uri=form["redirect_uri"],
            expires_s=time.monotonic() + CODE_S,
        )
        answer = urlencode({"code": code, "state": form.get("state", "")})
        return RedirectResponse(f"{form['redirect_uri']}?{answer}", status_code=HTTPStatus.SEE_OTHER)

    async def _redeem(self, request: Request) -> Response:
        form = await _form(request)
        try:
            match form.get("grant_type"):
                case "authorization_code":
                    return self._first(form)
                case "refresh_token":
                    subject, role = self._tokens.read_refresh_token(form.get("refresh_token", ""))
                    return self._issue(subject, role, nonce=None)
        except ValueError:
            return _error("invalid_grant")
        return _error("unsupported_grant_type")

    def _first(self, form: Mapping[str, str]) -> Response:
        grant = self._grants.pop(form.get("code", ""), None)
        if grant is None or grant.expires_s < time.monotonic() or grant.redirect_uri != form.get("redirect_uri"):
            return _error("invalid_grant")
        if not secrets.compare_digest(grant.challenge, _challenge(form.get("code_verifier", ""))):
            return _error("invalid_grant")
        return self._issue(grant.subject, grant.role, nonce=grant.nonce)

    def _issue(self, subject: str, role: str, *, nonce: str | None) -> Response:
        answer = {
            "id_token": self._tokens.token(subject, role, nonce=nonce, life_s=TOKEN_S),
            "refresh_token": self._tokens.refresh_token(subject, role),
            "token_type": "Bearer",
            "expires_in": TOKEN_S,
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _refusal(self, request: Request, asked: Mapping[str, str]) -> str | None:
        wanted = {
            "response_type": "code",
            "client_id": self._issuer.audience,
            "code_challenge_method": "S256",
            "redirect_uri": _base(request) + DESK_PATH,
        }
        for name, value in wanted.items():
            if asked.get(name) != value:
                return f"{name} has to be {value}"
        return None if asked.get("code_challenge") else "code_challenge is missing"

    def _forget_expired(self) -> None:
        now_s = time.monotonic()
        for code in [code for code, grant in self._grants.items() if grant.expires_s < now_s]:
            del self._grants[code]


def _choice(agents: Sequence[Agent], asked: Mapping[str, str], *, supervisors: bool) -> str:
    hidden = "".join(
        f"<input type=hidden name={name} value='{escape(asked.get(name, ''), quote=True)}'>" for name in CARRIED
    )
    people = "".join(f"<li>{_person(agent, hidden, supervisors=supervisors)}</li>" for agent in agents)
    return f"<h1>Sign in to Throughline</h1><p class=lead>Who are you today?</p><ul class=people>{people}</ul>"


def _person(agent: Agent, hidden: str, *, supervisors: bool) -> str:
    name, skills = escape(agent.name), ", ".join(f"{skill} {level}" for skill, level in agent.skills.items())
    buttons = "".join(
        f"<button name=role value={role}>{words}<span class=hidden>: {name}, {role}</span></button>"
        for role, words in (("agent", "Sign in"), ("supervisor", "As supervisor"))
        if role == "agent" or supervisors
    )
    who = f"<div class=who><strong>{name}</strong><small>{escape(skills)}</small></div>"
    sub = f"<input type=hidden name=sub value='{escape(agent.agent_id, quote=True)}'>"
    return f"<form method=post action={AUTHORIZE_PATH}>{hidden}{sub}{who}{buttons}</form>"


def _page(body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    headers = {"Content-Security-Policy": FORM_POLICY, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return HTMLResponse(render_page("Sign in to Throughline", body), status_code=status, headers=headers)


def _said(refusal: str) -> Response:
    return _page(f"<h1>Nobody is signed in like that</h1><p>{escape(refusal)}</p>", HTTPStatus.BAD_REQUEST)


def _error(code: str) -> Response:
    return JSONResponse({"error": code}, status_code=HTTPStatus.BAD_REQUEST, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return {}
    return dict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True))


def _base(request: Request) -> str:
    return f"http://{request.headers.get('host', '')}"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def desk_configuration(issuer: Issuer | None) -> Mapping[str, Any]:
    """Return what the desk asks for before anything else; addresses are relative to its own."""
    return {
        "issuer": issuer.name if issuer else None,
        "client_id": issuer.audience if issuer else None,
        "discovery": DISCOVERY_PATH,
        "api": "",
        "socket": "/socket",
    }
