"""A page with web chat on it: may it be there, what does it show, and who is the visitor?

Nothing is written: a visitor is whom a token of ours names, and becomes a customer with their first message. But whom
the company signs in may have written anonymously before: with the proof of it, that is theirs (flows/hand_over.py).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from throughline.domain.configuration import ChannelAccount
from throughline.domain.errors import ForbiddenError, InvalidRequestError, UnauthenticatedError, UnknownAccountError
from throughline.domain.frames import iso
from throughline.domain.identifiers import Identifier, digest
from throughline.domain.json_fields import Fields, decode_object
from throughline.domain.visitors import ANONYMOUS, COMMON_FIELDS, IDENTIFIED, WEBCHAT, Profile
from throughline.flows.accounts import open_account
from throughline.flows.attach import MAX_VISITOR_BYTES, VISITOR_TYPES
from throughline.flows.authenticate import identify
from throughline.flows.hand_over import hand_over
from throughline.flows.limit_intake import over_limit, take_one
from throughline.flows.signing_keys import SigningKeys
from throughline.flows.token_claims import Claims, expiry_ms, proof_options, subject_of, unverified
from throughline.flows.visitor_tokens import ALGORITHM, LASTING, SHORT, make_token, read_lasting_token
from throughline.flows.visitor_ways import require_unbound
from throughline.ports import Account, World

View = Mapping[str, Any]

FROM_ONE_ADDRESS = 20  # sign-ins in ten seconds
OF_AN_ACCOUNT = 200

MAX_BODY_BYTES = 16 * 1024
MAX_TOKEN_CHARACTERS = 8192
MAX_FIELD_CHARACTERS = 200
MAX_TOLD_BYTES = 3000  # a token travels in a header, which API Gateway limits to 10 KB
MAX_IDENTITY_MS = 24 * 3600 * 1000

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A request from a page with web chat on it: which account, from which origin and source address."""

    account: str
    origin: str | None
    source: str


# ---------------------------------------------------------------- may it be there?


def cross_origin_headers(world: World, page: PageRequest) -> Mapping[str, str]:
    """Return what lets a browser hand an answer to its page: nothing where the request came from no page.

    Raises:
        UnknownAccountError: there is no such web chat.
        ForbiddenError: the page's origin is not one of the account's.
    """
    configured = _find(world, page.account)
    if page.origin is None:
        return {}
    if page.origin not in (*configured.settings["origins"], _origin_of(world.public_url)):
        raise ForbiddenError("this origin is not one of the account's")
    return {
        "Access-Control-Allow-Origin": page.origin,
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type",
        "Access-Control-Expose-Headers": "Retry-After",
        "Access-Control-Max-Age": "600",
    }


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _find(world: World, name: str) -> ChannelAccount:
    configured = world.settings.find_account(WEBCHAT, name)
    if configured is None:
        raise UnknownAccountError("no such web chat is configured")
    return configured


# ---------------------------------------------------------------- what does it show?


def view_web_chat(world: World, page: PageRequest) -> View:
    """Return what a widget shows before anybody says anything. Public.

    Raises:
        UnknownAccountError: there is no such web chat.
    """
    configured = _find(world, page.account)
    settings = configured.settings
    required = settings.get("required", ())
    return {
        "account": configured.name,
        "title": settings.get("title"),
        "colour": settings.get("colour"),
        "open": not settings.get("closed", False),
        "languages": list(configured.languages),
        "pre_chat": [{"field": name, "required": name in required} for name in _asked(configured)],
        "identity": "identity_secret" in configured.secrets or _has_visitors(world),
        "attachments": {"max_bytes": MAX_VISITOR_BYTES, "content_types": sorted(VISITOR_TYPES)},
    }


def _asked(configured: ChannelAccount) -> tuple[str, ...]:
    settings = configured.settings
    return tuple(dict.fromkeys((*settings.get("pre_chat", ()), *settings.get("required", ()))))


def _has_visitors(world: World) -> bool:
    return any(issuer.role == "visitor" for issuer in world.settings.list_issuers())


# ---------------------------------------------------------------- who is it?


def sign_visitor_in(world: World, page: PageRequest, keys: SigningKeys, body: str, *, socket: str) -> View:
    """Return a token for a new visitor, for one who came before, or for whom the company signed in.

    Raises:
        UnknownAccountError: there is no such web chat.
        TooManyRequestsError: too many sign-ins, from this address or in all.
        ForbiddenError: neither a page of ours asks, nor a program that can say who its user is.
        UnauthenticatedError: the proof of who it is is not valid, or not for this account.
        InvalidRequestError: the body is not as it has to be, or leaves out what the account requires.
        ConfigurationError: a secret of the account is missing.
    """
    configured = _find(world, page.account)
    _require_room(world, page)
    fields = Fields(decode_object(body or "{}", MAX_BODY_BYTES))
    returning = fields.text_or_none("visitor", MAX_TOKEN_CHARACTERS)
    identity = fields.text_or_none("identity", MAX_TOKEN_CHARACTERS)
    told = _told(fields, configured)
    fields.refuse_others()
    if page.origin is None and identity is None:
        raise ForbiddenError("only pages and signed-in users may start a chat")
    account = open_account(world, configured)
    identifier, known = _who(world, keys, account, returning, identity)
    profile = _merged(known, told)
    _require_told(configured, profile)
    if identity and returning:
        _hand_over(world, account, returning, identifier)
    token, expires_ms = make_token(world, account, identifier, profile, SHORT)
    lasting = None if identity else make_token(world, account, identifier, profile, LASTING)[0]
    return {"token": token, "expires_at": iso(expires_ms), "visitor": lasting, "socket": socket}


