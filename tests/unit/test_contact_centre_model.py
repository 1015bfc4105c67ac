"""Whatever people do, in whatever order, and wherever a step dies before it is repeated: the promises hold."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests import promises
from tests.fakes.timers import ArmedTimer
from tests.fakes.world import NEVER_MS, Centre, agent_profile
from tests.unit.dying import DiedError, Fate
from tests.unit.promises import require, root
from throughline.domain.conversations import ContactState, Head
from throughline.domain.errors import ThroughlineError
from throughline.domain.identifiers import AgentId, ConnectionId, Home, Identifier
from throughline.domain.messages import ConsentChanged, IdentityChanged
from throughline.domain.rights import Caller, Role
from throughline.domain.routing import Presence
from throughline.flows.conclude import close, pause, transfer, wrap_up
from throughline.flows.offers import accept_offer, reject_offer
from throughline.flows.presence import configure_agent, lose_connection, set_presence
from throughline.flows.run_timer import run_timer
from throughline.flows.supervise import assign, take_over

AGENTS = ("ana", "budi", "sara")
TEAM = ("front",)
CUSTOMERS = tuple(f"telegram:{number}" for number in range(5))
PHONE, ID, NEW_ID = "tel:+14155550100", "bsuid:US.1349", "bsuid:US.2481"  # one person's
TEXTS = ("hello there, how are you doing today", "halo, saya mau tanya pesanan saya belum sampai")
SMS = {"account": "twilio_sms/+15005550006", "channel": "twilio_sms"}
WHATSAPP = {"account": "whatsapp/1001", "channel": "whatsapp"}
SALES = {"account": "whatsapp/1002", "channel": "whatsapp"}
SKILLS = ({"en": 5}, {"en": 3, "id": 5}, {"en": 1, "sales": 3}, {"id": 1})

agents = st.sampled_from(AGENTS)
customers = st.sampled_from(CUSTOMERS)
# The request to AWS at which the step dies, and whether it had taken effect; 0 lets it live.
faults = st.tuples(st.sampled_from([0, 0, 0, *range(1, 25)]), st.booleans())

Step = Callable[[bool], object]


def supervisor(agent: str) -> Caller:
    return Caller(subject=agent, role=Role.SUPERVISOR, expires_ms=NEVER_MS)


class ContactCentre(RuleBasedStateMachine):
    """Random steps of customers, agents, operators and time."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = Centre(
            agent_profile("ana", teams=TEAM, en=5),
            agent_profile("budi", teams=TEAM, en=3, id=5),
            agent_profile("sara", chats=1, teams=TEAM, en=1, sales=3),
        )
        self.centre.end_wrap_ups_after(30)
        self.sent = 0
        self.sockets: Counter[str] = Counter()
        self.allowed: dict[str, int] = {}  # what agents held when their capacity was lowered
        self.linked: dict[str, set[str]] = {}  # what was attested to be one person's
        self.refused: dict[tuple[str, str], tuple[int, bool]] = {}  # the last word about consent
        self.fate = Fate(self.centre.world)

    def carry_out(self, step: Step, fault: tuple[int, bool]) -> None:
        """Do a step that may die, and then again, as its queue or its client would; then what is due at once."""
        number, after = fault
        try:
            with suppress(ThroughlineError), self.fate.dying(number, after=after):
                step(False)  # noqa: FBT003
        except DiedError:
            with suppress(ThroughlineError):
                step(True)  # noqa: FBT003
        self.run_due()

    def run_due(self, fault: tuple[int, bool] = (0, False)) -> None:
        while due := [timer for timer in self.centre.timers.armed if timer.due_ms <= self.centre.now_ms]:
            timer = min(due, key=lambda item: item.due_ms)
            self.centre.timers.armed.remove(timer)
            self.carry_out(self.going_off(timer), fault)
            fault = (0, False)

    def going_off(self, timer: ArmedTimer) -> Step:
        return lambda repeated: run_timer(self.centre.world, timer.work, repeated=repeated)

    def deliver(self, event: Any, fault: tuple[int, bool]) -> None:
        self.sent += 1
        inbound = f"q{self.sent}"
        self.carry_out(lambda repeated: self.centre.deliver(event, inbound=inbound, repeated=repeated), fault)
        self.carry_out(lambda _: self.centre.deliver(event), (0, False))  # the provider delivers everything twice

    def held(self, agent: str, *states: ContactState) -> Head | None:
        heads = self.centre.threads.lives.values()
        found = [head for head in heads if head.holder == agent and head.state in states]
        return min(found, key=lambda head: head.conversation, default=None)

    # ------------------------------------------------------------ what customers do

    @rule(customer=customers, text=st.sampled_from(TEXTS), sales=st.booleans(), fault=faults)
    def customer_writes(self, customer: str, text: str, sales: bool, fault: tuple[int, bool]) -> None:
        self.deliver(self.centre.message(customer, text, **(SALES if sales else {})), fault)

    @rule(way=st.sampled_from(["phone", "id", "new id", "both", "turned"]), fault=faults)
    def person_writes(self, way: str, fault: tuple[int, bool]) -> None:
        ways = {"phone": [PHONE], "id": [ID], "new id": [NEW_ID], "both": [PHONE, ID], "turned": [ID, PHONE]}
        senders = ways[way]
        self.link(senders)
        self.deliver(self.centre.message(senders, TEXTS[0], **(SMS if way == "phone" else WHATSAPP)), fault)

    @rule(fault=faults)
    def persons_id_changes(self, fault: tuple[int, bool]) -> None:
        if self.centre.home(ID) in {*self.centre.threads.lives, *self.centre.threads.moves}:
            self.link([ID, NEW_ID])
        event = IdentityChanged(
            channel="whatsapp",
            account=WHATSAPP["account"],
            provider_id=f"i{self.sent}",
            senders=(Identifier.parse(ID),),
            sent_ms=self.centre.now_ms,
            previous=Identifier.parse(ID),
            current=Identifier.parse(NEW_ID),
        )
        self.deliver(event, fault)

    @rule(by_phone=st.booleans(), granted=st.booleans(), fault=faults)
    def person_consents(self, by_phone: bool, granted: bool, fault: tuple[int, bool]) -> None:
        source, identifier = (SMS, PHONE) if by_phone else (WHATSAPP, ID)
        event = ConsentChanged(
            channel=source["channel"],
            account=source["account"],
            provider_id=f"c{self.sent}",
            senders=(Identifier.parse(identifier),),
            sent_ms=self.centre.now_ms,
            granted=granted,
        )
        word = (self.centre.now_ms, not granted)
        self.refused[identifier, source["account"]] = max(word, self.refused.get((identifier, source["account"]), word))
        self.deliver(event, fault)

    def link(self, identifiers: list[str]) -> None:
        person = set(identifiers).union(*(self.linked.get(item, ()) for item in identifiers))
        self.linked |= dict.fromkeys(person, person)

    # ------------------------------------------------------------ what agents do

    @rule(agent=agents, fault=faults)
    def agent_connects(self, agent: str, fault: tuple[int, bool]) -> None:
        self.sockets[agent] += 1
        socket = f"{agent}-{self.sockets[agent]}"
        self.carry_out(lambda _: self.centre.hello(agent, socket), fault)

    @rule(agent=agents, fault=faults)
    def agent_disconnects(self, agent: str, fault: tuple[int, bool]) -> None:
        socket = ConnectionId(f"{agent}-{self.sockets[agent]}")
        self.carry_out(
            lambda repeated: lose_connection(self.centre.world, AgentId(agent), socket, repeated=repeated), fault
        )

    @rule(agent=agents)
    def agents_screen_dies_unseen(self, agent: str) -> None:
        self.centre.sockets.gone.add(f"{agent}-{self.sockets[agent]}")

    @rule(agent=agents, presence=st.sampled_from(Presence), after_work=st.booleans(), fault=faults)
    def agent_declares(self, agent: str, presence: Presence, after_work: bool, fault: tuple[int, bool]) -> None:
        world, mine = self.centre.world, AgentId(agent)
        self.carry_out(lambda _: set_presence(world, mine, presence, None, after_work=after_work), fault)

    @rule(agent=agents, accepts=st.booleans(), fault=faults)
    def agent_answers_offer(self, agent: str, accepts: bool, fault: tuple[int, bool]) -> None:
        head, world, mine = self.held(agent, ContactState.OFFERED), self.centre.world, AgentId(agent)
        if head and accepts:
            self.carry_out(lambda _: accept_offer(world, mine, head.conversation, head.turn), fault)
        elif head:
            self.carry_out(lambda _: reject_offer(world, mine, head.conversation, head.turn, None), fault)

    @rule(agent=agents, how=st.sampled_from(["wrap_up", "close", "pause", "to_queue", "to_budi"]), fault=faults)
    def agent_lets_go(self, agent: str, how: str, fault: tuple[int, bool]) -> None:
        head = self.held(agent, ContactState.ACTIVE, ContactState.WRAPPING)
        if head is None:
            return
        world, mine, conversation = self.centre.world, AgentId(agent), head.conversation
        disposition = "solved" if head.queue == "support" else None
        until_ms = self.centre.now_ms + 90_000
        steps: dict[str, Step] = {
            "wrap_up": lambda _: wrap_up(world, mine, conversation),
            "close": lambda _: close(world, mine, conversation, disposition, None),
            "pause": lambda _: pause(world, mine, conversation, until_ms),
            "to_queue": lambda _: transfer(world, mine, conversation, queue="sales", to_agent=None),
            "to_budi": lambda _: transfer(world, mine, conversation, queue=None, to_agent=AgentId("budi")),
        }
        self.carry_out(steps[how], fault)

    # ------------------------------------------------------------ what supervisors do

    @rule(customer=customers, agent=agents, fault=faults)
    def supervisor_takes_over(self, customer: str, agent: str, fault: tuple[int, bool]) -> None:
        head, caller = self.live(customer), supervisor(agent)
        if head:
            self.carry_out(lambda _: take_over(self.centre.world, caller, head.conversation, head.turn), fault)

    @rule(customer=customers, agent=agents, fault=faults)
    def supervisor_assigns(self, customer: str, agent: str, fault: tuple[int, bool]) -> None:
        head, caller, to = self.live(customer), supervisor("budi"), AgentId(agent)
        if head:
            self.carry_out(lambda _: assign(self.centre.world, caller, head.conversation, head.turn, to), fault)

    def live(self, customer: str) -> Head | None:
        return self.centre.threads.lives.get(self.centre.home(customer))

    # ------------------------------------------------------------ what operators and time do

    @rule(agent=agents, chats=st.integers(0, 3), skills=st.sampled_from(SKILLS), fault=faults)
    def agent_is_configured(self, agent: str, chats: int, skills: dict[str, int], fault: tuple[int, bool]) -> None:
        profile = agent_profile(agent, chats=chats, teams=TEAM, **skills) if chats else None
        known = self.centre.routing.agents.get(AgentId(agent))
        self.allowed[agent] = known.load["chat"] if known else 0
        configuration = self.centre.settings.configuration
        others = {name: other for name, other in configuration.agents.items() if name != agent}
        self.centre.settings.configuration = type(configuration)(
            accounts=configuration.accounts,
            queues=configuration.queues,
            agents=others | ({profile.agent_id: profile} if profile else {}),
        )
        self.carry_out(lambda _: configure_agent(self.centre.world, AgentId(agent), profile), fault)

    @rule(seconds=st.sampled_from([1, 10, 20, 31, 61, 100_000]), fault=faults)
    def time_passes(self, seconds: int, fault: tuple[int, bool]) -> None:
        end_ms = self.centre.now_ms + seconds * 1000
        while due := [timer.due_ms for timer in self.centre.timers.armed if timer.due_ms <= end_ms]:
            self.centre.now_ms = self.centre.timers.now_ms = max(self.centre.now_ms, min(due))
            self.run_due(fault)
            fault = (0, False)
        self.centre.now_ms = self.centre.timers.now_ms = end_ms

    # ------------------------------------------------------------ what must hold whenever no step is under way

    @invariant()
    def every_message_is_one_entry(self) -> None:
        assert len(self.centre.threads.entries) == self.sent

    @invariant()
    def nobody_holds_more_than_their_capacity(self) -> None:
        for agent in self.centre.routing.agents.values():  # what is over a lowered capacity only grows less
            self.allowed[agent.agent_id] = min(self.allowed.get(agent.agent_id, 0), agent.load["chat"])
        require(promises.load_is_what_is_held_and_within_capacity, self.centre, self.allowed)

    @invariant()
    def a_contact_and_its_slot_agree(self) -> None:
        require(promises.a_contact_and_its_slot_agree, self.centre)

    @invariant()
    def nobody_waits_while_an_able_agent_is_free(self) -> None:
        require(promises.nobody_waits_while_an_able_agent_is_free, self.centre)

    @invariant()
    def an_able_agent_can_be_found(self) -> None:
        require(promises.an_able_agent_can_be_found, self.centre)

    @invariant()
    def hints_stand_where_others_look(self) -> None:
        require(promises.hints_stand_where_others_look, self.centre)

    @invariant()
    def every_offer_has_an_end_and_every_exclusion_too(self) -> None:
        require(promises.whatever_has_an_end_has_a_timer, self.centre)

    @invariant()
    def a_lost_agent_has_a_grace_running(self) -> None:
        require(promises.a_lost_agent_has_a_grace_running, self.centre)

    @invariant()
    def who_is_to_leave_after_work_has_work(self) -> None:
        require(promises.who_is_to_leave_after_work_has_work, self.centre)

    @invariant()
    def no_screen_is_open_that_has_gone(self) -> None:
        require(promises.no_screen_is_open_that_has_gone, self.centre)

    @invariant()
    def one_person_has_one_conversation(self) -> None:
        require(promises.homes_lead_to_one_conversation, self.centre)
        for person in self.linked.values():
            assert len({self.home_of(identifier) for identifier in person}) == 1

    @invariant()
    def the_last_word_about_consent_is_known(self) -> None:
        for (identifier, account), (_, refused) in self.refused.items():
            customer = root(self.centre, self.centre.home(identifier))
            known = self.centre.customers.find_identifier(customer, Identifier.parse(identifier))  # type: ignore[arg-type]
            assert known is not None
            assert known.opted_out(account) == refused

    def home_of(self, identifier: str) -> Home:
        return root(self.centre, self.centre.home(identifier))


TestContactCentre = ContactCentre.TestCase
TestContactCentre.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
