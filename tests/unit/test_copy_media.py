from dataclasses import replace
from typing import Any

import pytest

from tests.unit.ends import HOME, NOW_MS, VIA, Scene, broken, change, scene_with_agent
from throughline.domain.configuration import Configuration
from throughline.domain.conversations import Direction, Entry, EntryKind
from throughline.domain.encodings import MediaJob
from throughline.domain.errors import (
    ConfigurationError,
    ProviderRejectedError,
    ProviderUnavailableError,
    StoreUnavailableError,
    UnsupportedContentError,
)
from throughline.domain.identifiers import reference
from throughline.domain.messages import Attachment
from throughline.flows.copy_media import ATTEMPTS, copy_media
from throughline.ports import MediaFile

REFERENCE = reference("telegram/demo_bot", "m1", NOW_MS)
KEY = f"media/{HOME}/{REFERENCE.replace('#', '.')}/1"
FILE = MediaFile(content=b"\x89PNG", content_type="image/png", name="photos/map.png")
JOB = MediaJob(home=HOME, reference=REFERENCE, index=1)


def scene_with_files() -> Scene:
    """Return a scene in which the customer sent two files, the first of them copied already."""
    scene = scene_with_agent()
    files = (Attachment(kind="image", source="f1", blob="media/x/y/0"), Attachment(kind="document", source="f2"))
    entry = Entry(
        home=HOME,
        reference=REFERENCE,
        by="i1",
        kind=EntryKind.MESSAGE,
        direction=Direction.INBOUND,
        channel="telegram",
        sent_ms=NOW_MS,
        received_ms=NOW_MS,
        via=VIA,
        attachments=files,
    )
    scene.threads.add_entry(entry)
    return scene


def copy(scene: Scene, *outcomes: Any, number: int = 1) -> Attachment:
    scene.channel.outcomes += outcomes
    copy_media(scene.world, JOB, receipt=f"receipt-{number}", receive_count=number)
    return scene.the_entry().attachments[1]


def test_a_file_is_kept_and_shown_as_ready() -> None:
    scene = scene_with_files()
    assert copy(scene, FILE) == Attachment(
        kind="document", source="f2", content_type="image/png", name="photos/map.png", size_bytes=4, blob=KEY
    )
    assert scene.blobs.kept == {KEY: (b"\x89PNG", "image/png")}
    (frame,) = scene.told("message")
    assert [file["ready"] for file in frame["entry"]["attachments"]] == [True, True]
    assert frame["version"] == scene.live().version


def test_a_copy_that_took_its_time_makes_no_message_late() -> None:
    scene = scene_with_files()
    change(scene, scene.live(), latest=reference("telegram/demo_bot", "m2", NOW_MS + 1))
    copy(scene, FILE)
    assert [frame["entry"]["late"] for frame in scene.told("message")] == [False]


def test_the_name_the_customer_gave_stays() -> None:
    scene = scene_with_files()
    named = Attachment(kind="document", source="f2", name="bill.pdf")
    scene.threads.set_attachment(HOME, REFERENCE, 1, named)
    assert copy(scene, FILE).name == "bill.pdf"


def test_the_account_the_file_came_to_fetches_it() -> None:
    scene = scene_with_files()
    copy(scene, FILE)
    assert [account.address for account in scene.channel.accounts] == ["demo_bot"]


def test_a_job_that_comes_again_fetches_nothing_and_announces_again() -> None:
    scene = scene_with_files()
    copy(scene, FILE)
    copy(scene, number=2)
    assert len(scene.channel.accounts) == 1
    assert len(scene.told("message")) == 2


def test_a_crash_before_the_entry_knows_is_repaired_by_the_repetition() -> None:
    scene = scene_with_files()
    with broken(scene.threads, "set_attachment"), pytest.raises(StoreUnavailableError):
        copy(scene, FILE)
    assert copy(scene, FILE, number=2).blob == KEY


@pytest.mark.parametrize(
    "problem", [ProviderRejectedError("the provider no longer has this file"), UnsupportedContentError("too large")]
)
def test_what_will_never_come_is_given_up_with_its_reason(problem: Any) -> None:
    scene = scene_with_files()
    attachment = copy(scene, problem)
    assert (attachment.blob, attachment.failed) == (None, problem.reason)
    assert scene.told("message")[0]["entry"]["attachments"][1]["failed"] == problem.reason
    assert scene.telemetry.total("media_failed", channel="telegram") == 1


@pytest.mark.parametrize("problem", [ProviderUnavailableError("away"), ConfigurationError("our token is wrong")])
def test_what_may_come_later_is_tried_six_times(problem: Exception) -> None:
    scene = scene_with_files()
    for number in range(1, ATTEMPTS):
        with pytest.raises(type(problem)):
            copy(scene, problem, number=number)
        assert scene.the_entry().attachments[1].failed is None
    assert copy(scene, problem, number=ATTEMPTS).failed is not None
    receipts, waits = zip(*scene.media.postponed, strict=True)
    assert receipts == tuple(f"receipt-{number}" for number in range(1, ATTEMPTS))
    assert list(waits) == sorted(set(waits))


def test_an_account_that_is_gone_gives_the_file_up_in_the_end() -> None:
    scene = scene_with_files()
    scene.settings.configuration = Configuration()
    assert "operator" in str(copy(scene, number=ATTEMPTS).failed)


@pytest.mark.parametrize("job", [replace(JOB, reference="0#a"), replace(JOB, index=2)])
def test_a_file_nobody_knows_of_is_counted(job: MediaJob) -> None:
    scene = scene_with_files()
    copy_media(scene.world, job, receipt="r", receive_count=1)
    assert scene.telemetry.total("media_unclaimed") == 1
    assert scene.told() == []
