from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.channel import FakeChannel
from tests.replies import a_reply
from tests.unit.ends import (
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
from throughline.domain.configuration import Configuration
from throughline.domain.conversations import Entry
from throughline.domain.encodings import OutboundJob, decode_outbound
from throughline.domain.errors import (
    ConfigurationError,
    PartlySentError,
    ProviderRejectedError,
    ProviderThrottledError,
    ProviderUnavailableError,
    RecipientOptedOutError,
    RetryableError,
    StoreUnavailableError,
    UnknownOutcomeError,
    UnsupportedContentError,
    WindowClosedError,
)
from throughline.domain.identifiers import Home, Identifier, home_of
from throughline.domain.messages import Attachment, DeliveryStatus, SendReceipt, StatusReported
from throughline.flows.acknowledge import acknowledge
from throughline.flows.deliver import MAX_WAIT_S, WAITS_S, deliver
from throughline.flows.reply import send_reply

KNOWN = {DeliveryStatus.SENT, DeliveryStatus.UNKNOWN, DeliveryStatus.FAILED}


class KilledError(BaseException):
    """The function dies here."""


def replied(channel: FakeChannel | None = None, text: str = "on its way", number: int = 1) -> tuple[Scene, OutboundJob]:
    """Return a scene in which the agent has just answered, and the job of it."""
    scene = scene_with_agent(channel)
    return scene, answer(scene, text, number)


def answer(scene: Scene, text: str = "on its way", number: int = 1) -> OutboundJob:
    conversation = scene.live().conversation
    message_id = made_at(NOW_MS, number)
    send_reply(scene.world, AGENT, a_reply(conversation, message_id=message_id, text=text))
    return decode_outbound(scene.outbound.take()[0])


def attempt(scene: Scene, job: OutboundJob, number: int = 1) -> None:
    deliver(scene.world, job, receipt=f"receipt-{number}", receive_count=number)


def killed(scene: Scene, job: OutboundJob, number: int = 1) -> None:
    """Have the function die in the middle of handing the reply over."""
    scene.channel.outcomes.append(KilledError())
    with pytest.raises(KilledError):
        attempt(scene, job, number)


def put_off(scene: Scene, job: OutboundJob, problem: Exception, number: int = 1) -> float:
    """Have the provider not take the reply now; return for how long it was put off."""
    scene.channel.outcomes.append(problem)
    with pytest.raises(RetryableError):
        attempt(scene, job, number)
    receipt, delay_s = scene.outbound.postponed[-1]
    assert receipt == f"receipt-{number}"
    return delay_s


def statuses(scene: Scene) -> list[str]:
    return [frame["status"] for frame in scene.told("message.status")]


# ---------------------------------------------------------------- all goes well


def test_a_reply_is_sent_once_and_its_id_is_kept() -> None:
    scene, job = replied()
    attempt(scene, job)
    (message,) = scene.channel.sent
    assert (message.entry, message.to, message.text) == (job.entry.entry_id, CUSTOMER, "on its way")
    assert (message.last_inbound_ms, message.now_ms) == (NOW_MS - 60_000, NOW_MS)
    assert (scene.the_entry().status, scene.the_entry().provider_ids) == (DeliveryStatus.SENT, ("p1",))


def test_the_account_the_customer_wrote_to_answers_with_its_credentials() -> None:
    scene, job = replied()
    attempt(scene, job)
    (account,) = scene.channel.accounts
    assert (account.account_id, account.secret("proof")) == (ACCOUNT_ID, "proof-now")
    assert account.webhook_url == "https://contact.example.com/webhooks/telegram/demo"


def test_a_reply_is_announced_once_and_its_outcome_shown() -> None:
    scene, job = replied()
    version = scene.live().version
    attempt(scene, job)
    (announced,) = scene.told("message")
    assert (announced["version"], announced["entry"]["id"]) == (version + 1, job.entry.entry_id)
    assert announced["entry"]["status"] == "sent"
    assert statuses(scene) == ["sent"]
    assert scene.live().version == version + 1


def test_an_ordinary_reply_costs_three_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scene_with_agent()
    written: list[str] = []

    def counted(name: str) -> Any:
        real = getattr(scene.threads, name)

        def call(*arguments: Any, **named: Any) -> Any:
            written.append(name)
            return real(*arguments, **named)

        return call

    for name in ("add_entry", "remember_arrival", "announce_update", "set_status", "mark_sending", "transition"):
        monkeypatch.setattr(scene.threads, name, counted(name))
    attempt(scene, answer(scene))
    assert written == ["add_entry", "announce_update", "set_status"]


def test_the_announcement_says_who_has_answered_and_at_which_version() -> None:
    scene, job = replied()
    attempt(scene, job)
    head = scene.live()

    assert (head.answered_by, head.answered_version) == (job.entry.author, head.version)


def test_files_are_handed_over_by_a_link_for_the_provider() -> None:
    scene, job = replied()
    file = Attachment(kind="image", blob="uploads/u-1", name="map.png")
    with_file = replace(job.entry, attachments=(file,))
    scene.threads.entries[HOME, with_file.reference] = with_file
    attempt(scene, job)
    (sent,) = scene.channel.sent[0].attachments
    assert sent == replace(file, url="https://blobs.test/uploads/u-1?seconds=3600&name=map.png")
    assert scene.the_entry().attachments == (file,)


def test_an_identifier_the_provider_tells_us_becomes_the_customers() -> None:
    scene, job = replied()
    number = Identifier(kind="tel", value="+14155550100")
    scene.channel.outcomes.append(SendReceipt(provider_ids=("p1",), identifiers=(number,)))
    attempt(scene, job)
    assert scene.customers.find_identifier(scene.live().customer, number) is not None


# ---------------------------------------------------------------- the job comes again


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_job_that_comes_again_after_the_reply_was_sent_sends_nothing(number: int) -> None:
    scene, job = replied()
    attempt(scene, job)
    attempt(scene, job, number)
    assert len(scene.channel.sent) == 1
    assert statuses(scene) == ["sent", "sent"]


def test_a_crash_while_the_provider_was_asked_leaves_the_outcome_unknown() -> None:
    scene, job = replied()
    killed(scene, job)
    version = scene.live().version
    attempt(scene, job, 2)
    assert len(scene.channel.sent) == 1
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN
    assert scene.the_entry().reason
    assert statuses(scene) == ["unknown"]
    assert scene.live().version == version + 1
    assert scene.telemetry.total("reply_unknown") == 1


def test_a_crash_is_recognised_even_if_the_queue_has_forgotten_that_the_job_was_out() -> None:
    scene, job = replied()
    killed(scene, job)
    attempt(scene, job, 1)
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN


def test_a_crash_before_the_provider_was_asked_costs_nothing() -> None:
    scene, job = replied()
    with broken(scene.threads, "announce_update"), pytest.raises(StoreUnavailableError):
        attempt(scene, job)
    attempt(scene, job, 7)
    assert len(scene.channel.sent) == 1
    assert scene.the_entry().status is DeliveryStatus.SENT


def test_a_reply_that_only_waited_behind_another_is_sent_however_often_its_job_was_out() -> None:
    scene, job = replied()
    attempt(scene, job, 6)
    assert scene.the_entry().status is DeliveryStatus.SENT


def test_a_table_that_fails_after_the_send_leaves_the_outcome_unknown_until_the_receipt() -> None:
    scene, job = replied()
    with broken(scene.threads, "set_status"), pytest.raises(StoreUnavailableError):
        attempt(scene, job)
    attempt(scene, job, 2)
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN
    acknowledge(scene.world, report(job.entry, DeliveryStatus.DELIVERED), arrival_ms=NOW_MS)
    assert (scene.the_entry().status, scene.the_entry().provider_ids) == (DeliveryStatus.DELIVERED, ("p1",))
    assert len(scene.channel.sent) == 1


def report(entry: Entry, status: DeliveryStatus) -> StatusReported:
    return StatusReported(
        channel="telegram",
        account=ACCOUNT_ID,
        provider_id=f"p1:{status}",
        message_id="p1",
        status=status,
        entry=entry.entry_id,
    )


@pytest.mark.parametrize("before", [DeliveryStatus.SENT, DeliveryStatus.DELIVERED])
def test_an_outcome_that_stands_already_is_told(monkeypatch: pytest.MonkeyPatch, before: DeliveryStatus) -> None:
    """Our own write whose answer was lost is made again, and a receipt may be faster than the answer to the send."""
    scene, job = replied()
    write = scene.threads.set_status

    def written_before(home: Home, reference: str, status: DeliveryStatus, **more: Any) -> Entry | None:
        write(home, reference, before)
        return write(home, reference, status, **more)

    monkeypatch.setattr(scene.threads, "set_status", written_before)
    attempt(scene, job)
    assert [frame["entry"]["id"] for frame in scene.told("message")] == [job.entry.entry_id]
    assert statuses(scene) == [before]


def test_a_receipt_that_came_while_the_function_was_dead_tells_that_it_was_sent() -> None:
    scene, job = replied()
    killed(scene, job)
    acknowledge(scene.world, report(job.entry, DeliveryStatus.SENT), arrival_ms=NOW_MS)
    attempt(scene, job, 2)
    assert scene.the_entry().status is DeliveryStatus.SENT
    assert len(scene.channel.sent) == 1


def test_where_the_provider_deduplicates_a_crash_is_followed_by_a_second_attempt() -> None:
    scene, job = replied(FakeChannel(repeats_safely=True))
    killed(scene, job)
    attempt(scene, job, 2)
    assert len(scene.channel.sent) == 2
    assert scene.the_entry().status is DeliveryStatus.SENT


@pytest.mark.parametrize("number", [2, 3, 6])
def test_a_crash_in_a_later_attempt_leaves_the_outcome_unknown(number: int) -> None:
    scene, job = replied()
    for earlier in range(1, number):
        put_off(scene, job, ProviderUnavailableError("away"), earlier)
    killed(scene, job, number)
    attempt(scene, job, number + 1)
    assert len(scene.channel.sent) == number
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN


def test_a_crash_is_recognised_after_the_conversation_was_closed() -> None:
    scene, job = replied()
    killed(scene, job)
    close(scene, scene.live())
    attempt(scene, job, 2)
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN
    assert len(scene.channel.sent) == 1


@pytest.mark.parametrize("problem", [None, ProviderRejectedError("no such chat"), UnknownOutcomeError("no answer")])
def test_an_outcome_that_could_not_be_told_is_told_by_the_repetition(problem: Any) -> None:
    scene, job = replied()
    scene.channel.outcomes += [problem] if problem else []
    scene.sockets.busy.add(SOCKET)
    with pytest.raises(StoreUnavailableError):
        attempt(scene, job)
    settled = scene.the_entry()
    scene.sockets.busy.clear()
    attempt(scene, job, 2)
    assert [frame["entry"]["id"] for frame in scene.told("message")] == [job.entry.entry_id]
    assert statuses(scene) == [settled.status]
    assert scene.the_entry() == settled
    assert len(scene.channel.sent) == 1


# ---------------------------------------------------------------- not now


def test_what_may_succeed_later_is_tried_again() -> None:
    scene, job = replied()
    put_off(scene, job, ProviderUnavailableError("away"))
    assert (scene.the_entry().status, scene.the_entry().reason) == (DeliveryStatus.RETRYING, "provider_unavailable")
    assert statuses(scene) == ["retrying"]
    attempt(scene, job, 2)
    assert (scene.the_entry().status, scene.the_entry().reason) == (DeliveryStatus.SENT, None)
    assert statuses(scene) == ["retrying", "sent"]
    assert len(scene.told("message")) == 1


def test_the_agent_is_told_once_that_it_is_being_retried() -> None:
    scene, job = replied()
    for number in (1, 2, 3):
        put_off(scene, job, ProviderUnavailableError("away"), number)
    assert statuses(scene) == ["retrying"]


def test_each_wait_is_longer_than_the_one_before() -> None:
    scene, job = replied()
    waits = [put_off(scene, job, ProviderUnavailableError("away"), number + 1) for number in range(len(WAITS_S))]
    assert waits == sorted(set(WAITS_S))


@pytest.mark.parametrize(("asked_s", "waited_s"), [(None, 2), (0.5, 2), (40, 40), (MAX_WAIT_S, MAX_WAIT_S)])
def test_a_provider_that_asks_for_patience_gets_it(asked_s: float | None, waited_s: float) -> None:
    scene, job = replied()
    assert put_off(scene, job, ProviderThrottledError("slower", retry_after_s=asked_s)) == waited_s


def test_a_provider_that_asks_for_too_much_patience_gets_none() -> None:
    scene, job = replied()
    scene.channel.outcomes.append(ProviderThrottledError("slower", retry_after_s=MAX_WAIT_S + 1))
    attempt(scene, job)
    assert scene.the_entry().status is DeliveryStatus.FAILED
    assert scene.outbound.postponed == []


def test_it_is_given_up_before_the_queue_gives_up() -> None:
    scene, job = replied()
    last = len(WAITS_S) + 1
    for number in range(1, last):
        put_off(scene, job, ProviderUnavailableError("away"), number)
    scene.channel.outcomes.append(ProviderUnavailableError("away"))
    attempt(scene, job, last)
    assert last < 8
    assert scene.the_entry().status is DeliveryStatus.FAILED
    assert scene.the_entry().reason == "given up after 7 attempts: provider_unavailable"
    assert statuses(scene) == ["retrying", "failed"]


# ---------------------------------------------------------------- never


@pytest.mark.parametrize(
    "problem",
    [
        ProviderRejectedError("this number does not exist", provider_code="21211"),
        WindowClosedError("more than 24 hours"),
        UnsupportedContentError("no stickers"),
        RecipientOptedOutError("the customer blocked the bot"),
    ],
)
def test_what_the_provider_refuses_stands_in_the_thread_with_its_reason(problem: Any) -> None:
    scene, job = replied()
    version = scene.live().version
    scene.channel.outcomes.append(problem)
    attempt(scene, job)
    assert (scene.the_entry().status, scene.the_entry().reason) == (DeliveryStatus.FAILED, problem.reason)
    assert statuses(scene) == ["failed"]
    assert scene.told("message.status")[0]["reason"] == problem.reason
    assert scene.live().version == version + 2  # a screen that misses the frame knows that it missed something
    assert scene.telemetry.total("reply_failed", channel="telegram", code=problem.code) == 1


def test_a_customer_who_turns_out_to_have_opted_out_is_remembered_so() -> None:
    scene, job = replied()
    scene.channel.outcomes.append(RecipientOptedOutError("the customer blocked the bot"))
    attempt(scene, job)
    known = scene.customers.find_identifier(scene.live().customer, CUSTOMER)
    assert known is not None
    assert known.opted_out(ACCOUNT_ID)


def test_an_opt_out_that_came_meanwhile_stops_the_reply() -> None:
    scene, job = replied()
    scene.customers.set_consent(scene.live().customer, CUSTOMER, ACCOUNT_ID, granted=False, at_ms=NOW_MS)
    attempt(scene, job)
    assert scene.channel.sent == []
    assert scene.the_entry().status is DeliveryStatus.FAILED


def test_a_window_that_closed_meanwhile_stops_the_reply() -> None:
    scene, job = replied(FakeChannel(reply_window_ms=60_001))
    scene.later(1)
    attempt(scene, job)
    assert scene.channel.sent == []
    assert scene.the_entry().status is DeliveryStatus.FAILED


def test_a_reply_that_never_left_is_shown_to_the_other_screens_all_the_same() -> None:
    scene, job = replied(FakeChannel(reply_window_ms=60_001))
    scene.later(1)
    attempt(scene, job)
    (shown,) = scene.told("message")
    assert (shown["entry"]["text"], shown["entry"]["status"]) == ("on its way", "failed")


def test_wrong_credentials_fail_the_reply_and_call_an_operator() -> None:
    scene, job = replied()
    scene.channel.outcomes.append(ConfigurationError("our token is wrong"))
    attempt(scene, job)
    assert scene.the_entry().status is DeliveryStatus.FAILED
    assert "operator" in str(scene.the_entry().reason)
    assert scene.telemetry.total("reply_failed", code="configuration") == 1
    assert scene.telemetry.total("configuration_error", account=ACCOUNT_ID) == 1
    assert scene.telemetry.alerts


@pytest.mark.parametrize("missing", ["account", "secret", "channel"])
def test_what_is_no_longer_configured_fails_the_reply(missing: str) -> None:
    scene, job = replied()
    if missing == "account":
        scene.settings.configuration = Configuration()
    elif missing == "secret":
        del scene.secrets.values["telegram/proof"]
    else:
        scene.world = replace(scene.world, channels={})
    attempt(scene, job)
    assert scene.channel.sent == []
    assert scene.the_entry().status is DeliveryStatus.FAILED


def test_no_answer_at_all_leaves_the_outcome_unknown() -> None:
    scene, job = replied()
    scene.channel.outcomes.append(UnknownOutcomeError("no answer"))
    attempt(scene, job)
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN
    assert scene.outbound.postponed == []


# ---------------------------------------------------------------- in parts


def test_the_next_attempt_goes_on_behind_the_parts_that_were_sent() -> None:
    scene, job = replied()
    put_off(scene, job, PartlySentError(("p1", "p2"), ProviderUnavailableError("away")))
    scene.channel.outcomes.append(SendReceipt(provider_ids=("p1", "p2", "p3")))
    attempt(scene, job, 2)
    assert [message.parts_sent for message in scene.channel.sent] == [(), ("p1", "p2")]
    assert (scene.the_entry().status, scene.the_entry().provider_ids) == (DeliveryStatus.SENT, ("p1", "p2", "p3"))


def test_parts_of_several_attempts_add_up() -> None:
    scene, job = replied()
    put_off(scene, job, PartlySentError(("p1",), ProviderUnavailableError("away")))
    put_off(scene, job, PartlySentError(("p1", "p2"), ProviderUnavailableError("away")), 2)
    attempt(scene, job, 3)
    assert [message.parts_sent for message in scene.channel.sent] == [(), ("p1",), ("p1", "p2")]


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (ProviderRejectedError("no"), DeliveryStatus.FAILED),
        (UnknownOutcomeError("no answer"), DeliveryStatus.UNKNOWN),
    ],
)
def test_what_stops_half_way_keeps_what_was_sent(cause: Any, status: DeliveryStatus) -> None:
    scene, job = replied()
    scene.channel.outcomes.append(PartlySentError(("p1",), cause))
    attempt(scene, job)
    assert (scene.the_entry().status, scene.the_entry().provider_ids) == (status, ("p1",))


