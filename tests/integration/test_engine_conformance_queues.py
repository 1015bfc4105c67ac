"""What we rely on in SQS, S3 and Parameter Store, against the real engine processes."""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from infra.local.resources import create_resources
from infra.local.template_values import UnsupportedTemplateError
from tests.integration.engines import TEMPLATE, Aws, expect_known_gap, running


@pytest.fixture(scope="module", params=["ministack", "moto"])
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    with running(request.param) as aws:
        yield aws


@pytest.fixture(autouse=True)
def _known_gaps(request: pytest.FixtureRequest, aws: Aws) -> None:
    expect_known_gap(request, aws.engine.kind)


THROUGHLINE_TABLES = ("threads", "customers", "routing", "settings")
THROUGHLINE_QUEUES = {"inbound": ".fifo", "outbound": ".fifo", "timers": "", "media": ""}

_numbers = count()


class Queue:
    """A queue of its own for each test, with dead letters after two deliveries."""

    def __init__(self, aws: Aws, suffix: str, attributes: dict[str, str]) -> None:
        self.client = aws.sqs
        name, kind = f"test-{next(_numbers)}", {"FifoQueue": "true"} if suffix else {}
        self.dead_url = self.client.create_queue(QueueName=f"{name}-dead{suffix}", Attributes=kind)["QueueUrl"]
        dead = self.client.get_queue_attributes(QueueUrl=self.dead_url, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": dead["Attributes"]["QueueArn"], "maxReceiveCount": 2}
        attributes = {**kind, **attributes, "RedrivePolicy": json.dumps(redrive)}
        self.url = self.client.create_queue(QueueName=f"{name}{suffix}", Attributes=attributes)["QueueUrl"]

    def send(self, body: str, group: str = "", deduplication: str = "", **request: Any) -> dict[str, Any]:
        if group:
            request |= {"MessageGroupId": group, "MessageDeduplicationId": deduplication or f"id of {body}"}
        return dict(self.client.send_message(QueueUrl=self.url, MessageBody=body, **request))

    def receive(self, *, url: str = "", wait_s: int = 0, visibility_s: int = 90) -> list[dict[str, Any]]:
        answer = self.client.receive_message(
            QueueUrl=url or self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=visibility_s,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return list(answer.get("Messages", []))

    def delete(self, message: dict[str, Any]) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def release(self, message: dict[str, Any]) -> None:
        self.client.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )


def _bodies(messages: list[dict[str, Any]]) -> list[str]:
    return [message["Body"] for message in messages]


@pytest.fixture
def fifo(aws: Aws) -> Queue:
    busy = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    return Queue(aws, ".fifo", busy)


@pytest.fixture
def standard(aws: Aws) -> Queue:
    return Queue(aws, "", {})


def _code(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    return str(refused.value.response["Error"]["Code"])


# FIFO


def test_a_group_keeps_its_order_and_waits_for_what_is_in_flight(fifo: Queue) -> None:
    for body in ("1", "2"):
        fifo.send(body, "anna")
    first = fifo.receive()
    assert _bodies(first) == ["1", "2"]
    fifo.send("3", "anna")
    fifo.send("4", "ben")
    assert _bodies(fifo.receive()) == ["4"]
    for message in first:
        fifo.delete(message)
    assert _bodies(fifo.receive()) == ["3"]


def test_what_a_batch_left_undone_comes_again_in_order(fifo: Queue) -> None:
    for body in ("1", "2", "3"):
        fifo.send(body, "anna")
    first, *rest = fifo.receive()
    fifo.delete(first)
    assert fifo.receive() == []
    for message in rest:
        fifo.release(message)
    again = fifo.receive()
    assert _bodies(again) == ["2", "3"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in again] == ["2", "2"]


def test_a_duplicate_is_dropped(fifo: Queue) -> None:
    fifo.send("once", "anna", "same")
    fifo.send("once", "anna", "same")
    assert _bodies(fifo.receive()) == ["once"]


def test_a_duplicate_is_dropped_even_after_the_first_was_deleted(fifo: Queue) -> None:
    sent = fifo.send("once", "anna", "same, later")
    fifo.delete(fifo.receive()[0])
    assert fifo.send("once", "anna", "same, later")["MessageId"] == sent["MessageId"]
    assert fifo.receive() == []


def test_a_group_has_its_own_deduplication_ids(fifo: Queue) -> None:
    fifo.send("for anna", "anna", "same everywhere")
    fifo.send("for ben", "ben", "same everywhere")
    assert _bodies(fifo.receive()) == ["for anna", "for ben"]


def test_sequence_numbers_rise(fifo: Queue) -> None:
    numbers = [fifo.send(str(number), "anna", f"rising {number}")["SequenceNumber"] for number in range(5)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 5


def test_a_fifo_queue_takes_no_delay_for_one_message(fifo: Queue) -> None:
    assert _code(lambda: fifo.send("later", "anna", DelaySeconds=5)) in {"InvalidParameterValue", "InvalidParameter"}


def test_a_message_says_who_sent_it_when_and_how_often_it_came(fifo: Queue) -> None:
    attribute = {"trace": {"DataType": "String", "StringValue": "t-1"}}
    sent = fifo.send("with attributes", "anna", "d-1", MessageAttributes=attribute)
    (message,) = fifo.receive()
    attributes = message["Attributes"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["MessageAttributes"]["trace"]["StringValue"] == "t-1"
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("anna", "d-1")
    assert attributes["ApproximateReceiveCount"] == "1"
    assert len(attributes["SentTimestamp"]) == 13


def test_consumers_side_by_side_keep_the_order_of_every_group(fifo: Queue) -> None:
    for number in range(40):
        fifo.send(str(number), f"group {number % 4}", f"side {number}")
    seen: dict[str, list[int]] = {f"group {group}": [] for group in range(4)}
    left, lock = threading.Semaphore(40), threading.Lock()

    def consume(_number: int) -> None:
        while left.acquire(blocking=False):
            left.release()
            for message in fifo.receive(wait_s=1):
                with lock:
                    seen[message["Attributes"]["MessageGroupId"]].append(int(message["Body"]))
                fifo.delete(message)
                left.acquire()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(consume, range(4)))
    assert seen == {f"group {group}": list(range(group, 40, 4)) for group in range(4)}


# Standard, dead letters


def test_a_delayed_message_comes_when_it_is_due(standard: Queue) -> None:
    standard.send("far", DelaySeconds=900)
    standard.send("near", DelaySeconds=1)
    assert standard.receive() == []
    assert _bodies(standard.receive(wait_s=10)) == ["near"]
    assert standard.receive() == []


def test_a_waiting_receiver_gets_what_is_sent_meanwhile(standard: Queue) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(standard.receive, wait_s=20)
        standard.send("hello")
        assert _bodies(waiting.result()) == ["hello"]


def test_a_message_that_is_not_deleted_comes_again(standard: Queue) -> None:
    standard.send("again")
    assert _bodies(standard.receive(visibility_s=1)) == ["again"]
    (again,) = standard.receive(wait_s=10)
    assert again["Attributes"]["ApproximateReceiveCount"] == "2"


@pytest.mark.parametrize("kind", ["fifo", "standard"])
def test_after_its_last_chance_a_message_is_a_dead_letter(request: pytest.FixtureRequest, kind: str) -> None:
    queue: Queue = request.getfixturevalue(kind)
    group = "poison" if kind == "fifo" else ""
    sent = queue.send("poison", group)
    for _ in range(2):
        queue.release(queue.receive()[0])
    assert queue.receive() == []
    (dead,) = queue.receive(url=queue.dead_url, wait_s=5)
    assert (dead["Body"], dead["MessageId"]) == ("poison", sent["MessageId"])
    assert dead["Attributes"].get("MessageGroupId", "") == group


def test_a_dead_letter_makes_way_for_the_rest_of_its_group(fifo: Queue) -> None:
    fifo.send("poison", "anna")
    for _ in range(2):
        fifo.release(fifo.receive()[0])
    fifo.send("after it", "anna")
    assert _bodies(fifo.receive()) == ["after it"]


def test_batches_are_sent_and_deleted_one_by_one(standard: Queue) -> None:
    entries = [{"Id": str(number), "MessageBody": str(number)} for number in range(10)]
    answer = standard.client.send_message_batch(QueueUrl=standard.url, Entries=entries)
    assert [sent["Id"] for sent in answer["Successful"]] == [str(number) for number in range(10)]
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(standard.receive())]
    handles[0]["ReceiptHandle"] = "nobody's"
    answer = standard.client.delete_message_batch(QueueUrl=standard.url, Entries=handles)
    assert [failed["Id"] for failed in answer["Failed"]] == ["0"]
    assert len(answer["Successful"]) == 9


# Objects


def test_an_object_comes_back_with_its_type(aws: Aws) -> None:
    bucket = aws.environment["BLOBS_BUCKET"]
    aws.s3.put_object(Bucket=bucket, Key="media/a b/ü.txt", Body=b"\0bytes", ContentType="text/plain")
    found = aws.s3.get_object(Bucket=bucket, Key="media/a b/ü.txt")
    assert (found["Body"].read(), found["ContentType"]) == (b"\0bytes", "text/plain")
    assert _code(lambda: aws.s3.get_object(Bucket=bucket, Key="absent")) == "NoSuchKey"


def test_a_presigned_url_hands_out_an_object(aws: Aws) -> None:
    place = {"Bucket": aws.environment["BLOBS_BUCKET"], "Key": "media/presigned.txt"}
    aws.s3.put_object(**place, Body=b"presigned")
    url = aws.s3.generate_presigned_url("get_object", Params=place, ExpiresIn=300)
    assert url.startswith(aws.engine.endpoint_url)
    assert _request("GET", url).data == b"presigned"


def _request(method: str, url: str, **request: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager() as http:
        return http.request(method, url, timeout=10, retries=False, **request)


def _post(aws: Aws, content: bytes, content_type: str) -> int:
    post = aws.s3.generate_presigned_post(
        aws.environment["BLOBS_BUCKET"],
        "uploads/posted.txt",
        Fields={"Content-Type": "text/plain"},
        Conditions=[{"Content-Type": "text/plain"}, ["content-length-range", 1, 10]],
    )
    fields = post["fields"] | {"Content-Type": content_type, "file": ("f.txt", content, content_type)}
    return _request("POST", post["url"], fields=fields).status


def test_a_presigned_post_takes_a_file(aws: Aws) -> None:
    assert _post(aws, b"posted", "text/plain") in {200, 204}
    found = aws.s3.get_object(Bucket=aws.environment["BLOBS_BUCKET"], Key="uploads/posted.txt")
    assert (found["Body"].read(), found["ContentType"]) == (b"posted", "text/plain")


def test_a_presigned_post_is_bound_to_size_and_type(aws: Aws) -> None:
    assert _post(aws, b"more than ten", "text/plain") == 400
    assert _post(aws, b"posted", "text/html") == 403


# Parameters


def test_secrets_are_read_by_path_and_decrypted(aws: Aws) -> None:
    prefix = aws.environment["SECRETS_PREFIX"]
    for number in range(12):
        aws.ssm.put_parameter(Name=f"{prefix}/telegram/{number}", Value=f"secret {number}", Type="SecureString")
    pages = aws.ssm.get_paginator("get_parameters_by_path")
    found = {
        parameter["Name"]: parameter["Value"]
        for page in pages.paginate(Path=prefix, Recursive=True, WithDecryption=True)
        for parameter in page["Parameters"]
    }
    assert found == {f"{prefix}/telegram/{number}": f"secret {number}" for number in range(12)}
    (closed,) = aws.ssm.get_parameters(Names=[f"{prefix}/telegram/1"], WithDecryption=False)["Parameters"]
    assert closed["Value"] != "secret 1"


def test_a_secret_is_replaced_only_on_purpose(aws: Aws) -> None:
    name = aws.environment["SECRETS_PREFIX"] + "/rotated"
    request = {"Name": name, "Type": "SecureString"}
    aws.ssm.put_parameter(**request, Value="old")
    assert _code(lambda: aws.ssm.put_parameter(**request, Value="new")) == "ParameterAlreadyExists"
    assert aws.ssm.put_parameter(**request, Value="new", Overwrite=True)["Version"] == 2
    assert aws.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"] == "new"


# The engine itself


def test_the_template_makes_everything_a_function_is_told_of(aws: Aws) -> None:
    account = {"ministack": "000000000000", "moto": "123456789012"}[aws.engine.kind]
    tables = {f"{name.upper()}_TABLE": f"throughline-test-{name}" for name in THROUGHLINE_TABLES}
    queues = {
        f"{name.upper()}{dead}_QUEUE_URL": f"{aws.engine.endpoint_url}/{account}/throughline-test-{name}"
        f"{dead.replace('_', '-').lower()}{suffix}"
        for name, suffix in THROUGHLINE_QUEUES.items()
        for dead in ("", "_DEAD")
    }
    assert aws.environment == {
        **tables,
        **queues,
        "BLOBS_BUCKET": f"throughline-test-blobs-{account}",
        "SECRETS_PREFIX": "/throughline/test",
        "STAGE": "test",
        "AWS_ENDPOINT_URL": aws.engine.endpoint_url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


def test_resources_are_made_once_and_brought_up_to_the_template(aws: Aws) -> None:
    changed = copy.deepcopy(TEMPLATE)
    changed["Resources"]["TimersQueue"]["Properties"]["VisibilityTimeout"] = 60
    assert create_resources(aws.engine.endpoint_url, changed, "test") == aws.environment
    answer = aws.sqs.get_queue_attributes(QueueUrl=aws.environment["TIMERS_QUEUE_URL"], AttributeNames=["All"])
    assert answer["Attributes"]["VisibilityTimeout"] == "60"
    redrive = json.loads(answer["Attributes"]["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"].endswith(":throughline-test-timers-dead")
    assert int(redrive["maxReceiveCount"]) == 8
    expiry = aws.dynamodb.describe_time_to_live(TableName=aws.environment["THREADS_TABLE"])
    assert expiry["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_s"}


def test_a_template_that_is_not_understood_is_not_guessed_at(aws: Aws) -> None:
    changed = copy.deepcopy(TEMPLATE)
    changed["Resources"]["ThreadsTable"]["Properties"]["TableName"] = {"Fn::Select": [0, ["a", "b"]]}
    with pytest.raises(UnsupportedTemplateError, match="Fn::Select"):
        create_resources(aws.engine.endpoint_url, changed, "test")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {"Host": "rebound.example"}),
        ("/", {"Origin": "https://page.example"}),
        ("/", {"Origin": "null"}),
        ("/_ministack/reset", {}),
        ("/moto-api/reset", {}),
    ],
)
def test_a_web_page_of_somebody_else_is_refused(aws: Aws, path: str, headers: dict[str, str]) -> None:
    assert _request("POST", aws.engine.endpoint_url + path, body=b"{}", headers=headers).status == 403
