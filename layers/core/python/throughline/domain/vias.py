"""The way a message took: which channel account of ours, which identifier of the customer's."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from throughline.domain.errors import InvalidRequestError
from throughline.domain.identifiers import Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Via:
    """An account (``<channel>/<address>``) and an identifier; written ``telegram/demo|telegram:3527065``."""

    account: str
    identifier: Identifier

    def __str__(self) -> str:
        return f"{self.account}|{self.identifier}"

    @property
    def channel(self) -> str:
        """Return the channel's name."""
        return self.account.partition("/")[0]

    @property
    def address(self) -> str:
        """Return what the provider calls the account."""
        return self.account.partition("/")[2]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the way written as ``<account>|<identifier>``.

        Raises:
            InvalidRequestError: it is not written so.
        """
        account, bar, identifier = text.partition("|")
        if not (bar and "/" in account):
            raise InvalidRequestError("via is written <channel>/<address>|<kind>:<value>")
        return cls(account=account, identifier=Identifier.parse(identifier))


def ends_of(written: str | None) -> dict[str, str]:
    """Return the two ends of a way: our `channel` and `account`, the customer's `identifier`; of no way, empty ones."""
    ours, _, theirs = (written or "").partition("|")
    channel, _, address = ours.partition("/")
    return {"channel": channel, "account": address, "identifier": theirs}


def choose_via(wanted: str | None, last: str | None, known: Iterable[str]) -> Via:
    """Return the way a reply goes: the `wanted` one, or else the `last` one the customer used.

    `wanted` is one of those in `known`, or the identifier alone where only one of them leads to it.

    Raises:
        InvalidRequestError: this customer never wrote that way, or several ways lead to the identifier.
    """
    ways = tuple(known)
    if wanted is None and last is not None:
        return Via.parse(last)
    if wanted in ways:
        return Via.parse(str(wanted))
    fitting = [way for way in ways if way.partition("|")[2] == wanted]
    if len(fitting) != 1:
        raise InvalidRequestError("via: has to be one of the ways the customer has written to us")
    return Via.parse(fitting[0])
