"""The kinds of value a configuration file is made of: each reads one YAML node into a plain value, or reports it.

Nodes instead of loaded values, because a node knows its line, and because YAML would turn `no` into False and a phone
number into an integer. A value that was reported reads as None and is left out of what contains it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from infra.configuration.problems import Report, instead

Kind = Callable[[Node, Report], Any]

_UNITS_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)\s*(s|min|h|d)")
_NULL = "tag:yaml.org,2002:null"
_TEXT = "tag:yaml.org,2002:str"
_PLAIN_TAGS: Mapping[str, Callable[[str], Any]] = {
    "tag:yaml.org,2002:int": lambda text: int(text) if re.fullmatch(r"-?\d+", text) else text,
    "tag:yaml.org,2002:bool": lambda text: text.lower() in {"true", "yes", "on"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key that a record may have, and the kind of its value."""

    kind: Kind
    required: bool = False


def is_empty(node: Node) -> bool:
    """Return whether nothing stands there."""
    return node.tag == _NULL


def pairs(node: Node) -> Iterator[tuple[ScalarNode, Node]]:
    """Return the keys and values of a mapping; of anything else, nothing."""
    if isinstance(node, MappingNode):
        yield from ((key, value) for key, value in node.value if isinstance(key, ScalarNode))


def text(*, longest: int = 200) -> Kind:
    """Any words, as they are written."""

    def read(node: Node, report: Report) -> str | None:
        value = node.value.strip() if isinstance(node, ScalarNode) and not is_empty(node) else ""
        if not value or len(value) > longest:
            report.add(node.start_mark, "a text is expected here", f"write 1 to {longest} characters")
            return None
        return value

    return read


def quoted(*, longest: int) -> Kind:
    """Words that YAML, too, takes for words: what it takes for a number or a date has to stand in quotes."""
    words = text(longest=longest)

    def read(node: Node, report: Report) -> str | None:
        if isinstance(node, ScalarNode) and not is_empty(node) and node.tag != _TEXT:
            report.add(node.start_mark, "this is no text to YAML", "put it in quotes")
            return None
        found: str | None = words(node, report)
        return found

    return read


def matching(pattern: str, what: str, advice: str) -> Kind:
    """Words of a certain form; `what` names them."""
    form = re.compile(pattern)
    return fitting(lambda value: form.fullmatch(value) is not None, what, advice)


def fitting(fits: Callable[[str], bool], what: str, advice: str) -> Kind:
    """Words that pass a check; `what` names them."""

    def read(node: Node, report: Report) -> str | None:
        value = node.value if isinstance(node, ScalarNode) else ""
        if not fits(value):
            report.add(
                node.start_mark, f"{shown(value)} is not {what}" if value else f"{what} is expected here", advice
            )
            return None
        return value

    return read


def choice(*allowed: str) -> Kind:
    """One of a few words."""

    def read(node: Node, report: Report) -> str | None:
        value = node.value if isinstance(node, ScalarNode) else ""
        if value not in allowed:
            report.add(node.start_mark, f"{shown(value)} is not known here", instead(value, allowed))
            return None
        return value

    return read


def whole(lowest: int, highest: int, what: str) -> Kind:
    """A whole number between two bounds, both included."""

    def read(node: Node, report: Report) -> int | None:
        value = node.value if isinstance(node, ScalarNode) else ""
        if not re.fullmatch(r"-?\d{1,9}", value) or not lowest <= int(value) <= highest:
            report.add(node.start_mark, f"{what} is out of bounds", f"write a whole number from {lowest} to {highest}")
            return None
        return int(value)

    return read


