"""Visitors of web chat on a day: tabs that open, reload and shut, what they say, and what they have to be shown."""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from tests.chaos._race_floor import TWICE, RaceFloor
from tests.chaos._race_people import timed_id, visitor
from tests.chaos._race_worker import Job
from tests.promises import Breaches, Standing
from throughline.domain.conversations import Direction, Entry
from throughline.domain.identifiers import digest
from throughline.domain.messages import DeliveryStatus
from throughline.domain.visitors import SHOWN_STATUSES

LOST, DOUBLED = "lost: ", "doubled: "
TABS = 2
EVERYWHERE = 0.25  # the chance that a message is said by all tabs at once
ONCE_MORE = 0.15  # … that an earlier one is said again behind it, as by a page that never heard its ack
KEPT = 0.5  # … that what a tab has shown outlives its socket: it connects again, and was not reloaded
ARRIVED = frozenset({DeliveryStatus.DELIVERED, DeliveryStatus.READ})


@dataclass(slots=True, eq=False)
class Tab:
    """A page. `known` is what it was shown over the sockets it had before; `greeted`: its hello was answered."""

    connection: str
    known: frozenset[str] = frozenset()
    greeted: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class Visitor:
    """One of them. `said` has the frames that say each message, by its id; `received` those that tell what arrived."""

    name: str
    way: str
    home: str
    tabs: list[Tab] = field(default_factory=list)
    said: dict[str, list[Job]] = field(default_factory=dict)
    received: list[tuple[Job, Sequence[str]]] = field(default_factory=list)

    def tab_of(self, connection: str) -> Tab | None:
        """Return the tab that is open over a connection."""
        return next((tab for tab in self.tabs if tab.connection == connection), None)


