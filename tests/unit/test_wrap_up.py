"""After-contact work with an end: the contact closes by itself, unless the customer has written meanwhile."""

from typing import Any

import pytest

from tests.replies import a_reply
from tests.unit.promises import every_change_is_recorded
from tests.unit.stage import ANA, MAYA, RAKA, Stage, closes, leaves, pauses, serving, settled, stage, wrapping, wraps_up
from throughline.domain.conversations import NONE_GIVEN, ContactState
from throughline.domain.errors import ConflictError, InvalidRequestError
from throughline.flows.conclude import close, end_wrap_up
from throughline.flows.reply import add_note, send_reply


def states_of(scene: Stage) -> list[tuple[str, str, str]]:
    head = scene.centre.live(MAYA)
    changes = scene.centre.threads.list_changes(head.home, head.conversation)
    return [(change.state, change.by, change.why) for change in changes]


def test_the_contact_says_when_its_wrap_up_ends() -> None:
    scene = wrapping()
    head = scene.centre.live(MAYA)

    assert (head.state, head.until_ms) == (ContactState.WRAPPING, scene.centre.now_ms + 60_000)
    assert scene.centre.sockets.to("ana-1", "conversation")[-1]["until"] is not None


def test_without_a_time_in_the_queue_it_has_no_end() -> None:
    scene = serving().did(wraps_up(ANA, MAYA))
    scene.centre.pass_s(100_000)

    assert (scene.centre.live(MAYA).state, scene.centre.live(MAYA).until_ms) == (ContactState.WRAPPING, 0)


def test_at_its_end_it_closes_by_itself_and_frees_the_agent() -> None:
    scene = wrapping().wrote(RAKA)
    scene.centre.pass_s(59)
    assert scene.centre.live(MAYA).state is ContactState.WRAPPING
    scene.centre.pass_s(1)
    head = scene.centre.live(MAYA)

    assert (head.state, head.disposition, head.holder) == (ContactState.RESOLVED, NONE_GIVEN, None)
    assert head.closed_ms == scene.centre.now_ms
    assert states_of(scene)[-1] == ("resolved", "timer", "wrap-up ran out")
    assert scene.centre.sockets.to("ana-1", "conversation")[-1]["disposition"] == NONE_GIVEN
    assert settled(scene) == []
    every_change_is_recorded(scene.centre)


def test_to_say_it_again_does_not_make_it_longer() -> None:
    scene = wrapping()
    until_ms = scene.centre.live(MAYA).until_ms
    scene.centre.pass_s(30)
    scene.did(wraps_up(ANA, MAYA))

    assert scene.centre.live(MAYA).until_ms == until_ms


def test_two_tabs_that_say_it_at_the_same_instant_have_both_done_it(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = serving()
    scene.centre.end_wrap_ups_after(60)
    transition = scene.centre.threads.transition

    def after_the_other_tab(*asked: Any) -> Any:
        monkeypatch.setattr(scene.centre.threads, "transition", transition)
        scene.did(wraps_up(ANA, MAYA))
        scene.centre.pass_s(1)
        return transition(*asked)

    monkeypatch.setattr(scene.centre.threads, "transition", after_the_other_tab)
    scene.did(wraps_up(ANA, MAYA))

    head = scene.centre.live(MAYA)
    assert (head.state, head.until_ms) == (ContactState.WRAPPING, scene.centre.now_ms + 59_000)
    every_change_is_recorded(scene.centre)


def test_closed_by_hand_before_it_keeps_its_disposition() -> None:
    scene = wrapping().did(closes(ANA, MAYA))
    scene.centre.pass_s(120)

    assert scene.centre.live(MAYA).disposition == "solved"
    assert settled(scene) == []


def test_set_aside_before_it_the_contact_waits_for_its_own_time() -> None:
    scene = wrapping().did(pauses(ANA, MAYA))
    scene.centre.pass_s(61)

    assert scene.centre.live(MAYA).state is ContactState.PAUSED


def test_a_customer_who_wrote_meanwhile_is_not_closed_upon_but_comes_back_to_the_same_agent() -> None:
    scene = wrapping()
    scene.centre.pass_s(30)
    scene.wrote(MAYA)
    scene.centre.pass_s(30)
    head = scene.centre.live(MAYA)

    assert (head.state, head.holder, head.until_ms) == (ContactState.OFFERED, ANA, 0)
    assert ("queued", "timer", "customer wrote during the wrap-up") in states_of(scene)
    assert settled(scene) == []


def test_what_the_agent_wrote_meanwhile_keeps_nothing_open() -> None:
    scene = wrapping()
    scene.centre.pass_s(5)
    conversation = scene.centre.live(MAYA).conversation
    add_note(scene.world, ANA, conversation, note_id="n-1", text="refund promised")
    send_reply(scene.world, ANA, a_reply(conversation, message_id="m-1", text="Bye"))
    scene.centre.pass_s(55)

    assert scene.centre.live(MAYA).state is ContactState.RESOLVED


def test_a_message_of_the_same_instant_is_not_closed_upon() -> None:
    """The timer read the contact, then the customer wrote: its close is lost, and it looks again."""
    scene = wrapping()
    head = scene.centre.live(MAYA)
    scene.centre.pass_s(59)
    transition = scene.centre.threads.transition

    def written_between(*arguments: object, **named: object) -> object:
        scene.centre.threads.transition = transition  # type: ignore[method-assign]
        scene.centre.write(MAYA, "one more thing")
        return transition(*arguments, **named)  # type: ignore[arg-type]

    scene.centre.threads.transition = written_between  # type: ignore[assignment]
    end_wrap_up(scene.world, head.conversation, head.turn, head.until_ms, repeated=False)

    assert scene.centre.live(MAYA).state is ContactState.OFFERED
    assert settled(scene) == []


def test_an_agent_who_does_not_come_back_leaves_no_wrap_up_and_no_message_behind() -> None:
    quiet, heard = wrapping().did(leaves(ANA)), wrapping().did(leaves(ANA))
    heard.centre.pass_s(10)
    heard.wrote(MAYA)
    for scene in (quiet, heard):
        scene.centre.pass_s(60)
        assert settled(scene) == []

    assert (quiet.centre.live(MAYA).state, quiet.centre.live(MAYA).disposition) == (ContactState.RESOLVED, NONE_GIVEN)
    assert heard.centre.live(MAYA).state is ContactState.QUEUED


def test_a_close_without_a_disposition_names_those_there_are() -> None:
    scene = serving()
    conversation = scene.centre.live(MAYA).conversation
    for given in (None, "bored"):
        with pytest.raises(InvalidRequestError, match="disposition: has to be one of solved, spam"):
            close(scene.world, ANA, conversation, given, None)


def test_a_close_that_has_not_seen_everything_is_told_the_present_version() -> None:
    scene = stage().here("ana").wrote(MAYA).accepted(MAYA).wrote(MAYA)
    head = scene.centre.live(MAYA)
    with pytest.raises(ConflictError) as refused:
        close(scene.world, ANA, head.conversation, "solved", head.version - 1)

    assert refused.value.version == head.version
