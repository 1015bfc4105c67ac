import pytest

from throughline.aws_errors import error_for, unreachable
from throughline.domain.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    RetryableError,
    StoreUnavailableError,
)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ProvisionedThroughputExceededException", StoreUnavailableError),
        ("ThrottlingException", StoreUnavailableError),
        ("InternalServerError", StoreUnavailableError),
        ("TransactionConflictException", StoreUnavailableError),
        ("SlowDown", StoreUnavailableError),
        ("SomethingNobodyHasSeen", StoreUnavailableError),
        ("", StoreUnavailableError),
        ("ConditionalCheckFailedException", ConflictError),
        ("NoSuchKey", NotFoundError),
        ("PayloadTooLargeException", PayloadTooLargeError),
        ("ResourceNotFoundException", ConfigurationError),
        ("AccessDeniedException", ConfigurationError),
        ("AWS.SimpleQueueService.NonExistentQueue", ConfigurationError),
    ],
)
def test_a_code_becomes_the_error_that_says_what_to_do(code: str, expected: type[Exception]) -> None:
    assert type(error_for(code, "PutItem")) is expected


def test_an_error_names_the_call_and_the_code() -> None:
    assert str(error_for("SlowDown", "PutObject")) == "PutObject: SlowDown"


def test_no_answer_may_be_asked_for_again() -> None:
    assert isinstance(unreachable("GetItem", "ReadTimeoutError"), RetryableError)
    assert str(unreachable("GetItem", "ReadTimeoutError")) == "GetItem: no answer (ReadTimeoutError)"
