"""The providers as they are played here: they check who asks, and answer in their own words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local.sandbox.doors import provider_bases
from tests.integration.provider_world import BOT, HTTP, SID, World, ask_telegram, ask_twilio, ask_whatsapp, playing


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "sandbox.log")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with playing(world) as url:
        yield url


def test_telegram_takes_a_text_and_tells_its_id(url: str) -> None:
    first = ask_telegram(url, "sendMessage", chat_id="7", text="one").json()
    second = ask_telegram(url, "sendMessage", chat_id=7, text="two").json()
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
    response = ask_telegram(url, method, **fields)
    answer = response.json()
    assert (status, False, status) == (response.status, answer["ok"], answer["error_code"])
    assert words in answer["description"]


def test_telegram_knows_only_the_configured_bots(url: str) -> None:
    assert ask_telegram(url, "sendMessage", token="42:another", chat_id=7, text="x").status == 401
    assert HTTP.request("GET", f"{url}/sandbox/telegram/file/bot42:another/photos/a.png").status == 401
    assert HTTP.request("GET", f"{url}/sandbox/telegram/nonsense").status == 404


def test_telegram_hands_out_a_file(url: str) -> None:
    path = ask_telegram(url, "getFile", file_id="AgACAgUAAxk").json()["result"]["file_path"]
    file = HTTP.request("GET", f"{url}/sandbox/telegram/file/bot{BOT}/{path}")
    assert (file.headers["content-type"], file.data[:4]) == ("image/png", b"\x89PNG")


def test_twilio_creates_a_message(url: str) -> None:
    response = ask_twilio(url)
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
    response = ask_twilio(url, **fields)
    assert (400, code) == (response.status, response.json()["code"])


def test_twilio_knows_only_the_configured_account(url: str) -> None:
    assert (401, 20003) == ((answer := ask_twilio(url, password="wrong")).status, answer.json()["code"])


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
    answer = ask_whatsapp(url).json()
    assert answer["contacts"] == [{"input": "14155550142", "wa_id": "14155550142"}]
    assert answer["messages"][0]["id"].startswith("wamid.")
    by_user = ask_whatsapp(url, to=None, recipient="US.1349").json()
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
    response = ask_whatsapp(url, **fields)
    assert (status, code) == (response.status, response.json()["error"]["code"])


def test_whatsapp_knows_only_the_configured_token_and_numbers(url: str) -> None:
    assert (401, 190) == ((answer := ask_whatsapp(url, token="wrong")).status, answer.json()["error"]["code"])
    assert (400, 100) == ((answer := ask_whatsapp(url, number="999")).status, answer.json()["error"]["code"])


def test_whatsapp_tells_where_a_file_is_and_hands_it_to_the_bearer(url: str) -> None:
    bearer = {"Authorization": "Bearer meta-token"}
    found = HTTP.request("GET", f"{url}/sandbox/whatsapp/v25.0/2754859441498128", headers=bearer).json()
    bases = provider_bases(url)
    place = found["url"].replace("https://lookaside.fbsbx.com", bases["https://lookaside.fbsbx.com"])
    file = HTTP.request("GET", place, headers=bearer)
    assert (found["mime_type"], found["file_size"]) == (file.headers["content-type"], len(file.data))
    assert HTTP.request("GET", place).status == 401
