"""An agent's work in the desk: assigned by hand, set aside, wrapped up, the end of a shift, the customer's card."""

import json
import re
from typing import Any

import pytest

from infra.local.client import StackClient
from tests.browser.conftest import Opener
from tests.browser.customers import write
from tests.browser.screens import Screen, plain
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


def test_work_is_assigned_only_to_those_who_can_take_it(ana: Screen, open_screen: Opener, stack: StackClient) -> None:
    def with_room(route: Any) -> None:
        answer = route.fetch()
        told = json.loads(answer.body())
        for agent in told["agents"]:
            agent["load"] = {}
        route.fulfill(response=answer, json=told)

    ana.be("offline")
    omar = open_screen(stack.url).sign_in("Omar", "supervisor").be("available")
    write(stack, "telegram", telegram_customer(), "Omar takes one at a time")
    omar.accept("Omar takes one at a time")
    ana.be("available")
    write(stack, "telegram", telegram_customer(), "Who has room?")
    ana.offer("Who has room?")
    ana.page.keyboard.press("Alt+R")
    omar.page.get_by_role("button", name="Team").click()
    row = omar.page.locator("tl-team tr", has_text="Who has room?")
    row.wait_for()
    options = row.get_by_label("Assign to").locator("option")
    until(lambda: "Ana" in options.all_text_contents(), "Ana among those with room")
    assert "Omar" not in options.all_text_contents()
    assert "en.1" not in plain(row)

    omar.page.route(re.compile(r"/agents$"), with_room)
    until(lambda: "Omar" in options.all_text_contents(), "Omar among those who seem to have room")
    row.get_by_label("Assign to").select_option(label="Omar")
    omar.page.get_by_role("alert").get_by_text(re.compile(r"Omar\W? cannot take it now")).wait_for()
    omar.shoot("assigned-to-a-full-agent")
    assert omar.findings() == []
    omar.page.unroute_all()

    row.get_by_role("button", name="Open").click()
    omar.page.locator("tl-conversation h2", has_text="Noor").wait_for()
    omar.page.locator("tl-card").get_by_role("heading", name="Noor").wait_for()
    omar.close_all()
    omar.accept("Who has room?")
    omar.close_all()


def test_an_agent_goes_when_the_work_is_done(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "The last one for today")
    ana.accept("The last one for today")
    assert (ana.page.locator("tl-list nav li").count(), ana.page.locator("tl-offer").count()) == (1, 0)
    button = ana.page.locator("tl-presence [aria-expanded]")
    button.click()
    ana.page.locator("tl-presence .panel", has_text=re.compile(r"\W1\W? of \W?\d\W? in \W?chat")).wait_for()
    ana.page.get_by_label("When my work is done").check()
    ana.shoot("after-work")
    assert ana.findings() == []
    ana.page.locator("tl-presence .panel").get_by_role("button", name="Lunch").click()
    button.get_by_text(re.compile(r"then \W?Lunch")).wait_for()
    assert button.locator(".dot.available").count() == 1
    ana.shoot("after-work-declared")
    assert ana.findings() == []

    write(stack, "telegram", telegram_customer(), "Too late for Ana")
    ana.close_all()
    button.locator(".dot.not_ready").wait_for()
    assert button.inner_text().strip() == "Lunch"
    ana.page.get_by_text("Become available to be offered work.").wait_for()
    assert ana.page.locator("tl-offer").count() == 0
    ana.be("available").accept("Too late for Ana")


def test_who_signs_out_with_a_conversation_open_finds_it_again(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "Do not forget me")
    ana.accept("Do not forget me")
    ana.page.locator("tl-menu button[aria-expanded]").click()
    ana.page.get_by_role("button", name="Sign out").click()
    ana.page.locator("tl-welcome .primary").wait_for()
    ana.shoot("signed-out")
    assert ana.findings() == []
    ana.sign_in("Ana").be("available")
    ana.message("Do not forget me").wait_for()


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
    header = ana.page.locator("tl-conversation header")
    until(lambda: "This conversation is over: Passed on." in plain(header), "the outcome")


def test_who_closes_is_told_what_the_customer_wrote_meanwhile(ana: Screen, stack: StackClient) -> None:
    customer = telegram_customer()
    write(stack, "telegram", customer, "I think that was it")
    ana.accept("I think that was it")
    ana.say("Glad to help")
    ana.do("close")
    dialog = ana.page.locator("dialog[open]")
    dialog.wait_for()
    write(stack, "telegram", customer, "Wait, one thing more")
    ana.message("Wait, one thing more").wait_for()
    dialog.locator("button.primary").click()
    dialog.get_by_role("alert").get_by_text("The customer wrote meanwhile.").wait_for()
    dialog.locator("blockquote", has_text="Wait, one thing more").wait_for()
    ana.shoot("closing-refused")
    assert ana.findings() == []
    dialog.locator("button.primary").click()
    until(lambda: ana.page.locator("tl-list nav li").count() == 0, "the list to be empty")


