"""Reading a token before and after its proof: what it says, until when it is valid, and for whom."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.errors import UnauthenticatedError

LEEWAY_MS = 60_000  # for `nbf`; an expired token is expired
MAX_TOKEN_CHARACTERS = 8192
MAX_SUBJECT_CHARACTERS = 128

Claims = Mapping[str, Any]


def proof_options(*required: str, audience: bool = True) -> Any:
    """Return how PyJWT is to check a token that must have these claims: times against our own clock, by `expiry_ms`."""
    return {
        "require": list(required),
        "verify_aud": audience,
        "verify_exp": False,
        "verify_nbf": False,
        "verify_iat": False,
        "enforce_minimum_key_length": True,
    }


def unverified(token: str) -> tuple[Claims, Claims]:
    """Return the header and the claims of a token; nothing in them may be believed yet.

    Raises:
        UnauthenticatedError: it is no token.
    """
    import jwt  # noqa: PLC0415 - with its cryptography it costs 40 ms that functions without sign-in need not pay

    if len(token) > MAX_TOKEN_CHARACTERS:
        raise UnauthenticatedError("the token is too long")
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise UnauthenticatedError("this is no token") from None
    return decoded["header"], decoded["payload"]


def expiry_ms(claims: Claims, now_ms: int) -> int:
    """Return when a token expires (epoch milliseconds).

    Raises:
        UnauthenticatedError: it has expired, or is not valid yet.
    """
    expires_ms, begins_ms = _instant_ms(claims, "exp"), _instant_ms(claims, "nbf")
    if expires_ms is None or expires_ms <= now_ms:
        raise UnauthenticatedError("the token has expired")
    if begins_ms is not None and begins_ms > now_ms + LEEWAY_MS:
        raise UnauthenticatedError("the token is not valid yet")
    return expires_ms


def _instant_ms(claims: Claims, name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**40:
        raise UnauthenticatedError(f"the token's {name} is no time")
    return int(value * 1000)


def subject_of(claims: Claims) -> str:
    """Return whom a token is for.

    Raises:
        UnauthenticatedError: no id could be made of it.
    """
    subject = claims["sub"]
    plain = isinstance(subject, str) and subject.isprintable() and not {"#", " "} & set(subject)
    if not plain or not 0 < len(subject) <= MAX_SUBJECT_CHARACTERS:
        raise UnauthenticatedError("the token's subject cannot be used as an id")
    return str(subject)
