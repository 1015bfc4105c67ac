"""The schemas of both documents as TypeScript, from which the desk's types come."""

import re
from collections.abc import Mapping
from typing import Any

from infra.api.asyncapi import asyncapi
from infra.api.openapi import openapi

Schema = Mapping[str, Any]
HEAD = "/** Made by `python -m infra.api` from docs/asyncapi.json and docs/openapi.json. Do not edit. */\n"
_NAME = re.compile(r"[A-Za-z_]\w*")


def typescript() -> str:
    """Return a type for each schema of the two documents, by name."""
    schemas: dict[str, Schema] = {}
    for document in (asyncapi(), openapi()):
        schemas |= document["components"]["schemas"]
    return HEAD + "".join(f"\nexport type {name} = {_type(schemas[name], '')};\n" for name in sorted(schemas))


def _type(schema: Schema, indent: str) -> str:  # noqa: C901, PLR0911 - one case a kind
    """Return the type of what fits a schema; lengths and formats are the server's to check."""
    match schema:
        case {"$ref": str(ref)}:
            return ref.rpartition("/")[2]
        case {"const": value} | {"enum": [value]}:
            return _literal(value)
        case {"enum": list(values)}:
            return " | ".join(map(_literal, values))
        case {"allOf": list(parts)}:
            return " & ".join(_type(part, indent) for part in parts)
        case {"type": list(kinds)}:
            return " | ".join(_type({**schema, "type": kind}, indent) for kind in kinds)
        case {"type": "null"}:
            return "null"
        case {"properties": _}:
            return _object(schema, indent)
        case {"oneOf": list(parts)} | {"anyOf": list(parts)}:
            return " | ".join(dict.fromkeys(_type(part, indent) for part in parts))
        case {"type": "object"}:
            return _object(schema, indent)
        case {"type": "array"}:
            items = _type(schema.get("items", {}), indent)
            return f"{items}[]" if _NAME.fullmatch(items) else f"({items})[]"
        case {"type": "string" | "boolean" as kind}:
            return str(kind)
        case {"type": "integer" | "number"}:
            return "number"
    return "unknown"


def _object(schema: Schema, indent: str) -> str:
    inner = indent + "  "
    required = schema.get("required", ())
    fields = [
        f"{inner}{_key(name)}{'' if name in required else '?'}: {_type(value, inner)};\n"
        for name, value in schema.get("properties", {}).items()
    ]
    if fields:
        return "{\n" + "".join(fields) + indent + "}"
    return f"Record<string, {_type(schema.get('additionalProperties') or {}, indent)}>"


def _key(name: str) -> str:
    return name if _NAME.fullmatch(name) else f'"{name}"'


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case str():
            return f'"{value}"'
    return str(value)
