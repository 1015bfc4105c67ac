"""What a person's screen reads over HTTP: customers, threads, conversations, colleagues, queues."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from throughline.domain.conversations import ContactChange, ContactState, Head
from throughline.domain.customers import Customer, CustomerIdentifier
from throughline.domain.errors import NotFoundError
from throughline.domain.frames import conversation_view, iso, presence_view
from throughline.domain.identifiers import ConversationId, CustomerId
from throughline.domain.rights import Caller, require_right
from throughline.domain.routing import WORK_CLASSES, Agent, Waiting
from throughline.domain.vias import Via, ends_of
from throughline.flows.authorize import authorize_on_conversation, authorize_on_customer, leads
from throughline.flows.read_thread import find_live, read_thread
from throughline.ports import World

View = Mapping[str, Any]

MAX_COUNTED = 100  # waiting contacts read for each requirement
MAX_PAST = 50  # closed conversations on a card


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
    """Return the customer's card: who they are, how they can be reached, and the conversations we had with them.

    2 RRU, and for each of their homes 1 for some fifteen closed conversations.

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
        "tier": found.tier,
        "value": found.value,
        "since": iso(found.since_ms),
        "changed": found.changed and {"by": found.changed.by, "at": iso(found.changed.at_ms)},
        "identifiers": [_identifier_view(item) for item in found.identifiers],
        "conversation": conversation_view(live) if live else None,
        "conversations": [_past_view(head) for head in _past(world, found)],
    }


def _past(world: World, customer: Customer) -> list[Head]:
    """Return the customer's closed conversations, the latest first."""
    heads = [head for home in customer.homes for head in world.threads.list_archived(home)]
    return sorted(heads, key=lambda head: (head.opened_ms, head.conversation), reverse=True)[:MAX_PAST]


def _past_view(head: Head) -> View:
    return {
        "conversation": head.conversation,
        "opened_at": iso(head.opened_ms),
        "closed_at": iso(head.closed_ms) if head.closed_ms else None,
        "queue": head.queue,
        "channels": sorted({Via.parse(via).channel for via in head.vias}),
        "agent": head.past[-1].partition(":")[2] if head.past else None,
        "disposition": head.disposition,
    }


def _identifier_view(item: CustomerIdentifier) -> View:
    consents = {account: word.startswith("+") for account, word in item.consents.items()}
    return {
        "identifier": str(item.identifier),
        "since": iso(item.since_ms),
        "evidence": item.identifier.evidence,
        "opted_out": False in consents.values(),
        "consents": consents,
    }


def view_answers(world: World, caller: Caller, conversation: ConversationId) -> View:
    """Return the canned answers that suit a conversation, by name.

    Raises:
        ForbiddenError, NotFoundError, InvalidRequestError: as `authorize_on_conversation`.
    """
    head = authorize_on_conversation(world, caller, "GET /answers", conversation)
    suitable = [answer for answer in world.settings.list_answers() if answer.suits(head.queue, head.language)]
    return {"answers": [asdict(answer) for answer in sorted(suitable, key=lambda answer: answer.name)]}


# ---------------------------------------------------------------- colleagues and queues


def view_agents(world: World, caller: Caller) -> View:
    """Return every agent, by name: whether they can be given something; of those the caller leads, also what they hold.

    .5 RRU an agent, and .5 for each contact of those the caller leads.

    Raises:
        ForbiddenError: the caller may not see colleagues.
    """
    require_right("GET /agents", caller.role)
    agents = sorted(world.routing.list_agents(), key=lambda agent: (agent.name, agent.agent_id))
    led = [agent for agent in agents if leads(world, caller, agent.agent_id)]
    held = world.threads.list_live([slot.home for agent in led for slot in agent.held.values()])
    more = {agent.agent_id: _led_view(agent, held) for agent in led}
    return {"agents": [{**_colleague_view(agent), **more.get(agent.agent_id, {})} for agent in agents]}


def _colleague_view(agent: Agent) -> View:
    return {
        "agent": agent.agent_id,
        "name": agent.name,
        "teams": list(agent.teams),
        "presence": agent.presence,
        "connected": bool(agent.sockets),
        "work_classes": [work_class for work_class in WORK_CLASSES if agent.capacity.get(work_class)],
    }


def _led_view(agent: Agent, held: list[Head]) -> View:
    own = sorted((head for head in held if head.holder == agent.agent_id), key=lambda head: head.opened_ms)
    return {**presence_view(agent), "holds": [_held_view(head) for head in own]}


def _held_view(head: Head) -> View:
    until = iso(head.until_ms) if head.until_ms else None
    return {**_contact_view(head), "state": head.state, "work_class": head.work_class, "until": until}


def _contact_view(head: Head) -> View:
    return {
        "conversation": head.conversation,
        "turn": head.turn,
        "customer": {"id": head.customer, "name": head.name},
        **ends_of(head.last_via),
        "queue": head.queue,
        "requirement": head.requirement,
        "waiting_since": iso(head.waiting_since_ms),
        "language": head.language,
    }


def view_accounts(world: World, caller: Caller) -> View:
    """Return our channel accounts, by channel and name: what a way's `account` is called here.

    Raises:
        ForbiddenError: the caller may not see them.
    """
    require_right("GET /accounts", caller.role)
    accounts = sorted(world.settings.list_accounts(), key=lambda account: (account.channel, account.name))
    views = [{"channel": item.channel, "account": item.address, "name": item.name} for item in accounts]
    return {"accounts": views}


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
                "wrap_up_s": queue.wrap_up_s,
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


def view_waiting(world: World, caller: Caller, queue: str) -> View:
    """Return who waits in a queue, whoever is next first (up to 100 for each requirement).

    As `view_queues`, and .5 RRU for each contact: a hint that is left over is not shown.

    Raises:
        ForbiddenError: the caller is no supervisor.
        NotFoundError: there is no such queue, and nobody waits in it.
    """
    require_right("GET /queues/waiting", caller.role)
    hints = {(item.conversation, item.turn): item for item in _waiting_by_queue(world).get(queue, [])}
    if not hints and world.settings.find_queue(queue) is None:
        raise NotFoundError("no such queue")
    heads = world.threads.list_live([item.home for item in hints.values()])
    queued = [head for head in heads if head.state is ContactState.QUEUED and (head.conversation, head.turn) in hints]
    queued.sort(key=lambda head: (head.score, head.conversation))
    views = [{**_contact_view(head), "preview": hints[head.conversation, head.turn].preview} for head in queued]
    return {"queue": queue, "waiting": views}


def _oldest_since(waiting: list[Waiting]) -> str | None:
    return iso(min(item.since_ms for item in waiting)) if waiting else None
