"""Telegram: https://core.telegram.org/bots/api#update."""

import itertools
import json
import time

from infra.local.centre import Account
from infra.local.webhooks import Sender, text_webhook
from tests.chaos.talks.talk import Payload, Picture, Talk
from tests.journeys.desks import telegram_customer

_NUMBERS = itertools.count(int(time.time()) % 10**9)  # no two runs tell the same message


def _say(account: Account, sender: Sender, text: str, at: int) -> Payload:
    update: Payload = json.loads(text_webhook(account, sender, "-").body)
    number = next(_NUMBERS)
    message = update["message"] | {"message_id": number, "date": at, "text": text}
    return update | {"update_id": number, "message": message}


def _edit(said: Payload, text: str, at: int) -> Payload:
    return {"update_id": next(_NUMBERS), "edited_message": said["message"] | {"text": text, "edit_date": at}}


def _show(account: Account, sender: Sender, picture: Picture, at: int) -> Payload:
    update = _say(account, sender, picture.caption, at)
    message = {name: value for name, value in update["message"].items() if name != "text"}
    size = {"file_id": f"AgAC{update['update_id']}", "file_unique_id": "AQAD", "width": 90, "height": 67}
    shown = {"media_group_id": picture.album, "photo": [size], "caption": picture.caption}
    return update | {"message": message | shown}


TELEGRAM = Talk(
    channel="telegram",
    sender=telegram_customer,
    say=_say,
    edit=_edit,
    show=_show,
    refusal_called_success={"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
    patience=lambda seconds: {
        "body": {
            "ok": False,
            "error_code": 429,
            "description": f"Too Many Requests: retry after {seconds}",
            "parameters": {"retry_after": seconds},
        }
    },
)