def duration(lowest_s: int, highest_s: int) -> Kind:
    """A duration with its unit; reads as seconds."""

    def read(node: Node, report: Report) -> int | None:
        found = _DURATION.fullmatch(node.value.strip()) if isinstance(node, ScalarNode) else None
        if found is None:
            report.add(node.start_mark, "this is not a duration", "write a number with its unit: 20s, 5min, 24h, 7d")
            return None
        seconds = int(found[1]) * _UNITS_S[found[2]]
        if not lowest_s <= seconds <= highest_s:
            bounds = f"from {written(lowest_s)} to {written(highest_s)}"
            report.add(node.start_mark, "this duration is out of bounds", f"choose one {bounds}")
            return None
        return seconds

    return read


def written(seconds: int) -> str:
    """Return a duration as it is written in a file, in the largest unit that divides it."""
    unit = next((unit for unit in ("d", "h", "min") if seconds and seconds % _UNITS_S[unit] == 0), "s")
    return f"{seconds // _UNITS_S[unit]}{unit}"


def plain(node: Node, report: Report) -> Any:
    """A text, a number, true or false, or a list of those; texts keep their leading zeros and signs."""
    if isinstance(node, SequenceNode) and all(isinstance(item, ScalarNode) for item in node.value):
        return tuple(plain(item, report) for item in node.value)
    if isinstance(node, ScalarNode) and not is_empty(node):
        return _PLAIN_TAGS.get(node.tag, str)(node.value)
    report.add(
        node.start_mark, "a plain value is expected here", "write a text, a number, true, false, or a list of them"
    )
    return None


def listing(kind: Kind) -> Kind:
    """A list without repetitions, also written as a single value; reads as a tuple."""

    def read(node: Node, report: Report) -> tuple[Any, ...]:
        if is_empty(node):
            return ()
        items = node.value if isinstance(node, SequenceNode) else [node]
        values: dict[Any, None] = {}
        for item in items:
            value = kind(item, report)
            if value in values:
                report.add(item.start_mark, f"{shown(str(value))} stands here twice", "remove one")
            elif value is not None:
                values[value] = None
        return tuple(values)

    return read


def table(key: Kind, value: Kind) -> Kind:
    """A mapping with free keys of one kind and values of another."""

    def read(node: Node, report: Report) -> dict[str, Any]:
        entries = ((key(name, report), value(item, report)) for name, item in _unique(node, report))
        return {name: item for name, item in entries if name is not None and item is not None}

    return read


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known keys."""

    keys: Mapping[str, Key]

    def __call__(self, node: Node, report: Report) -> dict[str, Any]:
        """Read the keys that are known, and report the others and those that are missing."""
        values: dict[str, Any] = {}
        present: set[str] = set()
        for name, item in _unique(node, report):
            present.add(name.value)
            if name.value not in self.keys:
                report.add(
                    name.start_mark, f"{shown(name.value)} is no key of this part", instead(name.value, self.keys)
                )
            elif (value := self.keys[name.value].kind(item, report)) is not None:
                values[name.value] = value
        for missing in (name for name, key in self.keys.items() if key.required and name not in present):
            report.add(node.start_mark, f"{missing} is missing", f"add the line `{missing}: …`")
        return values


def _unique(node: Node, report: Report) -> Iterator[tuple[ScalarNode, Node]]:
    if not isinstance(node, MappingNode) and not is_empty(node):
        report.add(node.start_mark, "keys with values are expected here", "write lines of the form `key: value`")
    for name, _ in node.value if isinstance(node, MappingNode) else ():
        if not isinstance(name, ScalarNode):
            report.add(name.start_mark, "a key has to be a plain word", "write lines of the form `key: value`")
    seen: set[str] = set()
    for name, value in pairs(node):
        if name.value in seen:
            report.add(name.start_mark, f"{shown(name.value)} stands here twice", "remove or rename one of them")
        else:
            seen.add(name.value)
            yield name, value


def shown(value: str) -> str:
    """Return a value as a message quotes it: not whole if it is long, for it may be a secret at the wrong place."""
    return f"'{value}'" if len(value) <= 24 else f"'{value[:8]}…' ({len(value)} characters)"  # noqa: PLR2004
