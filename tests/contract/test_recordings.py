"""desk/tests/recorded has what the server says to its clients. The tests of the clients are made on it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.api.frames import EVENTS
from infra.api.visitors import VISITOR_EVENTS
from tests.api_documents import wrong_with_action, wrong_with_event, wrong_with_visitor_action, wrong_with_visitor_event
from tests.recordings.__main__ import RECORDED, named
from tests.recordings.tape import recording

ANEW = "run: python -m tests.recordings (and see what the tests in desk/tests say to it: make desktest)"
NAMES = sorted(named())


def lines(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((RECORDED / name).read_text(encoding="utf-8"))
    return found


def frames(*kinds: str) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield each frame of these kinds of lines, and whether it is one of a visitor's."""
    for name in NAMES:
        for line in lines(name):
            yield from ((line["tab"].startswith("mina"), line[kind]) for kind in kinds if kind in line)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_is_what_the_server_says_today(name: str) -> None:
    assert (RECORDED / name).read_text(encoding="utf-8") == recording(named()[name]), ANEW


def test_there_is_no_recording_without_a_scenario() -> None:
    assert sorted(path.name for path in RECORDED.iterdir()) == NAMES, ANEW


def test_every_frame_of_a_recording_is_as_the_document_says() -> None:
    for is_visitors, frame in frames("posted", "whole"):
        assert (wrong_with_visitor_event if is_visitors else wrong_with_event)(frame) == []
    for is_visitors, frame in frames("sent"):
        assert (wrong_with_visitor_action if is_visitors else wrong_with_action)(frame) == []


def test_every_event_is_recorded() -> None:
    posted = [(is_visitors, frame["event"]) for is_visitors, frame in frames("posted")]
    assert {event for is_visitors, event in posted if not is_visitors} == set(EVENTS)
    assert {event for is_visitors, event in posted if is_visitors} == set(VISITOR_EVENTS)
