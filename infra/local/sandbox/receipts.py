"""What providers post to us by themselves: receipts, a moment after they took a message."""

import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus

import urllib3
from urllib3.exceptions import HTTPError

from infra.local.centre import Account
from infra.local.sandbox.calls import Receipt
from infra.local.signing import signed_headers

ATTEMPTS = 5

log = logging.getLogger("stack")


class Receipts:
    """Posts receipts to this stack: signed for the public URL, wherever that leads, and posted to `local_url`."""

    def __init__(self, accounts: Mapping[str, Account], *, public_url: str, local_url: str, pace_s: float) -> None:
        self._accounts = accounts
        self._public_url = public_url
        self._local_url = local_url
        self._pace_s = pace_s
        self._http = urllib3.PoolManager(maxsize=8, retries=False)
        self._tasks: set[asyncio.Task[None]] = set()

    def promise(self, receipt: Receipt) -> None:
        """Post it when its time has come. A crash of this process forgets it, as a provider may."""
        task = asyncio.create_task(self._deliver(receipt))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def forget_all(self) -> None:
        """Post nothing more."""
        for task in self._tasks:
            task.cancel()

    async def _deliver(self, receipt: Receipt) -> None:
        await asyncio.sleep(receipt.after_s)
        for attempt in range(ATTEMPTS if receipt.retried else 1):
            await asyncio.sleep(self._pace_s * attempt * 2)
            if await asyncio.to_thread(self._post, receipt) < HTTPStatus.MULTIPLE_CHOICES:
                return
        log.warning("a receipt of %s was not taken", receipt.channel)

    def _post(self, receipt: Receipt) -> int:
        account = self._accounts[receipt.channel]
        headers = signed_headers(account, receipt.url, receipt.body, receipt.content_type)
        url = self._local_url + receipt.url.removeprefix(self._public_url)
        try:
            answer = self._http.request("POST", url, body=receipt.body, headers=headers, redirect=False, timeout=30)
        except HTTPError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return answer.status
