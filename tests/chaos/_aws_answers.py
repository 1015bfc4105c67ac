"""What AWS answers when it is busy: said once, for whoever puts it in the way of a request."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

TRANSACTION = "TransactWriteItems"


class _Raw(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        """Return the content as urllib3 does."""
        yield self.read()


def response(status: int, body: bytes = b"", **headers: str) -> AWSResponse:
    """Return an answer as if AWS had sent it; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return AWSResponse("https://aws.test/", status, HTTPHeaders.from_dict(named), _Raw(body))


def throttled(service: str) -> AWSResponse:
    """Return how a service says that it is asked too much."""
    match service:
        case "dynamodb":
            return _refusal("ProvisionedThroughputExceededException")
        case "s3":
            return response(503, b"<Error><Code>SlowDown</Code><Message>slow down</Message></Error>")
        case "apigatewaymanagementapi":
            return response(429, b"{}", x_amzn_errortype="LimitExceededException")
        case "sqs":
            return _refusal("RequestThrottled")
    return _refusal("ThrottlingException")


def conflicting(operation: str, *, parts: int = 2, in_progress: bool = False) -> AWSResponse:
    """Return what a write, or a transaction of so many parts, is told that met another one."""
    if in_progress:
        return _refusal("TransactionInProgressException")
    if operation == TRANSACTION:
        reasons = [{"Code": "TransactionConflict", "Message": "conflict"}, *[{"Code": "None"}] * (parts - 1)]
        return _refusal("TransactionCanceledException", CancellationReasons=reasons)
    return _refusal("TransactionConflictException")


def _refusal(code: str, **more: Any) -> AWSResponse:
    body = {"__type": f"com.amazonaws#{code}", "message": "injected", "Message": "injected", **more}
    return response(400, json.dumps(body).encode(), content_type="application/x-amz-json-1.0")
