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
from tests.unit.stage import ANA, BUDI, CHAT, USER, VISITOR
from throughline.domain.conversations import ContactState, EntryKind, Head
from throughline.domain.customers import Customer
from throughline.domain.encodings import decode_inbound
from throughline.domain.errors import UnauthenticatedError
from throughline.domain.identifiers import ConnectionId, CustomerId, Identifier
from throughline.domain.rights import Role
from throughline.domain.routing import Presence
from throughline.domain.vias import Via
from throughline.domain.visitors import Profile, Visitor
from throughline.flows.conclude import close, pause, wrap_up
from throughline.flows.hand_over import hand_over
from throughline.flows.handle_visitor_frame import handle_visitor_frame
from throughline.flows.offers import accept_offer
from throughline.flows.presence import set_presence
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


# ---------------------------------------------------------------- who waits goes on waiting

DAY_MS = 24 * 3600 * 1000


def served_before(*agents: str) -> Centre:
    """Ana is in a conversation with the user."""
    centre = Centre(agent_profile("ana", en=5), agent_profile("budi", en=3))
    centre.available("ana")
    head = centre.write(USER, "About my bill", **CHAT)
    accept_offer(centre.world, ANA, head.conversation, head.turn)
    centre.available(*agents)
    centre.pass_s(60)
    return centre


def joined(centre: Centre, who: str = VISITOR) -> Head:
    """Let the visitor have signed in five seconds later, and return the conversation of both."""
    centre.pass_s(5)
    give(centre, who)
    Worker(centre).work()
    return centre.live(USER)


def test_who_waits_when_they_sign_in_goes_on_waiting_though_their_last_matter_is_over() -> None:
    centre = served_before()
    over = centre.live(USER)
    close(centre.world, ANA, over.conversation, "solved", None)
    set_presence(centre.world, ANA, Presence.NOT_READY, None)
    waiting = centre.write(VISITOR, "My router is dead", **CHAT)
    head = joined(centre)
    assert (waiting.conversation, ContactState.QUEUED, waiting.score) == (head.conversation, head.state, head.score)
    assert broken(centre) == []
    set_presence(centre.world, ANA, Presence.AVAILABLE, None)
    assert (ContactState.OFFERED, ANA) == (centre.live(USER).state, centre.live(USER).holder)


def test_who_is_offered_when_they_sign_in_resumes_the_matter_that_was_set_aside() -> None:
    centre = served_before()
    aside = pause(centre.world, ANA, centre.live(USER).conversation, centre.now_ms + DAY_MS)
    offered = centre.write(VISITOR, "My router is dead", **CHAT)
    assert offered.state is ContactState.OFFERED
    head = joined(centre)
    assert (aside.conversation, ContactState.OFFERED, ANA) == (head.conversation, head.state, head.holder)
    assert centre.offers("ana-1")[-1]["preview"] == "My router is dead"
    every_change_is_recorded(centre)
    centre.pass_s(16)
    assert broken(centre) == []


def test_who_is_offered_when_they_sign_in_is_not_resolved_with_a_wrap_up_that_began_after_they_wrote() -> None:
    centre = served_before("budi")
    centre.end_wrap_ups_after(60)
    offered = centre.write(VISITOR, "My router is dead", **CHAT)
    assert offered.state is ContactState.OFFERED
    centre.pass_s(5)
    wrapping = wrap_up(centre.world, ANA, centre.live(USER).conversation)
    head = joined(centre)
    assert (wrapping.conversation, ContactState.OFFERED, ANA) == (head.conversation, head.state, head.holder)
    accept_offer(centre.world, ANA, head.conversation, head.turn)
    centre.pass_s(120)
    assert ContactState.ACTIVE is centre.live(USER).state
    every_change_is_recorded(centre)


def test_nobody_is_asked_anew_when_what_joins_a_matter_set_aside_was_over() -> None:
    centre = served_before()
    aside = pause(centre.world, ANA, centre.live(USER).conversation, centre.now_ms + DAY_MS)
    head = centre.write(VISITOR, "My router is dead", **CHAT)
    accept_offer(centre.world, ANA, head.conversation, head.turn)
    close(centre.world, ANA, head.conversation, "solved", None)
    head = joined(centre)
    assert (aside.conversation, aside.turn, ContactState.PAUSED) == (head.conversation, head.turn, head.state)


