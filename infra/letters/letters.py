"""A letter: something that did not get through, as an operator is shown it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from throughline.aws.queues import read_body
from throughline.domain.errors import NotFoundError
from throughline.ports import Blobs

NO_REASON = "no reason was noted: the function was cut off (out of time, out of memory) each of the last times"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One of them. `kind` is dead, refused or kept; `letter_id` names it in the command, `at` is its queue or account.

    `since_ms` is when it came, `there_ms` since when it lies there. `reason` is one line for the list, `details` is
    what `show` adds. `what` and `whose` say what kind of job it is and whom it concerns; what a person wrote is in
    `words` alone.
    """

    kind: str
    letter_id: str
    at: str
    since_ms: int
    there_ms: int = 0
    what: str
    whose: str
    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the body of a queue record is about."""

    what: str
    whose: str
    since_ms: int | None = None


def job_in(queue: str, body: str, blobs: Blobs) -> Job:
    """Return what a record of a queue (inbound, outbound, timers, media) is about, as far as it can be read."""
    try:
        job = read_body(body, blobs)
        return _READERS[queue](job)
    except NotFoundError:
        return Job(what="a job whose body is no longer in the bucket", whose="-")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Job(what="not a job", whose="-")


def member_of(group: str | None) -> str:
    """Return whom a group of a queue is about: a customer, or several that share a lane."""
    if not group:
        return "-"
    return f"customer {group}" if group.startswith("h-") else f"group {group}"


def reason_of(note: Mapping[str, Any]) -> str:
    """Return in one line why something failed or was refused."""
    why, code = note.get("why"), note["code"]
    told = note["error"] if code == "internal" else code
    return f"{told}: {why}" if why else f"{told} at {note['place']}"


def parsed(text: bytes | str) -> Any:
    """Return JSON, or None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def _inbound(job: Mapping[str, Any]) -> Job:
    event = job["event"]
    return Job(what=f"{event['kind']} on {job['account']}", whose="", since_ms=int(job["arrival_ms"]))


def _outbound(job: Mapping[str, Any]) -> Job:
    entry = job["entry"]
    return Job(
        what=f"reply on {entry['channel']}", whose=f"conversation {job['conversation']}", since_ms=entry["received_ms"]
    )


def _timers(job: Mapping[str, Any]) -> Job:
    concerned = ("conversation", "agent")
    whose = next((f"{name} {job[name]}" for name in concerned if name in job), "-")
    return Job(what=f"timer {job['kind']}", whose=whose)


def _media(job: Mapping[str, Any]) -> Job:
    return Job(what=f"file {job['index']} of entry {job['reference']}", whose=f"customer {job['home']}")


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Job]] = {
    "inbound": _inbound,
    "outbound": _outbound,
    "timers": _timers,
    "media": _media,
}
