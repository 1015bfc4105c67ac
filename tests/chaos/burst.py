"""Fifty times the normal traffic, with customers and accounts that flood: nobody is lost, nobody starves.

Everything goes over HTTP and real sockets into a stack of its own. Who had to wait for whom is counted in the engine's
redo log, which has every change in its order.
"""

import asyncio
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

from infra.local.centre import Account, Centre, read_centre
from infra.local.client import StackClient
from infra.local.stack_process import StackProcess
from infra.local.webhooks import Sender
from tests.chaos._burst_history import History, Job
from tests.chaos._burst_people import Desk, Providers, staffed
from tests.chaos.options import Options
from tests.chaos.tally import Tally
from throughline.channels import WEBHOOK_CHANNELS

CENTRE_FILE = Path(__file__).with_name("burst.yaml")
NORMAL_PER_S = 0.5
FACTOR = 50
AT_ONCE = 24
LOOK_S = 0.5
LOOKS_IN_VAIN = 180  # longer than a failed record stays hidden, and than a busy machine takes for one step
KEEP_EVERYTHING = str(10**12)
FLOOD = "flood"
OF_ONE = f"{FLOOD} of one"
MOST_SHARE = 0.8
MOST_OVERTAKEN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How many seconds of each rate, and how many messages of each customer who floods; flooded accounts have senders.

    Where the provider repeats what was refused a flood is smaller: it comes again every ten seconds.
    """

    normal_s: int
    burst_s: int
    of_one: Mapping[str, int]
    of_account: Mapping[str, tuple[int, int]]  # senders, and messages of each


SHORT = Plan(
    normal_s=6,
    burst_s=3,
    of_one={"twilio_sms/shop": 60, "whatsapp/shop": 16},
    of_account={"twilio_sms/flooded": (12, 8), "telegram/flooded": (12, 2)},
)
LONG = Plan(
    normal_s=20,
    burst_s=15,
    of_one={"twilio_sms/shop": 300, "whatsapp/shop": 40},
    of_account={"twilio_sms/flooded": (60, 8), "telegram/flooded": (30, 3)},
)


def run(options: Options) -> Tally:
    """Play it and hold what happened against the promises."""
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        settings = {
            "CONFIG": str(CENTRE_FILE),
            "ENGINE_REWRITE_AFTER_BYTES": KEEP_EVERYTHING,
            "RECEIPTS_PACE_MS": "0",
            "LOCAL_LOG_LEVEL": "ERROR",
            "QUEUE_POLLERS": "6",
        }
        with StackProcess(state_dir, settings) as stack:
            scene = _Scene(stack.client(), History(state_dir / "engine/redo.log"), options)
            asyncio.run(scene.play(SHORT if options.short else LONG))
            return scene.judge()


class _Scene:
    """The customers, the providers, the agents, and what became of it all."""

    def __init__(self, stack: StackClient, history: History, options: Options) -> None:
        self._stack = stack
        self._history = history
        self._centre: Centre = read_centre(CENTRE_FILE)
        self._chance = options.draws("burst")
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._providers = Providers(stack, self._pool)
        self._desks: list[Desk] = []
        self._texts: set[str] = set()
        self._lines: list[Sequence[str]] = []
        self._sent: list[str] = []

    # ------------------------------------------------------------ what is played

    async def play(self, plan: Plan) -> None:
        """Let a normal time go by, then the burst with both floods in it, and wait until everything is done."""
        agents = [agent.agent_id for agent in self._centre.agents]
        async with staffed(self._stack, agents) as self._desks:
            await asyncio.gather(*self._arrive("normal", NORMAL_PER_S, plan.normal_s))
            floods = [self._flood_of_one(account, times) for account, times in plan.of_one.items()]
            floods += [self._flood_of_account(account, *counts) for account, counts in plan.of_account.items()]
            await asyncio.gather(*chain(*floods), *self._arrive("burst", NORMAL_PER_S * FACTOR, plan.burst_s))
            await self._settle()
        self._sent = [record["message"]["text"] for record in self._stack.sent() if record.get("message")]
        self._pool.shutdown()

    def _arrive(self, kind: str, per_s: float, seconds: int) -> Iterator[Any]:
        """Yield customers who each write once, evenly over so many seconds, on all channels."""
        shops = [account for account in self._centre.accounts if account.name == "shop"]
        for number in range(round(per_s * seconds)):
            account = self._chance.choice(shops)
            yield self._write(account, number, [f"{kind} {number}"], after_s=number / per_s)

    def _flood_of_one(self, account: str, times: int) -> Iterator[Any]:
        """Yield a customer who sends many messages at once, among all the others of the shop."""
        for number in range(times):
            yield self._write(self._account(account), -1, [f"{OF_ONE} on {account}, {number}"])

    def _flood_of_account(self, account: str, senders: int, times: int) -> Iterator[Any]:
        """Yield many customers of one account who begin at once and write on and on."""
        for number in range(senders):
            texts = [f"{FLOOD} of {account}, {number}, {part}" for part in range(times)]
            yield self._write(self._account(account), 100_000 + number, texts)

    async def _write(self, account: Account, number: int, texts: Sequence[str], *, after_s: float = 0) -> None:
        self._texts.update(texts)
        self._lines.append(texts)
        await asyncio.sleep(after_s)
        await self._providers.deliver(account, _sender(account.channel, number), *texts)

    def _account(self, name: str) -> Account:
        return next(account for account in self._centre.accounts if f"{account.channel}/{account.name}" == name)

    async def _settle(self) -> None:
        """Return when everything is done, or nothing more gets done."""
        fewest, in_vain = len(self._texts) * 10, 0
        while in_vain < LOOKS_IN_VAIN:
            self._history.read_on()
            left = len(list(self._history.unfinished()))
            if not left:
                return
            fewest, in_vain = (left, 0) if left < fewest else (fewest, in_vain + 1)
            await asyncio.sleep(LOOK_S)

    # ------------------------------------------------------------ what came of it

    def judge(self) -> Tally:
        """Count what is lost, doubled or stuck, and hold against one another who waited for whom."""
        history, answered = self._history, [text for desk in self._desks for text in desk.answered]
        tally = Tally(
            points=self._providers.posts,
            faults=sum(text.startswith(FLOOD) for text in self._texts),
            messages=len(self._providers.taken),
            entries=sum(len(history.entries[text]) for text in self._providers.taken),
            offers=len(history.offers),
            sends=len(self._sent),
            lost=sum(not history.entries[text] for text in self._providers.taken),
            doubled=sum(len(keys) - 1 for keys in history.entries.values() if keys),
            over_capacity=len(history.over_capacity),
            broken=[*self._providers.broken, *(word for desk in self._desks for word in desk.broken)],
        )
        tally.lost += len(set(answered) - set(self._sent))
        tally.doubled += len(self._sent) - len(set(self._sent))
        unfinished = list(history.unfinished())
        tally.stuck = len(unfinished) + history.dead
        tally.broken += unfinished[:5] + sorted(history.over_capacity)[:5]
        tally.broken += [*self._refusals(), *self._order(), *self._shares(), *self._ages()]
        return tally

    def _refusals(self) -> Iterator[str]:
        refused = self._providers.refused
        print(f"  answered 429 and delivered again: {dict(sorted(refused.items()))}", flush=True)
        if not refused:
            yield "the floods never met a limit: nothing was refused"
        for name in refused:
            if not WEBHOOK_CHANNELS[name.partition("/")[0]].retries_refused_webhooks:
                yield f"{name} was refused, and its provider does not repeat"

    def _order(self) -> Iterator[str]:
        """Say whose messages do not stand on their thread in the order in which they were written."""
        for texts in self._lines:
            places = [min(keys) for text in texts if (keys := self._history.entries[text])]
            if places != sorted(places):
                yield f"the messages of {texts[0]!r} stand in another order"

    def _shares(self) -> Iterator[str]:
        jobs = [job for job in self._history.jobs.values() if job.handled is not None]
        again = sum(job.received > 1 for job in jobs)
        print(f"  {len(jobs)} messages handled, {again} of them after a worker had failed", flush=True)
        excess = excess_of(jobs)
        waits = {
            kind: [wait_of(job, jobs, excess) for job in jobs if job.received == 1 and job.text.startswith(kind)]
            for kind in ("normal", "burst")
        }
        for kind, found in waits.items():
            print(f"  {kind}: {told(found)}", flush=True)
        let_pass = sum(wait.excess_passed for wait in waits["burst"])
        before = sum(wait.excess_before for wait in waits["burst"])
        if not before:
            yield "nothing was over a limit before anybody: no share was measured"
        elif let_pass > before * MOST_SHARE:
            yield f"{let_pass} of the {before} messages over a limit that others found waiting were served before them"
        worst = max(wait.overtaken for wait in waits["burst"])
        if worst > MOST_OVERTAKEN:
            yield f"a message was overtaken by {worst} later ones of others"

    def _ages(self) -> Iterator[str]:
        contacts = [contact for contact in self._history.contacts.values() if contact.offered]
        overtaken = [
            sum(
                contact.queued < other.offered[0] < contact.offered[0] and other.score > contact.score
                for other in contacts
            )
            for contact in contacts
        ]
        print(
            f"  {len(contacts)} contacts offered; overtaken by younger ones: {mean(overtaken):.2f} on average, "
            f"{max(overtaken)} at most",
            flush=True,
        )
        if max(overtaken) > MOST_OVERTAKEN:
            yield f"a contact was overtaken by {max(overtaken)} younger ones"


def _sender(channel: str, number: int) -> Sender:
    return Sender(
        number=str(5_000_001 + number) if channel == "telegram" else f"+1415{5_000_001 + number}", name="Noor"
    )


# ---------------------------------------------------------------- who waited for whom


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What happened between the arrival of a message and its handling.

    Of the excess (what is over a limit, and all of the customer who floods), `excess_before` were in the queue when
    it came, and `excess_passed` were handled before it. `overtaken` counts the others that came later and were, too.
    """

    excess_before: int
    excess_passed: int
    overtaken: int


