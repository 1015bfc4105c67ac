"""A contact centre in the middle of something, and the step that is about to be taken."""

from collections.abc import Callable
from typing import Any

from tests.fakes.world import NEVER_MS, Centre, agent_profile
from tests.unit.promises import broken
from throughline.domain.identifiers import AgentId, ConnectionId
from throughline.domain.rights import Caller, Role
from throughline.domain.routing import Presence
from throughline.flows.conclude import close, pause, transfer, wrap_up
from throughline.flows.offers import accept_offer, reject_offer
from throughline.flows.presence import lose_connection, set_presence
from throughline.flows.run_timer import run_timer
from throughline.flows.supervise import assign, take_over

MAYA, RAKA, DEWI = "telegram:1", "telegram:2", "telegram:3"
PHONE, BSUID, OTHER = "tel:+14155550100", "bsuid:US.1349", "bsuid:US.777"
FRONT = ("front",)
ANA, BUDI, SARA = AgentId("ana"), AgentId("budi"), AgentId("sara")
SMS = {"account": "twilio_sms/+15005550006", "channel": "twilio_sms"}
VISITOR, USER = "visitor:00ff", "external-id:u-77"
CHAT = {"account": "webchat/shop-1", "channel": "webchat"}
WHATSAPP = {"account": "whatsapp/1001", "channel": "whatsapp"}


class Stage:
    """A contact centre in the middle of something, and the step that is about to be taken."""

    def __init__(self) -> None:
        self.centre = Centre(
            agent_profile("ana", teams=FRONT, en=5),
            agent_profile("budi", teams=FRONT, en=3, id=5),
            agent_profile("sara", chats=1, teams=FRONT, en=1, sales=3),
        )
        self.world = self.centre.world
        self.step: Callable[[bool], object] = lambda _: None

    # ------------------------------------------------------------ what has happened

    def wrote(self, sender: str, **fields: Any) -> "Stage":
        self.centre.write(sender, **({} if sender.startswith("telegram") else fields or WHATSAPP))
        self.centre.pass_s(0)
        return self

    def here(self, *agents: str) -> "Stage":
        self.centre.available(*agents)
        self.centre.pass_s(0)
        return self

    def accepted(self, *senders: str) -> "Stage":
        for sender in senders:
            head = self.centre.live(sender)
            accept_offer(self.world, AgentId(str(head.holder)), head.conversation, head.turn)
        return self

    def did(self, act: Callable[["Stage"], object]) -> "Stage":
        act(self)
        self.centre.pass_s(0)
        return self

    # ------------------------------------------------------------ what is about to happen

    def writes(self, *senders: str, **fields: Any) -> "Stage":
        event = self.centre.message(senders, "and now this", **fields)
        self.step = lambda repeated: self.centre.deliver(event, inbound="the record", repeated=repeated)
        return self

    def signs_in(self, visitor: str, user: str) -> "Stage":
        event = self.centre.signed_in(visitor, user)
        self.step = lambda repeated: self.centre.deliver(event, inbound="the record", repeated=repeated)
        return self

    def timer(self, sender: str, kind: str, **fields: Any) -> "Stage":
        head = self.centre.live(sender)
        work = {"kind": kind, "conversation": head.conversation, "turn": head.turn, **fields}
        self.step = lambda repeated: run_timer(self.world, work, repeated=repeated)
        return self

    def grace(self, agent: AgentId) -> "Stage":
        work = {"kind": "grace", "agent": agent, "epoch": self.centre.routing.agents[agent].epoch}
        self.centre.timers.armed = [timer for timer in self.centre.timers.armed if timer.work != work]
        self.step = lambda repeated: run_timer(self.world, work, repeated=repeated)
        return self

    def loses(self, agent: AgentId) -> "Stage":
        socket = ConnectionId(f"{agent}-1")
        self.step = lambda repeated: lose_connection(self.world, agent, socket, repeated=repeated)
        return self

    def does(self, act: Callable[["Stage"], object]) -> "Stage":
        self.step = lambda _: act(self)
        return self


def declares(agent: AgentId, presence: Presence) -> Callable[[Stage], object]:
    return lambda stage: set_presence(stage.world, agent, presence, None)


