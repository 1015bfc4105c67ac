"""The public keys of those whose tokens we accept: fetched from where the configuration says, kept by the process."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from throughline.domain.errors import (
    ConfigurationError,
    ProviderUnavailableError,
    RetryableError,
    UnauthenticatedError,
    UnknownOutcomeError,
)
from throughline.ports import HttpClient

OK = 200
REFRESH_MS = 60_000  # an unknown key id makes us ask the issuer at most this often
TIMEOUT_S = 4.0
LOOPBACK = "127.0.0.1"

FetchKeys = Callable[[str], bytes]
Jwk = Mapping[str, Any]


def fetch_keys_over(http: HttpClient) -> FetchKeys:
    """Return how key sets are fetched: over HTTPS, or from this very machine; redirects are not followed."""

    def fetch(jwks_url: str) -> bytes:
        parts = urlsplit(jwks_url)
        if parts.scheme != "https" and (parts.scheme, parts.hostname) != ("http", LOOPBACK):
            raise ConfigurationError("an issuer's jwks_url has to be https")
        try:
            response = http.request("GET", jwks_url, timeout_s=TIMEOUT_S)
        except UnknownOutcomeError as error:
            raise ProviderUnavailableError("the issuer did not hand out its keys") from error
        if response.status != OK:
            raise ProviderUnavailableError(f"the issuer's keys: answer {response.status}")
        return response.body

    return fetch


class SigningKeys:
    """Key sets by their URL. A key id nobody knows makes it look again, at most once a minute: keys are rotated."""

    def __init__(self, fetch: FetchKeys, clock: Callable[[], int]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, dict[str, Jwk]] = {}
        self._looked_ms: dict[str, int] = {}

    def get_key(self, jwks_url: str, key_id: str) -> Jwk:
        """Return the public key of that id as a JWK.

        Raises:
            UnauthenticatedError: the issuer has no such key.
            RetryableError: the issuer could not be asked, and no key of that id is known from before.
        """
        known = self._known.get(jwks_url, {})
        if key_id not in known and self._may_look(jwks_url):
            known = self._look(jwks_url)
        if key_id not in known:
            raise UnauthenticatedError("the token is signed with a key that the issuer does not have")
        return known[key_id]

    def _may_look(self, jwks_url: str) -> bool:
        looked_ms = self._looked_ms.get(jwks_url)
        return looked_ms is None or self._clock() - looked_ms >= REFRESH_MS

    def _look(self, jwks_url: str) -> dict[str, Jwk]:
        content = self._fetch(jwks_url)  # a failure is not remembered: the next caller tries again
        self._looked_ms[jwks_url] = self._clock()
        self._known[jwks_url] = _by_id(content)
        return self._known[jwks_url]


def _by_id(content: bytes) -> dict[str, Jwk]:
    try:
        keys = json.loads(content)["keys"]
        return {key["kid"]: key for key in keys if key.get("kid") and key.get("use", "sig") == "sig"}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RetryableError("the issuer's key set cannot be read") from None
