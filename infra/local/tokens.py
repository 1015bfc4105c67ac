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

    def token(self, subject: str, role: str) -> str:
        """Return a token for `subject`, good for eight hours.

        Raises:
            ValueError: nobody can be signed in like that; the message says why.
        """
        if not subject.strip() or role not in ROLES:
            raise ValueError(f"say who in sub, and one of {', '.join(ROLES)} in role")
        if role == "supervisor" and self._issuer.supervisor_group is None:
            raise ValueError("the configuration names no group of supervisors for this issuer")
        groups = [self._issuer.supervisor_group] if role == "supervisor" else []
        now_s = int(time.time())
        claims = {
            "iss": self._issuer.name,
            "aud": self._issuer.audience,
            "sub": subject,
            "iat": now_s,
            "exp": now_s + LIFE_S,
            self._issuer.groups_claim: groups,
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
