from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.channel import FakeChannel
from tests.replies import a_reply
from tests.unit.ends import (
    ACCOUNT,
    ACCOUNT_ID,
    AGENT,
    CUSTOMER,
    HOME,
    NOW_MS,
    SOCKET,
    VIA,
    Scene,
    broken,
    change,
    close,
    converse,
    made_at,
    scene_with_agent,
)
from throughline.domain.client_frames import TemplateAsked
from throughline.domain.conversations import ContactState, Direction, Entry, EntryKind
from throughline.domain.encodings import decode_outbound
from throughline.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NoChannelError,
    NotFoundError,
    RecipientOptedOutError,
    StoreUnavailableError,
    WindowClosedError,
)
from throughline.domain.identifiers import AgentId, ConversationId
from throughline.domain.messages import DeliveryStatus
from throughline.domain.quick_replies import Form, QuickReply, QuickReplyKind
from throughline.domain.rights import Caller, Role
from throughline.domain.templates import FilledTemplate, MessageTemplate
from throughline.flows.attach import offer_upload
from throughline.flows.deliver import deliver
from throughline.flows.reply import MAX_TEXT_CHARACTERS, add_note, send_reply

RANDOM_ID = "0b2c9f0e-6f0f-4a59-9d2e-6a3c0d6f7b11"
OTHER_VIA = "telegram/other_bot|telegram:3527065"


def reply(scene: Scene, message_id: str = made_at(NOW_MS), **changes: Any) -> Entry:
    conversation = changes.pop("conversation", None) or scene.live().conversation
    agent = changes.pop("agent", AGENT)
    fields: dict[str, Any] = {"text": "on its way"}
    return send_reply(scene.world, agent, a_reply(conversation, message_id=message_id, **(fields | changes)))


def note(scene: Scene, note_id: str = made_at(NOW_MS), text: str = "calls himself Nic") -> Entry:
    return add_note(scene.world, AGENT, scene.live().conversation, note_id=note_id, text=text)


VISIT = FilledTemplate(name="visit", provider_name="visit_2", language="en", parameters=("Nic",))


def scene_with_templates(reply_window_ms: int | None = None) -> Scene:
    scene = scene_with_agent(FakeChannel(reply_window_ms=reply_window_ms))  # the customer wrote 60 s ago
    templates = {
        "visit": MessageTemplate(name="visit", provider_name="visit_2", language="en", text="Hi {{1}}, we come at ten"),
        "with-picture": MessageTemplate(name="with-picture", language="en", text="Look", header="image"),
    }
    accounts = {"telegram/demo": replace(ACCOUNT, templates=templates)}
    scene.settings.configuration = replace(scene.settings.configuration, accounts=accounts)
    return scene


def work_off(scene: Scene) -> None:
    """Do what the outbound worker does."""
    for job in scene.outbound.take():
        deliver(scene.world, decode_outbound(job), receipt="r", receive_count=1)


def nothing_written(scene: Scene) -> bool:
    return not scene.threads.entries and not scene.outbound.jobs and not scene.threads.arrivals


# ---------------------------------------------------------------- a reply


def test_a_reply_stands_in_the_thread_and_in_the_queue_when_it_is_acknowledged() -> None:
    scene = scene_with_agent()
    entry = reply(scene)
    assert entry == scene.the_entry()
    assert (entry.kind, entry.direction, entry.status) == (
        EntryKind.MESSAGE,
        Direction.OUTBOUND,
        DeliveryStatus.QUEUED,
    )
    assert (entry.text, entry.author, entry.via, entry.sent_ms) == ("on its way", AGENT, VIA, NOW_MS)
    (queued,) = scene.outbound.accepted
    assert (queued.group, queued.dedup) == (HOME, entry.entry_id)
    assert decode_outbound(queued.job).entry == entry


def test_a_reply_is_not_announced_before_it_is_sent() -> None:
    scene = scene_with_agent()
    version = scene.live().version
    reply(scene)
    assert scene.told() == []
    assert scene.live().version == version


@pytest.mark.parametrize("message_id", [made_at(NOW_MS), RANDOM_ID, "client-message-1"])
@pytest.mark.parametrize("later_s", [0, 5, 60])
def test_the_same_frame_again_is_no_second_entry_and_no_second_send(message_id: str, later_s: int) -> None:
    scene = scene_with_agent()
    first = reply(scene, message_id)
    scene.later(later_s)
    assert reply(scene, message_id) == first
    work_off(scene)
    assert scene.the_entry().entry_id == first.entry_id
    assert [message.text for message in scene.channel.sent] == ["on its way"]


