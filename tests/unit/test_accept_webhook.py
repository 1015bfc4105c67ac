import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.ends import ACCOUNT, ACCOUNT_ID, CUSTOMER, HOME, NOW_MS, Scene, broken
from throughline.domain.configuration import Configuration
from throughline.domain.encodings import decode_inbound
from throughline.domain.errors import (
    ConfigurationError,
    MalformedPayloadError,
    PayloadTooLargeError,
    RejectedError,
    SignatureMismatchError,
    StoreUnavailableError,
    UnknownAccountError,
)
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import (
    ChannelEvent,
    ConsentChanged,
    DeliveryStatus,
    MessageReceived,
    NotUnderstood,
    StatusReported,
)
from throughline.flows.accept_webhook import IncomingWebhook, accept_webhook
from throughline.flows.acknowledge import acknowledge
from throughline.ports import WebhookAnswer, WebhookRequest

LIMIT = 1000
SOURCE: dict[str, Any] = {"channel": "telegram", "account": ACCOUNT_ID, "raw": {"update": 1}}


def message(provider_id: str = "m1", sender: Identifier = CUSTOMER, **changes: Any) -> MessageReceived:
    return MessageReceived(**(SOURCE | {"provider_id": provider_id, "senders": (sender,), "text": "hello"} | changes))


def post(scene: Scene, *events: ChannelEvent, **changes: Any) -> WebhookAnswer:
    """Post a webhook with these events in it."""
    if events:
        scene.channel.events = events
    fields: dict[str, Any] = {
        "channel": "telegram",
        "account": "demo",
        "method": "POST",
        "query": "",
        "headers": {"X-Proof": "proof-now", "Content-Type": "application/json"},
        "body": b"{}",
    }
    return accept_webhook(scene.world, IncomingWebhook(**(fields | changes)), max_bytes=LIMIT)


def queued(scene: Scene) -> list[ChannelEvent]:
    return [decode_inbound(job).event for job in scene.inbound.jobs]


def kept(scene: Scene) -> list[Any]:
    return [json.loads(content) for content, _ in scene.blobs.kept.values()]


def reasons(scene: Scene) -> list[str]:
    return [item["reason"] for whole in kept(scene) for item in whole["left_over"]]


# ---------------------------------------------------------------- taken


def test_events_are_queued_before_the_provider_is_told() -> None:
    scene = Scene()
    first, second = message("m1"), message("m2")
    assert post(scene, first, second) == WebhookAnswer(body="taken")
    assert queued(scene) == [first, second]
    assert kept(scene) == []


def test_a_job_says_when_it_arrived_under_an_id_of_its_own() -> None:
    scene = Scene()
    post(scene, message("m1"), message("m2"))
    jobs = [decode_inbound(job) for job in scene.inbound.jobs]
    assert [job.inbound for job in jobs] == [f"{number:016x}" for number in (1, 2)]
    assert {job.arrival_ms for job in jobs} == {NOW_MS}


def test_one_persons_events_keep_their_order() -> None:
    scene = Scene()
    post(scene, message("m1"), message("m2", sender=Identifier(kind="telegram", value="8")), message("m3"))
    groups = [item.group for item in scene.inbound.accepted]
    assert groups[0] == groups[2] == HOME
    assert groups[1] != HOME


def test_further_identifiers_do_not_change_whose_event_it_is() -> None:
    scene = Scene()
    post(scene, message(senders=(CUSTOMER, Identifier(kind="tel", value="+14155550100"))))
    assert [item.group for item in scene.inbound.accepted] == [HOME]


def test_a_webhook_that_is_delivered_again_is_the_same_job() -> None:
    scene = Scene()
    post(scene, message("m1"))
    post(scene, message("m1"))
    assert queued(scene) == [message("m1")]


def test_two_kinds_of_event_may_share_an_id() -> None:
    scene = Scene()
    consent = ConsentChanged(**SOURCE, provider_id="m1", senders=(CUSTOMER,), granted=False)
    post(scene, message("m1"), consent)
    assert queued(scene) == [message("m1"), consent]


def test_an_empty_webhook_is_taken_without_a_trace() -> None:
    scene = Scene()
    assert post(scene).status == 200
    assert queued(scene) == []
    assert kept(scene) == []


def report(**changes: Any) -> StatusReported:
    fields = {"provider_id": "p1:sent", "message_id": "p1", "status": DeliveryStatus.SENT, "senders": (CUSTOMER,)}
    return StatusReported(**(SOURCE | fields | changes))


def test_reports_keep_their_order_with_the_customer_they_are_about() -> None:
    scene = Scene()
    post(scene, report(entry=f"{HOME}.0000000000001.a"), report(provider_id="x", entry="foreign", message_id="p9"))
    groups = [item.group for item in scene.inbound.accepted]
    assert groups[0] == HOME
    assert groups[1] != HOME


