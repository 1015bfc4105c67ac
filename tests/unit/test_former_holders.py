"""Whoever loses a contact by somebody else's hand is told, wherever the step that takes it away dies."""

from typing import Any

import pytest

from tests.unit.dying import DiedError, Fate
from tests.unit.stage import ANA, MAYA, Stage, declares, pauses, serving, wrapping
from throughline.domain.routing import Presence
from throughline.flows.run_timer import run_timer


def about_to_lose(kind: str) -> tuple[Stage, dict[str, Any]]:
    """Ana serves Maya, or did until she set her aside or wrapped up; the contact is about to go to Budi."""
    scene = {"resume": paused, "wrap_up": written_to_in_wrap_up}.get(kind, serving)().here("budi")
    head = scene.centre.live(MAYA)
    work = {"kind": kind, "conversation": head.conversation, "turn": head.turn, "agent": ANA, "queue": None}
    return scene, {**work, "to_agent": "budi", "by": "agent:sara", "until_ms": head.until_ms}


def paused() -> Stage:
    return serving().did(pauses(ANA, MAYA)).did(declares(ANA, Presence.NOT_READY))


def written_to_in_wrap_up() -> Stage:
    return wrapping().did(declares(ANA, Presence.NOT_READY)).wrote(MAYA)


def knows(scene: Stage) -> bool:
    frames = scene.centre.sockets.to("ana-1", "conversation")
    return bool(frames) and frames[-1]["holder"] != ANA


@pytest.mark.parametrize("kind", ["assign", "transfer", "resume", "wrap_up"])
def test_a_former_holder_is_told(kind: str) -> None:
    scene, work = about_to_lose(kind)
    fate = Fate(scene.world)
    with fate.watched():
        run_timer(scene.world, work, repeated=False)
    assert knows(scene)
    for number, request in enumerate(fate.requests, start=1):
        for after in (False, True):
            scene, work = about_to_lose(kind)
            with pytest.raises(DiedError), Fate(scene.world).dying(number, after=after):
                run_timer(scene.world, work, repeated=False)
            run_timer(scene.world, work, repeated=True)
            assert (number, request, after, knows(scene)) == (number, request, after, True)
