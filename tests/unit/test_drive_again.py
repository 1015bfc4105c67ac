"""What was kept is driven through again: with a mended adapter, a configured account, or in vain."""

import json
from dataclasses import replace

import pytest

from tests.unit.ends import ACCOUNT, ACCOUNT_ID, CUSTOMER, HOME, NOW_MS, Scene, broken
from tests.unit.test_accept_webhook import kept, message, post, queued, reasons, report
from throughline.domain.configuration import Configuration
from throughline.domain.encodings import decode_inbound
from throughline.domain.errors import MalformedPayloadError, StoreUnavailableError, UnknownAccountError
from throughline.domain.messages import NotUnderstood
from throughline.flows.accept_webhook import Taken
from throughline.flows.acknowledge import acknowledge
from throughline.flows.drive_again import drive_again
from throughline.flows.keep import LeftOver
from throughline.ports import WebhookRequest

ODD = NotUnderstood(channel="telegram", account=ACCOUNT_ID, provider_id="u9", raw={}, reason="unknown_update")


def the_file(scene: Scene) -> bytes:
    ((content, _),) = scene.blobs.kept.values()
    return content


def test_what_a_mended_adapter_understands_is_queued_as_of_when_it_came() -> None:
    scene = Scene()
    post(scene, ODD, body=b'{"update": 9}', query="a=1")
    scene.channel.events = (message("u9"),)
    scene.later(86_400)
    assert drive_again(scene.world, the_file(scene)) == Taken(queued=1, rest=())
    (job,) = scene.inbound.accepted
    assert (decode_inbound(job.job).arrival_ms, job.group) == (NOW_MS, HOME)
    assert queued(scene) == [message("u9")]


def test_the_adapter_is_shown_what_it_was_shown_then(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    seen: list[WebhookRequest] = []

    def parse(request: WebhookRequest, _: object) -> list[NotUnderstood]:
        seen.append(request)
        return [ODD]

    monkeypatch.setattr(scene.channel, "parse", parse)
    post(scene, ODD, body=b"\xff\x00", query="b=2&a=%41")
    drive_again(replace(scene.world, public_url=""), the_file(scene))
    then, again = seen
    assert again == replace(then, headers={"content-type": "application/json"})


def test_a_whole_webhook_that_nobody_could_read_is_read_now() -> None:
    scene = Scene()
    scene.channel.events = MalformedPayloadError("not JSON")
    post(scene)
    scene.channel.events = (message("m1"), message("m2"))
    assert drive_again(scene.world, the_file(scene)).queued == 2
    assert queued(scene) == [message("m1"), message("m2")]


def test_an_event_of_an_account_that_was_configured_since_is_queued() -> None:
    scene = Scene()
    post(scene, message("m1", account="telegram/second_bot"))
    assert reasons(scene) == ["unknown_account"]
    second = replace(ACCOUNT, name="second", address="second_bot")
    scene.settings.configuration = Configuration(accounts={"telegram/demo": ACCOUNT, "telegram/second": second})
    assert drive_again(scene.world, the_file(scene)).rest == ()
    assert [event.account for event in queued(scene)] == ["telegram/second_bot"]


def test_what_is_still_not_understood_stays_under_its_key_for_what_is_left() -> None:
    scene = Scene()
    post(scene, ODD, replace(ODD, provider_id="u10"))
    scene.channel.events = (message("u9"), replace(ODD, provider_id="u10", reason="still_odd"))
    left = LeftOver(reason="still_odd", account=ACCOUNT_ID, provider_id="u10", kind="not_understood")
    assert drive_again(scene.world, the_file(scene)) == Taken(queued=1, rest=(left,))
    assert reasons(scene) == ["still_odd"]


def test_a_report_on_an_unknown_message_is_the_job_it_was() -> None:
    scene = Scene()
    acknowledge(scene.world, report(senders=(CUSTOMER,)), arrival_ms=NOW_MS)
    assert drive_again(scene.world, the_file(scene)) == Taken(queued=1, rest=())
    assert drive_again(scene.world, the_file(scene)).queued == 1  # not swallowed by the queue as a duplicate
    assert queued(scene) == [report()] * 2


def test_without_its_account_nothing_becomes_of_it() -> None:
    scene = Scene()
    post(scene, ODD)
    scene.settings.configuration = Configuration()
    with pytest.raises(UnknownAccountError):
        drive_again(scene.world, the_file(scene))
    assert len(kept(scene)) == 1


def test_a_queue_in_trouble_is_told() -> None:
    scene = Scene()
    post(scene, ODD)
    scene.channel.events = (message("u9"),)
    with broken(scene.inbound, "put_all"), pytest.raises(StoreUnavailableError):
        drive_again(scene.world, the_file(scene))


@pytest.mark.parametrize("content", [b"\xff", b"[]", b"{}", b'{"job": {}}', b'{"job": 7}'])
def test_what_was_not_kept_by_us_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedPayloadError):
        drive_again(Scene().world, content)


@pytest.mark.parametrize("field", ["channel", "account", "method", "url", "content_type", "body", "received_ms"])
def test_a_file_without_one_of_its_parts_is_refused(field: str) -> None:
    scene = Scene()
    post(scene, ODD)
    content = json.loads(the_file(scene))
    del content[field]
    with pytest.raises(MalformedPayloadError):
        drive_again(scene.world, json.dumps(content).encode())
