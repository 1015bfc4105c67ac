"""What a configuration file must say about a channel is what its code asks for, and all of it is documented."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.configuration import schema
from infra.configuration.check import check_text
from infra.configuration.kinds import Record
from infra.configure import COMMANDS
from throughline.channels import CHANNELS

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "layers" / "core" / "python" / "throughline" / "channels"
PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

_SECRET = re.compile(r"""\.secret(?:_values)?\(["'](\w+)["']\)""")
_MORE_SECRETS = re.compile(r"""\.secrets\.get\(["'](\w+)["']""")
_SETTING = re.compile(r"""\.setting\(["'](\w+)["']\)|settings\[["'](\w+)["']\]""")
_MORE_SETTINGS = re.compile(r"""settings\.get\(["'](\w+)["']""")
# Web chat has no adapter that would read them: signing visitors in does.
_FLOWS = {"webchat": ("sign_visitor_in", "visitor_tokens")}


def asked_for(pattern: re.Pattern[str], channel: str) -> set[str]:
    sources = [SOURCES / f"{channel}.py", *SOURCES.glob(f"_{channel}_*.py")]
    sources += [SOURCES.parent / "flows" / f"{flow}.py" for flow in _FLOWS.get(channel, ())]
    found = [match for source in sources for match in pattern.finditer(source.read_text(encoding="utf-8"))]
    return {name for match in found for name in match.groups() if name}


def test_every_channel_can_be_configured_and_nothing_else_can() -> None:
    assert set(schema.CHANNELS) == set(CHANNELS)


@pytest.mark.parametrize("channel", sorted(CHANNELS))
def test_an_account_has_to_give_what_its_channel_asks_for(channel: str) -> None:
    rules = schema.CHANNELS[channel]
    assert asked_for(_SECRET, channel) == set(rules.secrets)
    assert asked_for(_MORE_SECRETS, channel) == set(rules.more_secrets)
    assert asked_for(_SETTING, channel) == set(rules.settings)
    assert asked_for(_MORE_SETTINGS, channel) == set(rules.more_settings)


def keys() -> Iterator[str]:
    for name, part in vars(schema).items():
        if isinstance(part, Record):
            yield from (key for key in part.keys if name)


@pytest.mark.parametrize("key", sorted({*keys(), *schema.CHANNELS}))
def test_every_key_and_channel_is_on_the_page(key: str) -> None:
    assert f"`{key}`" in PAGE


@pytest.mark.parametrize("channel", sorted(schema.CHANNELS))
def test_what_a_channel_needs_is_on_the_page(channel: str) -> None:
    rules = schema.CHANNELS[channel]
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{channel}` |")]
    assert set(re.findall(r"`(\w+)`", row)) == {channel, *rules.secrets, *rules.more_secrets, *rules.all_settings}


def test_the_example_on_the_page_is_right() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert check_text(example, "prod").problems == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_on_the_page(command: str) -> None:
    assert f"python -m infra.configure {command} " in PAGE