def test_the_same_frame_after_the_reply_was_sent_sends_nothing_more() -> None:
    scene = scene_with_agent()
    message_id = RANDOM_ID
    reply(scene, message_id)
    work_off(scene)
    scene.later(301)  # by now the queue would take the same job again
    assert reply(scene, message_id).status is DeliveryStatus.SENT
    work_off(scene)
    assert len(scene.channel.sent) == 1
    assert len(scene.threads.entries) == 1


def test_two_messages_with_the_same_words_are_two() -> None:
    scene = scene_with_agent()
    assert reply(scene, made_at(NOW_MS, 1)).entry_id != reply(scene, made_at(NOW_MS, 2)).entry_id
    assert len(scene.outbound.jobs) == 2


def test_what_dies_between_queue_and_entry_is_sent_nevertheless() -> None:
    scene = scene_with_agent()
    with broken(scene.threads, "add_entry"), pytest.raises(StoreUnavailableError):
        reply(scene)
    work_off(scene)
    assert scene.the_entry().status is DeliveryStatus.SENT
    assert reply(scene).status is DeliveryStatus.SENT
    assert len(scene.channel.sent) == 1


def test_nothing_is_in_the_thread_that_is_not_in_the_queue() -> None:
    scene = scene_with_agent()
    scene.outbound.fail_at = 0
    with pytest.raises(StoreUnavailableError):
        reply(scene)
    assert nothing_written(scene)


# ---------------------------------------------------------------- whose conversation


@pytest.mark.parametrize("state", [ContactState.ACTIVE, ContactState.WRAPPING, ContactState.PAUSED])
def test_the_holder_may_write(state: ContactState) -> None:
    scene = scene_with_agent()
    change(scene, scene.live(), state=state)
    assert reply(scene).status is DeliveryStatus.QUEUED


@pytest.mark.parametrize(
    "changes",
    [
        {"holder": AgentId("grace")},
        {"state": ContactState.OFFERED},
        {"state": ContactState.QUEUED, "holder": None},
        {"state": ContactState.RESOLVED, "holder": None, "preferred": AGENT},
        {"state": ContactState.PAUSED, "holder": AgentId("grace"), "preferred": AGENT},
    ],
)
def test_nobody_else_may(changes: dict[str, Any]) -> None:
    scene = scene_with_agent()
    change(scene, scene.live(), **changes)
    with pytest.raises(ForbiddenError):
        reply(scene)
    assert nothing_written(scene)


def test_a_conversation_that_is_not_the_live_one_is_nobodys() -> None:
    scene = scene_with_agent()
    for other in (f"{HOME}.0000000000", "h-ffffffffffffffffffff.0000000000"):
        with pytest.raises(ForbiddenError):
            reply(scene, conversation=ConversationId(other))
    assert nothing_written(scene)


def test_a_frame_whose_ack_was_lost_is_acknowledged_though_the_contact_is_gone_by_now() -> None:
    scene = scene_with_agent()
    first, conversation = reply(scene), scene.live().conversation
    close(scene, scene.live())
    assert reply(scene, conversation=conversation) == first


# ---------------------------------------------------------------- which way


def test_a_reply_goes_the_way_the_agent_chose() -> None:
    scene = scene_with_agent()
    other = replace(ACCOUNT, name="other", address="other_bot")
    scene.settings.configuration = replace(
        scene.settings.configuration, accounts={"telegram/demo": ACCOUNT, "telegram/other": other}
    )
    change(scene, scene.live(), vias={OTHER_VIA: NOW_MS})
    assert reply(scene, via=OTHER_VIA).via == OTHER_VIA


@pytest.mark.parametrize("gone", [OTHER_VIA, "pigeon/loft|pigeon:1"])
def test_a_way_whose_account_was_taken_out_of_the_configuration_is_refused(gone: str) -> None:
    scene = scene_with_agent()
    change(scene, scene.live(), vias={gone: NOW_MS})
    with pytest.raises(NoChannelError):
        reply(scene, via=gone)
    assert nothing_written(scene)


@pytest.mark.parametrize("via", ["telegram:999", "telegram/demo_bot|telegram:999"])
def test_a_way_this_customer_never_used_is_refused(via: str) -> None:
    scene = scene_with_agent()
    with pytest.raises(InvalidRequestError):
        reply(scene, via=via)
    assert nothing_written(scene)


def test_a_customer_who_opted_out_is_not_written_to() -> None:
    scene = scene_with_agent()
    scene.customers.set_consent(scene.live().customer, CUSTOMER, ACCOUNT_ID, granted=False, at_ms=NOW_MS - 1)
    with pytest.raises(RecipientOptedOutError):
        reply(scene)
    assert nothing_written(scene)


