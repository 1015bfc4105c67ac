"""The parts of a configuration file, their keys, and what may stand there; docs/configuration.md says it in prose."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yaml.nodes import Node, ScalarNode

from infra.addresses import is_web_address
from infra.configuration.kinds import (
    Key,
    Kind,
    Record,
    choice,
    duration,
    fitting,
    listing,
    matching,
    plain,
    quoted,
    table,
    text,
    whole,
)
from infra.configuration.problems import Report
from throughline.domain.routing import WORK_CLASSES

LOCAL_STAGE = "local"
# keys of a queue that are durations → its fields, which are seconds
DURATIONS = {
    "priority": "priority_s",
    "offer": "offer_s",
    "cool_down": "cool_down_s",
    "reopen": "reopen_s",
    "wrap_up": "wrap_up_s",
}
MAX_LEVEL = 5

# '@', '.', '+' and '#' have a meaning in keys: a personal requirement, a level, a set of skills, an item of a table.
NAME = r"[a-z][a-z0-9_-]{0,62}"
_LOOSE_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"
_NAME_ADVICE = "use small letters, digits, - and _, beginning with a letter"
_LOOSE_NAME_ADVICE = "use small letters, digits, - and _"
_PARAMETER = r"(?!.*[0-9a-f]{16})[a-z][a-z0-9_-]{0,31}(/[a-z0-9][a-z0-9_-]{0,31})+"
_LOCALE = r"[a-z]{2,3}([_-][A-Za-z]{2,4})?"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRule:
    """The form of a setting of a channel; `advice` says what to write.

    A text unless it is a `kind` of its own; with `several` a list of them, of which one may stand alone.
    """

    form: str
    advice: str
    kind: type[str | int | bool] = str
    several: bool = False

    def fits(self, value: Any) -> bool:
        """Return whether the channel could work with a plain value."""
        items = value if self.several and isinstance(value, tuple) else (value,)
        return bool(items) and all(
            type(item) is self.kind and re.fullmatch(self.form, str(item)) is not None for item in items
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """What an account of a channel has to say. `address` is the form of the provider's own name of the endpoint.

    `more_secrets` and `more_settings` may be left out.
    """

    address: str
    address_advice: str
    secrets: tuple[str, ...] = ()
    more_secrets: tuple[str, ...] = ()
    settings: Mapping[str, SettingRule] = field(default_factory=dict)
    more_settings: Mapping[str, SettingRule] = field(default_factory=dict)
    template_names: str | None = None  # the form of the provider's own names of templates; None: it has none
    template_advice: str = ""

    @property
    def all_settings(self) -> Mapping[str, SettingRule]:
        """Return the form of every setting that the channel knows."""
        return {**self.settings, **self.more_settings}

    def fits(self, address: str) -> bool:
        """Return whether the provider could call an endpoint so."""
        return re.fullmatch(self.address, address) is not None


def _sid(prefix: str) -> SettingRule:
    return SettingRule(form=f"{prefix}[0-9a-fA-F]{{32}}", advice=f"write {prefix} and 32 digits from 0 to f")


CHANNELS: Mapping[str, ChannelRules] = {
    "telegram": ChannelRules(
        address=r"[A-Za-z0-9_]{3,64}",
        address_advice="write the bot's user name without @",
        secrets=("bot_token", "webhook_secret"),
    ),
    "twilio_sms": ChannelRules(
        address=r"\+[1-9]\d{6,14}|\d{3,8}",
        address_advice="write the number as +<country><number>, or the short code",
        secrets=("auth_token",),
        settings={"account_sid": _sid("AC")},
        more_settings={
            "messaging_service_sid": _sid("MG"),
            "max_segments": SettingRule(form=r"[1-9]\d*", advice="write a whole number from 1", kind=int),
        },
        template_names=r"HX[0-9a-fA-F]{32}",
        template_advice="write the content SID: HX and 32 digits from 0 to f",
    ),
    "webchat": ChannelRules(
        address=_LOOSE_NAME,
        address_advice=_LOOSE_NAME_ADVICE,
        secrets=("signing_key",),
        more_secrets=("identity_secret",),
        settings={
            "origins": SettingRule(
                form=r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?",
                advice="write what browsers call the site: https://shop.example, no path behind it",
                several=True,
            )
        },
        more_settings={
            "title": SettingRule(form=r"(?s).{1,80}", advice="write 1 to 80 characters"),
            "colour": SettingRule(form=r"#[0-9a-fA-F]{6}", advice="write # and six digits from 0 to f, in quotes"),
            "pre_chat": SettingRule(form=NAME, advice=_NAME_ADVICE, several=True),
            "required": SettingRule(form=NAME, advice=_NAME_ADVICE, several=True),
            "closed": SettingRule(form=r"True|False", advice="write true or false", kind=bool),
        },
    ),
    "whatsapp": ChannelRules(
        address=r"\d{5,20}",
        address_advice="write the phone number id, digits only",
        secrets=("app_secret", "verify_token", "access_token"),
        template_names=r"[a-z0-9_]{1,512}",
        template_advice="write the template's name: small letters, digits and _",
    ),
}


def is_parameter_name(name: str) -> bool:
    """Return whether this could name a parameter, and does not look like a secret itself."""
    return re.fullmatch(_PARAMETER, name) is not None


def parameter_name(node: Node, report: Report) -> str | None:
    """Return the name of a parameter; what else stands there is not repeated, it may be the secret."""
    value = node.value if isinstance(node, ScalarNode) else ""
    if not is_parameter_name(value):
        advice = "write something like `telegram/demo/bot_token`, and put the value there with set-secret"
        report.add(node.start_mark, "name a parameter, do not write the secret here", advice)
        return None
    return str(value)


def _name(what: str) -> Kind:
    return matching(NAME, what, _NAME_ADVICE)


def _loose_name(what: str) -> Kind:
    return matching(_LOOSE_NAME, what, _LOOSE_NAME_ADVICE)


_SKILL = _name("a skill's name")
_QUEUE = _name("a queue's name")
_WEB = fitting(is_web_address, "a web address", "write it with https://, without ? and #")
_LEVELS = table(_SKILL, whole(1, MAX_LEVEL, "a proficiency"))
_LANGUAGE = matching(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a language", "write it as in `en`, `id` or `pt-BR`")
_ACCOUNT_NAME = matching(
    f"{NAME}/{_LOOSE_NAME}", "a channel account's name", "write <channel>/<name>, as in the address of its webhook"
)

TEMPLATE = Record(
    {
        "provider_name": Key(kind=text(longest=512)),
        "language": Key(
            kind=matching(_LOCALE, "a language", "write it like `en` or `en_US`"),
            required=True,
        ),
        "text": Key(kind=text(longest=1600), required=True),
        "header": Key(kind=choice("image", "video", "document")),
    }
)

ACCOUNT = Record(
    {
        "address": Key(kind=text(longest=128), required=True),
        "queue": Key(kind=_QUEUE, required=True),
        "skills": Key(kind=_LEVELS),
        "languages": Key(kind=listing(_SKILL)),
        "secrets": Key(kind=table(_name("a secret's name"), listing(parameter_name))),
        "settings": Key(kind=table(_name("a setting's name"), plain)),
        "templates": Key(kind=table(_name("a template's name"), TEMPLATE)),
        "account_limit": Key(kind=whole(1, 10**6, "a limit")),
        "sender_limit": Key(kind=whole(1, 10**6, "a limit")),
    }
)

QUEUE = Record(
    {
        "work_class": Key(kind=choice(*WORK_CLASSES)),
        "skills": Key(kind=_LEVELS),
        "priority": Key(kind=duration(0, 86400)),
        "offer": Key(kind=duration(5, 600)),
        "cool_down": Key(kind=duration(0, 3600)),
        "reopen": Key(kind=duration(0, 30 * 86400)),
        "wrap_up": Key(kind=duration(0, 86400)),
        "dispositions": Key(kind=listing(_name("a disposition"))),
    }
)

CAPACITY = Record(
    {
        "voice": Key(kind=whole(0, 1, "a capacity for voice")),
        "chat": Key(kind=whole(0, 50, "a capacity for chat")),
        "email": Key(kind=whole(0, 200, "a capacity for e-mail")),
    }
)

AGENT = Record(
    {
        "name": Key(kind=text(), required=True),
        "skills": Key(kind=_LEVELS),
        "capacity": Key(kind=CAPACITY),
        "teams": Key(kind=listing(_name("a team's name"))),
        "language": Key(kind=_LANGUAGE),
    }
)

ANSWER = Record(
    {
        "text": Key(kind=text(longest=4000), required=True),
        "queues": Key(kind=listing(_QUEUE)),
        "languages": Key(kind=listing(_SKILL)),
        "shortcut": Key(kind=matching(r"\S{1,32}", "a shortcut", "write up to 32 characters without a space")),
    }
)

ISSUER = Record(
    {
        "audience": Key(kind=text(), required=True),
        "jwks_url": Key(kind=_WEB, required=True),
        "role": Key(kind=choice("agent", "supervisor", "visitor")),
        "groups_claim": Key(kind=text()),
        "supervisor_groups": Key(kind=listing(text())),
    }
)

LOCAL = Record({"secrets": Key(kind=table(parameter_name, quoted(longest=4000)))})

DOCUMENT = Record(
    {
        "skills": Key(kind=table(_SKILL, text())),
        "queues": Key(kind=table(_QUEUE, QUEUE), required=True),
        "channel_accounts": Key(kind=table(_ACCOUNT_NAME, ACCOUNT), required=True),
        "agents": Key(kind=table(_loose_name("an agent's id"), AGENT)),
        "not_ready_reasons": Key(kind=listing(_name("a reason"))),
        "answers": Key(kind=table(_loose_name("an answer's name"), ANSWER)),
        "issuers": Key(kind=table(_WEB, ISSUER)),
        "local": Key(kind=LOCAL),
    }
)
