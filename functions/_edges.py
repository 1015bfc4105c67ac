"""How an error leaves the building: as an HTTP status, an error frame, or the fate of a queue record.

Told here and nowhere else. An unexpected error answers ``internal``; its place in the code is logged, not its words.
"""

import functools
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ParamSpec

from chalice.app import Response

from functions._wiring import now_ms, world
from throughline.aws.queues import failure_key, read_body, refusal_key
from throughline.domain.errors import (
    ConfigurationError,
    ConflictError,
    InvalidRequestError,
    RejectedError,
    ThroughlineError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from throughline.domain.frames import Frame, error_frame
from throughline.telemetry import logger

P = ParamSpec("P")

INTERNAL = "internal"
INTERNAL_STATUS = 500
DEFAULT_PAGE = 50
MAX_DIGITS = 9  # Python refuses to read thousands of them

# ---------------------------------------------------------------- HTTP


def answers_http(handler: Callable[P, Any]) -> Callable[P, Any]:
    """Make a route answer each error with its status and ``{"error": code}``, and log it."""
    return _answering(handler, lambda error: {"error": _code(error)})


def answers_screen(handler: Callable[P, Any]) -> Callable[P, Any]:
    """As `answers_http`; a request that is not as the protocol says is also told what is wrong with it."""
    return _answering(handler, _told)


def _told(error: Exception) -> dict[str, str]:
    told = {"error": _code(error)}
    return {**told, "message": str(error)} if isinstance(error, InvalidRequestError) else told


def _answering(handler: Callable[P, Any], tell: Callable[[Exception], dict[str, str]]) -> Callable[P, Any]:
    @functools.wraps(handler)
    def answering(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return handler(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the one place where everything stops
            status = error.http_status if isinstance(error, ThroughlineError) else INTERNAL_STATUS
            _log(error, where=handler.__qualname__, status=status)
            return Response(tell(error), status_code=status, headers=_patience(error))

    return answering


def _patience(error: Exception) -> dict[str, str | list[str]]:
    return {"Retry-After": str(error.retry_after_s)} if isinstance(error, TooManyRequestsError) else {}


def bearer_token(request: Any) -> str:
    """Return the token of a request.

    Raises:
        UnauthenticatedError: it has none.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedError("Authorization: has to be the word Bearer, then a token")
    return str(token).strip()


def body_text(request: Any) -> str:
    """Return the body of a request as text; what is no UTF-8 in it is replaced."""
    body = request.raw_body
    return body if isinstance(body, str) else str(body, errors="replace")


def page_limit(text: str | None) -> int:
    """Return how many entries a page is to have.

    Raises:
        InvalidRequestError: that is no number.
    """
    if text is not None and not (text.isdecimal() and len(text) <= MAX_DIGITS):
        raise InvalidRequestError("limit: has to be a whole number")
    return int(text) if text else DEFAULT_PAGE


# ---------------------------------------------------------------- WebSocket


def answer_frame(frame_id: str | None, carry_out: Callable[[], Frame]) -> Frame:
    """Return what carrying out a client's frame answers, or the error frame that tells why it was not."""
    try:
        return carry_out()
    except Exception as error:  # noqa: BLE001 - the one place where everything stops
        _log(error, where="frame")
        version = error.version if isinstance(error, ConflictError) else None
        return error_frame(frame_id, _code(error), _words(error), version)


def _words(error: Exception) -> str:
    if isinstance(error, ThroughlineError):
        return str(error) or error.code
    return "something went wrong on our side; send the frame again"


# ---------------------------------------------------------------- SQS

GIVEN_UP_AFTER = 8  # deliveries of a record; the template's `maxReceiveCount`
_NOTED_FROM = GIVEN_UP_AFTER - 1  # the last delivery may come to an end without a word
_APART_FROM = 3  # deliveries after which a record may be one that takes the process with it
_STEPS_ASIDE_AT = GIVEN_UP_AFTER - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMeta:
    """What SQS says about a record.

    `receive_count` is ApproximateReceiveCount, `sent_ms` when it was queued, `receipt` what `Jobs.postpone` wants.
    """

    message_id: str
    receipt: str
    receive_count: int
    sent_ms: int

    @property
    def repeated(self) -> bool:
        """Return whether an earlier attempt may have done part of the work already."""
        return self.receive_count > 1


Handle = Callable[[dict[str, Any], RecordMeta], None]
Hold = Callable[[str], None]


def process_records(
    event: Mapping[str, Any], handle: Handle, *, fifo: bool, hold: Hold | None = None
) -> dict[str, Any]:
    """Handle each record of an SQS event and return the partial batch response: what failed stays in the queue.

    In a FIFO queue a failure holds up the rest of its own group and nobody else's. A record that we will never accept
    (RejectedError) would hold it up for nothing: it is set aside whole in the bucket, under ``refused/``, and leaves
    the queue.

    Nobody is given up for another's sake. A function that is cut off fails its whole batch, so a record that failed
    before is first put where it comes back later than the others (`hold`, with its receipt; wanted where batches have
    several records). And what waits behind a record in its group is failed along with it each time, so that record
    steps aside once before its last delivery.
    """
    from aws_lambda_powertools.utilities.batch import (  # noqa: PLC0415 - 50 ms that HTTP and sockets need not pay
        BatchProcessor,
        EventType,
        SqsFifoPartialProcessor,
        process_partial_response,
    )

    processor = SqsFifoPartialProcessor(skip_group_on_error=True) if fifo else BatchProcessor(EventType.SQS)
    processor.raise_on_entire_batch_failure = False  # the error it would raise repeats the words of those below it
    records = event["Records"]
    aside = _stepping_aside(records) if fifo else []
    held_back = hold if hold and len(records) > 1 else _no_hold

    def handle_record(record: Any) -> None:
        _handle_record(record.raw_event, handle, held_back)

    answer = process_partial_response(
        event={"Records": [record for record in records if record not in aside]},
        record_handler=handle_record,
        processor=processor,
    )
    failed = [{"itemIdentifier": record["messageId"]} for record in aside]
    return {"batchItemFailures": [*failed, *answer["batchItemFailures"]]}


def _no_hold(_receipt: str) -> None:
    """Stay as it is: nobody stands beside it."""


def _stepping_aside(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the first record of each group that is at its last delivery but one, if others wait behind it."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
    return [first for first, *others in groups.values() if others and _meta(first).receive_count == _STEPS_ASIDE_AT]


def _handle_record(record: Mapping[str, Any], handle: Handle, hold: Hold) -> None:
    meta = _meta(record)
    try:
        if meta.receive_count >= _APART_FROM:
            hold(meta.receipt)
        _accept(record, meta, handle)
    except Exception as error:
        _log(error, where=_queue_name(record), record=meta.message_id, receive_count=meta.receive_count)
        if meta.receive_count >= _NOTED_FROM:
            _note_failure(record, meta, error)
        raise


def _accept(record: Mapping[str, Any], meta: RecordMeta, handle: Handle) -> None:
    try:
        handle(read_body(record["body"], world().blobs), meta)
    except RejectedError as error:
        _set_aside(record, meta, error)


def _meta(record: Mapping[str, Any]) -> RecordMeta:
    attributes = record["attributes"]
    return RecordMeta(
        message_id=record["messageId"],
        receipt=record["receiptHandle"],
        receive_count=int(attributes["ApproximateReceiveCount"]),
        sent_ms=int(attributes["SentTimestamp"]),
    )


def _set_aside(record: Mapping[str, Any], meta: RecordMeta, error: RejectedError) -> None:
    queue = _queue_name(record)
    key = refusal_key(queue, meta.message_id)
    whole = {**_reason(error, meta), "group": record["attributes"].get("MessageGroupId"), "body": record["body"]}
    world().blobs.put(key, json.dumps(whole).encode(), "application/json")
    world().telemetry.count("record_refused", queue=queue, code=error.code)
    logger.error("record refused", extra={"where": queue, "code": error.code, "kept": key}, exc_info=error)


def _note_failure(record: Mapping[str, Any], meta: RecordMeta, error: Exception) -> None:
    """Write down why a record that is about to be given up failed: SQS hands on the record and no reason."""
    key = failure_key(_queue_name(record), record["body"])
    try:
        world().blobs.put(key, json.dumps(_reason(error, meta)).encode(), "application/json")
    except (ThroughlineError, ConfigurationError) as problem:
        _log(problem, where="note of a failure", record=meta.message_id)


def _reason(error: Exception, meta: RecordMeta) -> dict[str, Any]:
    """Return what may be told of a failure: nobody's words but our own."""
    return {
        "record": meta.message_id,
        "code": _code(error),
        "error": type(error).__name__,
        "why": str(error) if isinstance(error, ThroughlineError | ConfigurationError) else None,
        "place": _place(error),
        "receive_count": meta.receive_count,
        "sent_ms": meta.sent_ms,
        "at_ms": now_ms(),
    }


def _place(error: Exception) -> str:
    """Return where in the code it came up: the innermost line that is ours, and the innermost of all if that is not."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = next((frame for frame in reversed(frames) if _is_ours(frame.filename)), None)
    told = [frame for frame in (ours, frames[-1] if frames else None) if frame]
    return " < ".join(dict.fromkeys(f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in told[::-1]))


def _is_ours(file_name: str) -> bool:
    return "/throughline/" in file_name or "/functions/" in file_name


def _short(file_name: str) -> str:
    return "/".join(file_name.split("/")[-2:])


def _queue_name(record: Mapping[str, Any]) -> str:
    return str(record.get("eventSourceARN", "")).rpartition(":")[2] or "queue"


# ---------------------------------------------------------------- common to all


def _code(error: Exception) -> str:
    return error.code if isinstance(error, ThroughlineError) else INTERNAL


def _log(error: Exception, **about: Any) -> None:
    """Write one line: a warning for what was refused, an error with its place in the code for what is ours to mend."""
    extra = {"code": _code(error), **about}
    if isinstance(error, ThroughlineError) and not error.alert:
        logger.warning("refused", extra={**extra, "why": str(error)})
    else:
        logger.error("failed", extra=extra, exc_info=error)