def test_an_opt_out_from_another_account_does_not_count() -> None:
    scene = scene_with_agent()
    scene.customers.set_consent(scene.live().customer, CUSTOMER, "telegram/other_bot", granted=False, at_ms=1)
    assert reply(scene).status is DeliveryStatus.QUEUED


@pytest.mark.parametrize(("window_s", "closed"), [(61, False), (60, True), (59, True)])
def test_a_closed_reply_window_is_told_before_anything_is_written(window_s: int, closed: bool) -> None:
    scene = scene_with_agent(FakeChannel(reply_window_ms=window_s * 1000))  # the customer wrote 60 s ago
    if closed:
        with pytest.raises(WindowClosedError):
            reply(scene)
        assert nothing_written(scene)
    else:
        assert reply(scene).status is DeliveryStatus.QUEUED


def test_a_template_goes_out_when_the_window_has_closed() -> None:
    scene = scene_with_templates(reply_window_ms=59_000)
    entry = reply(scene, text=None, template=TemplateAsked(name="visit", parameters=("Nic",)))
    assert (entry.text, entry.template) == ("Hi Nic, we come at ten", VISIT)
    work_off(scene)
    [sent] = scene.channel.sent
    assert (sent.text, sent.template) == ("Hi Nic, we come at ten", VISIT)


@pytest.mark.parametrize(
    ("name", "parameters"), [("visit", ()), ("visit", ("Nic", "10")), ("welcome", ("Nic",)), ("with-picture", ())]
)
def test_a_template_that_does_not_fit_is_refused(name: str, parameters: tuple[str, ...]) -> None:
    scene = scene_with_templates()
    with pytest.raises(InvalidRequestError):
        reply(scene, text=None, template=TemplateAsked(name=name, parameters=parameters))
    assert nothing_written(scene)


def test_the_same_id_with_another_template_is_a_conflict_and_with_the_same_one_no_second_send() -> None:
    scene, message_id = scene_with_templates(), made_at(NOW_MS)
    asked = TemplateAsked(name="visit", parameters=("Nic",))
    first = reply(scene, message_id, text=None, template=asked)
    scene.settings.configuration = replace(scene.settings.configuration, accounts={"telegram/demo": ACCOUNT})
    assert reply(scene, message_id, text=None, template=asked) == first
    with pytest.raises(ConflictError):
        reply(scene, message_id, text=None, template=TemplateAsked(name="visit", parameters=("Eva",)))
    with pytest.raises(ConflictError):
        reply(scene, message_id, text="Hi Nic, we come at ten")


# ---------------------------------------------------------------- quick replies


def test_quick_replies_go_along() -> None:
    scene = scene_with_agent()
    ready = (QuickReply(kind=QuickReplyKind.REPLY, text="Yes"),)
    assert reply(scene, quick_replies=ready).quick_replies == ready
    work_off(scene)
    assert scene.channel.sent[0].quick_replies == ready


def test_the_same_id_with_other_quick_replies_is_a_conflict() -> None:
    scene, message_id = scene_with_agent(), made_at(NOW_MS)
    reply(scene, message_id)
    with pytest.raises(ConflictError):
        reply(scene, message_id, quick_replies=(QuickReply(kind=QuickReplyKind.REPLY, text="Yes"),))


@pytest.mark.parametrize(("url", "taken"), [("https://a.example/form", True), (None, False)])
def test_a_form_of_another_provider_cannot_be_written_out(url: str | None, taken: bool) -> None:
    scene = scene_with_agent()
    booking = QuickReply(kind=QuickReplyKind.FORM, text="Book", url=url, form=Form(form_id="1"))
    if taken:
        assert reply(scene, quick_replies=(booking,)).quick_replies == (booking,)
    else:
        with pytest.raises(InvalidRequestError):
            reply(scene, quick_replies=(booking,))
        assert nothing_written(scene)


# ---------------------------------------------------------------- what it says


@pytest.mark.parametrize("text", [None, "", " \n", "x" * (MAX_TEXT_CHARACTERS + 1)])
def test_nothing_and_far_too_much_are_refused(text: str | None) -> None:
    scene = scene_with_agent()
    with pytest.raises(InvalidRequestError):
        reply(scene, text=text)
    assert nothing_written(scene)


def upload(scene: Scene, agent: AgentId = AGENT) -> str:
    caller = Caller(subject=agent, role=Role.AGENT, expires_ms=NOW_MS + 1)
    offered = offer_upload(scene.world, caller, {"content_type": "image/png", "size_bytes": 9, "name": "map.png"})
    return str(offered["id"])


