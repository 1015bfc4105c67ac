"""Media queue: copy each file a customer sent."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from functions._edges import RecordMeta, process_records
from functions._wiring import world
from throughline.domain.encodings import decode_media
from throughline.flows.copy_media import copy_media

media = Blueprint(__name__)


# One at a time: a file is in memory as a whole.
@media.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:media", batch_size=1)
def process_media(event: SQSEvent) -> dict[str, Any]:
    """Return SQS's partial batch response."""
    return process_records(event.to_dict(), _copy, fifo=False)


def _copy(job: dict[str, Any], record: RecordMeta) -> None:
    copy_media(world(), decode_media(job), receipt=record.receipt, receive_count=record.receive_count)
