"""What customers do while somebody looks at the desk, and what reaches them."""

from datetime import timedelta
from http import HTTPStatus
from typing import Any

from infra.local.client import StackClient
from infra.local.webhooks import Sender, text_webhook
from tests.browser.waiting import until
from tests.journeys.desks import account


def write(stack: StackClient, channel: str, sender: Sender, text: str, *, age: timedelta = timedelta()) -> None:
    """Let a customer write, `age` ago. Where the stack asks for patience, the provider comes again; it never fails."""
    webhook = text_webhook(account(channel), sender, text, age=age)

    def is_taken() -> bool:
        answer = stack.post_webhook(account(channel), webhook)
        assert answer.status < HTTPStatus.INTERNAL_SERVER_ERROR, answer
        return answer.status == HTTPStatus.OK

    until(is_taken, "the webhook to be taken")


def sent(stack: StackClient, channel: str, text: str) -> list[Any]:
    """Return what was handed to a provider with these words."""
    return [item for item in stack.sent(channel) if text in str(item.get("message"))]
