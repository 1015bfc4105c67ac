"""Do what was to be done later. Each kind of work checks by itself whether it is still due: timers may fire twice."""

from collections.abc import Callable, Mapping
from typing import Any

from throughline.domain.errors import MalformedPayloadError
from throughline.domain.identifiers import AgentId, ConnectionId, ConversationId, Home
from throughline.flows.conclude import carry_out_transfer, end_pause, end_wrap_up
from throughline.flows.link import ATTESTED, finish_joining
from throughline.flows.offers import time_out_offer
from throughline.flows.presence import configure_agent, end_grace, lose_connection
from throughline.flows.requeue import cool_down, look_again
from throughline.flows.supervise import carry_out_assignment, finish_taking
from throughline.ports import World

Work = Mapping[str, Any]


def run_timer(world: World, work: Work, *, repeated: bool) -> None:
    """Do one piece of work. Safe to repeat.

    Raises:
        MalformedPayloadError: nobody knows this kind of work, or it lacks a field.
    """
    kind = _KINDS.get(str(work.get("kind")))
    if kind is None:
        raise MalformedPayloadError("timer work of an unknown kind")
    run, fields = kind
    missing = [field for field in fields if field not in work]
    if missing:
        raise MalformedPayloadError(f"timer work without {', '.join(missing)}")
    run(world, work, repeated)


def _place(world: World, work: Work, _repeated: bool) -> None:  # noqa: FBT001 - the signature of every kind
    look_again(world, ConversationId(work["conversation"]), int(work["turn"]))


def _offer_timeout(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    conversation, turn, looked = ConversationId(work["conversation"]), int(work["turn"]), bool(work.get("looked"))
    time_out_offer(world, conversation, turn, deadline_ms=work.get("deadline_ms"), looked=looked, repeated=repeated)


def _cool_down(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    cool_down(world, ConversationId(work["conversation"]), int(work["turn"]), repeated=repeated)


def _vanish(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    lose_connection(world, AgentId(work["agent"]), ConnectionId(work["connection"]), repeated=repeated)


def _grace(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    end_grace(world, AgentId(work["agent"]), int(work["epoch"]), repeated=repeated)


def _transfer(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    carry_out_transfer(world, work, repeated=repeated)


def _resume(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    conversation, turn = ConversationId(work["conversation"]), int(work["turn"])
    end_pause(world, conversation, turn, int(work["until_ms"]), repeated=repeated)


def _wrap_up(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    conversation, turn = ConversationId(work["conversation"]), int(work["turn"])
    end_wrap_up(world, conversation, turn, int(work["until_ms"]), repeated=repeated)


def _assign(world: World, work: Work, repeated: bool) -> None:  # noqa: FBT001
    carry_out_assignment(world, work, repeated=repeated)


def _taken(world: World, work: Work, _repeated: bool) -> None:  # noqa: FBT001
    finish_taking(world, ConversationId(work["conversation"]), int(work["turn"]))


def _joined(world: World, work: Work, _repeated: bool) -> None:  # noqa: FBT001
    conversation, why = ConversationId(work["conversation"]), str(work.get("why", ATTESTED))
    finish_joining(world, conversation, int(work["turn"]), Home(work["into"]), why)


def _agent_configured(world: World, work: Work, _repeated: bool) -> None:  # noqa: FBT001
    agent = AgentId(work["agent"])
    configure_agent(world, agent, world.settings.find_agent_profile(agent))


_CONTACT = ("conversation", "turn")

_KINDS: Mapping[str, tuple[Callable[[World, Work, bool], None], tuple[str, ...]]] = {
    "place": (_place, _CONTACT),
    "offer_timeout": (_offer_timeout, _CONTACT),
    "cool_down": (_cool_down, _CONTACT),
    "vanish": (_vanish, ("agent", "connection")),
    "grace": (_grace, ("agent", "epoch")),
    "transfer": (_transfer, ("agent", *_CONTACT, "queue", "to_agent")),
    "resume": (_resume, (*_CONTACT, "until_ms")),
    "wrap_up": (_wrap_up, (*_CONTACT, "until_ms")),
    "assign": (_assign, (*_CONTACT, "to_agent", "by")),
    "taken": (_taken, _CONTACT),
    "joined": (_joined, (*_CONTACT, "into")),
    "agent_configured": (_agent_configured, ("agent",)),
}
