"""Words for JSON Schemas (2020-12): short, so that a schema reads like the record it describes."""

from collections.abc import Iterable, Mapping
from typing import Any

Schema = Mapping[str, Any]

ANY: Schema = {}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TRUE: Schema = {"type": "boolean", "const": True}
INSTANT: Schema = {"type": "string", "format": "date-time"}


def text(longest: int | None = None, about: str = "") -> Schema:
    """Return a string of 1 to `longest` characters; of any length without."""
    bounds = {"minLength": 1, "maxLength": longest} if longest else {}
    return {"type": "string", **bounds, **_told(about)}


def constant(value: str) -> Schema:
    """Return this very string."""
    return {"type": "string", "const": value}


def one_of(values: Iterable[str], about: str = "") -> Schema:
    """Return one of these strings."""
    return {"type": "string", "enum": [str(value) for value in values], **_told(about)}


def nullable(schema: Schema) -> Schema:
    """Return the schema, or null."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema and "const" not in schema:
        return {**schema, "type": [kind, "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def listing(item: Schema, longest: int | None = None) -> Schema:
    """Return a list of such items, of at most `longest`."""
    return {"type": "array", "items": item, **({"maxItems": longest} if longest else {})}


def table(value: Schema, longest: int | None = None) -> Schema:
    """Return an object with free names and values of one kind."""
    return {"type": "object", "additionalProperties": value, **({"maxProperties": longest} if longest else {})}


def record(
    fields: Mapping[str, Schema],
    optional: Mapping[str, Schema] | None = None,
    *,
    closed: bool = False,
    about: str = "",
) -> Schema:
    """Return an object with these fields, the `optional` ones perhaps; `closed`: and certainly no other."""
    schema: dict[str, Any] = {
        "type": "object",
        "required": list(fields),
        "properties": {**fields, **(optional or {})},
        **_told(about),
    }
    return schema | {"additionalProperties": False} if closed else schema


def ref(name: str) -> Schema:
    """Return the schema that the components call so."""
    return {"$ref": f"#/components/schemas/{name}"}


def pascal(name: str) -> str:
    """Return ``OfferAccept`` for ``offer.accept``."""
    return "".join(part.capitalize() for part in name.replace(".", "_").split("_"))


def _told(about: str) -> Schema:
    return {"description": about} if about else {}
