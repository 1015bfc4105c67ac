"""Customers, agents and the configuration they work under in the races."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from uuid import UUID

from tests.chaos._race_floor import RaceFloor
from tests.chaos._race_worker import HOME_KEY, Job
from throughline.domain.configuration import AgentProfile, ChannelAccount, Configuration, Queue
from throughline.domain.identifiers import AgentId, Home, Identifier, home_of
from throughline.domain.messages import MessageReceived
from throughline.domain.vias import Via
from throughline.domain.visitors import Profile, Visitor

SMS, WHATSAPP = "twilio_sms/+15005550006", "whatsapp/1001"
QUEUES = {
    "support": Queue(name="support", skills={"en": 1}),
    "sales": Queue(name="sales", skills={"sales": 2}, priority_s=60),
    "phone": Queue(name="phone", work_class="voice", skills={"en": 1}),
    "mail": Queue(name="mail", work_class="email"),
}
ACCOUNTS = (
    ChannelAccount(channel="twilio_sms", name="main", address="+15005550006", queue="support"),
    ChannelAccount(channel="whatsapp", name="main", address="1001", queue="support"),
    ChannelAccount(channel="whatsapp", name="sales", address="1002", queue="sales"),
    ChannelAccount(channel="telegram", name="demo", address="demo", queue="support", skills={"id": 3}),
    ChannelAccount(channel="twilio_sms", name="calls", address="+15005550007", queue="phone"),
    ChannelAccount(channel="twilio_sms", name="mails", address="+15005550008", queue="mail"),
)
WEB_CHAT = ChannelAccount(channel="webchat", name="demo", address="demo", queue="support")

_message_numbers = count(1)


def profile(agent: str, *, skills: Mapping[str, int], **capacity: int) -> AgentProfile:
    return AgentProfile(agent_id=AgentId(agent), name=agent.title(), skills=skills, capacity=capacity)


def configuration(agents: Sequence[AgentProfile]) -> Configuration:
    return Configuration(
        accounts={f"{account.channel}/{account.name}": account for account in (*ACCOUNTS, WEB_CHAT)},
        queues=QUEUES,
        agents={agent.agent_id: agent for agent in agents},
    )


def message(floor: RaceFloor, account: str, *senders: str) -> MessageReceived:
    """Return a message that was sent just now."""
    number = next(_message_numbers)
    return MessageReceived(
        channel=account.partition("/")[0],
        account=account,
        provider_id=f"m{number}",
        senders=tuple(Identifier.parse(sender) for sender in senders),
        sent_ms=floor.now_ms,
        text=f"message {number}",
        name="Maya",
        raw={"number": number},
    )


def timed_id(floor: RaceFloor, number: int) -> str:
    """Return the id of a message that is made now, with its time in it."""
    return str(UUID(int=floor.now_ms << 80 | 7 << 76 | 2 << 62 | number))


def home(sender: str) -> Home:
    return home_of(Identifier.parse(sender), HOME_KEY.encode())


def visitor(identifier: str) -> Visitor:
    via = Via(account=f"{WEB_CHAT.channel}/{WEB_CHAT.address}", identifier=Identifier.parse(identifier))
    return Visitor(account=WEB_CHAT.name, via=via, home=home(identifier), profile=Profile(name="Mina"))


def comes(floor: RaceFloor, agent: str, *, available: bool = True) -> str:
    """Have an agent connect, say hello and perhaps take work; return the connection."""
    job = floor.connects(agent)
    floor.now(job)
    floor.now(floor.says(job.connection, "hello"))
    if available:
        floor.now(available_at(floor, job.connection))
    return job.connection


def available_at(floor: RaceFloor, connection: str, **apart: Any) -> Job:
    return floor.says(connection, "presence.set", presence="available", **apart)
