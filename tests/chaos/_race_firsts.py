"""First messages of one person on several channels at the same instant: one customer, one conversation."""

from collections.abc import Sequence

from tests.chaos._race_floor import RaceFloor
from tests.chaos._race_people import SMS, WHATSAPP, comes, home, message, profile
from tests.chaos._race_worker import Job
from tests.promises import breaches, root
from throughline.domain.conversations import ContactState
from throughline.domain.identifiers import CustomerId, Home, digest
from throughline.domain.messages import MessageReceived

AGENTS = ("ida", "jan")
PROFILES = tuple(profile(agent, skills={"en": 3}, chat=4) for agent in AGENTS)
JOINED_S = 16  # a joining that died half-way is finished by then
APART_S = 0.02
PATTERNS = ("one message", "two channels", "two identifiers", "all of it")


def race_first_messages(floor: RaceFloor, rounds: int) -> None:
    """Let as many persons write for the first time, each by everything they have, and look what became of it."""
    for number in range(rounds):
        _race(floor, number)
    floor.forget()


def _race(floor: RaceFloor, number: int) -> None:
    if number % 3 == 2:  # somebody is there to be asked while it is found out who wrote
        for agent in AGENTS:
            comes(floor, agent)
    senders = f"tel:+1415{number:07d}", f"bsuid:US.{number}"
    events = _written(floor, PATTERNS[number % len(PATTERNS)], *senders)
    deliveries = [event for event in events for _ in range(floor.draws.choice([1, 1, 2, 3]))]
    jobs = [floor.message(event, apart_s=floor.draws.random() * APART_S) for event in deliveries]
    floor.draws.shuffle(jobs)
    for start in range(0, len(jobs), floor.crew.size):
        floor.hand(*(_perhaps_again(floor, job) for job in jobs[start : start + floor.crew.size]))
    floor.settle()
    _look(floor, events, senders)
    floor.skip(JOINED_S)
    floor.settle()
    _look(floor, events, senders)
    floor.tally["messages"] += len(events)
    floor.tally["entries"] += len(floor.standing().entries)
    floor.tally["points"] += 1
    floor.forget()


def _perhaps_again(floor: RaceFloor, job: Job) -> Job:
    """A tenth of the records were delivered before, to somebody of whom nothing was heard."""
    job.deliveries = int(floor.draws.random() < 0.1)
    return job


def _written(floor: RaceFloor, pattern: str, phone: str, user: str) -> list[MessageReceived]:
    by_sms, by_phone = message(floor, SMS, phone), message(floor, WHATSAPP, phone)
    by_user, by_both = message(floor, WHATSAPP, user), message(floor, WHATSAPP, phone, user)
    return {
        "one message": [by_sms],
        "two channels": [by_sms, by_phone],
        "two identifiers": [by_sms, by_both],
        "all of it": [by_sms, by_phone, by_user, by_both],
    }[pattern]


def _look(floor: RaceFloor, events: Sequence[MessageReceived], senders: Sequence[str]) -> None:
    used = {str(sender) for event in events for sender in event.senders}
    homes = tuple(home(sender) for sender in senders if sender in used)
    standing = floor.standing()
    for name, sentences in breaches(standing).items():
        floor.breaks(f"{name}: {'; '.join(sentences)}", *homes)
    entries = sorted(entry.digest for entry in standing.entries)
    wanted = sorted(digest(event.account, event.provider_id) for event in events)
    if entries != wanted:
        floor.tally["lost"] += len(set(wanted) - set(entries))
        floor.tally["doubled"] += max(0, len(entries) - len(wanted))
        floor.breaks(f"{len(wanted)} messages are {len(entries)} entries", *homes)
    roots = {root(standing.moves, each) for each in homes}
    live = [head for head in standing.lives if head.state is not ContactState.RESOLVED]
    if len(roots) != 1 or [head.home for head in standing.lives] != [*roots] or len(live) != 1:
        floor.tally["doubled"] += 1
        floor.breaks(f"one person leads to {sorted(map(str, roots))} and has {len(live)} contacts", *homes)
        return
    _know(floor, CustomerId(str(roots.pop())), used, homes)


def _know(floor: RaceFloor, customer: CustomerId, used: set[str], homes: tuple[Home, ...]) -> None:
    if unknown := used - floor.tables.identifiers(customer):
        floor.breaks(f"the customer {customer} is not known by {', '.join(sorted(unknown))}", *homes)
