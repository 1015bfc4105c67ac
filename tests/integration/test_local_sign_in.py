"""The stack as its own OIDC provider, and the desk's files: what they give to whom."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
import urllib3

from infra.local.centre import Agent, Centre, Issuer
from infra.local.desk_files import DeskFiles
from infra.local.sign_in import SignIn, desk_configuration
from infra.local.tokens import TokenIssuer
from tests.integration.local_edges import served

HTTP = urllib3.PoolManager(retries=False)
ISSUER = Issuer(name="http://localhost/local", audience="throughline", groups_claim="groups", supervisor_group="leads")
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-of-pkce"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CENTRE = Centre(accounts=[], agents=[Agent(agent_id="ana", name="Ana <3", skills={"en": "5"})], issuer=ISSUER)


@dataclass(frozen=True)
class Provider:
    url: str

    @property
    def asked(self) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": "throughline",
            "redirect_uri": f"{self.url}/desk/",
            "state": "s1",
            "nonce": "n1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }

    def choose(self, **changed: str) -> urllib3.BaseHTTPResponse:
        form = urlencode(self.asked | {"sub": "ana", "role": "agent"} | changed)
        return HTTP.request("POST", f"{self.url}/local/authorize", body=form, redirect=False)

    def code(self, **changed: str) -> str:
        answer = self.choose(**changed)
        assert answer.status == 303, answer.data
        query = parse_qs(urlsplit(answer.headers["Location"]).query)
        assert query["state"] == ["s1"]
        return query["code"][0]

    def redeem(self, **fields: str) -> tuple[int, dict[str, Any]]:
        wanted = {"grant_type": "authorization_code", "code_verifier": VERIFIER, "redirect_uri": f"{self.url}/desk/"}
        answer = HTTP.request("POST", f"{self.url}/local/oidc/token", body=urlencode(wanted | fields))
        return answer.status, answer.json()


@pytest.fixture
def tokens(tmp_path: Path) -> TokenIssuer:
    return TokenIssuer(ISSUER, tmp_path / "key.pem")


@pytest.fixture
def provider(tokens: TokenIssuer) -> Iterator[Provider]:
    with served(SignIn(CENTRE, ISSUER, tokens).routes()) as url:
        yield Provider(url)


def claims_of(tokens: TokenIssuer, token: str) -> dict[str, Any]:
    key = jwt.PyJWKSet.from_dict(dict(tokens.jwks())).keys[0]
    return dict(jwt.decode(token, key, algorithms=["ES256"], audience="throughline", issuer=ISSUER.name))


@pytest.mark.parametrize(("role", "groups"), [("agent", []), ("supervisor", ["leads"])])
def test_a_code_becomes_a_token_of_an_hour_for_who_was_chosen(
    provider: Provider, tokens: TokenIssuer, role: str, groups: list[str]
) -> None:
    status, answer = provider.redeem(code=provider.code(role=role))
    claims = claims_of(tokens, answer["id_token"])
    assert (200, "ana", "n1", groups) == (status, claims["sub"], claims["nonce"], claims["groups"])
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 3600


def test_a_refresh_token_renews_it_and_is_no_token_for_the_api(provider: Provider, tokens: TokenIssuer) -> None:
    _, first = provider.redeem(code=provider.code(role="supervisor"))
    status, second = provider.redeem(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (200, ["leads"]) == (status, claims_of(tokens, second["id_token"])["groups"])
    with pytest.raises(jwt.InvalidAudienceError):
        claims_of(tokens, first["refresh_token"])


def test_a_code_is_good_once(provider: Provider) -> None:
    code = provider.code()
    assert [200, 400] == [provider.redeem(code=code)[0] for _ in range(2)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "another"},
        {"redirect_uri": "http://evil.example/"},
        {"code": "another"},
        {"grant_type": "password"},
        {"grant_type": "refresh_token", "refresh_token": "x"},
    ],
)
def test_nothing_else_redeems_it(provider: Provider, wrong: dict[str, str]) -> None:
    status, answer = provider.redeem(**({"code": provider.code()} | wrong))
    assert (400, True) == (status, answer["error"] in {"invalid_grant", "unsupported_grant_type"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://evil.example/desk/"},
        {"client_id": "another"},
        {"code_challenge": ""},
        {"sub": "nobody"},
    ],
)
def test_nobody_is_sent_elsewhere_or_signed_in_as_somebody_unknown(provider: Provider, wrong: dict[str, str]) -> None:
    answer = provider.choose(**wrong)
    assert (400, None) == (answer.status, answer.headers.get("Location"))


def test_the_page_names_the_agents_runs_nothing_and_is_for_this_machine_alone(provider: Provider) -> None:
    address = f"{provider.url}/local/authorize?{urlencode(provider.asked)}"
    page = HTTP.request("GET", address)
    assert "Ana &lt;3" in page.data.decode()
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert HTTP.request("GET", address, headers={"Host": "evil.example"}).status == 403
    assert HTTP.request("GET", address + "&client_id=another").status == 400


def test_it_describes_itself_where_the_desk_looks(provider: Provider) -> None:
    configuration = desk_configuration(ISSUER)
    described = HTTP.request("GET", provider.url + str(configuration["discovery"])).json()
    assert described["issuer"] == configuration["issuer"]
    assert described["authorization_endpoint"].startswith(provider.url)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "dist/assets").mkdir(parents=True)
    (tmp_path / "dist/assets/index-1.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    files = DeskFiles(tmp_path / "dist", desk_configuration(ISSUER), files_origin="http://127.0.0.1:4566")
    with served(files.routes()) as url:
        yield url


def test_the_desks_files_are_served_with_the_headers_that_keep_it_safe(desk: str, tmp_path: Path) -> None:
    (tmp_path / "dist/index.html").write_text("<!doctype html><title>desk</title>")
    page, script = HTTP.request("GET", f"{desk}/desk/"), HTTP.request("GET", f"{desk}/desk/assets/index-1.js")
    assert ("no-cache", True) == (page.headers["cache-control"], "immutable" in script.headers["cache-control"])
    assert script.headers["content-type"].startswith("text/javascript")
    for answer in (page, script):
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'; style-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "connect-src 'self' http://127.0.0.1:4566" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_widgets_script_is_served_beside_the_desk(desk: str, tmp_path: Path) -> None:
    assert HTTP.request("GET", f"{desk}/widget.js").status == 404
    (tmp_path / "dist/widget.js").write_text("chat()")
    script = HTTP.request("GET", f"{desk}/widget.js")
    assert (script.data, script.headers["cache-control"]) == (b"chat()", "no-cache")
    assert script.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize(
    "path", ["/desk/../secret", "/desk/%2e%2e/secret", "/desk/..%2fsecret", "/desk/assets/none.js"]
)
def test_no_other_file_is_served(desk: str, path: str) -> None:
    answer = HTTP.request("GET", desk + path)
    assert answer.status == 404
    assert b"secret" not in answer.data


def test_a_desk_that_is_not_built_says_what_to_do(desk: str) -> None:
    answer = HTTP.request("GET", f"{desk}/desk/")
    assert (503, True) == (answer.status, b"make desk" in answer.data)
    assert HTTP.request("GET", f"{desk}/desk/config.json").json()["client_id"] == "throughline"
