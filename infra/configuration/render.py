"""A configuration in force, written down in the form of a file: what `show` prints can be edited and applied again."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields
from typing import Any

import yaml

from infra.configuration.kinds import written
from infra.configuration.schema import DURATIONS
from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.templates import MessageTemplate

Item = ChannelAccount | MessageTemplate | Queue | AgentProfile | Issuer | Answer

_KEYS = {field: key for key, field in DURATIONS.items()}
_IN_THE_KEY = frozenset(
    {
        ("ChannelAccount", "channel"),
        ("ChannelAccount", "name"),
        ("Queue", "name"),
        ("MessageTemplate", "name"),
        ("Answer", "name"),
    }
)
_IDS = frozenset({"agent_id", "issuer"})


def as_text(configuration: Configuration) -> str:
    """Return the file that says this configuration, and nothing that goes without saying."""
    return yaml.safe_dump(
        as_values(configuration), sort_keys=False, allow_unicode=True, default_flow_style=None, width=120
    )


def as_values(configuration: Configuration) -> dict[str, Any]:
    """Return the parts of that file as plain values."""
    return {
        "skills": dict(configuration.skills),
        "queues": _part(configuration.queues),
        "channel_accounts": _part(configuration.accounts),
        "agents": _part(configuration.agents),
        "issuers": _part(configuration.issuers),
        "not_ready_reasons": list(configuration.not_ready_reasons),
        "answers": _part(configuration.answers),
    }


def _part(items: Mapping[Any, Item]) -> dict[str, Any]:
    return {str(name): _entry(item) for name, item in items.items()}


def _entry(item: Item) -> dict[str, Any]:
    values = asdict(item)
    if isinstance(item, ChannelAccount):
        values["templates"] = _part(item.templates)
    spoken = [field for field in fields(item) if _is_said(type(item).__name__, field, values[field.name])]
    return {_KEYS.get(field.name, field.name): _value(field.name, values[field.name]) for field in spoken}


def _is_said(kind: str, field: Field[Any], value: Any) -> bool:
    if (kind, field.name) in _IN_THE_KEY or field.name in _IDS:
        return False
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(value != default)


def _value(field: str, value: Any) -> Any:
    return written(value) if field in _KEYS else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return {name: _plain(item) for name, item in value.items()} if isinstance(value, dict) else value