def test_reports_without_our_reference_keep_the_order_of_their_message() -> None:
    scene = Scene()
    post(scene, report(provider_id="p1:sent"), report(provider_id="p1:read"), report(provider_id="p2", message_id="p2"))
    groups = [item.group for item in scene.inbound.accepted]
    assert groups[0] == groups[1] != groups[2]


def test_a_report_on_a_message_of_ours_may_come_from_any_number_of_a_pool() -> None:
    scene = Scene()
    event = report(account="telegram/pool-7", entry=f"{HOME}.0000000000001.a")
    post(scene, event)
    assert queued(scene) == [event]


# ---------------------------------------------------------------- kept


def test_one_odd_item_costs_nothing_but_itself() -> None:
    scene = Scene()
    odd = NotUnderstood(**SOURCE, provider_id="u9", reason="unknown_update")
    post(scene, message("m1"), odd, message("m2"))
    assert queued(scene) == [message("m1"), message("m2")]
    (whole,) = kept(scene)
    assert whole["left_over"] == [
        {"reason": "unknown_update", "account": ACCOUNT_ID, "provider_id": "u9", "kind": "not_understood"}
    ]
    assert (whole["channel"], whole["account"], whole["received_ms"]) == ("telegram", "demo", NOW_MS)
    assert base64.b64decode(whole["body"]) == b"{}"
    assert scene.telemetry.total("webhook_kept", channel="telegram", reason="unknown_update") == 1


def test_kept_things_are_found_by_channel_and_day_and_once() -> None:
    scene = Scene()
    odd = NotUnderstood(**SOURCE, provider_id="u9", reason="unknown_update")
    post(scene, odd)
    scene.later(60)
    post(scene, odd)
    (key,) = scene.blobs.kept
    assert key.startswith("kept/telegram/2025/11/22/")
    assert key.endswith(".json")


def test_an_event_of_an_account_we_do_not_know_is_kept() -> None:
    scene = Scene()
    post(scene, message("m1", account="telegram/another_bot"), message("m2"))
    assert queued(scene) == [message("m2")]
    assert reasons(scene) == ["unknown_account"]


def test_an_event_of_another_account_we_do_know_is_queued() -> None:
    scene = Scene()
    other = replace(ACCOUNT, name="other", address="other_bot")
    scene.settings.configuration = Configuration(accounts={"telegram/demo": ACCOUNT, "telegram/other": other})
    post(scene, message("m1", account="telegram/other_bot"))
    assert [event.account for event in queued(scene)] == ["telegram/other_bot"]


def test_an_event_of_an_account_with_other_secrets_is_kept_because_the_proof_does_not_speak_for_it() -> None:
    scene = Scene()
    other = replace(ACCOUNT, name="other", address="other_bot", secrets={"proof": ("telegram/other-proof",)})
    scene.settings.configuration = Configuration(accounts={"telegram/demo": ACCOUNT, "telegram/other": other})
    post(scene, message("m1", account="telegram/other_bot"), message("m2"))
    assert queued(scene) == [message("m2")]
    assert reasons(scene) == ["foreign_account"]


def test_an_event_about_nobody_is_kept() -> None:
    scene = Scene()
    post(scene, message(senders=()))
    assert reasons(scene) == ["no_sender"]


def test_an_authentic_body_that_nobody_can_read_is_kept_whole_and_taken() -> None:
    scene = Scene()
    scene.channel.events = MalformedPayloadError("not JSON")
    assert post(scene, body=b"\xff{", query="a=1", headers={"x-proof": "proof-now", "cookie": "c"}).status == 200
    (whole,) = kept(scene)
    assert base64.b64decode(whole["body"]) == b"\xff{"
    assert reasons(scene) == ["unreadable_body"]
    assert (whole["account"], whole["method"]) == ("demo", "POST")
    assert whole["url"] == "https://contact.example.com/webhooks/telegram/demo?a=1"
    assert "proof-now" not in json.dumps(whole)
    assert scene.telemetry.total("webhook_kept", channel="telegram", reason="unreadable_body") == 1


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"channel": "pigeon"}, UnknownAccountError),
        ({"account": "nobody"}, UnknownAccountError),
        ({"body": b"x" * (LIMIT + 1)}, PayloadTooLargeError),
        ({"headers": {}}, SignatureMismatchError),
        ({"headers": {"x-proof": "guessed"}}, SignatureMismatchError),
        ({"query": "challenge=42&token=guessed"}, SignatureMismatchError),
    ],
)
def test_what_is_not_theirs_or_too_large_is_refused(changes: dict[str, Any], error: type[RejectedError]) -> None:
    scene = Scene()
    with pytest.raises(error):
        post(scene, message(), **changes)
    assert queued(scene) == []
    assert kept(scene) == []
    assert scene.telemetry.total("webhook_refused", code=error.code) == 1


def test_a_made_up_channel_does_not_become_a_metric_of_its_own() -> None:
    scene = Scene()
    with pytest.raises(UnknownAccountError):
        post(scene, channel="pigeon")
    assert scene.telemetry.total("webhook_refused", channel="unknown") == 1


