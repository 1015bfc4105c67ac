"""How providers are told to misbehave."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.sandbox.calls import Json


class BadBehaviourError(ValueError):
    """The rule cannot be followed; the message says why."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """What becomes of the next `times` messages of a channel.

    With a `status` the provider refuses them (with `body`, or with what it usually says); without one it takes them,
    and only answers `delay_s` later.
    """

    channel: str
    status: int | None = None
    body: Json = None
    times: int = 1
    delay_s: float = 0.0


def read_rule(said: Any, channels: set[str]) -> Rule:
    """Return the rule in a request's body.

    Raises:
        BadBehaviourError: it is none.
    """
    if not isinstance(said, Mapping) or said.get("channel") not in channels:
        raise BadBehaviourError(f"channel has to be one of {', '.join(sorted(channels))}")
    if unknown := said.keys() - {"channel", "status", "body", "times", "delay_s"}:
        raise BadBehaviourError(f"unknown: {', '.join(sorted(unknown))}")
    rule = Rule(**{"times": 1, "delay_s": 0.0} | dict(said))
    if not (rule.status is None or (isinstance(rule.status, int) and 400 <= rule.status <= 599)):  # noqa: PLR2004
        raise BadBehaviourError("status has to be an error, 400 to 599")
    if not isinstance(rule.times, int) or not isinstance(rule.delay_s, int | float):
        raise BadBehaviourError("times and delay_s have to be numbers")
    return rule


class Behaviours:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Let a rule hold for the next messages."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Let everybody behave again."""
        self._rules.clear()

    def take(self, channel: str) -> Rule | None:
        """Return the rule for this message, using it up by one."""
        for rule in self._rules:
            if rule.channel == channel and rule.times > 0:
                rule.times -= 1
                return rule
        return None


def timestamp() -> str:
    """Return this instant in ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
