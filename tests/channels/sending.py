"""Messages to send, and what a send came to."""

from typing import Any

from tests.channels.fake_http import FakeHttp
from throughline.channels import CHANNELS
from throughline.domain.identifiers import Identifier
from throughline.domain.messages import Attachment, OutboundMessage, SendReceipt
from throughline.ports import Account

NOW_MS = 1_762_950_000_000
ENTRY = "h-0a1b2c3d4e5f60718293.1762950000000.9f86d081884c7d659a2fea"


def message(to: Identifier, text: str | None = None, *files: Attachment, **more: Any) -> OutboundMessage:
    """Return a message of ours; the customer wrote an hour ago."""
    fields = {"last_inbound_ms": NOW_MS - 3_600_000, **more}
    return OutboundMessage(entry=ENTRY, to=to, text=text, attachments=files, now_ms=NOW_MS, **fields)


def file(kind: str, name: str | None = None) -> Attachment:
    """Return a file we made a link for."""
    return Attachment(kind=kind, name=name, blob="blobs/1", url=f"https://files.example/{kind}?X-Sig=s3cr3t")


def send(account: Account, outbound: OutboundMessage, http: FakeHttp) -> SendReceipt:
    """Send through the account's channel."""
    return CHANNELS[account.channel].send(outbound, account, http)
