"""The provider chaos believes nothing of itself: its tables say what adapters hear, its judge sees what is wrong."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import pytest

from infra.local.centre import read_centre
from infra.local.signing import signed_headers
from infra.local.webhooks import Sender
from tests.chaos.options import Options
from tests.chaos.provider.attacks import attacks_of, joined
from tests.chaos.provider.case import Case, Place
from tests.chaos.provider.logs import judge_logs
from tests.chaos.provider.sends import attacks_on_sends, faults_of
from tests.chaos.provider.site import Site, attacked_site
from tests.chaos.provider.statuses import went_back
from tests.chaos.talks import TALKS
from tests.chaos.talks.talk import Payload, Picture, Talk
from tests.chaos.tally import Tally
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.messages import (
    DELIVERY_RANK,
    ChannelEvent,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    StatusReported,
)
from throughline.ports import Account, WebhookRequest

CENTRE = read_centre()
AT = 1_763_800_000
ENTRY = "h-0a1b2c3d4e5f60718293.1762941600000.9f86d081884c7d659a2fea"

each_talk = pytest.mark.parametrize("talk", list(TALKS.values()), ids=list(TALKS))


def heard(talk: Talk, payload: Payload, query: str = "") -> Sequence[ChannelEvent]:
    """Return what the channel's adapter makes of a payload, once it has believed its proof."""
    configured, webhook = CENTRE.account(talk.channel), talk.written(payload)
    url = f"https://contact.example.com{configured.webhook_path}" + (f"?{query}" if query else "")
    headers = signed_headers(configured, url, webhook.body, webhook.content_type)
    account = Account(
        channel=configured.channel,
        name=configured.name,
        address=configured.address,
        webhook_url=url.partition("?")[0],
        secrets={name: [secret] for name, secret in configured.secrets.items()},
        settings=configured.settings,
    )
    request = WebhookRequest(
        method="POST",
        url=url,
        headers={name.lower(): value for name, value in headers.items()},
        query=dict([query.split("=", 1)]) if query else {},
        body=webhook.body,
        received_ms=AT * 1000,
    )
    WEBHOOK_CHANNELS[talk.channel].verify(request, account)
    return WEBHOOK_CHANNELS[talk.channel].parse(request, account)


def said(talk: Talk, sender: Sender, text: str = "Where is it?", at: int = AT) -> Payload:
    return talk.say(CENTRE.account(talk.channel), sender, text, at)


@each_talk
def test_a_channel_says_what_it_is_told_to_say(talk: Talk) -> None:
    sender = talk.sender()
    (first,), (second,) = heard(talk, said(talk, sender)), heard(talk, said(talk, sender, "Hello?", AT + 1))
    assert isinstance(first, MessageReceived)
    assert (first.text, first.sent_ms) == ("Where is it?", AT * 1000 if talk.tells_time else None)
    assert first.senders == second.senders
    assert first.provider_id != second.provider_id


@each_talk
def test_a_batch_brings_what_its_parts_bring(talk: Talk) -> None:
    sender = talk.sender()
    parts = [said(talk, sender, word, AT + place) for place, word in enumerate(("one", "two", "three"))]
    if talk.batch is None:
        assert "other batches" not in attacks_of(talk)
    else:
        found = heard(talk, joined(talk, parts))
        assert found == [event for part in parts for event in heard(talk, part)]


@each_talk
def test_what_is_said_later_is_about_what_was_said(talk: Talk) -> None:
    payload = said(talk, talk.sender())
    (message,) = heard(talk, payload)
    if talk.edit:
        (edit,) = heard(talk, talk.edit(payload, "There it is.", AT + 5))
        assert isinstance(edit, MessageEdited)
        assert (edit.target, edit.text, edit.sent_ms) == (message.provider_id, "There it is.", (AT + 5) * 1000)
    if talk.take_back:
        (deletion,) = heard(talk, talk.take_back(payload, AT + 6))
        assert isinstance(deletion, MessageDeleted)
        assert deletion.target == message.provider_id
    assert {"edits", "taken back"} & attacks_of(talk).keys() == {
        name for name, way in (("edits", talk.edit), ("taken back", talk.take_back)) if way
    }


@each_talk
def test_a_picture_is_one_of_its_album(talk: Talk) -> None:
    if talk.show is None:
        assert "a split album" not in attacks_of(talk)
        return
    picture = Picture(album="album-1", caption="Look")
    (event,) = heard(talk, talk.show(CENTRE.account(talk.channel), talk.sender(), picture, AT))
    assert isinstance(event, MessageReceived)
    assert (event.text, len(event.attachments)) == ("Look", 1)
    assert event.album in {None, "album-1"}


@each_talk
def test_receipts_bring_our_reference_back_and_the_last_one_stands(talk: Talk) -> None:
    if talk.receipt is None:
        assert not talk.statuses
        return
    ranks = []
    for status in talk.statuses:
        receipt = talk.receipt(CENTRE.account(talk.channel), talk.sender(), ENTRY, status, AT)
        (event,) = heard(talk, receipt.payload, receipt.query)
        assert isinstance(event, StatusReported)
        assert event.entry == ENTRY
        ranks.append(DELIVERY_RANK[event.status])
    assert ranks == sorted(ranks)
    assert ranks[-1] == max(ranks) > ranks[-2]


