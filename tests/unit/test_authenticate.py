import hashlib
import hmac
import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.fakes.settings import FakeSettings
from tests.integration.people import HOUR_S, NOW_MS, IssuerAtWork, PrivateKey, Signer, b64, ec_key, rsa_key, unsigned
from throughline.domain.configuration import AgentProfile, Configuration
from throughline.domain.errors import (
    ConfigurationError,
    ForbiddenError,
    ProviderUnavailableError,
    RetryableError,
    UnauthenticatedError,
    UnknownOutcomeError,
)
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.rights import Caller, Role
from throughline.flows.authenticate import admit, authenticate
from throughline.flows.signing_keys import REFRESH_MS, SigningKeys, fetch_keys_over
from throughline.ports import Connection, HttpResponse, World

KEY = rsa_key()
OTHER_KEY = rsa_key()


class Stage:
    """One issuer or two, a clock, and the keys as one process knows them."""

    def __init__(self, *issuers: IssuerAtWork) -> None:
        self.issuers = issuers or (IssuerAtWork(signers=[Signer("k1", KEY)]),)
        self.now_ms = NOW_MS
        self.added: list[Connection] = []
        profile = AgentProfile(agent_id=AgentId("ana"), name="Ana")
        configuration = Configuration(
            agents={AgentId("ana"): profile},
            issuers={str(number): issuer.configured for number, issuer in enumerate(self.issuers)},
        )
        self.world = cast(
            "World",
            SimpleNamespace(
                settings=FakeSettings(configuration),
                connections=SimpleNamespace(add_connection=self.added.append),
                clock=self.clock,
                public_url="https://cc.example.com",
            ),
        )
        self.keys = SigningKeys(self.fetch, self.clock)

    def clock(self) -> int:
        return self.now_ms

    def fetch(self, jwks_url: str) -> bytes:
        return next(issuer for issuer in self.issuers if jwks_url.startswith(issuer.issuer)).fetch(jwks_url)

    def authenticate(self, token: str) -> Caller:
        return authenticate(self.world, self.keys, token)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_a_genuine_token_says_who_it_is_and_until_when(stage: Stage) -> None:
    token = stage.issuers[0].token("ana")

    expected = Caller(subject="ana", role=Role.AGENT, expires_ms=NOW_MS + HOUR_S * 1000)
    assert expected == stage.authenticate(token)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", KEY),
        ("RS384", KEY),
        ("RS512", KEY),
        ("ES256", ec_key(ec.SECP256R1())),
        ("ES384", ec_key(ec.SECP384R1())),
    ],
)
def test_each_allowed_algorithm_is_verified(algorithm: str, key: Any) -> None:
    stage = Stage(IssuerAtWork(signers=[Signer("k1", key, algorithm)]))

    assert stage.authenticate(stage.issuers[0].token("ana")).subject == "ana"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_a_signature_is_refused(stage: Stage, algorithm: str) -> None:
    with pytest.raises(UnauthenticatedError):
        stage.authenticate(unsigned(stage.issuers[0].claims("ana"), algorithm))


@pytest.mark.parametrize("algorithm", [None, 256, ["RS256"], {"RS256": True}])
def test_an_algorithm_that_is_no_word_is_refused_as_any_other(stage: Stage, algorithm: Any) -> None:
    with pytest.raises(UnauthenticatedError):
        stage.authenticate(unsigned(stage.issuers[0].claims("ana"), algorithm))


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_the_public_key_does_not_serve_as_an_hmac_secret(stage: Stage, form: str) -> None:
    issuer = stage.issuers[0]
    pem = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    secret = pem if form == "pem" else json.dumps(issuer.signers[0].jwk).encode()
    signed = unsigned(issuer.claims("ana"), "HS256").rstrip(".")
    forged = f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(forged)


