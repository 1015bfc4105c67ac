"""Two parties at the same instant, again and again, a little earlier or later each time."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.chaos._race_floor import HELD_WITHIN, RaceFloor
from tests.chaos._race_mishaps import NOTHING, Chances
from tests.chaos._race_people import (
    SMS,
    WHATSAPP,
    available_at,
    comes,
    message,
    profile,
    timed_id,
)
from tests.chaos._race_worker import Job
from tests.promises import breaches
from throughline.domain.frames import iso
from throughline.flows.assign import SECOND_LOOK_S

AGENTS = ("ada", "ben", "eva")
PROFILES = (
    profile("ada", skills={"en": 3}, chat=1),
    profile("ben", skills={"en": 3}, chat=1),
    profile("eva", skills={"en": 2, "sales": 3}, chat=2),
)
KNOWN = ("req#en.1", "req#sales.2", "req#@ben")
APART_S = 0.03
SLOW = Chances(slow=0.1)
ENOUGH = 5  # broken ones: the rest would tell the same


class Duel:
    """One round, between people of whom nobody was there before."""

    def __init__(self, floor: RaceFloor, number: int) -> None:
        self.floor = floor
        self.number = number
        self.messages = 0
        self._people = 0

    def at_once(self, *jobs: Job) -> None:
        """Have them begin at the same instant, but for some milliseconds of chance."""
        for job in jobs:
            job.apart_s = self.floor.draws.choice([0.0, self.floor.draws.random() * APART_S])
        self.floor.draws.choice(jobs).held_at = self.floor.draws.randint(0, HELD_WITHIN)
        self.floor.crew.chances = SLOW
        self.floor.now(*jobs)
        self.floor.crew.chances = NOTHING

    def written(self) -> Job:
        """Return the record of a stranger's first message."""
        self._people += 1
        return self._message(self._people)

    def write(self) -> None:
        """Have a stranger write."""
        self.floor.now(self.written())

    def again(self) -> Job:
        """Return the record of a further message of the first who wrote."""
        return self._message(1)

    def _message(self, person: int) -> Job:
        return self.message_by(SMS, f"tel:+1{self.number:06d}{person:03d}")

    def message_by(self, account: str, *senders: str) -> Job:
        """Return the record of a message by one or more identifiers of a person."""
        self.messages += 1
        return self.floor.message(message(self.floor, account, *senders))

    def offer(self) -> Mapping[str, Any]:
        """Return the work of the timer of the offer that is pending."""
        [work] = [work for _, _, work in self.floor.armed if work["kind"] == "offer_timeout"]
        return work

    def accept(self, connection: str) -> Job:
        """Return the frame that accepts it."""
        offer = self.offer()
        return self.floor.says(connection, "offer.accept", offer=f"{offer['conversation']}.{offer['turn']}")

    def accepted(self, connection: str) -> str:
        """Have it accepted, and return the conversation."""
        job = self.accept(connection)
        conversation = str(self.offer()["conversation"])
        self.floor.now(job)
        return conversation

    # ------------------------------------------------------------ a visitor of web chat

    def visits(self, *, hello: bool = True) -> str:
        """Have the visitor of this duel open a tab; return its connection."""
        opened = self.floor.connects(f"visitor:{self.number:032x}")
        self.floor.now(opened)
        if hello:
            self.floor.now(self.floor.says(opened.connection, "hello"))
        return opened.connection

    def said(self, connection: str, message_id: str | None = None) -> Job:
        """Return the frame of a visitor's message: a new one, unless it has an id already."""
        return self.floor.says(connection, "message.send", message_id=message_id or self.message_id(), text="hello")

    def message_id(self) -> str:
        """Return the id of another message, made now."""
        self.messages += 1
        return timed_id(self.floor, self.messages)

    def file(self) -> None:
        """Have done, one after the other, what stands on queues."""
        for record in self.floor.take_records():
            self.floor.now(record)

    def talks(self, screen: str) -> str:
        """Have the visitor write by a tab, and be taken by the agent at a screen; return the conversation."""
        self.floor.now(self.said(self.visits()))
        self.file()
        return self.accepted(screen)

    def must_show(self, *tabs: str) -> None:
        """See that these tabs know every entry there is, by a snapshot or by what was posted to them."""
        for tab in tabs:
            for entry in self.floor.standing().entries:
                if entry.entry_id not in self.floor.shown.get(tab, ()):
                    self.floor.tally["lost"] += 1
                    self.floor.breaks(f"the tab {tab} was never shown {entry.entry_id}", tab, entry.home)


