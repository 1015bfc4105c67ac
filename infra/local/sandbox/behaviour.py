"""How providers are told to misbehave."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from infra.local.sandbox.calls import Call, Json

LAST_STATUS = 599


class BadBehaviourError(ValueError):
    """The rule cannot be followed; the message says why."""


class Break(StrEnum):
    """How a connection ends before a provider has answered."""

    RESET = "reset"  # at once, and nothing was taken
    CUT = "cut"  # the message is taken, and the provider dies in the middle of saying so


@dataclass(slots=True, kw_only=True)
class Rule:
    """What becomes of the next `times` messages of a channel; `matching` limits it to requests with these words.

    With a `status` the provider does not take them, and answers with it, `headers` and `body` (or what it usually
    says); a 200 is an error in disguise and needs a body. With `breaks` it does not finish its answer. With neither it
    takes them, and only answers `delay_s` later. With `files` it is about whatever else is asked for, such as files.
    """

    channel: str
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Json = None
    breaks: Break | None = None
    times: int = 1
    delay_s: float = 0.0
    matching: str = ""
    files: bool = False

    def concerns(self, call: Call, *, sends: bool) -> bool:
        """Return whether it holds for this request."""
        words = call.body if sends else call.path.encode() + call.body
        return self.times > 0 and self.files is not sends and self.matching.encode() in words


def read_rule(said: Any, channels: set[str]) -> Rule:
    """Return the rule in a request's body.

    Raises:
        BadBehaviourError: it is none.
    """
    if not isinstance(said, Mapping) or said.get("channel") not in channels:
        raise BadBehaviourError(f"channel has to be one of {', '.join(sorted(channels))}")
    if unknown := said.keys() - {field.name for field in fields(Rule)}:
        raise BadBehaviourError(f"unknown: {', '.join(sorted(unknown))}")
    rule = Rule(**said)
    if isinstance(rule.breaks, str) and rule.breaks in [*Break]:
        rule.breaks = Break(rule.breaks)
    for problem in _problems(rule):
        raise BadBehaviourError(problem)
    return rule


def _problems(rule: Rule) -> Iterator[str]:
    refuses = isinstance(rule.status, int) and HTTPStatus.BAD_REQUEST <= rule.status <= LAST_STATUS
    disguised = rule.status == HTTPStatus.OK and rule.body is not None
    if not (rule.status is None or refuses or disguised):
        yield "status has to be an error, 400 to 599, or 200 with a body that is none of success"
    if rule.breaks not in (None, *Break) or (rule.breaks and rule.status):
        yield f"breaks has to be one of {', '.join(Break)}, without a status"
    if not isinstance(rule.times, int) or not isinstance(rule.delay_s, int | float):
        yield "times and delay_s have to be numbers"
    if not isinstance(rule.files, bool):
        yield "files has to be true or false"
    words = [rule.matching, *(rule.headers.values() if isinstance(rule.headers, Mapping) else (None,))]
    if not all(isinstance(word, str) and word.isascii() for word in words):
        yield "headers has to be an object of texts, matching a text, both in ASCII"


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

    def take(self, channel: str, call: Call, *, sends: bool) -> Rule | None:
        """Return the rule for this request, which `sends` a message or does not, using it up by one."""
        for rule in self._rules:
            if rule.channel == channel and rule.concerns(call, sends=sends):
                rule.times -= 1
                return rule
        return None


def timestamp() -> str:
    """Return this instant in ISO 8601."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
