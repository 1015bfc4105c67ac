"""Agents who come, go and are configured at the wrong moment; nobody is forgotten with them."""

import pytest

from tests.fakes.world import agent_profile
from tests.unit.dying import DiedError, Fate
from tests.unit.promises import broken
from tests.unit.stage import (
    ANA,
    BUDI,
    DEWI,
    MAYA,
    RAKA,
    SARA,
    Stage,
    busy,
    closes,
    leaves,
    pauses,
    rejects,
    serving,
    settled,
    stage,
    transfers,
)
from throughline.domain.configuration import Configuration
from throughline.domain.conversations import ContactState
from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.routing import PAUSED_CLASS, Presence
from throughline.flows.conclude import MAX_PAUSED, close, transfer
from throughline.flows.presence import configure_agent, lose_connection, set_presence
from throughline.flows.requeue import find_head

FIRST, AGAIN = False, True


def requests_of(scene: Stage) -> list[str]:
    fate = Fate(scene.world)
    with fate.watched():
        scene.step(FIRST)
    return fate.requests


# ---------------------------------------------------------------- screens


def test_a_screen_whose_end_overtakes_its_hello_is_not_taken_for_open() -> None:
    scene = stage()
    connection = scene.centre.connection("ana", "ana-9")
    scene.centre.hello("ana", "ana-9")
    lose_connection(scene.world, ANA, connection.connection_id, repeated=False)
    scene.centre.hello("ana", "ana-9")  # this frame had been under way
    scene.centre.pass_s(0)
    assert scene.centre.routing.agents[ANA].sockets == ()


def test_a_screen_that_opened_while_an_offer_was_claimed_rings_too() -> None:
    scene = stage().here("ana")
    old_hints = dict(scene.centre.routing.ready)
    scene.centre.hello("ana", "ana-2")
    scene.centre.routing.ready = old_hints  # what an eventually consistent look may see
    scene.wrote(MAYA)
    assert len(scene.centre.offers("ana-2")) == 1
    assert set(scene.centre.live(MAYA).sockets) == {"ana-1", "ana-2"}


def test_a_snapshot_shows_no_offer_that_ended_while_it_was_made() -> None:
    scene = stage().here("ana").wrote(MAYA)
    head = scene.centre.live(MAYA)
    with Fate(scene.world).interrupted(7, lambda: rejects(ANA, MAYA)(scene)):
        snapshot = scene.centre.hello("ana", "ana-2")
    assert find_head(scene.world, head.conversation) != head
    assert snapshot["offers"] == []


def test_a_hello_finishes_what_a_lost_connection_left_undone() -> None:
    """Else nobody would ever ask again who let the contact pass."""
    for number in range(1, len(requests_of(stage().here("ana").wrote(MAYA).loses(ANA))) + 1):
        scene = stage().here("ana").wrote(MAYA).loses(ANA)
        with pytest.raises(DiedError), Fate(scene.world).dying(number, after=True):
            scene.step(FIRST)
        scene.centre.hello("ana", "ana-9")
        scene.step(AGAIN)
        assert (number, settled(scene)) == (number, [])


def test_a_hello_frees_the_capacity_of_a_contact_whose_pause_died_half_way() -> None:
    scene = stage().here("sara").wrote(MAYA).accepted(MAYA).does(pauses(SARA, MAYA))
    at = requests_of(stage().here("sara").wrote(MAYA).accepted(MAYA).does(pauses(SARA, MAYA))).index("transition") + 1
    with pytest.raises(DiedError), Fate(scene.world).dying(at, after=True):
        scene.step(FIRST)
    scene.centre.hello("sara", "sara-2")
    assert dict(scene.centre.routing.agents[SARA].load) == {"voice": 0, "chat": 0, "email": 0, PAUSED_CLASS: 1}


def test_who_is_available_already_stands_ready_after_saying_so_again() -> None:
    scene = stage()
    scene.centre.hello("ana")
    set_presence(scene.world, ANA, Presence.AVAILABLE, "back")
    scene.centre.routing.ready.clear()  # as if it had died there
    set_presence(scene.world, ANA, Presence.AVAILABLE, "back from lunch")
    assert broken(scene.centre) == []


def test_a_lost_reply_hides_no_lost_connection() -> None:
    scene = serving().here("budi").loses(ANA)
    at = requests_of(serving().here("budi").loses(ANA)).index("replace_agent") + 1
    with Fate(scene.world).losing_reply(at):
        scene.step(FIRST)
    scene.centre.pass_s(60)
    assert scene.centre.live(MAYA).holder == BUDI


# ---------------------------------------------------------------- grace


def test_a_grace_ends_though_the_agent_got_a_new_skill_meanwhile() -> None:
    scene = serving().here("budi").did(leaves(ANA))
    configure_agent(scene.world, ANA, agent_profile("ana", en=5, id=2))
    scene.centre.pass_s(60)
    assert scene.centre.live(MAYA).holder == BUDI


def test_whoever_is_back_at_the_end_of_the_grace_keeps_presence_and_contacts() -> None:
    scene = serving().here("budi").did(leaves(ANA)).grace(ANA)
    with Fate(scene.world).interrupted(2, lambda: scene.centre.hello("ana", "ana-9")):
        scene.step(FIRST)
    assert scene.centre.routing.agents[ANA].presence is Presence.AVAILABLE
    assert scene.centre.live(MAYA).holder == ANA


# ---------------------------------------------------------------- one agent alone


def test_a_contact_that_waits_for_an_agent_who_is_taken_out_goes_to_somebody_else() -> None:
    scene = busy().here("ana").accepted(RAKA).did(transfers(ANA, RAKA, SARA))
    assert scene.centre.live(RAKA).requirement == "@sara"
    configure_agent(scene.world, SARA, None)
    assert scene.centre.live(RAKA).holder == ANA


