"""The limits of an account and of each of its senders, held against what an authentic webhook or a visitor brings."""

import math
from collections.abc import Sequence
from enum import StrEnum

from throughline.domain.configuration import ChannelAccount
from throughline.domain.errors import StoreUnavailableError, TooManyRequestsError
from throughline.domain.identifiers import Home, digest, home_of
from throughline.domain.limits import reopens_in_ms
from throughline.domain.messages import ChannelEvent, StatusReported
from throughline.flows.link import home_key
from throughline.ports import World

LANES = 4


class Excess(StrEnum):
    """Whose limit an event is over."""

    ACCOUNT = "account"
    SENDER = "sender"


def charge_event(
    world: World, event: ChannelEvent, account: ChannelAccount, at_ms: int, *, of_sender: bool
) -> Excess | None:
    """Charge an event as `charge` does, to its sender only if `of_sender`; return whose limit it is over, or None.

    Reports on our own messages are nobody's: as many come as we send.
    """
    if isinstance(event, StatusReported):
        return None
    return charge(world, account, at_ms, sender=_home(world, event) if of_sender else None)


def charge(world: World, account: ChannelAccount, at_ms: int, *, sender: Home | None) -> Excess | None:
    """Charge one event to its sender, then to its account; return whose limit it is over, or None.

    What a sender sends too much is not charged to the account: one customer who floods does not close the door to the
    others.
    """
    name = f"{account.channel}/{account.name}"
    if sender and not take_one(world, f"{name}|{sender}", account.sender_limit, at_ms, account.channel):
        return Excess.SENDER
    return None if take_one(world, name, account.account_limit, at_ms, account.channel) else Excess.ACCOUNT


def require_room(excesses: Sequence[Excess | None], at_ms: int) -> None:
    """Return quietly if anything in a webhook is within its limits: nobody is sent away with somebody who floods.

    Raises:
        TooManyRequestsError: everything is over them.
    """
    if excesses and all(excesses):
        raise over_limit(" and ".join(sorted({excess for excess in excesses if excess})), at_ms)


def over_limit(whose: str, at_ms: int) -> TooManyRequestsError:
    """Return the refusal of what came at `at_ms`: when to come again is when the next ten seconds begin."""
    return TooManyRequestsError(f"over the limit of the {whose}", retry_after_s=math.ceil(reopens_in_ms(at_ms) / 1000))


def group_for(world: World, event: ChannelEvent, excess: Excess | None) -> str:
    """Return the group of a person's event in the inbound queue: their home, in which it keeps its order.

    What its account has too much shares a few lanes instead, so that it takes up a few workers and not all of them. A
    sender's own excess stays in the home, which is a lane already.
    """
    home = _home(world, event)
    return f"{digest('lane', event.account)}.{int(home[-1], 16) % LANES}" if excess is Excess.ACCOUNT else home


def _home(world: World, event: ChannelEvent) -> Home:
    return home_of(event.senders[0], home_key(world))


def take_one(world: World, subject: str, limit: int, at_ms: int, channel: str) -> bool:
    """Count one of `subject`; return whether it is within `limit` in ten seconds. 1 WRU at most; see ports.Intake."""
    try:
        return world.intake.take(subject, limit=limit, at_ms=at_ms)
    except StoreUnavailableError:  # a limit protects us from too much; it must not lose what is not
        world.telemetry.count("intake_not_counted", channel=channel)
        return True
