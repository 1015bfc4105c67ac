"""Who the customers are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from throughline.domain.identifiers import AgentId, CustomerId, Home, Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerIdentifier:
    """An identifier as one customer has it: its home, since when, and what was said about consent per account.

    `consents` maps an account to ``+<ms>`` (opted in) or ``-<ms>`` (opted out), the latest word only.
    """

    identifier: Identifier
    home: Home
    since_ms: int
    consents: Mapping[str, str] = field(default_factory=dict)

    def opted_out(self, account: str) -> bool:
        """Return whether the customer's last word for this account was no."""
        return self.consents.get(account, "").startswith("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardChange:
    """Who changed a customer's card, and when."""

    by: AgentId
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """The person. `name` is what they call themselves, unless an agent knows better.

    `tier` and `value` are the company's own words and units. `identifiers` may be empty where only the card was read.
    """

    customer_id: CustomerId
    name: str | None = None
    language: str | None = None
    tier: str | None = None
    value: int | None = None
    since_ms: int = 0
    changed: CardChange | None = None  # the last one
    identifiers: tuple[CustomerIdentifier, ...] = ()

    @property
    def homes(self) -> tuple[Home, ...]:
        """Return every partition in which the customer's entries stand, their own first."""
        own = Home(self.customer_id)
        return (own, *dict.fromkeys(item.home for item in self.identifiers if item.home != own))
