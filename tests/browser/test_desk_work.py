"""An agent's work in the desk: assigned by hand, and wrapped up."""

import json
import re
from typing import Any

from infra.local.client import StackClient
from tests.browser.conftest import Opener
from tests.browser.customers import write
from tests.browser.screens import Screen
from tests.browser.waiting import until
from tests.journeys.desks import telegram_customer


def test_a_supervisor_assigns_what_waits_by_hand(ana: Screen, open_screen: Opener, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "Who wants me?")
    ana.offer("Who wants me?")
    ana.page.keyboard.press("Alt+R")
    until(lambda: ana.page.locator("tl-offer").count() == 0, "the offer to be gone")

    omar = open_screen(stack.url).sign_in("Omar", "supervisor")
    omar.page.get_by_role("button", name="Team").click()
    row = omar.page.locator("tl-team tr", has_text="Who wants me?")
    row.wait_for()
    row.get_by_label("Assign to").select_option(label="Ana")
    omar.page.get_by_text(re.compile(r"Offered to \W?Ana")).wait_for()
    omar.shoot("assigned")
    assert omar.findings() == []

    offer = ana.offer("Who wants me?")
    assert "For you alone" in offer.inner_text()
    ana.accept("Who wants me?")
    omar.page.locator("tl-team tr", has_text="Ana").locator(".holds button").first.wait_for()


def test_a_wrap_up_shows_its_time_and_ends_with_a_disposition(ana: Screen, stack: StackClient) -> None:
    frames: list[Any] = []
    ana.page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(json.loads(frame))))
    ana.page.reload()
    write(stack, "telegram", telegram_customer(), "That was all, thank you")
    ana.accept("That was all, thank you")
    ana.do("wrap_up")
    left = ana.page.locator("tl-conversation header", has_text="Closes by itself in")
    left.wait_for()
    first = left.inner_text()
    until(lambda: left.inner_text() != first, "the time to pass")
    ana.page.locator("tl-list nav li", has_text="Wrapping up").wait_for()
    ana.note("She was content")
    ana.shoot("wrapping-up")
    assert ana.findings() == []

    ana.do("close")
    ana.page.locator("dialog[open] label", has_text="Passed on").click()
    ana.shoot("disposition")
    ana.page.locator("dialog[open] button.primary").click()
    until(lambda: ana.page.locator("tl-list nav li").count() == 0, "the list to be empty")
    ended = [frame for frame in frames if frame["action"] == "conversation.close"]
    assert [frame["disposition"] for frame in ended] == ["passed_on"]
