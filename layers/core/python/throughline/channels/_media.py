"""Files: fetching what a customer sent from the provider that keeps it."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlsplit

from throughline.channels._answers import Meaning, Refusal, Verdict, error_for, succeeded
from throughline.domain.errors import ProviderUnavailableError, UnknownOutcomeError
from throughline.domain.messages import Attachment
from throughline.ports import HttpClient, HttpResponse, MediaFile

_GONE = Verdict(Meaning.REJECTED, "the provider no longer has this file")
_KINDS = frozenset({"image", "video", "audio"})
_UNKNOWN_TYPE = "application/octet-stream"


class Store(NamedTuple):
    """Where a provider keeps files: its name, the hosts a file may come from, and how large it may be."""

    provider: str
    hosts: Sequence[str]
    max_bytes: int


def kind_of(content_type: str | None) -> str:
    """Return our kind of attachment for a content type; what is no picture, film or sound is a document."""
    family = (content_type or "").partition("/")[0].lower()
    return family if family in _KINDS else "document"


def ask(
    http: HttpClient, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None
) -> HttpResponse:
    """Return the answer to a question, which does no harm asked twice.

    Raises:
        ProviderUnavailableError: no answer came, whether or not the question left us.
    """
    try:
        return http.request(method, url, headers=headers, body=body)
    except UnknownOutcomeError:
        raise ProviderUnavailableError("no answer about a file") from None


def fetch(
    attachment: Attachment, url: str, http: HttpClient, store: Store, *, headers: Mapping[str, str] | None = None
) -> MediaFile:
    """Return the file at `url`.

    Raises:
        ProviderUnavailableError, ProviderThrottledError: not now.
        ConfigurationError: our credentials are wrong.
        DeliveryError: it is gone, too large, or not on `store`'s hosts.
    """
    response = http.download(url, headers=headers, hosts=store.hosts, max_bytes=store.max_bytes)
    if not succeeded(response):
        gone = response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
        raise error_for(Refusal(provider=store.provider, status=response.status), _GONE if gone else None)
    content_type = attachment.content_type or _declared(response)
    return MediaFile(content=response.body, content_type=content_type, name=attachment.name)


def file_name(url: str) -> str | None:
    """Return the last step of a URL's path."""
    return urlsplit(url).path.rpartition("/")[2] or None


def _declared(response: HttpResponse) -> str:
    return response.headers.get("content-type", "").partition(";")[0].strip() or _UNKNOWN_TYPE
