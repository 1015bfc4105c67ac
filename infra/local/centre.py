"""The contact centre this stack was set up with, as its one file says it: accounts, secrets, agents, who signs in.

Only what plays the world outside reads it here: the provider sandbox, the token issuer, the start page and the demo.
The functions read the configuration that was applied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.configuration.own_keys import JWKS_PATH

DEMO_FILE = Path(__file__).with_name("demo.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A channel account with the current value of each secret that stands in the file."""

    channel: str
    name: str
    address: str
    queue: str
    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def webhook_path(self) -> str:
        """Return where its webhooks are posted to, or what pages ask where visitors write themselves."""
        return f"/webchat/{self.name}" if self.channel == "webchat" else f"/webhooks/{self.channel}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An agent. `skills` maps a skill to its level."""

    agent_id: str
    name: str
    skills: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """Under which name this stack signs people in, and which group makes a supervisor."""

    name: str
    audience: str
    groups_claim: str
    supervisor_group: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """The whole of it. `issuer` is None if the file names none whose keys are published under `/local/jwks.json`."""

    accounts: Sequence[Account]
    agents: Sequence[Agent]
    issuer: Issuer | None

    def account(self, channel: str) -> Account:
        """Return the first account of a channel.

        Raises:
            LookupError: there is none.
        """
        for account in self.accounts:
            if account.channel == channel:
                return account
        raise LookupError(f"the configuration has no account of the channel {channel}")


def read_centre(path: Path = DEMO_FILE) -> Centre:
    """Return what the file says; it was checked when it was applied. All of it is text: a phone number is no number."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  makes nothing but text
    values = (document.get("local") or {}).get("secrets") or {}
    accounts = document.get("channel_accounts") or {}
    agents = document.get("agents") or {}
    return Centre(
        accounts=[_account(label, account, values) for label, account in accounts.items()],
        agents=[
            Agent(agent_id=agent_id, name=agent["name"], skills=agent.get("skills") or {})
            for agent_id, agent in agents.items()
        ],
        issuer=_issuer(document.get("issuers") or {}),
    )


def _account(label: str, account: Mapping[str, Any], values: Mapping[str, str]) -> Account:
    channel, _, name = label.partition("/")
    named = {secret: _first(parameters) for secret, parameters in (account.get("secrets") or {}).items()}
    return Account(
        channel=channel,
        name=name,
        address=account["address"],
        queue=account["queue"],
        secrets={secret: values[parameter] for secret, parameter in named.items() if parameter in values},
        settings=account.get("settings") or {},
    )


def _first(parameters: str | Sequence[str]) -> str:
    """Return the current one: while a secret is rotated there are two."""
    return parameters if isinstance(parameters, str) else parameters[0]


def _issuer(issuers: Mapping[str, Mapping[str, Any]]) -> Issuer | None:
    for name, issuer in issuers.items():
        if issuer["jwks_url"].endswith(JWKS_PATH):
            groups = issuer.get("supervisor_groups") or ()
            return Issuer(
                name=name,
                audience=issuer["audience"],
                groups_claim=issuer.get("groups_claim") or "groups",
                supervisor_group=_first(groups) if groups else None,
            )
    return None
