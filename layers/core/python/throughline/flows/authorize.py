"""Hold an act against the table of rights, with the conversation as it stands now."""

from throughline.domain.conversations import Head
from throughline.domain.errors import NotFoundError
from throughline.domain.identifiers import AgentId, ConversationId, CustomerId, home_of_conversation
from throughline.domain.rights import Caller, Ownership, Role, is_allowed, ownership_of, require_right
from throughline.flows.read_thread import find_live
from throughline.flows.requeue import find_head
from throughline.ports import World


def authorize_on_conversation(world: World, caller: Caller, action: str, conversation: ConversationId) -> Head:
    """Return the conversation, live or closed, if the caller may do this to it.

    Raises:
        ForbiddenError: they may not.
        NotFoundError: there is no such conversation.
        InvalidRequestError: this is no conversation id.
    """
    head = find_head(world, conversation)
    if head is None:
        raise NotFoundError("no such conversation")
    require_right(action, caller.role, standing(world, caller, head))
    return head


def authorize_on_customer(
    world: World, caller: Caller, action: str, customer: CustomerId, closed: ConversationId | None = None
) -> CustomerId:
    """Return who the customer is by now, if the caller may do this to them.

    The right comes from the customer's live conversation, or from the `closed` one the caller names.

    Raises:
        ForbiddenError: they may not.
    """
    current, live = find_live(world, customer)
    for head in (live, _closed_of(world, current, closed)):
        if head and is_allowed(action, caller.role, standing(world, caller, head)):
            return current
    require_right(action, caller.role)
    return current


def standing(world: World, caller: Caller, head: Head) -> Ownership:
    """Return how a conversation stands to the caller; for a supervisor also whether it is with somebody they lead."""
    own = ownership_of(head, caller.agent)
    if own is not Ownership.OTHER or caller.role is not Role.SUPERVISOR:
        return own
    if head.holder is None:
        return Ownership.WAITING
    return Ownership.TEAM if leads(world, caller, head.holder) else own


def leads(world: World, caller: Caller, agent: AgentId) -> bool:
    """Return whether the caller supervises this agent: one of their teams, or themselves."""
    if caller.role is not Role.SUPERVISOR:
        return False
    return agent == caller.agent or bool(_teams(world, caller.agent) & _teams(world, agent))


def _teams(world: World, agent: AgentId) -> set[str]:
    profile = world.settings.find_agent_profile(agent)
    return set(profile.teams) if profile else set()


def _closed_of(world: World, customer: CustomerId, conversation: ConversationId | None) -> Head | None:
    if conversation is None:
        return None
    head = world.threads.find_archived(conversation)
    theirs = head and find_live(world, CustomerId(home_of_conversation(conversation)))[0] == customer
    return head if theirs else None
