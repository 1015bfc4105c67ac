"""What desk and widget weigh, and what a long thread and many conversations cost the desk.

DESK.bytes, WIDGET.bytes, DESK.scroll, DESK.task.

The two that need a browser are left out, and said to be, where there is none.
"""

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.stack_process import StackProcess
from tests.benchmarks.cost import Figure
from tests.browser.chromium import DESK, WIDGET, launched, missing
from tests.browser.screens import Screen

LONG, SHORT, CONVERSATIONS, ROUNDS = 10_000, 100, 200, 5

# Puts a made-up thread before the agent, scrolls up through 8,000 pixels of it, and counts the entries that were put
# into the page for that.
_SCROLL = """async count => {
  const app = document.querySelector("tl-desk").app;
  const customer = "h-bench" + count, thread = app.state.thread(customer);
  const entry = number => ({
    id: `${customer}.${1780000000000 + number * 1000}.${number.toString(16).padStart(22, "0")}`,
    kind: "message", direction: number % 3 ? "inbound" : "outbound", channel: "telegram", late: false,
    text: "A line of a long thread. ".repeat(1 + number % 4),
    sent_at: new Date(1780000000000 + number * 1000).toISOString(),
    received_at: new Date(1780000000000 + number * 1000).toISOString(),
  });
  thread.apply(Array.from({length: count}, (_, number) => entry(number)));
  thread.before = null;
  const frames = async many => { for (let i = 0; i < many; i += 1) await new Promise(requestAnimationFrame); };
  app.looked = null; app.changed(); await frames(3);
  let added = 0;
  const root = document.querySelector("tl-desk").shadowRoot.querySelector("tl-conversation").shadowRoot;
  const watch = new MutationObserver(all => {
    for (const one of all) for (const node of one.addedNodes) {
      added += node.tagName === "ARTICLE" ? 1 : (node.querySelectorAll?.("article").length ?? 0);
    }
  });
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const shadow = attach.call(this, init);
    if (this.tagName === "TL-THREAD") watch.observe(shadow, {childList: true, subtree: true});
    return shadow;
  };
  app.looked = {conversation: customer + ".0", customer}; app.changed(); await frames(4);
  Element.prototype.attachShadow = attach;
  const scroller = root.querySelector("tl-thread").shadowRoot.querySelector(".scroller");
  for (let step = 0; step < 40; step += 1) { scroller.scrollTop -= 200; await frames(2); }
  watch.disconnect();
  return added;
}"""

# Gives the agent many conversations and lets a message come in each of them, again and again; returns the longest task.
_MANY = """async ([conversations, rounds]) => {
  const app = document.querySelector("tl-desk").app, {client, state} = app, me = state.agent.agent;
  const via = "telegram/demo|telegram:1", at = number => new Date(1780000000000 + number).toISOString();
  for (let one = 0; one < conversations; one += 1) state.apply({
    event: "conversation", conversation: `h-many${one}.0`, version: 0, turn: 2, state: "active", queue: "support",
    customer: {id: `h-many${one}`, name: `Customer ${one}`}, requirement: "", opened_at: at(0), via, vias: [],
    language: "en", holder: me, disposition: null, until: null,
  }, 0);
  app.changed();
  await new Promise(done => setTimeout(done, 500));
  let longest = 0;
  const watch = new PerformanceObserver(all => {
    for (const one of all.getEntries()) longest = Math.max(longest, one.duration);
  });
  watch.observe({type: "longtask"});
  for (let round = 1; round <= rounds; round += 1) for (let one = 0; one < conversations; one += 1) {
    client.take({event: "message", conversation: `h-many${one}.0`, version: round, entry: {
      id: `h-many${one}.${1780000000000 + round}.${round.toString(16).padStart(22, "0")}`, kind: "message",
      direction: "inbound", channel: "telegram", via, text: "Another message", late: false,
      sent_at: at(round), received_at: at(round),
    }});
    if (one % 10 === 9) await new Promise(done => setTimeout(done, 5));
  }
  await new Promise(done => setTimeout(done, 300));
  watch.disconnect();
  return longest;
}"""


def measure_desk() -> Iterator[Figure]:
    """Yield the figures of the desk, as far as it is built and can be looked at."""
    if not DESK.is_file():
        print("DESK.* and WIDGET.bytes are left out: they are not built: make desk")
        return
    yield Figure("DESK.bytes", _weight(DESK.parent), "bytes", None, None, "the desk, gzipped: page, script and style")
    widget = _gzipped(WIDGET)
    yield Figure("WIDGET.bytes", widget, "bytes", 30_000, None, "the web chat's script on other sites, gzipped")
    if reason := missing():
        print(f"DESK.scroll and DESK.task are left out: {reason}")
        return
    with tempfile.TemporaryDirectory() as folder, StackProcess(Path(folder)) as process, launched() as browser:
        screen = Screen.open(browser, process.client().url).sign_in("Omar", "supervisor")
        yield from _looked_at(screen.page)
        screen.page.context.close()


def _looked_at(page: Any) -> Iterator[Figure]:
    long, short = page.evaluate(_SCROLL, LONG), page.evaluate(_SCROLL, SHORT)
    scrolled = f"entries put into the page to open and scroll a thread of {LONG} ÷ of {SHORT} ({long} ÷ {short})"
    yield Figure("DESK.scroll", round(long / short, 2), "ratio", 1.5, None, scrolled)
    longest = page.evaluate(_MANY, [CONVERSATIONS, ROUNDS])
    busy = (
        f"longest task while each of {CONVERSATIONS} conversations gets {ROUNDS} messages (time: varies); 0: under 50"
    )
    yield Figure("DESK.task", round(longest), "ms", None, None, busy)


def _weight(folder: Path) -> int:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in {".html", ".js", ".css"} and file != WIDGET]
    return sum(map(_gzipped, files))


def _gzipped(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9, mtime=0))
