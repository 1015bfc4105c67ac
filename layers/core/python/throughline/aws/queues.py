"""SQS: jobs for other functions, and timers.

Limits: one message 1 MiB, a batch 1 MiB in total, ten messages a batch, a delay of 900 s, twelve hours invisible
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html). We stay far below them: every
64 KB is billed as a request.
"""

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from throughline.aws.clients import Clients, translated
from throughline.domain.errors import StoreUnavailableError
from throughline.ports import Blobs

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MAX_BODY_BYTES = 200_000
MAX_BATCH_BYTES = 250_000
MAX_BATCH = 10
MAX_NEAR_DELAY_S = 900
MAX_POSTPONE_S = 43_200

_REFERENCE = "blob"
_NO_LONGER_OURS = frozenset(
    {"AWS.SimpleQueueService.MessageNotInflight", "MessageNotInflight", "ReceiptHandleIsInvalid"}
)
_PLAIN_ID = re.compile(r"[!-~]{1,128}")  # what SQS takes as group and deduplication id: printable, no space

Job = tuple[Mapping[str, Any], str, str]


class SqsJobs:
    """Jobs on an SQS queue. On a standard queue `dedup` is not honoured, and `group` only shares the queue out fairly.

    A body over 200 KB goes to the bucket and the queue gets its key; `read_body` brings it back.
    """

    def __init__(self, clients: Clients, queue_url: str, blobs: Blobs) -> None:
        self._clients = clients
        self._queue_url = queue_url
        self._blobs = blobs

    def put(self, job: Mapping[str, Any], *, group: str, dedup: str) -> None:
        """Add one job: one request; see ports.Jobs."""
        self.put_all([(job, group, dedup)])

    def put_all(self, jobs: Sequence[Job]) -> None:
        """Add jobs in order: one SendMessageBatch for ten; see ports.Jobs."""
        entries = [self._entry(str(index), *job) for index, job in enumerate(jobs)]
        for batch in _batches(entries):
            with translated("sending to a queue"):
                answer = self._clients.sqs.send_message_batch(QueueUrl=self._queue_url, Entries=batch)
            if failed := answer.get("Failed"):
                codes = ", ".join(sorted({item["Code"] for item in failed}))
                raise StoreUnavailableError(f"a queue refused {len(failed)} of {len(batch)} messages: {codes}")

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Let a job come back later: one ChangeMessageVisibility. One that is back already is left alone."""
        _postpone(self._clients, self._queue_url, receipt, delay_s)

    def _entry(
        self, number: str, job: Mapping[str, Any], group: str, dedup: str
    ) -> "SendMessageBatchRequestEntryTypeDef":
        entry: SendMessageBatchRequestEntryTypeDef = {
            "Id": number,
            "MessageBody": self._body(job),
            "MessageGroupId": _plain_id(group),
        }
        if self._queue_url.endswith(".fifo"):
            entry["MessageDeduplicationId"] = _plain_id(dedup)
        return entry

    def _body(self, job: Mapping[str, Any]) -> str:
        body = compact(job)
        content = body.encode()
        if len(content) <= MAX_BODY_BYTES:
            return body
        key = f"jobs/{hashlib.sha256(content).hexdigest()}.json"  # named by content: repeating a job repeats the key
        self._blobs.put(key, content, "application/json")
        return compact({_REFERENCE: key})


def _postpone(clients: Clients, queue_url: str, receipt: str, delay_s: float) -> None:
    delay = min(MAX_POSTPONE_S, max(0, math.ceil(delay_s)))
    with translated("postponing a record"):
        try:
            clients.sqs.change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=delay)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NO_LONGER_OURS:
                raise


def read_body(record_body: str, blobs: Blobs) -> dict[str, Any]:
    """Return the job in the body of a queue record, fetched from the bucket if it was too large for the queue.

    Raises:
        NotFoundError: the bucket no longer has it. Nothing will bring it back.
        StoreUnavailableError: the bucket did not answer. Leave the record on the queue.
    """
    job: dict[str, Any] = json.loads(record_body)
    if job.keys() == {_REFERENCE}:
        job = json.loads(blobs.get(job[_REFERENCE]))
    return job


def failure_key(queue: str, record_body: str) -> str:
    """Return the key of the note why a record was given up.

    It goes by the body, because a record keeps that wherever it is moved.
    """
    return f"dead/{queue}/{hashlib.sha256(record_body.encode()).hexdigest()[:32]}.json"


def refusal_key(queue: str, message_id: str) -> str:
    """Return the key under which a record is set aside that will never be accepted as it is."""
    return f"refused/{queue}/{message_id}.json"


class SqsTimers:
    """Timers: near ones are delayed messages, far ones (over 900 s) are handed to `far` with the instant they are due.

    `far` keeps them durably and gives them back here when they have come near. A timer never goes off early.
    """

    def __init__(
        self,
        clients: Clients,
        queue_url: str,
        *,
        far: Callable[[Mapping[str, Any], int], None],
        clock: Callable[[], int],
    ) -> None:
        self._clients = clients
        self._queue_url = queue_url
        self._far = far
        self._clock = clock

    def arm(self, work: Mapping[str, Any], *, delay_s: float) -> None:
        """Have `work` done in `delay_s` seconds; one SendMessage if that is near."""
        if delay_s > MAX_NEAR_DELAY_S:
            self._far(work, self._clock() + math.ceil(delay_s * 1000))
            return
        with translated("arming a timer"):
            self._clients.sqs.send_message(
                QueueUrl=self._queue_url, MessageBody=compact(work), DelaySeconds=max(0, math.ceil(delay_s))
            )

    def postpone(self, receipt: str, *, delay_s: float) -> None:
        """Let work come back later: one ChangeMessageVisibility. What is back already is left alone."""
        _postpone(self._clients, self._queue_url, receipt, delay_s)


def compact(value: Mapping[str, Any]) -> str:
    """Return JSON without spaces, in UTF-8: every 64 KB is a request."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _plain_id(text: str) -> str:
    return text if _PLAIN_ID.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()


def _batches(
    entries: Sequence["SendMessageBatchRequestEntryTypeDef"],
) -> Iterator[list["SendMessageBatchRequestEntryTypeDef"]]:
    batch: list[SendMessageBatchRequestEntryTypeDef] = []
    size = 0
    for entry in entries:
        length = len(entry["MessageBody"].encode())
        if batch and (len(batch) == MAX_BATCH or size + length > MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += length
    if batch:
        yield batch
