"""The web chat widget in a real browser on some site's page: a visitor here, an agent at the desk there."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jwt
import pytest

from infra.local.client import StackClient
from infra.local.sandbox.pictures import picture
from infra.local.stack_process import StackProcess
from tests.browser.conftest import Opener
from tests.browser.screens import Screen, VisitorScreen
from tests.browser.waiting import ATTACKS, until
from tests.journeys.desks import account

VisitorOpener = Callable[..., VisitorScreen]
PHONE = "+971 50 555 0142"


@pytest.fixture
def ana(open_screen: Opener, stack: StackClient) -> Iterator[Screen]:
    screen = open_screen(stack.url).sign_in("Ana").be("available")
    yield screen
    screen.close_all()


@pytest.fixture
def mina(open_visitor: VisitorOpener, stack: StackClient) -> VisitorScreen:
    return open_visitor(stack.url, viewport={"width": 1000, "height": 760}).visit()


# Lets the widget hear of entries as if the server had told of them just now.
_ANNOUNCE = """entries => {
  const {client} = document.querySelector("throughline-chat"), last = client.thread.last;
  for (const [number, entry] of entries.entries()) client.take({event: "message", entry: {
    id: last.id.replace(/\\.(\\d+)\\./, (_, ms) => `.${+ms + 1 + number}.`), kind: "message",
    direction: "outbound", author: "Ana", sent_at: last.sent_at, ...entry,
  }});
}"""
# The colour in the middle of what is painted.
_COLOUR = """one => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  pen.drawImage(one, one.width / 2, one.height / 2, 1, 1, 0, 0, 1, 1);
  return [...pen.getImageData(0, 0, 1, 1).data];
}"""
PAINTED = [*bytes.fromhex("1f7a8c"), 255]
PNG = {"name": "light.png", "mimeType": "image/png", "buffer": picture()}


def announce(visitor: VisitorScreen, entries: Sequence[Mapping[str, Any]]) -> None:
    visitor.page.evaluate(_ANNOUNCE, entries)


def send_file(agent: Screen, text: str, file: Mapping[str, Any]) -> None:
    agent.page.locator("tl-composer input[type=file]").set_input_files(dict(file))
    agent.page.locator("tl-composer .files li", has_text=file["name"]).wait_for()
    agent.page.locator("tl-composer .files .soft").wait_for(state="detached")
    agent.say(text)


def links_asked(visitor: VisitorScreen) -> list[str]:
    return [address for address in visitor.addresses if "/attachments/" in address]


def test_a_visitors_message_rings_at_the_agent_and_the_answer_stands_in_the_widget(
    mina: VisitorScreen, ana: Screen
) -> None:
    mina.shoot("widget-launcher")
    mina.open_chat()
    mina.page.locator("throughline-chat [name=name]:focus").wait_for()
    mina.shoot("widget-form")
    mina.introduce(name="Mina", phone=PHONE, order_number="7731")
    mina.say("My router is dead")
    offer = ana.offer("My router is dead")
    assert "Mina" in offer.inner_text()
    ana.accept("My router is dead")
    mina.page.locator("throughline-chat .head", has_text="Ana").wait_for()
    ana.page.locator("tl-card a[href='tel:+971505550142']", has_text="Call back").wait_for()

    ana.write("Which")
    ana.page.keyboard.type(" light?")
    mina.page.locator("throughline-chat .typing", has_text="Ana").wait_for()
    ana.say("Which light blinks?")
    mina.received("Which light blinks?").wait_for()
    ana.message("Which light blinks?").get_by_text("read", exact=True).wait_for()
    mina.page.locator("throughline-chat .composer textarea").press_sequentially("The red")
    ana.page.get_by_text("is writing", exact=False).first.wait_for()
    mina.say("The red one")
    ana.message("The red one").wait_for()
    mina.received("The red one").get_by_text("Read", exact=True).wait_for()
    mina.shoot("widget-chat")
    assert mina.page.locator("throughline-chat .row").count() == 3


def test_a_visitor_who_leaves_comes_back_to_everything(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("I have to go now")
    ana.accept("I have to go now")
    until(lambda: mina.received("I have to go now").count(), "the entry")
    context, mina.page = mina.page.context, mina.page.context.new_page()
    context.pages[0].close()
    ana.say("Said while nobody was there")

    mina.visit()
    mina.page.locator("throughline-chat .badge", has_text="1").wait_for()
    assert "1 new message" in (mina.page.locator("throughline-chat .launcher").get_attribute("aria-label") or "")
    mina.open_chat()
    mina.received("I have to go now").wait_for()
    mina.received("Said while nobody was there").wait_for()
    ana.message("Said while nobody was there").get_by_text("read", exact=True).wait_for()
    assert mina.page.locator("throughline-chat .row").count() == 2


def test_nothing_of_the_pages_style_reaches_the_widget(mina: VisitorScreen) -> None:
    mina.open_chat()
    look = "one => [getComputedStyle(one).textTransform, getComputedStyle(one).fontFamily.includes('Georgia')]"
    assert mina.page.locator("throughline-chat form.intro button").evaluate(look) == ["none", False]
    names = mina.page.evaluate("Object.keys(window).filter(name => /throughline|visitor/i.test(name))")
    assert names == []


def test_escape_closes_and_the_keys_are_not_the_pages(mina: VisitorScreen) -> None:
    mina.page.evaluate("window.heard = []; document.addEventListener('keydown', event => heard.push(event.key))")
    mina.page.locator("throughline-chat .launcher").focus()
    mina.page.keyboard.press("Enter")
    mina.page.locator("throughline-chat [name=name]:focus").wait_for()
    mina.page.keyboard.type("/k")
    mina.page.keyboard.press("Escape")
    mina.page.locator("throughline-chat .launcher:focus").wait_for()
    assert mina.page.evaluate("window.heard") == []


def test_what_was_written_while_the_server_was_dead_is_sent_once(
    stack_that_dies: Callable[[], StackProcess], open_visitor: VisitorOpener, open_screen: Opener
) -> None:
    process = stack_that_dies()
    url = process.client().url
    mina = open_visitor(url).visit().open_chat().introduce(name="Mina")
    mina.say("Before the crash")
    mina.received("Before the crash").wait_for()
    process.kill()
    mina.page.locator("throughline-chat .notice").wait_for()
    mina.say("Written while the server was dead")
    mina.say("And one more")
    mina.shoot("widget-no-connection")
    assert mina.findings() == []

    stack_that_dies()
    for text in ("Written while the server was dead", "And one more"):
        mina.received(text).wait_for()
    mina.page.locator("throughline-chat .notice").wait_for(state="detached")
    texts = mina.page.locator("throughline-chat .row .bubble").all_inner_texts()
    assert texts == ["Before the crash", "Written while the server was dead", "And one more"]
    ana = open_screen(url).sign_in("Ana").be("available")
    ana.accept("Before the crash")
    ana.message("And one more").wait_for()
    assert ana.message("Written while the server was dead").count() == 1
    ana.close_all()


def test_what_agents_and_visitors_write_cannot_run_anything(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name=ATTACKS[1])
    for attack in ATTACKS:
        mina.say(attack.strip("\u202e")[:60])
    ana.accept(ATTACKS[0])
    for attack in ATTACKS:
        ana.say(attack)
    shown = mina.page.locator("throughline-chat .row[data-entry] .bubble")
    until(lambda: shown.count() == 2 * len(ATTACKS), "every message")
    assert shown.locator("script, img, iframe, svg").count() == 0
    assert [page.evaluate("window.attacked") for page in (mina.page, ana.page)] == [None, None]
    links = shown.locator("a").evaluate_all("all => all.map(one => [one.protocol, one.rel])")
    assert {tuple(link) for link in links} == {("https:", "noopener noreferrer nofollow")}
    policy = mina.page.request.get(mina.page.url).headers["content-security-policy"]
    assert "unsafe" not in policy


def test_a_file_goes_to_the_agent_and_one_that_is_too_large_is_not_taken(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    chooser = mina.page.locator("throughline-chat input[type=file]")
    chooser.set_input_files({"name": "big.pdf", "mimeType": "application/pdf", "buffer": bytes(10_500_000)})
    mina.page.locator("throughline-chat .files .bad", has_text="too large").wait_for()
    field = mina.page.locator("throughline-chat .composer textarea")
    field.fill("Not without my file")
    field.press("Enter")
    assert mina.page.get_by_role("button", name="Send").is_disabled()
    assert field.input_value() == "Not without my file"
    mina.page.get_by_role("button", name="Remove").click()
    chooser.set_input_files({"name": "bill.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 a bill"})
    mina.page.locator("throughline-chat .files em").wait_for(state="detached")
    mina.say("Here is my bill")
    ana.accept("Here is my bill")
    ana.page.locator("tl-attachment", has_text="bill.pdf").wait_for()
    with mina.page.expect_popup() as popup:
        mina.received("Here is my bill").get_by_role("button", name="bill.pdf").click()
    popup.value.close()


def test_a_picture_is_seen_before_it_is_sent_and_after_without_being_fetched(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.attach(PNG)
    chosen = mina.page.locator("throughline-chat .files canvas")
    assert chosen.evaluate(_COLOUR) == PAINTED
    mina.say("This light")
    sent = mina.received("This light").get_by_role("button", name="light.png", exact=True)
    assert sent.locator("canvas").evaluate(_COLOUR) == PAINTED
    assert links_asked(mina) == []
    ana.accept("This light")
    ana.message("This light").locator("tl-attachment img").wait_for()
    with mina.page.expect_popup() as popup:
        sent.click()
    popup.value.close()


def test_pictures_are_fetched_when_they_come_into_view_and_nothing_jumps(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.attach(PNG)
    mina.say("This light")
    ana.accept("This light")
    for number in range(12):
        mina.say(f"Line {number}")
    mina.received("Line 11").wait_for()
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    mina.page.route("**/uploads/**", hold)
    mina.visit().open_chat()
    mina.received("Line 11").wait_for()
    frame = mina.page.locator("throughline-chat .row").first.get_by_role("button", name="light.png", exact=True)
    mina.page.wait_for_timeout(300)
    assert links_asked(mina) == []
    frame.scroll_into_view_if_needed()
    until(lambda: mina.page.wait_for_timeout(50) or held, "the picture to be asked for")
    before = frame.bounding_box()
    assert frame.locator("canvas").count() == 0
    held[0].continue_()
    frame.locator("canvas").wait_for()
    assert frame.locator("canvas").evaluate(_COLOUR) == PAINTED
    assert frame.bounding_box() == before
    (link,) = links_asked(mina)
    token = mina.page.evaluate("document.querySelector('throughline-chat').client.signIn.kept.token")
    assert not [address for address in mina.addresses if token[:30] in address]
    assert held[0].request.headers.keys().isdisjoint({"authorization", "referer"})
    assert link.startswith(mina.page.url.partition("/shop")[0])


def test_a_picture_that_is_let_through_nowhere_is_a_file_with_its_name(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("Send me two")
    ana.accept("Send me two")
    refused: list[str] = []

    def refuse(route: Any) -> None:
        refused.append(route.request.url)
        route.abort("blockedbyclient")

    mina.page.route("**/uploads/**", refuse)
    for name in ("one.png", "two.png"):
        send_file(ana, f"Here is {name}", {**PNG, "name": name})
        mina.received(f"Here is {name}").locator(f"button:not(.picture):has-text('{name}')").wait_for()
    assert len(refused) == 1
    assert mina.page.locator("throughline-chat canvas").count() == 0
    assert mina.problems.pop().startswith("Failed to load resource: net::ERR_BLOCKED_BY_CLIENT")


def test_a_drawing_that_is_a_document_stays_a_file(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("Send me the plan")
    ana.accept("Send me the plan")
    drawing = (
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='window.attacked = 1'><script>attacked = 1</script></svg>"
    )
    send_file(ana, "Here it is", {"name": "plan.svg", "mimeType": "image/svg+xml", "buffer": drawing})
    mina.received("Here it is").locator("button:not(.picture)", has_text="plan.svg").wait_for()
    assert mina.received("Here it is").locator(".bubble :is(svg, img, canvas, iframe, object)").count() == 0
    assert (mina.page.evaluate("window.attacked"), links_asked(mina)) == (None, [])


def test_a_message_is_answered_by_keyboard_and_both_see_which_one(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("My router is dead")
    ana.accept("My router is dead")
    ana.say("Which light blinks?")
    mina.received("Which light blinks?").get_by_role("button", name="Reply: Which light blinks?").focus()
    mina.page.keyboard.press("Enter")
    mina.page.locator("throughline-chat .composer textarea:focus").wait_for()
    described = mina.page.get_by_role("textbox").get_attribute("aria-describedby")
    assert "Which light blinks?" in mina.page.locator(f"throughline-chat #{described}").inner_text()
    mina.shoot("widget-answering")
    mina.page.keyboard.press("Escape")
    mina.page.locator("throughline-chat .answered").wait_for(state="detached")
    assert mina.page.locator("throughline-chat .panel").count() == 1

    mina.received("Which light blinks?").get_by_role("button", name="Reply").click()
    mina.say("The red one")
    quote = mina.received("The red one").locator("blockquote")
    quote.wait_for()
    assert quote.locator("b, span:last-child").all_inner_texts() == ["Ana", "Which light blinks?"]
    assert ana.message("The red one").locator("blockquote").inner_text().endswith("Which light blinks?")
    mina.say("Nothing else")
    mina.received("My router is dead").get_by_role("button", name="Reply").click()
    mina.say("The blue one, I mean")
    mina.received("The blue one, I mean").locator("blockquote", has_text="My router is dead").wait_for()
    assert mina.received("Nothing else").locator("blockquote").count() == 0


def test_what_is_being_written_survives_closing_and_reloading_until_it_is_sent(
    mina: VisitorScreen, ana: Screen
) -> None:
    del ana  # so that what is written finds somebody
    field = mina.page.locator("throughline-chat .composer textarea")
    mina.open_chat().introduce(name="Mina")
    field.press_sequentially("My router is")
    mina.page.keyboard.press("Escape")
    mina.open_chat()
    assert field.input_value() == "My router is"
    mina.visit().open_chat()
    assert field.input_value() == "My router is"

    secret, now = account("webchat").secrets["identity_secret"], int(mina.page.evaluate("Date.now()")) // 1000
    identity = jwt.encode({"sub": "user-78", "iat": now, "exp": now + 600}, secret, "HS256")
    become = "identity => { document.querySelector('throughline-chat').identity = identity }"
    mina.page.evaluate(become, identity)
    assert field.input_value() == "My router is"  # it goes along with who signs in
    proofs = "Object.keys(localStorage).filter(key => key.startsWith('throughline.visitor')).length"
    until(lambda: mina.page.evaluate(proofs) == 0, "the hand-over")
    mina.page.evaluate(become, None)
    mina.page.locator("throughline-chat form.intro").wait_for()
    mina.page.evaluate(become, identity)
    assert field.input_value() == ""
    field.press_sequentially("My router is dead")
    mina.page.keyboard.press("Enter")
    mina.received("My router is dead").wait_for()
    mina.visit().page.evaluate(become, identity)
    mina.open_chat().received("My router is dead").wait_for()
    assert field.input_value() == ""


@pytest.mark.parametrize("language", ["ar", "fa"])
def test_a_form_that_is_read_from_the_right_is_filled_in_from_the_right(mina: VisitorScreen, language: str) -> None:
    mina.visit(language).open_chat()
    fields = mina.page.locator("throughline-chat form.intro input")
    sides = "all => all.map(one => getComputedStyle(one).textAlign)"
    assert fields.evaluate_all(sides) == ["right"] * 3
    mina.page.locator("throughline-chat [name=phone]").fill(PHONE)
    mina.page.locator("throughline-chat [name=name]").fill("مينا")
    directions = "all => all.map(one => getComputedStyle(one).direction)"
    assert fields.evaluate_all(directions)[:2] == ["rtl", "ltr"]
    assert fields.evaluate_all(sides) == ["right"] * 3
    mina.shoot(f"widget-form-{language}")


def test_while_nobody_is_there_the_form_takes_the_message_all_the_same(mina: VisitorScreen, ana: Screen) -> None:
    def closed(route: Any) -> None:
        route.fulfill(json=route.fetch().json() | {"open": False})

    mina.page.route("**/webchat/demo", closed)
    mina.visit().open_chat()
    mina.page.locator("throughline-chat form.intro", has_text="Nobody is here").wait_for()
    mina.page.locator("throughline-chat #message").fill("Please call me back")
    mina.visit().open_chat()
    assert mina.page.locator("throughline-chat #message").input_value() == "Please call me back"
    mina.shoot("widget-closed")
    assert mina.findings() == []
    mina.introduce(name="Mina", phone=PHONE)
    mina.received("Please call me back").wait_for()
    mina.page.locator("throughline-chat .notice", has_text="Nobody is here").wait_for()
    ana.accept("Please call me back")
    ana.page.locator("tl-card a[href='tel:+971505550142']", has_text="Call back").wait_for()


def test_answers_are_buttons_until_one_is_given_and_links_stay(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    mina.say("Which plans are there?")
    ana.accept("Which plans are there?")
    mina.received("Which plans are there?").wait_for()
    links = [
        {"kind": "link", "text": "All plans", "url": "https://shop.example/plans"},
        {"kind": "link", "text": "A trap", "url": "javascript:alert(1)"},
    ]
    answers = [{"kind": "reply", "text": "Small"}, {"kind": "reply", "text": "Large"}]
    announce(mina, [{"text": "Choose", "quick_replies": choices} for choices in (links, answers)])
    mina.page.get_by_role("button", name="Large").wait_for()
    mina.shoot("widget-choices")
    assert mina.findings() == []
    link = mina.page.locator("throughline-chat .choices a")
    assert link.evaluate_all("all => all.map(one => [one.href, one.rel])") == [
        ["https://shop.example/plans", "noopener noreferrer"]
    ]
    mina.page.get_by_role("button", name="Large").click()
    ana.message("Large").wait_for()
    mina.page.get_by_role("button", name="Small").wait_for(state="detached")
    assert link.count() == 1


def test_a_long_history_is_read_page_by_page_as_one_scrolls_up(mina: VisitorScreen, ana: Screen) -> None:
    mina.open_chat().introduce(name="Mina")
    for number in range(52):
        mina.say(f"Line {number} of many")
    mina.received("Line 51 of many").wait_for()
    ana.accept("Line 0 of many")
    mina.visit().open_chat()
    mina.received("Line 51 of many").wait_for()
    rows = mina.page.locator("throughline-chat .row")
    assert rows.count() == 50
    mina.page.locator("throughline-chat .log").evaluate("log => { log.scrollTop = 0 }")
    until(lambda: rows.count() == 52, "the page before")
    assert [text.split()[1] for text in rows.locator(".bubble").all_inner_texts()] == [str(n) for n in range(52)]
    assert mina.page.locator("throughline-chat .log").evaluate("log => log.scrollTop") > 0


def on_another_site(visitor: VisitorScreen, stack: StackClient, site: str) -> VisitorScreen:
    """Show a page of another origin that embeds the widget of this stack."""
    widget = f'<script src="{stack.url}/widget.js" async></script><throughline-chat account="demo"></throughline-chat>'
    page = f"<!doctype html><html lang=en><title>Another site</title><main><h1>Another site</h1></main>{widget}"
    visitor.page.route(f"{site}/", lambda route: route.fulfill(body=page, content_type="text/html; charset=utf-8"))
    visitor.page.context.grant_permissions(["local-network-access"], origin=site)  # that page comes from nowhere
    visitor.page.goto(f"{site}/")
    visitor.page.locator("throughline-chat .launcher").wait_for()
    return visitor.open_chat()


def test_on_another_site_it_works_where_the_account_allows_that_site(
    open_visitor: VisitorOpener, stack: StackClient, ana: Screen
) -> None:
    mina = on_another_site(open_visitor(stack.url), stack, "http://localhost:8080").introduce(name="Mina")
    file = {"name": "far.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 from far"}
    mina.page.locator("throughline-chat input[type=file]").set_input_files(file)
    mina.page.locator("throughline-chat .files em").wait_for(state="detached")
    mina.say("Hello from another site")
    ana.accept("Hello from another site")
    ana.page.locator("tl-attachment", has_text="far.pdf").wait_for()
    ana.say("Welcome")
    mina.received("Welcome").wait_for()


def test_on_a_site_that_the_account_does_not_allow_nobody_is_asked_anything(chromium: Any, stack: StackClient) -> None:
    mina = on_another_site(VisitorScreen.open(chromium, stack.url), stack, "http://localhost:8099")
    mina.page.get_by_text("The chat cannot be reached just now").wait_for()
    assert mina.page.locator("throughline-chat form").count() == 0
    mina.leave()


def test_the_companys_own_user_is_known_by_what_its_page_says(mina: VisitorScreen, ana: Screen) -> None:
    secret = account("webchat").secrets["identity_secret"]
    now = int(mina.page.evaluate("Date.now()")) // 1000
    identity = jwt.encode({"sub": "user-77", "name": "Noor", "iat": now, "exp": now + 600}, secret, "HS256")
    mina.page.evaluate("token => { document.querySelector('throughline-chat').identity = () => token }", identity)
    mina.open_chat()
    mina.page.locator("throughline-chat .composer textarea").wait_for()
    mina.say("I am signed in")
    assert "Noor" in ana.offer("I am signed in").inner_text()
    ana.accept("I am signed in")
    assert not [key for key in mina.page.evaluate("Object.keys(localStorage)") if key.startswith("throughline.visitor")]
    token = mina.page.evaluate("document.querySelector('throughline-chat').client.signIn.kept.token")
    assert not [address for address in mina.addresses if token[:30] in address or identity[:30] in address]


FILE = {"id": "f.0", "kind": "document", "name": "bill.pdf", "content_type": "application/pdf", "size_bytes": 9}
EVERYTHING: Sequence[Mapping[str, Any]] = (
    {"text": "Edited", "edited_at": "2026-11-25T10:00:00.000Z", "reactions": [{"emoji": "👍", "by": "inbound"}]},
    {"deleted": True},
    {"text": "", "attachments": [{**FILE, "ready": True, "failed": None}, {**FILE, "ready": False, "failed": "gone"}]},
    {"location": {"latitude": 25.2, "longitude": 55.27, "name": "The shop", "address": None}},
    {"kind": "something", "direction": "inbound"},
    {"text": "Choose", "quick_replies": [{"kind": "reply", "text": "Small"}]},
)


@pytest.mark.parametrize("language", ["en", "ar", "fa", "id"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_on_the_widget_in_any_language(
    open_visitor: VisitorOpener, stack: StackClient, language: str, colours: str
) -> None:
    mina = open_visitor(stack.url, color_scheme=colours, viewport={"width": 1000, "height": 760}).visit(language)
    root = mina.page.locator("throughline-chat .root")
    assert root.get_attribute("dir") == ("rtl" if language in {"ar", "fa"} else "ltr")
    found: dict[str, list[str]] = {}

    def look(view: str) -> None:
        mina.shoot(f"widget-{language}-{colours}-{view}")
        found[view] = [problem for problem in mina.findings() if "throughline-chat" in problem or "tl-" in problem]

    look("launcher")
    mina.open_chat()
    look("form")
    mina.introduce(name="مينا Mina")
    look("empty")
    mina.say("Is this open? سلام 123 https://example.com/a?b=1")
    mina.received("Is this open? سلام 123").wait_for()
    look("chat")
    mina.attach(PNG)
    look("chosen")
    mina.say("The router")
    mina.received("The router").locator("canvas").wait_for()
    announce(mina, EVERYTHING)
    mina.page.locator("throughline-chat .row .foot button.icon").last.click()
    mina.page.locator("throughline-chat .answered").wait_for()
    look("everything")
    mina.page.set_viewport_size({"width": 390, "height": 844})
    look("phone")
    assert {view: problems for view, problems in found.items() if problems} == {}
