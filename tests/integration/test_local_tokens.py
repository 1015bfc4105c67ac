"""The stack as its own token issuer: tokens that the functions accept, for nobody but this machine."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import urllib3

from infra.local.application import Health, local_routes
from infra.local.centre import Issuer
from infra.local.tokens import TokenIssuer
from tests.integration.local_edges import served

HTTP = urllib3.PoolManager(retries=False)
ISSUER = Issuer(name="http://localhost/local", audience="throughline", groups_claim="groups", supervisor_group="leads")


@pytest.fixture
def issuer(tmp_path: Path) -> TokenIssuer:
    return TokenIssuer(ISSUER, tmp_path / "key.pem")


@pytest.fixture
def url(issuer: TokenIssuer) -> Iterator[str]:
    with served(local_routes(Health(engine="none"), issuer, "<!doctype html><title>page</title>")) as url:
        yield url


def _claims(token: str, key_set: Any) -> dict[str, Any]:
    key = jwt.PyJWKSet.from_dict(key_set)[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, algorithms=["ES256"], audience="throughline", issuer=ISSUER.name))


@pytest.mark.parametrize(("role", "groups"), [("agent", []), ("supervisor", ["leads"])])
def test_a_token_holds_for_eight_hours_and_is_proven_by_the_published_key(
    url: str, role: str, groups: list[str]
) -> None:
    token = HTTP.request("POST", f"{url}/local/token", json={"sub": "ana", "role": role}).json()["token"]
    claims = _claims(token, HTTP.request("GET", f"{url}/local/jwks.json").json())
    assert ("ana", groups, 8 * 3600) == (claims["sub"], claims["groups"], claims["exp"] - claims["iat"])


def test_the_key_set_holds_no_private_part(issuer: TokenIssuer) -> None:
    assert {"kty", "crv", "x", "y", "kid", "use", "alg"} == set(issuer.jwks()["keys"][0])


def test_the_key_is_kept_for_its_owner_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "key.pem"
    token = TokenIssuer(ISSUER, path).token("ana", "agent")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _claims(token, TokenIssuer(ISSUER, path).jwks())["sub"] == "ana"


@pytest.mark.parametrize(
    "body",
    [b"", b"no json", b"[]", b'"ana"', b"{}", b'{"sub": ""}', b'{"sub": "ana", "role": "owner"}', b'{"role": "agent"}'],
)
def test_a_request_that_names_nobody_is_told_what_to_send(url: str, body: bytes) -> None:
    response = HTTP.request("POST", f"{url}/local/token", body=body)
    assert (response.status, response.json()["error"]) == (400, "invalid_request")
    assert response.json()["message"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil", ""])
@pytest.mark.parametrize(("method", "path"), [("POST", "/local/token"), ("GET", "/"), ("GET", "/local/jwks.json")])
def test_a_foreign_host_is_refused(url: str, host: str, method: str, path: str) -> None:
    body = b'{"sub": "ana"}' if method == "POST" else None
    assert HTTP.request(method, url + path, headers={"Host": host}, body=body).status == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://localhost", "x"])
def test_a_page_from_elsewhere_is_refused(url: str, origin: str) -> None:
    response = HTTP.request("POST", f"{url}/local/token", headers={"Origin": origin}, json={"sub": "ana"})
    assert (response.status, response.json()) == (403, {"error": "forbidden"})


def test_our_own_page_is_not(url: str) -> None:
    assert HTTP.request("POST", f"{url}/local/token", headers={"Origin": url}, json={"sub": "ana"}).status == 200
    localhost = url.replace("127.0.0.1", "localhost")
    headers = {"Origin": localhost, "Host": localhost.removeprefix("http://")}
    assert HTTP.request("POST", f"{url}/local/token", headers=headers, json={"sub": "ana"}).status == 200


def test_without_an_issuer_in_the_configuration_nobody_is_signed_in() -> None:
    with served(local_routes(Health(), None, "")) as url:
        response = HTTP.request("POST", f"{url}/local/token", json={"sub": "ana"})
        keys = HTTP.request("GET", f"{url}/local/jwks.json").json()
    assert (response.status, keys) == (400, {"keys": []})


def test_the_page_may_run_nothing(url: str) -> None:
    policy = HTTP.request("GET", f"{url}/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy


def test_health_is_503_until_everything_is_ready() -> None:
    health = Health(engine="moto")
    with served(local_routes(health, None, "")) as url:
        before = HTTP.request("GET", f"{url}/health")
        health.ready = True
        after = HTTP.request("GET", f"{url}/health")
    assert (503, "not ready") == (before.status, before.json()["status"])
    assert (200, {"stack": "throughline", "status": "ready", "engine": "moto"}) == (after.status, after.json())
