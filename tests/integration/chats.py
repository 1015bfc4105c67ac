"""A contact centre with two web chats, and the steps that visitors, pages and agents take around them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import jwt
from chalice.test import Client

from app import app
from tests.cloud import cloud
from tests.integration.center import SECRETS, Center, center
from tests.tables import connection, dynamo_stores, fake_stores, tables_of
from throughline.domain.conversations import Head

SHOP = "https://shop.example"


class Chat:
    """A contact centre with two web chats, and the steps people take around them."""

    def __init__(self, made: Center) -> None:
        self.center = made
        self._messages = 0

    # ------------------------------------------------------------ pages

    def ask(
        self, method: str, path: str, body: Any = None, *, origin: str | None = SHOP, token: str | None = None
    ) -> tuple[int, Any, Mapping[str, Any]]:
        headers = {"Content-Type": "application/json"}
        headers |= {"Origin": origin} if origin else {}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        content = json.dumps(body).encode() if body is not None else b""
        with Client(app) as client:
            answer = client.http.request(method, path, headers=headers, body=content)
        return answer.status_code, json.loads(answer.body) if answer.body else None, answer.headers

    # ------------------------------------------------------------ visitors

    def writes(self, tab: str, text: str, **fields: Any) -> str:
        """Let a visitor write; return the message id."""
        self._messages += 1
        message_id = str(fields.pop("message_id", f"m-{self._messages}"))
        self.center.clock.now_ms += 1
        ack = self.center.say(tab, "message.send", message_id=message_id, text=text, **fields)
        assert (ack["event"], ack.get("message_id")) == ("ack", message_id), ack
        self.center.work()
        return message_id

    def shown(self, tab: str, event: str = "message") -> list[Any]:
        frames = self.center.sockets.to(tab, event)
        return [frame["entry"] for frame in frames] if event == "message" else list(frames)

    def texts(self, tab: str) -> list[str]:
        return [entry["text"] for entry in self.shown(tab)]

    def snapshot(self, tab: str, **fields: Any) -> dict[str, Any]:
        return self.center.say(tab, "hello", **fields)

    # ------------------------------------------------------------ agents

    def takes(self, tab: str) -> str:
        """Let an agent accept the last offer; return the conversation."""
        offer = self.center.sockets.to(tab, "offer")[-1]
        assert self.center.say(tab, "offer.accept", offer=offer["offer"])["event"] == "ack"
        return str(offer["conversation"])

    def answers(self, tab: str, conversation: str, text: str) -> str:
        self._messages += 1
        self.center.clock.now_ms += 1
        ack = self.center.say(
            tab, "message.send", conversation=conversation, message_id=f"r-{self._messages}", text=text
        )
        self.center.work()
        return str(ack["entry"]["id"])

    def head(self, conversation: str) -> Head:
        return self.center.head(conversation)


@contextmanager
def opened_chat(stores: str) -> Iterator[Chat]:
    """Yield one over `fake` stores or those of `dynamodb`."""
    if stores == "fake":
        with center(fake_stores()) as made:
            yield Chat(made)
        return
    with cloud(), center(dynamo_stores(tables_of(connection()))) as made:
        yield Chat(made)


def identity(chat: Chat, sub: str = "u-77", secret: str = SECRETS["webchat/identity"], **changed: Any) -> str:
    claims = {"sub": sub, "exp": chat.center.clock.now_ms // 1000 + 600, "name": "Mina"} | changed
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, "HS256")
