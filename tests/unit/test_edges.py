import ast
import json
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from functions._edges import GIVEN_UP_AFTER, RecordMeta, answer_frame, answers_http, answers_screen, process_records
from functions._wiring import use_world
from tests.fakes.blobs import FakeBlobs
from tests.fakes.telemetry import FakeTelemetry
from tests.unit.ends import broken
from throughline.domain.errors import (
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    MalformedPayloadError,
    NotFoundError,
    StoreUnavailableError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from throughline.telemetry import discreet, logger

if TYPE_CHECKING:
    import logging

    from throughline.ports import World

PROJECT = Path(__file__).parents[2]
SECRET = "4111 1111 1111 1111"
UNEXPECTED = [KeyError(SECRET), ValueError(SECRET), ConfigurationError("a queue is missing")]


class Stage:
    def __init__(self) -> None:
        self.blobs, self.telemetry = FakeBlobs(), FakeTelemetry()
        self.handled: list[tuple[dict[str, Any], RecordMeta]] = []

    def handle(self, job: dict[str, Any], meta: RecordMeta) -> None:
        error = job.get("raise")
        if error:
            raise FAILURES[error]
        self.handled.append((job, meta))

    @property
    def done(self) -> list[int]:
        return [job["n"] for job, _ in self.handled]


FAILURES: dict[str, Exception] = {
    "store": StoreUnavailableError("throttled"),
    "conflict": ConflictError("lost"),
    "missing": NotFoundError("no blob"),
    "configuration": ConfigurationError("no queue"),
    "bug": KeyError(SECRET),
    "malformed": MalformedPayloadError("no sender"),
    "invalid": InvalidRequestError("no identifier"),
}


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    use_world(cast("World", SimpleNamespace(blobs=made.blobs, telemetry=made.telemetry)))
    yield made
    use_world(None)


@pytest.fixture
def log() -> Iterator[StringIO]:
    """What is written to the log: its handler got hold of the standard output before the test did."""
    handler = cast("logging.StreamHandler[Any]", logger.registered_handler)
    written = StringIO()
    before = handler.setStream(written)
    yield written
    handler.setStream(before or sys.stdout)


# ---------------------------------------------------------------- HTTP and frames


def raising(error: Exception) -> Callable[[], Any]:
    def handler() -> None:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnauthenticatedError("no token"), 401, "unauthenticated"),
        (NotFoundError("no customer"), 404, "not_found"),
        (ConflictError("lost"), 409, "conflict"),
        (StoreUnavailableError("throttled"), 503, "store_unavailable"),
        *((error, 500, "internal") for error in UNEXPECTED),
    ],
)
def test_an_error_is_answered_with_its_status_and_code(error: Exception, status: int, code: str) -> None:
    answer = answers_http(raising(error))()

    assert (answer.status_code, answer.body) == (status, {"error": code})


@pytest.mark.parametrize(
    ("error", "body"),
    [
        (InvalidRequestError("limit: has to be 1 to 100"), {"message": "limit: has to be 1 to 100"}),
        (ForbiddenError("not theirs"), {}),
        (UnauthenticatedError("no token"), {}),
        *((error, {}) for error in UNEXPECTED),
    ],
)
def test_a_screen_is_told_what_is_wrong_with_its_request_and_nothing_else(
    error: Exception, body: dict[str, str]
) -> None:
    answer = answers_screen(raising(error))()

    assert {key: value for key, value in answer.body.items() if key != "error"} == body


def test_who_posts_a_webhook_is_not_told_what_is_wrong_with_it() -> None:
    assert answers_http(raising(InvalidRequestError("limit: has to be 1 to 100")))().body == {
        "error": "invalid_request"
    }


def advice() -> Iterator[str]:
    """Every fixed word in the messages of our own errors."""
    for root in ("functions", "layers/core/python/throughline"):
        for path in (PROJECT / root).rglob("*.py"):
            for raised in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Raise)):
                for part in ast.walk(raised):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def test_the_log_hides_nothing_of_our_own_advice() -> None:
    said = set(advice())

    assert "the token has expired" in said
    assert [discreet(words) for words in sorted(said)] == sorted(said)


def test_what_goes_well_is_answered_as_it_is() -> None:
    assert answers_http(lambda: {"ok": True})() == {"ok": True}


def test_an_error_frame_says_what_the_client_got_wrong() -> None:
    assert answer_frame("f1", raising(InvalidRequestError("text: is missing"))) == {
        "event": "error",
        "id": "f1",
        "code": "invalid_request",
        "message": "text: is missing",
    }


def test_a_conflict_over_a_version_tells_the_present_one() -> None:
    assert answer_frame("f1", raising(ConflictError("somebody else has answered", version=7)))["version"] == 7


