"""Poison: a record that always fails, or takes the whole process with it, and everybody else's messages."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from functions._edges import GIVEN_UP_AFTER, RecordMeta, process_records
from functions._wiring import use_world
from infra.local.deployed import QueueSource
from infra.local.invocation import Function
from infra.local.pollers import Polling, QueuePollers
from tests.fakes.blobs import FakeBlobs
from tests.fakes.telemetry import FakeTelemetry
from tests.integration.engines import Aws, running

if TYPE_CHECKING:
    from throughline.ports import World

QUICK = Polling(visibility_s=1, wait_s=1, pollers=2)
FIFO, DEAD = "throughline-test-inbound.fifo", "throughline-test-inbound-dead.fifo"
PATIENCE_S = 60.0


class CutOffError(BaseException):
    """The process went down in the middle of a record."""


class Worker:
    """The inbound function with a handler that fails on some records; `done` has who was handled, in order."""

    def __init__(self, aws: Aws, poison: BaseException) -> None:
        self.aws, self.poison = aws, poison
        self.done: list[str] = []
        self.tried: list[str] = []
        self.happened = threading.Condition()

    def __call__(self, event: Any, _context: Any) -> Any:
        try:
            return process_records(event, self._handle, fifo=True, hold=self._hold)
        except CutOffError:
            raise RuntimeError("Runtime exited") from None

    def _handle(self, job: dict[str, Any], _meta: RecordMeta) -> None:
        with self.happened:
            self.tried.append(job["name"])
            self.happened.notify_all()
        if job["name"] == "poison":
            raise self.poison
        with self.happened:
            self.done.append(job["name"])
            self.happened.notify_all()

    def _hold(self, receipt: str) -> None:
        self.aws.sqs.change_message_visibility(QueueUrl=self.url(FIFO), ReceiptHandle=receipt, VisibilityTimeout=2)

    def wait_for(self, *names: str) -> None:
        with self.happened:
            assert self.happened.wait_for(lambda: set(names) <= set(self.done), PATIENCE_S), self.done

    def url(self, queue: str) -> str:
        return str(self.aws.sqs.get_queue_url(QueueName=queue)["QueueUrl"])

    def send(self, name: str, group: str) -> None:
        self.aws.sqs.send_message(
            QueueUrl=self.url(FIFO),
            MessageBody=json.dumps({"name": name}),
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}-{name}",
        )

    def dead(self) -> list[str]:
        """Return who was given up, once somebody is."""
        for _ in range(int(PATIENCE_S)):
            found = self.aws.sqs.receive_message(QueueUrl=self.url(DEAD), MaxNumberOfMessages=10, WaitTimeSeconds=1)
            if messages := found.get("Messages"):
                return [json.loads(message["Body"])["name"] for message in messages]
        return []


@pytest.fixture
def aws() -> Iterator[Aws]:
    with running("ministack") as aws:
        yield aws


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    use_world(cast("World", SimpleNamespace(blobs=FakeBlobs(), telemetry=FakeTelemetry())))
    with ThreadPoolExecutor(4) as pool:
        function = Function(name="worker", handler=worker, timeout_s=5, pool=pool)
        source = QueueSource(function=function, queue_name=FIFO, batch_size=10, reports_failures=True)
        pollers = QueuePollers(worker.aws.sqs, source, "us-east-1", QUICK)
        pollers.start()
        try:
            yield
        finally:
            pollers.stop()
            pollers.join(PATIENCE_S)
            use_world(None)


def test_what_always_fails_holds_up_its_own_customer_until_it_is_given_up_and_nobody_else(aws: Aws) -> None:
    worker = Worker(aws, KeyError("poison"))
    worker.send("poison", "eva")
    worker.send("hers", "eva")
    for number in range(8):
        worker.send(f"tim-{number}", "tim")
    with at_work(worker):
        worker.wait_for(*(f"tim-{number}" for number in range(8)))
        assert "hers" not in worker.done
        worker.send("later", "tim")
        worker.wait_for("later")
        assert worker.tried.count("poison") < GIVEN_UP_AFTER
        worker.wait_for("hers")
        assert worker.dead() == ["poison"]
    assert worker.tried.count("poison") == GIVEN_UP_AFTER - 1  # it stepped aside once


def test_what_takes_the_process_with_it_takes_nobody_elses_message_along(aws: Aws) -> None:
    worker = Worker(aws, CutOffError())
    others = [f"other-{number}" for number in range(8)]
    worker.send("poison", "eva")
    worker.send("hers", "eva")
    for name in others:
        worker.send(name, name)
    with at_work(worker):
        worker.wait_for(*others)
        assert worker.tried.count("poison") <= GIVEN_UP_AFTER / 2
        worker.wait_for("hers")
        assert worker.dead() == ["poison"]
