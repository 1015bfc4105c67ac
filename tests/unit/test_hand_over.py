"""An anonymous visitor turns out to be a user: whatever dies on the way, and in whatever order people do things."""

from dataclasses import dataclass, field
from itertools import combinations, count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.jobs import PutJob  # noqa: TC001 - as for every fake
from tests.fakes.world import NEVER_MS, START_MS, Centre, agent_profile, dies_at
from tests.unit.dying import DiedError, Fate
from tests.unit.promises import broken, every_change_is_recorded, root
from tests.unit.stage import ANA, CHAT, USER, VISITOR
from throughline.domain.conversations import ContactState, EntryKind, Head
from throughline.domain.customers import Customer
from throughline.domain.encodings import decode_inbound
from throughline.domain.errors import UnauthenticatedError
from throughline.domain.identifiers import ConnectionId, CustomerId, Identifier
from throughline.domain.rights import Role
from throughline.domain.vias import Via
from throughline.domain.visitors import Profile, Visitor
from throughline.flows.conclude import close
from throughline.flows.hand_over import hand_over
from throughline.flows.handle_visitor_frame import handle_visitor_frame
from throughline.flows.offers import accept_offer
from throughline.flows.read_thread import HOPS
from throughline.flows.read_visitor_thread import read_visitor_thread
from throughline.flows.receive import Arrival, receive
from throughline.ports import Account, Connection

SHOP = Account(channel="webchat", name="shop", address="shop-1", webhook_url="")
ANOTHER = "external-id:u-78"
TAB = ConnectionId("anonymous-tab")


def visitor(centre: Centre, who: str) -> Visitor:
    via = Via(account=CHAT["account"], identifier=Identifier.parse(who))
    return Visitor(account="shop", via=via, home=centre.home(who), profile=Profile())


def tab_of(centre: Centre, who: str, connection: ConnectionId) -> Connection:
    """Open a tab and say hello."""
    opened = Connection(
        connection_id=connection, subject=who, role=Role.VISITOR, expires_ms=NEVER_MS, visitor=visitor(centre, who)
    )
    centre.connections.add_connection(opened)
    handle_visitor_frame(centre.world, opened, '{"action": "hello", "id": "h"}')
    return opened


def seen_by(centre: Centre, who: str) -> list[str]:
    """Return the texts that the next hello would show."""
    return [str(entry["text"]) for entry in read_visitor_thread(centre.world, visitor(centre, who), limit=50).entries]


def give(centre: Centre, who: str = VISITOR, user: str = USER) -> None:
    hand_over(centre.world, SHOP, Identifier.parse(who), Identifier.parse(user))


def test_a_user_has_been_so_many_visitors_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("throughline.flows.hand_over.MAX_VISITORS", 2)
    centre = Centre(agent_profile("ana", en=5))
    for number in range(3):
        who = f"visitor:{number}"
        centre.pass_s(1)
        centre.write(who, f"Visit {number}", **CHAT)
        for _ in range(2):
            give(centre, who)
            Worker(centre).work()

    assert seen_by(centre, USER) == ["Visit 0", "Visit 1"]
    assert seen_by(centre, "visitor:2") == ["Visit 2"]


# ---------------------------------------------------------------- dying behind any request


def talking(*, known: bool) -> Centre:
    """Ana talks to somebody anonymous, whose tab is open; perhaps we know the user from an earlier matter."""
    centre = Centre(agent_profile("ana", en=5))
    centre.available("ana")
    if known:
        head = centre.write(USER, "About my bill", **CHAT)
        accept_offer(centre.world, ANA, head.conversation, head.turn)
        close(centre.world, ANA, head.conversation, "solved", None)
        centre.pass_s(60)
        gold = Customer(customer_id=CustomerId(head.home), tier="gold")
        centre.customers.complete_card(CustomerId(head.home), gold)
    head = centre.write(VISITOR, "My router is dead", **CHAT)
    accept_offer(centre.world, ANA, head.conversation, head.turn)
    tab_of(centre, VISITOR, TAB)
    return centre


