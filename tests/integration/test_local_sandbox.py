"""The providers as they are played here: they check who asks, answer in their own words, remember, report back."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
import urllib3
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.centre import Account, Centre
from infra.local.sandbox.doors import Sandbox, provider_bases
from infra.local.sandbox.journal import Journal
from tests.integration.local_edges import WAIT_S, served

HTTP = urllib3.PoolManager(retries=False)
PUBLIC_URL = "https://contact.example.com"
BOT = "42:the-bots-token"
TWILIO_TOKEN, META_TOKEN = "twilio-token", "meta-token"
SID = "AC0000000000000000000000000000000a"
NUMBER_ID = "100000000000001"
CENTRE = Centre(
    accounts=[
        Account(
            channel="telegram",
            name="shop",
            address="shop_bot",
            queue="q",
            secrets={"bot_token": BOT, "webhook_secret": "header-secret"},
        ),
        Account(
            channel="twilio_sms",
            name="shop",
            address="+15005550006",
            queue="q",
            secrets={"auth_token": "twilio-token"},
            settings={"account_sid": SID},
        ),
        Account(
            channel="whatsapp",
            name="shop",
            address=NUMBER_ID,
            queue="q",
            secrets={"access_token": "meta-token", "app_secret": "meta-secret", "verify_token": "verify"},
        ),
    ],
    agents=[],
    issuer=None,
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class World:
    """The sandbox, a place where its receipts arrive, and a file it may fetch."""

    def __init__(self, journal_path: Path) -> None:
        self.journal_path = journal_path
        self.answers: list[int] = []
        self._arrived: list[tuple[str, Mapping[str, str], bytes]] = []
        self._changed = threading.Condition()

    async def take(self, request: Request) -> Response:
        body = await request.body()
        with self._changed:
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            self._arrived.append((path, dict(request.headers), body))
            self._changed.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    def arrived(self, count: int) -> list[tuple[str, Mapping[str, str], bytes]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._arrived) >= count, WAIT_S), self._arrived
            return list(self._arrived)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "sandbox.log")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    sink = Route("/webhooks/{rest:path}", world.take, methods=["POST"])
    # Receipts go to the address of this very server, which is known only once it listens.
    routes: list[Any] = [sink]
    with served(routes) as sink_url:
        sandbox = Sandbox(CENTRE, Journal(world.journal_path), public_url=PUBLIC_URL, local_url=sink_url, pace_s=0.01)

        async def stop() -> None:
            sandbox.close()

        with served(sandbox.routes(), before_stop=stop) as url:
            yield url


def _telegram(url: str, method: str, token: str = BOT, **fields: Any) -> Any:
    return HTTP.request("POST", f"{url}/sandbox/telegram/bot{token}/{method}", json=fields)


def _twilio(url: str, password: str = TWILIO_TOKEN, **fields: Any) -> Any:
    form = {"To": "+14155550142", "From": "+15005550006", "Body": "Hi"} | fields
    content = urlencode({name: value for name, value in form.items() if value is not None}, doseq=True)
    headers = FORM | urllib3.make_headers(basic_auth=f"{SID}:{password}")
    path = f"/sandbox/twilio/2010-04-01/Accounts/{SID}/Messages.json"
    return HTTP.request("POST", url + path, body=content, headers=headers)


def _whatsapp(url: str, token: str = META_TOKEN, number: str = NUMBER_ID, **fields: Any) -> Any:
    message = {"messaging_product": "whatsapp", "to": "14155550142", "type": "text", "text": {"body": "Hi"}} | fields
    headers = {"Authorization": f"Bearer {token}"}
    return HTTP.request("POST", f"{url}/sandbox/whatsapp/v25.0/{number}/messages", json=message, headers=headers)


def _sent(url: str, channel: str = "") -> list[Any]:
    return list(
        HTTP.request("GET", f"{url}/sandbox/sent", fields={"channel": channel} if channel else {}).json()["sent"]
    )


# ------------------------------------------------------------ each provider


def test_telegram_takes_a_text_and_tells_its_id(url: str) -> None:
    first = _telegram(url, "sendMessage", chat_id="7", text="one").json()
    second = _telegram(url, "sendMessage", chat_id=7, text="two").json()
    assert first["ok"] is True
    assert first["result"]["chat"]["id"] == 7
    assert first["result"]["text"] == "one"
    assert first["result"]["message_id"] < second["result"]["message_id"]


@pytest.mark.parametrize(
    ("method", "fields", "status", "words"),
    [
        ("sendMessage", {"text": "x"}, 400, "chat_id is empty"),
        ("sendMessage", {"chat_id": 7, "text": ""}, 400, "message text is empty"),
        ("sendMessage", {"chat_id": 7, "text": "x" * 4097}, 400, "message is too long"),
        ("sendPhoto", {"chat_id": 7, "photo": "https://x.example/y", "caption": "x" * 1025}, 400, "too long"),
        ("sendNothing", {"chat_id": 7}, 404, "Not Found"),
        ("getFile", {}, 400, "file_id not specified"),
    ],
)
def test_telegram_refuses_in_its_own_words(
    url: str, method: str, fields: dict[str, Any], status: int, words: str
) -> None:
    response = _telegram(url, method, **fields)
    answer = response.json()
    assert (status, False, status) == (response.status, answer["ok"], answer["error_code"])
    assert words in answer["description"]


def test_telegram_knows_only_the_configured_bots(url: str) -> None:
    assert _telegram(url, "sendMessage", token="42:another", chat_id=7, text="x").status == 401
    assert HTTP.request("GET", f"{url}/sandbox/telegram/file/bot42:another/photos/a.png").status == 401
    assert HTTP.request("GET", f"{url}/sandbox/telegram/nonsense").status == 404


def test_telegram_hands_out_a_file(url: str) -> None:
    path = _telegram(url, "getFile", file_id="AgACAgUAAxk").json()["result"]["file_path"]
    file = HTTP.request("GET", f"{url}/sandbox/telegram/file/bot{BOT}/{path}")
    assert (file.headers["content-type"], file.data[:4]) == ("image/png", b"\x89PNG")


def test_twilio_creates_a_message(url: str) -> None:
    response = _twilio(url)
    answer = response.json()
    assert (201, "queued", "outbound-api") == (response.status, answer["status"], answer["direction"])
    assert answer["sid"].startswith("SM")
    assert (answer["to"], answer["from"], answer["body"]) == ("+14155550142", "+15005550006", "Hi")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": None}, 21604),
        ({"From": None}, 21603),
        ({"From": "+15005550001"}, 21606),
        ({"Body": None}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_twilio_refuses_with_its_own_codes(url: str, fields: dict[str, Any], code: int) -> None:
    response = _twilio(url, **fields)
    assert (400, code) == (response.status, response.json()["code"])


def test_twilio_knows_only_the_configured_account(url: str) -> None:
    assert (401, 20003) == ((answer := _twilio(url, password="wrong")).status, answer.json()["code"])


def test_twilio_redirects_from_its_api_to_a_store_that_needs_no_credentials(url: str) -> None:
    path = f"/2010-04-01/Accounts/{SID}/Messages/MM1/Media/ME1"
    headers = urllib3.make_headers(basic_auth=f"{SID}:twilio-token")
    response = HTTP.request("GET", f"{url}/sandbox/twilio{path}", headers=headers, redirect=False)
    assert response.status == 307
    bases = provider_bases(url)
    store = next(base for base in bases if response.headers["location"].startswith(f"{base}/"))
    assert HTTP.request("GET", response.headers["location"].replace(store, bases[store])).data[:4] == b"\x89PNG"
    assert HTTP.request("GET", f"{url}/sandbox/twilio{path}", redirect=False).status == 401


def test_whatsapp_takes_a_message_and_tells_who_it_went_to(url: str) -> None:
    answer = _whatsapp(url).json()
    assert answer["contacts"] == [{"input": "14155550142", "wa_id": "14155550142"}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    by_user = _whatsapp(url, to=None, recipient="US.1349").json()
    assert by_user["contacts"] == [{"input": "US.1349", "user_id": "US.1349"}]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"messaging_product": None}, 400, 100),
        ({"to": None}, 400, 100),
        ({"text": None}, 400, 100),
        ({"text": {"body": "x" * 4097}}, 400, 100),
    ],
)
def test_whatsapp_refuses_with_its_own_codes(url: str, fields: dict[str, Any], status: int, code: int) -> None:
    response = _whatsapp(url, **fields)
    assert (status, code) == (response.status, response.json()["error"]["code"])


def test_whatsapp_knows_only_the_configured_token_and_numbers(url: str) -> None:
    assert (401, 190) == ((answer := _whatsapp(url, token="wrong")).status, answer.json()["error"]["code"])
    assert (400, 100) == ((answer := _whatsapp(url, number="999")).status, answer.json()["error"]["code"])


def test_whatsapp_tells_where_a_file_is_and_hands_it_to_the_bearer(url: str) -> None:
    bearer = {"Authorization": "Bearer meta-token"}
    found = HTTP.request("GET", f"{url}/sandbox/whatsapp/v25.0/2754859441498128", headers=bearer).json()
    bases = provider_bases(url)
    place = found["url"].replace("https://lookaside.fbsbx.com", bases["https://lookaside.fbsbx.com"])
    file = HTTP.request("GET", place, headers=bearer)
    assert (found["mime_type"], found["file_size"]) == (file.headers["content-type"], len(file.data))
    assert HTTP.request("GET", place).status == 401


# ------------------------------------------------------------ what it remembers


def test_every_request_is_remembered_and_no_credential(url: str, world: World) -> None:
    _telegram(url, "sendMessage", chat_id=7, text="Hello")
    _twilio(url)
    _whatsapp(url)
    everything = json.dumps(_sent(url)) + world.journal_path.read_text()
    secrets = ["the-bots-token", "twilio-token", "meta-token", "Basic Q", "dHdpbGlv"]
    assert [] == [secret for secret in secrets if secret in everything]
    told = [(item["channel"], item["message"]["to"], item["message"]["text"]) for item in _sent(url)]
    assert [
        ("telegram", "7", "Hello"),
        ("twilio_sms", "+14155550142", "Hi"),
        ("whatsapp", "14155550142", "Hi"),
    ] == told
    assert ["https://api.telegram.org/bot***/sendMessage"] == [item["url"] for item in _sent(url, "telegram")]


def test_what_was_sent_outlives_a_restart_until_it_is_forgotten(url: str, world: World) -> None:
    _telegram(url, "sendMessage", chat_id=7, text="Hello")
    with world.journal_path.open("a") as file:
        file.write('{"torn')
    assert _sent(url) == Journal(world.journal_path).list_records(None)
    assert HTTP.request("DELETE", f"{url}/sandbox/sent").status == 204
    assert _sent(url) == Journal(world.journal_path).list_records(None) == []


def test_a_file_that_a_message_links_to_is_fetched(url: str) -> None:
    link = f"{url}/sandbox/twilio-media/{SID}/ME1"
    assert _telegram(url, "sendPhoto", chat_id=7, photo=link).status == 200
    assert _twilio(url, MediaUrl=[link, f"{url}/nothing-here"]).status == 400
    fetched = [item.get("fetched") for item in _sent(url) if item["method"] == "POST"]
    assert [[200], [200, 404]] == [[file["status"] for file in files] for files in fetched]


@pytest.mark.parametrize(("method", "path"), [("GET", "sent"), ("DELETE", "sent"), ("POST", "behaviour")])
def test_the_sandbox_is_for_this_machine_alone(url: str, method: str, path: str) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert HTTP.request(method, f"{url}/sandbox/{path}", headers=headers).status == 403


# ------------------------------------------------------------ misbehaviour


def _behave(url: str, **rule: Any) -> Any:
    return HTTP.request("POST", f"{url}/sandbox/behaviour", json=rule)


def test_a_provider_misbehaves_as_often_as_it_was_told(url: str) -> None:
    assert _behave(url, channel="telegram", status=429, times=2).status == 204
    answers = [_telegram(url, "sendMessage", chat_id=7, text="x") for _ in range(3)]
    assert [429, 429, 200] == [answer.status for answer in answers]
    assert answers[0].json()["parameters"] == {"retry_after": 1}
    assert [429, 429, 200] == [item["status"] for item in _sent(url)]


def test_others_behave_meanwhile_and_all_do_when_told(url: str) -> None:
    _behave(url, channel="whatsapp", status=500, times=100)
    assert 201 == _twilio(url).status
    assert 500 == _whatsapp(url).status
    assert HTTP.request("DELETE", f"{url}/sandbox/behaviour").status == 204
    assert 200 == _whatsapp(url).status


def test_a_provider_says_what_it_was_told_to_say(url: str) -> None:
    _behave(url, channel="twilio_sms", status=400, body={"code": 21610, "message": "unsubscribed", "status": 400})
    assert 21610 == _twilio(url).json()["code"]


def test_a_provider_may_take_a_message_and_answer_late(url: str) -> None:
    _behave(url, channel="telegram", delay_s=2.0)
    message = {"chat_id": 7, "text": "x"}
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        HTTP.request("POST", f"{url}/sandbox/telegram/bot{BOT}/sendMessage", json=message, timeout=0.3)
    assert [200] == [item["status"] for item in _sent(url)]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"channel": "pigeon", "status": 500},
        {"channel": "telegram", "status": 200},
        {"channel": "telegram", "times": "often"},
        {"channel": "telegram", "mood": "bad"},
        [],
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(url: str, rule: Any) -> None:
    response = HTTP.request("POST", f"{url}/sandbox/behaviour", json=rule)
    assert (response.status, response.json()["error"]) == (400, "invalid_request")


# ------------------------------------------------------------ receipts


def test_twilio_reports_sent_and_delivered_signed_for_the_public_url(url: str, world: World) -> None:
    callback = f"{PUBLIC_URL}/webhooks/twilio_sms/shop?entry=h-1.2.3"
    sid = _twilio(url, StatusCallback=callback).json()["sid"]
    arrived = world.arrived(2)
    forms = [dict(parse_qsl(body.decode())) for _, _, body in arrived]
    assert ["/webhooks/twilio_sms/shop?entry=h-1.2.3"] * 2 == [path for path, _, _ in arrived]
    assert [(sid, "delivered"), (sid, "sent")] == sorted((form["MessageSid"], form["MessageStatus"]) for form in forms)
    for _, headers, body in arrived:
        assert headers["x-twilio-signature"] == _twilio_proof(callback, body)


def _twilio_proof(url: str, body: bytes) -> str:
    text = url + "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
    return base64.b64encode(hmac.digest(b"twilio-token", text.encode(), hashlib.sha1)).decode()


def test_twilio_reports_nothing_to_nobody(url: str, world: World) -> None:
    _twilio(url)
    _whatsapp(url)
    assert all(path.startswith("/webhooks/whatsapp") for path, _, _ in world.arrived(3))


def test_whatsapp_reports_sent_delivered_read_and_repeats_what_was_not_taken(url: str, world: World) -> None:
    world.answers = [503]
    message_id = _whatsapp(url, biz_opaque_callback_data="h-1.2.3").json()["messages"][0]["id"]
    arrived = world.arrived(4)
    values = [json.loads(body)["entry"][0]["changes"][0]["value"] for _, _, body in arrived]
    statuses = [value["statuses"][0] for value in values]
    assert {NUMBER_ID} == {value["metadata"]["phone_number_id"] for value in values}
    assert {(message_id, "h-1.2.3")} == {(said["id"], said["biz_opaque_callback_data"]) for said in statuses}
    assert {"delivered", "read", "sent"} == {said["status"] for said in statuses}
    for _, headers, body in arrived:
        expected = hmac.digest(b"meta-secret", body, hashlib.sha256).hex()
        assert headers["x-hub-signature-256"] == f"sha256={expected}"


def test_marking_a_message_as_read_sends_none(url: str) -> None:
    _behave(url, channel="whatsapp", status=500)
    response = _whatsapp(url, status="read", message_id="wamid.x")
    assert response.json() == {"success": True}
    assert [False] == ["message" in item for item in _sent(url)]
