"""Queues, timers, blobs, secrets and sockets: the same promises over AWS in memory and over the fakes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber

from tests.cloud import BUCKET, SOCKETS_ENDPOINT, STAGE, Cloud, cloud
from tests.fakes.blobs import FakeBlobs
from tests.fakes.jobs import FakeJobs
from tests.fakes.secrets import FakeSecrets
from tests.fakes.sockets import FakeSockets
from tests.fakes.timers import FakeTimers
from throughline.aws.blobs import S3Blobs
from throughline.aws.clients import Clients
from throughline.aws.queues import MAX_BODY_BYTES, SqsJobs, SqsTimers, read_body
from throughline.aws.secrets import CACHE_MS, SsmSecrets
from throughline.aws.sockets import ApiGatewaySockets
from throughline.domain.errors import (
    ConfigurationError,
    NotFoundError,
    PayloadTooLargeError,
    StoreUnavailableError,
)
from throughline.domain.identifiers import ConnectionId
from throughline.ports import Blobs, Jobs, Secrets, Sockets, Timers

NOW_MS = 1_763_800_000_000


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give credentials, so that no client looks for a machine's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture
def aws() -> Iterator[Cloud]:
    with cloud() as account:
        yield account


# ---------------------------------------------------------------- jobs


@dataclass(frozen=True)
class JobsUnderTest:
    jobs: Jobs
    received: Callable[[], list[Any]]


@pytest.fixture(params=["sqs", "fake"])
def queue(request: pytest.FixtureRequest) -> JobsUnderTest:
    if request.param == "fake":
        fake = FakeJobs()
        return JobsUnderTest(fake, fake.take)
    account: Cloud = request.getfixturevalue("aws")
    blobs = S3Blobs(account.clients, BUCKET)
    jobs = SqsJobs(account.clients, account.queue_url("inbound.fifo"), blobs)
    sqs, url = account.clients.sqs, account.queue_url("inbound.fifo")

    def received() -> list[Any]:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [read_body(message["Body"], blobs) for message in answer.get("Messages", [])]

    return JobsUnderTest(jobs, received)


def test_jobs_of_one_group_come_out_in_the_order_they_were_put(queue: JobsUnderTest) -> None:
    queue.jobs.put({"kind": "event", "n": 1}, group="telegram:1", dedup="a")
    queue.jobs.put_all([({"kind": "event", "n": n}, "telegram:1", f"b{n}") for n in (2, 3)])
    assert [job["n"] for job in queue.received()] == [1, 2, 3]


def test_the_same_deduplication_name_is_one_job(queue: JobsUnderTest) -> None:
    queue.jobs.put({"n": 1}, group="g", dedup="same")
    queue.jobs.put_all([({"n": 1}, "g", "same"), ({"n": 2}, "g", "other")])
    assert queue.received() == [{"n": 1}, {"n": 2}]


def test_groups_and_names_of_any_form_are_taken(queue: JobsUnderTest) -> None:
    queue.jobs.put({"n": 1}, group="email: Größe " + "x" * 200, dedup="with space")
    queue.jobs.put({"n": 2}, group="email: Größe " + "x" * 200, dedup="with another space")
    assert queue.received() == [{"n": 1}, {"n": 2}]


def test_a_job_that_is_too_large_for_a_queue_comes_out_whole(queue: JobsUnderTest) -> None:
    job = {"kind": "event", "raw": "ü" * MAX_BODY_BYTES}
    queue.jobs.put(job, group="g", dedup="large")
    assert [job] == queue.received()


def test_large_jobs_share_batches_only_as_far_as_they_fit(aws: Cloud) -> None:
    jobs = SqsJobs(aws.clients, aws.queue_url("inbound.fifo"), FakeBlobs())
    jobs.put_all([({"n": n, "text": "x" * 150_000}, f"g{n}", str(n)) for n in range(4)])
    assert sorted(body["n"] for body in aws.bodies("inbound.fifo")) == [0, 1, 2, 3]


def test_more_jobs_than_a_batch_holds_are_all_taken(aws: Cloud) -> None:
    jobs = SqsJobs(aws.clients, aws.queue_url("inbound.fifo"), FakeBlobs())
    jobs.put_all([({"n": n}, f"g{n}", str(n)) for n in range(23)])
    received = [body["n"] for _ in range(4) for body in aws.bodies("inbound.fifo")]
    assert list(range(23)) == sorted(received)


def test_a_large_job_leaves_only_its_reference_on_the_queue(aws: Cloud) -> None:
    blobs = FakeBlobs()
    job = {"raw": "x" * MAX_BODY_BYTES}
    SqsJobs(aws.clients, aws.queue_url("inbound.fifo"), blobs).put(job, group="g", dedup="d")
    (key,) = blobs.kept
    assert [{"blob": key}] == aws.bodies("inbound.fifo")


def test_a_queue_without_order_takes_jobs_too(aws: Cloud) -> None:
    SqsJobs(aws.clients, aws.queue_url("media"), FakeBlobs()).put({"n": 1}, group="g", dedup="d")
    assert aws.bodies("media") == [{"n": 1}]


def test_a_postponed_job_comes_back_when_it_is_due_and_its_group_waits(aws: Cloud) -> None:
    sqs, url = aws.clients.sqs, aws.queue_url("inbound.fifo")
    jobs = SqsJobs(aws.clients, url, FakeBlobs())
    jobs.put_all([({"n": 1}, "g", "1"), ({"n": 2}, "g", "2")])
    (first,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1)["Messages"]
    jobs.postpone(first["ReceiptHandle"], delay_s=120)
    assert aws.bodies("inbound.fifo") == []
    jobs.postpone(first["ReceiptHandle"], delay_s=-1)
    assert aws.bodies("inbound.fifo") == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "AWS.SimpleQueueService.MessageNotInflight"])
def test_a_job_that_is_back_already_cannot_be_postponed_and_need_not_be(code: str) -> None:
    clients = Clients(region="eu-west-1")
    with Stubber(clients.sqs) as stub:
        stub.add_client_error("change_message_visibility", code)
        SqsJobs(clients, "https://sqs/queue.fifo", FakeBlobs()).postpone("receipt", delay_s=1)


def test_a_job_that_the_queue_refused_is_an_error_even_if_others_were_taken() -> None:
    clients = Clients(region="eu-west-1")
    failed = {"Id": "1", "Code": "InternalError", "SenderFault": False}
    with Stubber(clients.sqs) as stub:
        stub.add_response("send_message_batch", {"Successful": [], "Failed": [failed]})
        jobs = SqsJobs(clients, "https://sqs/queue.fifo", FakeBlobs())
        with pytest.raises(StoreUnavailableError, match="1 of 2 messages: InternalError"):
            jobs.put_all([({}, "g", "a"), ({}, "g", "b")])


def test_a_fake_queue_can_refuse_as_well() -> None:
    jobs = FakeJobs()
    jobs.fail_at = 1
    with pytest.raises(StoreUnavailableError):
        jobs.put_all([({"n": 1}, "g", "a"), ({"n": 2}, "g", "b")])
    assert jobs.jobs == [{"n": 1}]


def test_a_reference_to_something_deleted_is_told() -> None:
    with pytest.raises(NotFoundError):
        read_body('{"blob":"jobs/gone.json"}', FakeBlobs())


# ---------------------------------------------------------------- timers


def test_a_near_timer_is_a_delayed_message_that_is_never_early() -> None:
    clients = Clients(region="eu-west-1")
    with Stubber(clients.sqs) as stub:
        wanted = {"QueueUrl": "https://sqs/timers", "MessageBody": '{"kind":"offer_ends"}', "DelaySeconds": 21}
        stub.add_response("send_message", {}, wanted)
        timers = SqsTimers(clients, "https://sqs/timers", far=_no_far_timer, clock=lambda: NOW_MS)
        timers.arm({"kind": "offer_ends"}, delay_s=20.2)


def test_postponed_work_comes_back_when_it_is_due(aws: Cloud) -> None:
    url = aws.queue_url("timers")
    timers = SqsTimers(aws.clients, url, far=_no_far_timer, clock=lambda: NOW_MS)
    timers.arm({"kind": "settle"}, delay_s=0)
    (received,) = aws.clients.sqs.receive_message(QueueUrl=url)["Messages"]
    timers.postpone(received["ReceiptHandle"], delay_s=120)
    assert aws.bodies("timers") == []
    timers.postpone(received["ReceiptHandle"], delay_s=0)
    assert aws.bodies("timers") == [{"kind": "settle"}]


def _no_far_timer(work: Mapping[str, Any], due_ms: int) -> None:
    pytest.fail(f"{work} at {due_ms} is no far timer")


@pytest.mark.parametrize("delay_s", [-3.0, 0.0])
def test_a_timer_of_the_past_goes_off_at_once(aws: Cloud, delay_s: float) -> None:
    timers: Timers = SqsTimers(aws.clients, aws.queue_url("timers"), far=_no_far_timer, clock=lambda: NOW_MS)
    timers.arm({"kind": "vanish"}, delay_s=delay_s)
    fake = FakeTimers(NOW_MS)
    fake.arm({"kind": "vanish"}, delay_s=delay_s)
    assert [{"kind": "vanish"}] == aws.bodies("timers") == fake.take_due(NOW_MS)


def test_the_last_near_timer_waits_a_quarter_of_an_hour_and_the_next_one_is_far(aws: Cloud) -> None:
    far: list[tuple[Mapping[str, Any], int]] = []
    timers = SqsTimers(
        aws.clients, aws.queue_url("timers"), far=lambda work, due_ms: far.append((work, due_ms)), clock=lambda: NOW_MS
    )
    timers.arm({"n": 1}, delay_s=900)
    timers.arm({"n": 2}, delay_s=900.5)
    assert far == [({"n": 2}, NOW_MS + 900_500)]


# ---------------------------------------------------------------- blobs


@pytest.fixture(params=["s3", "fake"])
def blobs(request: pytest.FixtureRequest) -> Blobs:
    if request.param == "fake":
        return FakeBlobs()
    account: Cloud = request.getfixturevalue("aws")
    return S3Blobs(account.clients, BUCKET)


def test_a_blob_comes_back_as_it_was_put(blobs: Blobs) -> None:
    blobs.put("media/a", b"\x00\xff", "image/png")
    blobs.put("media/a", b"\x00\xfe", "image/png")
    assert blobs.get("media/a") == b"\x00\xfe"


def test_a_blob_nobody_put_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFoundError):
        blobs.get("media/none")


def test_a_link_lasts_as_long_as_asked_and_always_downloads(aws: Cloud) -> None:
    link = urlsplit(S3Blobs(aws.clients, BUCKET).link("media/a b", seconds=300, name="Größe; 1.html"))
    asked = {name: values[0] for name, values in parse_qs(link.query).items()}
    assert link.path == "/media/a%20b"
    assert asked["X-Amz-Expires"] == "300"
    assert asked["response-content-disposition"] == "attachment; filename*=UTF-8''Gr%C3%B6%C3%9Fe%3B%201.html"


def test_an_upload_form_binds_key_type_and_size(aws: Cloud) -> None:
    form = S3Blobs(aws.clients, BUCKET).upload_form("up/1", content_type="image/png", max_bytes=5, seconds=60)
    assert (form["fields"]["key"], form["fields"]["Content-Type"]) == ("up/1", "image/png")
    assert BUCKET in form["url"]


# ---------------------------------------------------------------- secrets


@pytest.fixture(params=["ssm", "fake"])
def secrets(request: pytest.FixtureRequest) -> Secrets:
    if request.param == "fake":
        return FakeSecrets({"telegram/demo/bot_token": "7:abc"})
    account: Cloud = request.getfixturevalue("aws")
    _set(account, "telegram/demo/bot_token", "7:abc")
    return SsmSecrets(account.clients, f"/throughline/{STAGE}/", clock=lambda: NOW_MS)


def _set(account: Cloud, name: str, value: str) -> None:
    parameter = f"/throughline/{STAGE}/{name}"
    account.clients.ssm.put_parameter(Name=parameter, Value=value, Type="SecureString", Overwrite=True)


def test_a_secret_is_read_by_its_name(secrets: Secrets) -> None:
    assert secrets.get_secret("telegram/demo/bot_token") == "7:abc"


def test_a_secret_nobody_set_is_a_fault_of_the_configuration(secrets: Secrets) -> None:
    with pytest.raises(ConfigurationError, match="telegram/demo/other"):
        secrets.get_secret("telegram/demo/other")


def test_a_new_value_is_seen_after_five_minutes_and_not_asked_for_before(aws: Cloud) -> None:
    clock = iter([NOW_MS, NOW_MS + CACHE_MS - 1, NOW_MS + CACHE_MS])
    secrets = SsmSecrets(aws.clients, f"/throughline/{STAGE}", clock=lambda: next(clock))
    _set(aws, "k/a", "old")
    first = secrets.get_secret("k/a")
    _set(aws, "k/a", "new")
    assert [first, secrets.get_secret("k/a"), secrets.get_secret("k/a")] == ["old", "old", "new"]


# ---------------------------------------------------------------- sockets


@dataclass(frozen=True)
class SocketsUnderTest:
    sockets: Sockets
    connection: ConnectionId


_ANSWERS = {
    "gone": ("GoneException", 410),
    "busy": ("LimitExceededException", 429),
    "broken": ("InternalServerErrorException", 500),
    "no connection": ("BadRequestException", 400),
    "too large": ("PayloadTooLargeException", 413),
}


@pytest.fixture
def sockets(request: pytest.FixtureRequest) -> Iterator[SocketsUnderTest]:
    kind, answer = request.param
    connection = ConnectionId("L0SM9cOFvHcCIhw=")
    if kind == "fake":
        fake = FakeSockets()
        fake.gone |= {connection} if answer == "gone" else set()
        fake.busy |= {connection} if answer == "busy" else set()
        yield SocketsUnderTest(fake, connection)
        return
    clients = Clients(region="eu-west-1", sockets_endpoint=SOCKETS_ENDPOINT)
    with Stubber(clients.sockets) as stub:
        if answer in _ANSWERS:
            code, status = _ANSWERS[answer]
            stub.add_client_error("post_to_connection", code, http_status_code=status)
        else:
            wanted = {"ConnectionId": connection, "Data": '{"event":"ack","id":"é"}'.encode()}
            stub.add_response("post_to_connection", {}, wanted)
        yield SocketsUnderTest(ApiGatewaySockets(clients), connection)


def over_both(answer: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sockets", [("aws", answer), ("fake", answer)], indirect=True)


@over_both("open")
def test_an_open_socket_takes_a_frame(sockets: SocketsUnderTest) -> None:
    assert sockets.sockets.post(sockets.connection, {"event": "ack", "id": "é"})


@over_both("gone")
def test_a_socket_that_is_gone_is_no_error(sockets: SocketsUnderTest) -> None:
    assert not sockets.sockets.post(sockets.connection, {"event": "ack"})


@over_both("busy")
def test_a_throttled_post_may_be_tried_again(sockets: SocketsUnderTest) -> None:
    with pytest.raises(StoreUnavailableError):
        sockets.sockets.post(sockets.connection, {"event": "ack"})


@pytest.mark.parametrize("sockets", [("aws", "broken")], indirect=True)
def test_a_post_that_broke_may_be_tried_again(sockets: SocketsUnderTest) -> None:
    with pytest.raises(StoreUnavailableError):
        sockets.sockets.post(sockets.connection, {"event": "ack"})


@pytest.mark.parametrize("sockets", [("aws", "no connection")], indirect=True)
def test_an_id_that_never_was_one_is_nobody(sockets: SocketsUnderTest) -> None:
    assert not sockets.sockets.post(sockets.connection, {"event": "ack"})


@over_both("too large")
def test_a_frame_over_the_limit_is_refused(sockets: SocketsUnderTest) -> None:
    with pytest.raises(PayloadTooLargeError):
        sockets.sockets.post(sockets.connection, {"event": "message", "text": "x" * 128 * 1024})


def test_frames_go_to_the_address_of_the_sockets_whatever_answers_for_the_rest() -> None:
    clients = Clients(region="eu-west-1", sockets_endpoint=SOCKETS_ENDPOINT, endpoint_url="http://127.0.0.1:9")
    assert (
        clients.sockets.meta.endpoint_url,
        clients.sqs.meta.endpoint_url,
    ) == (SOCKETS_ENDPOINT, "http://127.0.0.1:9")


def test_no_answer_at_all_may_be_tried_again() -> None:
    clients = Clients(region="eu-west-1", endpoint_url="http://127.0.0.1:9")
    with pytest.raises(StoreUnavailableError, match="EndpointConnectionError"):
        S3Blobs(clients, BUCKET).get("a")
