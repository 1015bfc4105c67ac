"""S3: media, raw webhooks, and bodies too large for a queue or a table."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from throughline.aws.clients import Clients, translated


class S3Blobs:
    """Blobs in one private bucket. Strongly consistent; links are signed with the function's own rights."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._clients = clients
        self._bucket = bucket

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep `content` under `key`: one PutObject."""
        with translated("writing to the bucket"):
            self._clients.s3.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def get(self, key: str) -> bytes:
        """Return what is kept under `key`: one GetObject; see ports.Blobs.

        Needs the right to list the bucket as well: without it S3 answers a miss with 403.
        """
        with translated("reading from the bucket"):
            return self._clients.s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def link(self, key: str, *, seconds: int, name: str | None = None) -> str:
        """Return a URL that reads `key`; no request. It always downloads: a customer's file must not run as a page."""
        file_name = f"; filename*=UTF-8''{quote(name, safe='')}" if name else ""
        wanted = {"Bucket": self._bucket, "Key": key, "ResponseContentDisposition": f"attachment{file_name}"}
        return self._clients.s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds)

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Mapping[str, Any]:
        """Return ``{"url", "fields"}`` of a form for one file of that type, of 1 to `max_bytes` bytes; no request."""
        return self._clients.s3.generate_presigned_post(
            Bucket=self._bucket,
            Key=key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, max_bytes]],
            ExpiresIn=seconds,
        )
