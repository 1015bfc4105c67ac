"""Between Python values and DynamoDB's attribute values; only the types our items are made of."""

from collections.abc import Mapping
from typing import Any

AttributeValue = dict[str, Any]
Item = dict[str, Any]


_AS_IT_IS = {str: "S", bool: "BOOL", bytes: "B"}


def to_attribute(value: Any) -> AttributeValue:
    """Return the attribute value of a str, int, float, bool, bytes, None, or a list, tuple or mapping of them."""
    kind = _AS_IT_IS.get(type(value))
    if kind:
        return {kind: value}
    match value:
        case str():
            return {"S": str(value)}
        case int() | float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [to_attribute(item) for item in value]}
    return {"M": to_attributes(value)}


def to_attributes(values: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return the attribute values of an item or a map."""
    return {name: to_attribute(value) for name, value in values.items()}


def from_attribute(attribute: AttributeValue) -> Any:
    """Return the Python value of an attribute value; lists come back as lists."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value) if value.lstrip("-").isdecimal() else float(value)
        case "NULL":
            return None
        case "L":
            return [from_attribute(item) for item in value]
        case "M":
            return from_attributes(value)
    return value


def from_attributes(attributes: Mapping[str, AttributeValue]) -> Item:
    """Return the Python values of an item or a map."""
    return {name: from_attribute(attribute) for name, attribute in attributes.items()}
