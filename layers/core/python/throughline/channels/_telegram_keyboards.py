"""Quick replies as Telegram's keyboards.

https://core.telegram.org/bots/api#replykeyboardmarkup and https://core.telegram.org/bots/api#inlinekeyboardmarkup
"""

from collections.abc import Sequence

from throughline.channels._fields import Json
from throughline.domain.quick_replies import QuickReply, QuickReplyKind

ROW_CHARACTERS = 30  # so much of several labels can be read side by side on a narrow phone


def keyboard_of(replies: Sequence[QuickReply]) -> Json | None:
    """Return the keyboard that shows the replies, or None if there is none that would.

    A reply's tap sends its label as the customer's message; the keyboard goes away with it. Descriptions have no place
    on a key, so replies that have some are written out.
    """
    match replies:
        case []:
            return None
        case [QuickReply(kind=QuickReplyKind.LINK), *_]:
            return {"inline_keyboard": _rows([{"text": reply.text, "url": reply.url} for reply in replies])}
        case [QuickReply(kind=QuickReplyKind.LOCATION) as reply]:
            return _once([{"text": reply.text, "request_location": True}])
        case [QuickReply(kind=QuickReplyKind.FORM, url=str(url)) as reply] if url.startswith("https://"):
            # no other address may be a Mini App: https://core.telegram.org/bots/api#webappinfo
            return _once([{"text": reply.text, "web_app": {"url": url}}])
        case [QuickReply(kind=QuickReplyKind.REPLY), *_] if not any(reply.description for reply in replies):
            return _once([{"text": reply.text} for reply in replies])
    return None


def _once(keys: Sequence[Json]) -> Json:
    return {"keyboard": _rows(keys), "resize_keyboard": True, "one_time_keyboard": True}


def _rows(keys: Sequence[Json]) -> list[list[Json]]:
    """Return the keys in one row where they fit, else one below the other."""
    together = sum(len(str(key["text"])) for key in keys) <= ROW_CHARACTERS
    return [list(keys)] if together else [[key] for key in keys]
