"""Customers in memory."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from throughline.domain.customers import CardChange, Customer, CustomerIdentifier
from throughline.domain.identifiers import CustomerId, Home, Identifier


class FakeCustomers:
    """`links` maps (customer, other) to why and when, `bound` anonymous visitors to whose they are."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._cards: dict[CustomerId, Customer] = {}
        self._identifiers: dict[CustomerId, dict[str, CustomerIdentifier]] = {}
        self._claimed: dict[tuple[CustomerId, str], bool] = {}  # whether it is proven
        self.changes: list[tuple[CustomerId, dict[str, Any], CardChange]] = []
        self.links: dict[tuple[CustomerId, CustomerId], tuple[str, int]] = {}
        self.bound: dict[str, tuple[Identifier, CustomerIdentifier]] = {}

    def add_customer(self, customer: Customer) -> None:
        with self._lock:
            self._cards.setdefault(customer.customer_id, replace(customer, identifiers=()))
            for identifier in customer.identifiers:
                self.add_identifier(customer.customer_id, identifier)

    def add_identifier(self, customer: CustomerId, identifier: CustomerIdentifier) -> bool:
        name = str(identifier.identifier)
        with self._lock:
            proven = identifier.identifier.is_proven
            if self._claimed.get((customer, name), False) or ((customer, name) in self._claimed and not proven):
                return False
            self._claimed[customer, name] = proven
            known = self._identifiers.setdefault(customer, {})
            consents = known[name].consents if name in known else {}
            known[name] = replace(identifier, consents=consents)
            return True

    def find_customer(self, customer: CustomerId) -> Customer | None:
        with self._lock:
            known = self._identifiers.get(customer, {})
            if customer not in self._cards and not known:
                return None
            card = self._cards.get(customer) or Customer(customer_id=customer)
            return replace(card, identifiers=tuple(known[name] for name in sorted(known)))

    def find_identifier(self, customer: CustomerId, identifier: Identifier) -> CustomerIdentifier | None:
        with self._lock:
            return self._identifiers.get(customer, {}).get(str(identifier))

    def set_consent(
        self, customer: CustomerId, identifier: Identifier, account: str, *, granted: bool, at_ms: int
    ) -> bool:
        word = f"{'+' if granted else '-'}{at_ms}"
        with self._lock:
            known = self._identifiers.setdefault(customer, {})
            name = str(identifier)
            plain = CustomerIdentifier(
                identifier=Identifier(kind=identifier.kind, value=identifier.value), home=Home(customer), since_ms=0
            )
            standing = known.get(name, plain)
            if _weight(standing.consents.get(account)) > _weight(word):
                return False
            known[name] = replace(standing, consents={**standing.consents, account: word})
            return True

    def change_card(self, customer: CustomerId, changes: Mapping[str, Any], change: CardChange) -> None:
        with self._lock:
            card = self._cards.get(customer) or Customer(customer_id=customer, since_ms=change.at_ms)
            self._cards[customer] = replace(card, **changes, changed=change)
            self.changes.append((customer, dict(changes), change))

    def complete_card(self, customer: CustomerId, other: Customer) -> None:
        given = {name: getattr(other, name) for name in ("name", "language", "tier", "value")}
        with self._lock:
            card = self._cards.get(customer) or Customer(customer_id=customer, since_ms=other.since_ms)
            missing = {name: word for name, word in given.items() if word is not None and getattr(card, name) is None}
            if missing:
                self._cards[customer] = replace(card, **missing)

    def record_link(self, customer: CustomerId, other: CustomerId, *, why: str, at_ms: int) -> None:
        with self._lock:
            self.links.setdefault((customer, other), (why, at_ms))

    def bind_visitor(self, visitor: CustomerIdentifier, owner: Identifier) -> Identifier:
        with self._lock:
            return self.bound.setdefault(str(visitor.identifier), (owner, visitor))[0]

    def find_owner(self, visitor: Identifier) -> Identifier | None:
        with self._lock:
            return self.bound[str(visitor)][0] if str(visitor) in self.bound else None

    def list_visitors(self, owner: Identifier) -> list[CustomerIdentifier]:
        with self._lock:
            return [visitor for _, (its_owner, visitor) in sorted(self.bound.items()) if its_owner == owner]


def _weight(word: str | None) -> tuple[int, bool]:
    """Return what decides between two words: the later one, and the refusal of two at the same instant."""
    return (int(word[1:]), word.startswith("-")) if word else (-1, False)
