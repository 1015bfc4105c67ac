"""SMS over Twilio: https://www.twilio.com/docs/messaging/guides/webhook-request."""

import uuid
from urllib.parse import parse_qsl, urlencode

from infra.local.centre import Account
from infra.local.sandbox.twilio import report
from infra.local.webhooks import FORM, Sender, text_webhook
from tests.chaos.talks.talk import Payload, Receipt, Talk
from tests.journeys.desks import phone_customer


def _say(account: Account, sender: Sender, text: str, at: int) -> Payload:  # noqa: ARG001 - Twilio tells no time
    form = dict(parse_qsl(text_webhook(account, sender, "-").body.decode(), keep_blank_values=True))
    return form | {"Body": text}


def _receipt(account: Account, sender: Sender, entry: str, status: str, at: int) -> Receipt:  # noqa: ARG001
    fields = {"From": account.address, "To": sender.number}
    told = report(account.settings["account_sid"], f"SM{uuid.uuid4().hex}", fields, status)
    return Receipt(payload=told, query=urlencode({"entry": entry}) if entry else "")


TWILIO_SMS = Talk(
    channel="twilio_sms",
    sender=phone_customer,
    say=_say,
    content_type=FORM,
    tells_time=False,
    statuses=("queued", "sending", "sent", "undelivered", "delivered"),
    receipt=_receipt,
    refusal_called_success={"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400},
)
