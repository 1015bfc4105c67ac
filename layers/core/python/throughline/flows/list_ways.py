"""By which ways a customer can be answered right now, and what each of them carries."""

from collections.abc import Mapping, Sequence
from typing import Any

from throughline.domain.configuration import ChannelAccount
from throughline.domain.customers import Customer
from throughline.domain.frames import iso
from throughline.domain.identifiers import ConversationId
from throughline.domain.messages import ATTACHMENT_KINDS
from throughline.domain.quick_replies import QuickReplyKind
from throughline.domain.rights import Caller
from throughline.domain.templates import MessageTemplate
from throughline.domain.vias import Via, ends_of
from throughline.flows.authorize import authorize_on_conversation
from throughline.flows.require_open_way import window_closes_ms
from throughline.flows.visitor_ways import living_ways
from throughline.ports import Channel, World


def view_ways(world: World, caller: Caller, conversation: ConversationId) -> Mapping[str, Any]:
    """Return every way the customer has written to us, the one a reply takes by default first. 2 RRU.

    An anonymous visitor's way is that of whom they have turned out to be: 1 RRU more for each.

    Raises:
        ForbiddenError, NotFoundError, InvalidRequestError: as `authorize_on_conversation`.
    """
    head = authorize_on_conversation(world, caller, "GET /conversations", conversation)
    customer = world.customers.find_customer(head.customer)
    living = living_ways(world, head.vias)
    last_via, vias = living.get(head.last_via or ""), dict[str, int]()
    for way, last_ms in head.vias.items():
        vias[living[way]] = max(last_ms, vias.get(living[way], 0))
    order = sorted(vias, key=lambda via: (via != last_via, -vias[via], via))
    ways = [{**_way(world, customer, via, vias[via]), "default": via == last_via} for via in order]
    return {"conversation": conversation, "ways": ways}


def _way(world: World, customer: Customer | None, written: str, last_ms: int) -> Mapping[str, Any]:
    via = Via.parse(written)
    account = world.settings.find_account_by_address(via.channel, via.address)
    channel = world.channels.get(via.channel) if account else None
    opted_out = _opted_out(customer, via)
    closes_ms = window_closes_ms(channel, last_ms) if channel else None
    closed = _closed_because(world, channel, closes_ms, opted_out=opted_out)
    return {
        "via": written,
        **ends_of(written),
        "last_inbound_at": iso(last_ms),
        "open": closed is None,
        "closed_because": closed,
        "opted_out": opted_out,
        "window_closes_at": None if closes_ms is None else iso(closes_ms),
        **_carried(channel),
        "templates": [_template_view(template) for template in _templates(account, channel)],
    }


def _opted_out(customer: Customer | None, via: Via) -> bool:
    known = customer.identifiers if customer else ()
    return any(str(item.identifier) == str(via.identifier) and item.opted_out(via.account) for item in known)


def _closed_because(world: World, channel: Channel | None, closes_ms: int | None, *, opted_out: bool) -> str | None:
    if channel is None:
        return "no_channel"
    if opted_out:
        return "opted_out"
    return "window_closed" if closes_ms is not None and world.clock() >= closes_ms else None


def _carried(channel: Channel | None) -> Mapping[str, Any]:
    kinds = channel.attachment_kinds if channel else frozenset()
    return {
        "text_limit": channel.text_limit if channel else None,
        "segments": channel.counts_segments if channel else False,
        "attachments": [kind for kind in ATTACHMENT_KINDS if kind in kinds],
        "quick_replies": [kind for kind in QuickReplyKind if channel and kind in channel.quick_reply_kinds],
    }


def _templates(account: ChannelAccount | None, channel: Channel | None) -> Sequence[MessageTemplate]:
    return list(account.templates.values()) if account and channel and channel.has_templates else ()


def _template_view(template: MessageTemplate) -> Mapping[str, Any]:
    return {
        "name": template.name,
        "language": template.language,
        "text": template.text,
        "parameters": template.parameter_count,
        "header": template.header,
    }
