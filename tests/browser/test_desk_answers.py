"""Answering in the desk beyond plain words: quick replies, templates, canned answers; and ways that are closed."""

from datetime import timedelta
from typing import Any

from infra.local.client import StackClient
from tests.browser.customers import sent, write
from tests.browser.screens import Screen, plain
from tests.browser.waiting import until
from tests.journeys.desks import phone_customer, telegram_customer


def press(screen: Screen, what: str) -> None:
    """Press one of the buttons below the text: answers, quick, template."""
    screen.page.locator(f"tl-composer [data-do={what}]").click()


def sending(screen: Screen) -> Any:
    """Return the button that sends."""
    return screen.page.locator("tl-composer .tools button.primary")


def test_quick_replies_are_laid_ready_under_the_text(ana: Screen, stack: StackClient) -> None:
    write(stack, "whatsapp", phone_customer(), "I want another date")
    ana.accept("I want another date")
    press(ana, "quick")
    ana.page.locator("tl-quick-replies input:focus").wait_for()
    ana.page.keyboard.type("Tomorrow")
    assert sending(ana).is_disabled()
    ana.page.get_by_text("Write the text they stand under.").wait_for()
    ana.page.keyboard.press("Enter")
    ana.page.locator("tl-quick-replies li:nth-child(2) input:focus").wait_for()
    ana.page.keyboard.type("Tomorrow")
    ana.write("When does it suit you?")
    ana.page.get_by_text("No two may have the same label.").wait_for()
    assert sending(ana).is_disabled()
    ana.page.get_by_label("Label 2").fill("Next week")
    ana.shoot("quick-replies")
    assert ana.findings() == []
    sending(ana).click()

    laid = ana.message("When does it suit you?").get_by_role("list", name="Quick replies").get_by_role("listitem")
    laid.first.wait_for()
    until(lambda: sent(stack, "whatsapp", "When does it suit you?"), "the answer")
    ana.message("When does it suit you?").get_by_text("read", exact=True).wait_for()
    assert [words.strip() for words in laid.all_inner_texts()] == ["Tomorrow", "Next week"]
    assert "Next week" in str(sent(stack, "whatsapp", "When does it suit you?"))
    assert ana.page.locator("tl-quick-replies").count() == 0
    ana.shoot("quick-replies-sent")


def test_links_need_a_public_address_and_are_written_out_where_there_are_no_buttons(
    ana: Screen, stack: StackClient
) -> None:
    write(stack, "twilio_sms", phone_customer(), "Where do I pay?")
    ana.accept("Where do I pay?")
    ana.write("You can pay here")
    press(ana, "quick")
    ana.page.get_by_role("button", name="Links").click()
    ana.page.get_by_text("This channel has no buttons for them").wait_for()
    ana.page.get_by_label("Label 1").fill("Pay")
    ana.page.get_by_label("Address 1").fill("javascript:alert(1)")
    ana.page.get_by_text("An address begins with https:// or http:// and is public.").wait_for()
    assert sending(ana).is_disabled()
    ana.page.get_by_label("Address 1").fill("https://pay.example/7731")
    ana.page.get_by_text("1 SMS segment, 113 left").wait_for()
    ana.shoot("links")
    assert ana.findings() == []
    sending(ana).click()
    link = ana.message("You can pay here").get_by_role("link", name="Pay")
    link.wait_for()
    assert link.get_attribute("href") == "https://pay.example/7731"
    until(lambda: sent(stack, "twilio_sms", "Pay: https://pay.example/7731"), "the link, written out")


def test_when_the_window_has_closed_a_template_goes_out(ana: Screen, stack: StackClient) -> None:
    customer = phone_customer()
    write(stack, "whatsapp", customer, "Any news of my order?", age=timedelta(hours=25))
    ana.accept("Any news of my order?")
    ana.page.get_by_text("A template may still go out").wait_for()
    ana.write("Too late for words of my own")
    assert sending(ana).is_disabled()
    ana.shoot("window-closed")
    assert ana.findings() == []

    ana.page.locator("tl-composer .lead").get_by_role("button", name="Use a template").click()
    ana.page.locator("tl-template input:focus").wait_for()
    ana.page.get_by_label("Place 1").fill("Maya")
    assert sending(ana).is_disabled()
    ana.page.get_by_text("Good day Maya, there is news about your order {{2}}.").wait_for()
    ana.page.get_by_label("Place 2").fill("7731")
    ana.page.get_by_text("Good day Maya, there is news about your order 7731.").wait_for()
    ana.shoot("template")
    assert ana.findings() == []
    sending(ana).click()

    reads = ana.message("Good day Maya, there is news about your order 7731.")
    reads.locator(".template", has_text="order update").wait_for()
    reads.get_by_text("read", exact=True).wait_for()
    number = customer.number.removeprefix("+")
    to_her = [item["message"] for item in stack.sent("whatsapp") if number in str(item.get("message", {}).get("to"))]
    assert len(to_her) == 1
    assert ana.page.locator("tl-composer textarea").input_value() == "Too late for words of my own"
    ana.write("")


