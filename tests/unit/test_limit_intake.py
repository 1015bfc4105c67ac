import re
from dataclasses import replace

import pytest

from tests.fakes.channel import FakeChannel
from tests.unit.ends import ACCOUNT, CUSTOMER, NOW_MS, Scene, broken
from tests.unit.test_accept_webhook import kept, message, post, queued, report
from throughline.domain.configuration import Configuration
from throughline.domain.errors import SignatureMismatchError, TooManyRequestsError
from throughline.domain.identifiers import Identifier, home_of
from throughline.domain.limits import WINDOW_MS, window_of
from throughline.domain.messages import MessageReceived, NotUnderstood
from throughline.flows.limit_intake import LANES

SENDER_LIMIT = 3
ACCOUNT_LIMIT = 8
FLOODER = Identifier(kind="telegram", value="999")


def limited(*, retries: bool = True) -> Scene:
    """Return a scene whose account takes eight events in ten seconds, three of them from one sender."""
    scene = Scene(channel=FakeChannel(retries_refused_webhooks=retries))
    account = replace(ACCOUNT, sender_limit=SENDER_LIMIT, account_limit=ACCOUNT_LIMIT)
    scene.settings.configuration = Configuration(accounts={"telegram/demo": account})
    return scene


def sender(number: int) -> Identifier:
    return Identifier(kind="telegram", value=str(number))


def from_many(count: int, first: int = 0) -> list[MessageReceived]:
    return [message(f"m{number}", sender=sender(number)) for number in range(first, first + count)]


def flood(scene: Scene, times: int = SENDER_LIMIT + 1, prefix: str = "f") -> None:
    """Post one sender's messages until the first is refused."""
    for number in range(times):
        post(scene, message(f"{prefix}{number}", sender=FLOODER))


def groups(scene: Scene) -> list[str]:
    return [item.group for item in scene.inbound.accepted]


# ---------------------------------------------------------------- a provider that delivers again


def test_what_a_sender_has_too_much_is_refused_before_it_is_durable() -> None:
    scene = limited()
    with pytest.raises(TooManyRequestsError) as refusal:
        flood(scene)
    assert len(queued(scene)) == SENDER_LIMIT
    assert refusal.value.retry_after_s == (WINDOW_MS - NOW_MS % WINDOW_MS) // 1000
    assert scene.telemetry.total("webhook_refused", channel="telegram", code="too_many_requests") == 1


def test_what_was_refused_is_taken_when_it_comes_again_and_once() -> None:
    scene = limited()
    with pytest.raises(TooManyRequestsError) as refusal:
        flood(scene)
    scene.later(refusal.value.retry_after_s)
    again = message(f"f{SENDER_LIMIT}", sender=FLOODER)
    post(scene, again)
    post(scene, again)
    assert [event.provider_id for event in queued(scene)] == [f"f{number}" for number in range(SENDER_LIMIT + 1)]


def test_a_sender_who_floods_leaves_the_account_open_for_the_others() -> None:
    scene = limited()
    for attempt in range(3 * ACCOUNT_LIMIT):
        try:
            post(scene, message(f"f{attempt}", sender=FLOODER))
        except TooManyRequestsError:
            continue
    innocent = from_many(ACCOUNT_LIMIT - SENDER_LIMIT)
    for event in innocent:
        post(scene, event)
    assert queued(scene)[SENDER_LIMIT:] == innocent


def test_an_account_that_floods_is_refused_and_another_one_is_not() -> None:
    scene = limited()
    other = replace(ACCOUNT, name="other", address="other_bot")
    accounts = {**scene.settings.configuration.accounts, "telegram/other": other}
    scene.settings.configuration = Configuration(accounts=accounts)
    for event in from_many(ACCOUNT_LIMIT):
        post(scene, event)
    with pytest.raises(TooManyRequestsError, match="account"):
        post(scene, message("late", sender=sender(50)))
    post(scene, message("there", account="telegram/other_bot", sender=sender(50)), account="other")
    assert [event.provider_id for event in queued(scene)][ACCOUNT_LIMIT:] == ["there"]


def test_nobody_is_sent_away_with_somebody_who_floods() -> None:
    scene = limited()
    batch = [message(f"f{number}", sender=FLOODER) for number in range(SENDER_LIMIT + 2)]
    post(scene, *batch, message("innocent"))
    assert [event.provider_id for event in queued(scene)] == [event.provider_id for event in batch] + ["innocent"]
    assert scene.telemetry.total("webhook_over_limit", channel="telegram", limit="sender") == 1
    assert scene.telemetry.total("webhook_refused") == 0


