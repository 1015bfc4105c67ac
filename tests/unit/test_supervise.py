"""Supervisors assign by hand, by the same claim as everybody, and take over, within their capacity."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from tests.fakes.world import agent_profile
from tests.replies import a_reply
from tests.unit.promises import every_change_is_recorded
from tests.unit.stage import (
    ANA,
    BUDI,
    DEWI,
    MAYA,
    RAKA,
    SARA,
    Stage,
    assigns,
    busy,
    closes,
    declares,
    leaves,
    pauses,
    rejects,
    serving,
    settled,
    stage,
    supervisor,
    takes_over,
)
from throughline.domain.conversations import ContactState
from throughline.domain.errors import ConflictError, ForbiddenError, InvalidRequestError
from throughline.domain.routing import Presence
from throughline.flows.offers import accept_offer
from throughline.flows.reply import send_reply
from throughline.flows.supervise import assign, take_over


def moved_on(scene: Stage, sender: str = MAYA) -> tuple[str, str | None, int]:
    head = scene.centre.live(sender)
    return head.state, head.holder, head.turn


def left_alone(scene: Stage) -> Stage:
    """Let nobody be in Ana's, Budi's and Sara's team but themselves."""
    configuration = scene.centre.settings.configuration
    others = {name: replace(profile, teams=("back",)) for name, profile in configuration.agents.items()}
    scene.centre.settings.configuration = replace(
        configuration, agents={**others, BUDI: agent_profile("budi", teams=("front",))}
    )
    return scene


# ---------------------------------------------------------------- assigning


def test_a_waiting_contact_is_offered_to_who_is_named_although_their_skills_do_not_fit() -> None:
    scene = stage().here("sara").wrote(MAYA).accepted(MAYA)
    scene.centre.write("telegram:9", "halo", language="id")
    scene.did(closes(SARA, MAYA))
    head = scene.centre.live("telegram:9")
    assert (head.state, head.requirement) == (ContactState.QUEUED, "id.1")

    scene.did(assigns(BUDI, "telegram:9", SARA))
    now = scene.centre.live("telegram:9")
    assert (now.state, now.holder, now.score) == (ContactState.OFFERED, SARA, head.score)
    assert scene.centre.offers("sara-1")[-1]["requirement"] == "@sara"
    changes = scene.centre.threads.list_changes(now.home, now.conversation)
    assert ("queued", "agent:budi", "assigned by hand") in {(item.state, item.by, item.why) for item in changes}
    assert settled(scene) == []
    every_change_is_recorded(scene.centre)


def test_who_let_it_pass_may_be_assigned_it_and_once_they_reject_it_is_everybodys_again() -> None:
    scene = stage().here("ana").wrote(MAYA).did(rejects(ANA, MAYA))
    scene.did(assigns(BUDI, MAYA, ANA))
    assert moved_on(scene)[:2] == (ContactState.OFFERED, ANA)

    scene.did(rejects(ANA, MAYA))
    assert scene.centre.live(MAYA).requirement == "en.1"
    assert settled(scene) == []


def test_a_held_contact_changes_hands_and_its_holder_is_told() -> None:
    scene = serving().here("budi").did(assigns(SARA, MAYA, BUDI))

    assert moved_on(scene)[:2] == (ContactState.OFFERED, BUDI)
    assert scene.centre.sockets.to("ana-1", "conversation")[-1]["holder"] == BUDI
    assert dict(scene.centre.routing.agents[ANA].held) == {}
    assert settled(scene) == []


def test_an_offer_to_somebody_else_ends() -> None:
    scene = stage().here("ana").wrote(MAYA).here("budi").did(assigns(SARA, MAYA, BUDI))

    assert moved_on(scene)[:2] == (ContactState.OFFERED, BUDI)
    assert scene.centre.sockets.to("ana-1", "offer.ended")[-1]["reason"] == "gone"
    assert settled(scene) == []


def test_a_resolved_one_is_opened_again() -> None:
    scene = serving().here("budi").did(closes(ANA, MAYA)).did(assigns(SARA, MAYA, BUDI))
    head = scene.centre.live(MAYA)

    assert (head.state, head.holder, head.disposition, head.until_ms) == (ContactState.OFFERED, BUDI, None, 0)
    assert settled(scene) == []


