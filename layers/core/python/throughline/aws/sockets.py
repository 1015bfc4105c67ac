"""The WebSocket API's management side: the way to open sockets.

docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from throughline.aws.clients import Clients, translated
from throughline.domain.identifiers import ConnectionId

_NOBODY_THERE = frozenset({HTTPStatus.GONE, HTTPStatus.BAD_REQUEST})  # 400: it never was a connection id


class ApiGatewaySockets:
    """Sockets behind API Gateway. A frame may have 128 KB."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def post(self, connection: ConnectionId, frame: Mapping[str, Any]) -> bool:
        """Send one frame; False when nobody is there any more. One request.

        Raises:
            PayloadTooLargeError: the frame is over 128 KB. Send less.
            StoreUnavailableError: API Gateway throttled us or did not answer. The socket may still be open.
        """
        content = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
        with translated("posting to a socket"):
            return self._posted(connection, content)

    def _posted(self, connection: ConnectionId, content: bytes) -> bool:
        try:
            self._clients.sockets.post_to_connection(ConnectionId=connection, Data=content)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NOBODY_THERE:
                return False
            raise
        return True