def test_what_is_laid_ready_or_filled_in_outlives_a_reload_and_goes_once_sent(ana: Screen, stack: StackClient) -> None:
    write(stack, "whatsapp", phone_customer(), "Which day?")
    ana.accept("Which day?")
    ana.write("Choose one")
    press(ana, "quick")
    ana.page.get_by_label("Label 1").fill("Monday")
    press(ana, "template")
    ana.page.get_by_label("Place 1").fill("Maya")
    ana.page.reload()
    ana.page.get_by_text("Good day Maya, there is news").wait_for()
    assert ana.page.get_by_label("Place 1").input_value() == "Maya"
    ana.page.get_by_role("button", name="Without a template").click()
    assert ana.page.get_by_label("Label 1").input_value() == "Monday"
    assert ana.page.locator("tl-composer textarea").input_value() == "Choose one"
    ana.page.reload()
    until(lambda: sending(ana).count() == 1 and sending(ana).is_enabled(), "the draft to be back")
    sending(ana).click()
    ana.message("Choose one").get_by_text("read", exact=True).wait_for()
    ana.page.locator("tl-thread .parcel").wait_for(state="detached")
    ana.page.reload()
    ana.message("Choose one").get_by_role("list", name="Quick replies").wait_for()
    assert ana.page.locator("tl-composer textarea").input_value() == ""
    assert ana.page.locator("tl-quick-replies, tl-template").count() == 0


def test_one_is_warned_two_hours_before_the_window_closes_and_sees_it_close(ana: Screen, stack: StackClient) -> None:
    customer = phone_customer()
    write(stack, "whatsapp", customer, "Do you still read me?", age=timedelta(hours=23))
    ana.accept("Do you still read me?")
    ana.page.locator("tl-composer .warn", has_text="The time to answer on this channel ends in").wait_for()
    ana.shoot("window-closing")
    assert ana.findings() == []

    other = phone_customer()
    write(stack, "whatsapp", other, "And me?", age=timedelta(hours=24) - timedelta(seconds=25))
    ana.accept("And me?")
    ana.page.locator("tl-composer .lead", has_text="A template may still go out").wait_for()
    ana.write("Now it is too late")
    assert sending(ana).is_disabled()
    ana.write("")


def test_nothing_goes_the_way_of_a_customer_who_has_opted_out(ana: Screen, stack: StackClient) -> None:
    customer = phone_customer()
    write(stack, "twilio_sms", customer, "What do you want from me?")
    assert customer.number in plain(ana.offer("What do you want from me?"))
    ana.accept("What do you want from me?")
    write(stack, "twilio_sms", customer, "STOP")
    ana.page.locator("tl-composer .warn", has_text="does not want messages this way").wait_for()
    ana.write("Please stay")
    assert sending(ana).is_disabled()
    assert "opted out" in ana.page.locator("tl-way option").first.inner_text()
    ana.page.locator("tl-card").get_by_text("opted out").wait_for()
    ana.shoot("opted-out")
    assert ana.findings() == []
    write(stack, "whatsapp", customer, "Rather here")
    ana.message("Rather here").wait_for()
    until(lambda: sending(ana).is_enabled(), "the other way")
    sending(ana).click()
    until(lambda: sent(stack, "whatsapp", "Please stay"), "the answer")
    assert sent(stack, "twilio_sms", "Please stay") == []


def test_a_canned_answer_is_found_by_key_and_speaks_of_both(ana: Screen, stack: StackClient) -> None:
    write(stack, "telegram", telegram_customer(), "Hello, anybody?")
    ana.accept("Hello, anybody?")
    ana.page.locator("tl-composer textarea").focus()
    ana.page.keyboard.type("/")
    ana.page.locator("tl-composer .answers input:focus").wait_for()
    ana.shoot("canned-answers")
    assert ana.findings() == []
    ana.page.keyboard.type("/hi")
    ana.page.keyboard.press("Enter")
    ana.page.locator("tl-composer textarea:focus").wait_for()
    written = ana.page.locator("tl-composer textarea").input_value()
    assert written == "Hello Noor, this is Ana. How can I help you?"
    ana.page.keyboard.press("Enter")
    ana.message("Hello Noor, this is Ana. How can I help you?").wait_for()
    until(lambda: sent(stack, "telegram", "Hello Noor, this is Ana."), "the answer")
