"""The stack as its own token issuer: a key made on the first start, its public half as a JWKS, tokens on request."""

import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from infra.local.centre import Issuer

ALGORITHM = "ES256"
LIFE_S = 8 * 3600
REFRESH_S = 14 * 24 * 3600
ROLES = ("agent", "supervisor")


class TokenIssuer:
    """Signs people in. The key stays in the state directory, readable by its owner alone."""

    def __init__(self, issuer: Issuer, key_path: Path) -> None:
        self._issuer = issuer
        self._key = _load_or_make(key_path)

    def jwks(self) -> Mapping[str, Any]:
        """Return the public key as a key set."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": self._key_id(), "use": "sig", "alg": ALGORITHM}]}

    def token(self, subject: str, role: str, *, nonce: str | None = None, life_s: int = LIFE_S) -> str:
        """Return a token for `subject`, good for eight hours unless `life_s` says otherwise.

        Raises:
            ValueError: nobody can be signed in like that; the message says why.
        """
        groups = self._groups(subject, role)
        claims = {self._issuer.groups_claim: groups, **({"nonce": nonce} if nonce else {})}
        return self._signed(self._issuer.audience, subject, life_s, claims)

    def refresh_token(self, subject: str, role: str) -> str:
        """Return what the desk gets its next token for. It is for nobody but this issuer: no function takes it."""
        return self._signed(self._refresh_audience, subject, REFRESH_S, {"role": role})

    def read_refresh_token(self, token: str) -> tuple[str, str]:
        """Return the subject and the role a refresh token was made for.

        Raises:
            ValueError: it is none of ours, or has expired.
        """
        try:
            claims = jwt.decode(token, self._key.public_key(), [ALGORITHM], audience=self._refresh_audience)
        except jwt.InvalidTokenError as error:
            raise ValueError(str(error)) from None
        return str(claims["sub"]), str(claims["role"])

    @property
    def _refresh_audience(self) -> str:
        return f"{self._issuer.name}/refresh"

    def _groups(self, subject: str, role: str) -> list[str]:
        if not subject.strip() or role not in ROLES:
            raise ValueError(f"say who in sub, and one of {', '.join(ROLES)} in role")
        if role == "supervisor" and self._issuer.supervisor_group is None:
            raise ValueError("the configuration names no group of supervisors for this issuer")
        if role == "supervisor" and self._issuer.supervisor_group:
            return [self._issuer.supervisor_group]
        return []

    def _signed(self, audience: str, subject: str, life_s: int, more: Mapping[str, Any]) -> str:
        now_s = int(time.time())
        claims = {
            "iss": self._issuer.name,
            "aud": audience,
            "sub": subject,
            "iat": now_s,
            "exp": now_s + life_s,
            **more,
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id()})

    def _key_id(self) -> str:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(public).hexdigest()[:16]


def _load_or_make(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        _write(path, ec.generate_private_key(ec.SECP256R1()))
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path} is no EC key; remove it to have a new one made")
    return key


def _write(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
