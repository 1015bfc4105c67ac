"""Outbound queue: hand each reply to its provider."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from functions._edges import RecordMeta, process_records
from functions._wiring import world
from throughline.domain.encodings import decode_outbound
from throughline.flows.deliver import deliver

outbound = Blueprint(__name__)


# One at a time: a provider may take half of the function's time to answer, and a crash must concern no other reply.
@outbound.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:outbound.fifo", batch_size=1)
def process_outbound(event: SQSEvent) -> dict[str, Any]:
    """Return SQS's partial batch response."""
    return process_records(event.to_dict(), _deliver, fifo=True)


def _deliver(job: dict[str, Any], record: RecordMeta) -> None:
    deliver(world(), decode_outbound(job), receipt=record.receipt, receive_count=record.receive_count)