Fight = Callable[[Duel], None]


def _free_and_arriving(duel: Duel) -> None:
    screen = comes(duel.floor, "ada", available=False)
    duel.at_once(available_at(duel.floor, screen), duel.written())


def _several_free_and_several_arriving(duel: Duel) -> None:
    screens = [comes(duel.floor, agent, available=False) for agent in ("ada", "ben")]
    duel.at_once(*(available_at(duel.floor, screen) for screen in screens), duel.written(), duel.written())


def _one_place(duel: Duel) -> None:
    comes(duel.floor, "ada")
    duel.at_once(*(duel.written() for _ in range(duel.floor.crew.size)))


def _one_contact(duel: Duel) -> None:
    screens = [comes(duel.floor, agent, available=False) for agent in AGENTS]
    duel.write()
    duel.at_once(*(available_at(duel.floor, screen) for screen in screens))


def _accept_and_deadline(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    comes(floor, "eva", available=bool(duel.number % 2))
    duel.write()
    offers = [work for _, _, work in floor.armed if work["kind"] == "offer_timeout"]
    taker = next(iter(floor.standing().lives)).holder
    accepting = floor.says(
        screen if taker == "ada" else _screen_of(floor, str(taker)),
        "offer.accept",
        offer=f"{offers[0]['conversation']}.{offers[0]['turn']}",
    )
    duel.at_once(accepting, floor.work(offers[0]))
    if floor.answer_to(accepting).get("event") == "ack":
        [head] = floor.standing().lives
        if (head.holder, head.turn, head.state) != (taker, offers[0]["turn"], "active"):
            floor.breaks(f"{taker} accepted {head.conversation} and does not have it", head.conversation, str(taker))


def _screen_of(floor: RaceFloor, agent: str) -> str:
    return str(floor.standing().agents[agent].sockets[0])  # type: ignore[index]


def _reject_and_deadline(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    offer = duel.offer()
    comes(floor, "ben")
    rejecting = floor.says(screen, "offer.reject", offer=f"{offer['conversation']}.{offer['turn']}")
    duel.at_once(rejecting, floor.work(offer), floor.work({**offer, "deadline_ms": offer["deadline_ms"] + 1}))


def _close_and_transfer(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    conversation = duel.accepted(screen)
    comes(floor, "eva")
    close = floor.says(screen, "conversation.close", conversation=conversation)
    move = {"kind": "transfer", "agent": "ada", "conversation": conversation, "turn": 2}
    duel.at_once(close, floor.work({**move, "queue": "sales", "to_agent": None}))


def _two_transfers(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    conversation = duel.accepted(screen)
    for agent in ("ben", "eva"):
        comes(floor, agent)
    move = {"kind": "transfer", "agent": "ada", "conversation": conversation, "turn": 2}
    to_queue = floor.work({**move, "queue": "sales", "to_agent": None})
    duel.at_once(to_queue, floor.work({**move, "queue": None, "to_agent": "ben"}))


def _transfer_and_its_target_gone(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    conversation = duel.accepted(screen)
    target = comes(floor, "ben")
    move = {"kind": "transfer", "agent": "ada", "conversation": conversation, "turn": 2}
    vanish = floor.work({"kind": "vanish", "agent": "ben", "connection": target})
    duel.at_once(floor.work({**move, "queue": None, "to_agent": "ben"}), vanish)


def _disconnect_and_claim(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    vanish = floor.work({"kind": "vanish", "agent": "ada", "connection": screen})
    duel.at_once(vanish, duel.written())


def _hello_and_an_older_end(duel: Duel) -> None:
    floor, old = duel.floor, comes(duel.floor, "ada")
    duel.write()
    new = floor.connects("ada")
    floor.now(new)
    vanish = floor.work({"kind": "vanish", "agent": "ada", "connection": old})
    duel.at_once(floor.says(new.connection, "hello"), vanish)


def _hello_and_its_own_end(duel: Duel) -> None:
    floor, new = duel.floor, duel.floor.connects("ada")
    floor.now(new)
    duel.write()
    vanish = floor.work({"kind": "vanish", "agent": "ada", "connection": new.connection})
    duel.at_once(floor.says(new.connection, "hello"), vanish)


def _hello_and_grace(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    duel.accepted(screen)
    floor.now(floor.work({"kind": "vanish", "agent": "ada", "connection": screen}))
    comes(floor, "ben")
    [grace] = [work for _, _, work in floor.armed if work["kind"] == "grace"]
    new = floor.connects("ada")
    floor.now(new)
    duel.at_once(floor.says(new.connection, "hello"), floor.work(grace))


def _close_and_another_message(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    conversation = duel.accepted(screen)
    duel.at_once(floor.says(screen, "conversation.close", conversation=conversation), duel.again())


def _pause_and_another_message(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    conversation = duel.accepted(screen)
    until = iso(floor.now_ms + 3_600_000)
    pause = floor.says(screen, "conversation.pause", conversation=conversation, until=until)
    duel.at_once(pause, duel.again(), duel.written())


def _at_two_desks(duel: Duel) -> tuple[str, str, Job]:
    """Have one person be offered to ben and to ada, who do not know that; return ben's part, and what tells it."""
    phone, user = f"tel:+1{duel.number:06d}999", f"bsuid:US.{duel.number}"
    comes(duel.floor, "ada")
    duel.floor.now(duel.message_by(SMS, phone))
    screen = comes(duel.floor, "ben")
    duel.floor.now(duel.message_by(WHATSAPP, user))
    [conversation] = [head.conversation for head in duel.floor.standing().lives if head.holder == "ben"]
    return screen, conversation, duel.message_by(WHATSAPP, phone, user)


def _joining_and_accept(duel: Duel) -> None:
    screen, conversation, telling = _at_two_desks(duel)
    duel.at_once(telling, duel.floor.says(screen, "offer.accept", offer=f"{conversation}.2"))
    _finish_joining(duel)


def _joining_and_close(duel: Duel) -> None:
    screen, conversation, telling = _at_two_desks(duel)
    duel.floor.now(duel.floor.says(screen, "offer.accept", offer=f"{conversation}.2"))
    duel.at_once(telling, duel.floor.says(screen, "conversation.close", conversation=conversation))
    _finish_joining(duel)


def _finish_joining(duel: Duel) -> None:
    """Let the timers go off that finish what died half-way, and see that one contact is left."""
    duel.floor.skip(SECOND_LOOK_S + 1)
    duel.floor.settle()
    if len(lives := duel.floor.standing().lives) != 1:
        duel.floor.breaks(f"one person has {len(lives)} conversations", *(head.conversation for head in lives))


def _cool_down_and_free(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    duel.write()
    offer = duel.offer()
    floor.now(floor.says(screen, "offer.reject", offer=f"{offer['conversation']}.{offer['turn']}"))
    [cool_down] = [work for _, _, work in floor.armed if work["kind"] == "cool_down"]
    other = comes(floor, "ben", available=False)
    duel.at_once(floor.work(cool_down), available_at(floor, other))


def _one_message_by_two_tabs(duel: Duel) -> None:
    """The queue has forgotten the first one when the second comes."""
    comes(duel.floor, "ada")
    tabs, message_id = [duel.visits(), duel.visits()], duel.message_id()
    duel.at_once(*(duel.said(tab, message_id) for tab in tabs))
    duel.at_once(*duel.floor.take_records())
    _is_one_conversation(duel)
    duel.must_show(*tabs)


def _first_messages_by_two_tabs(duel: Duel) -> None:
    comes(duel.floor, "ada")
    tabs = [duel.visits(), duel.visits()]
    duel.at_once(*(duel.said(tab) for tab in tabs))
    duel.at_once(*duel.floor.take_records())
    _is_one_conversation(duel)
    duel.must_show(*tabs)


def _is_one_conversation(duel: Duel) -> None:
    if len(lives := duel.floor.standing().lives) != 1:
        duel.floor.tally["doubled"] += 1
        duel.floor.breaks(f"one visitor has {len(lives)} conversations", *(head.conversation for head in lives))


def _hello_and_a_message(duel: Duel) -> None:
    first, tab = duel.visits(), duel.visits(hello=False)
    duel.floor.now(duel.said(first))
    [record] = duel.floor.take_records()
    duel.at_once(duel.floor.says(tab, "hello"), record)
    duel.must_show(first, tab)


def _hello_and_a_reply(duel: Duel) -> None:
    floor, screen = duel.floor, comes(duel.floor, "ada")
    conversation = duel.talks(screen)
    tab, message_id = duel.visits(hello=False), duel.message_id()
    floor.now(floor.says(screen, "message.send", conversation=conversation, message_id=message_id, text="hello"))
    [record] = floor.take_records()
    duel.at_once(floor.says(tab, "hello"), record)
    duel.must_show(tab)


def _hello_and_the_end_of_the_tab(duel: Duel) -> None:
    tab = duel.visits(hello=False)
    duel.at_once(duel.floor.says(tab, "hello"), duel.floor.disconnects(tab))
    if tab in duel.floor.tables.listeners():
        duel.floor.breaks(f"the tab {tab} has gone and is told what happens", tab)


DUELS: Mapping[str, Fight] = {
    "an agent comes free, a contact arrives": _free_and_arriving,
    "two agents come free, two contacts arrive": _several_free_and_several_arriving,
    "contacts arrive at one free place": _one_place,
    "agents come free for one contact": _one_contact,
    "accept, deadline": _accept_and_deadline,
    "reject, deadline twice": _reject_and_deadline,
    "close, transfer": _close_and_transfer,
    "transfer to a queue, to a colleague": _two_transfers,
    "transfer to a colleague, who goes": _transfer_and_its_target_gone,
    "disconnect, claim": _disconnect_and_claim,
    "hello, the end of an older screen": _hello_and_an_older_end,
    "hello, its own end": _hello_and_its_own_end,
    "hello, the end of the grace": _hello_and_grace,
    "close, another message": _close_and_another_message,
    "pause, another message": _pause_and_another_message,
    "joining, accept": _joining_and_accept,
    "joining, close": _joining_and_close,
    "cool-down, another agent comes free": _cool_down_and_free,
    "a visitor's message by two tabs": _one_message_by_two_tabs,
    "a visitor's first messages by two tabs": _first_messages_by_two_tabs,
    "a visitor's hello, a message of theirs": _hello_and_a_message,
    "a visitor's hello, a reply": _hello_and_a_reply,
    "a visitor's hello, the end of the tab": _hello_and_the_end_of_the_tab,
}


def race_duels(floor: RaceFloor, rounds: int, *, only: tuple[str, ...] = (*DUELS,), enough: int = ENOUGH) -> None:
    """Fight every duel so many times, each with nobody there at first; end early when `enough` is broken."""
    floor.tables.know("chat", *KNOWN)
    for number in range(rounds * len(only)):
        if len(floor.broken) < enough:
            fight(floor, only[number % len(only)], number)


def fight(floor: RaceFloor, name: str, number: int) -> None:
    """Fight one duel and look what stands afterwards."""
    duel = Duel(floor, number)
    floor.note(-1, f"duel {number}: {name}")
    DUELS[name](duel)
    standing = floor.standing()
    lost = duel.messages - len(standing.entries)
    floor.tally.update(points=1, messages=duel.messages, entries=len(standing.entries), lost=max(0, lost))
    if lost:
        floor.breaks(f"{name} (duel {number}): {duel.messages} messages are {len(standing.entries)} entries")
    for promise, sentences in breaches(standing).items():
        floor.tally["stuck"] += promise == "nobody_waits_while_an_able_agent_is_free"
        concerned = (*(head.conversation for head in standing.lives), *AGENTS)
        floor.breaks(f"{name} (duel {number}): {promise}: {'; '.join(sentences)}", *concerned)
    floor.forget()
