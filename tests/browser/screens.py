"""A person in front of the desk: what they press, and what they see."""

import importlib
import itertools
import re
import warnings
from collections.abc import Mapping
from typing import Any, Self

from infra.local.deployed import ROOT
from tests.browser.chromium import AXE

SHOTS = ROOT / "build/screenshots"
PATIENCE_MS = 45_000
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What the browser itself says of requests that a test lets fail: a server that was killed.
EXPECTED = re.compile(
    r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_CONTENT_LENGTH_MISMATCH|WebSocket connection"
)
_NUMBERS = itertools.count(1)


def plain(found: Any) -> str:
    """Return the words of what was found, without what only tells their direction."""
    return re.sub("[\u2066-\u2069]", "", found.text_content()).strip()


class Window:
    """One window. `problems` is what the page complained of, `addresses` all it has asked for."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.problems: list[str] = []
        self.addresses: list[str] = []
        self._url = url
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._note)
        page.on("request", lambda request: self.addresses.append(request.url))
        page.on("dialog", lambda dialog: self.problems.append(f"a dialog: {dialog.message}"))

    @classmethod
    def open(cls, browser: Any, url: str, **how: Any) -> Self:
        """Open a browser of its own, of this person's language, colours and size."""
        how = {"locale": "en-GB", "viewport": {"width": 1440, "height": 900}, **how}
        return cls(browser.new_context(**how).new_page(), url)

    def shoot(self, name: str) -> None:
        """Keep a picture of what is to be seen. A browser too busy to draw one costs a warning, not the test."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        try:
            self.page.screenshot(path=SHOTS / f"{next(_NUMBERS):02d}-{name}.png")
        except importlib.import_module("playwright.sync_api").Error as error:
            warnings.warn(f"no picture of {name}: {error}", stacklevel=2)

    def findings(self) -> list[str]:
        """Return what axe finds wrong with the view, by rule and place."""
        self.page.wait_for_timeout(300)  # colours that fade in are no finding
        self.page.evaluate(AXE.read_text())
        run = "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})"
        violations = self.page.evaluate(run, RULES)["violations"]
        return [f"{item['id']}: {node['target']} {node['html'][:160]}" for item in violations for node in item["nodes"]]

    def _note(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.problems.append(message.text)


class Screen(Window):
    """The desk, and the agent in front of it."""

    def another_tab(self) -> "Screen":
        """Open a second tab of the same browser."""
        return Screen(self.page.context.new_page(), self._url)

    def leave(self) -> None:
        """Sign off, so that nothing is offered to nobody, and close the browser."""
        if (
            not self.page.is_closed()
            and self.page.locator("tl-presence").count() > self.page.locator(".banner").count()
        ):
            self.page.keyboard.press("Escape")
            self.be("offline")
        self.page.context.close()

    # ------------------------------------------------------------ signing in

    def sign_in(self, name: str, role: str = "agent") -> Self:
        """Sign in by the whole code flow, as somebody of the demo."""
        self.page.goto(f"{self._url}/desk/")
        self.page.locator("tl-desk .primary").click()
        self.page.get_by_role("button", name=f"{name}, {role}").click()
        self.page.locator("tl-presence").wait_for()
        return self

    def be(self, presence: str) -> Self:
        """Declare a presence, now."""
        self.page.locator("tl-presence [aria-expanded]").click()
        self.page.locator(f"tl-presence .panel button:has(.dot.{presence})").click()
        self.page.locator(f"tl-presence [aria-expanded] .dot.{presence}").wait_for()
        return self

    def speak(self, language: str) -> None:
        """Choose the language of the desk."""
        self.page.locator("tl-menu [aria-expanded]").click()
        self.page.locator("tl-menu select").select_option(language)
        self.page.keyboard.press("Escape")
        self.page.locator(f"html[lang={language}]").wait_for(state="attached")

    # ------------------------------------------------------------ working

    def offer(self, words: str) -> Any:
        """Return the offer that has these words, once it rings."""
        found = self.page.locator("tl-offer section", has_text=words)
        found.wait_for()
        return found

    def accept(self, words: str) -> Self:
        """Accept the offer that has these words, and see its thread."""
        self.offer(words).locator("button.primary").click()
        self.message(words).wait_for()
        return self

    def write(self, text: str) -> None:
        """Write where the caret is taken to."""
        self.page.locator("tl-composer textarea").fill(text)

    def say(self, text: str) -> None:
        """Write and send."""
        self.write(text)
        self.page.keyboard.press("Enter")
        self.message(text).first.wait_for()

    def note(self, text: str) -> None:
        """Write a note."""
        self.page.locator("tl-composer .tab").nth(1).click()
        self.say(text)
        self.page.locator("tl-composer .tab").nth(0).click()

    def message(self, words: str) -> Any:
        """Return the bubbles in which these words stand."""
        return self.page.locator("tl-thread article", has_text=words)

    def choose(self, words: str) -> None:
        """Open the conversation of the list whose last words are these."""
        self.page.locator("tl-list li button", has_text=words).click()

    def do(self, action: str) -> None:
        """Press one of the buttons above the thread: wrap_up, pause, transfer, close."""
        self.page.locator(f"tl-conversation [data-do={action}]").click()

    def close_all(self) -> None:
        """Close every conversation, so that the next test finds an agent with nothing to do."""
        for _ in range(20):
            mine = self.page.locator("tl-list nav li button")
            if mine.count() == 0:
                return
            before = mine.count()
            mine.first.click()
            self.do("close")
            self.page.locator("dialog[open] button.primary").click()
            self.page.wait_for_function(
                "n => document.querySelector('tl-desk').shadowRoot.querySelector('tl-list')"
                ".shadowRoot.querySelectorAll('nav li').length < n",
                arg=before,
            )


class VisitorScreen(Window):
    """A company's page with the widget on it, and the visitor in front of it."""

    def visit(self, language: str = "en") -> Self:
        """Open the page of the local stack's shop."""
        self.page.goto(f"{self._url}/shop/?lang={language}")
        self.page.locator("throughline-chat .launcher").wait_for()
        return self

    def open_chat(self) -> Self:
        """Press the button in the corner."""
        self.page.locator("throughline-chat .launcher").click()
        self.page.locator("throughline-chat .panel").wait_for()
        return self

    def introduce(self, **fields: str) -> Self:
        """Fill in the form that is asked before, and begin."""
        for name, value in fields.items():
            self.page.locator(f"throughline-chat [name={name}]").fill(value)
        self.page.locator("throughline-chat form.intro button").click()
        self.page.locator("throughline-chat .composer textarea").wait_for()
        return self

    def say(self, text: str) -> None:
        """Write and send."""
        self.page.locator("throughline-chat .composer textarea").fill(text)
        self.page.keyboard.press("Enter")
        self.message(text).first.wait_for()

    def attach(self, *files: Mapping[str, Any]) -> None:
        """Choose files, and wait until they are uploaded."""
        self.page.locator("throughline-chat input[type=file]").set_input_files(list(files))
        self.page.locator("throughline-chat .files li").nth(len(files) - 1).wait_for()
        self.page.locator("throughline-chat .files em").wait_for(state="detached")

    def message(self, words: str) -> Any:
        """Return the rows in which these words stand."""
        return self.page.locator("throughline-chat .row", has_text=words)

    def received(self, words: str) -> Any:
        """Return the rows with these words that stand on the thread, not only in the outbox."""
        return self.page.locator("throughline-chat .row[data-entry]", has_text=words)

    def leave(self) -> None:
        """Close the browser."""
        self.page.context.close()
