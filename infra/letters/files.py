"""Letters that lie in the bucket: records that were refused, and webhooks that were kept."""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from infra.letters.bucket import Bucket
from infra.letters.letters import Letter, job_in, member_of, parsed, reason_of
from infra.letters.queues import NAMES

REFUSED, KEPT = "refused", "kept"
DRIVING, DRIVEN = "driving", "driven"  # where a kept file lies while it is driven through again, and afterwards


def refused_letters(bucket: Bucket) -> Iterator[tuple[str, Letter]]:
    """Yield the records that will never be accepted as they are, each with its key."""
    for key in bucket.list_keys(f"{REFUSED}/"):
        yield key, _refused(key, _content(bucket, key), bucket)


def kept_letters(bucket: Bucket) -> Iterator[tuple[str, Letter]]:
    """Yield what is kept of webhooks, each with its key; also what a command that died was about to drive through."""
    for shelf in (DRIVING, KEPT):
        for key in bucket.list_keys(f"{shelf}/"):
            yield key, _kept(key, _content(bucket, key))


def queue_in(key: str) -> str:
    """Return the short name of the queue that a refused record came from."""
    full_name = key.split("/")[1].removesuffix(".fifo")
    return next((name for name in NAMES if full_name.endswith(f"-{name}")), full_name)


def _content(bucket: Bucket, key: str) -> dict[str, Any]:
    content = parsed(bucket.get(key))
    return content if isinstance(content, dict) else {}


def _refused(key: str, content: dict[str, Any], bucket: Bucket) -> Letter:
    queue, body = queue_in(key), str(content.get("body", ""))
    job, group = job_in(queue, body, bucket), content.get("group")
    return Letter(
        kind=REFUSED,
        letter_id=_name(key),
        at=queue,
        since_ms=job.since_ms or int(content.get("sent_ms", 0)),
        what=job.what,
        whose=job.whose or member_of(group),
        reason=reason_of(content) if "code" in content else "no reason was noted",
        details={name: value for name, value in content.items() if name != "body"},
        words=body,
    )


def _kept(key: str, content: dict[str, Any]) -> Letter:
    rest = [item for item in content.get("left_over", ()) if isinstance(item, dict)]
    report = content.get("job")
    channel = str(content.get("channel") or key.split("/")[1])
    return Letter(
        kind=KEPT,
        letter_id=_name(key),
        at=f"{channel}/{content['account']}" if "account" in content else channel,
        since_ms=int(content.get("received_ms", 0)),
        what="report on a message" if report else "webhook",
        whose="-",
        reason=", ".join(dict.fromkeys(str(item.get("reason")) for item in rest)) or "no reason was noted",
        details={name: content[name] for name in ("method", "content_type", "left_over") if name in content},
        words=str(report) if report else _posted(content),
    )


def _posted(content: dict[str, Any]) -> str:
    try:
        return base64.b64decode(str(content.get("body", ""))).decode(errors="replace")
    except binascii.Error:
        return ""


def _name(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(".json")
