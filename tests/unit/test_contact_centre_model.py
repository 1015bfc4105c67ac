"""Whatever people do, in whatever order, and wherever a step dies before it is repeated: the promises hold."""

from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.fakes.world import Centre, agent_profile
from throughline.domain.conversations import HOLDING, ContactState
from throughline.domain.errors import ThroughlineError
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.routing import WORK_CLASSES, Presence, able, fits
from throughline.flows.conclude import close, pause, transfer, wrap_up
from throughline.flows.offers import accept_offer, reject_offer
from throughline.flows.presence import lose_connection, set_presence
from throughline.flows.run_timer import run_timer

AGENTS = ("ana", "budi", "sara")
CUSTOMERS = tuple(f"telegram:{number}" for number in range(5))
TEXTS = ("hello there, how are you doing today", "halo, saya mau tanya pesanan saya belum sampai")

agents = st.sampled_from(AGENTS)
customers = st.sampled_from(CUSTOMERS)
# The request to AWS at which the step dies, and whether it had taken effect; 0 lets it live.
faults = st.tuples(st.sampled_from([0, 0, 0, *range(1, 25)]), st.booleans())


class DiedError(BaseException):
    """The process was killed."""


class Mortal:
    """A port whose nth use kills the process, before or after the effect."""

    def __init__(self, port: Any, machine: "ContactCentre") -> None:
        self._port = port
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._port, name)
        return self._machine.mortal(attribute) if callable(attribute) else attribute


