"""A token becomes a person: signature, issuer, audience and time are checked, the role comes from the configuration.

Visitors of web chat bring tokens that we made ourselves (flows/visitor_tokens.py).
"""

from collections.abc import Mapping
from typing import Any

from throughline.domain.configuration import Issuer
from throughline.domain.errors import ForbiddenError, UnauthenticatedError
from throughline.domain.identifiers import ConnectionId
from throughline.domain.rights import Caller, Role
from throughline.flows.signing_keys import SigningKeys
from throughline.flows.token_claims import Claims, expiry_ms, proof_options, subject_of, unverified
from throughline.flows.visitor_tokens import is_own, read_visitor_token
from throughline.flows.visitor_ways import require_unbound
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


def authenticate(world: World, keys: SigningKeys, token: str) -> Caller:
    """Return who `token` (a JWT) was made for, and what they may be here.

    Raises:
        UnauthenticatedError: it is not from an issuer of ours, not for us, not valid now, or not genuine.
        RetryableError: the issuer's keys could not be fetched.
    """
    header, claimed = unverified(token)
    if is_own(world, claimed):
        return read_visitor_token(world, token, claimed)
    issuer = _issuer(world, claimed)
    claims = _verified(token, header, issuer, keys)
    return Caller(subject=subject_of(claims), role=_role(issuer, claims), expires_ms=expiry_ms(claims, world.clock()))


def identify(world: World, keys: SigningKeys, token: str) -> Claims:
    """Return what a configured issuer of visitors says of the person `token` was made for.

    Raises:
        UnauthenticatedError, RetryableError: as `authenticate`.
    """
    header, claimed = unverified(token)
    issuer = _issuer(world, claimed)
    claims = _verified(token, header, issuer, keys)
    expiry_ms(claims, world.clock())
    if _role(issuer, claims) is not Role.VISITOR:
        raise UnauthenticatedError("this issuer signs in those who work here, and no visitors")
    return claims


def sign_in(world: World, keys: SigningKeys, token: str) -> Caller:
    """Return who `token` was made for, if they are anybody here: who works here is in the configuration.

    Raises:
        UnauthenticatedError, RetryableError: as `authenticate`; an anonymous visitor who has signed in since is nobody.
        ForbiddenError: the person is genuine, and nobody configured them as an agent.
    """
    caller = authenticate(world, keys, token)
    if caller.visitor:
        require_unbound(world, caller.visitor.identifier)
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
        connection_id=connection_id,
        subject=caller.subject,
        role=caller.role,
        expires_ms=caller.expires_ms,
        visitor=caller.visitor,
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
    if not isinstance(algorithm, str) or algorithm not in KEY_KINDS or not isinstance(key_id, str):
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
            options=proof_options("sub", "exp", "iss", "aud"),
        )
    except jwt.PyJWTError:
        raise UnauthenticatedError("the token is not genuine, or not for us") from None
    return claims


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
