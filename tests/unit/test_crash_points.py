"""Every step, dying behind each of its requests to AWS, and then repeated: the promises hold, every time."""

from collections.abc import Callable, Mapping

import pytest

from tests.fakes.world import agent_profile
from tests.unit.dying import DiedError, Fate
from tests.unit.promises import every_change_is_recorded
from tests.unit.stage import (
    ANA,
    BSUID,
    BUDI,
    CHAT,
    MAYA,
    OTHER,
    PHONE,
    RAKA,
    SARA,
    SMS,
    USER,
    VISITOR,
    WHATSAPP,
    Stage,
    busy,
    closes,
    declares,
    leaves,
    leaves_after_work,
    pauses,
    rejects,
    resumes,
    serving,
    settled,
    stage,
    takes_over,
    to_queue,
    transfers,
    two_matters,
    wrap_up_ends,
    wrapping,
    wraps_up,
)
from throughline.domain.errors import StoreUnavailableError, ThroughlineError
from throughline.domain.routing import Presence
from throughline.flows.presence import configure_agent

FIRST, AGAIN = False, True
DECIDED = {"claim", "swap", "post"}  # behind them a decision is lost with the process that made it


STEPS: Mapping[str, Callable[[], Stage]] = {
    "a first message, nobody there": lambda: stage().writes(MAYA),
    "a first message, several there": lambda: stage().here("ana", "budi", "sara").writes(MAYA),
    "a message to a paused contact": lambda: serving().did(pauses(ANA, MAYA)).writes(MAYA),
    "a message within the reopen window": lambda: serving().did(closes(ANA, MAYA)).writes(MAYA),
    "a message after it": lambda: (
        serving().did(closes(ANA, MAYA)).did(lambda it: it.centre.pass_s(90_000)).writes(MAYA)
    ),
    "available, two waiting": lambda: (
        stage().wrote(MAYA).wrote(RAKA).did(lambda it: it.centre.hello("ana")).does(declares(ANA, Presence.AVAILABLE))
    ),
    "not ready": lambda: stage().here("ana").does(declares(ANA, Presence.NOT_READY)),
    "offline with an offer": lambda: stage().here("ana", "budi").wrote(MAYA).does(declares(ANA, Presence.OFFLINE)),
    "hello on a second screen": lambda: serving().does(lambda it: it.centre.hello("ana", "ana-2")),
    "hello after a loss": lambda: serving().did(leaves(ANA)).does(lambda it: it.centre.hello("ana", "ana-2")),
    "an accept": lambda: stage().here("ana").wrote(MAYA).does(lambda it: it.accepted(MAYA)),
    "a rejection, nobody else there": lambda: stage().here("sara").wrote(MAYA).does(rejects(SARA, MAYA)),
    "a rejection, somebody else there": lambda: stage().here("ana", "budi").wrote(MAYA).does(rejects(ANA, MAYA)),
    "a rejection while others wait": lambda: stage().here("sara").wrote(MAYA).wrote(RAKA).does(rejects(SARA, MAYA)),
    "a deadline": lambda: stage().here("sara").wrote(MAYA).timer(MAYA, "offer_timeout"),
    "a cool-down": lambda: stage().here("ana").wrote(MAYA).did(rejects(ANA, MAYA)).timer(MAYA, "cool_down"),
    "a lost connection with an offer": lambda: stage().here("ana", "budi").wrote(MAYA).loses(ANA),
    "a lost connection with a contact": lambda: serving().here("budi").loses(ANA),
    "the end of a grace": lambda: serving().here("budi").did(leaves(ANA)).grace(ANA),
    "the end of a grace, wrapping": lambda: serving().did(wraps_up(ANA, MAYA)).did(leaves(ANA)).grace(ANA),
    "the end of a grace, somebody waits for them": lambda: (
        busy().here("ana").accepted(RAKA).did(transfers(ANA, RAKA, SARA)).did(leaves(SARA)).grace(SARA)
    ),
    "a wrap-up": lambda: serving().does(wraps_up(ANA, MAYA)),
    "a close, nobody waiting": lambda: stage().here("sara").wrote(MAYA).accepted(MAYA).does(closes(SARA, MAYA)),
    "a close, two waiting": lambda: busy().does(closes(SARA, MAYA)),
    "a pause, two waiting": lambda: busy().does(pauses(SARA, MAYA)),
    "the end of a pause": lambda: resumes(serving().did(pauses(ANA, MAYA))),
    "the end of a pause, its agent busy": lambda: resumes(busy().did(pauses(SARA, MAYA))),
    "a transfer to a queue": lambda: to_queue(serving().here("sara")),
    "a transfer to a colleague": lambda: (
        serving().here("budi").timer(MAYA, "transfer", agent=ANA, queue=None, to_agent=BUDI)
    ),
    "a transfer to a busy colleague": lambda: (
        busy().here("ana").accepted(RAKA).timer(RAKA, "transfer", agent=ANA, queue=None, to_agent=SARA)
    ),
    "leaving after work": lambda: serving().wrote(RAKA).does(leaves_after_work(ANA)),
    "leaving after work, with none left": lambda: stage().here("ana").does(leaves_after_work(ANA)),
    "the last close before leaving": lambda: (
        busy().did(leaves_after_work(SARA, Presence.OFFLINE)).does(closes(SARA, MAYA))
    ),
    "the last close before being available": lambda: (
        busy()
        .did(declares(SARA, Presence.NOT_READY))
        .did(leaves_after_work(SARA, Presence.AVAILABLE))
        .does(closes(SARA, MAYA))
    ),
    "a pause before leaving": lambda: serving().did(leaves_after_work(ANA)).does(pauses(ANA, MAYA)),
    "a deadline before leaving": lambda: (
        stage().here("sara").wrote(MAYA).did(leaves_after_work(SARA)).timer(MAYA, "offer_timeout")
    ),
    "not leaving after all": lambda: (
        serving().wrote(RAKA).did(leaves_after_work(ANA)).does(declares(ANA, Presence.AVAILABLE))
    ),
    "the end of a wrap-up": lambda: wrap_up_ends(wrapping()),
    "the end of a wrap-up, one waiting": lambda: wrap_up_ends(
        wrapping().did(lambda it: it.centre.pass_s(10)).wrote(MAYA).wrote(RAKA)
    ),
    "a wrap-up that ends by itself": lambda: (
        serving().did(lambda it: it.centre.end_wrap_ups_after(60)).does(wraps_up(ANA, MAYA))
    ),
    "an assignment of a held contact": lambda: (
        serving().here("budi").timer(MAYA, "assign", to_agent=BUDI, by="agent:sara")
    ),
    "an assignment of an offered contact": lambda: (
        stage().here("ana").wrote(MAYA).here("budi").timer(MAYA, "assign", to_agent=BUDI, by="agent:sara")
    ),
    "an assignment of a waiting contact": lambda: (
        busy().here("ana").did(rejects(ANA, RAKA)).timer(RAKA, "assign", to_agent=ANA, by="agent:sara")
    ),
    "an assignment of a resolved contact": lambda: (
        serving().did(closes(ANA, MAYA)).timer(MAYA, "assign", to_agent=ANA, by="agent:sara")
    ),
    "a takeover of a held contact, two waiting": lambda: (
        busy().did(lambda it: it.centre.hello("budi")).does(takes_over(BUDI, MAYA))
    ),
    "a takeover of an offered contact": lambda: (
        stage().here("ana").wrote(MAYA).did(lambda it: it.centre.hello("budi")).does(takes_over(BUDI, MAYA))
    ),
    "a takeover of a waiting contact": lambda: (
        stage().wrote(MAYA).did(lambda it: it.centre.hello("budi")).does(takes_over(BUDI, MAYA))
    ),
    "a takeover of one's own paused contact": lambda: serving().did(pauses(ANA, MAYA)).does(takes_over(ANA, MAYA)),
    "a takeover of a resolved contact": lambda: serving().did(closes(ANA, MAYA)).does(takes_over(ANA, MAYA)),
    "a new skill": lambda: (
        stage().here("ana").does(lambda it: configure_agent(it.world, ANA, agent_profile("ana", en=5, id=1)))
    ),
    "more capacity, two waiting": lambda: busy().does(
        lambda it: configure_agent(it.world, SARA, agent_profile("sara", chats=3, en=1, sales=3))
    ),
    "a first message with two identifiers": lambda: stage().here("ana").writes(PHONE, BSUID, **WHATSAPP),
    "two identifiers of two waiting": lambda: stage().wrote(PHONE, **SMS).wrote(BSUID).writes(PHONE, BSUID, **WHATSAPP),
    "two identifiers of two served": lambda: two_matters().writes(PHONE, BSUID, **WHATSAPP),
    "two identifiers, one of a stranger": lambda: (
        stage().here("ana").wrote(BSUID).accepted(BSUID).writes(PHONE, BSUID, **WHATSAPP)
    ),
    "a visitor signs in, held": lambda: (
        stage().here("ana").wrote(VISITOR, **CHAT).accepted(VISITOR).signs_in(VISITOR, USER)
    ),
    "a visitor signs in, waiting": lambda: stage().wrote(VISITOR, **CHAT).signs_in(VISITOR, USER),
    "a visitor signs in, offered, as a user who is served": lambda: (
        stage().here("ana").wrote(USER, **CHAT).accepted(USER).wrote(VISITOR, **CHAT).signs_in(VISITOR, USER)
    ),
    "a visitor signs in, held, as a user who is served": lambda: (
        stage()
        .here("ana", "budi")
        .wrote(USER, **CHAT)
        .wrote(VISITOR, **CHAT)
        .accepted(USER, VISITOR)
        .signs_in(VISITOR, USER)
    ),
    "a visitor signs in, held, as a user whose matter is over": lambda: (
        stage()
        .here("ana")
        .wrote(USER, **CHAT)
        .accepted(USER)
        .did(closes(ANA, USER))
        .wrote(VISITOR, **CHAT)
        .accepted(VISITOR)
        .signs_in(VISITOR, USER)
    ),
    "a visitor signs in, waiting, as a user whose matter is over": lambda: (
        stage()
        .here("ana")
        .wrote(USER, **CHAT)
        .accepted(USER)
        .did(closes(ANA, USER))
        .did(declares(ANA, Presence.NOT_READY))
        .wrote(VISITOR, **CHAT)
        .did(lambda it: it.centre.pass_s(1))
        .signs_in(VISITOR, USER)
    ),
    "a visitor signs in, offered, as a user whose matter is set aside": lambda: (
        stage()
        .here("ana")
        .wrote(USER, **CHAT)
        .accepted(USER)
        .did(pauses(ANA, USER))
        .wrote(VISITOR, **CHAT)
        .did(lambda it: it.centre.pass_s(1))
        .signs_in(VISITOR, USER)
    ),
    "a visitor signs in, offered, as a user whose matter is wrapped up": lambda: (
        stage()
        .here("ana")
        .wrote(USER, **CHAT)
        .accepted(USER)
        .wrote(VISITOR, **CHAT)
        .did(lambda it: it.centre.pass_s(5))
        .did(wraps_up(ANA, USER))
        .did(lambda it: it.centre.pass_s(5))
        .signs_in(VISITOR, USER)
    ),
    "a third identifier of two joined": lambda: (
        two_matters()
        .did(lambda it: it.centre.write([PHONE, BSUID], **WHATSAPP))
        .wrote(OTHER)
        .writes(OTHER, BSUID, **WHATSAPP)
    ),
}


