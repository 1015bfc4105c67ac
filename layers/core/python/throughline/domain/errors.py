"""Every error this system raises on purpose, and what each one means for a retry.

* ThroughlineError
  + RejectedError                 the caller is wrong; never retried                    4xx, record dropped
    - SignatureMismatchError      401
    - UnauthenticatedError        401
    - ForbiddenError              403
    - UnknownAccountError         404
    - PayloadTooLargeError        413
    - MalformedPayloadError       400
    - InvalidRequestError         400
  + NotFoundError                 404
  + ConflictError                 lost a race: a normal outcome, never alerted          409
  + RetryableError                the world is busy; the same call may succeed later    503, record stays on the queue
    - StoreUnavailableError
    - ProviderUnavailableError
    - ProviderThrottledError
    - TooManyRequestsError        429, `retry_after_s` as Retry-After
  + UnknownOutcomeError           the provider may or may not have taken it             503, marked `unknown`
  + PartlySentError               some parts of a split message were taken, then `cause` came up
  + DeliveryError                 the provider said no for good; the agent is told why
    - RecipientOptedOutError
    - WindowClosedError
    - NoChannelError
    - UnsupportedContentError
    - ProviderRejectedError

ConfigurationError stands outside the tree: it must stop the deployment, so nothing may swallow it.

A message of these errors is safe to log: it never holds a secret or a customer's words.
"""

from typing import ClassVar


class ConfigurationError(Exception):
    """The deployment is set up wrongly; an operator has to change something."""


class ThroughlineError(Exception):
    """Base of every deliberate error; `code` is stable and safe to show, log and count."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    alert: ClassVar[bool] = False


class RejectedError(ThroughlineError):
    """The caller sent something we will never accept."""

    code = "rejected"
    http_status = 400


class SignatureMismatchError(RejectedError):
    """The webhook was not signed by the provider we expected."""

    code = "signature_mismatch"
    http_status = 401


class UnauthenticatedError(RejectedError):
    """The caller did not prove who it is."""

    code = "unauthenticated"
    http_status = 401


class ForbiddenError(RejectedError):
    """The caller is known and may not do this."""

    code = "forbidden"
    http_status = 403


class UnknownAccountError(RejectedError):
    """No channel account of that name is configured."""

    code = "unknown_account"
    http_status = 404


class PayloadTooLargeError(RejectedError):
    """The body is over the limit."""

    code = "payload_too_large"
    http_status = 413


class MalformedPayloadError(RejectedError):
    """The webhook does not have the shape its provider documents."""

    code = "malformed_payload"


class InvalidRequestError(RejectedError):
    """A frame or a request body is not as the protocol says."""

    code = "invalid_request"


class NotFoundError(ThroughlineError):
    """There is no such thing."""

    code = "not_found"
    http_status = 404


class ConflictError(ThroughlineError):
    """Somebody else got there first; read again and choose again.

    `version` is the present one of a conversation whose version was the matter.
    """

    code = "conflict"
    http_status = 409

    def __init__(self, message: str = "", *, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version


class RetryableError(ThroughlineError):
    """The same call may succeed later."""

    code = "retryable"
    http_status = 503
    retryable = True


class StoreUnavailableError(RetryableError):
    """A table, queue or bucket did not answer, or throttled us."""

    code = "store_unavailable"


class ProviderUnavailableError(RetryableError):
    """The provider refused the connection or answered 5xx before it could have taken the message."""

    code = "provider_unavailable"


class ProviderThrottledError(RetryableError):
    """The provider asks for patience; `retry_after_s` is its own figure, or None."""

    code = "provider_throttled"

    def __init__(self, message: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRequestsError(RetryableError):
    """Somebody is over a limit; the same request will be taken in `retry_after_s` seconds."""

    code = "too_many_requests"
    http_status = 429

    def __init__(self, message: str = "", *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnknownOutcomeError(ThroughlineError):
    """The request left us and no answer came: repeating it might send twice."""

    code = "unknown_outcome"
    http_status = 503


class PartlySentError(ThroughlineError):
    """The provider took the first parts of a message (`provider_ids`) and then `cause` stopped the next one."""

    code = "partly_sent"
    http_status = 503

    def __init__(self, provider_ids: tuple[str, ...], cause: ThroughlineError) -> None:
        super().__init__(f"{len(provider_ids)} parts were taken, then {cause.code}")
        self.provider_ids = provider_ids
        self.cause = cause


class DeliveryError(ThroughlineError):
    """The provider will not deliver this, whatever we do; `reason` is shown to the agent."""

    code = "delivery_failed"
    http_status = 422

    def __init__(self, reason: str, *, provider_code: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.provider_code = provider_code


class RecipientOptedOutError(DeliveryError):
    """The customer does not want messages on this identifier."""

    code = "recipient_opted_out"


class WindowClosedError(DeliveryError):
    """The provider's reply window has closed; a template or another channel is the way on."""

    code = "window_closed"


class NoChannelError(DeliveryError):
    """The channel account it would go over is no longer configured; another channel is the way on."""

    code = "no_channel"


class UnsupportedContentError(DeliveryError):
    """The channel cannot carry this content."""

    code = "unsupported_content"


class ProviderRejectedError(DeliveryError):
    """The provider refused with a code of its own."""

    code = "provider_rejected"