@each_talk
def test_every_fault_of_a_send_api_is_tried_once(talk: Talk) -> None:
    tried = [name for attack in attacks_on_sends(talk).values() for name in cast("Any", attack).keywords["faults"]]
    assert sorted(faults_of(talk)) == sorted(tried)


# ---------------------------------------------------------------- the judge


def case_of(*words: str) -> Case:
    site = SimpleNamespace(tally=Tally(), broke=None, centre=CENTRE)
    site.broke = site.tally.broken.append
    floor = SimpleNamespace(opened={})
    place = Place(site=cast("Any", site), floor=cast("Any", floor), options=Options(seed=1, short=True), round=0)
    case = Case(place, TALKS["telegram"], CENTRE.account("telegram"), "a test")
    for word in words:
        case.draft(word)
    return case


def entry(case: Case, word: str, **more: Any) -> dict[str, Any]:
    return {"kind": "message", "direction": "inbound", "text": f"{case.mark} {word}", **more}


def judged(case: Case, entries: Sequence[dict[str, Any]]) -> Tally:
    case._judge(entries)
    return case.site.tally


def test_a_thread_as_it_should_be_is_sound() -> None:
    case = case_of("m1", "m2", "m3")
    case.said["m2"].text = None
    case.said["m3"].text = f"{case.mark} m3 v2"
    gone = {"kind": "message", "direction": "inbound", "deleted": True}
    right = [entry(case, "m1"), gone, entry(case, "m3 v2", edited_at="now"), {"kind": "reaction"}]
    tally = judged(case, right)
    assert (tally.messages, tally.entries, tally.broken) == (3, 3, [])
    assert tally.sound


@pytest.mark.parametrize(
    ("order", "lost", "doubled", "words"),
    [
        (["m1"], 1, 0, "lost m2"),
        (["m1", "m2", "m2"], 0, 1, "doubled m2"),
        (["m2", "m1"], 0, 0, "stands as m2 m1, was said as m1 m2"),
    ],
)
def test_what_is_wrong_on_a_thread_is_seen(order: list[str], lost: int, doubled: int, words: str) -> None:
    case = case_of("m1", "m2")
    tally = judged(case, [entry(case, word) for word in order])
    assert (tally.lost, tally.doubled) == (lost, doubled)
    assert words in tally.broken[0]


def test_an_old_wording_and_a_message_that_came_back_are_seen() -> None:
    case = case_of("m1", "m2")
    case.said["m1"].text = f"{case.mark} m1 v3"
    case.said["m2"].text = None
    tally = judged(case, [entry(case, "m1 v2", edited_at="now"), entry(case, "m2")])
    assert len(tally.broken) == 2


def test_two_conversations_of_one_customer_are_seen() -> None:
    case = case_of("m1")
    case.floor.opened[case.mark] = {"h-1.1", "h-1.2"}
    assert judged(case, [entry(case, "m1")]).doubled == 1


def test_a_status_that_goes_back_is_seen() -> None:
    order = ["queued", "sending", "unknown", "sent", "failed", "delivered", "read"]
    assert not any(went_back(before, after) for before, after in pairwise(order))
    assert went_back("read", "delivered")
    assert went_back("sent", "retrying")
    assert not went_back("retrying", "sending")  # a further attempt


@pytest.mark.parametrize(
    ("line", "sound"),
    [
        ('{"level": "ERROR", "message": "failed", "exception_name": "KeyError"}', False),
        ('{"level": "ERROR", "message": "record refused", "exception_name": "MalformedPayloadError"}', False),
        ('{"level": "ERROR", "message": "failed", "exception_name": "ConfigurationError"}', True),
        ('{"level": "WARNING", "message": "refused", "code": "conflict"}', True),
        ("127.0.0.1 says an-app-secret-for-the-sandbox", False),
    ],
)
def test_what_must_not_be_logged_is_seen(line: str, sound: bool) -> None:
    with attacked_site({"CHAOS_URL": "http://127.0.0.1:9"}, short=True) as site:
        judge_logs(replace(site, logs=lambda: f"ready\n{line}\n[1, 2]"))
        assert sound is site.tally.sound


def test_another_deployment_is_told_by_its_addresses() -> None:
    environ = {
        "CHAOS_URL": "https://api.example.com/api/",
        "CHAOS_PUBLIC_URL": "https://contact.example.com",
        "CHAOS_SOCKET_URL": "wss://sockets.example.com/socket",
        "CHAOS_FORGET_S": "310",
    }
    with attacked_site(environ, short=True) as site:
        assert (site.client.url, site.client.public_url) == ("https://api.example.com/api", environ["CHAOS_PUBLIC_URL"])
        assert (site.socket_url, site.forgets_after_s) == (environ["CHAOS_SOCKET_URL"], 310.0)
        assert not site.plays_providers
    with attacked_site({"CHAOS_URL": "http://127.0.0.1:8080"}, short=True) as near:
        assert (near.socket_url, near.forgets_after_s) == ("ws://127.0.0.1:8080/socket", None)
        assert isinstance(near, Site)
