"""A running stack, as people and tests talk to it over HTTP."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

import urllib3
from urllib3.exceptions import HTTPError

from infra.local.centre import Account
from infra.local.options import DEFAULT_PORT
from infra.local.server import LOOPBACK
from infra.local.signing import signed_headers
from infra.local.webhooks import Webhook

_TIMEOUT_S = 35.0


class NotSignedInError(Exception):
    """The stack signs nobody in like that; the message says why."""


class NoStackError(Exception):
    """No stack of ours answers there; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


class StackClient:
    """Talks to one stack. `public_url` is what its webhooks are signed for; `engine` is empty if it does not tell."""

    def __init__(self, url: str, public_url: str, engine: str = "") -> None:
        self.url = url
        self.public_url = public_url
        self.engine = engine
        self._http = urllib3.PoolManager(retries=False, timeout=_TIMEOUT_S)

    @classmethod
    def find(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Return the stack that runs on PORT of this machine.

        Raises:
            NoStackError: there is none.
        """
        port = environ.get("PORT") or str(DEFAULT_PORT)
        return cls.at(f"http://{LOOPBACK}:{port}")

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the stack at an address.

        Raises:
            NoStackError: there is none, or it is not ready.
        """
        client = cls(url, url)
        try:
            health = client.request("GET", "/health")
            facts = health.json()
        except (HTTPError, ValueError):
            raise NoStackError(
                f"no stack answers at {url}; `make run` starts one, and PORT=… says where it is"
            ) from None
        if not isinstance(facts, dict) or facts.get("stack") != "throughline" or health.status != HTTPStatus.OK:
            raise NoStackError(f"what answers at {url} is no stack of ours that is ready; set PORT to another port")
        client.public_url = facts["public_url"]
        client.engine = str(facts.get("engine") or "")
        return client

    def token(self, subject: str, role: str = "agent") -> str:
        """Return a token for an agent or a supervisor.

        Raises:
            NotSignedInError: there is none for them.
        """
        answer = self.request("POST", "/local/token", {"sub": subject, "role": role})
        if answer.status != HTTPStatus.OK:
            raise NotSignedInError(f"{subject} gets no token ({answer.status}): {answer.body.decode(errors='replace')}")
        return str(answer.json()["token"])

    def sent(self, channel: str | None = None) -> list[Any]:
        """Return what the providers were asked."""
        return list(self.request("GET", "/sandbox/sent" + (f"?channel={channel}" if channel else "")).json()["sent"])

    def get(self, path: str, token: str) -> Answer:
        """Return what the REST API answers to the bearer of a token."""
        return self.request("GET", path, headers={"Authorization": f"Bearer {token}"})

    def post_webhook(
        self, account: Account, webhook: Webhook, headers: Mapping[str, str] | None = None, *, query: str = ""
    ) -> Answer:
        """Post a webhook as the account's provider would: signed, unless other `headers` are given."""
        path = account.webhook_path + (f"?{query}" if query else "")
        if headers is None:
            headers = signed_headers(account, self.public_url + path, webhook.body, webhook.content_type)
        return self.request("POST", path, webhook.body, headers=headers)

    def request(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one request; `body` is bytes, or anything that becomes JSON."""
        sent = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        answer = self._http.request(method, self.url + path, body=body, headers=sent, redirect=False)
        headers_back = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(status=answer.status, body=answer.data, headers=headers_back)
