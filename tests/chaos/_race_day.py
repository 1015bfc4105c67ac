"""A day with many contacts, visitors and agents: everything happens to everybody, in an order that is drawn."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.chaos._race_floor import TWICE, RaceFloor
from tests.chaos._race_mishaps import NOTHING, Chances
from tests.chaos._race_people import ACCOUNTS, QUEUES, available_at, home, message, profile
from tests.chaos._race_visitors import DOUBLED, LOST, Visitors
from tests.chaos._race_worker import Job
from tests.promises import Standing, breaches
from throughline.domain.configuration import AgentProfile
from throughline.domain.conversations import ContactState, Direction
from throughline.domain.frames import iso
from throughline.domain.identifiers import AgentId, digest

MISHAPS = Chances(killed=0.0004, lost=0.008, conflict=0.015, throttled=0.008, away=0.0015, slow=0.02)
REACTION = 0.75  # the chance that somebody reacts before the next thing happens
ANSWERED = 0.6  # … that a visitor is answered, each time there is something to answer
SECOND_LOOK_S = 16
LONG_TURN = 12  # a contact that has changed hands so often is closed by whoever gets it
MAX_CYCLES = 60
MAX_TIMERS = 3000
MAX_BROKEN = 6
VISITOR = "visitor"
SKILLS: tuple[Mapping[str, int], ...] = (
    {"en": 3},
    {"en": 5, "id": 3},
    {"en": 1, "sales": 3},
    {"id": 3},
    {"en": 2, "id": 4, "sales": 2},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How big a day is. `stills` is how often everything comes to rest and is looked at."""

    contacts: int
    visitors: int
    agents: int
    stills: int


@dataclass(slots=True)
class Desk:
    """An agent at work, with what their screen shows."""

    agent: str
    connection: str | None = None
    offers: set[str] = field(default_factory=set)
    conversations: dict[str, str] = field(default_factory=dict)


def profiles(size: Size, draws: random.Random) -> list[AgentProfile]:
    """Return the agents: every skill set, and somebody for every class of work."""
    return [
        profile(
            f"a{number:02d}",
            skills=SKILLS[number % len(SKILLS)],
            chat=draws.randint(1, 4),
            voice=number % 2,
            email=number % 3,
        )
        for number in range(size.agents)
    ]


