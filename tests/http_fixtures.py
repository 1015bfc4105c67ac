"""Recorded webhooks (`events/providers/<channel>/<case>.http`) and the accounts they were signed for.

A file holds `# source: <documentation URL>`, the request line, headers, a blank line and the raw body to its last byte.
After changing or adding one, `python -m tests.http_fixtures <file> …` signs it again. The signing here is not the
adapters' code.
"""

import base64
import hashlib
import hmac
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from throughline.domain.configuration import ChannelAccount, Configuration, Queue
from throughline.ports import Account, WebhookRequest

PROVIDERS = Path(__file__).parent.parent / "events" / "providers"
RECEIVED_MS = 1_762_950_000_000

ACCOUNTS: Mapping[str, Account] = {
    "telegram": Account(
        channel="telegram",
        name="demo",
        address="throughline_demo_bot",
        webhook_url="https://contact.example.com/webhooks/telegram/demo",
        secrets={"bot_token": ["7000000001:tg-bot-token"], "webhook_secret": ["tg_Header-secret_1"]},
    ),
    "twilio_sms": Account(
        channel="twilio_sms",
        name="demo",
        address="+15005550006",
        webhook_url="https://contact.example.com/webhooks/twilio_sms/demo",
        secrets={"auth_token": ["twilio-auth-token-1"]},
        settings={"account_sid": "AC0f3c1d27a9b84e66a0c5d1e2f3a4b5c6"},
    ),
    "webchat": Account(
        channel="webchat",
        name="demo",
        address="demo",
        webhook_url="",
        secrets={
            "signing_key": ["a-signing-key-for-tests-and-nothing-else"],
            "identity_secret": ["an-identity-secret-for-tests-and-nothing-else"],
        },
        settings={"origins": ("https://shop.example",)},
    ),
    "whatsapp": Account(
        channel="whatsapp",
        name="demo",
        address="100000000000001",
        webhook_url="https://contact.example.com/webhooks/whatsapp/demo",
        secrets={
            "app_secret": ["wa-app-secret-1"],
            "access_token": ["wa-access-token-1"],
            "verify_token": ["wa-verify-token-1"],
        },
    ),
}
SIGNING_SECRETS = {"telegram": "webhook_secret", "twilio_sms": "auth_token", "whatsapp": "app_secret"}
SIGNATURE_HEADERS = {
    "telegram": "x-telegram-bot-api-secret-token",
    "twilio_sms": "x-twilio-signature",
    "whatsapp": "x-hub-signature-256",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixture:
    """One recorded webhook."""

    channel: str
    name: str
    source: str
    request: WebhookRequest

    @property
    def account(self) -> Account:
        """Return the account it was signed for."""
        return ACCOUNTS[self.channel]


def load(channel: str, name: str) -> Fixture:
    """Return one fixture."""
    return read(channel, name, (PROVIDERS / channel / f"{name}.http").read_bytes())


def read(channel: str, name: str, content: bytes) -> Fixture:
    """Return what a file of that content says."""
    head, _, body = content.partition(b"\n\n")
    comment, request_line, *lines = head.decode().splitlines()
    method, path = request_line.split(" ")
    headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return Fixture(
        channel=channel,
        name=name,
        source=comment.removeprefix("# source: "),
        request=WebhookRequest(
            method=method,
            url=f"https://{headers['host']}{path}",
            headers=headers,
            query=_first_values(path.partition("?")[2]),
            body=body,
            received_ms=RECEIVED_MS,
        ),
    )


def configured() -> Configuration:
    """Return the accounts the fixtures were signed for; each secret is a parameter called ``<channel>/<secret>``."""
    accounts = [
        ChannelAccount(
            channel=account.channel,
            name=account.name,
            address=account.address,
            queue="support",
            secrets={name: (f"{account.channel}/{name}",) for name in account.secrets},
            settings=account.settings,
        )
        for account in ACCOUNTS.values()
    ]
    return Configuration(
        accounts={f"{account.channel}/{account.name}": account for account in accounts},
        queues={"support": Queue(name="support")},
    )


def names(channel: str) -> list[str]:
    """Return the names of a channel's fixtures."""
    return sorted(path.stem for path in (PROVIDERS / channel).glob("*.http"))


def every_fixture() -> list[Fixture]:
    """Return the fixtures of all channels."""
    return [load(channel, name) for channel in sorted(ACCOUNTS) for name in names(channel)]


def proof(channel: str, secret: str, request: WebhookRequest) -> str:
    """Return what the provider would put into its signature header."""
    if channel == "telegram":
        return secret
    if channel == "whatsapp":
        return "sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    is_form = request.method == "POST" and "bodySHA256" not in request.query
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True) if is_form else []
    signed = request.url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.new(secret.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def sign_again(path: Path) -> None:
    """Write the signature that the body in `path` has today."""
    channel = path.parent.name
    fixture = load(channel, path.stem)
    secret = fixture.account.secret(SIGNING_SECRETS[channel])
    fresh = proof(channel, secret, fixture.request)
    head, blank, body = path.read_bytes().partition(b"\n\n")
    lines = [
        f"{line.partition(':')[0]}: {fresh}" if line.lower().startswith(SIGNATURE_HEADERS[channel]) else line
        for line in head.decode().split("\n")
    ]
    path.write_bytes("\n".join(lines).encode() + blank + body)


def _first_values(query: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, value)
    return values


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sign_again(Path(argument))
