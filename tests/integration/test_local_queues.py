"""Queues feed functions as Lambda feeds them: batches, order, partial failures, dead letters; schedules fire."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from infra.local.deployed import QueueSource, Schedule
from infra.local.invocation import Function
from infra.local.pollers import Polling, QueuePollers, failed_records
from infra.local.schedules import Metronome
from tests.integration.engines import Aws, running
from tests.integration.local_edges import WAIT_S, Seen

FAST = Polling(visibility_s=3, wait_s=1, pollers=2)
FASTER = Polling(visibility_s=1, wait_s=1, pollers=1)
FIFO, TIMERS, DEAD = "throughline-test-inbound.fifo", "throughline-test-timers", "throughline-test-timers-dead"


@pytest.fixture(scope="module")
def engine() -> Iterator[Aws]:
    with running("ministack") as aws:
        yield aws


@pytest.fixture
def aws(engine: Aws) -> Aws:
    for name in (FIFO, TIMERS, DEAD):
        engine.sqs.purge_queue(QueueUrl=_url(engine, name))
    return engine


def _url(aws: Aws, name: str) -> str:
    return str(aws.sqs.get_queue_url(QueueName=name)["QueueUrl"])


def _send(aws: Aws, name: str, *bodies: str, group: str = "g") -> None:
    for body in bodies:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": f"{group}-{body}"} if name == FIFO else {}
        aws.sqs.send_message(QueueUrl=_url(aws, name), MessageBody=body, **fifo)


@contextmanager
def _fed(
    aws: Aws, name: str, answers: Callable[[Any], Any], *, polling: Polling = FAST, reports_failures: bool = True
) -> Iterator[Seen]:
    function = Seen(answers=answers)
    with ThreadPoolExecutor(4) as pool:
        source = QueueSource(
            function=Function(name="worker", handler=function, timeout_s=WAIT_S, pool=pool),
            queue_name=name,
            batch_size=10,
            reports_failures=reports_failures,
        )
        pollers = QueuePollers(aws.sqs, source, "us-east-1", polling)
        pollers.start()
        try:
            yield function
        finally:
            pollers.stop()
            pollers.join(WAIT_S)


def _bodies(events: list[Any]) -> list[str]:
    return [record["body"] for event in events for record in event["Records"]]


def _wait_for_bodies(function: Seen, count: int) -> list[str]:
    with function.happened:
        assert function.happened.wait_for(lambda: len(_bodies(function.events)) >= count, WAIT_S)
        return _bodies(function.events)


def _failures(*ids: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": item} for item in ids]}


def _nothing_is_left(aws: Aws, name: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    for _ in range(200):
        counts = aws.sqs.get_queue_attributes(QueueUrl=_url(aws, name), AttributeNames=names)["Attributes"]
        if {"0"} == set(counts.values()):
            return True
        threading.Event().wait(0.05)
    return False


def test_a_batch_has_the_shape_of_lambdas_sqs_event(aws: Aws) -> None:
    with _fed(aws, FIFO, lambda _: None) as function:
        _send(aws, FIFO, '{"kind": "message"}')
        record = function.wait(1)[0]["Records"][0]
    assert {
        "body": '{"kind": "message"}',
        "eventSource": "aws:sqs",
        "awsRegion": "us-east-1",
        "messageAttributes": {},
    } == {key: record[key] for key in ("body", "eventSource", "awsRegion", "messageAttributes")}
    assert record["eventSourceARN"].endswith(":throughline-test-inbound.fifo")
    assert {"ApproximateReceiveCount", "SentTimestamp", "MessageGroupId", "SequenceNumber"} <= set(record["attributes"])
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageId"]
    assert record["receiptHandle"]
    assert _nothing_is_left(aws, FIFO)


def test_messages_of_a_group_come_in_order_also_after_a_failure(aws: Aws) -> None:
    failed_once: list[str] = []

    def fail_the_second_once(event: Any) -> Any:
        records = event["Records"]
        stuck = next((n for n, record in enumerate(records) if record["body"] == "2" and not failed_once), None)
        if stuck is None:
            return _failures()
        failed_once.append("2")
        return _failures(*(record["messageId"] for record in records[stuck:]))

    _send(aws, FIFO, "1", "2", "3", "4")
    with _fed(aws, FIFO, fail_the_second_once) as function:
        assert _nothing_is_left(aws, FIFO)
    done = list(dict.fromkeys(reversed(_bodies(function.events))))[::-1]
    assert ["1", "2", "3", "4"] == done
    assert failed_once == ["2"]


def test_only_what_failed_comes_again(aws: Aws) -> None:
    def fail_the_bad_once(event: Any) -> Any:
        first = [r for r in event["Records"] if r["attributes"]["ApproximateReceiveCount"] == "1"]
        return _failures(*(record["messageId"] for record in first if record["body"] == "bad"))

    _send(aws, TIMERS, "good", "bad", "fine")
    with _fed(aws, TIMERS, fail_the_bad_once) as function:
        _wait_for_bodies(function, 4)
        assert _nothing_is_left(aws, TIMERS)
    assert ["bad", "bad", "fine", "good"] == sorted(_bodies(function.events))


def test_a_function_that_raises_gets_the_whole_batch_again(aws: Aws) -> None:
    attempts: list[Any] = []

    def fail_once(event: Any) -> None:
        attempts.append(event)
        if len(attempts) == 1:
            raise RuntimeError

    _send(aws, FIFO, "only")
    with _fed(aws, FIFO, fail_once) as function:
        assert ["only", "only"] == _wait_for_bodies(function, 2)
        assert _nothing_is_left(aws, FIFO)


def test_what_always_fails_ends_among_the_dead_letters(aws: Aws) -> None:
    _send(aws, TIMERS, "poison")
    with _fed(aws, TIMERS, lambda e: _failures(e["Records"][0]["messageId"]), polling=FASTER) as function:
        for _ in range(200):
            dead = aws.sqs.receive_message(QueueUrl=_url(aws, DEAD), WaitTimeSeconds=1).get("Messages", [])
            if dead:
                break
        assert _nothing_is_left(aws, TIMERS)
    assert ["poison"] == [message["Body"] for message in dead]
    assert ["poison"] * 8 == _bodies(function.events)


def test_without_reported_failures_everything_counts_as_done(aws: Aws) -> None:
    _send(aws, TIMERS, "lost")
    with _fed(aws, TIMERS, lambda e: _failures(e["Records"][0]["messageId"]), reports_failures=False) as function:
        function.wait(1)
        assert _nothing_is_left(aws, TIMERS)
    assert ["lost"] == _bodies(function.events)


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, {"a", "b"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, {"a", "b"}),
        ({"batchItemFailures": [{"wrong": "a"}]}, {"a", "b"}),
        ({"batchItemFailures": "a"}, {"a", "b"}),
        ("done", {"a", "b"}),
    ],
)
def test_an_answer_says_which_records_failed_or_all_of_them_did(answer: Any, failed: set[str]) -> None:
    assert failed == failed_records(answer, {"a", "b"})


def test_a_schedule_fires_again_and_again_also_when_the_function_fails() -> None:
    def fail(_: Any) -> None:
        raise RuntimeError

    function = Seen(answers=fail)
    with ThreadPoolExecutor(1) as pool:
        scheduled = Function(name="release_due", handler=function, timeout_s=WAIT_S, pool=pool)
        metronome = Metronome(Schedule(function=scheduled, every_s=0.05), "us-east-1")
        metronome.start()
        event = function.wait(3)[0]
        metronome.stop()
        metronome.join(WAIT_S)
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"][0].endswith(":rule/release_due")
