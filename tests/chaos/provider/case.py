"""One customer under one attack: what they really said, and what stands on their thread in the end."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from urllib3.exceptions import HTTPError

from infra.local.agent_client import RefusedFrameError, StayedAwayError
from infra.local.centre import Account
from infra.local.webhooks import Webhook
from tests.chaos.options import Options
from tests.chaos.provider.floor import OFFER_S, Floor, Held
from tests.chaos.provider.site import Site
from tests.chaos.talks import TALKS
from tests.chaos.talks.talk import Payload, Talk

SETTLED_S = 60.0
FIRST_LOOK_S, LAST_LOOK_S = 0.2, 1.6
PAGE = 100
DELIVERIES = 10
PATIENCE_S = 5.0
TOO_MANY = 429
MAX_MS = 10**12  # a figure above it is milliseconds already
MESSAGES = {"message", "postback"}

Entry = dict[str, Any]
Amount = TypeVar("Amount")


class StuckError(Exception):
    """What has to come did not; the message says what."""


@dataclass(slots=True, kw_only=True)
class Said:
    """A real message: `text` as it has to read in the end, None if it was taken back; `at_ms` the provider's time."""

    text: str | None
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where cases take place: a deployment, its agents at work, and which round of the run it is."""

    site: Site
    floor: Floor
    options: Options
    round: int


class Case:
    """A customer who never wrote before, on one channel. `said` has their real messages by the word they begin with."""

    def __init__(self, place: Place, talk: Talk, account: Account, attack: str) -> None:
        self.site, self.floor, self.talk, self.account, self.attack = place.site, place.floor, talk, account, attack
        # Its own draws: what one case does depends on the seed alone, however they run side by side.
        self.chance = place.options.draws(f"providers/{talk.channel}/{attack}/{place.round}")
        self.mark = f"q{self.chance.randrange(16**10):010x}"
        self.others = sorted({account.channel for account in self.site.centre.accounts} & TALKS.keys() - {talk.channel})
        self._short = place.options.short
        self.sender = talk.sender()
        self.said: dict[str, Said] = {}
        self.since = int(time.time()) - 600
        self.held: Held | None = None

    # ------------------------------------------------------------ what the customer says

    def draft(self, word: str, at: int | None = None, text: str = "") -> Payload:
        """Return a message that is real from now on: one entry of it has to stand on the thread in the end."""
        at = self.since + len(self.said) if at is None else at
        words = f"{self.mark} {word} {text}".rstrip(" ")
        self.said[word] = Said(text=words, at_ms=at if at > MAX_MS else at * 1000)
        return self.talk.say(self.account, self.sender, words, at)

    async def open(self) -> Held:
        """Let the customer write, and wait until somebody has accepted the conversation."""
        await self.deliver(self.draft("hello"))
        return await self.accepted()

    async def accepted(self) -> Held:
        """Return who has the conversation, once they do."""
        try:
            self.held = await asyncio.wait_for(asyncio.shield(self.floor.ask(self.mark)), OFFER_S)
        except TimeoutError:
            raise StuckError("nobody was offered the conversation") from None
        return self.held

    # ------------------------------------------------------------ what the provider posts

    async def deliver(self, *payloads: Payload, query: str = "") -> None:
        """Post webhooks one after the other; each has to be taken."""
        for payload in payloads:
            await self.post(self.talk.written(payload), query=query)

    async def deliver_at_once(self, payloads: Sequence[Payload]) -> None:
        """Post webhooks side by side; each has to be taken."""
        await asyncio.gather(*(self.deliver(payload) for payload in payloads))

    async def post(
        self,
        webhook: Webhook,
        headers: Mapping[str, str] | None = None,
        *,
        query: str = "",
        taken: Sequence[int] = (200, 204),
    ) -> None:
        """Post one webhook, signed unless `headers` are given; its answer has to be one of `taken`.

        Asked for patience (429), a provider delivers it again.
        """
        for _ in range(DELIVERIES):
            answer = await asyncio.to_thread(self.site.post, self.account, webhook, headers, query=query)
            if answer.status != TOO_MANY:
                break
            await asyncio.sleep(PATIENCE_S)
        if answer.status not in taken:
            self.broke(f"a webhook was answered {answer.status}: {webhook.body[:300]!r}")

    def amount(self, short: Amount, full: Amount) -> Amount:
        """Return how much of something is tried in the short form, or in the full one."""
        return short if self._short else full

    def again(self, count: int = 1) -> None:
        """Count what a provider does that it need not do."""
        self.site.tally.faults += count

    def broke(self, sentence: str) -> None:
        """Note what must not be."""
        self.site.broke(f"{self.talk.channel}, {self.attack}: {sentence}")

    # ------------------------------------------------------------ what became of it

    async def settle(self) -> list[Entry]:
        """Let the customer write a last time, wait until that stands on the thread, and judge all of it.

        One person's webhooks keep their order from where they are accepted, so by then everything before has been
        worked on as well. A customer of no conversation yet has one by then.
        """
        await self.deliver(self.draft("end", int(time.time())))
        if self.held is None:
            await self.accepted()
        entries = await self.wait_for_entry("end")
        self._judge([entry for entry in entries if entry["direction"] == "inbound"])
        return entries

    async def wait_for_entry(self, word: str) -> list[Entry]:
        """Return the thread once the message stands on it."""
        async for found in self.looks(SETTLED_S):
            if any(self._word(entry) == word for entry in found):
                return found
        raise StuckError(f"{word!r} never came onto the thread")

    async def looks(self, for_s: float) -> AsyncIterator[list[Entry]]:
        """Yield the thread again and again for a while, ever less often: whoever looks must not be what is slow."""
        deadline, pause_s = time.monotonic() + for_s, FIRST_LOOK_S
        while time.monotonic() < deadline:
            yield await self.thread()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LAST_LOOK_S)

    async def thread(self) -> list[Entry]:
        """Return the customer's whole thread as the agent who has it may read it, oldest first."""
        if self.held is None:
            raise StuckError("nobody has the conversation")
        token = self.site.token(self.held.agent.name)
        found: list[Entry] = []
        before = ""
        while True:
            path = f"/threads/{self.held.customer}?limit={PAGE}&conversation={self.held.conversation}{before}"
            answer = await asyncio.to_thread(self.site.client.get, path, token)
            if answer.status != 200:
                raise StuckError(f"the thread was answered {answer.status}")
            page = answer.json()
            found = [*page["entries"], *found]
            if page["before"] is None:
                return found
            before = f"&before={page['before']}"

    async def close(self) -> None:
        """Let the agent go."""
        if self.held is not None:
            await self.held.close()

    def _judge(self, entries: Sequence[Entry]) -> None:
        tally = self.site.tally
        messages = [entry for entry in entries if entry["kind"] in MESSAGES]
        found = Counter(self._word(entry) for entry in messages if not entry.get("deleted"))
        standing = {word: said for word, said in self.said.items() if said.text is not None}
        tally.messages += len(self.said)
        tally.entries += sum(count for word, count in found.items() if word in self.said)
        if lost := [word for word in standing if not found[word]]:
            tally.lost += len(lost)
            self.broke(f"lost {', '.join(lost[:5])}")
        if doubled := [word for word in standing if found[word] > 1]:
            tally.doubled += len(doubled)
            self.broke(f"doubled {', '.join(doubled[:5])}")
        self._judge_taken_back(messages)
        self._judge_words(messages, standing)
        self._judge_order([self._word(entry) for entry in messages], standing)
        if len(self.floor.opened.get(self.mark, ())) > 1:
            tally.doubled += 1
            self.broke("the customer has several conversations")

    def _judge_taken_back(self, messages: Sequence[Entry]) -> None:
        gone = sum(said.text is None for said in self.said.values())
        withheld = [entry for entry in messages if entry.get("deleted")]
        self.site.tally.entries += len(withheld)
        if len(withheld) != gone:
            self.broke(f"{gone} messages were taken back, {len(withheld)} are withheld")

    def _judge_words(self, messages: Sequence[Entry], standing: dict[str, Said]) -> None:
        for entry in messages:
            said = standing.get(self._word(entry))
            # Odd characters may be replaced, so only words that were changed are held to be exact.
            if said and said.text and "edited_at" in entry and entry["text"] != said.text:
                self.broke(f"the last words were {said.text!r}, and {entry['text']!r} stands there")

    def _judge_order(self, order: Sequence[str], standing: dict[str, Said]) -> None:
        told = [word for word in order if word in standing]
        right = sorted(told, key=lambda word: standing[word].at_ms)
        if self.talk.tells_time and told != right:
            self.broke(f"stands as {' '.join(told[:12])}, was said as {' '.join(right[:12])}")

    def _word(self, entry: Entry) -> str:
        mark, _, rest = (entry.get("text") or "").partition(" ")
        return rest.partition(" ")[0] if mark == self.mark else ""


Attack = Callable[[Case], Awaitable[None]]


async def attacked(case: Case, attack: Attack) -> None:
    """Run one attack and judge it; what never came counts as stuck."""
    try:
        await attack(case)
        await case.close()
    except (StuckError, StayedAwayError) as problem:
        case.site.tally.stuck += 1
        case.broke(str(problem))
    except RefusedFrameError as refusal:
        case.broke(f"an agent was refused: {refusal}")
    except HTTPError as problem:
        case.broke(f"no answer: {problem}")
