"""The tokens we make ourselves, for visitors of web chat: one that opens the socket, one that proves who came before.

HS256 under the account's `signing_key`: who signs is who verifies, so there is no public half that could be taken for
the secret, and no issuer's keys to fetch. The key is chosen by the issuer's name, never by the token's header. Each
token is for one account and one use. docs/decisions/0009-web-chat.md has the reasons.
"""

from typing import Any

from throughline.domain.configuration import ChannelAccount
from throughline.domain.errors import ConfigurationError, UnauthenticatedError
from throughline.domain.identifiers import Identifier, home_of
from throughline.domain.rights import Caller, Role
from throughline.domain.vias import Via
from throughline.domain.visitors import WEBCHAT, Profile, Visitor
from throughline.flows.accounts import open_account
from throughline.flows.link import home_key
from throughline.flows.token_claims import Claims, expiry_ms, proof_options, subject_of
from throughline.ports import Account, World

ALGORITHM = "HS256"
SHORT, LASTING = "throughline/visitor", "throughline/returning-visitor"  # what a token is good for
SHORT_S = 15 * 60
LASTING_S = 400 * 24 * 3600
MIN_KEY_CHARACTERS = 32


def make_token(world: World, account: Account, identifier: Identifier, profile: Profile, use: str) -> tuple[str, int]:
    """Return a token for a visitor, and when it expires (epoch milliseconds).

    Raises:
        ConfigurationError: the account's key is missing or too short.
    """
    import jwt  # noqa: PLC0415 - with its cryptography it costs 40 ms that functions without sign-in need not pay

    now_s = world.clock() // 1000
    expires_s = now_s + (SHORT_S if use == SHORT else LASTING_S)
    claims: dict[str, Any] = {
        "iss": _issuer(world, account.name),
        "aud": use,
        "sub": str(identifier),
        "iat": now_s,
        "exp": expires_s,
        "told": profile.written(),
    }
    return jwt.encode(claims, _keys(account)[0], algorithm=ALGORITHM), expires_s * 1000


def is_own(world: World, claimed: Claims) -> bool:
    """Return whether a token says that we made it."""
    issuer = claimed.get("iss")
    return isinstance(issuer, str) and issuer.startswith(_issuer(world, ""))


def read_visitor_token(world: World, token: str, claimed: Claims) -> Caller:
    """Return the visitor whose `SHORT` token this is. They are a visitor, whatever the token claims.

    Raises:
        UnauthenticatedError: we did not make it, not for this, or it has expired.
    """
    configured = _account_of(world, claimed)
    claims = _verified(open_account(world, configured), _issuer(world, configured.name), token, SHORT)
    identifier = Identifier.parse(subject_of(claims))
    return Caller(
        subject=str(identifier),
        role=Role.VISITOR,
        expires_ms=expiry_ms(claims, world.clock()),
        visitor=Visitor(
            account=configured.name,
            via=Via(account=f"{WEBCHAT}/{configured.address}", identifier=identifier),
            home=home_of(identifier, home_key(world)),
            profile=Profile.read(claims["told"]),
        ),
    )


def read_lasting_token(world: World, account: Account, token: str) -> tuple[Identifier, Profile]:
    """Return who came before, and what they told of themselves.

    Raises:
        UnauthenticatedError: we did not make it for this account, or it has expired.
    """
    claims = _verified(account, _issuer(world, account.name), token, LASTING)
    expiry_ms(claims, world.clock())
    return Identifier.parse(subject_of(claims)), Profile.read(claims["told"])


def _verified(account: Account, issuer: str, token: str, use: str) -> Claims:
    import jwt  # noqa: PLC0415 - as above

    for key in _keys(account):
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=use,
                issuer=issuer,
                options=proof_options("sub", "exp", "iss", "aud", "told"),
            )
        except jwt.PyJWTError:
            continue
        return claims
    raise UnauthenticatedError("the token is not one of ours, or not for this")


def _account_of(world: World, claimed: Claims) -> ChannelAccount:
    configured = world.settings.find_account(WEBCHAT, str(claimed["iss"]).removeprefix(_issuer(world, "")))
    if configured is None:
        raise UnauthenticatedError("the token is for a web chat that is not configured")
    return configured


def _issuer(world: World, account: str) -> str:
    return f"{world.public_url}/{WEBCHAT}/{account}"


def _keys(account: Account) -> list[str]:
    keys = list(account.secret_values("signing_key"))
    if any(len(key) < MIN_KEY_CHARACTERS for key in keys):
        raise ConfigurationError(f"{account.channel}/{account.name}: signing_key needs {MIN_KEY_CHARACTERS} characters")
    return keys
