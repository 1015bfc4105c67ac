"""A visitor of web chat who signs in on the page, in a real browser: one thread, and nobody else's to read."""

import secrets
import time
from collections.abc import Callable

import jwt
import pytest

from infra.local.client import StackClient
from infra.local.sandbox.pictures import picture
from tests.browser.screens import Screen, VisitorScreen
from tests.browser.waiting import until
from tests.journeys.desks import account

VisitorOpener = Callable[..., VisitorScreen]


@pytest.fixture
def mina(open_visitor: VisitorOpener, stack: StackClient) -> VisitorScreen:
    return open_visitor(stack.url, viewport={"width": 1000, "height": 760}).visit()


def identity(sub: str, name: str) -> str:
    """Return what the company's back end signs of its user."""
    claims = {"sub": sub, "name": name, "exp": int(time.time()) + 600}
    return jwt.encode(claims, account("webchat").secrets["identity_secret"], "HS256")


def page_says(visitor: VisitorScreen, word: str | None) -> None:
    """Have the page tell the widget who its user is, or that nobody is signed in."""
    visitor.page.evaluate("word => { document.querySelector('throughline-chat').identity = word }", word)


def shown(visitor: VisitorScreen) -> list[str]:
    return list(visitor.page.locator("throughline-chat .row .bubble").all_inner_texts())


def test_who_signs_in_goes_on_where_they_were_and_leaves_nothing_behind(mina: VisitorScreen, ana: Screen) -> None:
    user, other = f"u-{secrets.token_hex(4)}", f"u-{secrets.token_hex(4)}"
    mina.open_chat().introduce(name="Mina")
    mina.say("My router is dead")
    ana.accept("My router is dead")
    ana.say("Which light blinks?")
    mina.received("Which light blinks?").wait_for()

    page_says(mina, identity(user, "Mina Rahimi"))
    ana.page.locator("tl-thread").get_by_text("Has signed in on the site.").first.wait_for()
    mina.received("Which light blinks?").wait_for()
    assert shown(mina) == ["My router is dead", "Which light blinks?"]
    mina.say("The red one")
    ana.message("The red one").wait_for()
    ana.page.locator("tl-card").get_by_text(user).first.wait_for()
    ana.say("Then press the button")
    mina.received("Then press the button").wait_for()
    mina.page.locator("throughline-chat .head", has_text="Ana").wait_for()
    mina.shoot("widget-signed-in")
    ana.shoot("desk-visitor-signed-in")
    assert ana.page.locator("tl-list nav li").count() == 1
    assert ana.page.locator("tl-offer section").count() == 0

    mina.visit()  # the page is loaded anew, and says at once who its user is
    page_says(mina, identity(user, "Mina Rahimi"))
    mina.open_chat()
    mina.received("Then press the button").wait_for()
    assert len(shown(mina)) == 4

    page_says(mina, None)
    until(lambda: shown(mina) == [], "an empty chat")
    ana.say("For Mina alone")
    mina.visit().open_chat().introduce(name="Somebody else")
    mina.say("I have another question")
    ana.offer("I have another question")
    assert shown(mina) == ["I have another question"]
    mina.shoot("widget-signed-out")

    page_says(mina, identity(other, "Somebody else"))
    until(lambda: ana.page.locator("tl-offer section").count() == 1, "the same offer")
    mina.received("I have another question").wait_for()
    assert shown(mina) == ["I have another question"]
    ana.accept("I have another question")
    ana.page.locator("tl-card").get_by_text(other).first.wait_for()
    assert ana.page.locator("tl-list nav li").count() == 2

    page_says(mina, identity(user, "Mina Rahimi"))
    mina.received("For Mina alone").wait_for()
    assert "I have another question" not in shown(mina)


def test_who_signs_out_leaves_no_file_no_word_and_no_quote_to_the_next_person(mina: VisitorScreen, ana: Screen) -> None:
    widget = mina.page.locator("throughline-chat")
    page_says(mina, identity(f"u-{secrets.token_hex(4)}", "Mina"))
    mina.open_chat().say("My router is dead")
    ana.accept("My router is dead")
    ana.say("For Mina alone")
    mina.received("For Mina alone").get_by_role("button", name="Reply").click()
    mina.attach({"name": "light.png", "mimeType": "image/png", "buffer": picture()})
    widget.locator(".files canvas").wait_for()
    widget.get_by_role("textbox").fill("Half a wo")
    assert widget.locator("[aria-live]").inner_text() == "\u2068Ana\u2069 says: \u2068For Mina alone\u2069"

    page_says(mina, None)
    mina.introduce(name="Somebody else")
    assert widget.locator(".files").count() == 0
    assert widget.locator("[aria-live]").text_content() == ""
    assert widget.get_by_role("textbox").input_value() == ""
    assert "Half a wo" not in mina.page.evaluate("JSON.stringify(localStorage)")
    mina.attach({"name": "bill.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"})
    mina.say("Another question")
    mina.received("Another question").get_by_role("button", name="bill.pdf").wait_for()


def test_a_tab_that_was_not_told_begins_anew_and_loses_no_word(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("Said before I signed in")
    ana.accept("Said before I signed in")
    mina.received("Said before I signed in").wait_for()
    stale = VisitorScreen(mina.page.context.new_page(), mina.page.url.partition("/shop/")[0])
    stale.visit().open_chat()
    stale.received("Said before I signed in").wait_for()

    page_says(mina, identity(f"u-{secrets.token_hex(4)}", "Mina"))
    ana.page.locator("tl-thread").get_by_text("Has signed in on the site.").first.wait_for()
    ana.say("For whom signed in")
    mina.received("For whom signed in").wait_for()
    stale.say("Said in the tab that knew nothing of it")
    stale.received("Said in the tab that knew nothing of it").wait_for()
    assert shown(stale) == ["Said in the tab that knew nothing of it"]
    assert shown(mina) == ["Said before I signed in", "For whom signed in"]
    ana.accept("Said in the tab that knew nothing of it")
    assert stale.problems == []