def test_a_transfer_to_a_colleague_who_has_gone_meanwhile_comes_back() -> None:
    scene = serving().here("budi")
    head = scene.centre.live(MAYA)
    transfer(scene.world, ANA, head.conversation, queue=None, to_agent=BUDI)
    [late] = scene.centre.timers.of_kind("transfer")
    scene.centre.timers.armed.remove(late)
    scene.did(leaves(BUDI)).did(lambda it: it.centre.pass_s(61))
    scene.centre.timers.armed.append(late)  # the queue delivers it again, 90 seconds later
    scene.centre.pass_s(61)
    assert scene.centre.live(MAYA).holder == ANA


def test_a_transfer_to_a_colleague_who_was_taken_out_meanwhile_comes_back() -> None:
    scene = serving().here("budi")
    head = scene.centre.live(MAYA)
    transfer(scene.world, ANA, head.conversation, queue=None, to_agent=BUDI)
    scene.centre.settings.configuration = Configuration(queues=scene.centre.settings.configuration.queues)
    configure_agent(scene.world, BUDI, None)
    scene.centre.pass_s(0)
    assert scene.centre.live(MAYA).holder == ANA


def test_however_many_waited_for_an_agent_who_leaves_all_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = busy().here("ana", "budi").accepted(RAKA, DEWI)
    for sender in (RAKA, DEWI):
        scene.did(transfers(AgentId(str(scene.centre.live(sender).holder)), sender, SARA))
    monkeypatch.setattr("throughline.flows.presence.PERSONAL_PAGE", 1)
    scene.did(leaves(SARA))
    scene.centre.pass_s(60)
    assert {scene.centre.live(sender).state for sender in (MAYA, RAKA, DEWI)} == {ContactState.OFFERED}


# ---------------------------------------------------------------- letting go


def test_a_closed_contact_that_comes_back_is_not_barred_by_the_slot_that_a_death_left_behind() -> None:
    scene = serving().does(closes(ANA, MAYA))
    at = requests_of(serving().does(closes(ANA, MAYA))).index("transition") + 1
    with pytest.raises(DiedError), Fate(scene.world).dying(at, after=True):
        scene.step(FIRST)
    scene.wrote(MAYA)
    assert (scene.centre.live(MAYA).state, scene.centre.live(MAYA).holder) == (ContactState.OFFERED, ANA)
    assert broken(scene.centre) == []


def test_a_waiting_contact_is_not_barred_by_a_slot_left_behind_when_its_agent_comes_free() -> None:
    scene = serving().wrote(RAKA).accepted(RAKA).does(closes(ANA, MAYA))
    at = requests_of(serving().wrote(RAKA).accepted(RAKA).does(closes(ANA, MAYA))).index("transition") + 1
    with pytest.raises(DiedError), Fate(scene.world).dying(at, after=True):
        scene.step(FIRST)
    scene.wrote(MAYA)  # ana is full, as far as anybody knows
    assert scene.centre.live(MAYA).state is ContactState.QUEUED
    closes(ANA, RAKA)(scene)
    assert scene.centre.live(MAYA).holder == ANA
    assert broken(scene.centre) == []


def test_the_repetition_of_a_close_frees_the_slot_though_the_customer_has_written_again() -> None:
    scene = serving().here("budi").does(closes(ANA, MAYA))
    at = requests_of(serving().here("budi").does(closes(ANA, MAYA))).index("transition") + 1
    with pytest.raises(DiedError), Fate(scene.world).dying(at, after=True):
        scene.step(FIRST)
    set_presence(scene.world, ANA, Presence.NOT_READY, None)
    scene.wrote(MAYA)
    assert scene.centre.live(MAYA).holder == BUDI
    with pytest.raises(Exception, match="not with this agent"):
        scene.step(AGAIN)
    assert scene.centre.routing.agents[ANA].load["chat"] == 0


def test_a_transfer_that_was_carried_out_may_be_asked_for_again() -> None:
    scene = serving().here("budi").did(transfers(ANA, MAYA, BUDI)).accepted(MAYA)
    transfers(ANA, MAYA, BUDI)(scene)
    scene.centre.pass_s(0)
    assert scene.centre.live(MAYA).holder == BUDI


def test_an_agent_cannot_set_aside_more_than_their_item_can_bear() -> None:
    scene = stage().here("ana")
    for number in range(MAX_PAUSED):
        scene.wrote(f"telegram:{number + 100}").accepted(f"telegram:{number + 100}")
        scene.did(pauses(ANA, f"telegram:{number + 100}"))
    scene.wrote(MAYA).accepted(MAYA)
    with pytest.raises(InvalidRequestError, match="set aside"):
        pauses(ANA, MAYA)(scene)
    pauses(ANA, "telegram:100")(scene)  # for longer


def test_a_contact_of_a_queue_that_was_taken_out_is_offered_and_closed_all_the_same() -> None:
    scene = stage().wrote(MAYA).wrote(RAKA)
    configuration = scene.centre.settings.configuration
    scene.centre.settings.configuration = type(configuration)(agents=configuration.agents)
    scene.here("ana").accepted(MAYA)
    rejects(ANA, RAKA)(scene)
    head = scene.centre.live(MAYA)
    assert close(scene.world, ANA, head.conversation, None, None).state is ContactState.RESOLVED


def test_a_wrong_connection_loses_nobodys_contacts() -> None:
    scene = serving()
    lose_connection(scene.world, ANA, ConnectionId("ana-0"), repeated=True)
    scene.centre.pass_s(60)
    assert scene.centre.live(MAYA).holder == ANA
