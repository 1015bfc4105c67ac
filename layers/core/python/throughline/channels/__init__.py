"""The channels this deployment speaks: a provider is one file and one line here."""

from throughline.channels.telegram import Telegram
from throughline.channels.twilio_sms import TwilioSms
from throughline.channels.webchat import Webchat
from throughline.channels.whatsapp import WhatsApp
from throughline.ports import Channel, WebhookChannel

WEBHOOK_CHANNELS: dict[str, WebhookChannel] = {
    channel.name: channel for channel in (Telegram(), TwilioSms(), WhatsApp())
}
CHANNELS: dict[str, Channel] = {**WEBHOOK_CHANNELS, Webchat.name: Webchat()}