def test_a_body_that_cannot_be_read_far_enough_to_be_proven_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def unreadable(*_: Any) -> None:
        raise MalformedPayloadError("no form")

    monkeypatch.setattr(scene.channel, "verify", unreadable)
    with pytest.raises(MalformedPayloadError):
        post(scene, message())
    assert kept(scene) == []


def test_a_body_of_just_the_limit_is_taken() -> None:
    assert post(Scene(), message(), body=b"x" * LIMIT).status == 200


@pytest.mark.parametrize("proof", ["proof-now", "proof-before"])
def test_while_a_secret_is_rotated_both_values_prove(proof: str) -> None:
    assert post(Scene(), message(), headers={"x-proof": proof}).status == 200


def test_a_secret_that_does_not_exist_is_our_fault_and_not_the_providers() -> None:
    scene = Scene()
    del scene.secrets.values["telegram/proof"]
    with pytest.raises(ConfigurationError):
        post(scene, message())


# ---------------------------------------------------------------- not durable, not answered


@pytest.mark.parametrize("fail_at", [0, 1])
def test_a_queue_that_does_not_take_everything_makes_the_provider_try_again(fail_at: int) -> None:
    scene = Scene()
    scene.inbound.fail_at = fail_at
    with pytest.raises(StoreUnavailableError):
        post(scene, message("m1"), message("m2"))
    scene.inbound.fail_at = None
    post(scene, message("m1"), message("m2"))
    assert queued(scene) == [message("m1"), message("m2")]


def test_a_bucket_that_does_not_answer_costs_the_understood_events_nothing() -> None:
    scene = Scene()
    odd = NotUnderstood(**SOURCE, provider_id="u9", reason="unknown_update")
    with broken(scene.blobs, "put"), pytest.raises(StoreUnavailableError):
        post(scene, odd, message("m1"))
    assert queued(scene) == [message("m1")]


# ---------------------------------------------------------------- what the adapter sees


def test_a_handshake_is_answered_at_once() -> None:
    scene = Scene()
    answer = post(scene, message(), method="GET", query="challenge=a%20b&token=proof-now", body=b"", headers={})
    assert answer == WebhookAnswer(body="a b")
    assert queued(scene) == []


def seen(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> WebhookRequest:
    scene = Scene()
    requests: list[WebhookRequest] = []
    monkeypatch.setattr(scene.channel, "verify", lambda request, _: requests.append(request))
    post(scene, **changes)
    (request,) = requests
    return request


def test_the_url_is_the_configured_one_with_the_query_as_it_came(monkeypatch: pytest.MonkeyPatch) -> None:
    request = seen(monkeypatch, query="b=2&a=%41&a=x&empty=")
    assert request.url == "https://contact.example.com/webhooks/telegram/demo?b=2&a=%41&a=x&empty="
    assert request.query == {"b": "2", "a": "A", "empty": ""}


def test_without_a_query_the_url_has_no_question_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(monkeypatch).url == "https://contact.example.com/webhooks/telegram/demo"


def test_header_names_are_lower_case_and_the_body_is_untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    request = seen(monkeypatch, headers={"X-Some-Header": "Value"}, body=b"\x00\xff\r\n")
    assert request.headers == {"x-some-header": "Value"}
    assert (request.body, request.received_ms, request.method) == (b"\x00\xff\r\n", NOW_MS, "POST")


# ---------------------------------------------------------------- too large for a thread


def left(scene: Scene) -> list[tuple[str, str]]:
    return [(item["reason"], item["provider_id"]) for whole in kept(scene) for item in whole["left_over"]]


def test_a_text_without_end_is_taken_cut_and_kept_whole() -> None:
    scene = Scene()
    whole = message(text="x" * 500_000)
    post(scene, whole, message("m2"))
    first, second = queued(scene)
    assert isinstance(first, MessageReceived)
    assert (first.text, first.details) == ("x" * 100_000 + "…", {"cut": True})
    assert second == message("m2")
    assert left(scene) == [("too_large", "m1")]


def test_a_sender_that_no_table_could_have_as_a_key_holds_nobody_up() -> None:
    scene = Scene()
    post(scene, message(sender=Identifier(kind="telegram", value="7" * 5_000)), message("m2"))
    assert queued(scene) == [message("m2")]
    assert left(scene) == [("too_large", "m1")]


def test_a_report_with_a_reference_without_end_is_on_nothing_of_ours() -> None:
    scene = Scene()
    post(scene, report(entry="h-" + "0" * 5_000 + ".0000000000001.a"))
    assert [item.group for item in scene.inbound.accepted] != [HOME]
    acknowledge(scene.world, report(entry="h-" + "0" * 5_000 + ".0000000000001.a"), arrival_ms=NOW_MS)
    assert reasons(scene) == ["unknown_message"]
