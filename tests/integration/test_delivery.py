"""A reply through the functions, over both kinds of stores: queue record in, provider asked, status on the thread."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from functions import _wiring
from functions.inbound import process_inbound
from functions.media import process_media
from functions.outbound import process_outbound
from tests.cloud import REGION, cloud
from tests.replies import a_reply
from tests.tables import Stores, connection, dynamo_stores, fake_stores, tables_of
from tests.unit.ends import ACCOUNT_ID, AGENT, CUSTOMER, HOME, NOW_MS, VIA, Scene, converse, made_at
from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.encodings import InboundJob, MediaJob, encode_inbound, encode_media
from throughline.domain.errors import PartlySentError, ProviderUnavailableError
from throughline.domain.identifiers import reference
from throughline.domain.messages import Attachment, DeliveryStatus, SendReceipt, StatusReported
from throughline.flows.reply import send_reply
from throughline.ports import MediaFile

DONE: dict[str, Any] = {"batchItemFailures": []}
FAILED = {"batchItemFailures": [{"itemIdentifier": "record-1"}]}


@pytest.fixture(params=["fake", "dynamodb"])
def scene(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("AWS_REGION", REGION)
    if request.param == "fake":
        yield _set(fake_stores())
    else:
        with cloud():
            yield _set(dynamo_stores(tables_of(connection())))
    _wiring.use_world(None)


def _set(stores: Stores) -> Scene:
    scene, threads, customers = Scene(), stores.threads, stores.customers
    scene.threads, scene.customers = threads, customers  # type: ignore[assignment]
    scene.world = replace(scene.world, threads=threads, customers=customers, routing=stores.routing)
    _wiring.use_world(scene.world)
    converse(scene)
    return scene


def record(job: Mapping[str, Any], receive_count: int = 1, queue: str = "outbound.fifo") -> dict[str, Any]:
    """Return the event by which Lambda hands over one record."""
    attributes = {"ApproximateReceiveCount": str(receive_count), "SentTimestamp": str(NOW_MS), "MessageGroupId": "g"}
    return {
        "Records": [
            {
                "messageId": "record-1",
                "receiptHandle": f"receipt-{receive_count}",
                "body": json.dumps(job),
                "attributes": attributes,
                "messageAttributes": {},
                "md5OfBody": "",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:throughline-test-{queue}",
                "awsRegion": REGION,
            }
        ]
    }


def replied(scene: Scene) -> Mapping[str, Any]:
    conversation = scene.live().conversation
    message_id = made_at(NOW_MS)
    send_reply(scene.world, AGENT, a_reply(conversation, message_id=message_id, text="on its way"))
    return scene.outbound.take()[0]


def standing(scene: Scene) -> Entry:
    """Return the newest entry."""
    return scene.threads.list_entries(HOME, before=None, since_ms=0, limit=1)[0]


def test_a_reply_goes_out_and_its_receipt_comes_back(scene: Scene) -> None:
    assert process_outbound(record(replied(scene)), None) == DONE
    assert [message.text for message in scene.channel.sent] == ["on its way"]
    assert (standing(scene).status, standing(scene).provider_ids) == (DeliveryStatus.SENT, ("p1",))
    receipt = StatusReported(
        channel="telegram",
        account=ACCOUNT_ID,
        provider_id="p1:delivered",
        senders=(CUSTOMER,),
        message_id="p1",
        status=DeliveryStatus.DELIVERED,
        entry=standing(scene).entry_id,
    )
    job = encode_inbound(InboundJob(inbound="i1", arrival_ms=NOW_MS, event=receipt))
    assert process_inbound(record(job, queue="inbound.fifo"), None) == DONE
    assert standing(scene).status is DeliveryStatus.DELIVERED
    assert [frame["event"] for frame in scene.told()] == ["message", "message.status", "message.status"]
    assert [frame["status"] for frame in scene.told("message.status")] == ["sent", "delivered"]


def test_a_provider_that_is_away_keeps_the_record_in_the_queue_and_puts_it_off(scene: Scene) -> None:
    job = replied(scene)
    scene.channel.outcomes += [ProviderUnavailableError("away"), ProviderUnavailableError("away")]
    assert [process_outbound(record(job, number), None) for number in (1, 2)] == [FAILED, FAILED]
    assert scene.outbound.postponed == [("receipt-1", 2), ("receipt-2", 5)]
    assert standing(scene).status is DeliveryStatus.RETRYING
    assert process_outbound(record(job, 3), None) == DONE
    assert standing(scene).status is DeliveryStatus.SENT


@pytest.mark.parametrize("earlier", [0, 1, 2])
def test_a_function_that_died_while_sending_leaves_the_outcome_unknown(scene: Scene, earlier: int) -> None:
    job = replied(scene)
    scene.channel.outcomes += [ProviderUnavailableError("away")] * earlier
    for number in range(earlier):
        process_outbound(record(job, number + 1), None)
    scene.channel.outcomes.append(SystemExit())
    with pytest.raises(SystemExit):
        process_outbound(record(job, earlier + 1), None)
    assert process_outbound(record(job, earlier + 2), None) == DONE
    assert len(scene.channel.sent) == earlier + 1
    assert standing(scene).status is DeliveryStatus.UNKNOWN


def test_a_reply_in_parts_goes_on_where_it_stopped(scene: Scene) -> None:
    job = replied(scene)
    scene.channel.outcomes += [
        PartlySentError(("p1",), ProviderUnavailableError("away")),
        PartlySentError(("p1", "p2"), ProviderUnavailableError("away")),
        SendReceipt(provider_ids=("p1", "p2", "p3")),
    ]
    assert [process_outbound(record(job, number), None) for number in (1, 2, 3)] == [FAILED, FAILED, DONE]
    assert [message.parts_sent for message in scene.channel.sent] == [(), ("p1",), ("p1", "p2")]
    assert standing(scene).provider_ids == ("p1", "p2", "p3")


def test_a_second_job_of_the_same_reply_changes_nothing(scene: Scene) -> None:
    job = replied(scene)
    scene.channel.outcomes.append(ProviderUnavailableError("away"))
    assert process_outbound(record(job), None) == FAILED
    assert process_outbound(record(job, 2), None) == DONE
    assert process_outbound(record(job), None) == DONE
    assert len(scene.channel.sent) == 2
    assert standing(scene).provider_ids == ("p2",)


@pytest.mark.parametrize("job", [{"v": 2}, {"v": 1, "conversation": "c"}, {"v": 1, "conversation": "c", "entry": {}}])
def test_a_job_of_another_release_is_set_aside_and_holds_nobody_up(scene: Scene, job: Mapping[str, Any]) -> None:
    assert process_outbound(record(job), None) == DONE
    assert list(scene.blobs.kept) == ["refused/throughline-test-outbound.fifo/record-1.json"]
    assert scene.channel.sent == []


def test_a_file_is_copied(scene: Scene) -> None:
    entry = Entry(
        home=HOME,
        reference=reference(ACCOUNT_ID, "m2", NOW_MS),
        by="i1",
        kind=EntryKind.MESSAGE,
        direction=Direction.INBOUND,
        channel="telegram",
        sent_ms=NOW_MS,
        received_ms=NOW_MS,
        via=VIA,
        attachments=(Attachment(kind="image", source="f1"),),
    )
    scene.threads.add_entry(entry)
    job = encode_media(MediaJob(home=HOME, reference=entry.reference, index=0))
    scene.channel.outcomes += [
        ProviderUnavailableError("away"),
        MediaFile(content=b"\xff\xd8", content_type="image/jpeg"),
    ]
    assert process_media(record(job, queue="media"), None) == FAILED
    assert scene.media.postponed == [("receipt-1", 5)]
    assert process_media(record(job, 2, queue="media"), None) == DONE
    (copied,) = standing(scene).attachments
    assert (copied.content_type, copied.size_bytes) == ("image/jpeg", 2)
    assert scene.blobs.kept[str(copied.blob)] == (b"\xff\xd8", "image/jpeg")
