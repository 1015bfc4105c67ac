"""Proofs that several providers share, compared in constant time and with every secret that is valid now."""

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from throughline.domain.errors import SignatureMismatchError


def require_one_of(given: str | None, expected: Iterable[str]) -> None:
    """Return if `given` is one of `expected`.

    Raises:
        SignatureMismatchError: it is not, or there is none.
    """
    proof = (given or "").encode()
    matches = [hmac.compare_digest(proof, candidate.encode()) for candidate in expected]
    if not proof or not any(matches):
        raise SignatureMismatchError("the proof is missing" if not proof else "the proof is wrong")


def require_hmac_sha256_hex(given: str | None, secrets: Sequence[str], body: bytes, *, prefix: str = "") -> None:
    """Return if `given` is `prefix` and the hex HMAC-SHA256 of `body` under one of `secrets`.

    Raises:
        SignatureMismatchError: it is not, or there is none.
    """
    require_one_of(
        given, [prefix + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets if secret]
    )