class Visitors:
    """All of them, and what they are answered. `later` is given what somebody does when they get round to it."""

    def __init__(self, floor: RaceFloor, count: int, seed: str, later: Callable[[Callable[[], None]], None]) -> None:
        self._floor = floor
        self._draws = random.Random(f"{seed}/visitors")
        self._later = later
        self._visitors = {each.name: each for each in (self._visitor() for _ in range(count))}
        self._replies: list[tuple[Job, str]] = []  # the frame, and the digest of its entry

    def _visitor(self) -> Visitor:
        known = visitor(f"visitor:{self._draws.getrandbits(128):032x}")
        return Visitor(name=str(known.identifier), way=known.way, home=known.home)

    @property
    def homes(self) -> Collection[str]:
        """Return where they are found, in the order of the seed."""
        return [each.home for each in self._visitors.values()]

    # ------------------------------------------------------------ what they do

    def steps(self) -> list[Callable[[], None]]:
        """Return what they do by themselves, each several times."""
        doings = {self._open: 2, self._write: 3, self._reload: 2, self._leave: 1}
        everybody = self._visitors.values()
        return [partial(do, each) for each in everybody for do, times in doings.items() for _ in range(times)]

    def come_back(self) -> None:
        """Have everybody open a tab who has none, and say again what nobody acknowledged."""
        for each in self._visitors.values():
            self._say_again(each) if each.tabs else self._open(each)

    def _open(self, each: Visitor) -> None:
        if len(each.tabs) < TABS:
            self._connect(each)

    def _connect(self, each: Visitor, known: frozenset[str] = frozenset()) -> None:
        opening = self._floor.connects(each.name)
        each.tabs.append(Tab(opening.connection, known))
        self._floor.hand(opening)

    def _reload(self, each: Visitor) -> None:
        """Shut a tab's socket and open the next one; its end is told before that, beside the hello or long after it."""
        place, kept, told = self._draws.random(), self._draws.random() < KEPT, self._draws.choice(["first", "", "late"])
        if not each.tabs:
            return
        old = each.tabs.pop(int(place * len(each.tabs)))
        end = partial(self._floor.hang_up, old.connection, twice=TWICE)
        if told == "first":
            end()
        self._connect(each, self._shown_in(old) if kept else frozenset())
        if told == "late":
            self._later(end)
        elif not told:
            end()

    def _leave(self, each: Visitor) -> None:
        for tab in each.tabs:
            self._floor.hang_up(tab.connection, twice=TWICE)
        each.tabs.clear()

    def _write(self, each: Visitor) -> None:
        """Say something new, by one tab or by all; where none is greeted, as soon as one is."""
        message_id, everywhere = self._message_id(self._draws), self._draws.random() < EVERYWHERE
        earlier, once_more = self._draws.choice([*each.said, ""]), self._draws.random() < ONCE_MORE
        each.said[message_id] = []
        self._floor.tally["messages"] += 1
        if not each.tabs:
            self._open(each)
        self._send(each, message_id, tabs=TABS if everywhere else 1)
        if earlier and once_more:
            self._send(each, earlier)

    def _send(self, each: Visitor, message_id: str, *, tabs: int = 1) -> None:
        text = f"message {[*each.said].index(message_id)}"
        for tab in [tab for tab in each.tabs if tab.greeted][-tabs:]:
            frame = self._say(tab.connection, "message.send", message_id=message_id, text=text)
            each.said[message_id].append(frame)

    def _say_again(self, each: Visitor) -> None:
        """Say what was said by nobody yet, or by tabs that shut before it was answered."""
        for message_id, frames in each.said.items():
            if not any(self._floor.answer_to(frame) or each.tab_of(frame.connection) for frame in frames):
                self._send(each, message_id)

    def _say(self, connection: str, action: str, **fields: Any) -> Job:
        frame = self._floor.says(connection, action, **fields)
        self._floor.deliver(frame, twice=TWICE)
        return frame

    def _message_id(self, draws: random.Random) -> str:
        """Return the id of another message, with a time in it or, as often, without."""
        number = draws.getrandbits(62)
        return timed_id(self._floor, number) if number % 2 else str(UUID(int=number, version=4))

    # ------------------------------------------------------------ what they hear

    def done(self, job: Job) -> None:
        """Have a socket that is open say hello; a page that was shown something before has the rest brought."""
        each = self._visitors.get(job.agent)
        tab = each and each.tab_of(job.connection)
        if tab:
            self._say(tab.connection, "hello", **({"resume": max(tab.known)} if tab.known else {}))

    def hear(self, connection: str, frame: Mapping[str, Any]) -> None:
        """Take what is posted to a tab."""
        each = self._visitors[connection.rpartition("-")[0]]
        tab = each.tab_of(connection)
        if tab is None:
            return
        match frame["event"]:
            case "snapshot":
                tab.greeted = True
                self._say_again(each)
                self._see(each, connection, frame["entries"])
            case "message":
                self._see(each, connection, [frame["entry"]])
            case "error":
                self._floor.breaks(f"{connection} was answered {frame}", connection)

    def _see(self, each: Visitor, connection: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Tell, sooner or later, that replies have arrived."""
        if fresh := [str(entry["id"]) for entry in entries if entry.get("status") == DeliveryStatus.SENT]:
            self._later(lambda: self._tell_received(each, connection, fresh))

    def _tell_received(self, each: Visitor, connection: str, entries: Sequence[str]) -> None:
        if each.tab_of(connection):
            each.received.append((self._say(connection, "received", entries=entries), entries))

    # ------------------------------------------------------------ what they are answered

    def answer(self, agent: str, screen: str, conversation: str) -> None:
        """Have an agent answer one of them by a screen."""
        message_id = self._message_id(random.Random(f"{agent}/{len(self._replies)}"))
        text = f"reply {message_id}"
        frame = self._say(screen, "message.send", conversation=conversation, message_id=message_id, text=text)
        self._replies.append((frame, digest(f"agent/{agent}", message_id)))

    # ------------------------------------------------------------ what must hold

    def taken(self) -> set[str]:
        """Return the digests of the messages that were acknowledged."""
        return {
            digest(each.way.partition("|")[0], f"{each.name}/{message_id}")
            for each in self._visitors.values()
            for message_id, frames in each.said.items()
            if any(self._is_acked(frame) for frame in frames)
        }

    def breaches(self, standing: Standing) -> Breaches:
        """Tell what does not hold while all is at rest, beyond what is promised of every message."""
        threads: dict[str, list[Entry]] = defaultdict(list)
        for entry in standing.entries:
            threads[entry.home].append(entry)
        for each in self._visitors.values():
            yield from self._of_screens(each, {str(entry.entry_id) for entry in threads[each.home]})
            yield from _of_conversations(each, standing, wanted=min(1, len(threads[each.home])))
            yield from self._of_replies(each, threads[each.home])
        found = Counter(entry.digest for entry in standing.entries)
        for frame, name in self._replies:
            if self._is_acked(frame) and found[name] != 1:
                yield f"{DOUBLED if found[name] else LOST}the reply {name} is {found[name]} entries"

    def _is_acked(self, frame: Job) -> bool:
        return self._floor.answer_to(frame).get("event") == "ack"

    def _shown_in(self, tab: Tab) -> frozenset[str]:
        return tab.known | self._floor.shown.get(tab.connection, set())

    def _of_screens(self, each: Visitor, thread: set[str]) -> Breaches:
        for tab in each.tabs:
            if not tab.greeted:
                yield f"the open tab {tab.connection} was never greeted"
            for entry in thread - self._shown_in(tab):
                yield f"{LOST}the open tab {tab.connection} was never shown {entry}"
        for connection, shown in self._floor.shown.items():
            if connection.startswith(f"{each.name}-"):
                yield from (f"the tab {connection} was shown {entry}, which is not theirs" for entry in shown - thread)

    def _of_replies(self, each: Visitor, thread: Sequence[Entry]) -> Breaches:
        told = {entry for frame, entries in each.received if self._is_acked(frame) for entry in entries}
        for entry in thread:
            wanted = ARRIVED if entry.entry_id in told else SHOWN_STATUSES
            if entry.direction is Direction.OUTBOUND and entry.status not in wanted:
                yield f"{LOST}the reply {entry.entry_id} is {entry.status}"


def _of_conversations(each: Visitor, standing: Standing, *, wanted: int) -> Breaches:
    found = [head.conversation for head in standing.lives if each.way in head.vias]
    if len(found) != wanted:
        yield f"{DOUBLED if found else LOST}{each.name} has {len(found)} conversations {' '.join(found)}"
