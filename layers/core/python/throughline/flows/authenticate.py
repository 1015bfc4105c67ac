"""A token becomes a person: signature, issuer, audience and time are checked, the role comes from the configuration."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.configuration import Issuer
from throughline.domain.errors import ForbiddenError, UnauthenticatedError
from throughline.domain.identifiers import ConnectionId
from throughline.domain.rights import Caller, Role
from throughline.flows.signing_keys import SigningKeys
from throughline.ports import Connection, World

PROTOCOL = "throughline.v1"

# Asymmetric ones only: with HS256 the public key would be the secret. The key has to be of the algorithm's own kind.
KEY_KINDS = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
}
LEEWAY_MS = 60_000  # for `nbf`; an expired token is expired
MAX_TOKEN_CHARACTERS = 8192
MAX_SUBJECT_CHARACTERS = 128


def authenticate(world: World, keys: SigningKeys, token: str) -> Caller:
    """Return who `token` (a JWT) was made for, and what they may be here.

    Raises:
        UnauthenticatedError: it is not from an issuer of ours, not for us, not valid now, or not genuine.
        RetryableError: the issuer's keys could not be fetched.
    """
    header, claimed = _unverified(token)
    issuer = _issuer(world, claimed)
    claims = _verified(token, header, issuer, keys)
    return Caller(subject=_subject(claims), role=_role(issuer, claims), expires_ms=_expiry(claims, world.clock()))


def sign_in(world: World, keys: SigningKeys, token: str) -> Caller:
    """Return who `token` was made for, if they are anybody here: who works here is in the configuration.

    Raises:
        UnauthenticatedError, RetryableError: as `authenticate`.
        ForbiddenError: the person is genuine, and nobody configured them as an agent.
    """
    caller = authenticate(world, keys, token)
    if caller.role is not Role.VISITOR and world.settings.find_agent_profile(caller.agent) is None:
        raise ForbiddenError("nobody configured this agent")
    return caller


def admit(world: World, keys: SigningKeys, token: str, connection_id: ConnectionId) -> Connection:
    """Remember who opened a socket.

    Raises:
        UnauthenticatedError, ForbiddenError, RetryableError: as `sign_in`.
    """
    caller = sign_in(world, keys, token)
    connection = Connection(
        connection_id=connection_id, subject=caller.subject, role=caller.role, expires_ms=caller.expires_ms
    )
    world.connections.add_connection(connection)
    return connection


def token_among(protocols: str) -> str:
    """Return the token in a Sec-WebSocket-Protocol header: the second of two values, after our own name.

    Raises:
        UnauthenticatedError: the header is anything else.
    """
    offered = [value.strip() for value in protocols.split(",")]
    if len(offered) != 2 or offered[0] != PROTOCOL:  # noqa: PLR2004 - the protocol and the token
        raise UnauthenticatedError(f"Sec-WebSocket-Protocol has to be {PROTOCOL} and a token")
    return offered[1]


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    import jwt  # noqa: PLC0415 - with its cryptography it costs 40 ms that functions without sign-in need not pay

    if len(token) > MAX_TOKEN_CHARACTERS:
        raise UnauthenticatedError("the token is too long")
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise UnauthenticatedError("this is no token") from None
    return decoded["header"], decoded["payload"]


def _issuer(world: World, claimed: Mapping[str, Any]) -> Issuer:
    """Return whose token it says it is: one issuer may sign for staff and for visitors, under two audiences."""
    audience = claimed.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    for issuer in world.settings.list_issuers():
        if issuer.issuer == claimed.get("iss") and issuer.audience in audiences:
            return issuer
    raise UnauthenticatedError("the token is not from an issuer that is configured, or not for us")


def _verified(token: str, header: Mapping[str, Any], issuer: Issuer, keys: SigningKeys) -> Mapping[str, Any]:
    import jwt  # noqa: PLC0415 - as above

    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in KEY_KINDS or not isinstance(key_id, str):
        raise UnauthenticatedError("the token has to be signed RS256, RS384, RS512, ES256 or ES384 and name its key")
    key = keys.get_key(issuer.jwks_url, key_id)
    if (key.get("kty"), key.get("crv")) != KEY_KINDS[algorithm] or key.get("alg", algorithm) != algorithm:
        raise UnauthenticatedError("the token's algorithm is not that of its key")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(dict(key), algorithm),
            algorithms=[algorithm],
            audience=issuer.audience,
            issuer=issuer.issuer,
            # Times are checked against our own clock, below.
            options={
                "require": ["sub", "exp", "iss", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "enforce_minimum_key_length": True,
            },
        )
    except jwt.PyJWTError:
        raise UnauthenticatedError("the token is not genuine, or not for us") from None
    return claims


def _expiry(claims: Mapping[str, Any], now_ms: int) -> int:
    expires_ms, begins_ms = _instant_ms(claims, "exp"), _instant_ms(claims, "nbf")
    if expires_ms is None or expires_ms <= now_ms:
        raise UnauthenticatedError("the token has expired")
    if begins_ms is not None and begins_ms > now_ms + LEEWAY_MS:
        raise UnauthenticatedError("the token is not valid yet")
    return expires_ms


def _instant_ms(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**40:
        raise UnauthenticatedError(f"the token's {name} is no time")
    return int(value * 1000)


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    plain = isinstance(subject, str) and subject.isprintable() and not {"#", " "} & set(subject)
    if not plain or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise UnauthenticatedError("the token's subject cannot be used as an id")
    return str(subject)


def _role(issuer: Issuer, claims: Mapping[str, Any]) -> Role:
    role = Role(issuer.role)
    if role is Role.AGENT and set(_groups(issuer, claims)) & set(issuer.supervisor_groups):
        return Role.SUPERVISOR
    return role


def _groups(issuer: Issuer, claims: Mapping[str, Any]) -> list[str]:
    groups = claims.get(issuer.groups_claim)
    if isinstance(groups, str):
        return groups.split()
    return [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