@pytest.mark.parametrize("algorithm", ["PS256", "ES512", "ES256"])
def test_an_algorithm_that_is_not_allowed_or_not_the_keys_own_is_refused(algorithm: str) -> None:
    keys: dict[str, PrivateKey] = {"PS256": KEY, "ES512": ec_key(ec.SECP521R1()), "ES256": ec_key(ec.SECP256R1())}
    signer = Signer("k1", keys[algorithm], algorithm)
    published = [Signer("k1", KEY)] if algorithm == "ES256" else [signer]
    issuer = IssuerAtWork(signers=published)

    with pytest.raises(UnauthenticatedError):
        Stage(issuer).authenticate(signer.sign(issuer.claims("ana")))


def test_a_key_that_is_declared_for_another_algorithm_is_refused(stage: Stage) -> None:
    class Declared(Signer):
        @property
        def jwk(self) -> dict[str, Any]:
            return {**super().jwk, "alg": "RS512"}

    stage = Stage(IssuerAtWork(signers=[Declared("k1", KEY, "RS256")]))

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(stage.issuers[0].token("ana"))


def test_a_key_too_short_to_trust_is_refused() -> None:
    issuer = IssuerAtWork(signers=[Signer("k1", KEY)])
    short = Signer("k1", rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    with pytest.warns(match="below the minimum"):
        token = short.sign(issuer.claims("ana"))
    issuer.signers = [short]

    with pytest.raises(UnauthenticatedError):
        Stage(issuer).authenticate(token)


def test_a_token_signed_with_another_key_under_the_same_id_is_refused(stage: Stage) -> None:
    token = Signer("k1", OTHER_KEY).sign(stage.issuers[0].claims("ana"))

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(token)


def test_a_changed_claim_breaks_the_signature(stage: Stage) -> None:
    header, _, signature = stage.issuers[0].token("ana").split(".")
    changed = b64(json.dumps(stage.issuers[0].claims("boss")).encode())

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(f"{header}.{changed}.{signature}")


def test_a_key_inside_the_token_is_not_believed(stage: Stage) -> None:
    forger = Signer("k9", OTHER_KEY)
    claims = stage.issuers[0].claims("ana")

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(forger.sign(claims, jwk=forger.jwk, jku="https://evil.test/jwks.json"))
    assert stage.issuers[0].asked == ["https://issuer.test/jwks.json"]


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-app"},
        {"aud": ["another-app", "third-app"]},
        {"aud": None},
        {"iss": "https://evil.test"},
        {"iss": None},
        {"iss": ["https://issuer.test"]},
        {"exp": None},
        {"exp": NOW_MS // 1000},
        {"exp": NOW_MS // 1000 - 1},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": NOW_MS // 1000 + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": "a" * 129},
        {"sub": "ana#agent"},
        {"sub": "a\nb"},
        {"sub": 7},
    ],
)
def test_a_claim_that_is_wrong_or_missing_refuses_the_token(stage: Stage, changed: dict[str, Any]) -> None:
    claims = {name: value for name, value in (stage.issuers[0].claims("ana") | changed).items() if value is not None}
    signer = stage.issuers[0].signers[0]
    token = _signed_as_is(signer, claims)

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(token)


def _signed_as_is(signer: Signer, claims: Mapping[str, Any]) -> str:
    """Sign claims that a decent library would refuse to sign."""
    from jwt.api_jws import PyJWS

    return PyJWS().encode(json.dumps(claims).encode(), signer.key, signer.algorithm, {"kid": signer.key_id})


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "....", "eyJ.eyJ.", "é.é.é", "x" * 9000])
def test_what_is_no_token_is_refused_without_a_look_at_the_keys(stage: Stage, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        stage.authenticate(token)
    assert stage.issuers[0].asked == []


def test_a_token_for_several_audiences_that_names_ours_is_taken(stage: Stage) -> None:
    assert stage.authenticate(stage.issuers[0].token("ana", aud=["other", "throughline-desk"])).subject == "ana"


def test_one_issuer_may_sign_for_staff_and_for_visitors_under_two_audiences() -> None:
    staff = IssuerAtWork(signers=[Signer("k1", KEY)])
    visitors = IssuerAtWork(signers=[Signer("k1", KEY)], audience="chat", role="visitor")
    stage = Stage(staff, visitors)

    assert stage.authenticate(staff.token("ana")).role is Role.AGENT
    assert stage.authenticate(visitors.token("v-1")).role is Role.VISITOR


def test_an_issuer_cannot_sign_for_another() -> None:
    staff = IssuerAtWork(signers=[Signer("k1", KEY)])
    visitors = IssuerAtWork(
        signers=[Signer("k1", OTHER_KEY)], issuer="https://visitors.test", audience="chat", role="visitor"
    )
    token = visitors.signers[0].sign(staff.claims("ana"))

    with pytest.raises(UnauthenticatedError):
        Stage(staff, visitors).authenticate(token)


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["agents", "leads"], Role.SUPERVISOR),
        ("agents leads", Role.SUPERVISOR),
        (["agents"], Role.AGENT),
        ([], Role.AGENT),
        (None, Role.AGENT),
        ({"leads": True}, Role.AGENT),
        ([["leads"], 7], Role.AGENT),
        ("misleads", Role.AGENT),
    ],
)
def test_supervisors_are_told_by_the_groups_their_issuer_is_configured_with(groups: Any, role: Role) -> None:
    stage = Stage()

    assert stage.authenticate(stage.issuers[0].token("ana", groups=groups)).role is role


