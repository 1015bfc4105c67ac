"""The desk's REST API, and the tokens that open it."""

import json

import jwt

from app import app
from functions._wiring import signing_keys, use_world
from infra.local.events import HttpRequest, rest_event
from infra.local.routes import match_resource
from tests.chaos.fuzzing.frames import CONVERSATION, ana_at_work, every_error_declared
from tests.chaos.fuzzing.target import Attempt, declared
from tests.integration.center import Center
from tests.tables import fake_stores
from throughline.domain.errors import (
    ForbiddenError,
    UnauthenticatedError,
)
from throughline.flows.authenticate import PROTOCOL, sign_in, token_among


def desk_seeds() -> list[bytes]:
    upload = {"content_type": "image/png", "size_bytes": 100, "name": "a.png"}
    home = CONVERSATION.partition(".")[0]
    paths = (
        f"/threads/{home}?limit=20&before=1763800000000.0123456789abcdef012345",
        f"/threads/{home}?conversation={CONVERSATION}",
        f"/conversations/{CONVERSATION}",
        f"/customers/{home}?conversation={CONVERSATION}",
        "/agents",
        "/accounts",
        "/queues",
        f"/attachments/{home}.1763800000000.0123456789abcdef012345.0",
        "/attachments/u-0123456789abcdef",
    )
    return [*(f"GET {path}\n\n".encode() for path in paths), b"POST /attachments\n\n" + json.dumps(upload).encode()]


def desk_attempt() -> Attempt:
    """Ask as a supervisor, who may read everything: whatever is asked for, the answer is no 5xx."""
    made, conversation = ana_at_work()
    token = made.token("lea")
    home = conversation.partition(".")[0]
    seeded_home = CONVERSATION.partition(".")[0]

    def attempt(data: bytes) -> None:
        use_world(made.world)
        head, _, body = data.partition(b"\n\n")
        line = head.decode("latin-1").replace(CONVERSATION, conversation).replace(seeded_home, home)
        method, _, target = line.partition(" ")
        path, _, query = target.partition("?")
        match = match_resource(app.routes, path)
        if match is None or method not in app.routes[match.resource] or match.resource.startswith("/webhooks"):
            return
        headers = [("Authorization", f"Bearer {token}"), ("Content-Type", "application/json"), ("Host", "center.test")]
        request = HttpRequest(method=method, path=path, query=query, headers=headers, body=body, source_ip="127.0.0.1")
        event = rest_event(request, match, binary_types=app.api.binary_types, request_id="r1", now_ms=1)
        with every_error_declared(secrets=[token]):
            answer = app(event, None)
        assert answer["statusCode"] < 500, answer["statusCode"]
        assert token not in json.dumps(answer)

    return attempt


def token_seeds() -> list[bytes]:
    made = Center(fake_stores())
    claims = {
        "iss": made.staff.issuer,
        "aud": made.staff.audience,
        "sub": "ana",
        "exp": 4_000_000_000,
        "groups": ["leads"],
    }
    header = {"kid": "k1"}
    return [
        json.dumps({"claims": claims, "header": header}).encode(),
        json.dumps({"claims": {**claims, "nbf": 1, "iat": 1}, "header": {**header, "typ": "JWT"}}).encode(),
        jwt.encode(claims, "a shared secret of more than thirty-two bytes", "HS256", headers=header).encode(),
        b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbmEifQ.",
        b"throughline.v1, a.b.c",
    ]


def token_attempt() -> Attempt:
    """Sign in with any bytes, or with any claims and header that our issuer has signed."""
    made = Center(fake_stores())

    def attempt(data: bytes) -> None:
        use_world(made.world)
        text = data.decode(errors="replace")
        token = _signed_token(made, text) or text
        secret = [] if token in PROTOCOL else [token]
        declared(UnauthenticatedError, secret, lambda: token_among(text))
        keys = signing_keys()
        caller = declared((UnauthenticatedError, ForbiddenError), secret, lambda: sign_in(made.world, keys, token))
        assert caller is None or 0 < len(caller.subject) <= 128

    return attempt


def _signed_token(made: Center, text: str) -> str | None:
    try:
        said = json.loads(text)
        return made.staff.signers[0].sign(said["claims"], **said["header"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, jwt.PyJWTError, NotImplementedError):
        return None
