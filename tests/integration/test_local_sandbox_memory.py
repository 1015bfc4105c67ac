"""The providers as they are played here: they remember, misbehave as they are told, and report back."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import urllib3

from infra.local.sandbox.journal import Journal
from tests.integration.provider_world import (
    BOT,
    HTTP,
    NUMBER_ID,
    PUBLIC_URL,
    SID,
    World,
    ask_telegram,
    ask_twilio,
    ask_whatsapp,
    playing,
    sent,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "sandbox.log")


@pytest.fixture
def url(world: World) -> Iterator[str]:
    with playing(world) as url:
        yield url


# ------------------------------------------------------------ what it remembers


def test_every_request_is_remembered_and_no_credential(url: str, world: World) -> None:
    ask_telegram(url, "sendMessage", chat_id=7, text="Hello")
    ask_twilio(url)
    ask_whatsapp(url)
    everything = json.dumps(sent(url)) + world.journal_path.read_text()
    secrets = ["the-bots-token", "twilio-token", "meta-token", "Basic Q", "dHdpbGlv"]
    assert [] == [secret for secret in secrets if secret in everything]
    told = [(item["channel"], item["message"]["to"], item["message"]["text"]) for item in sent(url)]
    assert [
        ("telegram", "7", "Hello"),
        ("twilio_sms", "+14155550142", "Hi"),
        ("whatsapp", "14155550142", "Hi"),
    ] == told
    assert ["https://api.telegram.org/bot***/sendMessage"] == [item["url"] for item in sent(url, "telegram")]


def test_what_was_sent_outlives_a_restart_until_it_is_forgotten(url: str, world: World) -> None:
    ask_telegram(url, "sendMessage", chat_id=7, text="Hello")
    with world.journal_path.open("a") as file:
        file.write('{"torn')
    assert sent(url) == Journal(world.journal_path).list_records(None)
    assert HTTP.request("DELETE", f"{url}/sandbox/sent").status == 204
    assert sent(url) == Journal(world.journal_path).list_records(None) == []


def test_a_file_that_a_message_links_to_is_fetched(url: str) -> None:
    link = f"{url}/sandbox/twilio-media/{SID}/ME1"
    assert ask_telegram(url, "sendPhoto", chat_id=7, photo=link).status == 200
    assert ask_twilio(url, MediaUrl=[link, f"{url}/nothing-here"]).status == 400
    fetched = [item.get("fetched") for item in sent(url) if item["method"] == "POST"]
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
    answers = [ask_telegram(url, "sendMessage", chat_id=7, text="x") for _ in range(3)]
    assert [429, 429, 200] == [answer.status for answer in answers]
    assert answers[0].json()["parameters"] == {"retry_after": 1}
    assert [429, 429, 200] == [item["status"] for item in sent(url)]


def test_a_file_is_gone_where_a_rule_says_so_and_messages_are_taken_meanwhile(url: str) -> None:
    _behave(url, channel="telegram", status=404, files=True, matching="gone")
    answers = [ask_telegram(url, "getFile", file_id=name) for name in ("kept", "gone", "gone")]
    assert [200, 404, 200] == [answer.status for answer in answers]
    _behave(url, channel="telegram", status=404, files=True)
    assert 200 == ask_telegram(url, "sendMessage", chat_id=7, text="gone").status


def test_others_behave_meanwhile_and_all_do_when_told(url: str) -> None:
    _behave(url, channel="whatsapp", status=500, times=100)
    assert 201 == ask_twilio(url).status
    assert 500 == ask_whatsapp(url).status
    assert HTTP.request("DELETE", f"{url}/sandbox/behaviour").status == 204
    assert 200 == ask_whatsapp(url).status


def test_a_provider_says_what_it_was_told_to_say(url: str) -> None:
    _behave(url, channel="twilio_sms", status=400, body={"code": 21610, "message": "unsubscribed", "status": 400})
    assert 21610 == ask_twilio(url).json()["code"]


def test_a_provider_may_take_a_message_and_answer_late(url: str) -> None:
    _behave(url, channel="telegram", delay_s=2.0)
    message = {"chat_id": 7, "text": "x"}
    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        HTTP.request("POST", f"{url}/sandbox/telegram/bot{BOT}/sendMessage", json=message, timeout=0.3)
    assert [200] == [item["status"] for item in sent(url)]


def test_a_provider_may_ask_for_patience_in_a_header(url: str) -> None:
    _behave(url, channel="whatsapp", status=429, headers={"Retry-After": "7"})
    assert "7" == ask_whatsapp(url).headers["retry-after"]


def test_a_provider_may_call_an_error_a_success(url: str) -> None:
    _behave(url, channel="whatsapp", status=200, body={"error": {"code": 131026}})
    answer = ask_whatsapp(url)
    assert (200, {"error": {"code": 131026}}) == (answer.status, answer.json())
    assert "message" not in sent(url)[0]


def test_a_rule_concerns_those_messages_alone_that_have_its_words(url: str) -> None:
    _behave(url, channel="whatsapp", status=500, matching="second")
    assert [200, 500, 200] == [
        ask_whatsapp(url, text={"body": word}).status for word in ("first", "second", "second again")
    ]


def test_a_connection_is_reset_and_nothing_taken(url: str) -> None:
    _behave(url, channel="telegram", breaks="reset")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="ConnectionResetError"):
        ask_telegram(url, "sendMessage", chat_id=7, text="x")
    assert ["message" in record for record in sent(url)] == [False]
    assert 200 == ask_telegram(url, "sendMessage", chat_id=7, text="x").status


def test_a_provider_dies_while_it_says_that_it_took_the_message(url: str) -> None:
    _behave(url, channel="telegram", breaks="cut")
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        ask_telegram(url, "sendMessage", chat_id=7, text="x")
    assert ["message" in record for record in sent(url)] == [True]


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"channel": "telegram", "breaks": "the window"},
        {"channel": "telegram", "breaks": "reset", "status": 500},
        {"channel": "telegram", "status": 429, "headers": {"Retry-After": 7}},
        {"channel": "telegram", "status": 429, "headers": "Retry-After"},
        {"channel": "telegram", "matching": 7},
        {"channel": "telegram", "files": "all"},
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
    sid = ask_twilio(url, StatusCallback=callback).json()["sid"]
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
    ask_twilio(url)
    ask_whatsapp(url)
    assert all(path.startswith("/webhooks/whatsapp") for path, _, _ in world.arrived(3))


def test_whatsapp_reports_sent_delivered_read_and_repeats_what_was_not_taken(url: str, world: World) -> None:
    world.answers = [503]
    message_id = ask_whatsapp(url, biz_opaque_callback_data="h-1.2.3").json()["messages"][0]["id"]
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
    response = ask_whatsapp(url, status="read", message_id="wamid.x")
    assert response.json() == {"success": True}
    assert [False] == ["message" in item for item in sent(url)]