@pytest.mark.parametrize("error", UNEXPECTED)
def test_an_error_frame_says_nothing_of_what_nobody_expected(error: Exception) -> None:
    frame = answer_frame("f1", raising(error))

    assert frame["code"] == "internal"
    assert str(error).strip("'") not in json.dumps(frame)


@pytest.mark.parametrize("error", [KeyError(SECRET), ValueError(SECRET)])
def test_the_log_has_the_place_and_not_the_words_of_what_nobody_expected(error: Exception, log: StringIO) -> None:
    answers_http(raising(error))()

    line = log.getvalue()
    assert SECRET not in line
    assert "test_edges.py" in line
    assert type(error).__name__ in line


def test_who_is_over_a_limit_is_told_when_to_come_again() -> None:
    refusal = answers_http(raising(TooManyRequestsError("over the limit", retry_after_s=7)))()
    assert (refusal.status_code, refusal.body) == (429, {"error": "too_many_requests"})
    assert refusal.headers == {"Retry-After": "7"}
    assert "Retry-After" not in answers_http(raising(ForbiddenError()))().headers


# ---------------------------------------------------------------- records


def event(*jobs: dict[str, Any], receive_count: int = 1) -> dict[str, Any]:
    return {"Records": [record(number, job, receive_count) for number, job in enumerate(jobs)]}


