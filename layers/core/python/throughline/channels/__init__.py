"""The channels this deployment speaks: a provider is one file and one line here."""

from throughline.channels.telegram import Telegram
from throughline.channels.twilio_sms import TwilioSms
from throughline.channels.whatsapp import WhatsApp
from throughline.ports import Channel

CHANNELS: dict[str, Channel] = {channel.name: channel for channel in (Telegram(), TwilioSms(), WhatsApp())}
