"""What operators configure: channel accounts, queues, skills, agents, sign-in. Declared in YAML, kept with history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from throughline.domain.errors import ConfigurationError
from throughline.domain.identifiers import AgentId
from throughline.domain.templates import MessageTemplate

DEFAULT_OFFER_S = 20
DEFAULT_COOL_DOWN_S = 30
DEFAULT_GRACE_S = 60
DEFAULT_REOPEN_S = 24 * 3600
DEFAULT_ACCOUNT_LIMIT = 2000
DEFAULT_SENDER_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelAccount:
    """One configured endpoint of a channel; `secrets` maps our name of a secret to the parameters that hold it.

    `account_limit` and `sender_limit` are how many events are taken in ten seconds, in all and from one sender.
    """

    channel: str
    name: str
    address: str
    queue: str
    skills: Mapping[str, int] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    templates: Mapping[str, MessageTemplate] = field(default_factory=dict)
    account_limit: int = DEFAULT_ACCOUNT_LIMIT
    sender_limit: int = DEFAULT_SENDER_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """An ordered set of waiting contacts with its policy.

    Durations are seconds; `priority_s` counts as age, a `wrap_up_s` of 0 has no end.
    """

    name: str
    work_class: str = "chat"
    skills: Mapping[str, int] = field(default_factory=dict)
    priority_s: int = 0
    offer_s: int = DEFAULT_OFFER_S
    cool_down_s: int = DEFAULT_COOL_DOWN_S
    reopen_s: int = DEFAULT_REOPEN_S
    wrap_up_s: int = 0
    dispositions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentProfile:
    """What is configured of an agent; presence and load live elsewhere. `role` is agent or supervisor."""

    agent_id: AgentId
    name: str
    skills: Mapping[str, int] = field(default_factory=dict)
    capacity: Mapping[str, int] = field(default_factory=dict)
    teams: tuple[str, ...] = ()
    language: str | None = None  # of their desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A canned answer, for every queue and language if it names none; `{customer_name}`, `{agent_name}` stand open."""

    name: str
    text: str
    queues: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    shortcut: str | None = None

    def suits(self, queue: str, language: str | None) -> bool:
        """Return whether it may serve in a conversation; one whose language nobody knows is served by any."""
        in_language = language is None or not self.languages or language in self.languages
        return in_language and (not self.queues or queue in self.queues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Whose tokens sign people in; they yield `role`, or supervisor to members of `supervisor_groups`."""

    issuer: str
    audience: str
    jwks_url: str
    role: str = "agent"
    groups_claim: str = "groups"
    supervisor_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """Everything configured, as one whole; accounts are keyed ``<channel>/<name>``, `skills` says what each means."""

    accounts: Mapping[str, ChannelAccount] = field(default_factory=dict)
    queues: Mapping[str, Queue] = field(default_factory=dict)
    skills: Mapping[str, str] = field(default_factory=dict)
    agents: Mapping[AgentId, AgentProfile] = field(default_factory=dict)
    issuers: Mapping[str, Issuer] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    not_ready_reasons: tuple[str, ...] = ()

    def find_account(self, channel: str, name: str) -> ChannelAccount | None:
        """Return the channel account of a webhook URL."""
        return self.accounts.get(f"{channel}/{name}")

    def find_account_by_address(self, channel: str, address: str) -> ChannelAccount | None:
        """Return the account that the provider calls `address`, else the one that we call so."""
        mine = (account for account in self.accounts.values() if account.channel == channel)
        found = next((account for account in mine if account.address == address), None)
        return found or self.find_account(channel, address)

    def get_queue(self, name: str) -> Queue:
        """Return a queue.

        Raises:
            ConfigurationError: there is none of that name.
        """
        if name not in self.queues:
            raise ConfigurationError(f"no queue is named {name}")
        return self.queues[name]