class ContactCentre(RuleBasedStateMachine):
    """Random steps of customers, agents and time."""

    def __init__(self) -> None:
        super().__init__()
        self.centre = Centre(
            agent_profile("ana", en=5), agent_profile("budi", en=3, id=5), agent_profile("sara", chats=1, en=1, sales=3)
        )
        self.sent = 0
        self.sockets: Counter[str] = Counter()
        self._left = 0
        self._after = False
        self._kill = False
        ports = ("threads", "routing", "customers", "timers", "connections", "media")
        for port in ports:
            object.__setattr__(self.centre.world, port, Mortal(getattr(self.centre.world, port), self))

    def mortal(self, use: Any) -> Any:
        def used(*arguments: Any, **named: Any) -> Any:
            if not self._kill:
                return use(*arguments, **named)
            self._left -= 1
            if self._left == 0 and not self._after:
                raise DiedError
            result = use(*arguments, **named)
            if self._left == 0:
                raise DiedError
            return result

        return used

    def carry_out(self, step: Any, fault: tuple[int, bool]) -> None:
        """Do a step that may die, and then again, as its queue or its client would; then what is due at once."""
        self._left, self._after = fault
        self._kill = self._left > 0
        try:
            step(repeated=False)
        except DiedError:
            self._kill = False
            self.quietly(lambda: step(repeated=True))
        except ThroughlineError:
            pass
        self._kill = False
        self.run_due()

    @staticmethod
    def quietly(step: Any) -> None:
        with suppress(ThroughlineError):
            step()

    def run_due(self, fault: tuple[int, bool] = (0, False)) -> None:
        while due := [timer for timer in self.centre.timers.armed if timer.due_ms <= self.centre.now_ms]:
            timer = min(due, key=lambda item: item.due_ms)
            self.centre.timers.armed.remove(timer)
            self.carry_out(
                lambda repeated, work=timer.work: run_timer(self.centre.world, work, repeated=repeated), fault
            )
            fault = (0, False)

    def held(self, agent: str, *states: ContactState) -> Any:
        found = [head for head in self.centre.threads.lives.values() if head.holder == agent and head.state in states]
        return min(found, key=lambda head: head.conversation, default=None)

    # ------------------------------------------------------------ what people do

    @rule(customer=customers, text=st.sampled_from(TEXTS), sales=st.booleans(), fault=faults)
    def customer_writes(self, customer: str, text: str, sales: bool, fault: tuple[int, bool]) -> None:
        account = {"account": "whatsapp/1002", "channel": "whatsapp"} if sales else {}
        event = self.centre.message(customer, text, **account)
        self.sent += 1
        inbound = f"q{self.sent}"
        self.carry_out(lambda repeated: self.centre.deliver(event, inbound=inbound, repeated=repeated), fault)
        self.carry_out(lambda **_: self.centre.deliver(event), (0, False))  # the provider delivers everything twice

    @rule(agent=agents, fault=faults)
    def agent_connects(self, agent: str, fault: tuple[int, bool]) -> None:
        self.sockets[agent] += 1
        socket = f"{agent}-{self.sockets[agent]}"
        self.carry_out(lambda **_: self.centre.hello(agent, socket), fault)

    @rule(agent=agents, fault=faults)
    def agent_disconnects(self, agent: str, fault: tuple[int, bool]) -> None:
        socket = ConnectionId(f"{agent}-{self.sockets[agent]}")
        self.carry_out(
            lambda repeated: lose_connection(self.centre.world, AgentId(agent), socket, repeated=repeated), fault
        )

    @rule(agent=agents, presence=st.sampled_from(Presence), fault=faults)
    def agent_declares(self, agent: str, presence: Presence, fault: tuple[int, bool]) -> None:
        self.carry_out(lambda **_: set_presence(self.centre.world, AgentId(agent), presence, None), fault)

    @rule(agent=agents, accepts=st.booleans(), fault=faults)
    def agent_answers_offer(self, agent: str, accepts: bool, fault: tuple[int, bool]) -> None:
        head = self.held(agent, ContactState.OFFERED)
        if head and accepts:
            self.carry_out(
                lambda **_: accept_offer(self.centre.world, AgentId(agent), head.conversation, head.turn), fault
            )
        elif head:
            self.carry_out(
                lambda **_: reject_offer(self.centre.world, AgentId(agent), head.conversation, head.turn, None), fault
            )

    @rule(agent=agents, how=st.sampled_from(["wrap_up", "close", "pause", "to_queue", "to_budi"]), fault=faults)
    def agent_lets_go(self, agent: str, how: str, fault: tuple[int, bool]) -> None:
        head = self.held(agent, ContactState.ACTIVE, ContactState.WRAPPING)
        if head is None:
            return
        world, mine, conversation = self.centre.world, AgentId(agent), head.conversation
        disposition = "solved" if head.queue == "support" else None
        until_ms = self.centre.now_ms + 90_000
        steps = {
            "wrap_up": lambda **_: wrap_up(world, mine, conversation),
            "close": lambda **_: close(world, mine, conversation, disposition, None),
            "pause": lambda **_: pause(world, mine, conversation, until_ms),
            "to_queue": lambda **_: transfer(world, mine, conversation, queue="sales", to_agent=None),
            "to_budi": lambda **_: transfer(world, mine, conversation, queue=None, to_agent=AgentId("budi")),
        }
        self.carry_out(steps[how], fault)

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
        for agent in self.centre.routing.agents.values():
            held = Counter(slot.work_class for slot in agent.held.values())
            assert held == {name: count for name, count in agent.load.items() if count}
            assert held["chat"] <= agent.capacity["chat"]

    @invariant()
    def a_contact_and_its_slot_agree(self) -> None:
        heads = {head.conversation: head for head in self.centre.threads.lives.values()}
        for agent in self.centre.routing.agents.values():
            for conversation, slot in agent.held.items():
                head = heads[conversation]
                assert (head.holder, head.turn) == (agent.agent_id, slot.turn)
        for head in heads.values():
            assert (head.holder is not None) == (head.state in HOLDING or head.state is ContactState.PAUSED)
            if head.holder:
                assert head.conversation in self.centre.routing.agents[head.holder].held

    @invariant()
    def nobody_waits_while_an_able_agent_is_free(self) -> None:
        waiting = {(item.conversation, item.turn) for item in self.centre.routing.waiting.values()}
        for head in self.centre.threads.lives.values():
            if head.state is ContactState.QUEUED:
                assert (head.conversation, head.turn) in waiting
                for agent in self.centre.routing.agents.values():
                    fit = fits(head.requirement, agent.signature, agent.agent_id)
                    assert not (fit and able(agent, "chat") and agent.agent_id not in head.excluded)

    @invariant()
    def an_able_agent_can_be_found(self) -> None:
        ready = {(item.agent_id, item.work_class, item.stamp) for item in self.centre.routing.ready.values()}
        for agent in self.centre.routing.agents.values():
            for work_class in WORK_CLASSES:
                if able(agent, work_class):
                    assert (agent.agent_id, work_class, agent.stamps[work_class]) in ready

    @invariant()
    def every_offer_has_an_end_and_every_exclusion_too(self) -> None:
        armed = {(timer.work["kind"], timer.work.get("conversation"), timer.work.get("turn")) for timer in self.armed()}
        for head in self.centre.threads.lives.values():
            if head.state is ContactState.OFFERED:
                assert ("offer_timeout", head.conversation, head.turn) in armed
            if head.state is ContactState.QUEUED and head.excluded:
                assert ("cool_down", head.conversation, head.turn) in armed
            if head.state is ContactState.PAUSED:
                assert ("resume", head.conversation, head.turn) in armed

    @invariant()
    def a_lost_agent_has_a_grace_running(self) -> None:
        armed = {(timer.work["kind"], timer.work.get("agent")) for timer in self.armed()}
        for agent in self.centre.routing.agents.values():
            holds = any(slot.work_class != "paused" for slot in agent.held.values())
            if holds and not agent.sockets:
                assert ("grace", agent.agent_id) in armed

    def armed(self) -> Any:
        return self.centre.timers.armed


TestContactCentre = ContactCentre.TestCase
TestContactCentre.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
