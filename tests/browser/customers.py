"""What customers do while somebody looks at the desk, and what reaches them."""

import itertools
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from infra.local.centre import Account
from infra.local.client import StackClient
from infra.local.recorded import renewed
from infra.local.webhooks import JSON, Sender, Webhook, text_webhook
from tests.browser.waiting import until
from tests.journeys.desks import CENTRE, account

_UPDATES = itertools.count(time.time_ns() // 1_000_000 % 2**30)


def write(stack: StackClient, channel: str, sender: Sender, text: str, *, age: timedelta = timedelta()) -> None:
    """Let a customer write to the channel's first account, `age` ago."""
    post(stack, account(channel), text_webhook(account(channel), sender, text, age=age))


def write_to(stack: StackClient, ours: str, sender: Sender, text: str, *, age: timedelta = timedelta()) -> None:
    """Let a customer write to the account called `<channel>/<name>`, `age` ago."""
    named = next(item for item in CENTRE.accounts if f"{item.channel}/{item.name}" == ours)
    post(stack, named, text_webhook(named, sender, text, age=age))


def write_recorded(stack: StackClient, channel: str, sender: Sender, case: str) -> None:
    """Let a customer send what a provider's recorded webhook says."""
    post(stack, account(channel), renewed(account(channel), case, sender.number))


def post(stack: StackClient, ours: Account, webhook: Webhook) -> None:
    """Post a webhook. Where the stack asks for patience, the provider comes again; it never fails."""

    def is_taken() -> bool:
        answer = stack.post_webhook(ours, webhook)
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, answer
        return answer.status == HTTPStatus.OK

    until(is_taken, "the webhook to be taken")


def say_on_telegram(stack: StackClient, sender: Sender, **content: Any) -> Mapping[str, Any]:
    """Let a customer send any kind of message; return it as Telegram tells of it."""
    person = {"id": int(sender.number), "first_name": sender.name}
    message = {
        "message_id": next(_UPDATES),
        "from": person | {"is_bot": False, "language_code": "en"},
        "chat": person | {"type": "private"},
        "date": int(time.time()),
        **content,
    }
    _update(stack, message=message)
    return message


def edit_on_telegram(stack: StackClient, message: Mapping[str, Any], text: str) -> None:
    """Let a customer change what they wrote."""
    _update(stack, edited_message={**message, "text": text, "edit_date": int(time.time())})


def react_on_telegram(stack: StackClient, message: Mapping[str, Any], emoji: str | None) -> None:
    """Let a customer react to a message, or take their reaction back."""
    reaction = {name: message[name] for name in ("chat", "message_id")} | {"user": message["from"]}
    shown = [{"type": "emoji", "emoji": emoji}] if emoji else []
    _update(stack, message_reaction={**reaction, "date": int(time.time()), "old_reaction": [], "new_reaction": shown})


def _update(stack: StackClient, **update: Any) -> None:
    body = json.dumps({"update_id": next(_UPDATES), **update}).encode()
    post(stack, account("telegram"), Webhook(body=body, content_type=JSON))


def sent(stack: StackClient, channel: str, text: str) -> list[Any]:
    """Return what was handed to a provider with these words."""
    return [item for item in stack.sent(channel) if text in str(item.get("message"))]
