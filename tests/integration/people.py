"""People who sign in: issuers with real keys, the tokens they give out, and the key sets they publish."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from throughline.domain.configuration import Issuer
from throughline.domain.errors import ProviderUnavailableError

NOW_MS = 1_800_000_000_000
HOUR_S = 3600

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def ec_key(curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve)


@dataclass
class Signer:
    """One signing key of an issuer."""

    key_id: str
    key: PrivateKey
    algorithm: str = "RS256"

    @property
    def jwk(self) -> dict[str, Any]:
        kind = jwt.algorithms.RSAAlgorithm if isinstance(self.key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
        public: Any = self.key.public_key()
        return {**kind.to_jwk(public, as_dict=True), "kid": self.key_id, "use": "sig"}

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        return jwt.encode(dict(claims), self.key, self.algorithm, headers={"kid": self.key_id, **headers})


@dataclass
class IssuerAtWork:
    """An issuer: what is configured of it, the keys it publishes, and how often it was asked for them."""

    signers: list[Signer]
    issuer: str = "https://issuer.test"
    audience: str = "throughline-desk"
    role: str = "agent"
    supervisor_groups: tuple[str, ...] = ("leads",)
    asked: list[str] = field(default_factory=list)
    reachable: bool = True
    now_ms: int = NOW_MS

    @property
    def configured(self) -> Issuer:
        return Issuer(
            issuer=self.issuer,
            audience=self.audience,
            jwks_url=f"{self.issuer}/jwks.json",
            role=self.role,
            supervisor_groups=self.supervisor_groups,
        )

    def fetch(self, jwks_url: str) -> bytes:
        self.asked.append(jwks_url)
        if not self.reachable:
            raise ProviderUnavailableError("the issuer does not answer")
        return json.dumps({"keys": [signer.jwk for signer in self.signers]}).encode()

    def claims(self, subject: str, **changed: Any) -> dict[str, Any]:
        claims = {"sub": subject, "exp": self.now_ms // 1000 + HOUR_S, "iss": self.issuer, "aud": self.audience}
        claims |= changed
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, subject: str, **changed: Any) -> str:
        return self.signers[0].sign(self.claims(subject, **changed))


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unsigned(claims: Mapping[str, Any], algorithm: str = "none", key_id: str = "k1") -> str:
    header = {"alg": algorithm, "typ": "JWT", "kid": key_id}
    return ".".join([b64(json.dumps(header).encode()), b64(json.dumps(claims).encode()), ""])
