import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.replies import a_reply
from tests.unit.ends import (
    ACCOUNT_ID,
    AGENT,
    CUSTOMER,
    HOME,
    NOW_MS,
    SOCKET,
    Scene,
    change,
    converse,
    made_at,
    scene_with_agent,
)
from throughline.domain.conversations import Entry
from throughline.domain.encodings import decode_outbound
from throughline.domain.identifiers import Identifier, digest, home_of
from throughline.domain.messages import DELIVERY_RANK, DeliveryStatus, StatusReported
from throughline.flows.acknowledge import acknowledge
from throughline.flows.deliver import deliver
from throughline.flows.reply import add_note, send_reply

SENT, DELIVERED, READ, FAILED = (
    DeliveryStatus.SENT,
    DeliveryStatus.DELIVERED,
    DeliveryStatus.READ,
    DeliveryStatus.FAILED,
)


def replied(*, sent: bool = True, text: str = "on its way") -> Scene:
    scene = scene_with_agent()
    conversation = scene.live().conversation
    message_id = made_at(NOW_MS)
    send_reply(scene.world, AGENT, a_reply(conversation, message_id=message_id, text=text))
    if sent:
        run_worker(scene)
    scene.sockets.frames.clear()
    return scene


def run_worker(scene: Scene) -> None:
    deliver(scene.world, decode_outbound(scene.outbound.take()[0]), receipt="r", receive_count=1)


def report(scene: Scene, status: DeliveryStatus, **changes: Any) -> Entry:
    """Let the provider report on the reply; return the entry as it stands then."""
    event = StatusReported(
        channel="telegram",
        account=ACCOUNT_ID,
        provider_id=f"p1:{status}",
        senders=(CUSTOMER,),
        message_id="p1",
        status=status,
        entry=scene.the_entry().entry_id,
        raw={"status": status},
    )
    acknowledge(scene.world, replace(event, **changes), arrival_ms=scene.now_ms)
    return scene.the_entry()


REPORTED = st.sampled_from([SENT, DELIVERED, READ, FAILED])


@given(st.lists(REPORTED, max_size=6), st.integers(0, 6))
def test_reports_in_any_order_never_move_a_status_back(reports: list[DeliveryStatus], sent_after: int) -> None:
    scene = replied(sent=False)
    ranks = [DELIVERY_RANK[DeliveryStatus.QUEUED]]
    for number, status in enumerate([*reports, None]):
        if number == min(sent_after, len(reports)):
            run_worker(scene)
        if status:
            report(scene, status)
        ranks.append(DELIVERY_RANK[scene.the_entry().status or DeliveryStatus.QUEUED])
    assert ranks == sorted(ranks)
    highest = max((DELIVERY_RANK[status] for status in reports), default=0)
    assert ranks[-1] == max(highest, DELIVERY_RANK[SENT])
    assert scene.the_entry().provider_ids == ("p1",)


def test_a_report_is_shown_to_the_agent_without_a_new_version() -> None:
    scene = replied()
    version = scene.live().version
    report(scene, DELIVERED)
    assert scene.told() == [
        {
            "event": "message.status",
            "conversation": scene.live().conversation,
            "version": version,
            "entry": scene.the_entry().entry_id,
            "status": "delivered",
            "reason": None,
            "names": [digest(ACCOUNT_ID, "p1")],
        }
    ]


def test_the_same_report_again_is_not_shown_again() -> None:
    scene = replied()
    report(scene, DELIVERED)
    report(scene, DELIVERED)
    assert len(scene.told()) == 1


def test_a_failure_after_the_send_tells_why() -> None:
    scene = replied()
    entry = report(scene, FAILED, reason="the phone is switched off")
    assert (entry.status, entry.reason) == (FAILED, "the phone is switched off")
    assert scene.told()[0]["reason"] == "the phone is switched off"


def test_a_late_delivery_takes_a_failure_back() -> None:
    scene = replied()
    report(scene, FAILED, reason="the phone is switched off")
    entry = report(scene, DELIVERED)
    assert (entry.status, entry.reason) == (DELIVERED, None)


def test_a_report_may_come_before_we_know_that_it_was_sent() -> None:
    scene = replied(sent=False)
    entry = report(scene, DELIVERED)
    assert (entry.status, entry.provider_ids) == (DELIVERED, ("p1",))


def test_a_report_on_one_part_does_not_hide_the_parts_to_come() -> None:
    scene = replied(sent=False, text="x" * 101)  # the channel cuts at a hundred
    assert report(scene, DELIVERED).status is DeliveryStatus.QUEUED
    run_worker(scene)
    assert len(scene.channel.sent) == 1
    assert report(scene, DELIVERED).status is DELIVERED


def test_a_part_that_failed_fails_the_whole() -> None:
    scene = replied(sent=False, text="x" * 101)
    assert report(scene, FAILED).status is FAILED


# ---------------------------------------------------------------- opt-outs


def opted_out(scene: Scene) -> bool:
    known = scene.customers.find_identifier(scene.live().customer, CUSTOMER)
    return known is not None and known.opted_out(ACCOUNT_ID)


def test_a_report_that_the_customer_opted_out_is_remembered() -> None:
    scene = replied()
    report(scene, FAILED, opted_out=True)
    assert opted_out(scene)


def test_an_ordinary_failure_is_no_opt_out() -> None:
    scene = replied()
    report(scene, FAILED)
    assert not opted_out(scene)


def test_an_opt_in_since_then_stays() -> None:
    scene = replied()
    customer = scene.live().customer
    scene.customers.set_consent(customer, CUSTOMER, ACCOUNT_ID, granted=True, at_ms=NOW_MS + 5)
    report(scene, FAILED, opted_out=True, sent_ms=NOW_MS)
    assert not opted_out(scene)


# ---------------------------------------------------------------- reports on what is not ours


@pytest.mark.parametrize("entry", [None, "", "order-4711", f"{HOME}.{NOW_MS}.ffffffffffffffffffffff", "h-0.1.a"])
def test_a_report_on_a_message_that_is_not_ours_is_kept_and_counted(entry: str | None) -> None:
    scene = replied()
    before = scene.the_entry()
    report(scene, DELIVERED, entry=entry)
    assert scene.the_entry() == before
    ((key, (content, _)),) = scene.blobs.kept.items()
    assert key.startswith("kept/telegram/2025/11/22/")
    assert json.loads(content)["job"]["event"]["raw"] == {"status": "delivered"}
    assert scene.telemetry.total("webhook_kept", channel="telegram", reason="unknown_message") == 1


def test_a_report_of_another_channel_moves_nothing() -> None:
    scene = replied()
    assert report(scene, READ, channel="whatsapp", account="whatsapp/1").status is SENT


def test_a_report_cannot_be_about_a_note() -> None:
    scene = scene_with_agent()
    add_note(scene.world, AGENT, scene.live().conversation, note_id=made_at(NOW_MS), text="hm")
    assert report(scene, READ).status is None


def test_the_agent_of_the_conversation_it_joined_is_told() -> None:
    scene = replied()
    old = scene.live()
    survivor = converse(scene, home_of(Identifier(kind="tel", value="+14155550100"), b"k"), "sms/1|tel:+14155550100")
    change(scene, survivor, sockets=("socket-of-grace",))
    assert scene.threads.move_home(HOME, survivor.home, old)
    report(scene, READ)
    assert [frame["status"] for frame in scene.sockets.to("socket-of-grace")] == ["read"]
    assert scene.sockets.to(SOCKET) == []


def test_nobody_needs_to_be_there() -> None:
    scene = replied()
    scene.threads.lives.clear()
    assert report(scene, READ).status is READ
