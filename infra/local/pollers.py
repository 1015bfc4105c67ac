"""Lambda's event source mappings for SQS: long polls, batches, partial failures. Order and dead letters: the queue's.

docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html says what a function's answer means.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import events
from infra.local.deployed import QueueSource
from infra.local.invocation import FunctionError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

MAX_BATCH = 10

log = logging.getLogger("stack")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """How queues are read.

    `visibility_s` is how long a batch stays hidden while it is worked on; what failed comes again when that time is
    over, unless the function itself has set another. On AWS it is the queue's 90 s; here it is a little over the
    workers' time-out, because somebody is watching. `pollers` is how many batches of one queue are worked on at once.
    """

    visibility_s: int = 20
    wait_s: int = 2
    pollers: int = 3


class QueuePollers:
    """Threads that feed one queue to one function until they are told to stop."""

    def __init__(self, sqs: "SQSClient", source: QueueSource, region: str, polling: Polling) -> None:
        self._sqs = sqs
        self._source = source
        self._region = region
        self._polling = polling
        self._stopping = threading.Event()
        self._url = sqs.get_queue_url(QueueName=source.queue_name)["QueueUrl"]
        self._arn = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self._threads = [
            threading.Thread(target=self._run, name=f"{source.queue_name}-{number}", daemon=True)
            for number in range(polling.pollers)
        ]

    def start(self) -> None:
        """Begin to poll."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no further batch. Returns at once; `join` waits."""
        self._stopping.set()

    def join(self, timeout_s: float) -> None:
        """Wait until the batches under way are done."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.poll_once()
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    log.warning("%s cannot be polled (%s)", self._source.queue_name, type(error).__name__)
                self._stopping.wait(1.0)

    def poll_once(self) -> None:
        """Wait for one batch, have it processed, and delete what succeeded."""
        messages = self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self._source.batch_size, MAX_BATCH),
            WaitTimeSeconds=self._polling.wait_s,
            VisibilityTimeout=self._polling.visibility_s,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if messages:
            failed = self._process(messages)
            self._delete([message for message in messages if message["MessageId"] not in failed])

    def _process(self, messages: Sequence["MessageTypeDef"]) -> set[str]:
        """Return the ids of the messages that failed."""
        everything = {message["MessageId"] for message in messages}
        event = events.queue_event(messages, queue_arn=self._arn, region=self._region)
        try:
            answer = self._source.function.call(event)
        except FunctionError:
            return everything
        return failed_records(answer, everything) if self._source.reports_failures else set()

    def _delete(self, messages: Sequence["MessageTypeDef"]) -> None:
        if messages:
            self._sqs.delete_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)],
            )


def failed_records(answer: Any, everything: set[str]) -> set[str]:
    """Return which records an answer says have failed; an answer that cannot be understood fails them all."""
    if answer is None or answer == {}:
        return set()
    if not isinstance(answer, Mapping):
        return everything
    named = answer.get("batchItemFailures", ())
    try:
        failed = {str(item["itemIdentifier"]) for item in named or ()}
    except (TypeError, KeyError):
        return everything
    return failed if failed.issubset(everything) else everything
