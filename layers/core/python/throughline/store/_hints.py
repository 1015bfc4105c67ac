"""How the hints stand in their items: agents who were able, contacts that were queued. No key is used twice."""

from typing import Any

from throughline.domain.identifiers import AgentId, ConversationId, Home
from throughline.domain.routing import Ready, Waiting
from throughline.store._values import Item


def ready_key(ready: Ready) -> tuple[str, str]:
    """Return the key of an agent's hint: those who became able first stand first."""
    return ready_partition(ready.work_class), f"{ready.stamp}#{ready.agent_id}"


def ready_partition(work_class: str) -> str:
    """Return the partition of the agents who are able to take work of a class."""
    return f"ready#{work_class}"


def ready_item(ready: Ready) -> Item:
    """Return the item of an agent's hint."""
    pk, sk = ready_key(ready)
    return {"pk": pk, "sk": sk, "sig": ready.signature, "epoch": ready.epoch, "sockets": ready.sockets}


def ready_from(item: Item) -> Ready:
    """Return the hint in an item."""
    _, work_class = item["pk"].split("#")
    stamp, _, agent = item["sk"].partition("#")
    return Ready(
        work_class=work_class,
        signature=item["sig"],
        stamp=stamp,
        agent_id=AgentId(agent),
        epoch=item["epoch"],
        sockets=tuple(item["sockets"]),
    )


def waiting_key(waiting: Waiting) -> tuple[str, str]:
    """Return the key of a contact's hint: the oldest stand first, and no turn of a contact has the key of another."""
    sk = f"{waiting.score:013d}#{waiting.home}#{waiting.conversation}#{waiting.turn:06d}"
    return waiting_partition(waiting.work_class, waiting.requirement), sk


def waiting_partition(work_class: str, requirement: str) -> str:
    """Return the partition of the contacts of one requirement."""
    return f"waiting#{work_class}#{requirement}"


def waiting_item(waiting: Waiting) -> Item:
    """Return the item of a contact's hint."""
    pk, sk = waiting_key(waiting)
    optional: dict[str, Any] = {
        "excl": waiting.excluded,
        "pref": waiting.preferred,
        "name": waiting.name,
        "via": waiting.via,
        "preview": waiting.preview,
    }
    kept = {name: given for name, given in optional.items() if given}
    return {"pk": pk, "sk": sk, "queue": waiting.queue, "since": waiting.since_ms, **kept}


def waiting_from(item: Item) -> Waiting:
    """Return the hint in an item."""
    _, work_class, requirement = item["pk"].split("#", 2)
    score, home, conversation, turn = item["sk"].split("#")
    return Waiting(
        work_class=work_class,
        requirement=requirement,
        score=int(score),
        home=Home(home),
        conversation=ConversationId(conversation),
        turn=int(turn),
        queue=item["queue"],
        since_ms=item["since"],
        excluded=tuple(AgentId(agent) for agent in item.get("excl", ())),
        preferred=AgentId(item["pref"]) if "pref" in item else None,
        name=item.get("name"),
        via=item.get("via"),
        preview=item.get("preview"),
    )
