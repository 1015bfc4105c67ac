"""Timers: offers that ran out, cool-downs, graces, pauses, and whatever must not hang on a browser."""

from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, SQSEvent

from functions._edges import RecordMeta, process_records
from functions._wiring import apart_s, release_due_timers, world
from throughline.flows.run_timer import run_timer

timers = Blueprint(__name__)


@timers.on_sqs_message(queue_arn="arn:aws:sqs:us-east-1:000000000000:timers", batch_size=10)
def process_timers(event: SQSEvent) -> dict[str, Any]:
    """Do each piece of work; report the records that failed."""
    return process_records(event.to_dict(), _run, fifo=False, hold=_hold)


def _run(work: dict[str, Any], record: RecordMeta) -> None:
    run_timer(world(), work, repeated=record.repeated)


def _hold(receipt: str) -> None:
    world().timers.postpone(receipt, delay_s=apart_s())


@timers.schedule("rate(1 minute)")
def release_due(_event: CloudWatchEvent) -> None:
    """Turn far timers that come due within the next minutes into near ones."""
    release_due_timers()
