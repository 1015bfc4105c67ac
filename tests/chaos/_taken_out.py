"""One rule of the write protocol taken out at a time, to show that the races see it."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch


def take_out(rule: str) -> ExitStack:
    """Let this process work without a rule, until what is returned is closed. "" takes nothing out.

    Raises:
        KeyError: nobody knows this rule.
    """
    undo = ExitStack()
    if rule:
        RULES[rule](undo)
    return undo


def _second_look_of_the_agent(undo: ExitStack) -> None:
    """An agent who stands ready does not look again: the look before the hint is all there is."""
    from throughline.flows import assign

    look = assign._oldest_waiting

    def first_only(*arguments: Any, strong: bool) -> Any:
        return None if strong else look(*arguments, strong=strong)

    undo.enter_context(patch.object(assign, "_oldest_waiting", first_only))


def _second_look_of_the_contact(undo: ExitStack) -> None:
    """A contact that has begun to wait does not look again."""
    from throughline.flows import assign

    find = assign._find

    def first_only(*arguments: Any, strong: bool, tries: int) -> bool:
        return not strong and find(*arguments, strong=strong, tries=tries)

    undo.enter_context(patch.object(assign, "_find", first_only))


def _capacity(undo: ExitStack) -> None:
    """A claim asks whether the agent is there, and not whether there is room."""
    from throughline.store import _agents
    from throughline.store._expressions import Expression, every, path, value
    from throughline.store._values import to_attribute

    def claimed(work_class: str) -> Expression:
        load = path("load", work_class)
        return Expression(
            _agents._held.set(value("slot", "M")),
            load.set(load + _agents._ONE),
            _agents._seq.set(_agents._seq + _agents._ONE),
            condition=every(
                path("routable") == to_attribute(True),  # noqa: FBT003
                path("epoch") == value("epoch"),
                _agents._held.does_not_exist(),
            ),
        )

    undo.enter_context(patch.object(_agents, "_claimed", claimed))


def _turn(undo: ExitStack) -> None:
    """Nothing that is written of a contact asks at which turn it is."""
    from throughline.store import _head_writes
    from throughline.store._expressions import Expression, every, path, value
    from throughline.store._values import to_attribute

    always = path("conv") == value("conv")
    new = ("state", "holder", "epoch", "turn", "deadline", "nonce")
    offered = Expression(
        *(path(name).set(value(f"new_{name}")) for name in new),
        path("sockets").set(value("new_sockets", "L")),
        condition=every(
            always,
            path("state") == to_attribute("queued"),
            ~path("excl").contains(value("new_holder")),
        ),
    )
    undo.enter_context(patch.object(_head_writes, "_same_turn", always))
    undo.enter_context(patch.object(_head_writes, "_OFFERED", offered))
    _head_writes._changed.cache_clear()
    undo.callback(_head_writes._changed.cache_clear)


def _tab_first(undo: ExitStack) -> None:
    """A visitor's hello reads the thread before its tab is told what happens."""
    from throughline.flows import handle_visitor_frame as frames
    from throughline.flows.read_visitor_thread import FIRST_PAGE, VisitorPage, read_visitor_thread
    from throughline.ports import Connection, World

    hello = frames._hello

    def read_first(world: World, connection: Connection, visitor: Any, resume: str | None) -> Any:
        page: VisitorPage = read_visitor_thread(world, visitor, limit=FIRST_PAGE)
        with patch.object(frames, "read_visitor_thread", lambda *_, **__: page):
            return hello(world, connection, visitor, resume)

    undo.enter_context(patch.object(frames, "_hello", read_first))


def _first_arrival(undo: ExitStack) -> None:
    """Nothing remembers when a message without a time came first."""
    from throughline.store.threads import DynamoThreads

    undo.enter_context(
        patch.object(DynamoThreads, "remember_arrival", lambda _self, _home, _digest, at_ms, by: (at_ms, by))
    )


def _doorbell(undo: ExitStack) -> None:
    """A reply that was sent is shown by the next hello alone."""
    from throughline.flows import deliver

    undo.enter_context(patch.object(deliver, "show_entry", lambda _world, _entry: None))


RULES: Mapping[str, Callable[[ExitStack], None]] = {
    "second look of the agent": _second_look_of_the_agent,
    "second look of the contact": _second_look_of_the_contact,
    "capacity": _capacity,
    "turn": _turn,
    "tab first": _tab_first,
    "first arrival": _first_arrival,
    "doorbell": _doorbell,
}