def _who(
    world: World, keys: SigningKeys, account: Account, returning: str | None, identity: str | None
) -> tuple[Identifier, Profile]:
    if identity:
        return _identified(world, keys, account, identity)
    if returning:
        visitor, known = read_lasting_token(world, account, returning)
        require_unbound(world, visitor)
        return visitor, known
    return Identifier(kind=ANONYMOUS, value=f"{world.draw()}{world.draw()}"), Profile()


def _hand_over(world: World, account: Account, returning: str, owner: Identifier) -> None:
    """Let what the user wrote before they signed in be theirs. A proof that proves nothing keeps nobody out."""
    try:
        visitor, _ = read_lasting_token(world, account, returning)
    except UnauthenticatedError:
        return
    if visitor.kind == ANONYMOUS:
        hand_over(world, account, visitor, owner)


def _identified(world: World, keys: SigningKeys, account: Account, identity: str) -> tuple[Identifier, Profile]:
    header, _ = unverified(identity)
    signed = header.get("alg") == ALGORITHM
    claims = _signed_by_company(account, identity) if signed else identify(world, keys, identity)
    if expiry_ms(claims, world.clock()) > world.clock() + MAX_IDENTITY_MS:
        raise UnauthenticatedError("an identity may be valid for a day at most")
    identifier = Identifier(kind=IDENTIFIED, value=subject_of(claims))
    subject_of({"sub": str(identifier)})
    return identifier, Profile(
        name=_claimed(claims, "name"),
        email=_claimed(claims, "email"),
        phone=_claimed(claims, "phone_number"),
        language=_claimed(claims, "locale"),
    )


def _signed_by_company(account: Account, identity: str) -> Claims:
    import jwt  # noqa: PLC0415 - with its cryptography it costs 40 ms that functions without sign-in need not pay

    for secret in account.secrets.get("identity_secret", ()):
        try:
            claims: dict[str, Any] = jwt.decode(
                identity,
                secret,
                algorithms=[ALGORITHM],
                options=proof_options("sub", "exp", audience=False),
            )
        except jwt.PyJWTError:
            continue
        return claims
    raise UnauthenticatedError("the identity is not signed with a secret of this account")


def _claimed(claims: Claims, name: str) -> str | None:
    value = claims.get(name)
    return value[:MAX_FIELD_CHARACTERS] if isinstance(value, str) and value.strip() else None


# ---------------------------------------------------------------- what they tell of themselves


def _require_room(world: World, page: PageRequest) -> None:
    """Return quietly if this sign-in is within the limits of its address and its account."""
    subject, at_ms = f"{WEBCHAT}/{page.account}/visitors", world.clock()
    if not take_one(world, f"{subject}|{digest(page.source)}", FROM_ONE_ADDRESS, at_ms, WEBCHAT):
        raise over_limit("address", at_ms)
    if not take_one(world, subject, OF_AN_ACCOUNT, at_ms, WEBCHAT):
        raise over_limit("account", at_ms)


def _told(fields: Fields, configured: ChannelAccount) -> Profile:
    common = {name: fields.text_or_none(name, MAX_FIELD_CHARACTERS) for name in COMMON_FIELDS}
    if common["language"] and not _LANGUAGE.fullmatch(common["language"]):
        raise InvalidRequestError("language: has to be a language tag such as en or pt-BR")
    own = Fields(fields.object_or_empty("fields"))
    names = [name for name in _asked(configured) if name not in COMMON_FIELDS]
    given = {name: own.text_or_none(name, MAX_FIELD_CHARACTERS) for name in names}
    own.refuse_others()
    return Profile(**common, fields={name: value for name, value in given.items() if value})


def _merged(known: Profile, told: Profile) -> Profile:
    """Return what is known by now: what was told just now counts, what was left out stays."""
    newer = {name: getattr(told, name) for name in COMMON_FIELDS if getattr(told, name)}
    merged = replace(known, **newer, fields={**known.fields, **told.fields})
    if len(json.dumps(merged.written())) > MAX_TOLD_BYTES:
        raise InvalidRequestError("fields: this is too much; say less")
    return merged


def _require_told(configured: ChannelAccount, profile: Profile) -> None:
    for name in configured.settings.get("required", ()):
        if not profile.told(name):
            raise InvalidRequestError(f"{name}: is missing")
