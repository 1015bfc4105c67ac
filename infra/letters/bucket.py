"""The stage's bucket as the command reaches it: reading, moving and listing by prefix."""

from collections.abc import Iterator

from throughline.aws.blobs import S3Blobs
from throughline.aws.clients import translated

JSON = "application/json"


class Bucket(S3Blobs):
    """Blobs that can be listed and taken away as well."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys under `prefix` in order: one ListObjectsV2 for a thousand."""
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        with translated("listing the bucket"):
            for page in pages:
                yield from (item["Key"] for item in page.get("Contents", ()))

    def delete(self, key: str) -> None:
        """Take a blob away; one that is not there is no error."""
        with translated("deleting from the bucket"):
            self._clients.s3.delete_object(Bucket=self._bucket, Key=key)
