"""Who somebody is on WhatsApp: a phone number, a business-scoped user id, or both.

https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from throughline.channels._events import SourceFields
from throughline.channels._fields import Json, ident, items, mapping, text
from throughline.channels._phones import tel
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import JsonValue, NotUnderstood
from throughline.ports import Account

CHANNEL = "whatsapp"
_BSUID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
_PARENT_BSUID = re.compile(r"[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}")


def bsuid(value: object) -> Identifier | None:
    """Return the identifier of a business-scoped user id, or None if it is malformed."""
    found = text(value)
    return Identifier(kind="bsuid", value=found) if found and _BSUID.fullmatch(found) else None


def parent_bsuid(value: object) -> Identifier | None:
    """Return the identifier that several portfolios of one enterprise share, or None if it is malformed.

    It recognises a customer who writes to a number of another portfolio, where their business-scoped id is a different
    one. Not every business may send to it, so it is for recognising only.
    """
    found = text(value)
    return Identifier(kind="bsuid_parent", value=found) if found and _PARENT_BSUID.fullmatch(found) else None


def identifiers(phone: object, user: object, parent: object = None) -> tuple[Identifier, ...]:
    """Return the identifiers that are well-formed, the most useful first: phone, business-scoped id, its parent."""
    named = bsuid(user) or bsuid(phone)  # a username user's BSUID has been seen in the field of the phone number
    found = (tel(ident(phone)), named, parent_bsuid(parent))
    return tuple(identifier for identifier in found if identifier)


class Person(NamedTuple):
    """Somebody named by the fields of one item; `complete` adds what the webhook's contacts say of them."""

    phone: str | None
    user: str | None
    parent: str | None = None

    @property
    def named(self) -> bool:
        """Return whether the item names anybody, well-formed or not."""
        return any((self.phone, self.user, self.parent))


def sender_of(item: Json) -> Person:
    """Return whom the item comes from."""
    return Person(ident(item.get("from")), text(item.get("from_user_id")), text(item.get("from_parent_user_id")))


def receiver_of(item: Json) -> Person:
    """Return whom the item went to."""
    return Person(ident(item.get("to")), text(item.get("to_user_id")), text(item.get("to_parent_user_id")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One ``changes[]`` item: what came for one of the account's numbers, and the people it mentions."""

    account: Account
    field: str | None
    value: Json

    @property
    def account_id(self) -> str:
        """Return the account of the number it is for; an app's webhook carries the numbers of several."""
        number_id = ident(mapping(self.value.get("metadata")).get("phone_number_id"))
        return f"{CHANNEL}/{number_id}" if number_id else self.account.account_id

    def own_number(self) -> Identifier | None:
        """Return our own number, so that nobody takes it for a customer's."""
        return tel(text(mapping(self.value.get("metadata")).get("display_phone_number")))

    def contact(self, person: Person) -> Json:
        """Return the contact with the phone or the user id of `person`, never simply the first."""
        for contact in map(mapping, items(self.value.get("contacts"))):
            if person.phone and ident(contact.get("wa_id")) == person.phone:
                return contact
            if person.user and text(contact.get("user_id")) == person.user:
                return contact
        return {}

    def identifiers(self, person: Person) -> tuple[Identifier, ...]:
        """Return everything that names `person`, from the item and its contact."""
        contact = self.contact(person)
        return identifiers(
            person.phone or contact.get("wa_id"),
            person.user or contact.get("user_id"),
            person.parent or contact.get("parent_user_id"),
        )

    def source(
        self, item: Json, provider_id: str, person: Person, sent_ms: int | None, *, senders: Iterable[Identifier]
    ) -> SourceFields:
        """Return what every event carries."""
        contact = self.contact(person)
        return SourceFields(
            channel=CHANNEL,
            account=self.account_id,
            provider_id=provider_id,
            senders=tuple(senders),
            sent_ms=sent_ms,
            raw=self.raw(item, contact),
            name=text(mapping(contact.get("profile")).get("name")),
            language=None,
        )

    def raw(self, item: JsonValue, contact: Json | None = None) -> JsonValue:
        """Return the part of the webhook that `item` and what is needed to read it again make."""
        kept = {"field": self.field, "metadata": self.value.get("metadata"), "item": item}
        return {**kept, "contact": contact} if contact else kept

    def not_understood(self, item: JsonValue, provider_id: str, reason: str) -> NotUnderstood:
        """Return the event of an item that is nothing to us."""
        return NotUnderstood(
            channel=CHANNEL,
            account=self.account_id,
            provider_id=provider_id,
            raw=self.raw(item),
            reason=reason,
        )