def wait_of(job: Job, jobs: Sequence[Job], excess: Collection[int]) -> Wait:
    """Return what a message that was handled had to wait for; `excess` has the arrivals that are."""
    passed = [other for other in jobs if job.arrived < _handled(other) < _handled(job)]
    return Wait(
        excess_before=sum(other.arrived < job.arrived < _handled(other) for other in jobs if other.arrived in excess),
        excess_passed=sum(other.arrived in excess for other in passed),
        overtaken=sum(other.arrived > job.arrived and other.arrived not in excess for other in passed),
    )


def excess_of(jobs: Iterable[Job]) -> set[int]:
    """Return the arrivals of what is in the lanes of an account or the home of the one who floods."""
    homes = {job.group for job in jobs if job.text.startswith(OF_ONE)}
    return {job.arrived for job in jobs if job.group in homes or "." in job.group}


def _handled(job: Job) -> int:
    assert job.handled is not None
    return job.handled


def told(waits: Sequence[Wait]) -> str:
    """Return waits in a sentence."""
    if not waits:
        return "none"
    passed, before = [wait.excess_passed for wait in waits], [wait.excess_before for wait in waits]
    return (
        f"{len(waits)} messages; let pass {mean(passed):.1f} of the excess, at most {max(passed)}; "
        f"found {mean(before):.1f} of it waiting, at most {max(before)}; "
        f"overtaken by at most {max(wait.overtaken for wait in waits)} of others"
    )
