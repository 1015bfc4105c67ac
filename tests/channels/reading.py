"""Reading fixtures as the receiving flow would."""

from collections.abc import Sequence
from dataclasses import replace

from tests.http_fixtures import load
from throughline.channels import WEBHOOK_CHANNELS
from throughline.domain.messages import ChannelEvent


def events(channel: str, name: str) -> Sequence[ChannelEvent]:
    """Return the events of a fixture that proves authentic."""
    fixture = load(channel, name)
    WEBHOOK_CHANNELS[channel].verify(fixture.request, fixture.account)
    return WEBHOOK_CHANNELS[channel].parse(fixture.request, fixture.account)


def bare(event: ChannelEvent) -> ChannelEvent:
    """Return the event without its raw part."""
    return replace(event, raw=None)