def rejects(agent: AgentId, sender: str) -> Callable[[Stage], object]:
    def act(stage: Stage) -> None:
        turn = offered.setdefault(stage, stage.centre.live(sender).turn)
        reject_offer(stage.world, agent, stage.centre.live(sender).conversation, turn, None)

    offered: dict[Stage, int] = {}
    return act


def closes(agent: AgentId, sender: str) -> Callable[[Stage], object]:
    return lambda stage: close(stage.world, agent, stage.centre.live(sender).conversation, "solved", None)


def pauses(agent: AgentId, sender: str) -> Callable[[Stage], object]:
    def act(stage: Stage) -> None:
        pause(stage.world, agent, stage.centre.live(sender).conversation, stage.centre.now_ms + 90_000)

    return act


def leaves_after_work(agent: AgentId, presence: Presence = Presence.NOT_READY) -> Callable[[Stage], object]:
    return lambda stage: set_presence(stage.world, agent, presence, "lunch", after_work=True)


def wraps_up(agent: AgentId, sender: str) -> Callable[[Stage], object]:
    return lambda stage: wrap_up(stage.world, agent, stage.centre.live(sender).conversation)


def supervisor(agent: AgentId) -> Caller:
    return Caller(subject=agent, role=Role.SUPERVISOR, expires_ms=NEVER_MS)


def takes_over(agent: AgentId, sender: str) -> Callable[[Stage], object]:
    """Take over the contact as it stood when the step was first taken."""
    turns: dict[Stage, int] = {}  # by itself, not by its id: those come again

    def act(stage: Stage) -> None:
        head = stage.centre.live(sender)
        take_over(stage.world, supervisor(agent), head.conversation, turns.setdefault(stage, head.turn))

    return act


def assigns(agent: AgentId, sender: str, to: AgentId) -> Callable[[Stage], object]:
    def act(stage: Stage) -> None:
        head = stage.centre.live(sender)
        assign(stage.world, supervisor(agent), head.conversation, turns.setdefault(stage, head.turn), to)

    turns: dict[Stage, int] = {}  # by itself, not by its id: those come again
    return act


def leaves(agent: AgentId) -> Callable[[Stage], object]:
    return lambda stage: lose_connection(stage.world, agent, ConnectionId(f"{agent}-1"), repeated=False)


def transfers(agent: AgentId, sender: str, to: AgentId) -> Callable[[Stage], object]:
    def act(stage: Stage) -> None:
        transfer(stage.world, agent, stage.centre.live(sender).conversation, queue=None, to_agent=to)

    return act


def to_queue(stage: Stage) -> Stage:
    return stage.timer(MAYA, "transfer", agent=ANA, queue="sales", to_agent=None)


def resumes(stage: Stage) -> Stage:
    return stage.timer(MAYA, "resume", until_ms=stage.centre.live(MAYA).until_ms)


def wrapping() -> Stage:
    """Ana's contact is in wrap-up, which ends by itself after a while."""
    scene = serving()
    scene.centre.end_wrap_ups_after(60)
    scene.centre.pass_s(5)  # time to read what the customer wrote
    return scene.did(wraps_up(ANA, MAYA))


def wrap_up_ends(stage: Stage) -> Stage:
    return stage.timer(MAYA, "wrap_up", until_ms=stage.centre.live(MAYA).until_ms)


def stage() -> Stage:
    return Stage()


def serving() -> Stage:
    return stage().here("ana").wrote(MAYA).accepted(MAYA)


def busy() -> Stage:
    """Sara, who takes one chat at a time, is in one; two more wait."""
    return stage().here("sara").wrote(MAYA).accepted(MAYA).wrote(RAKA).wrote(DEWI)


def two_matters() -> Stage:
    """Somebody who turns out to be one person talks to both agents."""
    talking = stage().here("ana", "budi").wrote(PHONE, **SMS).wrote(BSUID)
    return talking.accepted(PHONE, BSUID)


def settled(scene: Stage) -> list[str]:
    """Return what is broken when all is done that is to be done at once; joining has a timer in case it dies."""
    scene.centre.pass_s(16 if scene.centre.timers.of_kind("joined") else 0)
    return broken(scene.centre)
