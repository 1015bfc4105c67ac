"""The conditional updates of a live conversation: their shapes, built once each, and what fills them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from throughline.domain.conversations import ContactState, Expected, Head, Opening
from throughline.domain.identifiers import ConversationId, Home
from throughline.domain.routing import Offer
from throughline.store._expressions import Expression, every, hole, path, value
from throughline.store._heads import ATTRIBUTES as HEAD
from throughline.store._heads import head_attributes, says_something, via_attribute
from throughline.store._values import to_attribute

Filled = tuple[Expression, Mapping[str, Any]]

_SETTLED_BY_OPENING = ("conv", "state", "turn", "class", "queue", "req", "base", "score", "opener", "opened")

_latest = path("latest")
_version = path("version")
_same_conversation = path("conv") == value("conv")
_same_turn = path("turn") == value("turn")
_raise_version = _version.set((_version | to_attribute(0)) + to_attribute(1))

_NOTHING_LIVE = Expression(
    path("moved").set(value("to")), condition=path("conv").does_not_exist() & path("moved").does_not_exist()
)
SHORTENED = Expression(path("moved").set(value("to")), condition=path("moved").exists())
_OFFERED = Expression(
    *(path(name).set(value(f"new_{name}")) for name in ("state", "holder", "epoch", "turn", "deadline", "nonce")),
    path("sockets").set(value("new_sockets", "L")),
    condition=every(
        _same_conversation,
        _same_turn,
        path("state") == to_attribute(ContactState.QUEUED),
        ~path("excl").contains(value("new_holder")),
    ),
)


def announced(opening: Opening, *, late: bool) -> Filled:
    """Return the raising of the version, by a message that opens a conversation if none is live.

    Unless it is `late` it is refused behind a later message, and moves what tells of the latest one. A late one that
    was sent just now still tells which way the customer writes: clocks of providers differ, some count whole seconds.
    """
    settled = (*_SETTLED_BY_OPENING, "lang") if opening.language else _SETTLED_BY_OPENING
    moving = ("latest", "last", "name") if opening.name else ("latest", "last")
    shape = _announced(settled, moving, late=late, recent=opening.recent)
    return shape, {
        "conv": opening.conversation,
        "state": ContactState.QUEUED,
        "turn": 1,
        "class": opening.work_class,
        "queue": opening.queue,
        "req": opening.requirement,
        "base": opening.requirement,
        "score": opening.arrival_ms - opening.priority_s * 1000,
        "opener": opening.reference,
        "opened": opening.arrival_ms,
        "latest": opening.reference,
        "last": opening.via,
        "via": via_attribute(opening.via),
        "via_ms": opening.via_ms,
        "name": opening.name,
        "lang": opening.language,
    }


@cache
def _announced(settled: tuple[str, ...], moving: tuple[str, ...], *, late: bool, recent: bool) -> Expression:
    old = late and not recent
    places = [(path(name), value(name), old if name == "last" else late) for name in moving]
    places.append((path(hole("via")), value("via_ms"), late))
    return Expression(
        _raise_version,
        *(path(name).set(path(name) | value(name)) for name in settled),
        *(place.set(place | given if keep else given) for place, given, keep in places),
        condition=every(
            path("moved").does_not_exist(),
            path("blocked").does_not_exist(),
            None if late else _latest.does_not_exist() | (_latest <= value("latest")),
        ),
    )


def updated(conversation: ConversationId, sending: str | None, answered_by: str | None) -> Filled:
    """Return the raising of the version of a conversation that is live.

    And the remembering of a reply being sent, and of whose reply the new version counts.
    """
    shape = _updated(sending=sending is not None, answered=answered_by is not None)
    return shape, {"conv": conversation, "sending": sending, "by": answered_by}


@cache
def _updated(*, sending: bool, answered: bool) -> Expression:
    return Expression(
        _raise_version,
        *([path("sending").set(value("sending"))] if sending else []),
        *([path(HEAD["answered_by"]).set(value("by"))] if answered else []),
        *([path(HEAD["answered_version"]).set((_version | to_attribute(0)) + to_attribute(1))] if answered else []),
        condition=_same_conversation,
    )


def changed(expected: Expected, changes: Mapping[str, Any]) -> Filled:
    """Return the change of fields of a head that is as expected; what says nothing is removed, `vias` only gain."""
    vias: Mapping[str, int] = changes.get("vias") or {}
    attributes = {HEAD[field]: given for field, given in changes.items() if field != "vias"}
    removed = [HEAD[field] for field, given in changes.items() if field != "vias" and not says_something(field, given)]
    shape = _changed(
        tuple(name for name in attributes if name not in removed),
        tuple(removed),
        vias=len(vias),
        states=len(expected.states),
        held=expected.holder is not None,
        counted=expected.version is not None,
    )
    parameters = {f"new_{name}": given for name, given in attributes.items()}
    parameters |= {f"state{i}": state for i, state in enumerate(expected.states)}
    parameters |= {f"via{i}": via_attribute(via) for i, via in enumerate(vias)}
    parameters |= {f"via{i}_ms": at_ms for i, at_ms in enumerate(vias.values())}
    parameters |= {"conv": expected.conversation, "turn": expected.turn}
    return shape, parameters | {"holder": expected.holder, "version": expected.version}


@cache
def _changed(  # noqa: PLR0913 - all that makes one request of another shape
    kept: tuple[str, ...], removed: tuple[str, ...], *, vias: int, states: int, held: bool, counted: bool
) -> Expression:
    actions: list[Any] = [path(name).set(value(f"new_{name}")) for name in kept]
    actions += [path(name).remove() for name in removed]
    actions += [path(hole(f"via{i}")).set(value(f"via{i}_ms")) for i in range(vias)]
    return Expression(
        *(actions or [path("conv").set(value("conv"))]),
        condition=every(
            _same_conversation,
            _same_turn,
            path("state").is_in(*(value(f"state{i}") for i in range(states))) if states else None,
            path("holder") == value("holder") if held else None,
            _version == value("version") if counted else None,
        ),
    )


def offered(offer: Offer) -> Filled:
    """Return the contact's half of a claim."""
    return _OFFERED, {
        "conv": offer.conversation,
        "turn": offer.turn - 1,
        "new_state": ContactState.OFFERED,
        "new_holder": offer.agent_id,
        "new_epoch": offer.epoch,
        "new_turn": offer.turn,
        "new_deadline": offer.deadline_ms,
        "new_nonce": offer.nonce,
        "new_sockets": offer.sockets,
    }


def moved(head: Head | None, to: Home) -> Filled:
    """Return the replacing of what is live by a pointer: of nothing, or of exactly `head`."""
    if head is None:
        return _NOTHING_LIVE, {"to": to}
    standing = head_attributes(head)
    # Names and values are a customer's words: they go into holes, never into the text of an expression.
    named = {f"name{i}": name for i, name in enumerate(standing)}
    stood = {f"value{i}": stands for i, stands in enumerate(standing.values())}
    exactly = every(
        *(path(hole(name)) == value(its_value) for name, its_value in zip(named, stood, strict=True)),
        *(path(name).does_not_exist() for name in HEAD.values() if name not in standing),
    )
    gone = [path(hole(name)).remove() for name in named]
    return Expression(path("moved").set(value("to")), *gone, condition=exactly), {"to": to, **named, **stood}
