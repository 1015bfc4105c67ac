"""Put a configuration in force: as a whole, or not at all."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from infra.configuration.differences import changed_agents, differences
from infra.configuration.own_keys import address_of_own_keys, with_own_keys
from infra.configuration.schema import LOCAL_STAGE
from infra.configuration.stages import Stage
from throughline.domain.configuration import Configuration
from throughline.store.settings import CACHE_MS, NO_VERSION, DynamoConfigurations, Version

HOME_KEY = "home-key"  # what homes are made with; another one would part every customer from their thread

# When routing looks at an agent's profile again, no function remembers the configuration before this one.
ANNOUNCE_DELAY_S = CACHE_MS / 1000 + 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What was done: the version in force, what it changed, agents announced, secrets that still have no value."""

    number: int
    changes: Sequence[str]
    agents: Sequence[str]
    missing_secrets: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who applies what, when and why. `own_keys` is where the stack on one machine has its keys; None: where it had."""

    configuration: Configuration
    by: str
    at_ms: int
    comment: str = ""
    own_keys: str | None = None


def apply(stage: Stage, request: Request, local_secrets: Mapping[str, str] | None = None) -> Applied:
    """Put a configuration in force and let routing know of its agents; safe to repeat, also after a crash halfway.

    Nothing is written when nothing changed. `local_secrets` are written as parameters first.

    Raises:
        ConflictError: somebody else applied at the same time. Look at `diff` before applying again.
    """
    stage.parameters.put_first(HOME_KEY, secrets.token_hex(32))
    for name, value in (local_secrets or {}).items():
        stage.parameters.put(name, value)
    before = stage.configurations.get_current()
    wanted = settled(stage.name, before.configuration, request.configuration, request.own_keys)
    request = replace(request, configuration=wanted)
    changes = differences(before.configuration, request.configuration)
    number = _write(stage.configurations, before, request) if changes else before.number
    return Applied(
        number=number,
        changes=changes,
        agents=_announce(stage, before.announced, number, request.configuration),
        missing_secrets=stage.parameters.missing(_named_secrets(request.configuration)),
    )


def rollback(stage: Stage, number: int, *, by: str, at_ms: int) -> Applied:
    """Put an earlier configuration in force again, as a version of its own.

    Raises:
        NotFoundError: there is no version of that number.
    """
    earlier = stage.configurations.get_version(number)
    comment = f"rollback to version {number}"
    return apply(stage, Request(configuration=earlier.configuration, by=by, at_ms=at_ms, comment=comment))


def settled(stage: str, current: Configuration, wanted: Configuration, own_keys: str | None = None) -> Configuration:
    """Return what applying `wanted` puts in force: on one machine the stack's own keys stay at their address."""
    return with_own_keys(wanted, own_keys or address_of_own_keys(current)) if stage == LOCAL_STAGE else wanted


def _write(configurations: DynamoConfigurations, before: Version, request: Request) -> int:
    version = Version(
        number=before.number + 1,
        configuration=request.configuration,
        by=request.by,
        at_ms=request.at_ms,
        comment=request.comment,
    )
    configurations.write(version)
    return version.number


def _announce(stage: Stage, announced: int, number: int, configuration: Configuration) -> Sequence[str]:
    """Have routing look at every agent changed since the last announcement, be it one that a crash left unmade."""
    if announced == number:
        return []
    known = stage.configurations.get_version(announced) if announced else NO_VERSION
    agents = changed_agents(known.configuration, configuration)
    for agent in agents:
        stage.timers.arm({"kind": "agent_configured", "agent": agent}, delay_s=ANNOUNCE_DELAY_S)
    stage.configurations.mark_announced(number)
    return agents


def _named_secrets(configuration: Configuration) -> list[str]:
    accounts = configuration.accounts.values()
    return [name for account in accounts for names in account.secrets.values() for name in names]
