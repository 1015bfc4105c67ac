"""The customers table: who the customers are and by which identifiers they are known. C-numbers: docs/data-model.md."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from throughline.domain.customers import CardChange, Customer, CustomerIdentifier
from throughline.domain.identifiers import UNPROVEN, AgentId, CustomerId, Evidence, Home, Identifier
from throughline.store._expressions import ABSENT, Expression, hole, path, value
from throughline.store._table import Table, starting
from throughline.store._values import Item, to_attribute

_PROFILE = "profile"
_IDENTIFIER = "identifier#"
_CONSENT = "consent:"
_OWNER, _BOUND = "owner", "visitor#"
_CARD = {"name": "name", "language": "lang", "tier": "tier", "value": "value"}  # our field → its attribute

_SET_IDENTIFIER = [path(name).set(value(name)) for name in ("home", "since", "evidence")]
_CLAIMED = Expression(*_SET_IDENTIFIER, condition=path("home").does_not_exist())
_PROVEN = Expression(
    *_SET_IDENTIFIER,
    condition=path("home").does_not_exist() | path("evidence").is_in(*map(to_attribute, UNPROVEN)),
)
_word = path(hole("consent"))
_LATEST_WORD = Expression(
    _word.set(value("word", "N")), condition=_word.does_not_exist() | (_word < value("word", "N"))
)


class DynamoCustomers:
    """Customers in DynamoDB."""

    def __init__(self, customers: Table) -> None:
        self._customers = customers

    def add_customer(self, customer: Customer) -> None:
        """C1. Create the customer with their identifiers; what there is of them already stays.

        One PutItem, and one UpdateItem for each identifier: 1 WRU each.
        """
        kept = {name: given for field, name in _CARD.items() if (given := getattr(customer, field)) is not None}
        self._customers.put(
            {"pk": _key(customer.customer_id), "sk": _PROFILE, "since": customer.since_ms, **kept}, ABSENT
        )
        for identifier in customer.identifiers:
            self.add_identifier(customer.customer_id, identifier)

    def add_identifier(self, customer: CustomerId, identifier: CustomerIdentifier) -> bool:
        """C2. Claim an identifier for a customer; return False if the customer had it. One UpdateItem: 1 WRU.

        One that was only claimed before is replaced by one that is proven, with the home of that.
        """
        parameters = {
            "home": identifier.home,
            "since": identifier.since_ms,
            "evidence": identifier.identifier.evidence,
        }
        key = _key(customer), _identifier_key(identifier.identifier)
        shape = _PROVEN if identifier.identifier.is_proven else _CLAIMED
        won, _ = self._customers.update(*key, shape, parameters)
        return won

    def find_customer(self, customer: CustomerId) -> Customer | None:
        """C3. Return the customer with all identifiers. One Query, strong: 1 RRU for every 4 KB."""
        items = self._customers.query(_key(customer), (_IDENTIFIER, _PROFILE))
        if not items:
            return None
        identifiers = [_identifier_from(customer, item) for item in items if item["sk"].startswith(_IDENTIFIER)]
        return replace(_profile_from(customer, items[-1]), identifiers=tuple(identifiers))

    def find_identifier(self, customer: CustomerId, identifier: Identifier) -> CustomerIdentifier | None:
        """C4. Return one identifier of a customer. One GetItem, eventually consistent: .5 RRU."""
        item = self._customers.get(_key(customer), _identifier_key(identifier), strong=False)
        return _identifier_from(customer, item) if item else None

    def set_consent(
        self, customer: CustomerId, identifier: Identifier, account: str, *, granted: bool, at_ms: int
    ) -> bool:
        """C5. Remember an opt-in or opt-out for an account; return whether it stands: False if a later word is known.

        Of two words of the same instant the opt-out stands. An identifier not known before is kept with it, so that no
        opt-out is lost. One UpdateItem: 1 WRU.
        """
        consent, word = _CONSENT + account, at_ms * 2 + (not granted)
        key = _key(customer), _identifier_key(identifier)
        won, item = self._customers.update(*key, _LATEST_WORD, {"consent": consent, "word": word})
        return won or item[consent] == word

    def record_link(self, customer: CustomerId, other: CustomerId, *, why: str, at_ms: int) -> None:
        """C6. Keep that `other` is the same person as `customer`: an edge that can be taken back.

        The first record stays. One PutItem: 1 WRU.
        """
        self._customers.put({"pk": _key(customer), "sk": f"edge#{other}", "why": why, "at": at_ms}, ABSENT)

    def complete_card(self, customer: CustomerId, other: Customer) -> None:
        """C11. Let a customer's card have what is known of `other` and not of them: what they have themselves stays.

        One UpdateItem: 1 WRU; none where nothing is known of `other`.
        """
        fields = {name: given for field, name in _CARD.items() if (given := getattr(other, field)) is not None}
        if fields:
            shape = _completed_card(tuple(fields))
            self._customers.update(_key(customer), _PROFILE, shape, {**fields, "since": other.since_ms})

    def bind_visitor(self, visitor: CustomerIdentifier, owner: Identifier) -> Identifier:
        """C8. Let an anonymous visitor be `owner` for good, unless they are somebody's; return whose they are then.

        The first word stands. One PutItem, and one more where `owner` has them, by which they are listed: 1 WRU each.
        """
        at = {"at": visitor.since_ms}
        standing = self._customers.put(
            {"pk": _bound_key(visitor.identifier), "sk": _OWNER, "owner": str(owner), **at}, ABSENT
        )
        stands = Identifier.parse(standing["owner"]) if standing else owner
        if stands == owner:
            sk = f"{_BOUND}{visitor.identifier}"
            self._customers.put({"pk": _bound_key(owner), "sk": sk, "home": visitor.home, **at}, ABSENT)
        return stands

    def find_owner(self, visitor: Identifier) -> Identifier | None:
        """C9. Return whom an anonymous visitor is bound to. One GetItem, strong: 1 RRU."""
        item = self._customers.get(_bound_key(visitor), _OWNER)
        return Identifier.parse(item["owner"]) if item else None

    def list_visitors(self, owner: Identifier) -> list[CustomerIdentifier]:
        """C10. Return every anonymous visitor who is bound to `owner`. One Query, strong: 1 RRU for some thirty."""
        items = self._customers.query(_bound_key(owner), starting(_BOUND))
        return [
            CustomerIdentifier(
                identifier=Identifier.parse(item["sk"].removeprefix(_BOUND)),
                home=Home(item["home"]),
                since_ms=item["at"],
            )
            for item in items
        ]

    def change_card(self, customer: CustomerId, changes: Mapping[str, Any], change: CardChange) -> None:
        """C7. Change fields of a customer's card; None removes one. Who changed what, and when, is kept beside it.

        One PutItem, then one UpdateItem: 2 WRU. Safe to repeat at the same instant.
        """
        fields = {_CARD[field]: given for field, given in changes.items()}
        at = {"by": change.by, "at": change.at_ms}
        sk = f"change#{change.at_ms:013d}#{change.by}"
        self._customers.put({"pk": _key(customer), "sk": sk, **at, "fields": fields})
        kept = tuple(name for name, given in fields.items() if given is not None)
        removed = tuple(name for name, given in fields.items() if given is None)
        self._customers.update(_key(customer), _PROFILE, _changed_card(kept, removed), {**at, **fields})


@cache
def _changed_card(kept: tuple[str, ...], removed: tuple[str, ...]) -> Expression:
    return Expression(
        *(path(name).set(value(name, "N" if name == "value" else "S")) for name in kept),
        *(path(name).remove() for name in removed),
        path("by").set(value("by")),
        path("at").set(value("at", "N")),
        path("since").set(path("since") | value("at", "N")),
    )


@cache
def _completed_card(names: tuple[str, ...]) -> Expression:
    given = {name: path(name) | value(name, "N" if name == "value" else "S") for name in names}
    since = path("since").set(path("since") | value("since", "N"))
    return Expression(*(path(name).set(standing) for name, standing in given.items()), since)


def _key(customer: CustomerId) -> str:
    return f"customer#{customer}"


def _bound_key(identifier: Identifier) -> str:
    return f"identifier#{identifier}"


def _identifier_key(identifier: Identifier) -> str:
    return f"{_IDENTIFIER}{identifier}"


def _profile_from(customer: CustomerId, item: Item) -> Customer:
    """Return the card, or an empty one if `item` is none: identifiers may be known before the card is written."""
    if item["sk"] != _PROFILE:
        return Customer(customer_id=customer)
    return Customer(
        customer_id=customer,
        name=item.get("name"),
        language=item.get("lang"),
        tier=item.get("tier"),
        value=item.get("value"),
        since_ms=item["since"],
        changed=CardChange(by=AgentId(item["by"]), at_ms=item["at"]) if "by" in item else None,
    )


def _identifier_from(customer: CustomerId, item: Item) -> CustomerIdentifier:
    """Return an identifier; one of which only a consent was ever told has the customer's own home."""
    identifier = Identifier.parse(item["sk"].removeprefix(_IDENTIFIER))
    return CustomerIdentifier(
        identifier=replace(identifier, evidence=Evidence(item.get("evidence", Evidence.ATTESTED))),
        home=Home(item.get("home", customer)),
        since_ms=item.get("since", 0),
        consents={name.removeprefix(_CONSENT): _word_from(item[name]) for name in item if name.startswith(_CONSENT)},
    )


def _word_from(word: int) -> str:
    at_ms, refused = divmod(word, 2)
    return f"{'-' if refused else '+'}{at_ms}"
