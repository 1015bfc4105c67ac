"""How providers prove that a webhook is theirs, written from their documentation.

Deliberately not the adapters' code: who signs here and is believed there shows that both read the documentation alike.
"""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl

from infra.local.centre import Account

Headers = dict[str, str]


class UnknownChannelError(LookupError):
    """Nobody here knows how that provider signs."""


def signed_headers(account: Account, url: str, body: bytes, content_type: str) -> Headers:
    """Return the headers with which the account's provider would post `body` to `url`.

    Raises:
        UnknownChannelError: no such provider is known here.
    """
    headers = {"Content-Type": content_type}
    match account.channel:
        case "telegram":
            return headers | {"X-Telegram-Bot-Api-Secret-Token": account.secrets["webhook_secret"]}
        case "twilio_sms":
            form = parse_qsl(body.decode(), keep_blank_values=True)
            return headers | {"X-Twilio-Signature": twilio_signature(account.secrets["auth_token"], url, form)}
        case "whatsapp":
            return headers | {"X-Hub-Signature-256": meta_signature(account.secrets["app_secret"], body)}
    raise UnknownChannelError(f"no webhook of the channel {account.channel} can be signed here")


def twilio_signature(auth_token: str, url: str, form: list[tuple[str, str]]) -> str:
    """Return X-Twilio-Signature: HMAC-SHA1 over the URL and the form's names and values in the order of the names.

    https://www.twilio.com/docs/usage/security#validating-requests
    """
    fields = {name: sorted({v for n, v in form if n == name}) for name, _ in form}
    text = url + "".join(name + value for name in sorted(fields) for value in fields[name])
    return base64.b64encode(hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def meta_signature(app_secret: str, body: bytes) -> str:
    """Return X-Hub-Signature-256: HMAC-SHA256 over the raw body.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