def record(number: int, job: dict[str, Any], receive_count: int) -> dict[str, Any]:
    return {
        "messageId": f"message-{number}",
        "receiptHandle": f"receipt-{number}",
        "body": json.dumps({"n": number, **job}),
        "attributes": {
            "ApproximateReceiveCount": str(receive_count),
            "SentTimestamp": "1763800000000",
            "MessageGroupId": job.get("group", "g"),
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:throughline-test-inbound.fifo",
    }


def failed(answer: dict[str, Any]) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def test_records_are_handled_in_order_and_leave_the_queue(stage: Stage) -> None:
    answer = process_records(event({}, {}, {}), stage.handle, fifo=True)

    assert (failed(answer), stage.done) == ([], [0, 1, 2])


def test_a_handler_is_told_how_often_a_record_was_handed_out_and_when_it_was_put(stage: Stage) -> None:
    process_records(event({}, receive_count=2), stage.handle, fifo=True)

    (_, meta) = stage.handled[0]
    assert meta == RecordMeta(message_id="message-0", receipt="receipt-0", receive_count=2, sent_ms=1_763_800_000_000)
    assert meta.repeated
    assert not RecordMeta(message_id="m", receipt="r", receive_count=1, sent_ms=0).repeated


def test_a_failure_holds_up_the_rest_of_its_own_group_and_nobody_elses(stage: Stage) -> None:
    jobs = [{"group": "eva"}, {"group": "eva", "raise": "store"}, {"group": "tim"}, {"group": "eva"}]

    assert failed(process_records(event(*jobs), stage.handle, fifo=True)) == ["message-1", "message-3"]
    assert stage.done == [0, 2]


def test_on_a_standard_queue_a_failure_holds_up_nothing(stage: Stage) -> None:
    answer = process_records(event({}, {"raise": "store"}, {}), stage.handle, fifo=False)

    assert (failed(answer), stage.done) == (["message-1"], [0, 2])


@pytest.mark.parametrize("kind", ["store", "conflict", "missing", "configuration", "bug"])
@pytest.mark.parametrize("fifo", [True, False])
def test_what_may_go_better_later_stays_on_the_queue(stage: Stage, kind: str, fifo: bool) -> None:
    assert failed(process_records(event({"raise": kind}), stage.handle, fifo=fifo)) == ["message-0"]
    assert stage.blobs.kept == {}


@pytest.mark.parametrize("kind", ["malformed", "invalid"])
def test_what_we_will_never_accept_is_kept_whole_and_holds_up_nobody(stage: Stage, kind: str) -> None:
    answer = process_records(event({"raise": kind}, {}), stage.handle, fifo=True)

    assert (failed(answer), stage.done) == ([], [1])
    (key,) = stage.blobs.kept
    assert key == "refused/throughline-test-inbound.fifo/message-0.json"
    aside = json.loads(stage.blobs.get(key))
    assert json.loads(aside["body"]) == {"n": 0, "raise": kind}
    assert (aside["group"], aside["why"]) == ("g", str(FAILURES[kind]))
    assert stage.telemetry.total("record_refused") == 1


def held(records: dict[str, Any], stage: Stage) -> list[str]:
    put_off: list[str] = []
    process_records(records, stage.handle, fifo=False, hold=put_off.append)
    return put_off


def test_a_record_that_failed_before_is_put_where_it_comes_back_apart_from_the_others(stage: Stage) -> None:
    batch = {"Records": [record(0, {}, 1), record(1, {}, 3), record(2, {}, 2), record(3, {"raise": "bug"}, 7)]}
    assert held(batch, stage) == ["receipt-1", "receipt-3"]


def test_a_record_that_stands_alone_takes_nobody_along(stage: Stage) -> None:
    assert held(event({}, receive_count=7), stage) == []


def test_a_record_is_not_handled_before_it_is_put_apart(stage: Stage) -> None:
    def unavailable(_: str) -> None:
        raise StoreUnavailableError("no answer")

    answer = process_records(event({}, {}, receive_count=3), stage.handle, fifo=False, hold=unavailable)
    assert (failed(answer), stage.done) == (["message-0", "message-1"], [])


def test_before_its_last_delivery_a_record_lets_those_behind_it_go_ahead(stage: Stage) -> None:
    batch = event({}, {}, {"group": "tim"}, {}, receive_count=GIVEN_UP_AFTER - 1)

    assert failed(process_records(batch, stage.handle, fifo=True)) == ["message-0"]
    assert stage.done == [1, 2, 3]


@pytest.mark.parametrize("receive_count", [GIVEN_UP_AFTER - 2, GIVEN_UP_AFTER])
def test_at_every_other_delivery_it_has_its_turn(stage: Stage, receive_count: int) -> None:
    process_records(event({}, {}, receive_count=receive_count), stage.handle, fifo=True)

    assert stage.done == [0, 1]


@pytest.mark.parametrize(
    ("kind", "code", "why"),
    [("store", "store_unavailable", "throttled"), ("configuration", "internal", "no queue"), ("bug", "internal", None)],
)
def test_why_a_record_is_about_to_be_given_up_is_noted(stage: Stage, kind: str, code: str, why: str | None) -> None:
    process_records(event({"raise": kind}, receive_count=GIVEN_UP_AFTER - 1), stage.handle, fifo=True)

    ((key, (content, _)),) = stage.blobs.kept.items()
    assert key.startswith("dead/throughline-test-inbound.fifo/")
    note = json.loads(content)
    assert (note["code"], note["error"], note["why"]) == (code, type(FAILURES[kind]).__name__, why)
    assert (note["record"], note["receive_count"], note["sent_ms"]) == ("message-0", 7, 1_763_800_000_000)
    assert note["place"].startswith("unit/test_edges.py:")
    assert "functions/_edges.py:" in note["place"]
    assert SECRET not in content.decode()


def test_an_earlier_failure_leaves_no_note(stage: Stage) -> None:
    process_records(event({"raise": "bug"}, receive_count=GIVEN_UP_AFTER - 2), stage.handle, fifo=True)

    assert stage.blobs.kept == {}


def test_a_reason_that_cannot_be_noted_does_not_hide_the_failure(stage: Stage) -> None:
    with broken(stage.blobs, "put"):
        answer = process_records(event({"raise": "bug"}, receive_count=GIVEN_UP_AFTER), stage.handle, fifo=True)

    assert failed(answer) == ["message-0"]


def test_a_record_that_cannot_be_set_aside_stays_on_the_queue_and_the_log_says_why(stage: Stage, log: StringIO) -> None:
    with broken(stage.blobs, "put"):
        assert failed(process_records(event({"raise": "invalid"}), stage.handle, fifo=True)) == ["message-0"]
    assert [json.loads(line)["code"] for line in log.getvalue().splitlines()] == ["store_unavailable"]


def test_a_body_too_large_for_the_queue_is_fetched_from_the_bucket(stage: Stage) -> None:
    stage.blobs.put("jobs/1.json", b'{"n": 7}', "application/json")
    large = event({})
    large["Records"][0]["body"] = '{"blob":"jobs/1.json"}'

    assert failed(process_records(large, stage.handle, fifo=True)) == []
    assert stage.done == [7]


def test_one_batch_leaves_nothing_behind_for_the_next(stage: Stage) -> None:
    process_records(event({"group": "eva", "raise": "store"}), stage.handle, fifo=True)

    assert failed(process_records(event({"group": "eva"}), stage.handle, fifo=True)) == []


def test_no_word_of_a_failed_record_is_logged(stage: Stage, log: StringIO) -> None:
    jobs = [{"raise": "bug", "text": SECRET}, {"raise": "invalid", "text": SECRET}]
    process_records(event(*jobs), stage.handle, fifo=False)

    assert log.getvalue().count("\n") == 2
    assert SECRET not in log.getvalue()
