"""botocore clients: made on first use, once, and impatient. boto3 is not imported: it would slow every cold start."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from throughline.aws_errors import error_for, unreachable

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
ATTEMPTS = 3


class Clients:
    """The AWS services that queues, sockets, blobs and secrets talk to.

    `endpoint_url` is empty for AWS itself, else where something else answers for all of it. Safe to use from threads.
    """

    def __init__(self, *, region: str, sockets_endpoint: str = "", endpoint_url: str = "") -> None:
        self._region = region
        self._sockets_endpoint = sockets_endpoint
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._session = botocore.session.get_session()  # shared, because it keeps what it has read of AWS's models
        self._made: dict[str, Any] = {}

    @property
    def sqs(self) -> "SQSClient":
        """Return the client of the queues."""
        client: SQSClient = self._client("sqs")
        return client

    @property
    def ssm(self) -> "SSMClient":
        """Return the client of the parameter store."""
        client: SSMClient = self._client("ssm")
        return client

    @property
    def s3(self) -> "S3Client":
        """Return the client of the bucket, which is named in the host unless another endpoint has no such hosts."""
        style = "path" if self._endpoint_url else "virtual"
        client: S3Client = self._client("s3", signature_version="s3v4", s3={"addressing_style": style})
        return client

    @property
    def sockets(self) -> "ApiGatewayManagementApiClient":
        """Return the client that posts to open sockets. It has an endpoint of its own, whatever the others have."""
        client: ApiGatewayManagementApiClient = self._client("apigatewaymanagementapi")
        return client

    def _client(self, service: str, **options: Any) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service, options)
            return self._made[service]

    def _make(self, service: str, options: dict[str, Any]) -> Any:
        config = Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            **options,
        )
        endpoint = self._sockets_endpoint if service == "apigatewaymanagementapi" else self._endpoint_url
        return self._session.create_client(service, self._region, endpoint_url=endpoint or None, config=config)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a failure of AWS inside the block into our error; `doing` says what was tried, and is logged."""
    try:
        yield
    except ClientError as error:
        raise error_for(error.response.get("Error", {}).get("Code", ""), doing) from error
    except BotoCoreError as error:
        raise unreachable(doing, type(error).__name__) from error
