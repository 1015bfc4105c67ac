"""Customers of three channels who write all the time; their providers repeat what got no 2xx."""

import asyncio
import random
from http import HTTPStatus

from urllib3.exceptions import HTTPError

from infra.local.webhooks import Webhook, text_webhook
from tests.chaos._kill_machine import Machine
from tests.journeys.desks import account, phone_customer, telegram_customer

CHANNELS = ("telegram", "twilio_sms", "whatsapp")
REPEAT_AFTER_S = 0.3
PAUSE_S = (0.3, 2.0)


class Customer:
    """One of them. `taken` are the texts whose webhooks were answered 2xx, `refused` the statuses nobody may answer."""

    def __init__(self, machine: Machine, number: int, chance: random.Random) -> None:
        self.channel = CHANNELS[number % len(CHANNELS)]
        self.name = f"customer {number}"
        self.sender = telegram_customer() if self.channel == "telegram" else phone_customer()
        self.taken: list[str] = []
        self.refused: list[int] = []
        self.repeats = 0
        self._machine = machine
        self._stack = machine.client()
        self._chance = chance

    async def write_until(self, quiet: asyncio.Event) -> None:
        """Write, again and again; what was begun is brought to its end."""
        number = 0
        while not quiet.is_set():
            number += 1
            text = f"{self.name} says {number}"
            await self._deliver(text, text_webhook(account(self.channel), self.sender, text))
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))

    async def _deliver(self, text: str, webhook: Webhook) -> None:
        while not self._machine.over:
            status = await asyncio.to_thread(self._post, webhook)
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                self.taken.append(text)
                return
            if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
                self.refused.append(status)
            self.repeats += 1
            await asyncio.sleep(REPEAT_AFTER_S)

    def _post(self, webhook: Webhook) -> int:
        try:
            return self._stack.post_webhook(account(self.channel), webhook).status
        except HTTPError:
            return HTTPStatus.SERVICE_UNAVAILABLE
