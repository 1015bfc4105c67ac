"""The provider sandbox, served, with a place where its receipts arrive."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.centre import Account, Centre
from infra.local.sandbox.doors import Sandbox
from infra.local.sandbox.journal import Journal
from tests.integration.local_edges import WAIT_S, served

HTTP = urllib3.PoolManager(retries=False)
PUBLIC_URL = "https://contact.example.com"
BOT = "42:the-bots-token"
TWILIO_TOKEN, META_TOKEN = "twilio-token", "meta-token"
SID = "AC0000000000000000000000000000000a"
NUMBER_ID = "100000000000001"
CENTRE = Centre(
    accounts=[
        Account(
            channel="telegram",
            name="shop",
            address="shop_bot",
            queue="q",
            secrets={"bot_token": BOT, "webhook_secret": "header-secret"},
        ),
        Account(
            channel="twilio_sms",
            name="shop",
            address="+15005550006",
            queue="q",
            secrets={"auth_token": "twilio-token"},
            settings={"account_sid": SID},
        ),
        Account(
            channel="whatsapp",
            name="shop",
            address=NUMBER_ID,
            queue="q",
            secrets={"access_token": "meta-token", "app_secret": "meta-secret", "verify_token": "verify"},
        ),
    ],
    agents=[],
    issuer=None,
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class World:
    """The sandbox, a place where its receipts arrive, and a file it may fetch."""

    def __init__(self, journal_path: Path) -> None:
        self.journal_path = journal_path
        self.answers: list[int] = []
        self._arrived: list[tuple[str, Mapping[str, str], bytes]] = []
        self._changed = threading.Condition()

    async def take(self, request: Request) -> Response:
        body = await request.body()
        with self._changed:
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            self._arrived.append((path, dict(request.headers), body))
            self._changed.notify_all()
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    def arrived(self, count: int) -> list[tuple[str, Mapping[str, str], bytes]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._arrived) >= count, WAIT_S), self._arrived
            return list(self._arrived)


@contextmanager
def playing(world: World) -> Iterator[str]:
    """Serve the providers; yields the address."""
    with served([Route("/webhooks/{rest:path}", world.take, methods=["POST"])]) as sink:
        sandbox = Sandbox(CENTRE, Journal(world.journal_path), public_url=PUBLIC_URL, local_url=sink, pace_s=0.01)

        async def stop() -> None:
            sandbox.close()

        with served(sandbox.routes(), before_stop=stop) as url:
            yield url


def ask_telegram(url: str, method: str, token: str = BOT, **fields: Any) -> Any:
    return HTTP.request("POST", f"{url}/sandbox/telegram/bot{token}/{method}", json=fields)


def ask_twilio(url: str, password: str = TWILIO_TOKEN, **fields: Any) -> Any:
    form = {"To": "+14155550142", "From": "+15005550006", "Body": "Hi"} | fields
    content = urlencode({name: value for name, value in form.items() if value is not None}, doseq=True)
    headers = FORM | urllib3.make_headers(basic_auth=f"{SID}:{password}")
    path = f"/sandbox/twilio/2010-04-01/Accounts/{SID}/Messages.json"
    return HTTP.request("POST", url + path, body=content, headers=headers)


def ask_whatsapp(url: str, token: str = META_TOKEN, number: str = NUMBER_ID, **fields: Any) -> Any:
    message = {"messaging_product": "whatsapp", "to": "14155550142", "type": "text", "text": {"body": "Hi"}} | fields
    headers = {"Authorization": f"Bearer {token}"}
    return HTTP.request("POST", f"{url}/sandbox/whatsapp/v25.0/{number}/messages", json=message, headers=headers)


def sent(url: str, channel: str = "") -> list[Any]:
    return list(
        HTTP.request("GET", f"{url}/sandbox/sent", fields={"channel": channel} if channel else {}).json()["sent"]
    )
