"""What an agent's screen asks for when they answer."""

from typing import Any

from throughline.domain.client_frames import SendMessage
from throughline.domain.identifiers import ConversationId


def a_reply(conversation: ConversationId, *, message_id: str, text: str | None = None, **more: Any) -> SendMessage:
    """Return the frame of a reply."""
    return SendMessage(
        action="message.send", frame_id="f1", conversation=conversation, message_id=message_id, text=text, **more
    )