def requests_of(name: str) -> list[str]:
    scene = STEPS[name]()
    fate = Fate(scene.world)
    with fate.watched():
        scene.step(FIRST)
    return fate.requests


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("forgotten", [False, True], ids=["redelivered", "redriven"])
def test_a_step_that_died_anywhere_is_finished_by_its_repetition(name: str, forgotten: bool) -> None:
    """A queue that redrives a record has forgotten that it was delivered before."""
    for number, request in enumerate(requests_of(name), start=1):
        scene = STEPS[name]()
        with pytest.raises(DiedError), Fate(scene.world).dying(number, after=True):
            scene.step(FIRST)
        try:
            scene.step(FIRST if forgotten else AGAIN)
        except StoreUnavailableError:
            raise
        except ThroughlineError:
            pass  # a person's frame may find that the world has moved on
        assert (request, settled(scene)) == (request, [])
        if request not in DECIDED:
            every_change_is_recorded(scene.centre)


WITH_THEIR_CLIENT = {
    "available, two waiting": ANA,
    "not ready": ANA,
    "an accept": ANA,
    "a rejection, somebody else there": ANA,
    "a wrap-up": ANA,
    "a close, two waiting": SARA,
    "a pause, two waiting": SARA,
}


@pytest.mark.parametrize("name", WITH_THEIR_CLIENT)
def test_a_step_that_died_together_with_its_client_is_finished_by_the_grace(name: str) -> None:
    for number, request in enumerate(requests_of(name), start=1):
        scene, agent = STEPS[name](), WITH_THEIR_CLIENT[name]
        with pytest.raises(DiedError), Fate(scene.world).dying(number, after=True):
            scene.step(FIRST)
        leaves(agent)(scene)
        assert (request, settled(scene)) == (request, [])
        scene.centre.pass_s(61)
        assert (request, settled(scene)) == (request, [])


@pytest.mark.parametrize("name", STEPS)
def test_a_lost_reply_makes_no_difference(name: str) -> None:
    for number, request in enumerate(requests_of(name), start=1):
        scene = STEPS[name]()
        with Fate(scene.world).losing_reply(number):
            scene.step(FIRST)
        assert (request, settled(scene)) == (request, [])
        every_change_is_recorded(scene.centre)


def test_the_world_that_is_watched_is_the_world_that_is_used() -> None:
    assert "claim" in requests_of("a first message, several there")
    assert "swap" in requests_of("available, two waiting")
    assert "move_home" in requests_of("two identifiers of two served")
