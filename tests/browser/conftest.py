"""Chromium in front of a running stack. Where one of the two is missing, these tests are skipped and say so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from infra.local.client import StackClient
from infra.local.stack_process import StackProcess
from tests.browser.chromium import launched, missing
from tests.browser.screens import Screen, VisitorScreen

STACK = {"RECEIPTS_PACE_MS": "50", "FUNCTIONS_LOG": "-"}

Opener = Callable[..., Screen]
W = TypeVar("W", Screen, VisitorScreen)


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    if reason := missing():
        pytest.skip(reason)
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def shared_stack(chromium: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackClient]:
    del chromium  # only so that nothing is started where there is no browser
    with StackProcess(tmp_path_factory.mktemp("stack"), STACK) as process:
        yield process.client()


@pytest.fixture
def stack(shared_stack: StackClient) -> StackClient:
    return shared_stack


@pytest.fixture
def open_screen(chromium: object) -> Iterator[Opener]:
    """Open the desk of a stack in a browser of its own; what went wrong in the page fails the test."""
    with opening(Screen, chromium) as open_one:
        yield open_one


@pytest.fixture
def open_visitor(chromium: object) -> Iterator[Callable[..., VisitorScreen]]:
    """Open a window for a visitor of web chat, in a browser of its own; what went wrong in the page fails the test."""
    with opening(VisitorScreen, chromium) as open_one:
        yield open_one


@contextmanager
def opening(kind: type[W], chromium: object) -> Iterator[Callable[..., W]]:
    opened: list[W] = []

    def open_one(url: str, **how: object) -> W:
        screen = kind.open(chromium, url, **how)
        opened.append(screen)
        return screen

    yield open_one
    for screen in opened:
        screen.leave()
    assert [problem for screen in opened for problem in screen.problems] == []


@pytest.fixture
def stack_that_dies(chromium: object, tmp_path: Path) -> Iterator[Callable[[], StackProcess]]:
    """Start a stack again and again on one port and one state directory."""
    del chromium
    started: list[StackProcess] = []
    port = "0"

    def start() -> StackProcess:
        nonlocal port
        process = StackProcess(tmp_path / "state", STACK | {"PORT": port})
        started.append(process)
        port = process.client().url.rpartition(":")[2]
        return process

    yield start
    for process in started:
        process.stop()


@pytest.fixture
def ana(open_screen: Opener, stack: StackClient) -> Iterator[Screen]:
    """Sit Ana down at her desk, available; afterwards nothing is left with her."""
    screen = open_screen(stack.url).sign_in("Ana").be("available")
    yield screen
    screen.close_all()