class Day:
    """Everybody of one day, and what is still to happen."""

    def __init__(self, floor: RaceFloor, size: Size, seed: str) -> None:
        self.floor = floor
        self.size = size
        self._seed = seed
        self._draws = random.Random(seed)
        self._desks = {f"a{number:02d}": Desk(f"a{number:02d}") for number in range(size.agents)}
        self.floor.tally["points"] += size.contacts + size.visitors
        self._visitors = Visitors(floor, size.visitors, seed, self._later)
        self._numbers = {str(home(self._sender(number))): str(number) for number in range(size.contacts)}
        self._numbers |= {where: f"{VISITOR} {number}" for number, where in enumerate(self._visitors.homes)}
        self._reactions: list[Callable[[], None]] = []
        self._sent: set[str] = set()
        self._closing = False
        self._entries = self._sends = 0
        self._over: set[str] = set()
        floor.on_frame = self._hear
        floor.on_done = self._done
        floor.on_record = partial(floor.deliver, twice=TWICE)

    def run(self) -> None:
        """Let the day pass, and see to it that nobody is left over at its end."""
        self.floor.crew.chances = MISHAPS
        for desk in self._desks.values():
            self._connect(desk)
        steps = self._script()
        for number, step in enumerate(steps, start=1):
            while self.floor.pending or not self.floor.crew.free:
                self.floor.go_on(twice=TWICE)
            step()
            while self._reactions and self._draws.random() < REACTION:
                self._react()
            if number % max(1, len(steps) // self.size.stills) == 0 and not self._is_hopeless():
                self._stand_still()
        self._work_off()

    def _is_hopeless(self) -> bool:
        return len(self.floor.broken) >= MAX_BROKEN

    # ------------------------------------------------------------ what happens

    def _script(self) -> list[Callable[[], None]]:
        """Return what happens by itself, in the order of the seed; people's reactions come in between."""
        contacts, desks, draws = range(self.size.contacts), [*self._desks.values()], self._draws
        steps = self._visitors.steps()
        steps += [partial(self._write, number) for number in contacts]
        steps += [partial(self._write, draws.choice(contacts)) for _ in contacts[::2]]
        steps += [partial(self._leave, desk) for desk in desks * 2]
        steps += [partial(self._connect, desk) for desk in desks * 3]
        for presence in ("available", "available", "not_ready", "offline"):
            steps += [partial(self._declare, desk, presence) for desk in desks]
        steps += [partial(self.floor.skip, draws.choice([1, 3, 8, 21])) for _ in contacts[::3]]
        draws.shuffle(steps)
        return steps

    def _sender(self, number: int) -> str:
        return f"tel:+1{self._seed_digits()}{number:04d}"

    def _seed_digits(self) -> str:
        return f"{int(digest(self._seed), 16) % 10**6:06d}"

    def _write(self, number: int) -> None:
        own = random.Random(f"{self._seed}/{number}/{len(self._sent)}")
        account = ACCOUNTS[number % len(ACCOUNTS)]
        event = message(self.floor, f"{account.channel}/{account.address}", self._sender(number))
        self._sent.add(digest(event.account, event.provider_id))
        self.floor.tally["messages"] += 1
        self.floor.deliver(self.floor.message(event), twice=TWICE)
        if own.random() < 0.1:  # the provider delivers it once more
            self.floor.deliver(self.floor.message(event), twice=TWICE)

    def _connect(self, desk: Desk) -> None:
        """Open a screen; the one before is shut at the same time, so that hello and end come in either order."""
        old, job = desk.connection, self.floor.connects(desk.agent)
        desk.connection = job.connection
        self.floor.hand(job)
        if old:
            self.floor.hang_up(old, twice=TWICE)

    def _leave(self, desk: Desk) -> None:
        if desk.connection:
            self.floor.hang_up(desk.connection, twice=TWICE)
            desk.connection = None
            desk.offers.clear()
            desk.conversations.clear()

    def _declare(self, desk: Desk, presence: str) -> None:
        self._say(desk, "presence.set", presence=presence)

    def _say(self, desk: Desk, action: str, **fields: Any) -> None:
        if desk.connection:
            self.floor.deliver(self.floor.says(desk.connection, action, **fields), twice=TWICE)

    def _done(self, job: Job) -> None:
        """A socket that is open says hello, and its agent mostly wants work."""
        self._visitors.done(job)
        desk = self._desks.get(job.agent)
        if job.kind == "connect" and desk and desk.connection == job.connection:
            self._say(desk, "hello")
            if self._closing or self._own(job.agent, str(job.number)).random() < 0.8:
                self.floor.deliver(available_at(self.floor, job.connection), twice=TWICE)

    # ------------------------------------------------------------ what people see, and do about it

    def _hear(self, connection: str, frame: Mapping[str, Any]) -> None:
        desk = self._desks.get(connection.rpartition("-")[0])
        if desk is None:
            self._visitors.hear(connection, frame)
        elif desk.connection == connection:
            self._look(desk, frame)

    def _look(self, desk: Desk, frame: Mapping[str, Any]) -> None:
        match frame.get("event"):
            case "offer":
                self._be_offered(desk, str(frame["offer"]))
            case "offer.ended":
                desk.offers.discard(str(frame["offer"]))
            case "conversation":
                self._see(desk, frame)
            case "ack" if isinstance(frame.get("conversation"), Mapping):
                self._see(desk, {"holder": desk.agent, **frame["conversation"]})
            case "message" if frame["entry"]["direction"] == Direction.INBOUND:
                self._later(lambda: self._perhaps_answer(desk, str(frame["conversation"]), frame["entry"]["text"]))
            case "snapshot":
                for offer in frame["offers"]:
                    self._be_offered(desk, str(offer["offer"]))
                for conversation in frame["conversations"]:
                    self._see(desk, conversation)
            case "error" if frame["code"] == "internal":
                self.floor.breaks(f"{desk.agent} was answered {frame}", desk.agent)

    def _own(self, *names: str) -> random.Random:
        """Return the chance of one decision: the same for a seed, whenever it is taken."""
        return random.Random("/".join((self._seed, *names)))

    def _number(self, conversation: str) -> str:
        """Return the number of the customer, who is the same in every run of a seed; the conversation's id is not."""
        return self._numbers[conversation.partition(".")[0]]

    def _be_offered(self, desk: Desk, offer: str) -> None:
        if offer in desk.offers:
            return
        desk.offers.add(offer)
        conversation, _, turn = offer.rpartition(".")
        draw = self._own("offer", self._number(conversation), turn).random()
        if draw < 0.75 or self._closing:
            self._later(lambda: self._say(desk, "offer.accept", offer=offer))
        elif draw < 0.87:
            self._later(lambda: self._say(desk, "offer.reject", offer=offer, reason="busy"))
        elif draw < 0.93:
            self._later(lambda: self._accept_late(desk, offer))
        # Else nobody is looking, until the offer runs out.

    def _accept_late(self, desk: Desk, offer: str) -> None:
        self.floor.skip(self._draws.choice([15, 19.9, 20.1]))
        self._say(desk, "offer.accept", offer=offer)

    def _see(self, desk: Desk, conversation: Mapping[str, Any]) -> None:
        name, state = str(conversation["conversation"]), str(conversation["state"])
        known = desk.conversations.get(name)
        if conversation.get("holder") != desk.agent or state == ContactState.RESOLVED:
            desk.conversations.pop(name, None)
        elif known != state or self._closing:
            desk.conversations[name] = state
            turn = int(conversation.get("turn", 0))
            self._later(lambda: self._handle(desk, name, state, turn))

    def _handle(self, desk: Desk, conversation: str, state: str, turn: int) -> None:
        if state == ContactState.PAUSED:
            return
        self._perhaps_answer(desk, conversation, str(turn))
        own = self._own("contact", self._number(conversation), str(turn), state)
        draw = 0.0 if self._closing or turn > LONG_TURN else own.random()
        if draw < 0.55 or state == ContactState.WRAPPING:
            self._say(desk, "conversation.close", conversation=conversation)
        elif draw < 0.65:
            self._say(desk, "conversation.wrap_up", conversation=conversation)
        elif draw < 0.75:
            self._say(desk, "conversation.transfer", conversation=conversation, to={"queue": own.choice([*QUEUES])})
        elif draw < 0.85:
            colleague = own.choice([*self._desks])
            self._say(desk, "conversation.transfer", conversation=conversation, to={"agent": colleague})
        elif draw < 0.95:
            until = iso(self.floor.now_ms + own.choice([5_000, 60_000]))
            self._say(desk, "conversation.pause", conversation=conversation, until=until)
        # Else they keep it until the evening.

    def _perhaps_answer(self, desk: Desk, conversation: str, *about: str) -> None:
        """Answer a visitor, to whom a reply is brought here and not by a provider."""
        active = desk.connection and desk.conversations.get(conversation) == ContactState.ACTIVE
        who = self._number(conversation)
        if active and who.startswith(VISITOR) and self._own("answer", who, *about).random() < ANSWERED:
            self._visitors.answer(desk.agent, str(desk.connection), conversation)

    def _later(self, reaction: Callable[[], None]) -> None:
        self._reactions.append(reaction)

    def _react(self) -> None:
        self._reactions.pop(self._draws.randrange(len(self._reactions)))()

    # ------------------------------------------------------------ what must hold

    def _stand_still(self) -> Standing:
        """Let everything that is under way come to its end, while nobody does anything new, and look."""
        self.floor.settle()
        while any(work["kind"] == "place" for _, _, work in self.floor.armed):
            self.floor.skip(SECOND_LOOK_S)  # those who knew of one another for the first time meet
            self.floor.settle()
        standing = self.floor.standing()
        for promise, sentences in breaches(standing).items():
            self._blame(promise, sentences)
        self._blame("visitors", [*self._visitors.breaches(standing)])
        self._count_entries(standing)
        return standing

    def _blame(self, promise: str, sentences: list[str]) -> None:
        self.floor.tally["stuck"] += promise == "nobody_waits_while_an_able_agent_is_free"
        for sentence in sentences:
            if sentence not in self._over and not self._is_hopeless():
                self._over.add(sentence)
                self.floor.tally["lost"] += sentence.startswith(LOST)
                self.floor.tally["doubled"] += sentence.startswith(DOUBLED)
                words = sentence.replace(",", " ").split()
                named = [word for word in words if word.startswith(("h-", "visitor:")) or word in self._desks]
                self.floor.breaks(f"{promise}: {sentence}", *named[:2])

    def _count_entries(self, standing: Standing) -> None:
        found = Counter(entry.digest for entry in standing.entries)
        self._entries = sum(found.values())
        self._sends = sum(entry.direction is Direction.OUTBOUND for entry in standing.entries)
        self._report("lost", (self._sent | self._visitors.taken()) - found.keys())
        self._report("doubled", {name for name, times in found.items() if times > 1})

    def _report(self, column: str, digests: set[str]) -> None:
        for name in digests - self._over:
            self._over.add(name)
            self.floor.tally[column] += 1
            self.floor.breaks(f"the message {name} is {column}", name)

    # ------------------------------------------------------------ the evening

    def _work_off(self) -> None:
        """Have everybody come, accept and close until nobody is left over. Whoever is, was forgotten."""
        self._closing = True
        self._visitors.come_back()
        self.floor.crew.chances = NOTHING
        for _ in range(MAX_CYCLES):
            self._finish()
            standing = self._stand_still()
            left = [head for head in standing.lives if head.state is not ContactState.RESOLVED]
            if not left or self._is_hopeless():
                break
            self._summon(standing)
            self.floor.skip_to_next_timer()
        for head in left:
            self.floor.tally["stuck"] += 1
            waiting_for = f"{head.state} for {head.requirement} ({head.work_class})"
            self.floor.breaks(f"{head.conversation} is left over: {waiting_for}", head.conversation)
        self._ring_out()

    def _finish(self) -> None:
        while self._reactions or not self.floor.is_still:
            while self._reactions:
                self._react()
            self.floor.go_on()

    def _summon(self, standing: Standing) -> None:
        """Call those who have gone, do not want work, or do not know what they have."""
        for desk in self._desks.values():
            agent = standing.agents[AgentId(desk.agent)]
            if desk.connection is None or desk.connection not in agent.sockets:
                self._connect(desk)
            elif not agent.routable:
                self._declare(desk, "available")
            elif agent.held.keys() - desk.conversations.keys() or desk.conversations:
                self._say(desk, "hello")

    def _ring_out(self) -> None:
        """Let every timer go off that is still armed: none of them changes anything any more."""
        for _ in range(MAX_TIMERS):
            if not self.floor.skip_to_next_timer():
                break
            self.floor.settle()
        self._stand_still()
        self.floor.tally.update(entries=self._entries, sends=self._sends)