def test_an_issuer_of_visitors_yields_visitors_whatever_its_tokens_claim() -> None:
    visitors = IssuerAtWork(signers=[Signer("k1", KEY)], role="visitor", supervisor_groups=("leads",))
    token = visitors.token("v-1", groups=["leads"], role="supervisor", **{"cognito:groups": ["leads"]})

    assert Stage(visitors).authenticate(token).role is Role.VISITOR


# ---------------------------------------------------------------- keys


def test_keys_are_fetched_once_for_many_tokens(stage: Stage) -> None:
    for subject in ("ana", "ben", "eva"):
        stage.authenticate(stage.issuers[0].token(subject))

    assert stage.issuers[0].asked == ["https://issuer.test/jwks.json"]


def test_a_rotated_key_is_found_by_looking_again(stage: Stage) -> None:
    issuer = stage.issuers[0]
    stage.authenticate(issuer.token("ana"))
    issuer.signers = [Signer("k2", OTHER_KEY)]
    stage.now_ms += REFRESH_MS

    assert stage.authenticate(issuer.token("ana")).subject == "ana"


def test_after_a_rotation_the_old_key_no_longer_counts(stage: Stage) -> None:
    issuer = stage.issuers[0]
    old = issuer.token("ana")
    stage.authenticate(old)
    issuer.signers = [Signer("k2", OTHER_KEY)]
    stage.now_ms += REFRESH_MS
    stage.authenticate(issuer.token("ana"))

    with pytest.raises(UnauthenticatedError):
        stage.authenticate(old)


def test_unknown_key_ids_make_us_ask_the_issuer_at_most_once_a_minute(stage: Stage) -> None:
    issuer = stage.issuers[0]
    for number in range(5):
        with pytest.raises(UnauthenticatedError):
            stage.authenticate(Signer(f"unknown{number}", OTHER_KEY).sign(issuer.claims("ana")))
    assert len(issuer.asked) == 1
    stage.now_ms += REFRESH_MS
    with pytest.raises(UnauthenticatedError):
        stage.authenticate(Signer("unknown", OTHER_KEY).sign(issuer.claims("ana")))
    assert len(issuer.asked) == 2


def test_an_issuer_that_does_not_answer_is_no_reason_to_call_the_token_false(stage: Stage) -> None:
    issuer = stage.issuers[0]
    issuer.reachable = False

    with pytest.raises(RetryableError):
        stage.authenticate(issuer.token("ana"))
    issuer.reachable = True
    assert stage.authenticate(issuer.token("ana")).subject == "ana"


