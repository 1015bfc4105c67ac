"""The one translation of a provider's HTTP answer into an error of ours.

A provider's file says what its own codes mean (`Verdict`); what it does not say follows from the HTTP status. Nothing
the provider wrote gets out unmasked: its messages quote numbers, links and sometimes the very token they refuse.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import unquote_plus

from throughline.channels._fields import Json, read_json
from throughline.domain.errors import (
    ConfigurationError,
    DeliveryError,
    MalformedPayloadError,
    ProviderRejectedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RecipientOptedOutError,
    ThroughlineError,
    UnsupportedContentError,
    WindowClosedError,
)
from throughline.ports import HttpResponse

# links, addresses, whatever is quoted at length, what could be a token, what could be a phone number
_SECRETIVE = re.compile(r"""https?(?:://|%3A)\S+|\S*@\S+|"[^"]{16,}"|'[^']{16,}'|[\w\-]{20,}|\+?\d[\d\s()\-]{3,}\d""")
_LONGEST_REASON = 200
_TELLING_LENGTH = 12  # so many characters of a text in an error are no coincidence
_LONGEST_PATIENCE_S = 86_400.0


class Meaning(Enum):
    """What an error code of a provider comes down to."""

    CONFIGURATION = auto()
    THROTTLED = auto()
    UNAVAILABLE = auto()
    OPTED_OUT = auto()
    WINDOW_CLOSED = auto()
    UNSUPPORTED = auto()
    REJECTED = auto()


class Verdict(NamedTuple):
    """What one code of one provider means, and what the agent reads (by default the provider's own words, masked)."""

    meaning: Meaning
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is no success, in the provider's own terms; `private` is what we said and nobody else may read."""

    provider: str
    status: int
    code: str | None = None
    words: str | None = None
    retry_after_s: float | None = None
    private: tuple[str, ...] = ()


_FINAL: Mapping[Meaning, type[DeliveryError]] = {
    Meaning.OPTED_OUT: RecipientOptedOutError,
    Meaning.WINDOW_CLOSED: WindowClosedError,
    Meaning.UNSUPPORTED: UnsupportedContentError,
    Meaning.REJECTED: ProviderRejectedError,
}


def error_for(refusal: Refusal, verdict: Verdict | None = None) -> ThroughlineError | ConfigurationError:
    """Return the error to raise for `refusal`; `verdict` is what the provider's own table says of it, if it does."""
    verdict = verdict or Verdict(_meaning_of_status(refusal.status))
    where = f"{refusal.provider} answered {refusal.status}" + (f" ({refusal.code})" if refusal.code else "")
    match verdict.meaning:
        case Meaning.CONFIGURATION:
            return ConfigurationError(f"{where}: our credentials or permissions are wrong")
        case Meaning.THROTTLED:
            return ProviderThrottledError(where, retry_after_s=refusal.retry_after_s)
        case Meaning.UNAVAILABLE:
            return ProviderUnavailableError(where)
    reason = verdict.reason or f"{where}: {presentable(refusal.words, refusal.private) or 'no reason given'}"
    return _FINAL[verdict.meaning](reason, provider_code=refusal.code)


def _meaning_of_status(status: int) -> Meaning:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Meaning.THROTTLED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return Meaning.UNAVAILABLE
    if status == HTTPStatus.UNAUTHORIZED:
        return Meaning.CONFIGURATION
    return Meaning.REJECTED


def succeeded(response: HttpResponse) -> bool:
    """Return whether the answer is a 2xx."""
    return HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES


def answered(response: HttpResponse) -> Json:
    """Return the JSON object of an answer, or an empty one: gateways answer in HTML, and the status says enough."""
    try:
        return read_json(response.body)
    except MalformedPayloadError:
        return {}


def retry_after_s(response: HttpResponse) -> float | None:
    """Return the seconds of a ``Retry-After`` header, at most a day; its date form counts as none."""
    seconds = response.headers.get("retry-after", "").strip()
    return patience_s(int(seconds)) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else None  # noqa: PLR2004


def patience_s(seconds: float | None) -> float | None:
    """Return a provider's figure, at most a day, or None if it is no waiting time."""
    return min(float(seconds), _LONGEST_PATIENCE_S) if seconds is not None and seconds > 0 else None


def presentable(words: str | None, private: Iterable[str] = ()) -> str | None:
    """Return a provider's words without what could name somebody or open something; None if they quote `private`."""
    plain = unquote_plus(words or "")
    telling = [said[:_TELLING_LENGTH] for said in private if len(said) >= _TELLING_LENGTH // 2]
    if not words or any(said in quoted for said in telling for quoted in (words, plain)):
        return None
    masked = _SECRETIVE.sub("…", " ".join(words[: 4 * _LONGEST_REASON].split()))
    return masked if len(masked) <= _LONGEST_REASON else masked[: _LONGEST_REASON - 1] + "…"
