"""What one configuration says differently from another, in lines a person can read."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.configuration.render import as_values
from throughline.domain.configuration import Configuration
from throughline.domain.identifiers import AgentId

_SINGULAR = {
    "skills": "skill",
    "queues": "queue",
    "channel_accounts": "channel account",
    "agents": "agent",
    "issuers": "issuer",
    "answers": "answer",
}


def differences(old: Configuration, new: Configuration) -> list[str]:
    """Return a line for each thing added (+), removed (-) or changed (~) on the way from `old` to `new`.

    What customers lose by it is told in lines of its own (!).
    """
    before, after = as_values(old), as_values(new)
    parts = [line for part, what in _SINGULAR.items() for line in _of_part(what, before[part], after[part])]
    reasons = _of_reasons(before["not_ready_reasons"], after["not_ready_reasons"])
    return [*parts, *reasons, *_of_addresses(old, new)]


def changed_agents(old: Configuration, new: Configuration) -> list[AgentId]:
    """Return the agents that were added, changed or removed on the way from `old` to `new`."""
    known = sorted({*old.agents, *new.agents})
    return [agent for agent in known if old.agents.get(agent) != new.agents.get(agent)]


def _of_reasons(before: list[str], after: list[str]) -> list[str]:
    return [f"~ not_ready_reasons: {line}" for line in _of_values("", before, after)] if before != after else []


def _of_addresses(old: Configuration, new: Configuration) -> Iterator[str]:
    """Yield the addresses that no account has any more: of accounts removed, and of accounts with another address."""
    known = {(account.channel, account.address) for account in new.accounts.values()}
    for account in old.accounts.values():
        if (account.channel, account.address) not in known:
            yield f"! customers who wrote to {account.channel} {account.address} can be answered there no longer"


def _of_part(what: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield f"+ {what} {name}"
        elif name not in after:
            yield f"- {what} {name}"
        elif before[name] != after[name]:
            yield f"~ {what} {name}: {', '.join(_of_values('', before[name], after[name]))}"


def _of_values(path: str, before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                yield from _of_values(f"{path}.{key}" if path else key, before.get(key), after.get(key))
    else:
        yield f"{path} {_said(before)} → {_said(after)}".strip()


def _said(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, dict):
        return " ".join(f"{key}={_said(item)}" for key, item in value.items())
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)