# ---------------------------------------------------------------- the conversation has moved on


def test_a_reply_is_sent_after_its_conversation_was_closed() -> None:
    scene, job = replied(FakeChannel(reply_window_ms=3_600_000))
    close(scene, scene.live())
    attempt(scene, job)
    assert scene.channel.sent[0].last_inbound_ms == NOW_MS - 60_000
    assert scene.the_entry().status is DeliveryStatus.SENT


def test_a_crash_without_a_live_conversation_is_recognised_too() -> None:
    scene, job = replied()
    close(scene, scene.live())
    killed(scene, job)
    attempt(scene, job, 2)
    assert scene.the_entry().status is DeliveryStatus.UNKNOWN
    assert len(scene.channel.sent) == 1


def test_a_reply_in_a_conversation_that_joined_another_is_shown_to_its_agent() -> None:
    scene, job = replied()
    old = scene.live()
    number = Identifier(kind="tel", value="+14155550100")
    survivor = converse(scene, home_of(number, b"k"), f"sms/1|{number}")
    change(scene, survivor, sockets=("socket-of-grace",))
    scene.threads.archive(old)
    assert scene.threads.move_home(HOME, survivor.home, old)
    attempt(scene, job)
    assert scene.the_entry().status is DeliveryStatus.SENT
    frames = scene.sockets.to("socket-of-grace")
    assert [frame["event"] for frame in frames] == ["message", "message.status"]
    assert {frame["conversation"] for frame in frames} == {survivor.conversation}
    assert scene.told() == []


def test_two_replies_keep_their_own_marks() -> None:
    scene = scene_with_agent()
    first, second = answer(scene, "one", 1), answer(scene, "two", 2)
    attempt(scene, first)
    killed(scene, second)
    attempt(scene, second, 2)
    found = {entry.text: entry.status for entry in scene.threads.entries.values()}
    assert found == {"one": DeliveryStatus.SENT, "two": DeliveryStatus.UNKNOWN}


def test_a_screen_that_is_gone_does_not_stop_a_reply() -> None:
    scene, job = replied()
    scene.sockets.gone.add(SOCKET)
    attempt(scene, job)
    assert scene.the_entry().status is DeliveryStatus.SENT


def test_home_and_way_are_the_customers() -> None:
    scene, job = replied()
    assert (job.entry.home, job.entry.via) == (Home(HOME), VIA)
    assert scene.outbound.jobs == []
