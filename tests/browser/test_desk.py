"""The desk in a real browser on a real stack: from the offer to the end, two agents, two tabs, a crash."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from infra.local.client import StackClient
from infra.local.stack_process import StackProcess
from infra.local.webhooks import Sender
from tests.browser.conftest import Opener
from tests.browser.customers import sent, write
from tests.browser.screens import Screen
from tests.browser.waiting import ATTACKS, until
from tests.journeys.desks import phone_customer, telegram_customer


def test_an_offer_rings_is_accepted_by_key_and_the_answer_arrives(ana: Screen, stack: StackClient) -> None:
    write(stack, "whatsapp", phone_customer(), "My router is dead")
    offer = ana.offer("My router is dead")
    assert "Noor" in offer.inner_text()
    assert re.search(r"\d+ seconds? left", offer.inner_text())
    until(lambda: ana.page.title().startswith("Offer"), "the title")
    ana.shoot("offer")

    ana.page.keyboard.press("Alt+A")
    ana.message("My router is dead").wait_for()
    ana.page.locator("tl-composer textarea:focus").wait_for()
    ana.page.keyboard.type("Good morning! Which light blinks?")
    ana.page.keyboard.press("Enter")
    ana.message("Which light blinks?").get_by_text("read", exact=True).wait_for()
    assert len(sent(stack, "whatsapp", "Which light blinks?")) == 1
    assert ana.page.title() == "Throughline"
    ana.shoot("conversation")


def test_the_same_customer_on_two_channels_is_one_thread_and_the_way_back_is_chosen(
    ana: Screen, stack: StackClient
) -> None:
    customer = phone_customer()
    write(stack, "whatsapp", customer, "Hello from WhatsApp")
    ana.accept("Hello from WhatsApp")
    write(stack, "twilio_sms", customer, "And now by SMS")
    ana.message("And now by SMS").wait_for()
    assert ana.page.locator("tl-list nav li").count() == 1

    way = ana.page.locator("tl-composer select")
    until(lambda: way.locator("option").count() == 2, "both ways")
    assert "SMS" in str(way.evaluate("one => one.selectedOptions[0].textContent"))
    ana.write("SMS counts its segments")
    ana.page.locator("tl-composer .count", has_text="1 SMS segment").wait_for()
    way.select_option(index=1)
    ana.say("Back to WhatsApp")
    until(lambda: sent(stack, "whatsapp", "Back to WhatsApp"), "the answer")
    assert sent(stack, "twilio_sms", "Back to WhatsApp") == []


def test_a_transfer_goes_to_the_colleague_with_its_note(ana: Screen, open_screen: Opener, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "I have a question about an invoice")
    ana.accept("I have a question about an invoice")
    sara = open_screen(stack.url).sign_in("Sara").be("available")

    ana.do("transfer")
    ana.page.locator("dialog[open]").get_by_role("button", name="A colleague").click()
    ana.page.locator("dialog[open] label", has_text="Sara").click()
    ana.page.locator("dialog[open] textarea").fill("She was charged twice")
    ana.shoot("transfer")
    assert ana.findings() == []
    ana.page.locator("dialog[open] button.primary").click()
    ana.page.get_by_text(re.compile(r"Transferred to \W?Sara")).wait_for()
    ana.page.get_by_text("Choose a conversation on the left.").wait_for()

    sara.accept("I have a question about an invoice")
    sara.message("She was charged twice").locator(".note").wait_for()
    assert sara.page.locator("html").get_attribute("dir") == "rtl"  # the language that is configured for her
    sara.shoot("transferred")
    until(lambda: ana.page.locator("tl-list nav li").count() == 0, "the list to be empty")
    assert ana.page.get_by_text("The offer is gone").count() == 0
    sara.close_all()


def test_of_two_agents_one_is_asked_and_the_other_when_the_first_says_no(
    ana: Screen, open_screen: Opener, stack: StackClient
) -> None:
    write(stack, "telegram", telegram_customer(), "Is anybody there?")
    ana.offer("Is anybody there?")
    sara = open_screen(stack.url).sign_in("Sara").be("available")
    assert sara.page.locator("tl-offer").count() == 0
    ana.page.keyboard.press("Alt+R")
    sara.accept("Is anybody there?")
    until(lambda: ana.page.locator("tl-offer").count() == 0, "the offer to be gone")
    sara.close_all()


def test_two_tabs_agree(ana: Screen, stack: StackClient) -> None:
    other = ana.another_tab().sign_in("Ana")
    write(stack, "telegram", telegram_customer(), "Two tabs see me")
    other.offer("Two tabs see me")
    ana.accept("Two tabs see me")
    until(lambda: other.page.locator("tl-offer").count() == 0, "the offer to be gone")
    other.choose("Two tabs see me")
    ana.say("Said in one tab")
    other.message("Said in one tab").wait_for()
    other.message("Said in one tab").get_by_text("sent", exact=True).wait_for()
    assert len(sent(stack, "telegram", "Said in one tab")) == 1
    assert other.problems == []
    other.page.close()


def test_what_is_being_written_survives_a_reload(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "Please write me a long answer")
    ana.accept("Please write me a long answer")
    ana.write("A long answer that is not finished")
    ana.page.reload()
    ana.page.locator("tl-composer textarea").wait_for()
    assert ana.page.locator("tl-composer textarea").input_value() == "A long answer that is not finished"


def test_after_the_server_was_killed_everything_is_there_and_was_sent_once(
    stack_that_dies: Callable[[], StackProcess], open_screen: Opener
) -> None:
    process = stack_that_dies()
    stack, customer = process.client(), telegram_customer()
    ana = open_screen(stack.url).sign_in("Ana").be("available")
    write(stack, "telegram", customer, "Before the crash")
    ana.accept("Before the crash")

    process.kill()
    ana.page.locator(".banner").wait_for()
    ana.say("Written while the server was dead")
    ana.message("Written while the server was dead").get_by_text("waiting for the connection").wait_for()
    ana.shoot("no-connection")
    assert ana.findings() == []

    stack = stack_that_dies().client()
    write(stack, "telegram", customer, "After the crash")
    ana.message("After the crash").wait_for()
    ana.message("Written while the server was dead").get_by_text("sent", exact=True).wait_for()
    ana.page.locator(".banner").wait_for(state="detached")
    assert len(sent(stack, "telegram", "Written while the server was dead")) == 1
    texts = ana.page.locator("tl-thread article .text").all_inner_texts()
    assert len(texts) == len(set(texts)) == 3
    ana.close_all()


def test_what_customers_write_and_are_called_cannot_run_anything(ana: Screen, stack: StackClient) -> None:
    attacker = Sender(number=telegram_customer().number, name="<img src=x onerror='window.attacked = 1'>")
    write(stack, "telegram", attacker, ATTACKS[0])
    ana.accept(ATTACKS[0])
    for attack in ATTACKS[1:]:
        write(stack, "telegram", attacker, attack)
    for attack in ATTACKS:
        ana.page.locator("tl-thread .bubble .text").get_by_text(
            attack.strip("\u202e")[:30], exact=False
        ).first.wait_for()
    assert ana.page.locator("tl-thread .bubble").locator("script, img, iframe, svg[onload]").count() == 0
    assert ana.page.evaluate("window.attacked") is None
    links = ana.page.locator("tl-thread .bubble a").evaluate_all("all => all.map(one => [one.protocol, one.rel])")
    assert links == [["https:", "noopener noreferrer nofollow"]]
    assert ana.page.locator("tl-conversation h2").inner_text() == attacker.name


def test_no_token_stands_in_any_address_and_nobody_may_frame_the_desk(ana: Screen, stack: StackClient) -> None:
    token = ana.page.evaluate("JSON.parse(sessionStorage['throughline.session']).token")
    assert len(token) > 100
    assert not [address for address in ana.addresses if token[:20] in address or "token=" in address]
    assert not [address for address in ana.addresses if not address.startswith((stack.url, "blob:"))]
    headers = ana.page.request.get(f"{stack.url}/desk/").headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


def test_a_long_thread_is_loaded_as_one_scrolls_and_only_a_window_of_it_is_in_the_page(
    ana: Screen, stack: StackClient
) -> None:
    customer = telegram_customer()
    write(stack, "telegram", customer, "Message 0 of many")
    ana.accept("Message 0 of many")
    for number in range(1, 130):
        write(stack, "telegram", customer, f"Message {number} of many")
    ana.message("Message 129 of many").wait_for()
    ana.page.reload()
    ana.message("Message 129 of many").wait_for()
    assert ana.page.locator("tl-thread article").count() <= 80

    scroller = ana.page.locator("tl-thread .scroller")

    def at_the_beginning() -> bool:
        scroller.evaluate("one => one.scrollTop = 0")
        return bool(ana.page.get_by_text("This is where it began").count())

    until(at_the_beginning, "the beginning")
    ana.message("Message 0 of many").wait_for()
    write(stack, "telegram", customer, "And one more at the end")
    ana.page.locator("tl-thread .newest", has_text="1 new message").click()
    ana.message("And one more at the end").wait_for()
    assert ana.page.locator("tl-thread article").count() <= 80


def test_a_file_is_attached_uploaded_and_shown(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "Send me the picture")
    ana.accept("Send me the picture")
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63f8cfc0f01f000501"
        "01ff5e0f1d2e0000000049454e44ae426082"
    )
    file = {"name": "dot.png", "mimeType": "image/png", "buffer": picture}
    ana.page.locator("tl-composer input[type=file]").set_input_files(file)
    ana.page.locator("tl-composer .files li", has_text="dot.png").wait_for()
    ana.page.locator("tl-composer .files .soft").wait_for(state="detached")
    assert ana.page.locator("tl-composer .files .bad").count() == 0
    ana.page.locator("tl-composer button.primary").click()
    ana.page.locator("tl-attachment img").wait_for()
    until(lambda: [item for item in stack.sent("telegram") if "dot.png" in str(item)], "the file at the provider")


def test_a_supervisor_sees_who_is_on_opens_a_thread_and_takes_over(
    ana: Screen, open_screen: Opener, stack: StackClient
) -> None:
    write(stack, "telegram", telegram_customer(), "I want your boss")
    ana.accept("I want your boss")
    omar = open_screen(stack.url).sign_in("Omar", "supervisor")
    omar.page.get_by_role("button", name="Team").click()
    held = omar.page.locator("tl-team tr", has_text="Ana").locator(".holds button")
    held.wait_for()
    omar.shoot("team")
    assert omar.findings() == []
    held.first.click()
    omar.message("I want your boss").wait_for()
    assert omar.page.locator("tl-composer .tab").count() == 0
    omar.page.get_by_role("button", name="Take over").click()
    omar.page.locator("tl-composer .tab").first.wait_for()
    until(lambda: ana.page.locator("tl-list nav li").count() == 0, "the list to be empty")
    omar.close_all()


def test_a_supervisor_opens_what_waits_and_takes_it_over(open_screen: Opener, stack: StackClient) -> None:
    omar = open_screen(stack.url).sign_in("Omar", "supervisor")
    omar.page.get_by_role("button", name="Team").click()
    write(stack, "telegram", telegram_customer(), "Nobody is here yet")
    row = omar.page.locator("tl-team tr", has_text="Nobody is here yet")
    row.wait_for()
    omar.shoot("waiting")
    assert omar.findings() == []
    row.get_by_role("button", name="Open").click()
    omar.message("Nobody is here yet").wait_for()
    omar.page.get_by_role("button", name="Take over").click()
    omar.page.locator("tl-composer .tab").first.wait_for()
    omar.close_all()


@pytest.mark.parametrize("language", ["en", "ar", "fa", "id"])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_on_any_view_in_any_language(
    open_screen: Opener, stack: StackClient, language: str, colours: str
) -> None:
    locale = {"en": "en-GB", "ar": "ar", "fa": "fa", "id": "id"}[language]
    sara = open_screen(stack.url, locale=locale, color_scheme=colours)
    found: dict[str, list[str]] = {}

    def look(view: str) -> None:
        sara.shoot(f"{language}-{colours}-{view}")
        found[view] = sara.findings()

    sara.page.goto(f"{stack.url}/desk/")
    sara.page.locator("tl-desk .primary").wait_for()
    assert sara.page.locator("html").get_attribute("dir") == ("rtl" if language in {"ar", "fa"} else "ltr")
    look("sign-in")
    sara.page.locator("tl-desk .primary").click()
    look("choice")
    sara.sign_in("Sara")
    sara.speak(language)
    look("empty")
    sara.page.locator("tl-presence button[aria-expanded]").click()
    look("presence")
    sara.page.keyboard.press("Escape")
    sara.be("available")
    write(stack, "telegram", telegram_customer(), "Hello سلام 123 https://example.com/a?b=1")
    sara.offer("Hello سلام 123")
    look("offer")
    sara.accept("Hello سلام 123")
    sara.note("He wants to be called back")
    sara.say("مرحبًا! How are you?")
    look("conversation")
    for dialog in ("pause", "transfer", "close"):
        sara.do(dialog)
        sara.page.locator("dialog[open]").wait_for()
        look(dialog)
        sara.page.keyboard.press("Escape")
        sara.page.locator("dialog[open]").wait_for(state="detached")
    sara.page.locator("tl-composer [data-do=quick]").click()
    sara.page.locator("tl-quick-replies input").fill("نعم yes")
    look("quick-replies")
    write(stack, "whatsapp", phone_customer(), "Old news قديم", age=timedelta(hours=25))
    sara.accept("Old news قديم")
    look("window-closed")
    sara.page.locator("tl-composer .lead button").click()
    sara.page.locator("tl-template input").first.fill("نور")
    look("template")
    sara.page.locator("tl-menu [aria-expanded]").click()
    look("settings")
    sara.page.keyboard.press("Escape")
    sara.page.set_viewport_size({"width": 390, "height": 844})
    look("phone")
    sara.page.set_viewport_size({"width": 1440, "height": 900})
    sara.speak("en")
    sara.close_all()
    assert {view: problems for view, problems in found.items() if problems} == {}
