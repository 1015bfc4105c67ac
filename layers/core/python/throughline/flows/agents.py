"""Change an agent's item: read, compute, write under its sequence number, repeat."""

from collections.abc import Callable

from throughline.domain.errors import StoreUnavailableError
from throughline.domain.identifiers import AgentId
from throughline.domain.routing import Agent, with_stamps, written
from throughline.flows.assign import withdraw_ready
from throughline.ports import World

TRIES = 40


def change_agent(
    world: World, agent_id: AgentId, change: Callable[[Agent], Agent], *, repeated: bool = False
) -> tuple[Agent | None, Agent | None]:
    """Write what `change` makes of the agent; return the agent before and after, or None twice if there is none.

    Classes that turn able get a fresh stamp (the caller then settles with `ensure`), hints that are no longer true go.
    Before is what the first look saw: after a lost reply the second one sees what this call has written itself.

    Raises:
        StoreUnavailableError: others kept writing. Repeat.
    """
    first: Agent | None = None
    for _ in range(TRIES):
        before = world.routing.find_agent(agent_id)
        if before is None:
            return None, None
        first = first or before
        changed = change(before)
        after = before if changed == before else with_stamps(before, changed, world.clock())
        if after is before or world.routing.replace_agent(before, after):
            for stood in [before] if first is before else [first, before]:
                withdraw_ready(world, stood, after, repeated=repeated)
            return first, after if after is before else written(before, after)
    raise StoreUnavailableError("the agent is changing too fast")
