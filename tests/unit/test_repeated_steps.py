"""What comes twice, late, or by a queue that has forgotten that it delivered it before."""

from dataclasses import replace

import pytest

from tests.fakes.world import agent_profile
from tests.unit.dying import DiedError, Fate
from tests.unit.promises import broken, every_change_is_recorded
from tests.unit.stage import ANA, BUDI, MAYA, SARA, Stage, closes, pauses, rejects, serving, settled, stage
from throughline.domain.conversations import ContactState
from throughline.domain.errors import StoreUnavailableError
from throughline.domain.routing import Claim, Offer
from throughline.flows.presence import configure_agent
from throughline.flows.run_timer import run_timer

FIRST, AGAIN = False, True
LONG = "ص" * 65_000  # more than a socket carries


def number_of(request: str, scene: Stage) -> int:
    fate = Fate(scene.world)
    with fate.watched():
        scene.step(FIRST)
    return fate.requests.index(request) + 1


# ---------------------------------------------------------------- messages


def test_a_redriven_record_is_placed_though_the_queue_has_forgotten_its_first_delivery() -> None:
    scene = stage().writes(MAYA)
    with pytest.raises(DiedError), Fate(scene.world).dying(number_of("announce", stage().writes(MAYA)), after=True):
        scene.step(FIRST)
    scene.step(FIRST)
    assert broken(scene.centre) == []
    assert scene.centre.customers.find_customer(scene.centre.live(MAYA).customer) is not None


def test_a_message_delivered_again_after_its_conversation_was_closed_does_not_open_it_again() -> None:
    scene = stage().here("ana").writes(MAYA)
    scene.step(FIRST)
    scene.accepted(MAYA).did(closes(ANA, MAYA))
    scene.step(AGAIN)
    assert scene.centre.live(MAYA).state is ContactState.RESOLVED


def test_a_message_delivered_again_after_its_contact_was_paused_does_not_end_the_pause() -> None:
    scene = stage().here("ana").writes(MAYA)
    scene.step(FIRST)
    scene.accepted(MAYA).did(pauses(ANA, MAYA))
    scene.step(AGAIN)
    assert scene.centre.live(MAYA).state is ContactState.PAUSED


def test_a_new_customer_has_a_card_though_the_reply_to_the_first_announcement_was_lost() -> None:
    scene = stage().writes(MAYA)
    with Fate(scene.world).losing_reply(number_of("announce", stage().writes(MAYA))):
        scene.step(FIRST)
    assert scene.centre.customers.find_customer(scene.centre.live(MAYA).customer) is not None


def test_a_message_too_large_for_a_frame_still_wakes_its_contact() -> None:
    scene = serving().did(pauses(ANA, MAYA))
    scene.centre.write(MAYA, LONG)
    scene.centre.pass_s(0)
    assert scene.centre.live(MAYA).state is ContactState.OFFERED
    [told] = scene.centre.sockets.to("ana-1", "message")
    assert told["entry"]["withheld"]


def test_an_offer_is_recorded_though_no_screen_could_be_told() -> None:
    scene = stage().here("ana").writes(MAYA)
    scene.centre.sockets.busy.add("ana-1")
    with pytest.raises(StoreUnavailableError):
        scene.step(FIRST)
    every_change_is_recorded(scene.centre)


# ---------------------------------------------------------------- offers


def test_an_agent_whose_rejection_died_half_way_stands_ready_after_its_repetition() -> None:
    def rejecting() -> Stage:
        return stage().here("sara").wrote(MAYA).does(rejects(SARA, MAYA))

    scene = rejecting()
    with pytest.raises(DiedError), Fate(scene.world).dying(number_of("replace_agent", rejecting()), after=True):
        scene.step(FIRST)
    scene.step(AGAIN)
    assert broken(scene.centre) == []