class Worker:
    """Files what is queued; `died` has the records that it died over, which the queue delivers again."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._queue = centre.inbound
        self.died: list[PutJob] = []

    def work(self) -> None:
        while self._queue.accepted:
            record = self._queue.accepted[0]
            arrived = decode_inbound(record.job)
            arrival = Arrival(inbound=arrived.inbound, arrival_ms=arrived.arrival_ms, repeated=record in self.died)
            try:
                receive(self._centre.world, arrived.event, arrival)
            except DiedError:
                self.died.append(record)
                raise
            self._queue.take(1)


def handed_over(centre: Centre, worker: Worker) -> None:
    give(centre)
    worker.work()


def is_one_customer_with_one_thread(centre: Centre, *, known: bool) -> None:
    centre.pass_s(16)
    home = root(centre, centre.home(USER))
    assert home == root(centre, centre.home(VISITOR)) == centre.home(VISITOR)
    live = centre.live(VISITOR)
    assert (live.state, live.holder) == (ContactState.ACTIVE, ANA)
    assert seen_by(centre, USER) == ["About my bill", "My router is dead"][not known :]
    customer = centre.customers.find_customer(CustomerId(home))
    assert customer is not None
    assert {str(item.identifier) for item in customer.identifiers} == {VISITOR, USER}
    assert (customer.name, customer.tier) == ("Maya", "gold" if known else None)
    assert (CustomerId(home), CustomerId(centre.home(USER))) in centre.customers.links
    assert [entry.kind for entry in centre.threads.entries.values()].count(EntryKind.IDENTITY) == 1
    assert TAB not in centre.connections.connections
    assert centre.connections.list_listeners(visitor(centre, VISITOR).way) == []
    assert broken(centre) == []


@pytest.mark.parametrize("known", [False, True], ids=["a new user", "a user we know"])
@pytest.mark.parametrize("after", [False, True], ids=["before it had an effect", "after it"])
def test_a_handing_over_that_died_anywhere_is_finished_by_its_repetition(known: bool, after: bool) -> None:
    peaceful = talking(known=known)
    fate = Fate(peaceful.world)
    with fate.watched():
        handed_over(peaceful, Worker(peaceful))
    is_one_customer_with_one_thread(peaceful, known=known)
    for number in range(1, len(fate.requests) + 1):
        centre = talking(known=known)
        worker = Worker(centre)
        with pytest.raises(DiedError), Fate(centre.world).dying(number, after=after):
            handed_over(centre, worker)
        if not worker.died:  # it was the page's request: it got no answer, and asks again
            give(centre)
        worker.work()
        is_one_customer_with_one_thread(centre, known=known)
        every_change_is_recorded(centre)


def test_what_the_page_never_asked_again_is_finished_by_the_worker() -> None:
    peaceful = talking(known=True)
    fate = Fate(peaceful.world)
    with fate.watched():
        give(peaceful)
    assert fate.requests[0] == "put"
    for number in range(1, len(fate.requests) + 1):
        centre = talking(known=True)
        with pytest.raises(DiedError), Fate(centre.world).dying(number, after=True):
            give(centre)
        Worker(centre).work()
        is_one_customer_with_one_thread(centre, known=True)


@pytest.mark.parametrize("known", [False, True], ids=["a new user", "a user we know"])
@pytest.mark.parametrize("twice", [False, True], ids=["once", "the record again"])
def test_what_a_visitor_wrote_that_opened_nothing_is_the_users_too(known: bool, twice: bool) -> None:
    centre = Centre(agent_profile("ana", en=5))
    with dies_at(centre.threads, "announce"):  # and nobody drove that record through again
        centre.write(VISITOR, "My router is dead", **CHAT)
    if known:
        centre.customers.add_customer(Customer(customer_id=CustomerId(centre.home(USER)), tier="gold"))
    worker = Worker(centre)
    give(centre)
    if twice:
        with pytest.raises(DiedError), Fate(centre.world).dying(7, after=True):
            worker.work()
    worker.work()

    home = centre.home(USER) if known else centre.home(VISITOR)
    assert {root(centre, centre.home(who)) for who in (USER, VISITOR)} == {home}
    customer = centre.customers.find_customer(CustomerId(home))
    assert customer is not None
    assert {str(item.identifier) for item in customer.identifiers} == {USER, VISITOR}
    assert seen_by(centre, USER) == ["My router is dead"]


def test_a_user_who_was_many_visitors_is_found_by_each_of_them_in_one_step() -> None:
    centre = Centre(agent_profile("ana", en=5))
    centre.available("ana")
    visitors = [f"visitor:{number:02d}" for number in range(HOPS + 4)]
    first = centre.write(USER, "first of all", **CHAT)
    accept_offer(centre.world, ANA, first.conversation, first.turn)
    close(centre.world, ANA, first.conversation, "solved", None)
    for who in visitors:
        centre.pass_s(60)
        head = centre.write(who, who, **CHAT)
        accept_offer(centre.world, ANA, head.conversation, head.turn)
        give(centre, who)
        Worker(centre).work()
        close(centre.world, ANA, head.conversation, "solved", None)
    last = centre.home(visitors[-1])
    assert [way.partition("|")[2] for way in sorted(centre.live(USER).vias)] == [USER, visitors[-1]]
    assert {centre.threads.moves.get(centre.home(who), last) for who in (*visitors, USER)} == {last}
    assert seen_by(centre, USER) == ["first of all", *visitors]


# ---------------------------------------------------------------- whatever people do


VISITORS, USERS = ("visitor:00", "visitor:01", "visitor:02"), (USER, ANOTHER)
everybody = st.sampled_from((*VISITORS, *USERS))


@dataclass
class Model:
    """Who said what, and whose each visitor is by the rules of decision 13."""

    said: dict[str, list[str]] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)

    def seen_by(self, who: str) -> list[str]:
        own = [who, *(one for one, owner in self.owners.items() if owner == who)]
        return sorted(text for one in own for text in self.said.get(one, ()))


class People(RuleBasedStateMachine):
    """Visitors and users of one web chat, an agent, and a worker who is now and then late."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = Centre(agent_profile("ana", chats=9, en=5))
        self.centre.available("ana")
        self.model, self.numbers = Model(), count(1)

    @rule(who=everybody)
    def write(self, who: str) -> None:
        """Say something, in a tab of one's own, which the server may refuse."""
        number = next(self.numbers)
        self.centre.now_ms = START_MS + number * 1000
        opened = Connection(
            connection_id=ConnectionId(f"tab-{number}"),
            subject=who,
            role=Role.VISITOR,
            expires_ms=NEVER_MS,
            visitor=visitor(self.centre, who),
        )
        frame = f'{{"action": "message.send", "id": "f", "message_id": "m{number}", "text": "{number:03d}"}}'
        if self.centre.customers.find_owner(Identifier.parse(who)):
            with pytest.raises(UnauthenticatedError):
                handle_visitor_frame(self.centre.world, opened, frame)
            return
        handle_visitor_frame(self.centre.world, opened, frame)
        self.model.said.setdefault(who, []).append(f"{number:03d}")

    @rule(who=st.sampled_from(VISITORS), user=st.sampled_from(USERS))
    def sign_in(self, who: str, user: str) -> None:
        give(self.centre, who, user)
        if who in self.model.said:
            self.model.owners.setdefault(who, user)

    @rule()
    def work(self) -> None:
        Worker(self.centre).work()

    @rule(who=everybody)
    def accept(self, who: str) -> None:
        for head in self._lives(who, ContactState.OFFERED):
            accept_offer(self.centre.world, ANA, head.conversation, head.turn)

    @rule(who=everybody)
    def end(self, who: str) -> None:
        for head in self._lives(who, ContactState.ACTIVE):
            close(self.centre.world, ANA, head.conversation, "solved", None)

    def _lives(self, who: str, state: ContactState) -> list[Head]:
        home = root(self.centre, self.centre.home(who))
        head = self.centre.threads.lives.get(home)
        return [head] if head and head.state is state else []

    @invariant()
    def everybody_sees_what_is_theirs_and_is_one_customer_with_nobody_else(self) -> None:
        if self.centre.inbound.accepted:
            return
        everyone = (*VISITORS, *USERS)
        for who in everyone:
            if who not in self.model.owners:
                assert sorted(seen_by(self.centre, who)) == self.model.seen_by(who)
        roots = {who: root(self.centre, self.centre.home(who)) for who in everyone}
        for one, other in combinations(everyone, 2):
            same = self.model.owners.get(one, one) == self.model.owners.get(other, other)
            assert (roots[one] == roots[other]) == same

    def teardown(self) -> None:
        self.work()
        self.centre.pass_s(16)
        assert broken(self.centre) == []
        self.everybody_sees_what_is_theirs_and_is_one_customer_with_nobody_else()


People.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPeople = People.TestCase