def test_files_go_along_by_the_id_of_their_upload() -> None:
    scene = scene_with_agent()
    (attachment,) = reply(scene, text=None, attachments=(upload(scene),)).attachments
    assert (attachment.kind, attachment.content_type, attachment.name) == ("image", "image/png", "map.png")
    assert attachment.blob is not None


def test_an_upload_of_somebody_else_is_refused() -> None:
    scene = scene_with_agent()
    with pytest.raises(NotFoundError):
        reply(scene, attachments=(upload(scene, AgentId("grace")),))
    assert nothing_written(scene)


# ---------------------------------------------------------------- ids with a time in them


@pytest.mark.parametrize("off_ms", [-120_001, 5_001])
def test_an_id_that_is_too_old_or_from_the_future_is_refused(off_ms: int) -> None:
    scene = scene_with_agent()
    with pytest.raises(InvalidRequestError):
        reply(scene, made_at(NOW_MS + off_ms))
    assert nothing_written(scene)


@pytest.mark.parametrize("off_ms", [-120_000, 5_000])
def test_an_id_made_within_two_minutes_says_when_it_was_written(off_ms: int) -> None:
    assert reply(scene_with_agent(), made_at(NOW_MS + off_ms)).sent_ms == NOW_MS + off_ms


def test_a_frame_that_was_carried_out_is_acknowledged_however_old_it_is() -> None:
    scene = scene_with_agent()
    first = reply(scene)
    scene.later(3600)
    assert reply(scene) == first


def test_an_id_without_a_time_counts_from_its_first_arrival() -> None:
    scene = scene_with_agent()
    message_id = RANDOM_ID
    assert reply(scene, message_id).sent_ms == NOW_MS
    scene.later(5)
    assert reply(scene, message_id).sent_ms == NOW_MS


def test_an_id_with_a_time_needs_no_other_memory() -> None:
    scene = scene_with_agent()
    reply(scene)
    assert scene.threads.arrivals == {}


# ---------------------------------------------------------------- notes


def test_a_note_stays_here_and_is_shown_to_the_holder() -> None:
    scene = scene_with_agent()
    entry = note(scene)
    assert (entry.kind, entry.direction, entry.status) == (EntryKind.NOTE, Direction.INTERNAL, None)
    assert scene.outbound.jobs == []
    (frame,) = scene.told("message")
    assert (frame["entry"]["text"], frame["version"]) == ("calls himself Nic", scene.live().version)


@pytest.mark.parametrize("note_id", [made_at(NOW_MS), RANDOM_ID, "f-1"])
def test_a_note_twice_is_one(note_id: str) -> None:
    scene = scene_with_agent()
    first = note(scene, note_id)
    scene.later(5)
    assert note(scene, note_id) == first
    assert scene.the_entry() == first


@pytest.mark.parametrize("note_id", [made_at(NOW_MS), RANDOM_ID])
@pytest.mark.parametrize("later_s", [0, 300])
def test_other_words_under_the_id_of_a_note_are_refused_and_nobody_is_told(note_id: str, later_s: int) -> None:
    scene = scene_with_agent()
    first = note(scene, note_id)
    version, told = scene.live().version, scene.told()
    scene.later(later_s)
    with pytest.raises(ConflictError):
        note(scene, note_id, text="calls himself Tim")
    assert (scene.live().version, scene.told(), scene.the_entry()) == (version, told, first)


def test_a_note_that_was_written_but_not_shown_is_shown_by_its_repetition() -> None:
    scene = scene_with_agent()
    with broken(scene.threads, "announce_update"), pytest.raises(StoreUnavailableError):
        note(scene)
    note(scene)
    assert [frame["entry"]["text"] for frame in scene.told("message")] == ["calls himself Nic"]


def test_a_note_and_a_reply_may_share_an_id() -> None:
    scene = scene_with_agent()
    assert note(scene).entry_id != reply(scene).entry_id


def test_a_note_on_a_conversation_that_moved_is_shown_where_the_customer_is_now() -> None:
    scene = scene_with_agent()
    old = scene.live()
    survivor = converse(scene, HOME.replace("h-", "h-0")[:22], VIA)  # type: ignore[arg-type]
    assert scene.threads.move_home(HOME, survivor.home, old)
    add_note(scene.world, AGENT, old.conversation, note_id=made_at(NOW_MS), text="same person")
    (frame,) = scene.sockets.to(SOCKET, "message")
    assert frame["conversation"] == survivor.conversation


@pytest.mark.parametrize("text", ["", "  ", "x" * (MAX_TEXT_CHARACTERS + 1)])
def test_an_empty_or_endless_note_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError):
        note(scene_with_agent(), text=text)
