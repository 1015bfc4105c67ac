"""Keep who brought a contact into the state it is in, when and why, and let a visitor know of the state."""

from throughline.domain.conversations import ContactChange, Head
from throughline.domain.identifiers import AgentId
from throughline.flows.show_visitor import show_state
from throughline.ports import World


def record_state(world: World, head: Head, *, by: str, why: str, agent: AgentId | None) -> None:
    """Record the state of `head` at its turn, once; `agent` is whom it concerns. 1 WRU.

    A visitor of web chat is shown how it stands (1 RRU).
    """
    world.threads.record_change(
        ContactChange(
            home=head.home,
            conversation=head.conversation,
            turn=head.turn,
            state=head.state,
            at_ms=world.clock(),
            by=by,
            why=why,
            agent=agent,
        )
    )
    show_state(world, head)