def test_the_matter_in_which_an_agent_is_talking_goes_on_rather_than_one_set_aside() -> None:
    centre = served_before("budi")
    set_presence(centre.world, ANA, Presence.NOT_READY, None)
    talking_to = centre.write(VISITOR, "My router is dead", **CHAT)
    accept_offer(centre.world, BUDI, talking_to.conversation, talking_to.turn)
    centre.pass_s(5)
    centre.write(USER, "And one thing more", **CHAT)
    pause(centre.world, ANA, centre.live(USER).conversation, centre.now_ms + DAY_MS)
    head = joined(centre)
    assert (talking_to.conversation, ContactState.ACTIVE, BUDI) == (head.conversation, head.state, head.holder)


def waiting_beside_one_who_talks() -> Centre:
    """Nobody takes anything new, and the visitor waits; the page has said who they are."""
    centre = served_before()
    set_presence(centre.world, ANA, Presence.NOT_READY, None)
    centre.write(VISITOR, "My router is dead", **CHAT)
    centre.pass_s(5)
    give(centre)
    return centre


def last_of(request: str) -> int:
    """Return which request of the filing is the last of this name."""
    centre = waiting_beside_one_who_talks()
    fate = Fate(centre.world)
    with fate.watched():
        Worker(centre).work()
    return len(fate.requests) - fate.requests[::-1].index(request)


def test_who_waits_is_found_though_an_earlier_attempt_had_chosen_what_is_over_by_now() -> None:
    centre = waiting_beside_one_who_talks()
    waiting, worker = centre.live(VISITOR), Worker(centre)
    with pytest.raises(DiedError), Fate(centre.world).dying(last_of("remember_arrival"), after=True):
        worker.work()
    centre.pass_s(5)
    close(centre.world, ANA, centre.live(USER).conversation, "solved", None)
    worker.work()
    head = centre.live(USER)
    assert (centre.home(USER), ContactState.QUEUED, waiting.score) == (head.home, head.state, head.score)
    every_change_is_recorded(centre)
    centre.pass_s(16)
    assert broken(centre) == []
    set_presence(centre.world, ANA, Presence.AVAILABLE, None)
    assert (ContactState.OFFERED, ANA) == (centre.live(USER).state, centre.live(USER).holder)


def test_of_two_that_wait_the_one_whose_turn_comes_first_goes_on() -> None:
    for first, second in ((USER, VISITOR), (VISITOR, USER)):
        centre = Centre(agent_profile("ana", en=5))
        older = centre.write(first, "My router is dead", **CHAT)
        centre.pass_s(5)
        centre.write(second, "Hello?", **CHAT)
        head = joined(centre)
        assert (older.conversation, older.score, ContactState.QUEUED) == (head.conversation, head.score, head.state)
        assert [item.conversation for item in centre.routing.waiting.values()] == [older.conversation]


@pytest.mark.parametrize("known", [False, True], ids=["a new user", "a user we know"])
def test_the_edge_says_on_what_evidence_two_were_joined(known: bool) -> None:
    centre = talking(known=known)
    handed_over(centre, Worker(centre))
    centre.pass_s(16)
    assert {"both proofs came from one browser"} == {why for why, _ in centre.customers.links.values()}


def test_the_edge_says_so_too_when_a_timer_finishes_the_joining() -> None:
    centre = waiting_beside_one_who_talks()
    with pytest.raises(DiedError), Fate(centre.world).dying(last_of("move_home"), after=True):
        Worker(centre).work()
    assert centre.customers.links == {}
    centre.pass_s(16)
    assert {"both proofs came from one browser"} == {why for why, _ in centre.customers.links.values()}


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
        self._pass_a_second()
        give(self.centre, who, user)
        if who in self.model.said:
            self.model.owners.setdefault(who, user)

    @rule()
    def work(self) -> None:
        Worker(self.centre).work()

    @rule(presence=st.sampled_from((Presence.NOT_READY, Presence.AVAILABLE)))
    def ana_leaves_or_comes_back(self, presence: Presence) -> None:
        self._pass_a_second()
        set_presence(self.centre.world, ANA, presence, None)

    @rule(who=everybody)
    def set_aside(self, who: str) -> None:
        self._pass_a_second()
        for head in self._lives(who, ContactState.ACTIVE):
            pause(self.centre.world, ANA, head.conversation, self.centre.now_ms + DAY_MS)

    def _pass_a_second(self) -> None:
        self.centre.now_ms = START_MS + next(self.numbers) * 1000

    @rule(who=everybody)
    def accept(self, who: str) -> None:
        for head in self._lives(who, ContactState.OFFERED):
            accept_offer(self.centre.world, ANA, head.conversation, head.turn)

    @rule(who=everybody)
    def serve(self, who: str) -> None:
        """Take what they are offered for, and end it."""
        self.work()
        self.accept(who)
        self.end(who)

    @rule(who=everybody)
    def end(self, who: str) -> None:
        self._pass_a_second()
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
