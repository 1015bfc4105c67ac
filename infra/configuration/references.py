"""What the parts of a configuration file say about one another: names that have to exist, and be there once."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from yaml.nodes import Node, SequenceNode

from infra.configuration.kinds import pairs, shown
from infra.configuration.problems import Mark, Report, instead
from infra.configuration.schema import CHANNELS, LOCAL_STAGE, ChannelRules
from throughline.domain.templates import placeholders

Values = Mapping[str, Any]

PLACEHOLDERS = ("customer_name", "agent_name")  # of a canned answer; the desk fills them in


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that has been read: its plain values, the nodes they come from, the report, and the stage it is for."""

    values: Values
    root: Node
    report: Report
    stage: str

    def part(self, name: str) -> Mapping[str, Values]:
        """Return a part of the file by name; empty if it is absent."""
        found: Mapping[str, Values] = self.values.get(name) or {}
        return found

    def wrong(self, path: Iterable[str | int], wrong: str, advice: str) -> None:
        """Report the value at `path`."""
        self.report.add(place(self.root, path), wrong, advice)


def place(root: Node, path: Iterable[str | int]) -> Mark:
    """Return where the key (or list item) at `path` stands, or the last part of the path that exists."""
    node, mark = root, root.start_mark
    for step in path:
        if isinstance(step, int):
            found = node.value[step] if isinstance(node, SequenceNode) else node
            node, mark = found, found.start_mark
        else:
            key, node = next(((key, value) for key, value in pairs(node) if key.value == step), (node, node))
            mark = key.start_mark
    return mark


def check_references(file: File) -> None:
    """Report every name that is unknown or taken, and what a channel or the stage does not allow.

    Of a file for the stack on one machine no other stage is told more than that.
    """
    if "local" in file.values and file.stage != LOCAL_STAGE:
        advice = f"take it out, or give --stage {LOCAL_STAGE}"
        file.wrong(("local",), f"this part is for the stack on one machine, not for stage {file.stage}", advice)
        return
    for name, account in file.part("channel_accounts").items():
        _check_account(file, name, account)
    _check_addresses(file)
    for part, key in (("channel_accounts", "skills"), ("queues", "skills"), ("agents", "skills")):
        for name, values in file.part(part).items():
            _check_known(file, (part, name, key), values.get(key, ()), "skill", file.part("skills"))
    for name, values in file.part("answers").items():
        _check_answer(file, ("answers", name), values)
    for issuer, values in file.part("issuers").items():
        _check_issuer(file, issuer, values)


def _check_account(file: File, name: str, account: Values) -> None:
    path = ("channel_accounts", name)
    queue = account.get("queue")
    if queue is not None and queue not in file.part("queues"):
        file.wrong((*path, "queue"), f"there is no queue {shown(queue)}", instead(queue, file.part("queues")))
    _check_known(file, (*path, "languages"), account.get("languages", ()), "skill", file.part("skills"))
    channel = name.partition("/")[0]
    if channel in CHANNELS:
        _check_rules(file, path, account, CHANNELS[channel])
    else:
        file.wrong(path, f"there is no channel {shown(channel)}", instead(channel, CHANNELS))


def _check_answer(file: File, path: tuple[str, ...], values: Values) -> None:
    _check_known(file, (*path, "queues"), values.get("queues", ()), "queue", file.part("queues"))
    _check_known(file, (*path, "languages"), values.get("languages", ()), "skill", file.part("skills"))
    for name in re.findall(r"\{(\w+)\}", values.get("text", "")):
        if name not in PLACEHOLDERS:
            wrong = f"nothing is filled in for {shown('{' + name + '}')}"
            file.wrong((*path, "text"), wrong, instead(name, PLACEHOLDERS))


def _check_rules(file: File, path: tuple[str, ...], account: Values, rules: ChannelRules) -> None:
    address = account.get("address")
    if address is not None and not rules.fits(address):
        file.wrong((*path, "address"), f"{shown(address)} is no address of this channel", rules.address_advice)
    secrets, settings = account.get("secrets") or {}, account.get("settings") or {}
    _check_needed(file, (*path, "secrets"), [key for key, names in secrets.items() if names], rules.secrets)
    _check_known(file, (*path, "secrets"), secrets, "secret", (*rules.secrets, *rules.more_secrets))
    _check_needed(file, (*path, "settings"), settings, rules.settings)
    _check_known(file, (*path, "settings"), settings, "setting", rules.all_settings)
    _check_templates(file, path, account, rules)
    for name, value in settings.items():
        rule = rules.all_settings.get(name)
        if rule is not None and not rule.fits(value):
            file.wrong((*path, "settings", name), f"{shown(str(value))} is no {name}", rule.advice)


def _check_templates(file: File, path: tuple[str, ...], account: Values, rules: ChannelRules) -> None:
    for name, template in (account.get("templates") or {}).items():
        where = (*path, "templates", name)
        if rules.template_names is None:
            file.wrong(where, "this channel has no templates", "take it out")
        elif not re.fullmatch(rules.template_names, template.get("provider_name", name)):
            file.wrong(where, "the provider calls no template so", f"{rules.template_advice}, as provider_name")
        numbers = placeholders(template.get("text", ""))
        if numbers != set(range(1, len(numbers) + 1)):
            file.wrong((*where, "text"), "a placeholder is missing", "number them {{1}}, {{2}}, … without a gap")


def _check_needed(file: File, path: tuple[str, ...], given: Iterable[str], needed: Iterable[str]) -> None:
    for name in sorted(set(needed) - set(given)):
        file.wrong(path, f"this channel needs {path[-1]}.{name}", f"add it under {path[-1]}")


def _check_known(file: File, path: tuple[str, ...], given: Iterable[str], what: str, known: Iterable[str]) -> None:
    place_of: Callable[[int, str], str | int] = (
        (lambda _, name: name) if isinstance(given, Mapping) else lambda at, _: at
    )
    for index, name in enumerate(given):
        if name not in known:
            file.wrong((*path, place_of(index, name)), f"there is no {what} {shown(name)}", instead(name, known))


def _check_addresses(file: File) -> None:
    owners: dict[tuple[str, str], str] = {}
    for name, account in file.part("channel_accounts").items():
        channel, address = name.partition("/")[0], account.get("address")
        if address is None:
            continue
        owner = owners.setdefault((channel, address), name)
        if owner != name:
            path = ("channel_accounts", name, "address")
            file.wrong(path, f"{owner} has this address already", "give each account an address of its own")


def _check_issuer(file: File, issuer: str, values: Values) -> None:
    path = ("issuers", issuer)
    addresses = [(path, issuer), ((*path, "jwks_url"), values.get("jwks_url", ""))]
    for where, address in addresses:
        if file.stage != LOCAL_STAGE and address and urlsplit(address).scheme != "https":
            file.wrong(where, "keys that arrive over plain HTTP prove nothing", "use https://")
    if values.get("role") == "visitor" and values.get("supervisor_groups"):
        file.wrong((*path, "supervisor_groups"), "an issuer of visitors yields visitors only", "take the groups out")
