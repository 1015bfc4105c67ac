"""Whatever agents declare, and however their screens come and go: they stand as a model of a few lines says."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.fakes.world import Centre, agent_profile
from throughline.domain.configuration import DEFAULT_GRACE_S
from throughline.domain.conversations import ContactState, Head
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.routing import Presence
from throughline.flows.conclude import close
from throughline.flows.offers import accept_offer
from throughline.flows.presence import TABS, configure_agent, lose_connection, set_presence

ANA = AgentId("ana")
MAYA = "telegram:1"
GRACE_MS = DEFAULT_GRACE_S * 1000
SKILLS: tuple[dict[str, Any], ...] = ({"en": 5}, {"en": 3, "id": 5}, {"en": 1, "sales": 2})

screens = st.integers(0, 11)


class AgentComesAndGoes(RuleBasedStateMachine):
    """One agent who takes one chat at a time, their screens, one customer, and time.

    The model: what was declared last, which screens are open (the newest `TABS`), how often the agent came and went,
    until when the end of their last screen is forgiven, whether they are there at all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.centre = Centre(agent_profile("ana", chats=1, en=5))
        self.known = False
        self.presence = Presence.OFFLINE
        self.reason: str | None = None
        self.open: tuple[str, ...] = ()
        self.epoch = 0
        self.skills = SKILLS[0]
        self.grace_ms: int | None = None
        self.connected: set[str] = set()
        self.gone: set[str] = set()

    # ------------------------------------------------------------ screens

    @rule(number=screens)
    def screen_says_hello(self, number: int) -> None:
        screen = f"ana-{number}"
        snapshot = self.centre.hello("ana", screen)
        self.known = True
        self.connected.add(screen)
        if screen not in self.open:
            self.epoch += not self.open
            self.open = (*self.open, screen)[-TABS:]
            self.grace_ms = None
        assert snapshot["agent"]["presence"] == self.presence
        if screen in self.gone:  # the frame was under way when its screen had closed
            self.goes(screen)
        self.centre.pass_s(0)

    @rule(number=screens, again=st.booleans())
    def screen_closes(self, number: int, again: bool) -> None:
        screen = f"ana-{number}"
        for repeated in (False, True)[: 1 + again]:
            lose_connection(self.centre.world, ANA, ConnectionId(screen), repeated=repeated)
        self.gone |= {screen} & self.connected
        self.goes(screen)
        self.centre.pass_s(0)

    @precondition(lambda self: self.open)
    @rule(number=screens)
    def screen_dies_unseen_and_is_found_out(self, number: int) -> None:
        screen = self.open[number % len(self.open)]
        self.centre.sockets.gone.add(screen)
        self.gone.add(screen)
        set_presence(self.centre.world, ANA, self.presence, self.reason)  # all screens are told
        self.centre.pass_s(0)
        for each in [each for each in self.open if each in self.centre.sockets.gone]:
            self.goes(each)

    def goes(self, screen: str) -> None:
        if screen in self.open:
            self.open = tuple(each for each in self.open if each != screen)
            if not self.open:
                self.epoch += 1
                self.grace_ms = self.centre.now_ms + GRACE_MS

    # ------------------------------------------------------------ what they declare, and what operators do

    @precondition(lambda self: self.open)  # a frame comes over a connection that has said hello
    @rule(presence=st.sampled_from(Presence), reason=st.sampled_from([None, "lunch"]), again=st.booleans())
    def agent_declares(self, presence: Presence, reason: str | None, again: bool) -> None:
        for _ in range(1 + again):
            set_presence(self.centre.world, ANA, presence, reason)
        self.presence, self.reason = presence, reason
        self.centre.pass_s(0)

    @precondition(lambda self: self.known)
    @rule(skills=st.sampled_from(SKILLS))
    def agent_learns(self, skills: dict[str, Any]) -> None:
        configure_agent(self.centre.world, ANA, agent_profile("ana", chats=1, **skills))
        self.epoch += bool(self.open and skills != self.skills)
        self.skills = skills
        self.centre.pass_s(0)

    # ------------------------------------------------------------ work

    @rule()
    def customer_writes(self) -> None:
        self.centre.write(MAYA)
        self.centre.pass_s(0)

    @precondition(lambda self: self.contact() is ContactState.OFFERED)
    @rule()
    def agent_accepts(self) -> None:
        head = self.centre.live(MAYA)
        accept_offer(self.centre.world, ANA, head.conversation, head.turn)

    @precondition(lambda self: self.contact() is ContactState.ACTIVE)
    @rule()
    def agent_closes(self) -> None:
        close(self.centre.world, ANA, self.centre.live(MAYA).conversation, "solved", None)
        self.centre.pass_s(0)

    def contact(self) -> ContactState | None:
        head = self.head()
        return head.state if head else None

    def head(self) -> Head | None:
        return self.centre.threads.lives.get(self.centre.home(MAYA))

    # ------------------------------------------------------------ time

    @rule(seconds=st.sampled_from([1, 5, 19, 21, 31, 59, 61]))
    def time_passes(self, seconds: int) -> None:
        end_ms = self.centre.now_ms + seconds * 1000
        while due := [timer.due_ms for timer in self.centre.timers.armed if timer.due_ms <= end_ms]:
            at_ms = max(self.centre.now_ms, min(due))
            self.runs_out(at_ms)
            self.centre.pass_s((at_ms - self.centre.now_ms) / 1000)
        self.centre.pass_s((end_ms - self.centre.now_ms) / 1000)

    def runs_out(self, at_ms: int) -> None:
        """An offer that nobody answered takes its agent off duty; a grace that ends takes the agent away."""
        head = self.head()
        unanswered = head and head.state is ContactState.OFFERED and head.deadline_ms <= at_ms
        if unanswered and self.presence is Presence.AVAILABLE:
            self.presence, self.reason = Presence.NOT_READY, "no_answer"
        if self.grace_ms is not None and self.grace_ms <= at_ms:
            self.presence, self.reason, self.grace_ms = Presence.OFFLINE, "connection lost", None

    # ------------------------------------------------------------ what must hold

    @invariant()
    def agent_stands_as_the_model_says(self) -> None:
        agent = self.centre.routing.agents.get(ANA)
        assert (agent is not None) == self.known
        if agent:
            stands = (agent.presence, agent.reason, agent.sockets, agent.epoch)
            assert stands == (self.presence, self.reason, self.open, self.epoch)

    @invariant()
    def agent_can_be_found_exactly_while_they_can_take_work(self) -> None:
        head = self.head()
        busy = head is not None and head.holder == ANA
        wants = self.presence is Presence.AVAILABLE and bool(self.open) and not busy
        agent = self.centre.routing.agents.get(ANA)
        found = [item for item in self.centre.routing.ready.values() if agent and item.epoch == agent.epoch]
        true = [item for item in found if agent and item.stamp == agent.stamps.get("chat")]
        assert bool(true) == wants

    @invariant()
    def contact_stays_with_an_agent_who_may_still_come_back(self) -> None:
        head = self.head()
        if head is None or head.state is ContactState.RESOLVED:
            return
        if head.state is ContactState.ACTIVE:
            assert self.open or self.grace_ms is not None
        elif head.state is ContactState.OFFERED:
            assert self.open


TestAgentComesAndGoes = AgentComesAndGoes.TestCase
TestAgentComesAndGoes.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