def test_a_report_on_our_own_message_counts_against_nobody_and_is_never_refused() -> None:
    scene = limited()
    for number in range(3 * ACCOUNT_LIMIT):
        post(scene, report(provider_id=f"p{number}:sent", message_id=f"p{number}"))
    assert len(queued(scene)) == 3 * ACCOUNT_LIMIT
    assert not scene.intake.taken


def test_what_nobody_understands_counts_against_the_account() -> None:
    scene = limited()
    odd = [
        NotUnderstood(channel="telegram", account="x/y", raw={"n": number}, provider_id=f"u{number}", reason="odd")
        for number in range(ACCOUNT_LIMIT + 1)
    ]
    for event in odd[:-1]:
        post(scene, event, body=event.provider_id.encode())
    with pytest.raises(TooManyRequestsError):
        post(scene, odd[-1])
    assert len(kept(scene)) == ACCOUNT_LIMIT


def test_an_event_counts_against_the_account_it_is_for() -> None:
    scene = limited()
    other = replace(ACCOUNT, name="other", address="other_bot", account_limit=1, sender_limit=1)
    accounts = {**scene.settings.configuration.accounts, "telegram/other": other}
    scene.settings.configuration = Configuration(accounts=accounts)
    post(scene, message("m1", account="telegram/other_bot"))
    with pytest.raises(TooManyRequestsError):
        post(scene, message("m2", account="telegram/other_bot"))
    assert "telegram/demo" not in {subject for subject, _ in scene.intake.taken}


def test_an_account_is_not_charged_for_what_a_foreign_proof_says_of_it() -> None:
    scene = limited()
    other = replace(ACCOUNT, name="other", address="other_bot", secrets={"proof": ("telegram/other-proof",)})
    accounts = {**scene.settings.configuration.accounts, "telegram/other": other}
    scene.settings.configuration = Configuration(accounts=accounts)
    post(scene, message("m1", account="telegram/other_bot"))
    assert scene.intake.taken == {("telegram/demo", window_of(NOW_MS)): 1}


def test_a_stranger_uses_up_nobodys_limit() -> None:
    scene = limited()
    for number in range(3 * ACCOUNT_LIMIT):
        with pytest.raises(SignatureMismatchError):
            post(scene, message(f"m{number}"), headers={"x-proof": "guessed"})
    assert not scene.intake.taken


def test_a_limit_that_cannot_be_counted_refuses_nobody() -> None:
    scene = limited()
    with broken(scene.intake, "take"):
        post(scene, *from_many(ACCOUNT_LIMIT + 5))
    assert len(queued(scene)) == ACCOUNT_LIMIT + 5
    assert scene.telemetry.total("intake_not_counted", channel="telegram") > 0


def test_nothing_of_a_sender_stands_in_the_count() -> None:
    scene = limited()
    post(scene, message("m1"))
    assert [subject for subject, _ in scene.intake.taken if CUSTOMER.value in subject] == []


# ---------------------------------------------------------------- a provider that does not


def test_where_nothing_comes_again_nothing_is_refused() -> None:
    scene = limited(retries=False)
    flood(scene, 3 * SENDER_LIMIT)
    for event in from_many(3 * ACCOUNT_LIMIT):
        post(scene, event)
    assert len(queued(scene)) == 3 * SENDER_LIMIT + 3 * ACCOUNT_LIMIT


def test_what_an_account_has_too_much_shares_a_few_lanes_and_the_rest_keeps_its_own() -> None:
    scene = limited(retries=False)
    for event in from_many(ACCOUNT_LIMIT + 40):
        post(scene, event)
    homes = [home_of(sender(number), b"a key that is never rotated") for number in range(ACCOUNT_LIMIT)]
    lanes = groups(scene)[ACCOUNT_LIMIT:]
    assert groups(scene)[:ACCOUNT_LIMIT] == homes
    assert len(set(lanes)) == LANES
    assert all(re.fullmatch(r"[0-9a-f]{22}\.[0-3]", lane) for lane in lanes)
    assert scene.telemetry.total("webhook_over_limit", channel="telegram", limit="account") == 40


def test_one_persons_excess_keeps_its_order() -> None:
    scene = limited(retries=False)
    for event in from_many(ACCOUNT_LIMIT):
        post(scene, event)
    for number in range(SENDER_LIMIT):
        post(scene, message(f"late{number}", sender=sender(70)))
    assert len(set(groups(scene)[ACCOUNT_LIMIT:])) == 1


def test_a_sender_who_floods_stays_in_a_lane_of_their_own() -> None:
    scene = limited(retries=False)
    flood(scene, 5 * SENDER_LIMIT)
    assert set(groups(scene)) == {home_of(FLOODER, b"a key that is never rotated")}
    assert scene.telemetry.total("webhook_over_limit", limit="sender") == 4 * SENDER_LIMIT
    assert scene.telemetry.total("webhook_over_limit", limit="account") == 0
