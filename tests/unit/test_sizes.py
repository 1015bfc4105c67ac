from typing import Any

import pytest

from throughline.domain.encodings import InboundJob, encode_inbound
from throughline.domain.identifiers import Identifier
from throughline.domain.json_fields import size_bytes
from throughline.domain.messages import (
    Attachment,
    ChannelEvent,
    DeliveryStatus,
    IdentityChanged,
    Location,
    MessageEdited,
    MessageReceived,
    StatusReported,
)
from throughline.domain.sizes import MAX_EVENT_BYTES, MAX_TEXT_BYTES, cut_to_size, fits

CUSTOMER = Identifier(kind="telegram", value="7")
ENDLESS = Identifier(kind="telegram", value="7" * 5_000)
SOURCE: dict[str, Any] = {"channel": "telegram", "account": "telegram/1", "provider_id": "m1", "senders": (CUSTOMER,)}


def message(**fields: Any) -> MessageReceived:
    return MessageReceived(**(SOURCE | fields))


def size(event: ChannelEvent) -> int:
    return size_bytes(encode_inbound(InboundJob(inbound="", arrival_ms=0, event=event)))


def test_an_ordinary_event_is_left_alone() -> None:
    ordinary = message(
        text="x" * MAX_TEXT_BYTES,
        name="Maya",
        raw={"text": "x" * MAX_TEXT_BYTES},
        attachments=(Attachment(kind="image", size_bytes=20 << 20),),
        location=Location(latitude=-90.0, longitude=180.0),
    )
    assert cut_to_size(ordinary) is ordinary
    assert fits(ordinary)


@pytest.mark.parametrize("letter", ["x", "é", "漢", "🚀"])
def test_a_long_text_loses_its_end_and_says_so(letter: str) -> None:
    cut = cut_to_size(message(text=letter * 400_000, details={"command": "x"}))
    assert isinstance(cut, MessageReceived)
    assert cut.text is not None
    assert len(cut.text.encode()) <= MAX_TEXT_BYTES + 3
    assert set(cut.text) == {letter, "…"}
    assert cut.details == {"command": "x", "cut": True}
    assert fits(cut)


def test_a_long_edit_loses_its_end() -> None:
    cut = cut_to_size(MessageEdited(**SOURCE, target="m0", text="x" * 400_000))
    assert isinstance(cut, MessageEdited)
    assert cut.text == "x" * MAX_TEXT_BYTES + "…"


def test_a_raw_part_that_is_too_large_is_left_out() -> None:
    cut = cut_to_size(message(text="hello", raw={"noise": "x" * MAX_EVENT_BYTES}))
    assert cut == message(text="hello")


def test_a_name_without_end_is_cut() -> None:
    assert cut_to_size(message(name="ab" * 5_000)).name == "ab" * 100


@pytest.mark.parametrize("figure", [10**400, -(10**60), 2**53])
def test_figures_that_measure_nothing_are_left_out(figure: int) -> None:
    files = (Attachment(kind="image", size_bytes=figure), Attachment(kind="image", size_bytes=1))
    cut = cut_to_size(message(attachments=files, location=Location(latitude=1e200, longitude=0.0)))
    assert cut == message(attachments=(Attachment(kind="image"), files[1]))


@pytest.mark.parametrize(
    "event",
    [
        message(senders=(ENDLESS,)),
        message(senders=(CUSTOMER, ENDLESS)),
        message(details={"products": ["x" * MAX_EVENT_BYTES]}),
        IdentityChanged(**SOURCE, previous=CUSTOMER, current=ENDLESS),
        StatusReported(**SOURCE, message_id="p" * 5_000, status=DeliveryStatus.SENT),
    ],
)
def test_what_is_too_large_elsewhere_does_not_fit(event: ChannelEvent) -> None:
    assert not fits(cut_to_size(event))


def test_what_fits_is_no_larger_than_it_says() -> None:
    cut = cut_to_size(message(text="漢" * 300_000, raw={"text": "漢" * 300_000}, name="n" * 9_000))
    assert fits(cut)
    assert size(cut) <= MAX_EVENT_BYTES