def test_what_is_transferred_to_a_queue_leaves_the_screen(ana: Screen, open_screen: Opener, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "This stays with Ana")
    ana.accept("This stays with Ana")
    write(stack, "telegram", telegram_customer(), "This is for others")
    ana.accept("This is for others")
    ana.do("transfer")
    dialog = ana.page.locator("dialog[open]")
    dialog.locator("label").first.wait_for()
    assert dialog.locator(":checked").count() == 0
    assert dialog.locator("button.primary").is_disabled()
    dialog.get_by_role("button", name="A colleague").click()
    assert dialog.locator("button.primary").is_disabled()
    dialog.get_by_role("button", name="A queue").click()
    label = dialog.locator("label", has=ana.page.locator("input[name=queue]")).first
    queue = label.locator("input").get_attribute("value")
    label.click()
    dialog.locator("button.primary").click()
    said = ana.page.locator(".said, [role=status]", has_text=re.compile(rf"Transferred to queue \W?{queue}"))
    said.first.wait_for()
    ana.message("This stays with Ana").wait_for()
    until(lambda: ana.page.locator("tl-list nav li").count() == 1, "the list to be one shorter")
    assert ana.page.get_by_text("The offer is gone").count() == 0
    ana.shoot("transferred-to-queue")
    assert ana.findings() == []

    omar = open_screen(stack.url).sign_in("Omar").be("available")
    omar.accept("This is for others").close_all()


def test_what_is_set_aside_comes_back_when_the_customer_writes(ana: Screen, stack: StackClient) -> None:
    customer = telegram_customer()
    write(stack, "telegram", customer, "I have to look for the number")
    ana.accept("I have to look for the number")
    ana.do("pause")
    ana.page.locator("dialog[open] label", has_text=re.compile(r"In \W?15 min")).click()
    ana.page.locator("dialog[open] button.primary").click()
    aside = ana.page.get_by_role("navigation", name="Set aside")
    aside.get_by_text("until").first.wait_for()
    assert ana.page.locator("tl-conversation [data-do=close]").count() == 0
    ana.shoot("set-aside")
    assert ana.findings() == []

    write(stack, "telegram", customer, "Here it is: 7731")
    ana.accept("Here it is: 7731")
    aside.wait_for(state="detached")
    ana.page.get_by_role("navigation", name="My conversations").get_by_text("Here it is: 7731").wait_for()


def test_the_card_is_changed_and_stays_so(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "My name is spelt differently")
    ana.accept("My name is spelt differently")
    card = ana.page.locator("tl-card")
    card.get_by_role("button", name="Edit").click()
    card.get_by_label("Name").fill("Noor Haddad")
    card.get_by_label("Tier").fill("gold")
    card.get_by_label("Value").fill("1200")
    card.get_by_label("Language").fill("ar")
    ana.shoot("card-editing")
    assert ana.findings() == []
    card.get_by_role("button", name="Save").click()
    card.get_by_role("heading", name="Noor Haddad").wait_for()
    card.get_by_text(re.compile(r"Changed by \W?Ana")).wait_for()
    ana.page.locator("tl-conversation h2", has_text="Noor Haddad").wait_for()
    ana.shoot("card-changed")
    assert ana.findings() == []

    ana.page.reload()
    card.get_by_role("heading", name="Noor Haddad").wait_for()
    glance = card.locator(".glance").inner_text()
    assert [word in glance for word in ("gold", "1,200", "Arabic")] == [True, True, True]


@pytest.mark.parametrize("width", [1440, 390])
def test_one_sees_who_one_is(open_screen: Opener, stack: StackClient, width: int) -> None:
    omar = open_screen(stack.url, viewport={"width": width, "height": 844}).sign_in("Omar", "supervisor")
    me = omar.page.locator(".me")
    assert plain(me.locator(".hidden")) == "Omar, supervisor"
    assert me.get_by_text("Omar", exact=True).is_visible() is (width > 900)
    assert me.get_by_text("O", exact=True).is_visible()
    assert omar.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    omar.shoot(f"who-one-is-{width}")
    assert omar.findings() == []


def test_an_offer_is_seen_wherever_one_is(open_screen: Opener, stack: StackClient) -> None:
    omar = open_screen(stack.url, viewport={"width": 390, "height": 844}).sign_in("Omar", "supervisor").be("available")
    write(stack, "telegram", telegram_customer(), "First to the phone")
    omar.accept("First to the phone")
    omar.do("close")
    omar.page.locator("dialog[open] button.primary").click()
    write(stack, "telegram", telegram_customer(), "Then over the thread")
    omar.offer("Then over the thread")
    assert omar.page.locator("tl-thread").is_visible()
    omar.shoot("offer-over-thread")
    assert omar.findings() == []
    omar.page.keyboard.press("Alt+R")
    until(lambda: omar.page.locator("tl-offer").count() == 0, "the offer to be gone")

    omar.page.set_viewport_size({"width": 1440, "height": 900})
    omar.page.get_by_role("button", name="Team").click()
    write(stack, "telegram", telegram_customer(), "And over the team")
    omar.offer("And over the team")
    omar.shoot("offer-over-team")
    assert omar.findings() == []
    omar.accept("And over the team")
    omar.close_all()
