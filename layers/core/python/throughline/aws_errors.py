"""From AWS error codes to our errors. Matches strings, so that stores and adapters of every service share one table."""

from collections.abc import Mapping

from throughline.domain.errors import (
    ConfigurationError,
    ConflictError,
    NotFoundError,
    PayloadTooLargeError,
    StoreUnavailableError,
    ThroughlineError,
)

# What is not in the table is taken for trouble that may pass: a repeated call costs little, a lost message is lost.
_ERRORS: Mapping[str, type[ThroughlineError | ConfigurationError]] = {
    "ConditionalCheckFailedException": ConflictError,
    "GoneException": NotFoundError,
    "NoSuchKey": NotFoundError,
    "404": NotFoundError,
    "PayloadTooLargeException": PayloadTooLargeError,
    "AccessDenied": ConfigurationError,
    "AccessDeniedException": ConfigurationError,
    "AWS.SimpleQueueService.NonExistentQueue": ConfigurationError,
    "InvalidAccessKeyId": ConfigurationError,
    "InvalidClientTokenId": ConfigurationError,
    "InvalidKeyId": ConfigurationError,
    "InvalidSignatureException": ConfigurationError,
    "NoSuchBucket": ConfigurationError,
    "ParameterNotFound": ConfigurationError,
    "QueueDoesNotExist": ConfigurationError,
    "ResourceNotFoundException": ConfigurationError,
    "SignatureDoesNotMatch": ConfigurationError,
    "UnrecognizedClientException": ConfigurationError,
}


def error_for(code: str, operation: str) -> ThroughlineError | ConfigurationError:
    """Return the error that an AWS error code stands for; `operation` names the call in its message."""
    return _ERRORS.get(code, StoreUnavailableError)(f"{operation}: {code}")


def unreachable(operation: str, reason: str) -> StoreUnavailableError:
    """Return the error for a call that got no answer; `reason` is a word for what came between, no text of theirs."""
    return StoreUnavailableError(f"{operation}: no answer ({reason})")
