"""Next presence: what an agent will be comes with the very write that frees their last contact."""

from dataclasses import replace

import pytest

from tests.unit.stage import (
    ANA,
    BUDI,
    DEWI,
    MAYA,
    RAKA,
    SARA,
    busy,
    closes,
    declares,
    leaves,
    leaves_after_work,
    pauses,
    rejects,
    serving,
    settled,
    stage,
    takes_over,
    transfers,
)
from throughline.domain.errors import InvalidRequestError
from throughline.domain.routing import NextPresence, Presence, able
from throughline.flows.presence import configure_agent, end_grace, set_presence

LUNCH = NextPresence(presence=Presence.NOT_READY, reason="lunch")


def test_whoever_leaves_after_work_keeps_what_they_have_and_is_offered_nothing_new() -> None:
    scene = serving().did(leaves_after_work(ANA))
    ana = scene.centre.routing.agents[ANA]

    assert (ana.presence, ana.next, able(ana, "chat")) == (Presence.AVAILABLE, LUNCH, False)
    scene.wrote(RAKA)
    assert scene.centre.live(RAKA).holder is None
    assert settled(scene) == []


def test_an_offer_in_hand_stays_and_can_be_accepted() -> None:
    scene = stage().here("ana").wrote(MAYA).did(leaves_after_work(ANA)).accepted(MAYA)

    assert scene.centre.live(MAYA).holder == ANA
    assert scene.centre.routing.agents[ANA].next == LUNCH


@pytest.mark.parametrize(
    "act",
    [
        closes(ANA, MAYA),
        pauses(ANA, MAYA),
        transfers(ANA, MAYA, BUDI),
        takes_over(BUDI, MAYA),
    ],
    ids=["close", "pause", "transfer", "takeover"],
)
def test_it_comes_with_the_write_that_frees_the_last_contact_and_is_shown(act: object) -> None:
    scene = serving().did(lambda it: it.centre.hello("budi")).did(leaves_after_work(ANA))
    assert callable(act)
    scene.did(act)
    ana = scene.centre.routing.agents[ANA]

    assert (ana.presence, ana.reason, ana.next) == (Presence.NOT_READY, "lunch", None)
    shown = scene.centre.sockets.to("ana-1", "presence")[-1]
    assert (shown["presence"], shown["reason"], shown["next"]) == ("not_ready", "lunch", None)
    assert settled(scene) == []


def test_a_rejected_offer_was_the_last_work() -> None:
    scene = stage().here("ana").wrote(MAYA).did(leaves_after_work(ANA)).did(rejects(ANA, MAYA))

    assert scene.centre.routing.agents[ANA].presence is Presence.NOT_READY


def test_it_waits_for_all_of_the_work() -> None:
    scene = stage().here("ana").wrote(MAYA).wrote(RAKA).accepted(MAYA, RAKA).did(leaves_after_work(ANA))
    scene.did(closes(ANA, MAYA))
    assert scene.centre.routing.agents[ANA].next == LUNCH

    scene.did(closes(ANA, RAKA))
    assert scene.centre.routing.agents[ANA].presence is Presence.NOT_READY


def test_who_has_nothing_leaves_at_once() -> None:
    scene = stage().here("ana").did(leaves_after_work(ANA, Presence.OFFLINE))
    ana = scene.centre.routing.agents[ANA]

    assert (ana.presence, ana.next) == (Presence.OFFLINE, None)


def test_what_is_set_aside_is_no_work() -> None:
    scene = serving().did(pauses(ANA, MAYA)).did(leaves_after_work(ANA))

    assert scene.centre.routing.agents[ANA].presence is Presence.NOT_READY


def test_being_available_next_brings_the_next_contact_at_once() -> None:
    scene = busy().did(declares(SARA, Presence.NOT_READY)).did(leaves_after_work(SARA, Presence.AVAILABLE))
    scene.did(closes(SARA, MAYA))

    assert scene.centre.routing.agents[SARA].presence is Presence.AVAILABLE
    assert SARA in {scene.centre.live(RAKA).holder, scene.centre.live(DEWI).holder}


@pytest.mark.parametrize("presence", Presence)
def test_any_presence_clears_the_next_one(presence: Presence) -> None:
    scene = serving().did(leaves_after_work(ANA)).did(declares(ANA, presence))

    assert scene.centre.routing.agents[ANA].next is None
    assert settled(scene) == []


def test_who_stays_after_all_is_found_again() -> None:
    scene = serving().did(leaves_after_work(ANA)).wrote(RAKA).did(declares(ANA, Presence.AVAILABLE))

    assert scene.centre.live(RAKA).holder == ANA


def test_what_one_is_already_is_nothing_to_come() -> None:
    scene = serving().did(lambda it: set_presence(it.world, ANA, Presence.AVAILABLE, None, after_work=True))

    assert scene.centre.routing.agents[ANA].next is None


def test_who_is_lost_or_removed_has_nothing_to_come() -> None:
    lost = serving().did(leaves_after_work(ANA, Presence.AVAILABLE)).did(leaves(ANA))
    lost.did(lambda it: end_grace(it.world, ANA, it.centre.routing.agents[ANA].epoch, repeated=False))
    removed = serving().did(leaves_after_work(ANA)).did(lambda it: configure_agent(it.world, ANA, None))

    for scene in (lost, removed):
        ana = scene.centre.routing.agents[ANA]
        assert (ana.presence, ana.next) == (Presence.OFFLINE, None)


def test_a_presence_says_since_when_and_saying_it_again_does_not_begin_it_anew() -> None:
    scene = stage().here("ana")
    began = scene.centre.now_ms
    scene.centre.pass_s(30)
    scene.did(declares(ANA, Presence.AVAILABLE))
    assert scene.centre.routing.agents[ANA].since_ms == began

    scene.did(declares(ANA, Presence.NOT_READY))
    assert scene.centre.routing.agents[ANA].since_ms == began + 30_000


def test_a_reason_has_to_be_one_of_those_configured_if_there_are_any() -> None:
    scene = stage().here("ana")
    set_presence(scene.world, ANA, Presence.NOT_READY, "whatever")
    configuration = scene.centre.settings.configuration
    scene.centre.settings.configuration = replace(configuration, not_ready_reasons=("lunch", "training"))

    with pytest.raises(InvalidRequestError, match="reason: has to be one of lunch, training"):
        set_presence(scene.world, ANA, Presence.NOT_READY, "whatever", after_work=True)
    set_presence(scene.world, ANA, Presence.NOT_READY, "lunch")
    set_presence(scene.world, ANA, Presence.NOT_READY, None)
    set_presence(scene.world, ANA, Presence.OFFLINE, "gone home")


def test_of_two_that_are_told_of_a_presence_the_higher_version_is_the_present_one() -> None:
    scene = stage().here("ana").wrote(MAYA).accepted(MAYA).did(leaves_after_work(ANA)).did(closes(ANA, MAYA))
    told = scene.centre.sockets.to("ana-1", "presence")

    assert [(item["presence"], item["next"] is None) for item in told[-2:]] == [
        ("available", False),
        ("not_ready", True),
    ]
    assert [item["version"] for item in told] == sorted({item["version"] for item in told})
    assert told[-1]["version"] == scene.centre.routing.agents[ANA].seq
