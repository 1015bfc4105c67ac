import json
from collections.abc import Mapping
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.fakes.blobs import FakeBlobs
from throughline.domain.errors import ForbiddenError, InvalidRequestError, NotFoundError
from throughline.domain.identifiers import AgentId
from throughline.domain.messages import Attachment
from throughline.domain.rights import Caller, Role
from throughline.flows.attach import MAX_UPLOAD_BYTES, get_upload, link_attachment, offer_upload
from throughline.ports import World

ANA = Caller(subject="ana", role=Role.AGENT, expires_ms=0)
BEN = Caller(subject="ben", role=Role.AGENT, expires_ms=0)
PHOTO = {"content_type": "image/jpeg", "size_bytes": 4_000, "name": "parcel.jpg"}


@pytest.fixture
def world() -> World:
    numbers = count(1)
    return cast("World", SimpleNamespace(blobs=FakeBlobs(), draw=lambda: f"{next(numbers):016x}"))


def test_an_upload_is_a_form_for_one_file_of_that_type_and_size(world: World) -> None:
    offered = offer_upload(world, ANA, PHOTO)

    assert offered["id"] == "u-00000000000000010000000000000002"
    assert offered["upload"]["fields"] == {
        "key": f"uploads/{offered['id']}",
        "Content-Type": "image/jpeg",
        "max_bytes": "4000",
        "seconds": "900",
    }


def test_what_was_uploaded_can_be_sent_by_whoever_uploaded_it(world: World) -> None:
    upload = offer_upload(world, ANA, PHOTO)["id"]

    assert get_upload(world, AgentId("ana"), upload) == Attachment(
        kind="image",
        content_type="image/jpeg",
        name="parcel.jpg",
        size_bytes=4_000,
        blob=f"uploads/{upload}",
    )


def test_nobody_sends_or_sees_what_a_colleague_uploaded(world: World) -> None:
    upload = offer_upload(world, ANA, PHOTO)["id"]

    with pytest.raises(NotFoundError):
        get_upload(world, AgentId("ben"), upload)
    with pytest.raises(NotFoundError):
        link_attachment(world, BEN, upload)
    assert link_attachment(world, ANA, upload).startswith(f"https://blobs.test/uploads/{upload}?seconds=300")


@pytest.mark.parametrize("upload", ["u-", "u-1/../../media/x", "u-1.json", "x", "../u-1", "u-1", "u-\uff11"])
def test_an_id_nobody_was_given_is_no_upload_and_no_path(world: World, upload: str) -> None:
    world.blobs.put("media/x.json", json.dumps({"by": "ana"}).encode(), "application/json")

    with pytest.raises(NotFoundError):
        get_upload(world, AgentId("ana"), upload)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"content_type": None}, "content_type"),
        ({"content_type": "jpeg"}, "content_type"),
        ({"content_type": "image/jpeg\r\nx: y"}, "content_type"),
        ({"content_type": "text/html; charset=utf-8"}, "content_type"),
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": MAX_UPLOAD_BYTES + 1}, "size_bytes"),
        ({"size_bytes": "4000"}, "size_bytes"),
        ({"name": ""}, "name"),
        ({"key": "media/x"}, "field"),
    ],
)
def test_a_wrong_field_is_refused_by_name(world: World, changed: Mapping[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequestError, match=named):
        offer_upload(world, ANA, {**PHOTO, **changed})


def test_visitors_who_came_through_no_web_chat_upload_nothing(world: World) -> None:
    with pytest.raises(ForbiddenError):
        offer_upload(world, Caller(subject="v", role=Role.VISITOR, expires_ms=0), PHOTO)


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [("image/png", "image"), ("video/mp4", "video"), ("audio/ogg", "audio"), ("application/pdf", "document")],
)
def test_the_kind_follows_from_the_type(world: World, content_type: str, kind: str) -> None:
    upload = offer_upload(world, ANA, {**PHOTO, "content_type": content_type})["id"]

    assert get_upload(world, AgentId("ana"), upload).kind == kind