UNABLE: Mapping[str, Callable[[], Stage]] = {
    "full": busy,
    "not ready": lambda: stage().here("sara").did(declares(SARA, Presence.NOT_READY)).wrote(RAKA),
    "away": lambda: stage().here("sara").did(leaves(SARA)).wrote(RAKA),
    "unknown": lambda: stage().wrote(RAKA),
}


@pytest.mark.parametrize("how", UNABLE)
def test_an_agent_who_cannot_take_it_now_is_not_assigned_it(how: str) -> None:
    scene = UNABLE[how]()
    before = scene.centre.live(RAKA)

    with pytest.raises(ConflictError, match="cannot take it now"):
        assigns(BUDI, RAKA, SARA)(scene)
    assert scene.centre.live(RAKA) == before
    assert settled(scene) == []


def test_the_same_assignment_twice_is_one() -> None:
    scene = serving().here("budi")
    act = assigns(SARA, MAYA, BUDI)
    act(scene)
    scene.did(act)
    scene.did(act)

    assert scene.centre.live(MAYA).turn == 4
    assert len(scene.centre.offers("budi-1")) == 1


def test_what_has_moved_on_is_not_assigned() -> None:
    scene = serving().here("budi")
    head = scene.centre.live(MAYA)

    with pytest.raises(ConflictError, match="moved on"):
        assign(scene.world, supervisor(SARA), head.conversation, head.turn - 1, BUDI)
    scene.did(closes(ANA, MAYA)).did(lambda it: it.centre.pass_s(90_000)).wrote(MAYA)
    with pytest.raises(ConflictError, match="is over"):
        assign(scene.world, supervisor(SARA), head.conversation, head.turn + 1, BUDI)


def test_an_assignment_under_way_does_not_take_what_has_been_accepted_elsewhere() -> None:
    scene = stage().here("ana", "budi").wrote(MAYA)
    holder = scene.centre.live(MAYA).holder
    assert holder is not None
    other = BUDI if holder == ANA else ANA
    assigns(SARA, MAYA, other)(scene)
    scene.did(rejects(holder, MAYA))
    head = scene.centre.live(MAYA)
    accept_offer(scene.world, other, head.conversation, head.turn)
    scene.centre.pass_s(0)

    assert moved_on(scene)[:2] == (ContactState.ACTIVE, other)


def test_supervisors_act_on_their_teams_only() -> None:
    scene = left_alone(serving().here("sara", "budi"))
    head = scene.centre.live(MAYA)

    with pytest.raises(ForbiddenError):
        assign(scene.world, supervisor(BUDI), head.conversation, head.turn, BUDI)
    with pytest.raises(ForbiddenError):
        take_over(scene.world, supervisor(BUDI), head.conversation, head.turn)
    scene.did(closes(ANA, MAYA))
    head = scene.centre.live(MAYA)
    with pytest.raises(ForbiddenError):
        assign(scene.world, supervisor(BUDI), head.conversation, head.turn, SARA)
    scene.did(assigns(BUDI, MAYA, BUDI))
    assert moved_on(scene)[1] == BUDI


# ---------------------------------------------------------------- taking over


def test_a_takeover_makes_the_supervisor_the_holder_at_once_whatever_their_presence() -> None:
    scene = serving().did(lambda it: it.centre.hello("budi")).did(takes_over(BUDI, MAYA))

    assert moved_on(scene) == (ContactState.ACTIVE, BUDI, 3)
    assert dict(scene.centre.routing.agents[ANA].held) == {}
    assert scene.centre.sockets.to("ana-1", "conversation")[-1]["holder"] == BUDI
    assert scene.centre.live(MAYA).sockets == ("budi-1",)
    assert settled(scene) == []
    every_change_is_recorded(scene.centre)


def test_whoever_took_over_replies_and_whoever_had_it_no_longer_does() -> None:
    scene = serving().did(lambda it: it.centre.hello("budi")).did(takes_over(BUDI, MAYA))
    conversation = scene.centre.live(MAYA).conversation

    def say(agent: str) -> str | None:
        agent_id = ANA if agent == "ana" else BUDI
        return send_reply(scene.world, agent_id, a_reply(conversation, message_id=f"m-{agent}", text="Hi")).author

    assert say("budi") == "budi"
    with pytest.raises(ForbiddenError):
        say("ana")


