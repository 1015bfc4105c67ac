"""Blobs in memory."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.errors import NotFoundError


class FakeBlobs:
    """Blobs as a dict of key to (content, content type)."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, str]] = {}

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Keep content."""
        self.kept[key] = (content, content_type)

    def get(self, key: str) -> bytes:
        """Return content."""
        if key not in self.kept:
            raise NotFoundError(f"no blob {key}")
        return self.kept[key][0]

    def link(self, key: str, *, seconds: int, name: str | None = None) -> str:
        """Return a link that tells its arguments."""
        return f"https://blobs.test/{key}?seconds={seconds}&name={name or ''}"

    def upload_form(self, key: str, *, content_type: str, max_bytes: int, seconds: int) -> Mapping[str, Any]:
        """Return a form that tells its arguments."""
        fields = {"key": key, "Content-Type": content_type, "max_bytes": str(max_bytes), "seconds": str(seconds)}
        return {"url": "https://blobs.test/", "fields": fields}
