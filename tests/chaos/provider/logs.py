"""What our own stack wrote meanwhile: no error that nobody declared, nothing refused after all, no secret."""

import json
from collections.abc import Iterator
from typing import Any

from tests.chaos.provider.site import Site
from throughline.domain.errors import ConfigurationError, ThroughlineError

LONG_ENOUGH = 8  # a shorter secret could stand in a log by chance


def judge_logs(site: Site) -> None:
    """Note what must not stand in the logs, each kind of it once."""
    logs = site.logs()
    declared = {ConfigurationError.__name__, *_names(ThroughlineError)}
    kinds = {_kind(line) for line in map(_read, logs.splitlines()) if line.get("level") == "ERROR"}
    for message, name in sorted(kinds):
        if message == "record refused" or name not in declared:
            site.broke(f"the functions logged: {message} {name}")
    secrets = [secret for account in site.centre.accounts for secret in account.secrets.values()]
    if any(secret in logs for secret in secrets if len(secret) >= LONG_ENOUGH):
        site.broke("a secret stands in the logs")


def _read(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _kind(line: dict[str, Any]) -> tuple[str, str]:
    return str(line.get("message")), str(line.get("exception_name"))


def _names(error: type[ThroughlineError]) -> Iterator[str]:
    yield error.__name__
    for special in error.__subclasses__():
        yield from _names(special)
