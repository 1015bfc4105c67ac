"""Whatever the engine acknowledged is there after kill -9: items, messages, objects, parameters."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from tests.integration.engines import Aws, Machine, a_machine, items_of, key_of

WRITERS = 4
ACKNOWLEDGED_BEFORE_THE_KILL = 200


@pytest.fixture(scope="module")
def one_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with a_machine(tmp_path_factory.mktemp("state")) as machine:
        yield machine


@pytest.fixture
def machine(one_machine: Machine) -> Machine:
    """The one machine, with empty queues; what else a test leaves behind goes through the crashes of the next."""
    for url in (one_machine.fifo, one_machine.standard):
        one_machine.aws.sqs.purge_queue(QueueUrl=url)
    return one_machine


_numbers = count()


# Under load


class Writers:
    """Threads that write until the engine is gone, and what was acknowledged to each."""

    def __init__(self, count: int = WRITERS) -> None:
        self.acknowledged: list[list[int]] = [[] for _ in range(count)]
        self._enough = threading.Event()

    def run_until_killed(self, machine: Machine, write: Callable[[int, int], None]) -> None:
        with ThreadPoolExecutor(len(self.acknowledged)) as pool:
            running = [pool.submit(self._write_on, number, write) for number in range(len(self.acknowledged))]
            self._enough.wait(timeout=60)
            machine.engine.kill()
            for writer in running:
                writer.result()

    def _write_on(self, number: int, write: Callable[[int, int], None]) -> None:
        mine = self.acknowledged[number]
        try:
            while True:
                write(number, len(mine))
                mine.append(len(mine))
                if sum(map(len, self.acknowledged)) >= ACKNOWLEDGED_BEFORE_THE_KILL:
                    self._enough.set()
        except (BotoCoreError, ClientError):
            return  # the engine is gone; whether the last one counted is nobody's knowledge


@pytest.mark.parametrize("rewrite_after_bytes", ["67108864", "20000"], ids=["one log", "rewritten often"])
def test_no_acknowledged_transaction_is_lost_or_halved(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, rewrite_after_bytes: str
) -> None:
    monkeypatch.setenv("ENGINE_REWRITE_AFTER_BYTES", rewrite_after_bytes)
    machine.crash()
    aws, table, run = machine.aws, machine.table, next(_numbers)

    def write(writer: int, number: int) -> None:
        count_up = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
        aws.dynamodb.transact_write_items(
            TransactItems=[
                {"Update": {"TableName": table, "Key": key_of(f"counter {run}", str(writer)), **count_up}},
                {"Put": {"TableName": table, "Item": key_of(f"writer {run} {writer}", f"{number:06}")}},
            ]
        )

    writers = Writers()
    writers.run_until_killed(machine, write)
    machine.start()
    for writer, acknowledged in enumerate(writers.acknowledged):
        kept = [item["sk"]["S"] for item in items_of(aws, table, f"writer {run} {writer}")]
        (counter,) = [item for item in items_of(aws, table, f"counter {run}") if item["sk"]["S"] == str(writer)]
        assert kept[: len(acknowledged)] == [f"{number:06}" for number in acknowledged]
        assert len(kept) - len(acknowledged) in {0, 1}
        assert int(counter["n"]["N"]) == len(kept)


def test_no_acknowledged_message_is_lost_and_every_group_keeps_its_order(machine: Machine) -> None:
    def send(writer: int, number: int) -> None:
        machine.aws.sqs.send_message(
            QueueUrl=machine.fifo,
            MessageBody=f"{number:06}",
            MessageGroupId=f"group {writer}",
            MessageDeduplicationId=f"{writer} {number}",
        )

    writers = Writers()
    writers.run_until_killed(machine, send)
    machine.start()
    drained = _drain(machine.aws, machine.fifo)
    for writer, acknowledged in enumerate(writers.acknowledged):
        kept = [message["Body"] for message in drained if _group(message) == f"group {writer}"]
        assert kept[: len(acknowledged)] == [f"{number:06}" for number in acknowledged]
        assert len(kept) - len(acknowledged) in {0, 1}


def test_deleted_messages_do_not_come_back_and_the_others_do(machine: Machine) -> None:
    aws = machine.aws
    for number in range(0, 100, 10):
        entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(number, number + 10)]
        aws.sqs.send_message_batch(QueueUrl=machine.standard, Entries=entries)
    received = [message for _ in range(6) for message in _receive(aws, machine.standard)]
    deleted = {message["Body"] for message in received[::2]}
    for message in received[::2]:
        aws.sqs.delete_message(QueueUrl=machine.standard, ReceiptHandle=message["ReceiptHandle"])
    machine.crash()
    again = [message["Body"] for message in _drain(aws, machine.standard)]
    assert len(deleted) == 30
    assert sorted(again) == sorted({str(n) for n in range(100)} - deleted)


# What a message is, survives with it


def test_a_message_comes_back_as_it_was_sent_and_counts_its_deliveries_on(machine: Machine) -> None:
    sent = _send_fifo(machine, "hello", attributes={"trace": {"DataType": "String", "StringValue": "t-1"}})
    (before,) = _receive(machine.aws, machine.fifo)
    machine.crash()
    (after,) = _receive(machine.aws, machine.fifo)
    assert after["MessageId"] == before["MessageId"] == sent["MessageId"]
    assert after["MessageAttributes"] == before["MessageAttributes"]
    same = ("MessageGroupId", "MessageDeduplicationId", "SequenceNumber", "SentTimestamp")
    assert [after["Attributes"][name] for name in same] == [before["Attributes"][name] for name in same]
    assert after["Attributes"]["ApproximateReceiveCount"] == "2"


def test_who_held_a_message_through_the_crash_can_still_delete_it(machine: Machine) -> None:
    _send_fifo(machine, "hello")
    (held,) = _receive(machine.aws, machine.fifo)
    machine.crash()
    machine.aws.sqs.delete_message(QueueUrl=machine.fifo, ReceiptHandle=held["ReceiptHandle"])
    assert _receive(machine.aws, machine.fifo) == []


def test_deduplication_and_sequence_go_on_after_a_crash(machine: Machine) -> None:
    first = _send_fifo(machine, "once", deduplication="once")
    assert [message["Body"] for message in _drain(machine.aws, machine.fifo)] == ["once"]
    machine.crash()
    machine.crash()  # the second time from what the first one wrote afresh
    assert _send_fifo(machine, "once", deduplication="once")["MessageId"] == first["MessageId"]
    assert _receive(machine.aws, machine.fifo) == []
    assert _send_fifo(machine, "another")["SequenceNumber"] > first["SequenceNumber"]


def test_a_delay_is_counted_from_when_the_message_was_sent(machine: Machine) -> None:
    sqs, sent_at = machine.aws.sqs, time.time()
    sqs.send_message(QueueUrl=machine.standard, MessageBody="near", DelaySeconds=2)
    sqs.send_message(QueueUrl=machine.standard, MessageBody="far", DelaySeconds=900)
    machine.crash()
    (near,) = _receive(machine.aws, machine.standard, wait_s=10)
    assert near["Body"] == "near"
    assert time.time() >= sent_at + 2
    attributes = sqs.get_queue_attributes(QueueUrl=machine.standard, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessagesDelayed"] == "1"


def test_dead_letters_stay_dead_and_deleted_ones_stay_away(machine: Machine) -> None:
    sqs, dead_url = machine.aws.sqs, machine.aws.environment["INBOUND_DEAD_QUEUE_URL"]
    for body in ("deleted", "kept"):
        _send_fifo(machine, body)
        for _ in range(8):
            (message,) = _receive(machine.aws, machine.fifo)
            handle = message["ReceiptHandle"]
            sqs.change_message_visibility(QueueUrl=machine.fifo, ReceiptHandle=handle, VisibilityTimeout=0)
        assert _receive(machine.aws, machine.fifo) == []
        if body == "deleted":
            assert len(_drain(machine.aws, dead_url)) == 1
    machine.crash()
    assert _receive(machine.aws, machine.fifo) == []
    assert [message["Body"] for message in _drain(machine.aws, dead_url)] == ["kept"]


# Tables, parameters, objects


def test_a_transaction_repeated_after_a_crash_is_still_one(machine: Machine) -> None:
    dynamodb, table = machine.aws.dynamodb, machine.table

    def count_up(by: int) -> Any:
        values = {":by": {"N": str(by)}}
        update = {"TableName": table, "Key": key_of("token"), "UpdateExpression": "ADD n :by"}
        return [{"Update": {**update, "ExpressionAttributeValues": values}}]

    dynamodb.transact_write_items(TransactItems=count_up(1), ClientRequestToken="claim-1")
    for _ in range(2):
        machine.crash()
        dynamodb.transact_write_items(TransactItems=count_up(1), ClientRequestToken="claim-1")
        with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
            dynamodb.transact_write_items(TransactItems=count_up(2), ClientRequestToken="claim-1")
        assert items_of(machine.aws, table, "token")[0]["n"] == {"N": "1"}


def test_items_are_changed_and_deleted_for_good(machine: Machine) -> None:
    dynamodb, table = machine.aws.dynamodb, machine.table
    values = {"s": {"S": "ü\U0001f600 \n"}, "b": {"B": b"\0\xff"}, "m": {"M": {"l": {"L": [{"NULL": True}]}}}}
    for name in ("kept", "deleted", "batch"):
        dynamodb.put_item(TableName=table, Item={**key_of("item", name), **values})
    dynamodb.delete_item(TableName=table, Key=key_of("item", "deleted"))
    batch = {
        table: [{"DeleteRequest": {"Key": key_of("item", "batch")}}, {"PutRequest": {"Item": key_of("item", "new")}}]
    }
    dynamodb.batch_write_item(RequestItems=batch)
    before = items_of(machine.aws, table, "item")
    assert [item["sk"]["S"] for item in before] == ["kept", "new"]
    machine.crash()
    assert items_of(machine.aws, table, "item") == before


def test_tables_keep_their_settings_and_deleted_ones_stay_away(machine: Machine) -> None:
    dynamodb, gone = machine.aws.dynamodb, machine.aws.environment["ROUTING_TABLE"]
    dynamodb.put_item(TableName=gone, Item=key_of("item"))
    dynamodb.delete_table(TableName=gone)
    machine.crash()
    assert gone not in dynamodb.list_tables()["TableNames"]
    expiry = dynamodb.describe_time_to_live(TableName=machine.table)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_s"}


def test_queues_keep_their_settings_and_deleted_ones_stay_away(machine: Machine) -> None:
    sqs = machine.aws.sqs
    gone = sqs.create_queue(QueueName="gone")["QueueUrl"]
    sqs.send_message(QueueUrl=gone, MessageBody="gone with its queue")
    sqs.delete_queue(QueueUrl=gone)
    before = sqs.get_queue_attributes(QueueUrl=machine.fifo, AttributeNames=["All"])["Attributes"]
    machine.crash()
    assert sqs.get_queue_attributes(QueueUrl=machine.fifo, AttributeNames=["All"])["Attributes"] == before
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName="gone")


def test_secrets_survive_with_their_versions(machine: Machine) -> None:
    ssm = machine.aws.ssm
    for value in ("old", "new"):
        ssm.put_parameter(Name="/throughline/test/a", Value=value, Type="SecureString", Overwrite=True)
    ssm.put_parameter(Name="/throughline/test/gone", Value="x", Type="SecureString")
    ssm.delete_parameter(Name="/throughline/test/gone")
    machine.crash()
    found = ssm.get_parameters_by_path(Path="/throughline/test", WithDecryption=True)["Parameters"]
    assert [(each["Name"], each["Value"], each["Version"]) for each in found] == [("/throughline/test/a", "new", 2)]


def test_objects_survive_and_deleted_ones_do_not(machine: Machine) -> None:
    s3, bucket, content = machine.aws.s3, machine.aws.environment["BLOBS_BUCKET"], b"\0" * 100_000
    for key in ("media/1.jpg", "gone"):
        s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType="image/jpeg", Metadata={"a": "b"})
    s3.delete_object(Bucket=bucket, Key="gone")
    s3.create_bucket(Bucket="throughline-empty")
    machine.crash()
    found = s3.get_object(Bucket=bucket, Key="media/1.jpg")
    assert (found["Body"].read(), found["ContentType"], found["Metadata"]) == (content, "image/jpeg", {"a": "b"})
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["media/1.jpg"]
    assert s3.list_objects_v2(Bucket="throughline-empty")["KeyCount"] == 0


def test_what_would_not_be_kept_is_not_done(machine: Machine) -> None:
    with pytest.raises(ClientError, match="does not keep"):
        machine.aws.dynamodb.execute_statement(Statement="DELETE FROM threads WHERE pk = 'a' AND sk = '-'")


# Small words


def _send_fifo(
    machine: Machine, body: str, *, deduplication: str = "", attributes: dict[str, Any] | None = None
) -> dict[str, Any]:
    answer = machine.aws.sqs.send_message(
        QueueUrl=machine.fifo,
        MessageBody=body,
        MessageGroupId="anna",
        MessageDeduplicationId=deduplication or f"send {next(_numbers)}",
        MessageAttributes=attributes or {},
    )
    return dict(answer)


def _receive(aws: Aws, url: str, *, wait_s: int = 0) -> list[dict[str, Any]]:
    answer = aws.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        WaitTimeSeconds=wait_s,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def _drain(aws: Aws, url: str) -> list[dict[str, Any]]:
    drained: list[dict[str, Any]] = []
    while messages := _receive(aws, url):
        for message in messages:
            aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        drained += messages
    return drained


def _group(message: dict[str, Any]) -> str:
    return str(message["Attributes"]["MessageGroupId"])
