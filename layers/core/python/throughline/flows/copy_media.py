"""Copy a customer's file into our bucket at once: the provider's link is gone soon."""

from dataclasses import replace

from throughline.domain.conversations import Entry
from throughline.domain.encodings import MediaJob
from throughline.domain.errors import ConfigurationError, DeliveryError, RetryableError
from throughline.domain.messages import Attachment
from throughline.domain.vias import Via
from throughline.flows.accounts import get_account
from throughline.flows.announce import announce_entry
from throughline.ports import MediaFile, World

ATTEMPTS = 6
WAITS_S = (5, 20, 60, 180, 600)


def copy_media(world: World, job: MediaJob, *, receipt: str, receive_count: int) -> None:
    """Fetch an attachment, keep it, and announce its entry again; or note on the attachment why that is not possible.

    Safe to repeat. After six attempts the file is given up.

    Raises:
        RetryableError: not now; the job is postponed, or a table or the bucket did not answer.
    """
    entry = world.threads.find_entry(job.home, job.reference)
    if entry is None or job.index >= len(entry.attachments):
        world.telemetry.count("media_unclaimed")
        return
    attachment = entry.attachments[job.index]
    if attachment.blob or attachment.failed:
        announce_entry(world, entry, again=True)
        return
    try:
        copied = _keep(world, job, attachment, _fetch(world, entry, attachment))
    except DeliveryError as gone:
        copied = replace(attachment, failed=gone.reason)
    except (RetryableError, ConfigurationError) as problem:
        if receive_count < ATTEMPTS:
            world.media.postpone(receipt, delay_s=WAITS_S[receive_count - 1])
            raise
        copied = replace(attachment, failed=_reason(problem))
    if copied.failed:
        world.telemetry.count("media_failed", channel=entry.channel)
    changed = world.threads.set_attachment(job.home, job.reference, job.index, copied)
    if changed:
        announce_entry(world, changed, again=True)


def _fetch(world: World, entry: Entry, attachment: Attachment) -> MediaFile:
    channel = world.channels.get(entry.channel)
    if channel is None:
        raise ConfigurationError(f"no channel is called {entry.channel}")
    account = get_account(world, Via.parse(entry.via or "").account)
    return channel.fetch_media(attachment, account, world.http)


def _keep(world: World, job: MediaJob, attachment: Attachment, file: MediaFile) -> Attachment:
    key = f"media/{job.home}/{job.reference.replace('#', '.')}/{job.index}"
    world.blobs.put(key, file.content, file.content_type)
    return replace(
        attachment,
        blob=key,
        content_type=file.content_type,
        name=attachment.name or file.name,
        size_bytes=len(file.content),
    )


def _reason(problem: RetryableError | ConfigurationError) -> str:
    if isinstance(problem, RetryableError):
        return f"given up after {ATTEMPTS} attempts: {problem.code}"
    return "our side is not set up for this channel account; an operator has to look"