def test_the_freed_agent_takes_what_waits() -> None:
    scene = busy().did(lambda it: it.centre.hello("budi")).did(takes_over(BUDI, MAYA))

    assert SARA in {scene.centre.live(RAKA).holder, scene.centre.live(DEWI).holder}
    assert settled(scene) == []


@pytest.mark.parametrize("state", ["queued", "offered", "paused", "resolved", "own offer", "own paused"])
def test_whatever_is_live_can_be_taken_over(state: str) -> None:
    here = {
        "queued": lambda: stage().wrote(MAYA).did(lambda it: it.centre.hello("budi")),
        "offered": lambda: stage().here("ana").wrote(MAYA).did(lambda it: it.centre.hello("budi")),
        "paused": lambda: serving().did(pauses(ANA, MAYA)).did(lambda it: it.centre.hello("budi")),
        "resolved": lambda: serving().did(closes(ANA, MAYA)).did(lambda it: it.centre.hello("budi")),
        "own offer": lambda: stage().here("budi").wrote(MAYA),
        "own paused": lambda: stage().here("budi").wrote(MAYA).accepted(MAYA).did(pauses(BUDI, MAYA)),
    }[state]()
    turn = here.centre.live(MAYA).turn
    here.did(takes_over(BUDI, MAYA))
    head = here.centre.live(MAYA)

    assert moved_on(here) == (ContactState.ACTIVE, BUDI, turn + 1)
    assert (head.until_ms, head.deadline_ms, head.disposition, head.preferred) == (0, 0, None, None)
    here.centre.pass_s(120)
    assert moved_on(here) == (ContactState.ACTIVE, BUDI, turn + 1)
    assert settled(here) == []


def test_an_offer_that_is_taken_over_ends_for_its_agent() -> None:
    scene = stage().here("ana").wrote(MAYA).did(lambda it: it.centre.hello("budi")).did(takes_over(BUDI, MAYA))

    assert scene.centre.sockets.to("ana-1", "offer.ended")[-1]["reason"] == "gone"


def test_a_supervisor_takes_no_more_than_their_capacity() -> None:
    scene = busy().did(lambda it: it.centre.hello("ana")).did(takes_over(ANA, RAKA))
    scene.did(takes_over(ANA, "telegram:3"))
    before = scene.centre.live(MAYA)

    with pytest.raises(ConflictError, match="capacity"):
        takes_over(ANA, MAYA)(scene)
    assert scene.centre.live(MAYA) == before
    assert settled(scene) == []


def test_who_has_no_open_screen_takes_nothing_over() -> None:
    scene = serving()

    with pytest.raises(InvalidRequestError, match="hello"):
        takes_over(BUDI, MAYA)(scene)


def test_the_same_takeover_twice_is_one_and_what_is_mine_stays_mine() -> None:
    scene = serving().did(lambda it: it.centre.hello("budi"))
    act = takes_over(BUDI, MAYA)
    scene.did(act).did(act)
    assert moved_on(scene) == (ContactState.ACTIVE, BUDI, 3)

    head = scene.centre.live(MAYA)
    assert take_over(scene.world, supervisor(BUDI), head.conversation, head.turn) == head


def test_what_has_moved_on_is_not_taken_over() -> None:
    scene = serving().did(lambda it: it.centre.hello("budi"))
    head = scene.centre.live(MAYA)

    with pytest.raises(ConflictError, match="moved on"):
        take_over(scene.world, supervisor(BUDI), head.conversation, head.turn - 1)


def test_of_two_supervisors_one_takes_it() -> None:
    scene = serving().did(lambda it: it.centre.hello("budi")).did(lambda it: it.centre.hello("sara"))
    by_budi, by_sara = takes_over(BUDI, MAYA), takes_over(SARA, MAYA)
    take = scene.centre.routing.take_over

    def other_first(*arguments: object) -> object:
        scene.centre.routing.take_over = take  # type: ignore[method-assign]
        by_sara(scene)
        return take(*arguments)  # type: ignore[arg-type]

    scene.centre.routing.take_over = other_first  # type: ignore[assignment]
    with pytest.raises(ConflictError):
        by_budi(scene)
    assert moved_on(scene)[1] == SARA
    assert settled(scene) == []
