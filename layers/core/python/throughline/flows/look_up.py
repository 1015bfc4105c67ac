"""What a person's screen reads over HTTP: customers, threads, conversations, colleagues, queues."""

from collections.abc import Mapping
from typing import Any

from throughline.domain.conversations import ContactChange
from throughline.domain.customers import CustomerIdentifier
from throughline.domain.errors import NotFoundError
from throughline.domain.frames import conversation_view, iso, presence_view
from throughline.domain.identifiers import ConversationId, CustomerId
from throughline.domain.rights import Caller, require_right
from throughline.domain.routing import WORK_CLASSES, Waiting
from throughline.flows.authorize import authorize_on_conversation, authorize_on_customer
from throughline.flows.read_thread import find_live, read_thread
from throughline.ports import World

View = Mapping[str, Any]

MAX_COUNTED = 100  # waiting contacts read for each requirement


def view_thread(  # noqa: PLR0913 - three of them are the query of the request
    world: World, caller: Caller, customer: CustomerId, *, closed: ConversationId | None, before: str | None, limit: int
) -> View:
    """Return one page of a customer's thread, oldest first, and where the page before it begins.

    Raises:
        ForbiddenError, NotFoundError, InvalidRequestError: as `authorize_on_customer` and `read_thread`.
    """
    current = authorize_on_customer(world, caller, "GET /threads", customer, closed)
    page = read_thread(world, current, caller.role, before=before, limit=limit)
    return {"customer": page.customer, "entries": page.entries, "before": page.before}


def view_conversation(world: World, caller: Caller, conversation: ConversationId) -> View:
    """Return a conversation, live or closed, and every change of its contact: who, when, why, after which decision.

    Raises:
        ForbiddenError, NotFoundError, InvalidRequestError: as `authorize_on_conversation`.
    """
    head = authorize_on_conversation(world, caller, "GET /conversations", conversation)
    changes = world.threads.list_changes(head.home, conversation)
    return {**conversation_view(head), "changes": [_change_view(change) for change in changes]}


def _change_view(change: ContactChange) -> View:
    return {
        "turn": change.turn,
        "state": change.state,
        "at": iso(change.at_ms),
        "by": change.by,
        "why": change.why,
        "agent": change.agent,
        "decision": dict(change.decision) or None,
    }


def view_customer(world: World, caller: Caller, customer: CustomerId, closed: ConversationId | None) -> View:
    """Return the customer's card: name, language, identifiers with consent, and the live conversation.

    Raises:
        ForbiddenError: as `authorize_on_customer`.
        NotFoundError: there is no such customer.
    """
    current = authorize_on_customer(world, caller, "GET /customers", customer, closed)
    found = world.customers.find_customer(current)
    if found is None:
        raise NotFoundError("no such customer")
    live = find_live(world, current)[1]
    return {
        "customer": found.customer_id,
        "name": found.name,
        "language": found.language,
        "since": iso(found.since_ms),
        "identifiers": [_identifier_view(item) for item in found.identifiers],
        "conversation": conversation_view(live) if live else None,
    }


def _identifier_view(item: CustomerIdentifier) -> View:
    consents = {account: word.startswith("+") for account, word in item.consents.items()}
    return {
        "identifier": str(item.identifier),
        "evidence": item.identifier.evidence,
        "since": iso(item.since_ms),
        "consents": consents,
    }


def view_agents(world: World, caller: Caller) -> View:
    """Return every agent with presence, capacity and load, by name.

    Raises:
        ForbiddenError: the caller may not see colleagues.
    """
    require_right("GET /agents", caller.role)
    agents = sorted(world.routing.list_agents(), key=lambda agent: (agent.name, agent.agent_id))
    return {"agents": [{**presence_view(agent), "teams": list(agent.teams)} for agent in agents]}


def view_queues(world: World, caller: Caller) -> View:
    """Return every queue, how many wait in it (counted up to 100 for each requirement) and since when the first does.

    Raises:
        ForbiddenError: the caller may not see queues.
    """
    require_right("GET /queues", caller.role)
    waiting = _waiting_by_queue(world)
    return {
        "queues": [
            {
                "queue": queue.name,
                "work_class": queue.work_class,
                "offer_s": queue.offer_s,
                "dispositions": list(queue.dispositions),
                "waiting": len(waiting.get(queue.name, [])),
                "oldest_since": _oldest_since(waiting.get(queue.name, [])),
            }
            for queue in world.settings.list_queues()
        ]
    }


def _waiting_by_queue(world: World) -> dict[str, list[Waiting]]:
    waiting: dict[str, list[Waiting]] = {}
    for work_class in WORK_CLASSES:
        for requirement in world.routing.list_requirements(work_class):
            for item in world.routing.list_waiting(work_class, requirement, limit=MAX_COUNTED, strong=False):
                waiting.setdefault(item.queue, []).append(item)
    return waiting


def _oldest_since(waiting: list[Waiting]) -> str | None:
    return iso(min(item.opened_ms for item in waiting)) if waiting else None
