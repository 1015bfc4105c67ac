"""A queue with its dead letters: looked at, sent back to where they came from, or thrown away.

SQS can move dead letters back by itself (StartMessageMoveTask); it can neither choose among them nor is it part of the
local engine. Receive, send, delete does both. The body stays the same to the byte: by it each step knows its own
earlier write. In a FIFO queue the group stays the same too, and what is sent back is so in the order of arrival.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.letters.bucket import Bucket
from infra.letters.letters import NO_REASON, Letter, job_in, member_of, parsed, reason_of
from throughline.aws.clients import Clients, translated
from throughline.aws.queues import failure_key
from throughline.domain.errors import NotFoundError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

NAMES = ("inbound", "outbound", "timers", "media")
_FIFO = frozenset({"inbound", "outbound"})
WAIT_S = 1  # without waiting, SQS asks only some of its servers
_BATCH = 10
LOOK_S = 60  # how long we take letters into our hands; what is behind them comes with the next look
_HELD_S = 600  # how long they are hidden from others: to deal with them all; given back as soon as we are through


def full_name(stage: str, name: str, dead: str = "") -> str:
    """Return what AWS calls a queue of a stage."""
    return f"throughline-{stage}-{name}{dead}{'.fifo' if name in _FIFO else ''}"


def find_queue(clients: Clients, name: str) -> str:
    """Return the URL of a queue. One request.

    Raises:
        ConfigurationError: there is none of that name.
    """
    with translated(f"looking for queue {name}"):
        return clients.sqs.get_queue_url(QueueName=name)["QueueUrl"]


@dataclass(frozen=True, slots=True)
class Held:
    """A dead letter in our hands."""

    letter: Letter
    message: "MessageTypeDef"

    @property
    def group(self) -> str | None:
        """Return the group it keeps its order with, if it has one."""
        return self.message.get("Attributes", {}).get("MessageGroupId")


class LetterQueue:
    """One of the stage's queues."""

    def __init__(self, clients: Clients, bucket: Bucket, stage: str, name: str) -> None:
        self.name = name
        self.fifo = name in _FIFO
        self.full_name = full_name(stage, name)
        self._clients = clients
        self._bucket = bucket
        self.url = find_queue(clients, self.full_name)
        self._dead_url = find_queue(clients, full_name(stage, name, "-dead"))
        self._gone: set[str] = set()
        self.behind = 0  # about how many the last look did not see

    @contextmanager
    def held(self) -> Iterator[list[Held]]:
        """Yield the dead letters in the order of their groups; those not dealt with are given back afterwards.

        Of one group SQS shows the first ten at most.
        """
        held: list[Held] = []
        try:
            until = time.monotonic() + LOOK_S
            while time.monotonic() < until and (batch := self._receive()):
                held += batch
            self.behind = self._count() if len(held) >= _BATCH else 0
            yield held
        finally:
            for item in held:
                if item.letter.letter_id not in self._gone:
                    self._give_back(item)

    def redrive(self, item: Held) -> None:
        """Send a dead letter back; one that was sent already by a command that died is sent once."""
        self.send(item.message["Body"], item.group, f"redrive-{item.letter.letter_id}")
        self.discard(item)

    def send(self, body: str, group: str | None, dedup: str) -> None:
        """Put a record into the queue."""
        request: Any = {"QueueUrl": self.url, "MessageBody": body}
        if group is not None:
            request["MessageGroupId"] = group
        if self.fifo:
            request["MessageDeduplicationId"] = dedup
        with translated(f"sending to {self.full_name}"):
            self._clients.sqs.send_message(**request)

    def discard(self, item: Held) -> None:
        """Take a dead letter away, with the note on it."""
        with translated("deleting a dead letter"):
            self._clients.sqs.delete_message(QueueUrl=self._dead_url, ReceiptHandle=item.message["ReceiptHandle"])
        self._gone.add(item.letter.letter_id)
        self._bucket.delete(failure_key(self.full_name, item.message["Body"]))

    def _count(self) -> int:
        with translated("counting dead letters"):
            answer = self._clients.sqs.get_queue_attributes(
                QueueUrl=self._dead_url, AttributeNames=["ApproximateNumberOfMessages"]
            )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def _receive(self) -> Sequence[Held]:
        with translated("reading dead letters"):
            answer = self._clients.sqs.receive_message(
                QueueUrl=self._dead_url,
                MaxNumberOfMessages=_BATCH,
                WaitTimeSeconds=WAIT_S,
                VisibilityTimeout=_HELD_S,
                AttributeNames=["All"],
            )
        return [Held(self._letter(message), message) for message in answer.get("Messages", ())]

    def _give_back(self, item: Held) -> None:
        with translated("giving a dead letter back"):
            self._clients.sqs.change_message_visibility(
                QueueUrl=self._dead_url, ReceiptHandle=item.message["ReceiptHandle"], VisibilityTimeout=0
            )

    def _letter(self, message: "MessageTypeDef") -> Letter:
        body, attributes = message["Body"], message.get("Attributes", {})
        job = job_in(self.name, body, self._bucket)
        note = self._note(body)
        group = attributes.get("MessageGroupId")
        return Letter(
            kind="dead",
            letter_id=message["MessageId"],
            at=self.name,
            there_ms=int(attributes["SentTimestamp"]),
            since_ms=job.since_ms or int(attributes["SentTimestamp"]),
            what=job.what,
            whose=job.whose or member_of(group),
            reason=reason_of(note) if note else NO_REASON,
            details={"group": group, **note},
            words=body,
        )

    def _note(self, body: str) -> dict[str, Any]:
        try:
            return dict(parsed(self._bucket.get(failure_key(self.full_name, body))) or {})
        except NotFoundError:
            return {}
