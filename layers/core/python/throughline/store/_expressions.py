"""Update and condition expressions, serialised by pynamodb once and filled in for every call.

Building one takes as long as sending it. So each shape is built once, with holes for what changes from call to call.
"""

from collections.abc import Mapping
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import Action, Update

from throughline.store._values import AttributeValue, to_attribute

_HOLE = "<"


def hole(name: str) -> str:
    """Return the mark of a value or a path segment that is filled in with the parameter `name`."""
    return f"{_HOLE}{name}>"


def value(name: str, kind: str = "S") -> AttributeValue:
    """Return a value that is filled in with the parameter `name`; pynamodb wants to know the kind of a list (``L``)."""
    return {kind: hole(name)}


def path(*segments: str) -> Path:
    """Return the path of an attribute, or of an element inside maps; segments may hold dots, and may be holes."""
    return Path(list(segments))


class Expression:
    """A condition and an update of one item, with holes."""

    def __init__(self, *actions: Action, condition: Condition | None = None, key: Condition | None = None) -> None:
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        self._texts = {}
        if key is not None:
            self._texts["KeyConditionExpression"] = key.serialize(names, values)
        if condition is not None:
            self._texts["ConditionExpression"] = condition.serialize(names, values)
        if actions:
            self._texts["UpdateExpression"] = Update(*actions).serialize(names, values) or ""
        self._names = {mark: name for name, mark in names.items() if not name.startswith(_HOLE)}
        self._name_holes = [(mark, name[1:-1]) for name, mark in names.items() if name.startswith(_HOLE)]
        self._values = {mark: literal for mark, literal in values.items() if not _is_hole(literal)}
        self._value_holes = [(mark, _name_of(literal)) for mark, literal in values.items() if _is_hole(literal)]

    def fill(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a request; each hole takes the parameter of its name."""
        arguments: dict[str, Any] = dict(self._texts)
        names = self._names | {mark: parameters[name] for mark, name in self._name_holes}
        values = self._values | {mark: to_attribute(parameters[name]) for mark, name in self._value_holes}
        if names:
            arguments["ExpressionAttributeNames"] = names
        if values:
            arguments["ExpressionAttributeValues"] = values
        return arguments


def _is_hole(literal: AttributeValue) -> bool:
    (text,) = literal.values()
    return isinstance(text, str) and text.startswith(_HOLE)


def _name_of(hole_value: AttributeValue) -> str:
    (text,) = hole_value.values()
    return str(text)[1:-1]


def every(*conditions: Condition | None) -> Condition:
    """Return the condition that all of `conditions` hold; None asks for nothing."""
    first, *rest = [condition for condition in conditions if condition is not None]
    for condition in rest:
        first &= condition
    return first


ABSENT = Expression(condition=path("pk").does_not_exist())
