"""From a file to a configuration: every problem with its place, or the objects that the functions work with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import Node

from infra.configuration.problems import Problem, Report, Start
from infra.configuration.references import File, check_references, place
from infra.configuration.schema import DOCUMENT, DURATIONS
from throughline.domain.configuration import AgentProfile, Answer, ChannelAccount, Configuration, Issuer, Queue
from throughline.domain.identifiers import AgentId
from throughline.domain.requirements import requirement_for
from throughline.domain.routing import fits, signature_of
from throughline.domain.templates import MessageTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a file says. `configuration` is None when a problem keeps it from being applied."""

    problems: Sequence[Problem]
    configuration: Configuration | None = None
    local_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


def check_file(path: Path, stage: str) -> Checked:
    """Read a file for a stage, and check all of it."""
    return check_text(path.read_text(encoding="utf-8", errors="replace"), stage)


def check_text(source: str, stage: str) -> Checked:
    """Check the text of a file."""
    report = Report()
    root = _compose(source, report)
    if root is None:
        return Checked(problems=report.sorted())
    values: Mapping[str, Any] = DOCUMENT(root, report)
    check_references(File(values=values, root=root, report=report, stage=stage))
    if report.refused:
        return Checked(problems=report.sorted())
    configuration = _compile(values)
    _warn_of_waiting(configuration, root, report)
    _warn_of_idling(configuration, root, report)
    _warn_of_crowding(configuration, root, report)
    secrets = (values.get("local") or {}).get("secrets") or {}
    return Checked(problems=report.sorted(), configuration=configuration, local_secrets=secrets)


def _compose(source: str, report: Report) -> Node | None:
    try:
        root = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        report.add(
            error.problem_mark or Start(),
            f"this is not YAML: {error.problem}",
            "look at indentation, colons and quotes around here",
        )
        return None
    except yaml.reader.ReaderError as error:
        line = source.count("\n", 0, error.position)
        report.add(Start(line=line), "there is a character that no text has", "save the file as UTF-8 text")
        return None
    except RecursionError:
        report.add(Start(), "this nests too deep", "docs/configuration.md has an example; five levels are enough")
        return None
    if root is None:
        report.add(Start(), "the file is empty", "docs/configuration.md has an example")
    return root


def _compile(values: Mapping[str, Any]) -> Configuration:
    return Configuration(
        accounts={name: _account(name, item) for name, item in _part(values, "channel_accounts")},
        queues={name: _queue(name, item) for name, item in _part(values, "queues")},
        skills=dict(_part(values, "skills")),
        agents={AgentId(name): AgentProfile(agent_id=AgentId(name), **item) for name, item in _part(values, "agents")},
        issuers={name: Issuer(issuer=name, **item) for name, item in _part(values, "issuers")},
        answers={name: Answer(name=name, **item) for name, item in _part(values, "answers")},
        not_ready_reasons=values.get("not_ready_reasons", ()),
    )


def _part(values: Mapping[str, Any], name: str) -> Sequence[tuple[str, Any]]:
    return list((values.get(name) or {}).items())


def _account(key: str, item: Mapping[str, Any]) -> ChannelAccount:
    channel, _, name = key.partition("/")
    templates = {key: MessageTemplate(name=key, **template) for key, template in (item.get("templates") or {}).items()}
    return ChannelAccount(channel=channel, name=name, **{**item, "templates": templates})


def _queue(name: str, item: Mapping[str, Any]) -> Queue:
    return Queue(name=name, **{DURATIONS.get(key, key): value for key, value in item.items()})


def _warn_of_waiting(configuration: Configuration, root: Node, report: Report) -> None:
    """Say which contacts would wait for ever, because no agent has the skills and a capacity for their class."""
    for name, account in configuration.accounts.items():
        queue = configuration.queues[account.queue]
        able = [agent for agent in configuration.agents.values() if agent.capacity.get(queue.work_class)]
        for language in account.languages or (None,):
            required = requirement_for(account, queue, language)
            if not any(fits(required, signature_of(agent.skills)) for agent in able):
                wrong = f"no agent with a capacity for {queue.work_class} has {required or 'what it takes'}"
                advice = "such contacts will wait until one is configured"
                report.warn(place(root, ("channel_accounts", name)), wrong, advice)


def _warn_of_idling(configuration: Configuration, root: Node, report: Report) -> None:
    """Say which agents will never be offered anything."""
    for agent in configuration.agents.values():
        if not any(agent.capacity.values()):
            advice = "add a capacity such as `capacity: {chat: 3}` if that is not meant"
            report.warn(place(root, ("agents", agent.agent_id)), f"{agent.agent_id} takes no contacts", advice)


def _warn_of_crowding(configuration: Configuration, root: Node, report: Report) -> None:
    """Say where one sender may use up what the whole account may send."""
    for name, account in configuration.accounts.items():
        if account.sender_limit >= account.account_limit:
            wrong = f"one sender may use up the {account.account_limit} events that are taken in ten seconds"
            report.warn(place(root, ("channel_accounts", name)), wrong, "write a smaller sender_limit")
