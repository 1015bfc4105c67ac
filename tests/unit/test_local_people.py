"""Who plays customers and agents on the stack of one machine does it as the real ones do."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from infra.local.agent_client import AgentClient, StayedAwayError
from infra.local.centre import read_centre
from infra.local.webhooks import Sender, text_webhook


def test_messages_of_one_millisecond_have_ids_of_their_own() -> None:
    account, sender = read_centre().account("telegram"), Sender(number="70011")
    updates = [json.loads(text_webhook(account, sender, "hello").body) for _ in range(50)]
    assert len({update["message"]["message_id"] for update in updates}) == 50


class GatewayInTrouble:
    """A socket over which only the gateway speaks: its frames have no event."""

    async def __aiter__(self) -> AsyncIterator[str]:
        yield json.dumps({"message": "Internal server error", "connectionId": "c", "requestId": "r"})

    async def close(self) -> None:
        """Be closed already."""


def test_a_frame_of_the_gateways_own_is_told_like_any_other() -> None:
    async def wait() -> None:
        agent = AgentClient("ana", cast("Any", GatewayInTrouble()))
        with pytest.raises(StayedAwayError, match="Internal server error"):
            await agent.wait_for_event("offer")
        await agent.close()

    asyncio.run(wait())