def test_a_rejection_that_died_with_its_client_is_finished_by_the_offers_deadline() -> None:
    def rejecting() -> Stage:
        return stage().here("ana", "budi").wrote(MAYA).does(rejects(ANA, MAYA))

    for number in range(number_of("transition", rejecting()), number_of("claim", rejecting())):
        scene = rejecting()
        with pytest.raises(DiedError), Fate(scene.world).dying(number, after=True):
            scene.step(FIRST)
        scene.centre.pass_s(20)
        assert scene.centre.live(MAYA).holder == BUDI
        assert (number, settled(scene)) == (number, [])
        assert scene.centre.routing.agents[ANA].routable


def test_an_offer_whose_claim_outlasts_its_deadline_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = stage().here("ana", "budi")
    claim = scene.centre.routing.claim

    def slow(offer: Offer) -> tuple[Claim, object]:
        scene.centre.pass_s(20)
        return claim(offer)

    with monkeypatch.context() as patch:
        patch.setattr(scene.centre.routing, "claim", slow)
        scene.centre.write(MAYA)
    assert scene.centre.live(MAYA).holder == ANA
    scene.centre.pass_s(20)
    assert scene.centre.live(MAYA).holder == BUDI


def test_the_timer_of_a_claim_that_was_lost_cuts_no_later_offer_short() -> None:
    lost = stage().here("ana").writes(MAYA)
    with (
        pytest.raises(DiedError),
        Fate(lost.world).dying(number_of("arm", stage().here("ana").writes(MAYA)), after=True),
    ):
        lost.step(FIRST)
    lost.centre.pass_s(15)
    lost.step(AGAIN)
    lost.centre.pass_s(19)  # the lost claim's deadline was 14 seconds ago
    assert lost.centre.live(MAYA).state is ContactState.OFFERED
    lost.centre.pass_s(1)
    assert lost.centre.live(MAYA).state is ContactState.QUEUED


@pytest.mark.parametrize("sender", [f"telegram:{number}" for number in range(6)])
def test_a_hint_left_over_does_not_hide_the_true_one_of_the_same_agent(sender: str) -> None:
    """Which hint is taken first depends on the contact."""
    scene = stage().here("ana")
    [true] = scene.centre.routing.ready.values()
    scene.centre.routing.put_ready(replace(true, stamp="0" + true.stamp[1:], epoch=true.epoch - 1))
    scene.writes(sender)
    with pytest.raises(DiedError), Fate(scene.world).dying(number_of("announce", stage().writes(sender)), after=True):
        scene.step(FIRST)
    scene.step(AGAIN)
    assert scene.centre.live(sender).holder == ANA


def test_hints_of_agents_who_are_not_asked_do_not_hide_those_behind_them() -> None:
    scene = stage().here("ana").wrote(MAYA).did(rejects(ANA, MAYA))
    [true] = scene.centre.routing.ready.values()
    for number in range(40):
        scene.centre.routing.put_ready(replace(true, stamp=f"{number:013d}.00000000", epoch=0))
    head = scene.centre.live(MAYA)
    configure_agent(scene.world, BUDI, agent_profile("budi", en=5))
    scene.centre.routing.waiting.clear()
    scene.here("budi")
    run_timer(scene.world, {"kind": "place", "conversation": head.conversation, "turn": head.turn}, repeated=False)
    assert scene.centre.live(MAYA).holder == BUDI


# ---------------------------------------------------------------- records


def test_a_close_whose_reply_was_lost_succeeds() -> None:
    scene = serving().does(closes(ANA, MAYA))
    with Fate(scene.world).losing_reply(number_of("transition", serving().does(closes(ANA, MAYA)))):
        scene.step(FIRST)
    assert broken(scene.centre) == []
    every_change_is_recorded(scene.centre)


def test_a_second_tab_learns_of_a_close_that_was_repeated() -> None:
    scene = serving().did(lambda it: it.centre.hello("ana", "ana-2")).does(closes(ANA, MAYA))
    at = number_of("transition", serving().does(closes(ANA, MAYA)))
    with pytest.raises(DiedError), Fate(scene.world).dying(at, after=True):
        scene.step(FIRST)
    scene.step(AGAIN)
    assert scene.centre.sockets.to("ana-2", "conversation")[-1]["state"] == "resolved"
