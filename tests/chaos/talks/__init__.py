"""What each provider can be made to tell: a channel takes part in the provider chaos by a file and a line here."""

from collections.abc import Mapping

from tests.chaos.talks.talk import Talk
from tests.chaos.talks.telegram import TELEGRAM
from tests.chaos.talks.twilio_sms import TWILIO_SMS
from tests.chaos.talks.whatsapp import WHATSAPP

TALKS: Mapping[str, Talk] = {talk.channel: talk for talk in (TELEGRAM, TWILIO_SMS, WHATSAPP)}
