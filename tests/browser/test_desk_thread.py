"""What stands on a thread in the desk: changed, taken back, late, unknown, with files, over one of two numbers."""

import io
import json
import re
import wave
from datetime import timedelta
from typing import Any

from infra.local.client import StackClient
from tests.browser.customers import (
    edit_on_telegram,
    react_on_telegram,
    say_on_telegram,
    sent,
    write,
    write_recorded,
    write_to,
)
from tests.browser.screens import Screen, plain
from tests.browser.waiting import until
from tests.journeys.desks import phone_customer, telegram_customer


def a_sound() -> bytes:
    """Return half a second of silence."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000))
    return kept.getvalue()


def test_edits_and_reactions_are_folded_into_the_message_they_are_about(ana: Screen, stack: StackClient) -> None:
    customer = telegram_customer()
    message = say_on_telegram(stack, customer, text="My oder is late")
    ana.accept("My oder is late")
    edit_on_telegram(stack, message, "My order is late")
    bubble = ana.page.locator("tl-thread article", has_text="My order is late")
    bubble.get_by_text("edited").wait_for()
    react_on_telegram(stack, message, "👍")
    bubble.get_by_role("img", name=re.compile(r"👍\W* by \W*Noor")).wait_for()
    assert ana.page.locator("tl-thread article").count() == 1
    ana.shoot("folded")
    assert ana.findings() == []

    ana.page.reload()
    bubble.get_by_text("edited").wait_for()
    bubble.get_by_role("img").wait_for()
    react_on_telegram(stack, message, None)
    bubble.get_by_role("img").wait_for(state="detached")


def test_what_came_late_takes_its_place_and_says_so_also_after_a_reload(ana: Screen, stack: StackClient) -> None:
    customer = telegram_customer()
    write(stack, "telegram", customer, "Are you there?")
    ana.accept("Are you there?")
    ana.say("Yes, I am")
    write(stack, "telegram", customer, "I wrote this an hour ago", age=timedelta(hours=1))
    late = ana.message("I wrote this an hour ago")
    late.get_by_text("arrived late").wait_for()
    say_on_telegram(
        stack, customer, photo=[{"file_id": "p", "file_unique_id": "u", "file_size": 9}], caption="A picture"
    )
    say_on_telegram(stack, customer, text="And now?")
    ana.message("A picture").locator("img").wait_for()

    def order() -> list[str]:
        said = ana.page.locator("tl-thread article .text").all_inner_texts()
        return [words for words in said if words not in {"A picture", "And now?"}]

    assert order() == ["I wrote this an hour ago", "Are you there?", "Yes, I am"]
    assert ana.page.locator("tl-thread .late").count() == 1
    ana.page.reload()
    late.get_by_text("arrived late").wait_for()
    assert order() == ["I wrote this an hour ago", "Are you there?", "Yes, I am"]
    assert ana.page.locator("tl-thread .late").count() == 1


def test_what_nobody_knows_yet_is_readable_and_nothing_the_channel_told_is_lost(
    ana: Screen, stack: StackClient
) -> None:
    customer = phone_customer()
    write_recorded(stack, "whatsapp", customer, "type_nobody_knows_yet")
    ana.offer("No text").locator("button.primary").click()
    unknown = ana.message("The channel could not show us this message.")
    unknown.get_by_text("hologram").wait_for()
    write_recorded(stack, "whatsapp", customer, "order")
    order = ana.message("as soon as possible")
    order.get_by_text("What else the channel told").click()
    order.get_by_text("product retailer id: lamp-1, quantity: 2").wait_for()
    ana.shoot("unknown")
    assert ana.findings() == []


def test_files_are_shown_played_and_handed_out_or_say_why_not(ana: Screen, stack: StackClient) -> None:
    said = {"ok": False, "error_code": 400, "description": "Bad Request: wrong file_id"}
    gone = {"channel": "telegram", "status": 400, "body": said, "files": True, "matching": "gone"}
    stack.request("POST", "/sandbox/behaviour", gone)
    ana.page.route(re.compile(r"voice\.oga"), lambda route: route.fulfill(body=a_sound(), content_type="audio/wav"))
    customer = telegram_customer()
    write(stack, "telegram", customer, "Look at these")
    ana.accept("Look at these")
    file = {"file_unique_id": "u", "file_size": 9}
    say_on_telegram(stack, customer, photo=[file | {"file_id": "p"}])
    say_on_telegram(stack, customer, audio=file | {"file_id": "a", "mime_type": "audio/ogg", "file_name": "voice.oga"})
    say_on_telegram(stack, customer, video=file | {"file_id": "v", "mime_type": "video/mp4", "file_name": "door.mp4"})
    say_on_telegram(
        stack, customer, document=file | {"file_id": "d", "mime_type": "application/pdf", "file_name": "bill.pdf"}
    )
    say_on_telegram(stack, customer, document=file | {"file_id": "gone", "file_name": "old.pdf"})
    shown = ana.page.locator("tl-attachment")

    picture = shown.locator("img")
    picture.wait_for()
    assert picture.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    shown.filter(has_text="voice.oga").get_by_role("button", name="Show").click()
    until(lambda: shown.locator("audio").evaluate("one => one.readyState > 0 && one.duration > 0.4"), "the sound")
    shown.filter(has_text="door.mp4").get_by_role("button", name="Show").click()
    shown.get_by_text("This browser cannot play the file.").wait_for()  # nobody could: it is a picture
    shown.filter(has_text="door.mp4").get_by_role("button", name="Download").wait_for()
    shown.get_by_text("The file could not be fetched from the channel").wait_for()
    ana.shoot("files")
    assert ana.findings() == []
    with ana.page.context.expect_event("response", lambda answer: "bill.pdf" in answer.url) as fetched:
        shown.filter(has_text="bill.pdf").get_by_role("button", name="Download").click()
    assert (fetched.value.status, fetched.value.headers["content-type"]) == (200, "application/pdf")
    assert "bill.pdf" in fetched.value.headers["content-disposition"]


def test_a_picture_that_grows_leaves_the_thread_at_the_newest_message(ana: Screen, stack: StackClient) -> None:
    drawn = '<svg xmlns="http://www.w3.org/2000/svg" width="300" height="400"><rect width="300" height="400"/></svg>'
    held: list[Any] = []

    def hold_pictures(route: Any) -> None:
        if route.request.resource_type == "image":
            held.append(route)
        else:
            route.fallback()

    def rest() -> float:
        measure = "one => one.scrollHeight - one.scrollTop - one.clientHeight"
        return float(ana.page.locator("tl-thread .scroller").evaluate(measure))

    ana.page.route("**/*", hold_pictures)
    customer = telegram_customer()
    write(stack, "telegram", customer, "\n".join(f"Line {number}" for number in range(60)))
    ana.accept("Line 0")
    photo = [{"file_id": "p", "file_unique_id": "u", "file_size": 9}]
    say_on_telegram(stack, customer, photo=photo, caption="The broken lamp")
    ana.message("The broken lamp").locator("img").wait_for(state="attached")
    until(lambda: ana.page.locator("tl-thread .scroller").evaluate("one => one.scrollTop") and held, "the picture")
    for route in held:
        route.fulfill(body=drawn, content_type="image/svg+xml")
    picture = ana.message("The broken lamp").locator("img")
    until(lambda: picture.evaluate("one => one.offsetHeight") > 200, "the picture to grow")
    until(lambda: rest() < 2, "the thread to stand at its end")
    growth = """one => {
        one.style.minBlockSize = "450px";
        one.getRootNode().host.getRootNode().querySelector(".scroller").dispatchEvent(new Event("scroll"));
    }"""
    picture.evaluate(growth)  # just before the browser tells of a scroll that was not the person's
    until(lambda: rest() < 2, "the thread to stand at its end")
    assert ana.page.locator("tl-thread .newest").count() == 0
    write(stack, "telegram", customer, "Do you see it?")
    ana.message("Do you see it?").wait_for()
    until(lambda: rest() < 2, "the thread to stand at its end")

    ana.page.locator("tl-thread .scroller").evaluate("one => one.scrollTo(0, 0)")
    newest = ana.page.locator("tl-thread .newest")
    newest.wait_for()
    ana.say("I see it")
    until(lambda: rest() < 2, "the thread to go to what was sent")
    newest.wait_for(state="detached")


def test_of_two_numbers_of_one_channel_each_says_which_it_is(ana: Screen, stack: StackClient) -> None:
    customer = phone_customer()
    write_to(stack, "whatsapp/demo", customer, "Hello support", age=timedelta(minutes=1))
    assert "WhatsApp (demo)" in plain(ana.offer("Hello support"))
    ana.accept("Hello support")
    write_to(stack, "whatsapp/sales", customer, "Hello sales")
    assert "WhatsApp (sales)" in plain(ana.message("Hello sales"))
    assert "WhatsApp (demo)" in plain(ana.message("Hello support"))
    row = ana.page.get_by_role("navigation", name="My conversations").get_by_role("button")
    until(lambda: "sales" in plain(row), "the list to say which number it was")
    ways = ana.page.locator("tl-way option")
    until(lambda: ways.count() == 2, "both ways")
    assert ["sales", "demo"] == [re.findall(r"\((\w+)\)", plain(way))[0] for way in ways.all()]
    ana.shoot("two-numbers")
    assert ana.findings() == []
    ana.page.locator("tl-way select").select_option(index=1)
    ana.say("From the support number")
    until(lambda: sent(stack, "whatsapp", "From the support number"), "the answer")
    assert "WhatsApp (demo)" in plain(ana.message("From the support number"))

    write(stack, "telegram", telegram_customer(), "Only one bot")
    assert "(" not in plain(ana.offer("Only one bot"))
    ana.accept("Only one bot")


def test_a_way_whose_account_is_no_longer_configured_says_so(ana: Screen, stack: StackClient) -> None:
    def without_channel(route: Any) -> None:
        answer = route.fetch()
        told = json.loads(answer.body())
        for way in told["ways"]:
            way |= {"open": False, "closed_because": "no_channel", "templates": []}
        route.fulfill(response=answer, json=told)

    ana.page.route(re.compile(r"/ways$"), without_channel)
    write(stack, "telegram", telegram_customer(), "Is this bot still yours?")
    ana.accept("Is this bot still yours?")
    ana.page.locator("tl-composer .warn", has_text="Our account for this way is no longer set up.").wait_for()
    assert "no longer configured" in plain(ana.page.locator("tl-way option").first)
    ana.write("Nobody will read this")
    assert ana.page.locator("tl-composer .tools button.primary").is_disabled()
    ana.shoot("no-channel")
    assert ana.findings() == []
    ana.write("")