def test_known_keys_serve_while_their_issuer_is_away(stage: Stage) -> None:
    issuer = stage.issuers[0]
    stage.authenticate(issuer.token("ana"))
    issuer.reachable = False
    stage.now_ms += 10 * REFRESH_MS

    assert stage.authenticate(issuer.token("ana", exp=stage.now_ms // 1000 + 9)).subject == "ana"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7]}', b'{"keys": null}'])
def test_a_key_set_that_cannot_be_read_is_the_issuers_trouble(content: bytes) -> None:
    keys = SigningKeys(lambda _: content, lambda: NOW_MS)

    with pytest.raises(RetryableError):
        keys.get_key("https://issuer.test/jwks.json", "k1")


def test_keys_for_encryption_are_not_used_for_signatures() -> None:
    content = json.dumps({"keys": [{**Signer("k1", KEY).jwk, "use": "enc"}]}).encode()

    with pytest.raises(UnauthenticatedError):
        SigningKeys(lambda _: content, lambda: NOW_MS).get_key("https://issuer.test/jwks.json", "k1")


class Http:
    def __init__(self, answer: HttpResponse | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        self.asked.append(f"{method} {url}")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def download(self, *_: Any, **__: Any) -> HttpResponse:
        raise NotImplementedError


def test_keys_come_over_https_from_the_configured_address() -> None:
    http = Http(HttpResponse(status=200, headers={}, body=b"keys"))

    assert fetch_keys_over(http)("https://issuer.test/jwks.json") == b"keys"
    assert http.asked == ["GET https://issuer.test/jwks.json"]


def test_on_one_machine_keys_may_come_over_plain_http() -> None:
    http = Http(HttpResponse(status=200, headers={}, body=b"keys"))

    assert fetch_keys_over(http)("http://127.0.0.1:8080/jwks.json") == b"keys"


@pytest.mark.parametrize(
    "url", ["http://issuer.test/jwks.json", "http://127.0.0.1.evil.test/jwks.json", "file:///keys"]
)
def test_keys_are_not_fetched_where_anybody_could_change_them(url: str) -> None:
    http = Http(HttpResponse(status=200, headers={}, body=b"keys"))

    with pytest.raises(ConfigurationError):
        fetch_keys_over(http)(url)
    assert http.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(status=302, headers={"location": "https://evil.test/"}, body=b"keys"),
        HttpResponse(status=500, headers={}, body=b""),
        UnknownOutcomeError("no whole answer"),
    ],
)
def test_no_answer_redirects_and_failures_are_an_issuer_that_is_away(answer: HttpResponse | Exception) -> None:
    with pytest.raises(ProviderUnavailableError):
        fetch_keys_over(Http(answer))("https://issuer.test/jwks.json")


# ---------------------------------------------------------------- admit


def test_a_configured_agent_is_let_in_and_remembered_with_the_tokens_expiry(stage: Stage) -> None:
    admit(stage.world, stage.keys, stage.issuers[0].token("ana"), ConnectionId("c1"))

    expected = Connection(
        connection_id=ConnectionId("c1"), subject="ana", role="agent", expires_ms=NOW_MS + HOUR_S * 1000
    )
    assert stage.added == [expected]


def test_a_genuine_person_whom_nobody_configured_as_an_agent_stays_outside(stage: Stage) -> None:
    with pytest.raises(ForbiddenError):
        admit(stage.world, stage.keys, stage.issuers[0].token("stranger"), ConnectionId("c1"))
    assert stage.added == []


def test_visitors_need_not_be_configured() -> None:
    stage = Stage(IssuerAtWork(signers=[Signer("k1", KEY)], role="visitor"))
    admit(stage.world, stage.keys, stage.issuers[0].token("v-1"), ConnectionId("c1"))

    assert [connection.role for connection in stage.added] == ["visitor"]
