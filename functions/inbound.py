"""Inbound queue: file each event; report only the records that failed, and hold up only their own group."""

from typing import Any

from chalice.app import Blueprint, SQSEvent

from functions._edges import RecordMeta, process_records
from functions._wiring import apart_s, world
from throughline.domain.encodings import decode_inbound
from throughline.domain.messages import StatusReported
from throughline.flows.acknowledge import acknowledge
from throughline.flows.receive import Arrival, receive

inbound = Blueprint(__name__)


@inbound.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:inbound.fifo", batch_size=10)
def process_inbound(event: SQSEvent) -> dict[str, Any]:
    """Return SQS's partial batch response."""
    return process_records(event.to_dict(), _file, fifo=True, hold=_hold)


def _file(job: dict[str, Any], record: RecordMeta) -> None:
    arrived = decode_inbound(job)
    if isinstance(arrived.event, StatusReported):
        acknowledge(world(), arrived.event, arrival_ms=arrived.arrival_ms)
    else:
        arrival = Arrival(inbound=arrived.inbound, arrival_ms=arrived.arrival_ms, repeated=record.repeated)
        receive(world(), arrived.event, arrival)


def _hold(receipt: str) -> None:
    world().inbound.postpone(receipt, delay_s=apart_s())
